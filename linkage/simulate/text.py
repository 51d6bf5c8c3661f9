"""Text by a grammar, millions of prompts at a time.

A prompt is a ragged row of numbers of pieces (words and phrases); one Arrow `take` over the pieces
turns a whole batch into one buffer of text, and the rows' ends in it are the strings. So text
costs a few numpy operations a word and no Python loop. Sentences follow patterns that a small
context-free grammar expands once, some thousands a type; words are drawn from their class with a
heavy tail.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from linkage.simulate import words

Ints = npt.NDArray[Any]

# forms of a piece: bit 0 no space behind it, bit 1 capitalised
NO_SPACE, CAPITAL, FORMS = 1, 2, 4

GRAMMAR = {
    "NP": [
        "DET NOUN",
        "DET NOUN",
        "DET ADJ NOUN",
        "DET ADJ NOUN PREP DET NOUN",
        "DET NOUN PREP RARE",
        "RARE",
        "NAME",
        "NUM ADJ NOUN",
        "DET ADJ ADJ NOUN",
        "DET RARE NOUN",
    ],
    "VP": ["VERB NP", "VERB NP", "VERB NP PREP NP", "ADV VERB NP", "AUX BASE NP", "VERB NP ADV"],
    "CLAUSE": ["NP VP", "NP VP", "PRON AUX BASE NP", "NP VP PREP NP"],
    "statement": [
        "CLAUSE .",
        "CLAUSE .",
        "CLAUSE , CONJ CLAUSE .",
        "ADV , CLAUSE .",
        "CONJ CLAUSE , CLAUSE .",
        "PREP NP , CLAUSE .",
        "NP , NP CONJ NP VP .",
    ],
    "request": [
        "OPEN NP .",
        "OPEN NP CONJ CLAUSE .",
        "BASE NP PREP NP .",
        "please BASE NP .",
        "OPEN NP , CLAUSE .",
        "BASE NP CONJ BASE NP .",
        "BASE NP as FORMAT .",
    ],
    "question": [
        "ASK AUX NP BASE NP ?",
        "ASK NOUN VERB NP ?",
        "AUX PRON BASE NP PREP NP ?",
        "ASK is NP ADJ ?",
        "AUX NP BASE NP , CONJ AUX PRON BASE NP ?",
    ],
    "instruction": [
        "you are DET ADJ ROLE .",
        "act as DET ADJ ROLE PREP DET NOUN .",
        "BASE NP PREP NP .",
        "BASE NP , then BASE NP .",
        "answer with FORMAT only .",
        "do not BASE NP unless CLAUSE .",
        "keep the NOUN ADJ CONJ ADJ .",
        "if CLAUSE , BASE NP .",
        "use at most NUM NOUN .",
        "first BASE NP ; after that BASE NP .",
        "never BASE NP PREP NP .",
        "the NOUN below VERB NP .",
        "write FORMAT for DET ROLE who VERB NP .",
        "ADV BASE DET NOUN , CONJ BASE every NOUN .",
    ],
    "cue": ["NOUN :", "DET ADJ NOUN :", "here is DET NOUN :", "NOUN to BASE :", "NOUN PREP NOUN :"],
    "phrase": ["NP", "ADJ NOUN", "NOUN", "NAME", "RARE", "NUM", "NOUN PREP NP", "RARE RARE"],
    "code": [
        "RARE = NOUN ( RARE , NUM ) LINE",
        "if RARE > NUM : return NOUN LINE",
        "for NOUN in RARE : NOUN = RARE [ NUM ] LINE",
        "RARE ( NOUN = RARE , ADJ = NUM ) LINE",
        "select NOUN , RARE from NOUN where RARE = NUM LINE",
    ],
    "item": ["- NP LINE", "NUM . CLAUSE LINE", "- CLAUSE LINE"],
}
TYPES = ("statement", "request", "question", "instruction", "cue", "phrase", "code", "item")
PATTERNS_PER_TYPE = 1500
PUNCTUATION = (".", ",", "?", ":", ";", ")", "]")
OPENING_BRACKETS = ("(", "[")


@dataclass(frozen=True)
class Ragged:
    """Rows of different lengths: row i is `values[offsets[i]:offsets[i + 1]]`."""

    values: Ints
    offsets: Ints

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: Ints) -> Ragged:
        """The given rows, in the given order, repeated as given.

        >>> r = Ragged(np.array([7, 8, 9]), np.array([0, 1, 3]))
        >>> r.take(np.array([1, 0, 1])).values.tolist()
        [8, 9, 7, 8, 9]
        """
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        offsets = ends(lengths)
        where = np.arange(offsets[-1], dtype=np.int64)
        where += np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return Ragged(np.take(self.values, where), offsets)

    @staticmethod
    def of(rows: list[Ints]) -> Ragged:
        """Ragged rows from a list of arrays."""
        values = np.concatenate(rows) if rows else np.empty(0, np.int32)
        return Ragged(values.astype(np.int32), ends(np.array([len(r) for r in rows], np.int64)))


def ends(lengths: Ints) -> Ints:
    """Offsets of rows with the given lengths: 0, then running sums."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


