"""Address pools: groups of accounts that rotate over the same addresses, as further candidates.

In: `attributed` and `linking_edges`. Out: more rows in `attributed`, for `attribution` to judge.
A reseller's cards and a proxy pool of thousands of addresses may never form a significant pair,
five members an address and ten a card: the group is plain only as a whole. Of the accounts that
belong to nobody yet, those that use several addresses in common with others like them (a core of
the bipartite graph) fall into Leiden communities. Customers of a carrier or a VPN do too; what
makes an operator, other things in common, is left to `attribution`, and it drops those.
"""

from __future__ import annotations

import numpy as np

from linkage import bipartite
from linkage.engine import Engine

SHARED_ADDRESSES = 3
"""A core account shares at least so many addresses: one is a home, two a home and a desk."""

RESOLUTION = 0.2
"""Below one, so that one pool of thousands of addresses, used sparsely, is not cut at random."""

EXCESS = 0.5
"""Share of a pool's accounts that must share things because of the pool."""

ONE_IN = 1000
"""A pool is kept if chance would keep one in so many services."""


def find(engine: Engine, min_size: int, seed: int) -> None:
    """Add to `attributed` the groups of unattributed accounts that rotate over shared addresses."""
    edges = engine.arrow(
        """
        SELECT e.account, e.signal FROM linking_edges e
        WHERE e.kind = 'ip' AND NOT EXISTS (SELECT 1 FROM attributed a WHERE a.account = e.account)
        ORDER BY e.account, e.signal
        """
    )
    account, signal = _core(edges["account"].to_numpy(), edges["signal"].to_numpy())
    found = bipartite.communities(account, signal, RESOLUTION, min_size, seed)
    engine.put("pool_accounts", found)
    _keep_covert(engine)
    bipartite.propose(engine, "pool_accounts")


def _keep_covert(engine: Engine) -> None:
    """Keep in `pool_accounts` the pools whose accounts share cards, devices or phones by habit.

    Of the accounts of a pool that have such a thing, f share it with another account, wherever;
    of the whole service's, f0. The excess (f - f0) / (1 - f0) is the share of them that do so
    because they are in this pool. It must be half, and more than a chance among all pools.
    """
    engine.create(
        "pool_habits",
        """
        WITH holding AS (
            SELECT h.account, k.family FROM holdings h JOIN kinds k ON k.kind = h.kind
            WHERE k.sharing
        ),
        sharing AS (
            SELECT e.account, e.family FROM linking_edges e WHERE e.sharing
        ),
        service AS (
            SELECT h.family, count(s.account) / CAST(count(*) AS DOUBLE) AS rate
            FROM holding h LEFT JOIN sharing s ON s.account = h.account AND s.family = h.family
            GROUP BY h.family
        ),
        counted AS (
            SELECT p.community, h.family, count(*) AS n,
                   count(s.account) / CAST(count(*) AS DOUBLE) AS rate
            FROM pool_accounts p JOIN holding h ON h.account = p.account
            LEFT JOIN sharing s ON s.account = h.account AND s.family = h.family
            GROUP BY p.community, h.family
        )
        SELECT c.community, c.family, c.n, c.rate, s.rate AS service_rate,
               c.n * (c.rate * ln(c.rate / s.rate)
                      + CASE WHEN c.rate < 1 THEN (1 - c.rate) * ln((1 - c.rate) / (1 - s.rate))
                             ELSE 0 END) AS weight
        FROM counted c JOIN service s ON s.family = c.family
        WHERE s.rate < 1 AND c.rate > s.rate
        """,
    )
    engine.run(
        """
        DELETE FROM pool_accounts WHERE community NOT IN (
            SELECT community FROM pool_habits
            WHERE (rate - service_rate) / (1 - service_rate) >= ?
              AND weight > ln(? * (SELECT count(DISTINCT (community, family)) FROM pool_habits))
        )
        """,
        [EXCESS, ONE_IN],
    )


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
