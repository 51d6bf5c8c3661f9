"""Prompts to the runs of words that several accounts share.

Batches of prompts arrive; a `Corpus` leaves: the tokens of a sample of prompts, and the postings of
every run of `WORDS` tokens that prompts of two accounts or more have. Runs that one account alone
has are most of all text, so a first reading sets bits in a table of fixed size, and only runs that
two accounts may share are kept in the second. Prompts are numbered by a hash of their text
and account: no result depends on the order of rows, and a sample is a range of numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from linkage.signals.prompt.arrays import F32, I64, U8, U64, distinct, heads, unique
from linkage.signals.prompt.text import Tokens, mix, tokenise

WORDS = 4
"""Tokens in a run: the shortest fixed text that can lead to a template. With 5, templates whose
longest piece of fixed text is short are lost; with 3, common phrases drown the rest."""
TOKENS = 24_000_000
"""Tokens that are searched for new templates; of larger inputs, a sample of that size."""
CHARACTERS_OF_TOKEN = 5
"""Characters that a token takes, with its space: what a sample is reckoned by."""
PRIOR, SHORTEST, LETTER = 3000.0, 3.0, 0.75
"""Ordinary text: words that it is worth, and nats of a word: some at least, more with each letter
(fitted by eye to English word frequencies: `the` 5 nats, `passage` 8)."""
PLACES = 50_000
"""Words of ordinary text in which a piece could have turned up, besides the corpus itself."""
PHRASE = 4.0
"""Nats by which a phrase is commoner than its words' frequencies say, at least (measured: several
phrases in one prompt would be taken for a template with less)."""
CHARACTERS = 1_000_000
"""Characters read at a time."""

PIECE = 1_000_000
"""Tokens worked on at a time."""
WORD_BITS = 22
"""Bits by which words are told apart when they are counted."""

_TO_WORD = np.uint64(64 - WORD_BITS)
_PRIME = np.uint64(0x100000001B3)


@dataclass(frozen=True)
class Corpus:
    """A sample of prompts as tokens, and the postings of the runs that accounts share."""

    texts: list[str]
    """By number of the prompt."""
    account: I64
    tokens: U64
    first: I64
    """Where the tokens of each prompt begin, and the end of the last."""
    nats: F32
    """Of each token, the rarity of its word."""
    cost: float
    """Nats that a piece of shared text has to beat: ln of the places where it could have been, and
    what phrases are commoner than their words."""
    run: U64
    """The postings, sorted by run and prompt: hash of the run,"""
    prompt: I64
    """number of the prompt,"""
    place: I64
    """and the first token of the run's first occurrence there."""


def runs(tokens: U64, prompt: I64) -> tuple[U64, I64]:
    """Hashes of all runs of `WORDS` tokens within a prompt, and where each begins."""
    count = max(len(tokens) - WORDS + 1, 0)
    rolled = tokens[:count].copy()
    for i in range(1, WORDS):
        rolled *= _PRIME
        rolled += tokens[i : i + count]
    at = np.flatnonzero(prompt[:count] == prompt[WORDS - 1 :])
    return mix(rolled[at]), at


def pieces(texts: Sequence[str]) -> Iterator[tuple[slice, Tokens]]:
    """Prompts in pieces that bound memory, as tokens."""
    start = size = 0
    for i, text in enumerate(texts):
        size += len(text) + 1
        if size >= CHARACTERS or i + 1 == len(texts):
            yield slice(start, i + 1), tokenise(texts[start : i + 1])
            start, size = i + 1, 0


