"""The few array idioms that the miner is made of: ranges, rows by key, membership."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from linkage.signals.prompt.compiled import compiled

U64 = npt.NDArray[np.uint64]
U32 = npt.NDArray[np.uint32]
U8 = npt.NDArray[np.uint8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_CACHED = 15
"""Bits of the number of values that are sorted at a time (256 KB)."""


class Column:
    """Values that come in parts, one after another in one array, without all parts beside it.

    >>> column = Column(np.int64, room=1)
    >>> column.add(np.array([3, 1]))
    >>> column.add(np.array([2]))
    >>> column.values.tolist()
    [3, 1, 2]
    """

    def __init__(self, dtype: npt.DTypeLike, room: int) -> None:
        self._room, self._size = np.empty(room, dtype), 0

    def add(self, part: npt.NDArray[Any]) -> None:
        """Put values after those that are there."""
        end = self._size + len(part)
        if end > len(self._room):
            small, self._room = self.values, np.empty(2 * end, self._room.dtype)
            self._room[: self._size] = small
        self._room[self._size : end] = part
        self._size = end

    @property
    def values(self) -> npt.NDArray[Any]:
        """All values so far."""
        return self._room[: self._size]


def bounds(keys: npt.NDArray[Any], size: int) -> I64:
    """Where the rows of each key from 0 to `size` begin in sorted `keys`.

    >>> bounds(np.array([0, 0, 2]), 3).tolist()
    [0, 2, 2, 3]
    """
    return np.searchsorted(keys, np.arange(size + 1)).astype(np.int64)


def heads(keys: npt.NDArray[Any], *more: npt.NDArray[Any]) -> I64:
    """Where runs of equal keys begin.

    >>> heads(np.array([5, 5, 7])).tolist()
    [0, 2]
    """
    if len(keys) == 0:
        return np.zeros(0, dtype=np.int64)
    change = np.ones(len(keys), dtype=bool)
    change[1:] = keys[1:] != keys[:-1]
    for other in more:
        change[1:] |= other[1:] != other[:-1]
    return np.flatnonzero(change)


def order(*keys: I64) -> I64:
    """What sorts by the first of some keys of 0 and above, then by the second, …

    As one number where they fit, which sorts several times as fast; rows alike in all keys may come
    in any order.

    >>> order(np.array([1, 0, 1]), np.array([5, 9, 4])).tolist()
    [1, 2, 0]
    """
    packed, room = np.zeros(len(keys[0]), dtype=np.int64), 2**63
    for key in keys:
        size = int(key.max(initial=0)) + 1
        room //= size
        if room == 0:
            return np.lexsort(keys[::-1])
        packed *= size
        packed += key
    return np.argsort(packed)


def expand(start: I64, end: I64) -> tuple[I64, I64]:
    """The indices of all ranges, one after another, and the number of the range each is from.

    >>> [x.tolist() for x in expand(np.array([0, 5]), np.array([2, 6]))]
    [[0, 1, 5], [0, 0, 1]]
    """
    length = end - start
    owner = np.repeat(np.arange(len(length)), length)
    shift = start - (np.cumsum(length) - length)
    return np.arange(length.sum()) + shift[owner], owner


def contains(haystack: npt.NDArray[Any], needles: npt.NDArray[Any]) -> Mask:
    """Which needles are in the sorted haystack."""
    if len(haystack) == 0:
        return np.zeros(len(needles), dtype=bool)
    at = np.minimum(np.searchsorted(haystack, needles), len(haystack) - 1)
    return np.asarray(haystack[at] == needles)


def unique(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The distinct values, sorted (numpy's own hashes, which takes several times as long)."""
    values = np.sort(values)
    return values[heads(values)]


def sort_hashes(values: U64) -> None:
    """Sort numbers whose first bits are a hash's, in place.

    They are put in parts by these first, which then fit a processor's cache: half the time.

    >>> values = np.arange(1_000, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    >>> sort_hashes(values)
    >>> bool((values[1:] > values[:-1]).all())
    True
    """
    end = _part(values, max(len(values).bit_length() - _CACHED, 0)).tolist()
    for first, last in itertools.pairwise([0, *end]):
        values[first:last].sort()


@compiled
def _part(values: U64, bits: int) -> I64:
    """Put values in order of their first bits; returns where each part ends."""
    shift = np.uint64(64 - bits)
    end = np.zeros(1 << bits, dtype=np.int64)
    if bits == 0:
        end[0] = len(values)
        return end
    for value in values:
        end[value >> shift] += 1
    end = np.cumsum(end)
    at = np.zeros(1 << bits, dtype=np.int64)
    at[1:] = end[:-1]
    for part in range(1 << bits):
        while at[part] < end[part]:
            # what stands here goes to its part, what stood there to its own, until one belongs here
            value = values[at[part]]
            to = np.int64(value >> shift)
            while to != part:
                value, values[at[to]] = values[at[to]], value
                at[to] += 1
                to = np.int64(value >> shift)
            values[at[part]] = value
            at[part] += 1
    return end


def repeated(values: I64) -> I64:
    """The values that are there more than once, sorted, each perhaps several times.

    >>> repeated(np.array([3, 1, 3])).tolist()
    [3]
    """
    values = np.sort(values)
    again: I64 = values[1:][values[1:] == values[:-1]]
    return again


def distinct(a: I64, b: I64, size: int) -> tuple[I64, I64]:
    """The distinct pairs of `a` and `b` (below `size`), in order."""
    key = unique(a * size + b)
    return key // size, key % size