@dataclass(frozen=True)
class Lexicon:
    """Pieces in four forms each, their classes, and sentence patterns by type.

    Number of a piece in a form: form * `size` + piece. `patterns` holds class numbers and `forms`
    the form that each place asks for.
    """

    pieces: tuple[str, ...]
    classes: tuple[str, ...]
    start: Ints
    count: Ints
    patterns: Ragged
    forms: Ints

    @property
    def size(self) -> int:
        """Number of pieces."""
        return len(self.pieces)

    def vocabulary(self, extra: list[str]) -> pa.Array:
        """All forms of all pieces as text, then the `extra` ones: spaced, then without a space."""
        spaced = [piece + (piece[-1:] != "\n") * " " for piece in self.pieces]
        capital = [text[:1].upper() + text[1:] for text in spaced]
        bare = [list(self.pieces), [p[:1].upper() + p[1:] for p in self.pieces]]
        texts = spaced + bare[0] + capital + bare[1]
        texts += [text + " " for text in extra] + extra
        return pa.array(texts, pa.string())

    def sentences(self, rng: np.random.Generator, types: Ints) -> Ragged:
        """One new sentence of each given type (numbers into `TYPES`)."""
        chosen = types.astype(np.int64) * PATTERNS_PER_TYPE
        chosen += rng.integers(0, PATTERNS_PER_TYPE, len(types))
        places = self.patterns.take(chosen)
        forms = Ragged(self.forms, self.patterns.offsets).take(chosen).values
        # squared: a few words are common and most are rare, as in life
        drawn = rng.random(len(places.values), np.float32) ** 1.6
        classes = places.values
        pieces = self.start[classes] + (drawn * self.count[classes]).astype(np.int32)
        return Ragged(pieces + forms * self.size, places.offsets)


@cache
def lexicon() -> Lexicon:
    """The lexicon, the same for every population: it is language, not people."""
    rng = np.random.default_rng(20_250_101)
    rare = {"".join(rng.choice(words.SYLLABLES, n)) for n in rng.integers(2, 5, 6_000)}
    names = rng.permutation([f"{a} {b}" for a in words.FIRST_NAMES for b in words.LAST_NAMES])
    classes: dict[str, list[str]] = {
        "NOUN": words.NOUNS,
        "VERB": words.VERBS,
        "BASE": words.BASES,
        "ADJ": words.ADJECTIVES,
        "ADV": words.ADVERBS,
        "PREP": words.PREPOSITIONS,
        "DET": words.DETERMINERS,
        "PRON": words.PRONOUNS,
        "AUX": words.AUXILIARIES,
        "CONJ": words.CONJUNCTIONS,
        "ASK": words.QUESTIONS,
        "ROLE": words.ROLES,
        "OPEN": words.OPENINGS,
        "FORMAT": words.FORMATS,
        "RARE": sorted(rare),
        "NAME": [str(name) for name in names[:4_000]],
        "NUM": [str(n) for n in [*range(2, 400), *range(400, 20_000, 37)]],
        "LINE": ["\n"],
        "SHORT": words.SHORT_MESSAGES,
        "BEFORE": [before for before, _ in words.FENCES],
        "AFTER": [after for _, after in words.FENCES],
    }
    expanded: list[list[str]] = []
    for kind in TYPES:
        expanded += [_expand(rng, kind) for _ in range(PATTERNS_PER_TYPE)]
    literals = {word for pattern in expanded for word in pattern if word not in classes}
    for literal in sorted(literals):
        classes[literal] = [literal]
    names_of = {name: number for number, name in enumerate(classes)}
    sizes = np.array([len(members) for members in classes.values()])
    forms = [
        _forms(pattern, cased=i // PATTERNS_PER_TYPE < 5) for i, pattern in enumerate(expanded)
    ]
    return Lexicon(
        pieces=tuple(word for members in classes.values() for word in members),
        classes=tuple(classes),
        start=ends(sizes)[:-1].astype(np.int32),
        count=sizes.astype(np.int32),
        patterns=Ragged.of([np.array([names_of[word] for word in p]) for p in expanded]),
        forms=np.concatenate(forms).astype(np.int32),
    )


def _expand(rng: np.random.Generator, symbol: str) -> list[str]:
    if symbol not in GRAMMAR:
        return [symbol]
    options = GRAMMAR[symbol]
    body = options[int(rng.integers(len(options)))].split()
    return [word for part in body for word in _expand(rng, part)]


def _forms(pattern: list[str], cased: bool) -> Ints:
    forms = np.zeros(len(pattern), np.int32)
    if cased:
        forms[0] |= CAPITAL
    for place, word in enumerate(pattern):
        followed = pattern[place + 1] if place + 1 < len(pattern) else ""
        if followed in PUNCTUATION or followed == "LINE" or word in OPENING_BRACKETS:
            forms[place] |= NO_SPACE
        if word == "(" or word == "[":
            forms[place - 1] |= NO_SPACE
    return forms
