"""Prompts to what is searched for templates.

The prompts of a sample arrive; a `Corpus` leaves: the hashes of their runs of words, the rarity of
each word, and the postings of the runs that may be of a template. Whoever hands the prompts over
has them in an order that is a hash's: the first few of any are as good as any few.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linkage.signals.prompt.arrays import F32, I64, U8, U32, U64, Column, Mask, sort_hashes
from linkage.signals.prompt.compiled import compiled
from linkage.signals.prompt.postings import Postings, Sample, runs, telling
from linkage.signals.prompt.stock import stock
from linkage.signals.prompt.text import Tokens, rolled, tokenise

PRIOR, SHORTEST, LETTER = 3000.0, 3.0, 0.75
"""Ordinary text: words that it is worth, and nats of a word: some at least, more with each letter
(fitted by eye to English word frequencies: `the` 5 nats, `passage` 8)."""
LONGEST = 12
"""Letters from which on a word is no rarer for being longer."""
STOCK = 0.5
"""Nats of a word in a stock phrase."""
PLACES = 50_000
"""Words of ordinary text in which a piece could have turned up, besides the corpus itself."""
PHRASE = 4.0
"""Nats by which a phrase is commoner than its words' frequencies say, at least (measured: several
phrases in one prompt would be taken for a template with less)."""
CHARACTERS = 1_000_000
"""Characters read at a time: more work than it takes to hand them over."""
CACHED = 250_000
"""Numbers gone over at a time: few enough for a processor's cache."""

OWN = -1
"""The account of a prompt that is an account of its own."""
WORD_BITS = 22
"""Bits by which words are told apart when they are counted."""

T = TypeVar("T")
_TO_WORD = np.uint64(64 - WORD_BITS)
_WORD = np.uint64((1 << WORD_BITS) - 1)
_STOCK = 15
"""What stands for the number of letters of a word in a stock phrase."""


@dataclass(frozen=True)
class Corpus(Sample):
    """A sample of prompts as runs and text, and the postings of the runs that can tell."""

    texts: pa.ChunkedArray
    """By number of the prompt."""
    postings: Postings
    quoting: bool
    """Whether most accounts quote, so that text which nobody uses again says nothing."""


def in_pieces(size: I64, work: Callable[[slice], T], threads: int = 0) -> Iterator[T]:
    """What `work` makes of ranges of items, of `CHARACTERS` in all each, several at a time.

    In order; as many at a time as there are threads; 0: one for each core.
    """
    end = np.cumsum(size)
    whole = np.arange(CHARACTERS, end[-1] if len(end) else 0, CHARACTERS)
    cuts = np.unique(np.concatenate([[0], np.searchsorted(end, whole), [len(size)]])).tolist()
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        yield from pool.map(work, map(slice, cuts[:-1], cuts[1:]))


def tokens_of(
    texts: pa.ChunkedArray, work: Callable[[slice, Tokens], T], threads: int = 0
) -> Iterator[T]:
    """What `work` makes of ranges of prompts and their tokens, in order."""
    size = pc.binary_length(texts).to_numpy(zero_copy_only=False).astype(np.int64) + 1

    def read(at: slice) -> T:
        some = texts.slice(at.start, at.stop - at.start)
        return work(at, tokenise(pa.concat_arrays(some.chunks)))

    return in_pieces(size, read, threads)


def read(texts: pa.ChunkedArray, account: I64, threads: int = 0) -> Corpus:
    """The corpus of some prompts, each with its account, or `OWN`."""
    room = texts.nbytes // 4 + 5 * len(texts)
    run, word, pair = Column(np.uint64, room), Column(np.uint32, room), Column(np.uint64, room)
    length = [np.zeros(1, dtype=np.int64)]
    for part in tokens_of(texts, _seen, threads):
        run.add(part[0])
        word.add(part[1])
        pair.add(part[2])
        length.append(part[3])
    first = np.cumsum(np.concatenate(length))
    nats = _rarity(word.values, pair.values)
    del word, pair
    own = np.flatnonzero(account == OWN)
    account[own] = account.max(initial=OWN) + 1 + np.arange(len(own))
    cost = float(np.log(len(nats) + PLACES)) + PHRASE
    sample = Sample(account, run.values, first, nats, cost)
    return Corpus(account, run.values, first, nats, cost, texts, *telling(sample))


def _seen(_: slice, tokens: Tokens) -> tuple[U64, U32, U64, I64]:
    """What is learned of some prompts at first sight.

    Of each token the run that begins there, and the first bits of the word's hash with its letters
    or `_STOCK`; of each two a hash, with the first bits of the second's; of each prompt its length.
    """
    hashes = tokens.hashes
    word = np.empty(len(hashes), dtype=np.uint32)
    pair = np.empty(max(len(hashes) - 1, 0), dtype=np.uint64)
    _spell(hashes, tokens.letters, stock(hashes), word, pair)
    return runs(hashes, tokens.first), word, pair, np.diff(tokens.first)


@compiled
def _spell(hashes: U64, letters: U8, in_stock: Mask, word: U32, pair: U64) -> None:
    for at in range(len(hashes)):
        bits = hashes[at] >> _TO_WORD
        word[at] = bits << np.uint64(4) | np.uint64(min(letters[at], LONGEST))
        if in_stock[at]:
            word[at] = bits << np.uint64(4) | np.uint64(_STOCK)
        if at > 0:
            pair[at - 1] = rolled(hashes, at - 1, 2) & ~_WORD | bits


def _rarity(word: U32, pair: U64) -> F32:
    """-ln of each word's probability, by the number of different words that it follows.

    Counting words before it (Kneser and Ney's continuation count) rather than occurrences keeps the
    words of a template rare, however often it is used. `PRIOR` words of ordinary text, in which a
    word's rarity goes by its letters, stand in for what a small corpus can't know.
    """
    sort_hashes(pair)
    new = np.ones(len(pair), dtype=bool)
    np.not_equal(pair[1:], pair[:-1], out=new[1:])
    different = pair[new] & _WORD
    count = np.bincount(different.view(np.int64), minlength=1 << WORD_BITS)
    spelled = PRIOR * np.exp(-(SHORTEST + LETTER * np.arange(_STOCK + 1)))
    everything = np.log(len(different) + PRIOR)
    nats = np.empty(len(word), dtype=np.float32)
    for i in range(0, len(word), CACHED):
        some = word[i : i + CACHED]
        letters = some & np.uint32(15)
        rare = everything - np.log(count[some >> np.uint32(4)] + spelled[letters])
        rare[letters == 0] = 0
        rare[letters == _STOCK] = STOCK
        nats[i : i + CACHED] = rare
    return nats