class Reader:
    """Collects batches of prompts, in any order, into a corpus.

    `characters` is how many there will be, by which the sample is taken.
    """

    def __init__(self, characters: int) -> None:
        self.share = TOKENS * CHARACTERS_OF_TOKEN / max(characters, 1)
        self.texts: list[str] = []
        self.numbers: list[U64] = []
        self.accounts: list[I64] = []
        self.tokens: list[U64] = []
        self.letters: list[U8] = []
        self.lengths: list[I64] = []

    def add(self, texts: Sequence[str], accounts: I64) -> None:
        """Take in prompts, each with its account."""
        numbers = _numbers(texts, accounts)
        if self.share < 1:
            keep = np.flatnonzero(numbers < np.uint64(self.share * 2**64))
            texts = [texts[i] for i in keep.tolist()]
            numbers, accounts = numbers[keep], accounts[keep]
        for at, tokens in pieces(texts):
            self.tokens.append(tokens.hashes)
            self.letters.append(tokens.letters)
            self.lengths.append(np.bincount(tokens.prompt, minlength=at.stop - at.start))
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
        texts = [self.texts[i] for i in order]
        nats = _rarity(tokens, letters)
        cost = float(np.log(len(tokens) + PLACES)) + PHRASE
        return Corpus(texts, account, tokens, first, nats, cost, *_shared(tokens, first, account))


def _numbers(texts: Sequence[str], accounts: I64) -> U64:
    digests = b"".join(
        hashlib.blake2b(t.encode("utf-8", "surrogatepass"), digest_size=8).digest() for t in texts
    )
    return mix(np.frombuffer(digests, dtype="<u8") ^ mix(accounts.astype(np.uint64)))


def _join(parts: list[Any], dtype: type = np.int64) -> Any:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)


def _shared(tokens: U64, first: I64, account: I64) -> tuple[U64, I64, I64]:
    """Postings of the runs that two accounts or more have."""
    bits = max(16, int(np.ceil(np.log2(len(tokens) + 1))) + 1)
    down = np.uint64(64 - bits)
    table = np.zeros(1 << bits, dtype=np.uint32)
    # one bit of 32 an account: two accounts show as two bits, but for one pair in 32
    bit = np.uint32(1) << (mix(account.astype(np.uint64)) & np.uint64(31)).astype(np.uint32)
    for run, prompt, _ in _pieces_of(tokens, first):
        np.bitwise_or.at(table, run >> down, bit[prompt])
    several = (table & (table - np.uint32(1))) != 0
    del table
    kept = []
    for run, prompt, place in _pieces_of(tokens, first):
        likely = several[run >> down]
        kept.append((run[likely], prompt[likely], place[likely]))
    run = _join([part[0] for part in kept], np.uint64)
    owner, place = (_join([part[i] for part in kept]) for i in (1, 2))
    del kept
    order = np.argsort(run, kind="stable")  # places ascend, so prompts and places stay sorted
    run, owner, place = run[order], owner[order], place[order]
    at = heads(run, owner)
    run, owner, place = run[at], owner[at], place[at]
    start = heads(run)
    number = np.repeat(np.arange(len(start)), np.diff(np.append(start, len(run))))
    which, _ = distinct(number, account[owner], int(account.max(initial=0)) + 1)
    keep = np.bincount(which, minlength=len(start))[number] >= 2
    return run[keep], owner[keep], place[keep]


def _pieces_of(tokens: U64, first: I64) -> Iterator[tuple[U64, I64, I64]]:
    """Runs of some prompts at a time, with the number of each one's prompt and first token."""
    begin, prompts = 0, len(first) - 1
    while begin < prompts:
        end = max(begin + 1, int(np.searchsorted(first, first[begin] + PIECE, "right")) - 1)
        prompt = np.repeat(np.arange(begin, end), np.diff(first[begin : end + 1]))
        run, place = runs(tokens[first[begin] : first[end]], prompt)
        yield run, prompt[place], place + first[begin]
        begin = end


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
        parts.append(unique(mix(before * _PRIME + after) & ~words | after >> _TO_WORD))
    different = unique(_join(parts, np.uint64))
    count = np.bincount((different & words).astype(np.int64), minlength=1 << WORD_BITS)
    nats = np.empty(len(tokens), dtype=np.float32)
    for i in range(0, len(tokens), PIECE):
        here = slice(i, i + PIECE)
        spelled = PRIOR * np.exp(-(SHORTEST + LETTER * np.minimum(letters[here], 12)))
        rare = -np.log((count[tokens[here] >> _TO_WORD] + spelled) / (len(different) + PRIOR))
        nats[here] = np.where(letters[here] == 0, 0.0, rare)
    return nats
