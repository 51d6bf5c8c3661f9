"""Prompt text as arrays of token hashes.

A batch of prompts arrives; one `Tokens` leaves, in which every word is a 64-bit hash with its
place in the text. What varies without changing a template is folded (see `characters`), and so are
punctuation and white space, and any run of words with digits in it, which is one token. Scripts
without spaces (Chinese, Japanese, Thai, …) have no words to go by, so there each character is a
token.

Prompts are read where Arrow has them, a byte at a time: millions of strings of Python would take
longer to make than to read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from linkage.signals.prompt.arrays import I64, U8, U64
from linkage.signals.prompt.characters import folded, read, traced
from linkage.signals.prompt.compiled import compiled

NUMBER = np.uint64(0x9E3779B97F4A7C15)
"""The token that stands for any number."""
START, END = np.uint64(0xD1B54A32D192ED03), np.uint64(0xABC98388FB8FAC03)
"""The tokens before and after each prompt: that text begins or ends a prompt tells much."""
FRAME = 2
"""How many of them, so that two words at an end make a run with them."""

PRIME = np.uint64(0x100000001B3)
_ODD = np.uint64(0xBF58476D1CE4E5B9)
_LONGEST = 64
"""Bytes of a word that tell it from others; longer runs are blobs."""


def _eight(byte: int) -> np.uint64:
    """Eight of a byte as one number."""
    return np.uint64(byte * 0x0101010101010101)


_ONE, _BYTE = np.uint64(1), np.uint64(0xFF)
_ONES, _HIGHS, _CASE = _eight(0x01), _eight(0x80), _eight(0x20)
_FROM_A, _BEYOND_Z = _eight(0x80 - ord("a")), _eight(0x7F - ord("z"))
_FROM_0, _BEYOND_9 = _eight(0x80 - ord("0")), _eight(0x7F - ord("9"))
_TO_CASE, _TO_DIGIT, _TO_ONES, _TO_COUNT = (np.uint64(n) for n in (2, 3, 7, 56))
"""Bits from the highest of a byte to that of lower case, to the one that stands for any digit, and
to the lowest; and to the byte in which a product of `_ONES` has the sum of all."""


@dataclass(frozen=True)
class Tokens:
    """The tokens of some prompts, one after another."""

    hashes: U64
    first: I64
    """Where the tokens of each prompt begin, and the end of the last."""
    letters: U8
    """Letters of a word; 3 for a character of a script without spaces, 1 for a number, 0 for a
    frame."""
    text: str
    """What `start` and `end` of each token count in; the three are filled on request only."""
    start: I64
    end: I64


def tokenise(prompts: pa.Array, places: bool = False) -> Tokens:
    """The tokens of prompts, in order, each prompt framed by `START` and `END`.

    >>> prompts = pa.array(["Hello, World 12", "ＨＥＬＬＯ wor\N{ZERO WIDTH SPACE}ld: 3.4"])
    >>> one, other = tokenise(prompts).hashes.reshape(2, 7)
    >>> bool((one == other).all())
    True
    >>> tokenise(prompts[:0], places=True).first.tolist()
    [0]
    """
    prompts, place, text = prompts.cast(pa.large_string()), np.zeros(0, dtype=np.int64), ""
    if places:
        prompts, place, text = traced(prompts)
    else:
        prompts = folded(prompts)
    codes, offset = read(prompts)
    codes = np.concatenate([codes[offset[0] : offset[-1]], np.zeros(8, dtype=np.uint8)])
    eights = np.ndarray((len(codes) - 7,), dtype="<u8", buffer=codes.data, strides=(1,))
    # a word takes two bytes, with what parts it from the next
    most = (len(codes) + len(prompts)) // 2 + 2 * FRAME * len(prompts)
    hashes, letters = np.empty(most, dtype=np.uint64), np.empty(most, dtype=np.uint8)
    first = np.empty(len(offset), dtype=np.int64)
    start, end = np.zeros((2, most if places else 0), dtype=np.int64)
    size = _scan(eights, offset - offset[0], hashes, letters, first, start, end)
    start, end = start[:size], end[:size]
    if places:
        at = end > 0
        start[at], end[at] = place[start[at]], place[end[at] - 1] + 1
    return Tokens(hashes[:size], first, letters[:size], text, start, end)


def mix(values: U64) -> U64:
    """Values whose bits depend on all bits of the given ones (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * _ODD
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


mix_one: Callable[[np.uint64], np.uint64] = compiled(mix)  # type: ignore[assignment]
"""The same for one number, within what is compiled."""


@compiled
def rolled(tokens: U64, at: int, length: int) -> np.uint64:
    """The hash of so many tokens in a row, from a place on."""
    run = tokens[at]
    for i in range(at + 1, at + length):
        run = run * PRIME + tokens[i]
    return mix_one(run)


@compiled
def _scan(
    eights: U64, offset: I64, hashes: U64, letters: U8, first: I64, start: I64, end: I64
) -> int:
    """Fill in the tokens of folded prompts, and where each is if there is room; returns how many.

    `eights` is eight bytes from each place on as one number, by which words are told and hashed.
    """
    count, places = 0, len(start) > 0
    for prompt in range(len(offset) - 1):
        first[prompt] = count
        for _ in range(FRAME):
            hashes[count], letters[count] = START, 0
            count += 1
        at, stop, size, spelled = offset[prompt], offset[prompt + 1], np.int64(0), np.int64(0)
        word, digits, after_number = np.uint64(0), np.uint64(0), False
        while at <= stop:
            some = eights[at]
            high = some & _HIGHS
            plain, lower = some & ~_HIGHS, (some | _CASE) & ~_HIGHS
            # of each byte the highest bit tells: it is that of a sum if the byte is large enough
            letter = (lower + _FROM_A) & ~(lower + _BEYOND_Z) & ~high & _HIGHS
            digit = (plain + _FROM_0) & ~(plain + _BEYOND_9) & ~high & _HIGHS
            ends = ~(letter | digit | high) & _HIGHS
            if stop - at < 8:
                ends |= _HIGHS << np.uint64(8 * (stop - at))
            # all bits below the first byte that is of no word
            word_bits = (ends & (~ends + _ONE)) - _ONE
            length = np.int64(((word_bits >> _TO_ONES) & _ONES) * _ONES >> _TO_COUNT)
            if length > 0 and size < _LONGEST:
                letter, digit, high = letter & word_bits, digit & word_bits, high & word_bits
                kept = some & ((letter | high) >> _TO_ONES) * _BYTE
                word = mix_one(word * PRIME + (kept | letter >> _TO_CASE | digit >> _TO_DIGIT))
                # a letter is a byte that does not go on with another
                more = high & ~(some << _ONE)
                spelled += length - np.int64((more >> _TO_ONES) * _ONES >> _TO_COUNT)
                digits |= digit
            size += length
            at += length
            if length == 8:
                continue
            if size > 0:
                number = digits != 0
                if not (number and after_number):
                    hashes[count] = NUMBER if number else word
                    letters[count] = 1 if number else 3 if spelled == 1 and size >= 3 else spelled
                    if places:
                        start[count] = at - size
                    count += 1
                if places:
                    end[count - 1] = at
                after_number = number
                size, spelled = np.int64(0), np.int64(0)
                word, digits = np.uint64(0), np.uint64(0)
            at += 1
        for _ in range(FRAME):
            hashes[count], letters[count] = END, 0
            count += 1
    first[len(offset) - 1] = count
    return count
