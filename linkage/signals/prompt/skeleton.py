"""A family to the text that a person reads: `Translate into ⟨…⟩: ⟨…⟩ Answer with JSON only.`

Examples of a family from different accounts arrive, a skeleton leaves: the words that they have in
common, in order, with a mark for each slot. No text of one account alone may stand in it, so
a word needs nearly all examples, and spelling and punctuation go by vote.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from difflib import SequenceMatcher

import numpy as np

from linkage.signals.prompt.arrays import F32, I64, U64, Mask, contains
from linkage.signals.prompt.postings import WORDS, runs, worth
from linkage.signals.prompt.text import FRAME, NUMBER, Tokens

SLOT = "⟨…⟩"
WIDTH = 300
"""Characters of a skeleton; longer ones are cut, with a hash of the whole."""
NEAR = 40
"""Tokens on either side of shared runs in which more fixed text is looked for."""
CRUMB = 7.0
"""Nats below which a shared word between two slots is taken for chance: `the`, `and`."""
SEPARATOR = 12
"""Characters of punctuation that are shown between two words."""


def skeleton(examples: list[Example], nats: F32, cost: float) -> tuple[str, float]:
    """The skeleton of prompts of one family, and the nats of its fixed text.

    The first example is the one that the others are laid against; `nats` is of its tokens, `cost`
    is what each piece of fixed text has to beat.
    """
    model, *others = examples
    links = [model.align(other) for other in others]
    needed = len(examples) - len(examples) // 8
    fixed: Mask = _count(model, [link >= 0 for link in links]) >= needed
    # two words stand together where they do in nearly all examples
    joined: Mask = _count(model, [_adjacent(link) for link in links]) >= needed
    pairs = [(o, link.tolist()) for o, link in zip(others, links, strict=True)]
    for i in np.flatnonzero(fixed & (model.hashes == NUMBER)).tolist():
        spoken = [model.word(i)] + [o.word(k[i]) for o, k in pairs if k[i] >= 0]
        fixed[i] = max(Counter(spoken).values()) >= needed
    joined[:-1] &= fixed[:-1] & fixed[1:]
    joined[-1:] = False
    _drop_crumbs(fixed, joined, nats)
    text = _write(model, pairs, fixed.tolist(), joined.tolist())
    return _cut(text), _worth(fixed, joined, nats, cost, len(examples))


def _write(
    model: Example, pairs: list[tuple[Example, list[int]]], fixed: list[bool], joined: list[bool]
) -> str:
    needed = min(3, 1 + len(pairs))
    end = len(fixed) - FRAME
    parts: list[str] = []
    for i in (i for i in range(FRAME - 1, end) if fixed[i]):
        held = [(model, i)] + [(o, k[i]) for o, k in pairs if k[i] >= 0]
        if i >= FRAME:
            words = [o.word(k) for o, k in held]
            parts.append(_vote(words, needed) or _vote([w.casefold() for w in words], 1))
        if not joined[i]:
            parts.append(_vote([o.tail(k) for o, k in held], needed) if i >= FRAME else "")
            parts.append(f" {SLOT} ")
        elif i + 1 == end:
            parts.append(_vote([o.tail(k) for o, k in held], needed))
        elif i >= FRAME:
            gaps = [o.gap(k) for o, k in held if k + 1 < len(o.hashes)]
            parts.append(_vote(gaps, needed, " "))
    return " ".join("".join(parts).split())


class Example:
    """The tokens of one prompt, and which of them the family's runs cover."""

    def __init__(self, tokens: Tokens, part: slice, shared: U64) -> None:
        self.text, self.hashes = tokens.text, tokens.hashes[part]
        self.start, self.end = tokens.start[part].tolist(), tokens.end[part].tolist()
        run = runs(self.hashes, np.array([0, len(self.hashes)]))
        begins = contains(shared, run)
        covered = begins.copy()
        for i in range(1, WORDS):
            covered[i:] |= begins[:-i]
        self.covered = np.flatnonzero(covered)

    def align(self, other: Example) -> I64:
        """For each token its partner in the other prompt, or -1.

        What the shared runs cover goes first, lest a filler that is longer than the fixed text
        pulls it out of line; then what is near to it.
        """
        partner = np.full(len(self.hashes), -1, dtype=np.int64)
        self._match(other, self.covered, other.covered, partner)
        known = np.flatnonzero(partner >= 0)
        ends = [(-1, -1), *zip(known.tolist(), partner[known].tolist(), strict=True)]
        ends.append((len(self.hashes), len(other.hashes)))
        for (a, b), (c, d) in itertools.pairwise(ends):
            if c - a > 1 and d - b > 1:
                self._match(other, _between(a, c), _between(b, d), partner)
        return partner

    def _match(self, other: Example, here: I64, there: I64, partner: I64) -> None:
        if np.array_equal(self.hashes[here], other.hashes[there]):
            partner[here] = there
            return
        mine, theirs = self.hashes[here].tolist(), other.hashes[there].tolist()
        if set(mine).isdisjoint(theirs):
            return
        matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
        for a, b, size in matcher.get_matching_blocks():
            partner[here[a : a + size]] = there[b : b + size]

    def word(self, i: int) -> str:
        """A word as it is written."""
        return _printable(self.text[self.start[i] : self.end[i]], "")

    def gap(self, i: int) -> str:
        """What stands between a word and the next."""
        gap = self.text[self.end[i] : self.start[i + 1]]
        return _printable(gap, " ") if len(gap) <= SEPARATOR else " "

    def tail(self, i: int) -> str:
        """Punctuation that follows a word without a space."""
        rest = self.text[self.end[i] : self.end[i] + 3].split("\0")[0]
        marks = itertools.takewhile(lambda c: not c.isspace() and not c.isalnum(), rest)
        return _printable("".join(marks), "")


