"""What all kinds do to text before looking at it: tidy it, and refuse what stands for nothing.

Tidying undoes differences that no reader sees (Unicode compatibility forms, control and
zero-width characters, runs of whitespace). Look-alike letters of other scripts are left alone:
folding them would join values of honest people, and an operator gains little by them.
"""

from __future__ import annotations

import re
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

from linkage.signals.base import Rejected

MAX_LENGTH = 4096
"""Longer values are no identifiers; prompts are exempt."""

PLACEHOLDER = Rejected("placeholder")
TOO_LONG = Rejected("too long")


def listed(text: str, separator: str | None = None) -> frozenset[str]:
    """The entries of a list that is written as text, separated by whitespace or as told."""
    return frozenset(" ".join(entry.split()) for entry in text.split(separator))


_WORDS = listed(
    """
    unknown, unspecified, undefined, undef, none, null, nil, nan, nat, na, n/a, n.a, n\\a,
    not available, not applicable, not provided, not set, not specified, no value, missing,
    empty, blank, default, dummy, fake, sample, example, placeholder, tbd, tba, todo, void,
    test, tests, testing, tester, test test, test1, test123, foo, bar, foobar, foo bar, asdf,
    asdfasdf, asdfgh, qwerty, lorem ipsum, string, text, value, redacted, removed, deleted,
    anonymized, anonymised, anonymous, hidden, masked, private, withheld, confidential, invalid,
    error, true, false, yes, no, other, nothing, inf, -1
    """,
    ",",
)
_LONGEST = max(map(len, _WORDS))
# no letter or digit but 0 and x: "", "-", "???", "********", "0", "000-000", "xxx", "0x0"
_EMPTY = re.compile(r"[\W_0xX]*").fullmatch
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_APOSTROPHES = re.compile("['’`]")
_WORD = re.compile("[a-z0-9]+")
_DROPPED = {"Cc", "Cf", "Cs"}


def tidy(raw: str) -> str:
    """Text without the differences that no reader sees.

    >>> tidy("  Ａnna\\u200b\\tBell ")
    'Anna Bell'
    """
    if raw.isascii():
        if not raw.isprintable():
            raw = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in raw)
        return " ".join(raw.split())
    # composing may bring forth what is dropped, and dropping what is composed: until nothing moves
    while True:
        text = unicodedata.normalize("NFKC", raw)
        kept = (c for c in text if c.isspace() or unicodedata.category(c) not in _DROPPED)
        text = " ".join("".join(kept).split())
        if text == raw:
            return text
        raw = text


def fold(raw: str) -> str:
    """Tidied text without case, for comparing words.

    >>> fold("  STRASSE") == fold("straße")
    True
    """
    text = tidy(raw)
    if text.isascii():
        return text.lower()
    while True:
        folded = tidy(text.casefold())
        if folded == text:
            return text
        text = folded


def words(raw: str) -> list[str]:
    """The words of folded text, without punctuation.

    >>> words("Anne-Marie O'Brien, 2nd")
    ['anne', 'marie', 'obrien', '2nd']
    """
    text = fold(_APOSTROPHES.sub("", fold(raw)))
    if text.isascii():
        return _WORD.findall(text)
    # marks belong to words: in many scripts they are the vowels
    kept = (c if unicodedata.category(c)[0] in "LMN" else " " for c in text)
    return "".join(kept).split()


def is_placeholder(text: str) -> bool:
    """Whether tidied text stands for "no value": such values never link.

    >>> [t for t in ("N/A", "[redacted]", "****", "000-000", "x", "Anna") if not is_placeholder(t)]
    ['Anna']
    """
    if len(text) < 2 or _EMPTY(text):
        return True
    if len(text) > 2 * _LONGEST:
        return False
    word = text.casefold()
    return word in _WORDS or _EDGES.sub("", word) in _WORDS


def are_placeholders(texts: pa.Array) -> pa.BooleanArray:
    """The same of many texts in lower case that begin and end with a letter of ASCII or a digit.

    >>> are_placeholders(pa.array(["not set", "x xx", "anna"])).to_pylist()
    [True, True, False]
    """
    empty = pc.match_substring_regex(texts, r"^[^a-wyz1-9\x80-\x{10ffff}]*$")
    return pc.or_(empty, pc.is_in(texts, pa.array(sorted(_WORDS))))


def unusable(text: str) -> Rejected | None:
    """Why tidied text can be no signal of any kind, or None."""
    if len(text) > MAX_LENGTH:
        return TOO_LONG
    return PLACEHOLDER if is_placeholder(text) else None
