"""Prompts to bytes in which all that reads alike is alike.

What varies without changing a word is folded here: width and compositions by Unicode's normal form
(NFKC), and by code point look-alike letters, marks that can't be seen, letter case beyond ASCII.
Text in ASCII stays as it is, since most is: whoever reads it folds letter case alone.
"""

from __future__ import annotations

import functools
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linkage.signals.prompt.arrays import I64, U8, U32, U64
from linkage.signals.prompt.compiled import compiled

SEPARATOR, LETTER, DIGIT, CHARACTER, IGNORED = range(5)
"""What a code point is; a `CHARACTER` is a word by itself, as in scripts without spaces."""
GROWTH = 2
"""Times as many bytes as text has, its folded form may have: a character of three bytes gets a
space on either side."""

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


def folded(prompts: pa.Array) -> pa.Array:
    """Prompts (of large strings), folded where they are not ASCII.

    >>> folded(pa.array(["Plain", "ＮＯ ﬁne №٣, Ça"], pa.large_string())).to_pylist()
    ['Plain', 'no fine no0  ça']
    """
    odd = pc.invert(pc.string_is_ascii(prompts))
    if not pc.any(odd).as_py():
        return prompts
    found, _ = _folded(_normal(prompts.filter(odd)), places=False)
    return pc.replace_with_mask(prompts, odd, found)


def traced(prompts: pa.Array) -> tuple[pa.Array, I64, str]:
    """All prompts folded, and the place of what each byte comes from in the text that leaves, too.

    That is the prompts in normal form with NUL between them.

    >>> some, place, text = traced(pa.array(["Ça", "ﬁn"], pa.large_string()))
    >>> some.to_pylist(), place.tolist(), text[-3:]
    (['ça', 'fin'], [0, 0, 1, 3, 4, 5], 'fin')
    """
    prompts = _normal(prompts)
    text = "\0".join([prompt.replace("\0", " ") for prompt in prompts.to_pylist()])
    return *_folded(prompts, places=True), text


def _normal(prompts: pa.Array) -> pa.Array:
    """Prompts in Unicode's normal form (NFKC)."""
    return pa.array([unicodedata.normalize("NFKC", p) for p in prompts.to_pylist()], prompts.type)


def read(prompts: pa.Array) -> tuple[U8, I64]:
    """The bytes of prompts, and where each begins, with the end of the last."""
    _, offsets, data = prompts.buffers()
    offset = np.frombuffer(offsets, np.int64)[prompts.offset :][: len(prompts) + 1]
    return np.frombuffer(data or b"", np.uint8), offset


def _folded(prompts: pa.Array, places: bool) -> tuple[pa.Array, I64]:
    given, offset = read(prompts)
    codes = np.empty(GROWTH * int(offset[-1] - offset[0]), dtype=np.uint8)
    first = np.empty(len(offset), dtype=np.int64)
    place = np.empty(len(codes) if places else 0, dtype=np.int64)
    _fold(given, offset, _table(), codes, first, place)
    buffers = [None, pa.py_buffer(first), pa.py_buffer(codes)]
    return pa.Array.from_buffers(prompts.type, len(prompts), buffers), place[: first[-1]]


@compiled
def _fold(given: U8, offset: I64, table: U64, codes: U8, first: I64, place: I64) -> None:
    """Fill in folded bytes, where each prompt begins, and the place of each byte if there is room.

    What is given is UTF-8 without errors, since Python has read it.
    """
    size, character, places = 0, 0, len(place) > 0
    for prompt in range(len(offset) - 1):
        first[prompt] = size
        at = offset[prompt]
        while at < offset[prompt + 1]:
            code, more = np.int64(given[at]), 0
            if code >= 0xF0:
                code, more = code & 0x07, 3
            elif code >= 0xE0:
                code, more = code & 0x0F, 2
            elif code >= 0x80:
                code, more = code & 0x1F, 1
            for i in range(at + 1, at + 1 + more):
                code = code << 6 | np.int64(given[i]) & 0x3F
            at += 1 + more
            left = table[code]
            while left > 0:
                codes[size] = left & np.uint64(0xFF)
                if places:
                    place[size] = character
                left >>= np.uint64(8)
                size += 1
            character += 1
        # a prompt takes a place more than it has characters
        character += 1
    first[len(offset) - 1] = size


@functools.cache
def _table() -> U64:
    """For each code point the bytes in UTF-8 that it is folded to, the first one lowest."""
    kinds = np.zeros(0x110000, dtype=np.uint8)
    folded = np.arange(0x110000, dtype=np.uint32)
    for point in range(0x110000):
        if 0xAC00 <= point < 0xD7A4:
            kinds[point] = LETTER
            continue
        if 0x30000 <= point < 0xE0000 or point >= 0xE0200:
            continue
        char = chr(point)
        category = unicodedata.category(char)
        if category[0] in "LM":
            kinds[point] = LETTER
            low = char.casefold()
            low = _LOOKALIKES.get(low, low)
            if len(low) == 1:
                folded[point] = ord(low)
        elif category[0] == "N":
            kinds[point] = DIGIT
        elif category == "Cf" or category == "Cs":
            kinds[point] = IGNORED
    for begin, end in _UNSPACED:
        area = kinds[begin : end + 1]
        area[area == LETTER] = CHARACTER
    kinds[0x20000:0x40000] = CHARACTER
    kinds[0xFE00:0xFE10] = IGNORED
    kinds[list(_FILLERS)] = IGNORED
    folded[kinds == SEPARATOR] = ord(" ")
    folded[kinds == DIGIT] = ord("0")
    table = _utf8(folded)
    alone = kinds == CHARACTER
    # all of them take three bytes or four
    behind = np.where(folded[alone] < 0x10000, 32, 40).astype(np.uint64)
    table[alone] = ord(" ") | table[alone] << 8 | ord(" ") << behind
    table[kinds == IGNORED] = 0
    return table


def _utf8(points: U32) -> U64:
    """Code points in UTF-8, each as one number."""
    more = (points >= 0x80).astype(np.uint32) + (points >= 0x800) + (points >= 0x10000)
    # the bits of the first byte that tell how many more there are
    packed = np.array([0, 0xC0, 0xE0, 0xF0], dtype=np.uint64)[more] | points >> 6 * more
    for place in range(1, 4):
        some = more >= place
        byte = points[some] >> 6 * (more[some] - place) & 0x3F | 0x80
        packed[some] |= byte.astype(np.uint64) << 8 * place
    return packed
