"""Families with their skeletons: what prompts are compared with once templates are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from linkage.signals.prompt.arrays import I64, bounds, distinct, expand
from linkage.signals.prompt.corpus import Corpus
from linkage.signals.prompt.families import FIXED, Families, find
from linkage.signals.prompt.skeleton import skeleton
from linkage.signals.prompt.text import Tokens

EXAMPLES = 8
"""Prompts, of different accounts, that a skeleton is read off."""


@dataclass(frozen=True)
class Model:
    """Templates found, and how to recognise them."""

    families: Families
    skeletons: Sequence[str]
    """By number of the family; empty: no template."""

    def best(self, tokens: Tokens) -> tuple[I64, I64]:
        """Prompts of a batch that have a template, and the family of the best one."""
        return self.families.choose(*self.families.held(tokens))

    def all(self, tokens: Tokens) -> tuple[I64, I64]:
        """Prompts of a batch and all templates that they hold, as pairs."""
        return self.families.held(tokens)


def learn(corpus: Corpus) -> Model:
    """The templates of a corpus.

    A template is some account's best one, for two accounts at least, or what such a one nests in.
    """
    families, prompt, family = find(corpus)
    chosen_prompt, chosen = families.choose(prompt, family)
    inner, outer = families.outer
    used = np.zeros(len(families), dtype=bool)
    most = int(corpus.account.max(initial=0)) + 1
    by_account, _ = distinct(chosen, corpus.account[chosen_prompt], most)
    used[np.bincount(by_account, minlength=len(families)) >= 2] = True
    used[outer[used[inner]]] = True
    used &= families.rank >= 0

    order = np.argsort(family, kind="stable")
    prompts, first = prompt[order], bounds(family[order], len(families))
    around = bounds(inner, len(families))
    by_family = np.argsort(families.family, kind="stable")
    run_at = bounds(families.family[by_family], len(families))
    skeletons = [""] * len(families)
    for f in np.flatnonzero(used):
        examples = _examples(corpus, prompts[first[f] : first[f + 1]])
        if len(examples) < 2:
            continue
        nested = outer[around[f] : around[f + 1]]
        at, _ = expand(run_at[nested], run_at[nested + 1])
        nats = corpus.nats[corpus.first[examples[0]] : corpus.first[examples[0] + 1]]
        shared = np.sort(families.run[by_family[at]])
        text, fixed = skeleton([corpus.texts[i] for i in examples], shared, nats, corpus.cost)
        if fixed >= FIXED:
            skeletons[f] = text
    known = np.array([bool(s) for s in skeletons], dtype=bool)
    return Model(replace(families, rank=np.where(known, families.rank, -1)), skeletons)


def _examples(corpus: Corpus, prompts: I64) -> list[int]:
    """Prompts of different accounts, the shortest (in tokens) first."""
    prompts = prompts[: 40 * EXAMPLES]
    _, at = np.unique(corpus.account[prompts], return_index=True)
    some = prompts[np.sort(at)[: 2 * EXAMPLES]]
    length = corpus.first[some + 1] - corpus.first[some]
    return [int(i) for i in some[np.lexsort((some, length))][:EXAMPLES]]
