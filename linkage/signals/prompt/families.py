"""Shared runs of words to families: the fixed texts that go together, and how they nest.

The postings of shared runs arrive; `Families` leave, which can tell for any prompt which fixed
texts it holds and which one describes it best. Steps:

1. Runs with the very same prompts are one group.
2. Groups that are nearly always in the same prompts are one family: the pieces of one
   template, however long the slots between them. A prompt holds a family if it has half its runs.
3. A family nests in others that nearly all of its prompts hold: an operator's text in a framework's
   wrapper. Its fixed text is its own and theirs; that has to be rare enough to be no phrase.
4. What fills a slot may be shared too (a quotation, a list of questions). Fixed text differs
   from it in that it begins or ends the prompt, again and again; a shared text without that counts
   only where nothing else explains the prompts.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import igraph
import numpy as np

from linkage.signals.prompt.arrays import (
    F64,
    I64,
    U64,
    Mask,
    bounds,
    contains,
    distinct,
    expand,
    heads,
    order,
    unique,
)
from linkage.signals.prompt.corpus import Corpus
from linkage.signals.prompt.held import Runs
from linkage.signals.prompt.postings import FIXED, WORDS, worth
from linkage.signals.prompt.text import FRAME, mix
from linkage.signals.prompt.together import ALIKE, together

PIECE = 9.0
"""Nats that a piece of text of its own needs to be looked at: one or two words."""
OWN = 20.0
"""Nats that text nested in a template needs to be one too: a clause of three or four words. With
fewer, the first words of common fillers split templates whose pieces are short."""
COMPANY = 1.5
"""Times as many accounts as a text's what it nests in may have to be a piece of the same template:
what more have is a phrase, which many others come with as well."""
PART = 0.1
"""Share of a family's prompts from which on a nested one may stand for them."""


@dataclass(frozen=True)
class Families:
    """Fixed texts, as sets of runs, and their order."""

    run: U64
    """All runs of all families, sorted."""
    family: I64
    """The family of each run."""
    runs: I64
    """Number of runs of each family."""
    rank: I64
    """Of each family: which of several is a prompt's first choice (highest); -1: no template."""
    ends: Mask
    """Whether it begins or ends its prompts."""
    apart: Mask
    """Whether it would be a template without what it nests in, and has a slot of its own."""
    split: Mask
    """Whether what nests in it tells nearly all of its prompts apart."""
    inner: I64
    """Sorted outer * number of families + inner, where the inner one may stand for the outer."""
    outer: tuple[I64, I64]
    """Pairs of a family and one it nests in (or itself), sorted."""

    def __len__(self) -> int:
        return len(self.runs)

    def only(self, wanted: Mask) -> Families:
        """These families with the wanted ones for templates, and no runs of others."""
        keep = wanted[self.family]
        rank = np.where(wanted, self.rank, -1)
        return replace(self, run=self.run[keep], family=self.family[keep], rank=rank)

    def reranked(self, chosen: I64) -> Families:
        """These families in the order of the number of accounts that chose each, if two did."""
        by = np.lexsort((self.rank, chosen, self.ends))
        rank = np.empty(len(self), dtype=np.int64)
        rank[by] = np.arange(len(self))
        return replace(self, rank=np.where((chosen >= 2) & (self.rank >= 0), rank, -1))

    def held(self, run: U64, first: I64) -> tuple[I64, I64]:
        """Prompts and the families they hold, as sorted pairs.

        By the runs that begin at each token, and where the tokens of each prompt begin.
        """
        return self._runs.held(run, first)

    def fixed(self) -> tuple[U64, I64]:
        """The runs of each family and of what it nests in, and where those of each begin."""
        inner, outer = self.outer
        order = np.argsort(self.family, kind="stable")
        at = bounds(self.family[order], len(self))
        place, pair = expand(at[outer], at[outer + 1])
        return self.run[order][place], bounds(inner[pair], len(self))

    @functools.cached_property
    def _runs(self) -> Runs:
        return Runs.of(self.run, self.family, self.runs)

    def choose(self, prompt: I64, family: I64) -> tuple[I64, I64]:
        """For each prompt of sorted pairs its best family, if one is a template."""
        good = self.rank[family] >= 0
        prompt, family = prompt[good], family[good]
        if len(prompt) == 0:
            return prompt, family
        best = self._best(prompt, family)
        at = heads(prompt)
        number = np.repeat(np.arange(len(at)), np.diff(np.append(at, len(prompt))))
        for _ in range(len(self)):  # each round goes one level inwards
            current = best[number]
            inwards = (self.split[current] | self.apart[family]) & contains(
                self.inner, current * len(self) + family
            )
            if not inwards.any():
                break
            best[unique(number[inwards])] = self._best(number[inwards], family[inwards])
        return prompt[at], best

    def _best(self, key: I64, family: I64) -> I64:
        by = np.lexsort((self.rank[family], key))
        last = np.append(heads(key)[1:], len(key)) - 1
        return np.asarray(family[by][last])


