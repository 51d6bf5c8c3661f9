"""Prompt text as arrays of token hashes.

A batch of prompts arrives; one `Tokens` leaves, in which every word is a 64-bit hash with its
place in the text. What varies without changing a template is folded here: letter case and width,
look-alike letters, zero-width characters, punctuation and white space, and any run of words with
digits in it, which is one token. Scripts without spaces (Chinese, Japanese, Thai, …) have no words
to go by, so there each character is a token.

All prompts of a batch are one array of code points, since numpy's cost is a call's, not a prompt's.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

SEPARATOR, LETTER, DIGIT, CHARACTER, IGNORED = range(5)
NUMBER = np.uint64(0x9E3779B97F4A7C15)
"""The token that stands for any number."""
START, END = np.uint64(0xD1B54A32D192ED03), np.uint64(0xABC98388FB8FAC03)
"""The tokens before and after each prompt: that text begins or ends a prompt tells much."""
FRAME = 2
"""How many of them, so that two words at an end make a run with them."""

_PRIME = 0x100000001B3
_ODD = np.uint64(0xBF58476D1CE4E5B9)
_LONGEST = 64
"""Letters of a word that tell it from others; longer runs are blobs."""

_LOOKALIKES = dict(zip("аеорсухіјѕһԁԛԝοαενικρτυχı", "aeopcyxijshdqwoaevikptuxi", strict=True))
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3041, 0x30FF),  # kana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_FILLERS = (0x034F, 0x115F, 0x1160, 0x3164, 0x2800)


@dataclass(frozen=True)
class Tokens:
    """The tokens of a batch: hash, number of the prompt in the batch, and place in `text`."""

    text: str
    hashes: U64
    prompt: I64
    start: I64
    end: I64
    letters: I64
    """Letters of a word; 3 for a character of a script without spaces, 1 for a number, 0 for a
    frame."""


def tokenise(prompts: Sequence[str]) -> Tokens:
    """The tokens of prompts, in order, each prompt framed by `START` and `END`.

    >>> tokens = tokenise(["Hello, World 12", "ＨＥＬＬＯ wor\N{ZERO WIDTH SPACE}ld: 3.4"])
    >>> first, second = tokens.hashes.reshape(2, 7)
    >>> bool((first == second).all())
    True
    """
    text = "\0".join(p.replace("\0", " ") if "\0" in p else p for p in prompts)
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    classes, folded = _tables()
    kind = classes[points]
    place = np.flatnonzero(kind != IGNORED)
    kind, point = kind[place], points[place]
    word = (kind == LETTER) | (kind == DIGIT)
    alone = kind == CHARACTER
    # a token starts where a run of letters and digits does, and at every lone character
    before = np.empty_like(word)
    before[:1] = False
    before[1:] = word[:-1]
    starts = np.flatnonzero((word & ~before) | alone)
    if len(starts) == 0:
        none = np.zeros(0, dtype=np.int64)
        return _framed(Tokens(text, none.astype(np.uint64), none, none, none, none), len(prompts))
    inside = np.flatnonzero(word | alone)
    first = np.searchsorted(inside, starts)
    lengths = np.diff(np.append(first, len(inside)))
    offset = np.minimum(np.arange(len(inside)) - np.repeat(first, lengths), _LONGEST)
    values = folded[point[inside]] * _powers()[offset]
    hashes = mix(np.add.reduceat(values, first))
    digits = np.add.reduceat((kind[inside] == DIGIT).astype(np.int64), first) > 0
    hashes[digits] = NUMBER
    prompt = np.searchsorted(np.flatnonzero(point == 0), starts)
    letters = np.where(digits, 1, np.where(alone[starts], 3, lengths))
    end = place[inside[first + lengths - 1]] + 1
    start = place[starts]
    again = np.zeros(len(starts), dtype=bool)
    again[1:] = digits[1:] & digits[:-1] & (prompt[1:] == prompt[:-1])
    if again.any():
        keep = np.flatnonzero(~again)
        last = np.append(keep[1:], len(starts)) - 1
        hashes, prompt, start, end = hashes[keep], prompt[keep], start[keep], end[last]
        letters = letters[keep]
    return _framed(Tokens(text, hashes, prompt, start, end, letters), len(prompts))


def _framed(tokens: Tokens, prompts: int) -> Tokens:
    """The tokens, with a frame around each prompt."""
    length = np.bincount(tokens.prompt, minlength=prompts) + 2 * FRAME
    end_of = np.cumsum(length)
    size = int(length.sum())
    at = np.arange(len(tokens.hashes)) + FRAME * (2 * tokens.prompt + 1)

    def put(values: Any, otherwise: int) -> Any:
        framed = np.full(size, otherwise, dtype=values.dtype)
        framed[at] = values
        return framed

    hashes = put(tokens.hashes, int(START))
    for i in range(FRAME):
        hashes[end_of - 1 - i] = END
    prompt = np.repeat(np.arange(prompts), length)
    start, end, letters = (put(v, 0) for v in (tokens.start, tokens.end, tokens.letters))
    return Tokens(tokens.text, hashes, prompt, start, end, letters)


def mix(values: U64) -> U64:
    """Values whose bits depend on all bits of the given ones (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * _ODD
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@functools.cache
def _powers() -> U64:
    powers = np.full(_LONGEST + 1, _PRIME, dtype=np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


@functools.cache
def _tables() -> tuple[npt.NDArray[np.uint8], U64]:
    """Class and folded hash of every code point."""
    classes = np.zeros(0x110000, dtype=np.uint8)
    folded = np.arange(0x110000, dtype=np.uint64)
    for point in range(0x110000):
        if 0xAC00 <= point < 0xD7A4:
            classes[point] = LETTER
            continue
        if 0x30000 <= point < 0xE0000 or point >= 0xE0200:
            continue
        char = chr(point)
        category = unicodedata.category(char)
        if category[0] in "LM":
            classes[point] = LETTER
            low = char.casefold()
            low = _LOOKALIKES.get(low, low)
            if len(low) == 1:
                folded[point] = ord(low)
        elif category[0] == "N":
            classes[point] = DIGIT
        elif category == "Cf" or category == "Cs":
            classes[point] = IGNORED
    for begin, end in _UNSPACED:
        area = classes[begin : end + 1]
        area[area == LETTER] = CHARACTER
    classes[0x20000:0x40000] = CHARACTER
    classes[0xFE00:0xFE10] = IGNORED
    classes[list(_FILLERS)] = IGNORED
    return classes, mix(folded + NUMBER)
