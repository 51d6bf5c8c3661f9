"""Prompts to what is searched for templates.

Batches of prompts arrive; a `Corpus` leaves: the tokens of a sample of prompts, the rarity of each,
and the postings of the runs of words that may be of a template. Prompts are numbered by a hash of
their text and account: no result depends on the order of rows, and a sample is a range of numbers.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from linkage.signals.prompt.arrays import F32, I64, U8, U64, unique
from linkage.signals.prompt.postings import PIECE, Postings, Sample, telling
from linkage.signals.prompt.stock import stock
from linkage.signals.prompt.text import PRIME, Tokens, mix, tokenise

BYTES_OF_TOKEN = 70
"""Memory that the search for templates takes at most for each token, its text included."""
MEMORY = 4_000_000_000 * 2 // 5
"""Bytes that the search may take if nobody says; of larger inputs a sample is searched."""
CHARACTERS_OF_TOKEN = 5
"""Characters that a token takes, with its space: what a sample is reckoned by."""
PRIOR, SHORTEST, LETTER = 3000.0, 3.0, 0.75
"""Ordinary text: words that it is worth, and nats of a word: some at least, more with each letter
(fitted by eye to English word frequencies: `the` 5 nats, `passage` 8)."""
STOCK = 0.5
"""Nats of a word in a stock phrase."""
PLACES = 50_000
"""Words of ordinary text in which a piece could have turned up, besides the corpus itself."""
PHRASE = 4.0
"""Nats by which a phrase is commoner than its words' frequencies say, at least (measured: several
phrases in one prompt would be taken for a template with less)."""
CHARACTERS = 250_000
"""Characters read at a time: few enough for a processor's cache."""

OWN = -1
"""The account of a prompt that is an account of its own."""
WORD_BITS = 22
"""Bits by which words are told apart when they are counted."""

T = TypeVar("T")
_TO_WORD = np.uint64(64 - WORD_BITS)


@dataclass(frozen=True)
class Corpus(Sample):
    """A sample of prompts as tokens and text, and the postings of the runs that can tell."""

    texts: list[str]
    """By number of the prompt."""
    postings: Postings
    quoting: bool
    """Whether most accounts quote, so that text which nobody uses again says nothing."""


def pieces(
    texts: Sequence[str], work: Callable[[Tokens], T], threads: int = 0
) -> Iterator[tuple[slice, T]]:
    """What `work` makes of prompts, in pieces that bound memory, several at a time, in order.

    As many at a time as there are threads; 0: one for each core.
    """
    slices: list[slice] = []
    start = size = 0
    for i, text in enumerate(texts):
        size += len(text) + 1
        if size >= CHARACTERS or i + 1 == len(texts):
            slices.append(slice(start, i + 1))
            start, size = i + 1, 0
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        yield from zip(slices, pool.map(lambda at: work(tokenise(texts[at])), slices), strict=True)


class Reader:
    """Collects batches of prompts, in any order, into a corpus.

    `characters` is how many there will be: if `memory` (in bytes) is too little for them, those of
    a sample are taken.
    """

    def __init__(self, characters: int, memory: int = MEMORY, threads: int = 0) -> None:
        self.share = memory / BYTES_OF_TOKEN * CHARACTERS_OF_TOKEN / max(characters, 1)
        self.threads = threads
        self.texts: list[str] = []
        self.numbers: list[U64] = []
        self.accounts: list[I64] = []
        self.tokens: list[U64] = []
        self.letters: list[U8] = []
        self.lengths: list[I64] = []

    def add(self, texts: Sequence[str], accounts: I64) -> None:
        """Take in prompts, each with its account, or `OWN`."""
        numbers = _numbers(texts, accounts)
        if self.share < 1:
            keep = np.flatnonzero(numbers < np.uint64(self.share * 2**64))
            texts = [texts[i] for i in keep.tolist()]
            numbers, accounts = numbers[keep], accounts[keep]
        for _, tokens in pieces(texts, lambda tokens: tokens, self.threads):
            self.tokens.append(tokens.hashes)
            self.letters.append(tokens.letters)
            self.lengths.append(np.bincount(tokens.prompt))
        self.texts.extend(texts)
        self.numbers.append(numbers)
        self.accounts.append(accounts)

    def corpus(self) -> Corpus:
        """The corpus of all prompts taken in; none are taken in after that."""
        number = _join(self.numbers, np.uint64)
        account, length = _join(self.accounts), _join(self.lengths)
        order = np.lexsort((account, number))
        begin = np.cumsum(length) - length
        first = np.concatenate([[0], np.cumsum(length[order])]).astype(np.int64)
        shift = np.repeat(begin[order] - first[:-1], length[order])
        shift += np.arange(first[-1])
        tokens = _join(self.tokens, np.uint64)[shift]
        letters = _join(self.letters, np.uint8)[shift]
        del shift
        self.tokens, self.letters = [], []
        account = account[order]
        own = np.flatnonzero(account == OWN)
        account[own] = account.max(initial=OWN) + 1 + np.arange(len(own))
        texts = [self.texts[i] for i in order]
        nats = _rarity(tokens, letters)
        cost = float(np.log(len(tokens) + PLACES)) + PHRASE
        sample = Sample(account, tokens, first, nats, cost)
        return Corpus(account, tokens, first, nats, cost, texts, *telling(sample))


def _numbers(texts: Sequence[str], accounts: I64) -> U64:
    digests = b"".join(
        [hashlib.blake2b(t.encode("utf-8", "surrogatepass"), digest_size=8).digest() for t in texts]
    )
    return mix(np.frombuffer(digests, dtype="<u8") ^ mix(accounts.astype(np.uint64)))


def _join(parts: list[Any], dtype: type = np.int64) -> Any:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)


def _rarity(tokens: U64, letters: U8) -> F32:
    """-ln of each word's probability, by the number of different words that it follows.

    Counting words before it (Kneser and Ney's continuation count) rather than occurrences keeps the
    words of a template rare, however often it is used. `PRIOR` words of ordinary text, in which a
    word's rarity goes by its letters, stand in for what a small corpus can't know.
    """
    words = np.uint64((1 << WORD_BITS) - 1)
    parts: list[U64] = []
    for i in range(0, len(tokens), PIECE):
        after = tokens[max(i, 1) : i + PIECE]
        before = tokens[max(i, 1) - 1 : max(i, 1) - 1 + len(after)]
        parts.append(unique(mix(before * PRIME + after) & ~words | after >> _TO_WORD))
    different = unique(_join(parts, np.uint64))
    count = np.bincount((different & words).astype(np.int64), minlength=1 << WORD_BITS)
    nats = np.empty(len(tokens), dtype=np.float32)
    for i in range(0, len(tokens), PIECE):
        here = slice(i, i + PIECE)
        spelled = PRIOR * np.exp(-(SHORTEST + LETTER * np.minimum(letters[here], 12)))
        rare = -np.log((count[tokens[here] >> _TO_WORD] + spelled) / (len(different) + PRIOR))
        nats[here] = np.where(letters[here] == 0, 0.0, rare)
    nats[stock(tokens)] = STOCK
    return nats
