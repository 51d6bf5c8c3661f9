"""Parts of an operator that only texts tie are several operators.

A good text gets around: it is sold, leaked, copied from a forum. Two fleets that have their own
cards, machines and exits, not one of them in common, and some templates among many, are two hands.
Batches of one hand, each with new cards and machines, go on with the same set of templates.
"""

from __future__ import annotations

import numpy as np

from linkage.attribution.weights import MOSTLY
from linkage.bipartite import network

FAMILY = 8
"""More accounts that things tie are a side; fewer may have a card, and no more."""

COMMON = 0.1
"""A template is both's if neither uses it a tenth as often as the other."""

SIDES = 100
"""An operator that falls into more sides than this is made of cards, and has one set."""


def part(parts: np.ndarray, side: np.ndarray, uses: np.ndarray) -> np.ndarray:
    """The part of each account, with new numbers for sides that have a set of their own.

    Sides are told apart where `MOSTLY` of the members are on one, and have one set if `MOSTLY` of
    what either uses is both's. `parts` is the part of each account so far; `side` its component by
    things alone; `uses` has a row (account, template) for each template that an account uses. The
    largest set keeps the number. Who is on no side goes where his templates are used most.

    >>> parts, side = np.zeros(20, dtype=np.int64), np.repeat([0, 1], 10)
    >>> uses = np.array([[account, account // 10] for account in range(20)])
    >>> part(parts, side, uses).tolist() == side.tolist()
    True
    """
    parts = parts.copy()
    sides, side, size = np.unique(
        np.column_stack([parts, side]), axis=0, return_inverse=True, return_counts=True
    )
    side = side.reshape(-1)
    large = size > FAMILY
    several = np.flatnonzero(np.bincount(sides[large, 0], minlength=1) >= 2)
    number = int(parts.max(initial=-1))
    for one in several:
        members = np.flatnonzero(parts == one)
        own = np.flatnonzero(large & (sides[:, 0] == one))
        if len(own) > SIDES or size[own].sum() < MOSTLY * len(members):
            continue
        number_of = np.full(max(len(parts), len(sides)), -1)
        number_of[own] = np.arange(len(own))
        side_of = number_of[side[members]]
        number_of[:] = -1
        number_of[members] = np.arange(len(members))
        used = uses[number_of[uses[:, 0]] >= 0]
        group = _grouped(side_of, number_of[used[:, 0]], used[:, 1])
        for other in range(1, int(group.max()) + 1):
            number += 1
            parts[members[group == other]] = number
    return parts


def _grouped(side: np.ndarray, account: np.ndarray, template: np.ndarray) -> np.ndarray:
    """The set that each account works with, the largest first; `side` is -1 for those on none."""
    size = np.bincount(side[side >= 0])
    templates, template = np.unique(template, return_inverse=True)
    counts = np.zeros((len(size), len(templates)))
    on_side = side[account] >= 0
    np.add.at(counts, (side[account[on_side]], template[on_side]), 1)
    one = _sets(counts / size[:, None])
    accounts = np.bincount(one, weights=size)
    one = np.argsort(np.argsort(-accounts, kind="stable"), kind="stable")[one]
    accounts = np.bincount(one, weights=size)
    together = np.zeros((len(accounts), len(templates)))
    np.add.at(together, one, counts)
    # who is on no side: how likely each set makes what he uses; the largest, if he uses nothing
    fit = np.zeros((len(side), len(accounts)))
    likely = np.log((together + 0.5) / (accounts[:, None] + 1))
    np.add.at(fit, account, likely[:, template].T)
    return np.where(side >= 0, one[side], fit.argmax(axis=1))


def _sets(rates: np.ndarray) -> np.ndarray:
    """A number for each side, by how many uses of each template it has an account: the same for
    those that have one set."""
    pairs = []
    for a in range(len(rates)):
        both = (rates >= COMMON * rates[a]) & (rates[a] >= COMMON * rates)
        theirs = (rates * both).sum(axis=1) / np.maximum(rates.sum(axis=1), 1e-9)
        own = (rates[a] * both).sum(axis=1) / max(float(rates[a].sum()), 1e-9)
        pairs += [(a, int(b)) for b in np.flatnonzero(np.maximum(theirs, own) >= MOSTLY) if b > a]
    edges = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return np.asarray(network(len(rates), edges).connected_components().membership)
