"""Tokens of prompts to postings: which prompts have which runs of words, of those that can tell.

The tokens of a sample of prompts arrive; the postings of its shared runs leave. Most of what is
shared says nothing, and dropping it here, run by run, is what makes the search for families cheap:

1. A run that one account alone has is no shared text.
2. A prompt whose shared text, all taken together, is worth less than a template's holds none.
3. People quote: the same sentences turn up once here and once there, in prompts of people who have
   nothing else in common. A run that its accounts have in one prompt only is a quotation if
   most of these accounts have other such text in other prompts, or, where that is the habit of most
   accounts, if they just sent enough prompts to have used it again. An operator's accounts use a
   template again, or each other's templates too: either keeps a run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linkage.signals.prompt.arrays import (
    F32,
    F64,
    I64,
    U64,
    Mask,
    bounds,
    expand,
    heads,
    repeated,
    sort_hashes,
    unique,
)
from linkage.signals.prompt.compiled import compiled
from linkage.signals.prompt.text import mix, rolled

WORDS = 4
"""Tokens in a run: the shortest fixed text that can lead to a template. With 5, templates whose
longest piece of fixed text is short are lost; with 3, common phrases drown the rest."""
FIXED = 29.0
"""Nats that the fixed text of a template needs beyond the cost of its pieces. Measured: phrases
that people share reach 24 (`I want you to act as a`), templates of a short sentence 30 to 90."""
SEVERAL = 4
"""Accounts from which on pieces of text that always come together are one coincidence, not several:
the first costs what a piece has to beat, each further one `STEP`."""
STEP = 3.0
"""Nats that each further piece costs. (Measured: F1 of short templates is 0.96 with these two and
0.92 without; common phrases come together too, but never always.)"""
QUOTES = 2
"""Prompts with text used once only, from which on an account is given to quoting."""
AGAIN = 0.02
"""Share of a text's accounts that have it in two prompts of the sample, if they do not quote it;
measured: operators' texts are above 0.1, what a few people's own templates quote is below."""
TRIES = 5
"""Prompts from which on an account would have used a template again."""

ORDERS = 16
"""Orders in which the first two accounts of a text are looked at."""


@dataclass(frozen=True)
class Sample:
    """Prompts as tokens."""

    account: I64
    """Of each prompt."""
    run: U64
    """Of each token, the hash of the run that begins there (see `runs`)."""
    first: I64
    """Where the tokens of each prompt begin, and the end of the last."""
    nats: F32
    """Of each token, the rarity of its word."""
    cost: float
    """Nats that a piece of shared text has to beat: ln of the places where it could have been, and
    what phrases are commoner than their words."""


@dataclass(frozen=True)
class Postings:
    """Runs and the prompts that have them, sorted by run and prompt."""

    run: I64
    """Number of the run, in the order of hashes,"""
    prompt: I64
    """number of the prompt,"""
    place: I64
    """and the first token of the run's first occurrence there."""

    def __len__(self) -> int:
        return len(self.run)

    def of(self, wanted: Mask, account: I64) -> Postings:
        """The wanted ones, of runs that two accounts still have."""
        if len(self) == 0:
            return self
        start, who = heads(self.run), account[self.prompt]
        low = np.minimum.reduceat(np.where(wanted, who, who.max() + 1), start)
        high = np.maximum.reduceat(np.where(wanted, who, -1), start)
        several = low < high
        keep = np.flatnonzero(wanted & several[self.run])
        number = np.cumsum(several) - 1
        return Postings(number[self.run[keep]], self.prompt[keep], self.place[keep])


def worth(owner: I64, nats: F64, cost: float, accounts: I64) -> F64:
    """Nats of pieces of text beyond chance, by owner: `nats` of each, `accounts` of each owner.

    >>> pieces = np.array([0, 0, 1, 1]), np.array([20.0, 15.0, 20.0, 15.0])
    >>> worth(*pieces, cost=12.0, accounts=np.array([2, 4])).tolist()
    [11.0, 20.0]
    """
    count = len(accounts)
    alone = np.bincount(owner, weights=np.maximum(nats - cost, 0), minlength=count)
    together = np.bincount(owner, weights=np.maximum(nats - STEP, 0), minlength=count)
    together = np.where(accounts >= SEVERAL, together - (cost - STEP), 0)
    return np.asarray(np.maximum(alone, together), dtype=np.float64)