def find(corpus: Corpus) -> tuple[Families, I64, I64]:
    """The families of a corpus, and the sorted pairs of prompt and family held there."""
    run, group, prompt, place = _groups(corpus)
    prompts = len(corpus.account)
    groups = int(group.max(initial=-1)) + 1
    group_of_run = group[heads(run)]
    runs_of_group = np.bincount(group_of_run, minlength=groups)
    a, b = together(*distinct(group, prompt, prompts), groups, prompts, 1 / ALIKE)
    both = contains(a * groups + b, b * groups + a)
    graph = igraph.Graph(n=groups, edges=np.column_stack([a[both], b[both]]))
    family_of_group = np.asarray(graph.connected_components().membership, dtype=np.int64)
    count = int(family_of_group.max(initial=-1)) + 1
    size = np.bincount(family_of_group, weights=runs_of_group, minlength=count).astype(np.int64)
    family = family_of_group[group]

    where = order(prompt, family, place - corpus.first[prompt])
    prompt_of, family_of, place_of = prompt[where], family[where], place[where]
    held_prompt, held_family = _hold(prompt_of, family_of, size)
    shape = _Shape.of(corpus, held_prompt, held_family, count)
    outer = _outer(shape, prompts)
    total, apart, own = _information(corpus, shape, outer, prompt_of, family_of, place_of)
    ends = _ends(corpus, shape, outer, prompt_of, family_of, place_of)
    good = (total >= FIXED) & (own >= PIECE) & (shape.accounts >= 2)
    # what nests in a template needs a clause of its own, not the first words of a filler
    nested = (outer[0] != outer[1]) & good[outer[1]]
    good &= (own >= OWN) | (np.bincount(outer[0], weights=nested, minlength=count) == 0)
    inner, split = _nesting(shape, outer, good, prompts)
    rank = _rank(shape, good, ends, total, prompts)
    families = Families(
        corpus.run[place[heads(run)]],
        family_of_group[group_of_run],
        size,
        rank,
        ends,
        (apart >= FIXED) & _varies(corpus, shape),
        split,
        inner,
        outer,
    )
    keep = rank[held_family] >= 0
    return families, held_prompt[keep], held_family[keep]


@dataclass(frozen=True)
class _Shape:
    """Which prompts hold which families, both ways round."""

    family: I64
    prompt: I64
    first: I64
    size: I64
    accounts: I64

    @classmethod
    def of(cls, corpus: Corpus, prompt: I64, family: I64, count: int) -> _Shape:
        by = np.argsort(family, kind="stable")
        prompt, family = prompt[by], family[by]
        most = int(corpus.account.max(initial=0)) + 1
        accounts = np.bincount(distinct(family, corpus.account[prompt], most)[0], minlength=count)
        first = bounds(family, count)
        return cls(family, prompt, first, np.diff(first), accounts)

    def __len__(self) -> int:
        return len(self.size)


