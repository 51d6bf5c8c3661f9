"""Prompt templates, and prompts made from them.

A template is up to four fixed parts with one to three slots between, before or behind them; a
prompt fills the slots with new text of very different lengths. A free prompt is a template without
fixed parts, so one function renders everything. `TemplateBook` collects a population's templates;
whoever uses one (a blog's readers, a framework's developers, an operator) knows only its number.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from linkage.errors import InputError, shorten
from linkage.simulate.text import (
    CAPITAL,
    FORMS,
    NO_SPACE,
    TYPES,
    Ints,
    Ragged,
    ends,
    lexicon,
)

PHRASE, SENTENCE, FEW, LONG, CODE, FREE, GIVEN = range(7)
SLOT_KINDS = np.array([PHRASE, SENTENCE, FEW, LONG, CODE])
SLOT_SHARES = np.array([0.32, 0.24, 0.22, 0.14, 0.08])
SYNONYMS = ("NOUN", "VERB", "BASE", "ADJ", "ADV", "PREP", "DET", "ROLE", "CONJ")
MAX_SLOTS = 3
SHORT_MESSAGE_SHARE = 0.06


class TemplateBook:
    """All templates of a population, numbered from 0; -1 stands for a free prompt."""

    def __init__(
        self, templates_file: Path | None = None, prompts_file: Path | None = None
    ) -> None:
        self.lexicon = lexicon()
        self._extra: list[str] = []
        self._parts: list[Ints] = []
        self._slots: list[list[int]] = []
        self._read = [t.split("{}") for t in _strings(templates_file, "template")]
        self._given = self._add_extra(_strings(prompts_file, "prompt"))

    def __len__(self) -> int:
        return len(self._slots)

    def make(self, rng: np.random.Generator, count: int) -> Ints:
        """New templates; their numbers."""
        first = len(self)
        lengths = np.minimum(12, 1 + rng.geometric(0.34, count))
        types = np.full(int(lengths.sum()), TYPES.index("instruction"))
        fenced = rng.random(count) < 0.25
        cued = ends(lengths)[1:][rng.random(count) < 0.4] - 1
        types[cued] = TYPES.index("cue")
        sentences = self.lexicon.sentences(rng, types)
        row_ends = sentences.offsets[ends(lengths)]
        for i in range(count):
            if self._read and rng.random() < 0.9:
                self._take_read(rng)
                continue
            fixed = sentences.values[row_ends[i] : row_ends[i + 1]]
            self._cut(rng, fixed, bool(fenced[i]))
        return np.arange(first, len(self))

    def reword(self, rng: np.random.Generator, templates: Ints, wordings: int, rate: float) -> Ints:
        """The same templates in other words: an array of templates by wordings.

        The first wording is the template itself; in the others, words are swapped for others of
        their class at the given rate.
        """
        lex = self.lexicon
        limit = FORMS * lex.size
        swappable = np.isin(lex.classes, SYNONYMS)
        table = np.empty((len(templates), wordings), np.int64)
        for row, template in enumerate(templates):
            table[row, 0] = template
            for column in range(1, wordings):
                for part in range(MAX_SLOTS + 1):
                    old = self._parts[template * (MAX_SLOTS + 1) + part]
                    piece, form = old % lex.size, old // lex.size
                    kind = np.searchsorted(lex.start, piece, side="right") - 1
                    other = lex.start[kind] + rng.integers(0, lex.count[kind])
                    swap = (old < limit) & swappable[kind] & (rng.random(len(old)) < rate)
                    self._parts.append(np.where(swap, form * lex.size + other, old))
                self._slots.append(self._slots[template])
                table[row, column] = len(self) - 1
        return table

    def finish(self) -> Prompter:
        """The templates, ready to be rendered."""
        return Prompter(self)

    def _cut(self, rng: np.random.Generator, fixed: Ints, fenced: bool) -> None:
        lex = self.lexicon
        slots = int(rng.choice([1, 2, 3], p=[0.62, 0.27, 0.11]))
        # a slot may stand anywhere but between a word and its punctuation
        allowed = np.flatnonzero((fixed // lex.size) & NO_SPACE == 0) + 1
        anywhere = np.concatenate([[0, len(fixed)], rng.choice(allowed, slots)])
        shares = np.array([0.12, 0.45, *[0.43 / slots] * slots])
        cuts = np.sort(rng.choice(anywhere, slots, replace=False, p=shares))
        parts = np.split(fixed, cuts)
        if fenced:
            fence = int(rng.integers(lex.count[lex.classes.index("BEFORE")]))
            before = lex.start[lex.classes.index("BEFORE")] + fence
            after = lex.start[lex.classes.index("AFTER")] + fence
            parts[0] = np.append(parts[0], before)
            parts[1] = np.append(after, parts[1])
        kinds = rng.choice(SLOT_KINDS, slots, p=SLOT_SHARES)
        self._append(parts, [int(kind) for kind in kinds])

    def _take_read(self, rng: np.random.Generator) -> None:
        texts = self._read[int(rng.integers(len(self._read)))]
        texts = [*texts[:MAX_SLOTS], " ".join(texts[MAX_SLOTS:])][: max(2, len(texts))]
        parts = [self._add_extra([text.strip()] if text.strip() else []) for text in texts]
        kinds = rng.choice(SLOT_KINDS, len(parts) - 1, p=SLOT_SHARES)
        self._append(parts, [int(kind) for kind in kinds])

    def _append(self, parts: list[Ints], kinds: list[int]) -> None:
        empty = np.empty(0, np.int64)
        self._parts += parts + [empty] * (MAX_SLOTS + 1 - len(parts))
        self._slots.append(kinds + [-1] * (MAX_SLOTS - len(kinds)))

    def _add_extra(self, texts: list[str]) -> Ints:
        first = FORMS * self.lexicon.size + len(self._extra)
        self._extra += texts
        return np.arange(first, first + len(texts))


class Prompter:
    """Renders prompts from a finished book."""

    def __init__(self, book: TemplateBook) -> None:
        self.lexicon = book.lexicon
        self._vocabulary = book.lexicon.vocabulary(book._extra)
        self._extra = len(book._extra)
        self._given = book._given
        empty = [np.empty(0, np.int64)] * (MAX_SLOTS + 1)
        self._fixed = Ragged.of([*book._parts, *empty])
        free = [FREE] + [-1] * (MAX_SLOTS - 1)
        self._slots = np.array([*book._slots, free], np.int64)

    def render(self, rng: np.random.Generator, templates: Ints) -> pa.Array:
        """One prompt of each given template (-1: a free one)."""
        rows, width = len(templates), MAX_SLOTS + 1
        kinds = self._slots[templates].ravel()
        filled = np.flatnonzero(kinds >= 0)
        slots = self._fill(rng, kinds[filled])
        # fixed part, slot, fixed part, … as rows of one pool
        number = np.zeros(rows * MAX_SLOTS, np.int64)
        number[filled] = 1 + np.arange(len(filled))
        order = np.empty((rows, width + MAX_SLOTS), np.int64)
        which = np.where(templates < 0, len(self._slots) - 1, templates)
        order[:, 0::2] = which[:, None] * width + np.arange(width)
        order[:, 1::2] = (len(self._fixed) + number).reshape(rows, MAX_SLOTS)
        pool = Ragged(
            np.concatenate([self._fixed.values, slots.values]),
            np.concatenate(
                [
                    self._fixed.offsets,
                    [self._fixed.offsets[-1]],
                    self._fixed.offsets[-1] + slots.offsets[1:],
                ]
            ),
        )
        parts = pool.take(order.ravel())
        return self._text(parts.values, parts.offsets[:: width + MAX_SLOTS])

    def _fill(self, rng: np.random.Generator, kinds: Ints) -> Ragged:
        """A filling of each given kind."""
        count = np.ones(len(kinds), np.int64)
        few = kinds == FEW
        count[few] = rng.integers(2, 6, int(few.sum()))
        long = (kinds == LONG) | (kinds == CODE)
        count[long] = np.minimum(60, 4 + rng.geometric(0.12, int(long.sum())))
        free = kinds == FREE
        count[free] = np.clip(rng.lognormal(0.75, 0.75, int(free.sum())), 1, 60).astype(np.int64)
        slot = np.repeat(np.arange(len(kinds)), count)
        offsets = ends(count)
        first = np.zeros(len(slot), bool)
        first[offsets[:-1]] = True
        u = rng.random(len(slot), np.float32)
        types = np.where(u < 0.86, TYPES.index("statement"), TYPES.index("question"))
        types[u > 0.95] = TYPES.index("item")
        kind = kinds[slot]
        types[kind == PHRASE] = TYPES.index("phrase")
        types[(kind == CODE) | ((kind == FREE) & (u > 0.985))] = TYPES.index("code")
        opened = first & (kind == FREE)
        types[opened & (u < 0.5)] = TYPES.index("request")
        types[opened & (u >= 0.5) & (u < 0.86)] = TYPES.index("question")
        sentences = self.lexicon.sentences(rng, types)
        replaced = np.flatnonzero(opened & (rng.random(len(slot)) < SHORT_MESSAGE_SHARE))
        replaced = replaced[count[slot[replaced]] == 1]
        ragged = Ragged(sentences.values, sentences.offsets)
        ragged = _replace(ragged, replaced, self._short(rng, len(replaced)))
        if len(self._given):
            quoted = np.flatnonzero(opened & (rng.random(len(slot)) < 0.5))
            ragged = _replace(ragged, quoted, rng.choice(self._given, len(quoted)))
        return Ragged(ragged.values, ragged.offsets[offsets])

    def _short(self, rng: np.random.Generator, count: int) -> Ints:
        lex = self.lexicon
        kind = lex.classes.index("SHORT")
        drawn = (rng.random(count) ** 2 * lex.count[kind]).astype(np.int64)
        capital = CAPITAL * (rng.random(count) < 0.4)
        return np.asarray(lex.start[kind] + drawn + capital * lex.size)

    def _text(self, values: Ints, offsets: Ints) -> pa.Array:
        """Rows of pieces as text; the last piece of a row loses its space."""
        limit = FORMS * self.lexicon.size
        last = offsets[1:] - 1
        piece = values[last]
        spaced = (piece < limit) & ((piece // self.lexicon.size) & NO_SPACE == 0)
        piece = piece + np.where(spaced, NO_SPACE * self.lexicon.size, 0)
        values[last] = piece + np.where(piece >= limit, self._extra, 0)
        taken = self._vocabulary.take(pa.array(values))
        _, starts, data = taken.buffers()
        positions = np.frombuffer(starts, np.int32)[: len(values) + 1]
        row_starts = positions[offsets].astype(np.int32)
        return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(row_starts), data)


def _replace(ragged: Ragged, rows: Ints, pieces: Ints) -> Ragged:
    """The same rows, but the given ones hold one given piece each."""
    lengths = np.diff(ragged.offsets)
    keep = np.ones(len(lengths), bool)
    keep[rows] = False
    kept = np.repeat(keep, lengths)
    # the first place of a replaced row stays, for its new piece
    first = ragged.offsets[:-1][rows]
    values = ragged.values.copy()
    values[first] = pieces
    kept[first] = True
    lengths[rows] = 1
    return Ragged(values[kept], ends(lengths))


def _strings(path: Path | None, field: str) -> list[str]:
    """The field of each line of a JSON-lines file; none without a file."""
    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        found = [str(json.loads(line)[field]) for line in lines if line.strip()]
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f'{path}: expected JSON lines with a field "{field}", found {shorten(error)}.'
        ) from None
    if not found:
        raise InputError(f'{path}: expected JSON lines with a field "{field}", found none.')
    return found