def runs(tokens: U64, first: I64) -> U64:
    """Hash of the run of `WORDS` tokens that begins at each token; 0 if its prompt ends before.

    `first` is where the tokens of each prompt begin, and the end of the last.
    """
    run = np.zeros(len(tokens), dtype=np.uint64)
    _roll(tokens, first, run)
    return run


@compiled
def _roll(tokens: U64, first: I64, run: U64) -> None:
    for prompt in range(len(first) - 1):
        for at in range(first[prompt], first[prompt + 1] - WORDS + 1):
            run[at] = rolled(tokens, at, WORDS)


def telling(sample: Sample) -> tuple[Postings, bool]:
    """Postings of the runs that may be of a template, and whether most accounts quote."""
    postings = _promising(sample, _shared(sample))
    quoted, habit = _quoted(sample, postings)
    return _promising(sample, postings.of(~quoted[postings.run], sample.account)), habit


def _shared(sample: Sample) -> Postings:
    """Postings of the runs that two accounts or more have."""
    # the first bits of a run's hash and its place make one number: sorting those is the quickest
    bits = np.uint64(len(sample.run).bit_length())
    low = (np.uint64(1) << bits) - np.uint64(1)
    packed = np.empty(len(sample.run), dtype=np.uint64)
    packed = packed[: _pack(sample.run, low, packed)]
    sort_hashes(packed)
    packed = packed[: _keep_repeated(packed, low)]
    # most prompts share too little, whoever with: the rest is less work without them
    length = np.diff(sample.first)
    place = (packed & low).astype(np.int64)
    packed = packed[np.repeat(_covered(sample, place, SEVERAL) >= FIXED, length)[place]]
    run, place = packed >> bits, (packed & low).astype(np.int64)
    del packed
    prompt = np.repeat(np.arange(len(length), dtype=np.int32), length)[place].astype(np.int64)
    # of each prompt the first place
    at = heads(run, prompt)
    run, prompt, place = run[at], prompt[at], place[at]
    number = np.repeat(np.arange(len(heads(run))), np.diff(heads(run), append=len(run)))
    return Postings(number, prompt, place).of(np.ones(len(run), dtype=bool), sample.account)


@compiled
def _pack(run: U64, low: np.uint64, packed: U64) -> int:
    """Fill in numbers of a run's first bits and its place; returns how many there are."""
    count = 0
    for place in range(len(run)):
        first_bits = run[place] & ~low
        if first_bits > 0:
            packed[count] = first_bits | np.uint64(place)
            count += 1
    return count


@compiled
def _keep_repeated(packed: U64, low: np.uint64) -> int:
    """Move the sorted numbers whose first bits others have too to the front; returns how many."""
    count, again = 0, False
    for i in range(len(packed)):
        before, again = again, i + 1 < len(packed) and packed[i] ^ packed[i + 1] <= low
        if before or again:
            packed[count] = packed[i]
            count += 1
    return count


def _promising(sample: Sample, postings: Postings) -> Postings:
    """Postings of the prompts that share enough text for a template."""
    enough = _covered(sample, postings.place, SEVERAL) >= FIXED
    return postings.of(enough[postings.prompt], sample.account)


