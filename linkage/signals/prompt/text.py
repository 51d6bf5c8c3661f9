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
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from linkage.signals.prompt.arrays import I64, U8, U64, Mask

SEPARATOR, LETTER, DIGIT, CHARACTER, IGNORED = range(5)
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

_DIGIT = 0x10
"""What any digit becomes."""
_BYTES = bytes(
    b if b >= 0x80 else b | 0x20 if chr(b).isalpha() else _DIGIT if chr(b).isdigit() else 0
    for b in range(256)
)
"""UTF-8 without case, in which every separator is 0."""
_HEADS = np.array([(1 << 8 * i) - 1 for i in range(9)], dtype=np.uint64)
"""By number of bytes, the bits of so many."""
_ONE = np.uint64(1)
_ONES, _HIGHS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_DIGITS = _ONES * np.uint64(_DIGIT)

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
    """The tokens of some prompts, one after another."""

    hashes: U64
    first: I64
    """Where the tokens of each prompt begin, and the end of the last."""
    letters: U8
    """Letters of a word; 3 for a character of a script without spaces, 1 for a number, 0 for a
    frame."""
    text: str = ""
    """What `start` and `end` of each token count in; filled on request only."""
    start: I64 = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    end: I64 = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def tokenise(prompts: Sequence[str], places: bool = False) -> Tokens:
    """The tokens of prompts, in order, each prompt framed by `START` and `END`.

    >>> tokens = tokenise(["Hello, World 12", "ＨＥＬＬＯ wor\N{ZERO WIDTH SPACE}ld: 3.4"])
    >>> first, second = tokens.hashes.reshape(2, 7)
    >>> bool((first == second).all())
    True
    >>> tokenise([], places=True).first.tolist()
    [0]
    """
    data, text, place = _encoded(prompts, places)
    # a separator goes before the first byte, so that starts and ends of words take turns
    codes = np.frombuffer(b"\0" + data.translate(_BYTES) + bytes(8), dtype=np.uint8)
    word = codes != 0
    edges = np.flatnonzero(word[1:] != word[:-1]) + 1
    start, end = edges[::2], edges[1::2]
    hashes, letters, digits = _hashed(codes, start, end - start)
    breaks = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 0) + 1
    count = np.diff(np.searchsorted(start, breaks), prepend=0, append=len(start))
    prompt = np.repeat(np.arange(len(prompts)), count[: len(prompts)])
    first = np.ones(len(start), dtype=bool)
    first[1:] = ~(digits[1:] & digits[:-1] & (prompt[1:] == prompt[:-1]))
    keep = np.flatnonzero(first)
    framed = _framed(hashes[keep], prompt[keep], letters[keep], len(prompts))
    if place is None:
        return framed
    start, end = start[keep], end[np.append(keep, len(start))[1:] - 1]
    at = np.flatnonzero(framed.letters)
    spans = np.zeros((2, len(framed.hashes)), dtype=np.int64)
    spans[0, at], spans[1, at] = place[start - 1], place[end - 2] + 1
    return replace(framed, text=text, start=spans[0], end=spans[1])


def _encoded(prompts: Sequence[str], places: bool) -> tuple[bytes, str, I64 | None]:
    """Prompts in folded UTF-8, with NUL between; where asked, the text and the place of each byte.

    Without places only prompts that are not ASCII need folding, and most are.
    """
    text = "\0".join(prompts)
    if text.count("\0") >= len(prompts) > 0:
        prompts = [p.replace("\0", " ") for p in prompts]
        text = "\0".join(prompts)
    if places:
        text = _normal(text)
        data, place = _folded(text)
        return data, text, place
    if text.isascii():
        return text.encode(), "", None
    odd = [i for i, p in enumerate(prompts) if not p.isascii()]
    folded, _ = _folded(_normal("\0".join([prompts[i] for i in odd])))
    parts = list(prompts)
    for i, part in zip(odd, folded.decode().split("\0"), strict=True):
        parts[i] = part
    return "\0".join(parts).encode(), "", None


def _normal(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _folded(text: str) -> tuple[bytes, I64]:
    """Text in UTF-8 without case, look-alikes and marks, and where each byte comes from.

    Characters that are tokens by themselves get spaces around them.
    """
    if text.isascii():
        return text.encode(), np.arange(len(text))
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    classes, folded = _tables()
    kind = classes[points]
    place = np.flatnonzero(kind != IGNORED)
    kind, point = kind[place], folded[points[place]]
    point[(kind == SEPARATOR) & (point != 0)] = ord(" ")
    point[kind == DIGIT] = ord("0")
    alone = kind == CHARACTER
    width = np.where(alone, 3, 1)
    point, place = np.repeat(point, width), np.repeat(place, width)
    first = (np.cumsum(width) - width)[alone]
    point[first] = point[first + 2] = ord(" ")
    data = point.tobytes().decode("utf-32-le").encode()
    size = 1 + (point >= 0x80).astype(np.int64) + (point >= 0x800) + (point >= 0x10000)
    return data, np.repeat(place, size)


def _hashed(codes: U8, start: I64, length: I64) -> tuple[U64, U8, Mask]:
    """Hash of each word, its letters, and whether it has a digit; eight bytes are one number."""
    eight = np.ndarray((len(codes) - 7,), dtype="<u8", buffer=codes.data, strides=(1,))
    hashes = np.zeros(len(start), dtype=np.uint64)
    letters = np.zeros(len(start), dtype=np.uint8)
    digits = np.zeros(len(start), dtype=bool)
    rows: I64 | slice = slice(None)
    for done in range(0, _LONGEST, 8):
        size = np.minimum(length[rows] - done, 8)
        some = eight[start[rows] + done] & _HEADS[size]
        hashes[rows] = mix(hashes[rows] * PRIME + some)
        # a letter is a byte that does not go on with another
        letters[rows] += size.astype(np.uint8) - np.bitwise_count(some & ~(some << _ONE) & _HIGHS)
        other = some ^ _DIGITS
        digits[rows] |= ((other - _ONES) & ~other & _HIGHS) != 0
        rows = np.flatnonzero(length > done + 8)
        if len(rows) == 0:
            break
    letters[(letters == 1) & (length >= 3)] = 3
    letters[digits] = 1
    hashes[digits] = NUMBER
    return hashes, letters, digits


def _framed(hashes: U64, prompt: I64, letters: U8, prompts: int) -> Tokens:
    """Tokens with a frame around each prompt."""
    first = np.zeros(prompts + 1, dtype=np.int64)
    np.cumsum(np.bincount(prompt, minlength=prompts) + 2 * FRAME, out=first[1:])
    at = np.arange(len(hashes)) + FRAME * (2 * prompt + 1)
    framed = np.full(first[-1], START)
    framed[at] = hashes
    for i in range(FRAME):
        framed[first[1:] - 1 - i] = END
    spelled = np.zeros(len(framed), dtype=np.uint8)
    spelled[at] = letters
    return Tokens(framed, first, spelled)


def mix(values: U64) -> U64:
    """Values whose bits depend on all bits of the given ones (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * _ODD
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@functools.cache
def _tables() -> tuple[U8, npt.NDArray[np.uint32]]:
    """Class of every code point, and the code point that it is folded to."""
    classes = np.zeros(0x110000, dtype=np.uint8)
    folded = np.arange(0x110000, dtype=np.uint32)
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
    return classes, folded
