"""Parts of an operator that only texts tie are several operators.

A good text gets around: it is sold, leaked, copied from a forum. Two fleets that have their own
cards, machines and exits, hardly one of them in common, and some templates among many, are two
hands; so are a fleet and those who work with the same prompts at home, some of them behind its
exits. Batches of one hand, each with new cards and machines, go on with the same set of templates.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator

import igraph
import numpy as np

from linkage.attribution.weights import MOSTLY
from linkage.bipartite import ROUNDS, network

FAMILY = 8
"""More accounts that things tie are a side; fewer may have a card, and no more."""

COMMON = 0.1
"""Two sides have a tenth of the smaller one in common, or are two; and a template is both's if
neither uses it a tenth as often as the other."""

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
        large = np.flatnonzero(size > FAMILY)
        if 2 <= len(large) <= SIDES and size[large].sum() >= MOSTLY * len(members):
            found = np.searchsorted(large, side)
            found[size[side] <= FAMILY] = -1
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
    for one in np.flatnonzero(np.diff(first) > 2 * FAMILY):
        yield order[first[one] : first[one + 1]], things[rows[begin[one] : begin[one + 1]]]


def sides(accounts: int, account: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """The side of each account: communities of accounts and things, those that meet made one.

    Communities meet where accounts of both, on either side two and a tenth of the smaller one, use
    the same things. An exit is in somebody's home: one account among eight others is no meeting.

    >>> account = np.array([0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5, 0, 3])
    >>> signal = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 5])
    >>> sides(6, account, signal).tolist()
    [0, 0, 0, 1, 1, 1]
    """
    signals, node = np.unique(signal, return_inverse=True)
    graph = network(accounts + len(signals), np.column_stack([account, node + accounts]))
    igraph.set_random_number_generator(random.Random(0))
    found = graph.community_leiden(
        objective_function="modularity",
        weights=(1 / np.sqrt(np.bincount(node)[node])).tolist() if len(node) else None,
        n_iterations=ROUNDS,
    ).membership
    community = np.asarray(found[:accounts], dtype=np.int64)
    _, community = np.unique(community, return_inverse=True)
    size = np.bincount(community)
    users: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for one, thing in zip(account.tolist(), node.tolist(), strict=True):
        users[thing][int(community[one])].append(one)
    meeting: dict[tuple[int, int], set[int]] = defaultdict(set)
    for of in users.values():
        for a, own in of.items():
            for b in of:
                if a != b:
                    meeting[a, b].update(own)
    met = [
        (a, b)
        for (a, b), own in meeting.items()
        if a < b and min(len(own), len(meeting[b, a])) >= max(COMMON * min(size[a], size[b]), 2)
    ]
    edges = np.array(met, dtype=np.int64).reshape(-1, 2)
    return np.asarray(network(len(size), edges).connected_components().membership)[community]


def _grouped(side: np.ndarray, account: np.ndarray, template: np.ndarray) -> np.ndarray:
    """The set that each account works with, the largest first; `side` is -1 for those on none."""
    size = np.bincount(side[side >= 0])
    templates, template = np.unique(template, return_inverse=True)
    counts = np.zeros((len(size), len(templates)))
    on_side = side[account] >= 0
    np.add.at(counts, (side[account[on_side]], template[on_side]), 1)
    one = _sets(counts / size[:, None], size)
    accounts = np.bincount(one, weights=size)
    one = np.argsort(np.argsort(-accounts, kind="stable"), kind="stable")[one]
    accounts = np.bincount(one, weights=size)
    together = np.zeros((len(accounts), len(templates)))
    np.add.at(together, one, counts)
    # who is on no side: how likely each set makes what he uses; the largest, unless that is plain
    fit = np.zeros((len(side), len(accounts)))
    likely = np.log((together + 0.5) / (accounts[:, None] + 1))
    np.add.at(fit, account, likely[:, template].T)
    best = np.where(fit.max(axis=1) - fit[:, 0] >= PLAIN, fit.argmax(axis=1), 0)
    return np.where(side >= 0, one[side], best)


def _sets(rates: np.ndarray, size: np.ndarray) -> np.ndarray:
    """A number for each side, by how many uses of each template it has an account: the same for
    those that have one set."""
    pairs = []
    for a in range(len(rates)):
        both = (rates >= COMMON * rates[a]) & (rates[a] >= COMMON * rates)
        # what either uses, of which the other would have some
        theirs, own = (
            rates * (rates * size[a] >= SOME),
            rates[a] * (rates[a] * size[:, None] >= SOME),
        )
        share = np.minimum(_share(theirs, both), _share(own, both))
        pairs += [(a, int(b)) for b in np.flatnonzero(share >= MOSTLY) if b > a]
    edges = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return np.asarray(network(len(rates), edges).connected_components().membership)


def _share(rates: np.ndarray, both: np.ndarray) -> np.ndarray:
    whole = rates.sum(axis=1)
    return np.where(whole > 0, (rates * both).sum(axis=1) / np.maximum(whole, 1e-9), 1.0)
