"""Parts of an operator that only texts tie are several operators.

A good text gets around: it is sold, leaked, copied from a forum. Two fleets that have their own
cards, machines and exits, hardly one of them in common, and some templates among many, are two
hands; so are a fleet and those who work with the same prompts at home, some of them behind its
exits. Batches of one hand, each with new cards and machines, go on with the same set of templates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from linkage.attribution.weights import MOSTLY
from linkage.bipartite import components, membership

Users = dict[int, list[int]]
"""Of a thing: the accounts that use it, by community."""

LARGE = 9
"""So many accounts that things tie are a side; fewer may have a card, and no more."""

COMMON = 0.1
"""Communities meet by a tenth of the smaller one; a template is both's if neither uses it a
tenth as often as the other."""

CROWD = 50
"""What more communities than this use joins all of them."""

SOME = 3
"""Uses expected of a side from which on it means something that it has none (one in twenty)."""

PLAIN = 3.0
"""Nats (twenty to one) by which templates must speak for another set than the largest."""

SIDES = 100
"""An operator that falls into more sides than this is made of cards, and has one set."""


def part(parts: np.ndarray, things: np.ndarray, uses: np.ndarray) -> np.ndarray:
    """The part of each account, with new numbers for sides that have a set of their own.

    Sides are what `things` ties (see `sides`); they are told apart where `MOSTLY` of the members
    are on one, and have one set if `MOSTLY` of what each uses is both's. `parts` is the part of
    each account so far; `things` has a row (account, signal) for each use of a thing, `uses` a row
    (account, template). The largest set keeps the number. Who is on no side goes where his
    templates plainly belong.

    >>> parts, half = np.zeros(20, dtype=np.int64), np.repeat([0, 1], 10)
    >>> rows = np.column_stack([np.arange(20), half])
    >>> part(parts, rows, rows).tolist() == half.tolist()
    True
    """
    parts = parts.copy()
    number = int(parts.max(initial=-1))
    place = np.full(len(parts), -1)
    for members, own in _by_part(parts, things):
        place[members] = np.arange(len(members))
        side = sides(len(members), place[own[:, 0]], own[:, 1])
        size = np.bincount(side)
        large = np.flatnonzero(size >= LARGE)
        if 2 <= len(large) <= SIDES and size[large].sum() >= MOSTLY * len(members):
            found = np.searchsorted(large, side)
            found[size[side] < LARGE] = -1
            used = uses[parts[uses[:, 0]] == parts[members[0]]]
            group = _grouped(found, place[used[:, 0]], used[:, 1])
            for other in range(1, int(group.max()) + 1):
                number += 1
                parts[members[group == other]] = number
    return parts


def _by_part(parts: np.ndarray, things: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of each part that may have two sides: its accounts, and its rows of `things`."""
    order, rows = np.argsort(parts, kind="stable"), np.argsort(parts[things[:, 0]], kind="stable")
    first = np.searchsorted(parts[order], np.arange(int(parts.max(initial=-1)) + 2))
    begin = np.searchsorted(parts[things[rows, 0]], np.arange(len(first)))
    for one in np.flatnonzero(np.diff(first) >= 2 * LARGE):
        yield order[first[one] : first[one + 1]], things[rows[begin[one] : begin[one + 1]]]