def _groups(corpus: Corpus) -> tuple[I64, I64, I64, I64]:
    """Postings again, each with its run's group; groups of too little text are left out."""
    run, prompt, place = corpus.postings.run, corpus.postings.prompt, corpus.postings.place
    start = heads(run)
    if len(start) == 0:
        return run, place, prompt, place
    length = np.diff(np.append(start, len(run)))
    number = mix(np.arange(len(corpus.account), dtype=np.uint64))
    same = np.add.reduceat(number[prompt], start)
    _, example, group = np.unique(same, return_index=True, return_inverse=True)
    # text of a group: the words that its runs cover in its first prompt
    covered, word = distinct(
        np.repeat(group, WORDS),
        (place[start][:, None] + np.arange(WORDS)).ravel(),
        len(corpus.run),
    )
    nats = np.bincount(covered, weights=corpus.nats[word], minlength=len(example))
    good = nats >= PIECE
    renumbered = np.cumsum(good) - 1
    keep = np.repeat(good[group], length)
    return run[keep], renumbered[np.repeat(group, length)[keep]], prompt[keep], place[keep]


def _hold(prompt: I64, family: I64, size: I64) -> tuple[I64, I64]:
    """Of runs found (sorted by prompt and family): pairs with half of the family's runs."""
    at = heads(prompt, family)
    found = np.diff(np.append(at, len(prompt)))
    prompt, family = prompt[at], family[at]
    enough = 2 * found >= size[family]
    return prompt[enough], family[enough]


def _outer(shape: _Shape, prompts: int) -> tuple[I64, I64]:
    """Sorted pairs of a family and one that it nests in, itself included."""
    a, b = together(shape.family, shape.prompt, len(shape), prompts, np.inf)
    nests = shape.accounts[b] >= shape.accounts[a]
    alone = np.arange(len(shape))
    return distinct(
        np.concatenate([a[nests], alone]), np.concatenate([b[nests], alone]), len(shape) or 1
    )


def _covering(shape: _Shape, pairs: tuple[I64, I64], prompt: I64, family: I64) -> tuple[I64, I64]:
    """For pairs of families: postings of the second in the first prompt of the first.

    As numbers of pairs, and of postings (sorted by prompt and family).
    """
    inner, outer = pairs
    some = np.flatnonzero(shape.size[inner])
    wanted = shape.prompt[shape.first[inner[some]]] * len(shape) + outer[some]
    key = np.append(prompt * len(shape) + family, -1)
    begin = heads(key)
    at = np.searchsorted(key[begin[:-1]], wanted)
    held = key[begin[at]] == wanted
    row, owner = expand(begin[at[held]], begin[at[held] + 1])
    return some[held][owner], row


def _information(
    corpus: Corpus, shape: _Shape, outer: tuple[I64, I64], prompt: I64, family: I64, place: I64
) -> tuple[F64, F64, F64]:
    """Worth of each family's text with what it nests in, worth and nats of what is its own."""
    tokens = max(len(corpus.run), 1)
    pair, row = _covering(shape, outer, prompt, family)

    def words(wanted: Mask) -> tuple[I64, I64]:
        """Words that are covered by what some pairs have for the second family."""
        some = wanted[pair]
        covered = place[row[some]][:, None] + np.arange(WORDS)
        return distinct(np.repeat(outer[0][pair[some]], WORDS), covered.ravel(), tokens)

    everything = words(np.ones(len(outer[0]), dtype=bool))
    others = words(outer[0] != outer[1])
    own = ~contains(others[0] * tokens + others[1], everything[0] * tokens + everything[1])
    alone = (everything[0][own], everything[1][own])
    # pieces that are no coincidence together are those that few others have
    close = shape.accounts[outer[1]] <= COMPANY * shape.accounts[outer[0]]
    near = words(close)
    count = len(shape)
    several, two = shape.accounts, np.zeros(count, dtype=np.int64)
    return (
        np.maximum(_worth(corpus, two, *everything), _worth(corpus, several, *near)),
        _worth(corpus, several, *alone),
        np.bincount(alone[0], weights=corpus.nats[alone[1]], minlength=count).astype(np.float64),
    )


