"""Families with their skeletons: what prompts are compared with once templates are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from linkage.signals.prompt.arrays import I64, U64, Mask, bounds, contains, distinct, expand, heads
from linkage.signals.prompt.corpus import CHARACTERS, Corpus
from linkage.signals.prompt.families import Families, find
from linkage.signals.prompt.postings import FIXED
from linkage.signals.prompt.skeleton import Example, skeleton
from linkage.signals.prompt.text import Tokens, tokenise
from linkage.signals.prompt.together import ALIKE

EXAMPLES = 8
"""Prompts, of different accounts, that a skeleton is read off."""

ROUNDS = 3
"""Times that prompts choose their best template; nothing changes after two or three."""


@dataclass(frozen=True)
class Model:
    """Templates found, and how to recognise them."""

    families: Families
    """All templates."""
    order: Families
    """Those that some prompts' best one is among, in the order of choice."""
    skeletons: Sequence[str]
    """By number of the family; empty: no template."""
    quoting: bool
    """Whether most accounts quote: then text that nobody uses again is none."""

    def table(self) -> pa.Table:
        """The number of each template (`template`), and its skeleton (`text`)."""
        number = [i for i, text in enumerate(self.skeletons) if text]
        texts = [self.skeletons[i] for i in number]
        return pa.table(
            {"template": pa.array(number, pa.int32()), "text": pa.array(texts, pa.string())}
        )

    def best(self, run: U64, first: I64) -> tuple[I64, I64]:
        """Prompts that have a template, and the family of the best one.

        By the runs that begin at each token, and where the tokens of each prompt begin.
        """
        return self.order.choose(*self.order.held(run, first))

    def told(self, run: U64, first: I64) -> tuple[I64, I64]:
        """Prompts and the templates that they tell of, two at most, as sorted pairs.

        First the best one, then the highest in rank: an operator's text and what it stands in.
        """
        prompt, family = self.families.held(run, first)
        rank = self.families.rank[family]
        chosen, best = self.order.choose(prompt, family)
        second = ~contains(chosen * len(self.families) + best, prompt * len(self.families) + family)
        order = np.lexsort((family, -rank, second, prompt))
        prompt, family = prompt[order], family[order]
        at = heads(prompt)
        place = np.arange(len(prompt)) - np.repeat(at, np.diff(at, append=len(prompt)))
        return prompt[place < 2], family[place < 2]


def learn(corpus: Corpus, named: Callable[[Families], dict[int, str]] | None = None) -> Model:
    """The templates of a corpus; `named` gives the texts of families that are known already.

    A template is some prompts' best one, in two accounts at least, or what such a one nests in, or
    what nests in one, in three accounts at least, and would be a template by itself.
    """
    families, prompt, family = find(corpus)
    count, most = len(families), int(corpus.account.max(initial=0)) + 1
    inner, outer = families.outer

    def accounts(prompt: I64, family: I64) -> I64:
        return np.bincount(distinct(family, corpus.account[prompt], most)[0], minlength=count)

    # what few choose is likelier a filler that many templates share: let its users choose again
    order = families
    for _ in range(ROUNDS):
        order = order.reranked(accounts(*order.choose(prompt, family)))
    used = order.rank >= 0
    used[outer[used[inner]]] = True
    within = np.bincount(inner, weights=used[outer] & (inner != outer), minlength=count) > 0
    used |= within & families.apart & (accounts(prompt, family) >= 3)
    used &= families.rank >= 0

    skeletons = [""] * len(families)
    for f, text in (named(families) if named else {}).items():
        skeletons[f] = text if used[f] else ""
        used[f] = False
    for f, text in _skeletons(corpus, families, np.flatnonzero(used), prompt, family):
        skeletons[f] = text
    known = np.array([bool(s) for s in skeletons], dtype=bool)
    told = known & ~_redundant(corpus, families, order, prompt, family, known)
    return Model(families.only(told), order.only(known), skeletons, corpus.quoting)


def _redundant(
    corpus: Corpus, families: Families, order: Families, prompt: I64, family: I64, known: Mask
) -> Mask:
    """Which templates always come with another one that is chosen before them.

    Two that have the same accounts, in the same prompts, are one piece of evidence.
    """
    some = known[family]
    prompt, family = prompt[some], family[some]
    count, most = len(families), int(corpus.account.max(initial=0)) + 1
    accounts = np.bincount(distinct(family, corpus.account[prompt], most)[0], minlength=count)
    first = bounds(prompt, len(corpus.account))
    row, owner = expand(first[prompt], first[prompt + 1])
    pair, _ = distinct(family[owner] * count + family[row], corpus.account[prompt[owner]], most)
    at = heads(pair)
    both, a, b = np.diff(at, append=len(pair)), pair[at] // count, pair[at] % count
    place = np.lexsort((families.rank, order.rank)).argsort()
    same = (both >= ALIKE * accounts[a]) & (both >= ALIKE * accounts[b]) & (place[a] > place[b])
    a, b = a[same], b[same]
    redundant = np.zeros(count, dtype=bool)
    for k in np.argsort(-place[a], kind="stable").tolist():
        redundant[b[k]] |= not redundant[a[k]]
    return redundant


def _skeletons(
    corpus: Corpus, families: Families, wanted: I64, prompt: I64, family: I64
) -> Iterator[tuple[int, str]]:
    """Families whose examples do have enough fixed text in common, and that text."""
    order = np.argsort(family, kind="stable")
    prompts, first = prompt[order], bounds(family[order], len(families))
    run, at = families.fixed()
    for f, tokens, parts, examples in _tokenised(corpus, wanted, prompts, first):
        shared = np.sort(run[at[f] : at[f + 1]])
        nats = corpus.nats[corpus.first[examples[0]] : corpus.first[examples[0] + 1]]
        text, worth = skeleton([Example(tokens, p, shared) for p in parts], nats, corpus.cost)
        if worth >= FIXED:
            yield f, text


def _tokenised(
    corpus: Corpus, wanted: I64, prompts: I64, first: I64
) -> Iterator[tuple[int, Tokens, list[slice], list[int]]]:
    """Families with the tokens of their examples, read many at a time."""
    waiting: list[tuple[int, list[int]]] = []
    texts: list[str] = []
    for f in [*wanted.tolist(), None]:
        if f is not None:
            examples = _examples(corpus, prompts[first[f] : first[f + 1]])
            if len(examples) >= 2:
                waiting.append((f, examples))
                texts += [corpus.texts[i].as_py() for i in examples]
        if f is None or sum(map(len, texts)) >= CHARACTERS:
            tokens = tokenise(pa.array(texts, pa.string()), places=True)
            at, done = tokens.first.tolist(), 0
            for g, some in waiting:
                parts = [slice(at[k], at[k + 1]) for k in range(done, done + len(some))]
                yield g, tokens, parts, some
                done += len(some)
            waiting, texts = [], []


def _examples(corpus: Corpus, prompts: I64) -> list[int]:
    """Prompts of different accounts, the shortest (in tokens) first."""
    prompts = prompts[: 40 * EXAMPLES]
    _, at = np.unique(corpus.account[prompts], return_index=True)
    some = prompts[np.sort(at)[: 2 * EXAMPLES]]
    length = corpus.first[some + 1] - corpus.first[some]
    return [int(i) for i in some[np.lexsort((some, length))][:EXAMPLES]]
