"""Tokens of prompts: compiled loops read as a slow reading of one character after another does."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.signals.prompt.arrays import sort_hashes
from linkage.signals.prompt.characters import _FILLERS, _LOOKALIKES, _UNSPACED
from linkage.signals.prompt.held import Runs
from linkage.signals.prompt.postings import WORDS, runs
from linkage.signals.prompt.text import END, FRAME, NUMBER, PRIME, START, Tokens, tokenise

MASK = 2**64 - 1
HOSTILE = [
    "", " ", "\0", "a\0b", "1 2,3", "x1", "_", "don't", "z{[@`", "/:09", "\x7f\x80", "a" * 7,
    "a" * 8, "a" * 9, "a" * 64 + "1", "1" + "a" * 63, "é" * 40, "e\u0301", "\u0301", "a\u200bb",
    "\ufeff", "中a文1", "ส1วัสดี", "ﬁ", "Ⅷ²", "ÅÅ", "аpple", "ＡＢ１２", "한글", "ᄒ\u1161\u11ab",
    "ß", "🙂", "\U000e0041", "𠀀𠀁", "İI", "\U0010ffff", "٣", "Ⱥ", "ーア",
]  # fmt: skip
TEXT = st.lists(st.one_of(st.text(max_size=12), st.sampled_from(HOSTILE)), max_size=8).map("".join)
PROMPTS = st.lists(TEXT, max_size=5)


def mixed(value: int) -> int:
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & MASK
    return value ^ value >> 31


def folded(char: str) -> str:
    """What a character counts as: nothing, a space, `0` for a digit, or a letter."""
    point = ord(char)
    if point in _FILLERS or 0xFE00 <= point < 0xFE10:
        return ""
    if 0xAC00 <= point < 0xD7A4:
        return char
    unspaced = any(low <= point <= high for low, high in _UNSPACED)
    if unspaced and (point >= 0x20000 or unicodedata.category(char)[0] in "LM"):
        return f" {_letter(char)} "
    if 0x30000 <= point < 0xE0000 or point >= 0xE0200:
        return " "
    category = unicodedata.category(char)
    if category[0] in "LM":
        return _letter(char)
    if category[0] == "N":
        return "0"
    return "" if category == "Cf" else " "


def _letter(char: str) -> str:
    low = _LOOKALIKES.get(char.casefold(), char.casefold())
    return low if len(low) == 1 else char


def words(text: str) -> list[tuple[str, int, int]]:
    """Folded words, each with the places of its first character and after its last."""
    found: list[tuple[str, int, int]] = []
    inside = False
    for place, char in enumerate(text):
        for part in folded(char):
            if part == " ":
                inside = False
                continue
            word, start, _ = found.pop() if inside else ("", place, place)
            found.append((word + part, start, place + 1))
            inside = True
    return found


def token(word: str) -> tuple[int, int]:
    """Hash and letters of a word, by its first 64 bytes."""
    data = word.encode()[:64].replace(b"0", b"\x10")
    if b"\x10" in data:
        return int(NUMBER), 1
    value = 0
    for i in range(0, len(data), 8):
        value = mixed(value * int(PRIME) + int.from_bytes(data[i : i + 8], "little") & MASK)
    letters = sum(byte & 0xC0 != 0x80 for byte in data)
    return value, 3 if letters == 1 and len(word.encode()) >= 3 else letters


def slowly(prompts: list[str]) -> list[tuple[int, int, int, int]]:
    """Hash, letters, start and end of each token."""
    tokens, begin = [], 0
    for prompt in prompts:
        text = unicodedata.normalize("NFKC", prompt)
        tokens += [(int(START), 0, 0, 0)] * FRAME
        for word, start, end in words(text):
            value, letters = token(word)
            if value == NUMBER == tokens[-1][0]:
                tokens[-1] = (*tokens[-1][:3], begin + end)
            else:
                tokens.append((value, letters, begin + start, begin + end))
        tokens += [(int(END), 0, 0, 0)] * FRAME
        begin += len(text) + 1
    return tokens


def as_rows(tokens: Tokens) -> list[tuple[int, int, int, int]]:
    columns = (tokens.hashes, tokens.letters, tokens.start, tokens.end)
    return list(zip(*(column.tolist() for column in columns), strict=True))


# the first call compiles
@settings(deadline=None)
@given(PROMPTS)
def test_tokens_are_those_of_a_slow_reading(prompts: list[str]) -> None:
    expected = slowly(prompts)
    assert as_rows(tokenise(pa.array(prompts, pa.string()), places=True)) == expected
    quick = tokenise(pa.array(prompts, pa.string()))
    assert quick.hashes.tolist() == [row[0] for row in expected]
    assert quick.letters.tolist() == [row[1] for row in expected]


def test_every_character_reads_the_same_alone_and_in_a_word() -> None:
    # planes without characters are tried by their ends
    some = [*range(0x20100), 0x2FFFF, *range(0x2FFF0, 0x30010), *range(0xDFFF0, 0xE0210), 0x10FFFF]
    points = [chr(point) for point in some if not 0xD800 <= point < 0xE000]
    for between in ("", "x", " "):
        prompts = [between.join(points[i : i + 5_000]) for i in range(0, len(points), 5_000)]
        assert as_rows(tokenise(pa.array(prompts), places=True)) == slowly(prompts)


@settings(deadline=None)
@given(PROMPTS, PROMPTS)
def test_a_part_of_an_array_reads_like_the_part_alone(
    before: list[str], prompts: list[str]
) -> None:
    both = pa.array(before + prompts, pa.string())
    tokens = tokenise(both[len(before) :])
    alone = tokenise(pa.array(prompts, pa.large_string()))
    assert tokens.hashes.tolist() == alone.hashes.tolist()
    assert tokens.first.tolist() == alone.first.tolist()


@settings(deadline=None)
@given(PROMPTS)
def test_runs_are_of_four_tokens_of_one_prompt(prompts: list[str]) -> None:
    tokens = tokenise(pa.array(prompts, pa.string()))
    expected = []
    for first, end in zip(tokens.first[:-1].tolist(), tokens.first[1:].tolist(), strict=True):
        for at in range(first, end):
            run = 0
            for value in tokens.hashes[at : at + WORDS].tolist():
                run = run * int(PRIME) + value & MASK
            expected.append(mixed(run) if at + WORDS <= end else 0)
    assert runs(tokens.hashes, tokens.first).tolist() == expected


@settings(deadline=None)
@given(st.lists(st.integers(0, 7), max_size=12), st.lists(st.lists(st.integers(0, 9)), max_size=6))
def test_a_prompt_holds_a_family_by_half_of_its_runs(
    family: list[int], prompts: list[list[int]]
) -> None:
    values = np.arange(12, dtype=np.uint64) << np.uint64(58)
    size = np.bincount(np.array(family, dtype=np.int64), minlength=8)
    known = Runs.of(values[: len(family)], np.array(family, dtype=np.int64), size)
    first = np.cumsum([0, *map(len, prompts)])
    found = known.held(values[[run for prompt in prompts for run in prompt]], first)
    expected = []
    for number, prompt in enumerate(prompts):
        has = defaultdict(set)
        for run in prompt:
            if run < len(family):
                has[family[run]].add(run)
        expected += [(number, f) for f in sorted(has) if 2 * len(has[f]) >= size[f]]
    assert list(zip(*(x.tolist() for x in found), strict=True)) == expected


@pytest.mark.parametrize("size", [0, 1, 1 << 15, 100_000])
def test_hashes_are_sorted(size: int) -> None:
    values = np.random.default_rng(size).integers(0, 2**64, size, dtype=np.uint64)
    values[::3] = 7
    expected = np.sort(values)
    sort_hashes(values)
    assert np.array_equal(values, expected)


def test_where_nothing_can_be_written_nothing_is_kept() -> None:
    """As with a disk that is read-only; whoever runs the tests may write anywhere."""
    code = """if True:
        from numba.core import caching
        def refuse(self): raise OSError("read-only file system")
        caching._CacheLocator.ensure_cache_path = refuse
        from linkage.signals.prompt import templates
        text = "Translate the letter below into formal French, keeping all names: "
        print(templates([text + "Dear Ann, hello", text + "Hi Bob, see you"]))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
    assert "keeping all names: ⟨…⟩" in done.stdout
