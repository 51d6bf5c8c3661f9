"""Address pools: groups of accounts that rotate over the same addresses, as further candidates.

In: `attributed`, `linking_edges`, `holdings` and their totals. Out: more rows in `attributed`, for
`attribution` to judge.
A reseller's cards and a proxy pool of thousands of addresses may never form a significant pair,
five members an address and ten a card: the group is plain only as a whole. Of the accounts that
belong to nobody yet, or to a group with little but a card in common, those that use several
addresses in common with others like them (a core of the bipartite graph) fall into Leiden
communities. Customers of a carrier or a VPN do too. Where most share cards, devices or phones, or
have cards of one issuer or one client, those who do are a candidate; the rest is left to
`attribution`.
"""

from __future__ import annotations

import numpy as np

from linkage import bipartite
from linkage.engine import Engine
from linkage.signals import ACQUAINTED

SHARED_ADDRESSES = 2
"""A core account shares at least so many addresses: one is a home."""

PLACE = 0.8
"""An address that so many of a group come from is a place, and the group no pool."""

FEW = 3
"""Unless half of the group come from each of more than so many: one line and a spare are a place's,
a dozen are rotated over."""

RESOLUTION = 0.2
"""Below one, so that one pool of thousands of addresses, used sparsely, is not cut at random."""

WORN = ("bin", "user_agent")
"""Kinds whose values strangers share, and which an operator may have of one sort."""

EXCESS = 0.5
"""Share of a pool's accounts that must have a habit because of the pool."""

MOST = 0.5
"""An operator is whole if so many of its members share addresses that are its own (as many of the
users are members), or two families of personal things: a firm has its card and its mail domain."""

LOOSE = ("prompt", *ACQUAINTED)
"""Personal kinds of which two of a group may well have one in common."""

ONE_IN = 1000
"""A pool is kept if chance would keep one in so many services."""


def find(engine: Engine, min_size: int, seed: int) -> None:
    """Add to `attributed` the groups of accounts that rotate over shared addresses."""
    engine.create("whole", _WHOLE)
    edges = engine.arrow(
        """
        SELECT e.account, e.signal FROM linking_edges e
        WHERE e.kind = 'ip' AND NOT EXISTS (
            SELECT 1 FROM attributed a JOIN whole w ON w.operator = a.operator
            WHERE a.account = e.account
        )
        ORDER BY e.account, e.signal
        """
    )
    account, signal = _core(edges["account"].to_numpy(), edges["signal"].to_numpy())
    found = bipartite.communities(account, signal, RESOLUTION, min_size, seed)
    engine.put("pool_accounts", found)
    _drop_places(engine)
    _keep_covert(engine)
    bipartite.propose(engine, "pool_accounts")


_WHOLE = f"""
    WITH used AS (
        SELECT a.operator, a.account, e.kind, e.family, e.accounts,
               count(e.signal) OVER (PARTITION BY a.operator, e.signal) AS members
        FROM attributed a LEFT JOIN linking_edges e
          ON e.account = a.account
          AND (e.kind = 'ip' OR (e.personal AND e.kind NOT IN {LOOSE}))
    ),
    held AS (
        SELECT operator, account, coalesce(
                   bool_or(kind = 'ip' AND members >= 2 AND members >= {MOST} * accounts), false
               ) OR count(DISTINCT family) FILTER (kind <> 'ip' AND members >= 2) >= 2 AS whole
        FROM used GROUP BY operator, account
    )
    SELECT operator FROM held GROUP BY operator HAVING count(*) FILTER (whole) >= {MOST} * count(*)
"""


def _drop_places(engine: Engine) -> None:
    engine.run(
        """
        DELETE FROM pool_accounts WHERE community IN (
            SELECT community FROM (
                SELECT p.community, count(*) / CAST(p.size AS DOUBLE) AS share FROM (
                    SELECT *, count(*) OVER (PARTITION BY community) AS size FROM pool_accounts
                ) p JOIN linking_edges e ON e.account = p.account AND e.kind = 'ip'
                GROUP BY p.community, e.signal, p.size
            ) WHERE share >= 0.5 GROUP BY community HAVING max(share) >= ? AND count(*) <= ?
        )
        """,
        [PLACE, FEW],
    )


def _keep_covert(engine: Engine) -> None:
    """Keep in `pool_accounts` those who do what is a habit of their pool.

    A habit is to share cards, devices or phones, with whomever; or a card's issuer, or a client. Of
    the accounts of a pool that have such a thing, f have the habit; of the whole service's, f0. The
    excess (f - f0) / (1 - f0) is the share of them that have it because they are in this pool. It
    must be half, and more than a chance among all pools and habits.
    """
    engine.create(
        "habits",
        f"""
        SELECT account, kind, CASE WHEN sharing THEN -1 ELSE signal END AS habit
        FROM linking_edges WHERE sharing OR kind IN {WORN}
        """,
    )
    engine.create(
        "pool_habits",
        """
        WITH service AS (
            SELECT h.kind, h.habit, count(*) / CAST(any_value(t.holders) AS DOUBLE) AS rate
            FROM habits h JOIN kind_totals t ON t.kind = h.kind GROUP BY h.kind, h.habit
        ),
        holding AS (
            SELECT p.community, h.kind, count(*) AS n
            FROM pool_accounts p JOIN holdings h ON h.account = p.account
            GROUP BY p.community, h.kind
        ),
        counted AS (
            SELECT p.community, h.kind, h.habit, any_value(g.n) AS n,
                   count(*) / CAST(any_value(g.n) AS DOUBLE) AS rate
            FROM pool_accounts p JOIN habits h ON h.account = p.account
            JOIN holding g ON g.community = p.community AND g.kind = h.kind
            GROUP BY p.community, h.kind, h.habit
        )
        SELECT c.community, c.kind, c.habit, c.n, c.rate, s.rate AS service_rate,
               c.n * (c.rate * ln(c.rate / s.rate)
                      + CASE WHEN c.rate < 1 THEN (1 - c.rate) * ln((1 - c.rate) / (1 - s.rate))
                             ELSE 0 END) AS weight
        FROM counted c JOIN service s ON s.kind = c.kind AND s.habit = c.habit
        WHERE s.rate < 1 AND c.rate > s.rate
        """,
    )
    engine.create(
        "pool_accounts",
        """
        SELECT DISTINCT p.account, p.community FROM pool_accounts p
        JOIN pool_habits h ON h.community = p.community
        JOIN habits a ON a.account = p.account AND a.kind = h.kind AND a.habit = h.habit
        WHERE (h.rate - h.service_rate) / (1 - h.service_rate) >= ?
          AND h.weight > ln(? * (SELECT count(*) FROM pool_habits))
        """,
        [EXCESS, ONE_IN],
    )
    engine.drop("habits")


def _core(account: np.ndarray, signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The edges left when accounts with few shared addresses, and addresses of one, are peeled."""
    while len(account):
        kept = (np.bincount(account)[account] >= SHARED_ADDRESSES) & (
            np.bincount(signal)[signal] >= 2
        )
        if kept.all():
            break
        account, signal = account[kept], signal[kept]
    return account, signal
