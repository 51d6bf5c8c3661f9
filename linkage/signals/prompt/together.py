"""Which keys are always in the same prompts: keys are groups of runs first, families then.

Pairs of a key and a prompt that has it arrive; pairs of keys leave, where nearly all prompts of the
one have the other. Any two keys of a prompt could be such a pair, which is too many to count: what
only so many prompts may lack is in one of one prompt more, so that few prompts say which pairs are
worth a look, and most of these fail at the first look.
"""

from __future__ import annotations

import numpy as np

from linkage.signals.prompt.arrays import I64, U64, Mask, bounds, contains, expand, order, unique
from linkage.signals.prompt.text import mix

ALIKE = 0.8
"""Share of prompts from which on two texts "always" go together."""
SAMPLE = 24
"""Prompts of a key that are looked at to see what goes together with it."""
AT_A_TIME = 2_000_000
"""Pairs that are compared at a time."""
LIKELY = 24
"""Bits by which most numbers that are not in a set are told at once."""


def together(key: I64, prompt: I64, keys: int, prompts: int, most: float) -> tuple[I64, I64]:
    """Sorted pairs a, b of keys where nearly all of a's prompts (a sample of them) have b.

    `most` is how many times as many prompts as a's b may have; where it is finite, no two keys have
    the very same prompts.
    """
    first = bounds(key, keys)
    size = np.diff(first)
    looked = np.minimum(size, SAMPLE)
    missing = looked - np.ceil(ALIKE * looked).astype(np.int64)
    # in each prompt keys stand in order of size, so that those worth comparing are a range
    by = order(prompt, size[key])
    by_prompt, widest = key[by], int(size.max(initial=0)) + 1
    place = prompt[by] * widest + size[by_prompt]
    # what only so many may lack is in one of one prompt more
    at, a = expand(first[:-1], first[:-1] + np.minimum(looked, missing + 1))
    where = prompt[at] * widest
    low = np.searchsorted(place, where + np.ceil(ALIKE * size[a]).astype(np.int64))
    high = np.searchsorted(
        place, where + np.minimum(most * size[a], widest - 1).astype(np.int64), "right"
    )
    # of the few whose partner would have the very same prompts there is none: that is one key
    alone = (missing == 0) & (size < (1 / (most - 1)))
    high = np.where(alone[a], low, np.maximum(low, high))
    held = _Held(prompt * keys + key)
    pairs = []
    total = np.concatenate([[0], np.cumsum(high - low)])
    begin = 0
    while begin < len(at):
        # whole keys at a time, within bounded memory
        end = max(begin + 1, int(np.searchsorted(total, total[begin] + AT_A_TIME, "right")) - 1)
        end = int(np.searchsorted(a, a[end - 1], "right"))
        row, owner = expand(low[begin:end], high[begin:end])
        pair = unique(a[begin:end][owner] * keys + by_prompt[row])
        pairs.append(_all_through(pair, held, prompt, first, looked, missing))
        begin = end
    pair = np.concatenate(pairs) if pairs else at
    return pair // max(keys, 1), pair % max(keys, 1)


class _Held:
    """A set of numbers, quick to tell what is not in it."""

    def __init__(self, numbers: I64) -> None:
        self._sorted = np.sort(numbers)
        self._likely = np.zeros(1 << LIKELY, dtype=bool)
        self._likely[_bits(numbers)] = True

    def lacks(self, numbers: I64) -> Mask:
        """Which numbers are not in the set."""
        lacking = ~self._likely[_bits(numbers)]
        rest = np.flatnonzero(~lacking)
        lacking[rest] = ~contains(self._sorted, numbers[rest])
        return lacking


def _bits(numbers: I64) -> U64:
    return mix(numbers.astype(np.uint64)) >> np.uint64(64 - LIKELY)


def _all_through(pair: I64, held: _Held, prompt: I64, first: I64, looked: I64, missing: I64) -> I64:
    """The pairs a * keys + b where not too many of the prompts of a that are looked at lack b."""
    keys = len(looked)
    a, b = pair // keys, pair % keys
    keep = a != b
    pair, a, b = pair[keep], a[keep], b[keep]
    lacking = np.zeros(len(pair), dtype=np.int64)
    for turn in range(int(looked.max(initial=0))):
        left = np.flatnonzero(looked[a] > turn)
        if len(left) == 0:
            break
        lacking[left] += held.lacks(prompt[first[a[left]] + turn] * keys + b[left])
        keep = lacking <= missing[a]
        pair, a, b, lacking = pair[keep], a[keep], b[keep], lacking[keep]
    return pair