def _covered(sample: Sample, place: I64, accounts: int) -> F64:
    """Nats beyond chance of the pieces that the runs at these places cover, by prompt.

    As if so many accounts had them, always together.
    """
    begin = np.zeros(len(sample.run), dtype=bool)
    begin[place] = True
    covered = begin.copy()
    for i in range(1, WORDS):
        covered[i:] |= begin[:-i]
    begin[:] = covered
    begin[1:] &= ~covered[:-1]
    begin[sample.first[:-1]] = covered[sample.first[:-1]]
    words = np.flatnonzero(covered)
    piece = np.flatnonzero(begin[words])
    if len(piece) == 0:
        return np.zeros(len(sample.account))
    nats = np.add.reduceat(sample.nats[words], piece)
    pieces = np.diff(np.searchsorted(words[piece], sample.first))
    owner = np.repeat(np.arange(len(pieces)), pieces)
    return worth(owner, nats, sample.cost, np.full(len(sample.account), accounts))


def _quoted(sample: Sample, postings: Postings) -> tuple[Mask, bool]:
    """Which runs are quotations, and whether to quote is the habit of most."""
    run, start = postings.run, heads(postings.run)
    if len(start) == 0:
        return np.zeros(0, dtype=bool), False
    who, most = sample.account[postings.prompt], int(sample.account.max()) + 1
    size = np.diff(start, append=len(run))
    again = unique(repeated(run * most + who)) // most
    once = np.bincount(again, minlength=len(start)) < AGAIN * size
    quoting = _covered(sample, postings.place[once[run]], 1) >= FIXED
    quotes = np.bincount(sample.account[quoting], minlength=most)
    tried = np.bincount(sample.account, minlength=most) >= TRIES
    habit = bool(2 * np.sum(tried & (quotes >= QUOTES)) > np.sum(tried & (quotes > 0)))
    given = (quotes >= QUOTES) | (tried & habit)
    by_such = np.bincount(run, weights=given[who], minlength=len(start))
    quoted = once & (2 * by_such > size)
    quoted[_same_people(sample, postings, np.flatnonzero(quoted))] = False
    return quoted, habit


def _same_people(sample: Sample, postings: Postings, among: I64) -> I64:
    """Which of these runs have the same two accounts as one in other prompts.

    Looked at are the two accounts of each run that come first in a shuffled order: audiences that
    are much alike agree in them often, others as good as never. Where each account of an operator
    has half of its texts, half of those agree; hence several orders.
    """
    start = heads(postings.run)
    if len(among) == 0:
        return among
    # runs with the very same prompts, as those of one sentence have, are looked at once
    number = mix(postings.prompt.astype(np.uint64))
    same = np.add.reduceat(number, start)[among]
    _, example, group = np.unique(same, return_index=True, return_inverse=True)
    end = np.append(start[1:], len(postings))
    row, text = expand(start[among[example]], end[among[example]])
    prompt, first = postings.prompt[row], bounds(text, len(example))
    who = sample.account[prompt]
    everybody = np.arange(who.max() + 1, dtype=np.uint64)
    alike = np.zeros(len(example), dtype=bool)
    pair, of = np.empty(len(example), dtype=np.uint64), np.empty(len(example), dtype=np.int64)
    for turn in range(ORDERS):
        order = mix(everybody + np.uint64(turn << 40)) >> np.uint64(32)
        _first_two(order, who, prompt, first, pair, of)
        by = np.argsort(pair)
        at = heads(pair[by])
        other = np.minimum.reduceat(of[by], at) != np.maximum.reduceat(of[by], at)
        alike[by[np.repeat(other, np.diff(at, append=len(by)))]] = True
    found: I64 = among[alike[group]]
    return found


@compiled
def _first_two(order: U64, who: I64, prompt: I64, first: I64, pair: U64, of: I64) -> None:
    """Fill in, of each text, the two accounts that come first, and the first one's first prompt."""
    low = np.uint64(2**32 - 1)
    for text in range(len(pair)):
        one, two = order[who[first[text]]], low
        of[text] = prompt[first[text]]
        for row in range(first[text] + 1, first[text + 1]):
            this = order[who[row]]
            if this < one:
                one, two, of[text] = this, one, prompt[row]
            elif this == one:
                of[text] = min(of[text], prompt[row])
            elif this < two:
                two = this
        pair[text] = one << np.uint64(32) | two