def _worth(corpus: Corpus, accounts: I64, family: I64, word: I64) -> F64:
    """Worth of the pieces (words in a row) of each family."""
    key = family * (len(corpus.run) + 1) + word
    piece = heads(np.cumsum(np.diff(key, prepend=-2) != 1))
    nats = np.add.reduceat(corpus.nats[word], piece) if len(piece) else corpus.nats[word]
    return worth(family[piece], nats.astype(np.float64), corpus.cost, accounts)


def _ends(
    corpus: Corpus, shape: _Shape, outer: tuple[I64, I64], prompt: I64, family: I64, place: I64
) -> Mask:
    """Which families begin nearly all of their prompts, or end them, or nest in such."""
    if len(prompt) == 0:
        return np.zeros(len(shape), dtype=bool)
    count = len(shape)
    at = heads(prompt, family)
    last = np.append(at[1:], len(prompt)) - 1
    key = np.sort(shape.prompt * count + shape.family)
    member = contains(key, prompt[at] * count + family[at])
    begins = member & (place[at] <= corpus.first[prompt[at]] + FRAME + 1)
    ends = member & (place[last] + WORDS >= corpus.first[prompt[at] + 1] - FRAME - 1)
    size = np.maximum(shape.size, 1)
    most = np.maximum(
        np.bincount(family[at], weights=begins, minlength=count) / size,
        np.bincount(family[at], weights=ends, minlength=count) / size,
    )
    fixed = most >= ALIKE
    inner, outside = outer
    return np.bincount(inner, weights=fixed[outside], minlength=count) > 0


def _varies(corpus: Corpus, shape: _Shape) -> Mask:
    """Which families have prompts of different lengths; one text with a fixed filler has not."""
    length = np.diff(corpus.first)[shape.prompt]
    varies = np.zeros(len(shape), dtype=bool)
    some = np.flatnonzero(shape.size)
    if len(some):
        first = shape.first[some]
        varies[some] = np.maximum.reduceat(length, first) > np.minimum.reduceat(length, first)
    return varies


def _nesting(shape: _Shape, outer: tuple[I64, I64], good: Mask, prompts: int) -> tuple[I64, Mask]:
    """Pairs outer * count + inner, and which families are told apart by what nests in them."""
    count = len(shape)
    inner, outside = outer
    accounts = shape.accounts
    real = (
        (inner != outside)
        & good[inner]
        & good[outside]
        & (accounts[inner] >= 3)
        & (accounts[inner] >= PART * accounts[outside])
        # of two that nest in each other the larger, or the first, is the outer one
        & ((accounts[inner] < accounts[outside]) | (inner > outside))
    )
    inner, outside = inner[real], outside[real]
    by = np.lexsort((outside, inner))
    inner, outside = inner[by], outside[by]
    at = bounds(inner, count)
    row, owner = expand(at[shape.family], at[shape.family + 1])
    told_family, told_prompt = distinct(outside[row], shape.prompt[owner], max(prompts, 1))
    key = shape.family * max(prompts, 1) + shape.prompt
    told = contains(key, told_family * max(prompts, 1) + told_prompt)
    covered = np.bincount(told_family[told], minlength=count)
    split = (covered >= ALIKE * shape.size) & (covered > 0)
    return np.sort(outside * count + inner), split


def _rank(shape: _Shape, good: Mask, ends: Mask, total: F64, prompts: int) -> I64:
    """Order of choice: fixed ends before none, then more accounts, then more text."""
    count = len(shape)
    explained = np.zeros(prompts, dtype=bool)
    sure = (good & ends)[shape.family]
    explained[shape.prompt[sure]] = True
    left = np.bincount(shape.family, weights=~explained[shape.prompt], minlength=count)
    usable = good & (ends | (2 * left >= shape.size))
    weight = np.where(ends, shape.accounts, left)
    by = np.lexsort((-np.arange(count), total, weight, ends, usable))
    rank = np.empty(count, dtype=np.int64)
    rank[by] = np.arange(count)
    return np.where(usable, rank, -1)