def _printable(text: str, otherwise: str) -> str:
    return (
        text if text.isprintable() else "".join(c if c.isprintable() else otherwise for c in text)
    )


def _between(start: int, end: int) -> I64:
    """The places between two, but for the middle of a long slot."""
    places = np.arange(start + 1, end)
    return places if len(places) <= 2 * NEAR else np.delete(places, slice(NEAR, -NEAR))


def _adjacent(link: I64) -> Mask:
    """Where a word and the next one have partners side by side."""
    beside = np.zeros(len(link), dtype=bool)
    beside[:-1] = (link[:-1] >= 0) & (link[1:] == link[:-1] + 1)
    return beside


def _count(model: Example, masks: list[Mask]) -> I64:
    total = np.ones(len(model.hashes), dtype=np.int64)
    for mask in masks:
        total += mask
    return total


def _vote(values: list[str], needed: int, otherwise: str = "") -> str:
    """The commonest value, if it has enough votes; of equal ones the first in the alphabet."""
    value, count = min(Counter(values).items(), key=lambda item: (-item[1], item[0]))
    return value if count >= needed else otherwise


def _worth(fixed: Mask, joined: Mask, nats: F32, cost: float, examples: int) -> float:
    """Nats of the pieces of fixed text beyond chance."""
    ends = np.flatnonzero(fixed & ~joined)
    piece = np.searchsorted(ends, np.flatnonzero(fixed))
    pieces = np.bincount(piece, weights=nats[fixed], minlength=len(ends)).astype(np.float64)
    owner = np.zeros(len(ends), dtype=np.int64)
    return float(worth(owner, pieces, cost, np.array([examples]))[0])


def _drop_crumbs(fixed: Mask, joined: Mask, nats: F32) -> None:
    """Take short common words that stand alone between slots for what they are: chance."""
    ends = ~(fixed & joined)
    piece: I64 = np.cumsum(ends) - ends
    crumb = np.bincount(piece, weights=nats) < CRUMB
    crumb[0] = crumb[-1] = False
    fixed &= ~crumb[piece]
    joined &= ~crumb[piece]


def _cut(text: str) -> str:
    if len(text) <= WIDTH:
        return text
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{text[: WIDTH - 11].rstrip()}… #{mark}"
