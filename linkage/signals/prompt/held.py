"""Prompts to the families that they hold: what all prompts of a service go through.

The runs of prompts arrive; pairs of a prompt and a family leave, where the prompt has half of the
family's runs. Most runs of most prompts are of no family, which few bits of them tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linkage.signals.prompt.arrays import I32, I64, U8, U64, unique
from linkage.signals.prompt.compiled import compiled

SPARSE = 4
"""Bits beyond those that number all runs, by which a run of no family is told nearly always."""


@dataclass(frozen=True)
class Runs:
    """The runs of families, quick to find."""

    run: U64
    """Sorted, each once."""
    names: I64
    """The families that have any, sorted."""
    family: I32
    """Of each run, the place of its family among these."""
    size: I64
    """How many runs each of these has."""
    bits: int
    """By so many of its first bits a run is looked up."""
    begin: I32
    """Where the runs begin that have these bits."""
    likely: U8
    """Whether any has these and `SPARSE` more: a bit each, few enough for a processor's cache."""

    @classmethod
    def of(cls, run: U64, family: I64, size: I64) -> Runs:
        """The runs of families in order, the family of each, and the size of each family."""
        bits = max(len(run).bit_length(), 1)
        likely = np.zeros(1 << bits + SPARSE, dtype=bool)
        likely[run >> np.uint64(64 - bits - SPARSE)] = True
        begin = np.zeros((1 << bits) + 1, dtype=np.int32)
        first_bits = (run >> np.uint64(64 - bits)).astype(np.int64)
        np.cumsum(np.bincount(first_bits, minlength=1 << bits), out=begin[1:])
        names = unique(family)
        place = np.searchsorted(names, family).astype(np.int32)
        packed = np.packbits(likely, bitorder="little")
        return cls(run, names, place, size[names], bits, begin, packed)

    def held(self, run: U64, first: I64) -> tuple[I64, I64]:
        """Prompts and the families they hold, as sorted pairs.

        By the runs that begin at each token, and where the tokens of each prompt begin.

        >>> known = np.array([1, 2, 3], dtype=np.uint64) << np.uint64(60)
        >>> runs = Runs.of(known, np.array([0, 0, 1]), np.array([2, 1]))
        >>> [x.tolist() for x in runs.held(known[[0, 2, 2, 1]], np.array([0, 2, 3, 4]))]
        [[0, 0, 1, 2], [0, 1, 1, 0]]
        """
        prompt, family = np.empty((2, len(run)), dtype=np.int64)
        known = (self.run, self.family, self.size, self.bits, self.begin, self.likely)
        pairs = _held(run, first, known, prompt, family)
        return prompt[:pairs], self.names[family[:pairs]]


@compiled
def _held(
    run: U64,
    first: I64,
    known: tuple[U64, I32, I64, int, I32, U8],
    prompt: I64,
    family: I64,
) -> int:
    """Fill in the pairs; returns how many there are."""
    runs, family_of, size, bits, begin, likely = known
    few, more = np.uint64(64 - bits), np.uint64(64 - bits - SPARSE)
    # of each run the last prompt that has it, from 1; of each family how many one prompt has
    last = np.zeros(len(runs), dtype=np.int32)
    found = np.zeros(len(size), dtype=np.int32)
    some = np.empty(len(size), dtype=np.int64)
    pairs = 0
    for number in range(len(first) - 1):
        families = 0
        for at in range(first[number], first[number + 1]):
            one = run[at]
            bit = one >> more
            if not likely[bit >> np.uint64(3)] >> (bit & np.uint64(7)) & 1:
                continue
            for i in range(begin[one >> few], begin[(one >> few) + np.uint64(1)]):
                if runs[i] == one and last[i] != number + 1:
                    last[i] = number + 1
                    if found[family_of[i]] == 0:
                        some[families] = family_of[i]
                        families += 1
                    found[family_of[i]] += 1
        before = pairs
        for which in some[:families]:
            if 2 * found[which] >= size[which]:
                place = pairs
                while place > before and family[place - 1] > which:
                    family[place] = family[place - 1]
                    place -= 1
                family[place], prompt[pairs] = which, number
                pairs += 1
            found[which] = 0
    return pairs
