"""Parts of an operator that only texts tie are several operators.

A good text gets around: it is sold, leaked, copied from a forum. Two fleets that have their own
cards, machines and exits, not one of them in common, and some templates among many, are two hands.
Batches of one hand, each with new cards and machines, go on with the same set of templates.
"""

from __future__ import annotations

import numpy as np

from linkage.bipartite import network

FAMILY = 8
"""More accounts that things tie are a side; fewer may have a card, and no more."""

MOSTLY = 0.7
"""Sides are told apart where so many of the members are on one; and two sides have one set of
templates if so much of what either uses is both's."""

COMMON = 0.1
"""A template is both's if neither uses it a tenth as often as the other."""

SIDES = 100
"""An operator that falls into more sides than this is made of cards, and has one set."""


def part(parts: np.ndarray, side: np.ndarray, uses: np.ndarray) -> np.ndarray:
    """The part of each account, with new numbers for sides that have a set of their own.

    `parts` is the part of each account so far; `side` its component by things alone; `uses` has a
    row (account, template) for each template that an account uses. The largest set keeps the
    number. Who is on no side goes where his templates are used most.

    >>> parts, side = np.zeros(20, dtype=np.int64), np.repeat([0, 1], 10)
    >>> uses = np.array([[account, account // 10] for account in range(20)])
    >>> part(parts, side, uses).tolist() == side.tolist()
    True
    """
    parts = parts.copy()
    _, side = np.unique(np.column_stack([parts, side]), axis=0, return_inverse=True)
    side = side.reshape(-1)
    size = np.bincount(side)
    large = size[side] > FAMILY
    number = int(parts.max(initial=-1))
    for one in np.unique(parts[large]):
        members = np.flatnonzero(parts == one)
        sides = np.unique(side[members[large[members]]])
        if not 2 <= len(sides) <= SIDES or size[sides].sum() < MOSTLY * len(members):
            continue
        used = uses[np.isin(uses[:, 0], members)]
        templates, template = np.unique(used[:, 1], return_inverse=True)
        row = np.full(len(size), -1)
        row[sides] = np.arange(len(sides))
        of_use = row[side[used[:, 0]]]
        counts = np.zeros((len(sides), len(templates)))
        np.add.at(counts, (of_use[of_use >= 0], template[of_use >= 0]), 1)
        group = _sets(counts / size[sides][:, None])
        if group.max() == 0:
            continue
        # the group of each member: its side's, or by what it uses
        groups = int(group.max()) + 1
        together = np.zeros((groups, len(templates)))
        np.add.at(together, group, counts)
        sizes = np.bincount(group, weights=size[sides])
        main = int(np.argmax(sizes))
        fit = np.zeros((len(parts), groups))
        fit[:, main] = 1e-9
        rates = np.log((together + 0.5) / (sizes[:, None] + 1))
        np.add.at(fit, used[:, 0], rates[:, template].T)
        of_member = fit[members].argmax(axis=1)
        placed = row[side[members]]
        of_member = np.where(placed >= 0, group[placed], of_member)
        for other in range(groups):
            if other != main:
                number += 1
                parts[members[of_member == other]] = number
    return parts


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