def sides(accounts: int, account: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """The side of each account: communities of accounts and things, those that meet made one.

    Two meet where accounts of both, of either two and a tenth of the smaller one, use the same
    things. An exit is in somebody's home: one account among eight others is no meeting.

    >>> account = np.array([0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5, 0, 3])
    >>> signal = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 5])
    >>> sides(6, account, signal).tolist()
    [0, 0, 0, 1, 1, 1]
    """
    side = membership(accounts, account, signal, resolution=1, seed=0)
    for meeting in (_at_one_thing, _at_many):
        _, side = np.unique(side, return_inverse=True)
        users: dict[int, Users] = defaultdict(lambda: defaultdict(list))
        for one, thing, of in zip(
            account.tolist(), signal.tolist(), side[account].tolist(), strict=True
        ):
            users[thing][of].append(one)
        pairs = meeting(users.values(), np.bincount(side).tolist())
        side = _joined(int(side.max(initial=-1)) + 1, pairs)[side]
    return side


def _at_one_thing(things: Iterable[Users], size: list[int]) -> list[tuple[int, int]]:
    """Who meets at one thing by itself, a star each, and all whom a crowd's thing joins."""
    pairs = []
    for users in things:
        crowd = len(users) > CROWD
        first, *others = [
            a for a, own in users.items() if crowd or len(own) >= max(COMMON * size[a], 2)
        ] or [-1]
        pairs += [(first, other) for other in others]
    return pairs


def _at_many(things: Iterable[Users], size: list[int]) -> list[tuple[int, int]]:
    """Who meets at several things, by the accounts that use any of them."""
    met: dict[tuple[int, int], set[int]] = defaultdict(set)
    for users in things:
        for a, own in users.items():
            for b in users:
                if a != b:
                    met[a, b].update(own)
    return [
        (a, b)
        for (a, b), own in met.items()
        if a < b and min(len(own), len(met[b, a])) >= max(COMMON * min(size[a], size[b]), 2)
    ]


def _joined(number: int, pairs: list[tuple[int, int]]) -> np.ndarray:
    return components(number, np.array(pairs, dtype=np.int64).reshape(-1, 2))


def _grouped(side: np.ndarray, account: np.ndarray, template: np.ndarray) -> np.ndarray:
    """The set that each account works with, the largest first; `side` is -1 for those on none."""
    templates, template = np.unique(template, return_inverse=True)
    # who has no template says nothing of the set of his side
    asking = np.zeros(len(side), dtype=bool)
    asking[account] = True
    asking &= side >= 0
    size = np.bincount(side[asking], minlength=int(side.max()) + 1)
    uses = asking[account]
    counts = np.zeros((len(size), len(templates)))
    np.add.at(counts, (side[account[uses]], template[uses]), 1)
    one = _sets(counts / np.maximum(size, 1)[:, None], size)
    accounts = np.bincount(one, weights=size)
    one = np.argsort(np.argsort(-accounts, kind="stable"), kind="stable")[one]
    accounts = np.bincount(one, weights=size)
    together = np.zeros((len(accounts), len(templates)))
    np.add.at(together, one, counts)
    # who is on no side: how likely each set makes what he uses; the largest, unless that is plain
    alone = (side[account] < 0) & (together.sum(axis=0) > 0)[template]
    lone, place = np.unique(account[alone], return_inverse=True)
    common = together.sum(axis=0) / accounts.sum()
    likely = np.log(np.maximum(together + common, 1e-12) / (accounts[:, None] + 1))
    fit = np.zeros((len(lone), len(accounts)))
    np.add.at(fit, place, likely[:, template[alone]].T)
    found = np.where(side >= 0, one[side], 0)
    found[lone] = np.where(fit.max(axis=1) - fit[:, 0] >= PLAIN, fit.argmax(axis=1), 0)
    return found


def _sets(rates: np.ndarray, size: np.ndarray) -> np.ndarray:
    """A number for each side, by how many uses of each template it has for each of so many accounts
    with any: the same for those that have one set, or hardly a template."""
    main = int(np.argmax(size))
    pairs = [(main, int(a)) for a in np.flatnonzero(size < SOME)]
    for a in range(len(rates)):
        both = (rates >= COMMON * rates[a]) & (rates[a] >= COMMON * rates)
        # what either uses, of which the other would have some
        theirs, own = (
            rates * (rates * size[a] >= SOME),
            rates[a] * (rates[a] * size[:, None] >= SOME),
        )
        share = np.minimum(_share(theirs, both), _share(own, both))
        pairs += [(a, int(b)) for b in np.flatnonzero(share >= MOSTLY) if b > a]
    return _joined(len(rates), pairs)


def _share(rates: np.ndarray, both: np.ndarray) -> np.ndarray:
    whole = rates.sum(axis=1)
    return np.where(whole > 0, (rates * both).sum(axis=1) / np.maximum(whole, 1e-9), 1.0)
