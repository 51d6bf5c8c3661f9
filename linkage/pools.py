"""Address pools: groups of accounts that rotate over the same addresses, as further candidates.

In: `attributed` and `linking_edges`. Out: more rows in `attributed`, for `attribution` to judge.
A reseller's cards and a proxy pool of thousands of addresses may never form a significant pair,
five members an address and ten a card: the group is plain only as a whole. Of the accounts that
belong to nobody yet, those that use several addresses in common with others like them (a core of
the bipartite graph) fall into Leiden communities. Customers of a carrier or a VPN do too; what
makes an operator, other things in common, is left to `attribution`, and it drops those.
"""

from __future__ import annotations

import random

import igraph
import numpy as np
import pyarrow as pa

from linkage.engine import Engine

SHARED_ADDRESSES = 3
"""A core account shares at least so many addresses: one is a home, two a home and a desk."""

LEIDEN_ROUNDS = 4
"""Leiden passes over the accounts' graph, which is large; more change next to nothing."""


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
    accounts, row = np.unique(account, return_inverse=True)
    signals, column = np.unique(signal, return_inverse=True)
    if len(accounts) < min_size:
        return
    graph = igraph.Graph(n=len(accounts) + len(signals))
    graph.add_edges(np.column_stack([row, column + len(accounts)]).tolist())
    weights = 1 / np.sqrt(np.bincount(column)[column])
    igraph.set_random_number_generator(random.Random(seed))
    membership = graph.community_leiden(
        objective_function="modularity", weights=weights.tolist(), n_iterations=LEIDEN_ROUNDS
    ).membership
    group = np.asarray(membership[: len(accounts)])
    kept = np.bincount(group)[group] >= min_size
    first = engine.value("SELECT coalesce(max(community), -1) + 1 FROM communities")
    engine.put(
        "pools",
        pa.table({"account": accounts[kept], "operator": group[kept].astype(np.int64) + first}),
    )
    engine.run(
        """
        INSERT INTO attributed BY NAME
        SELECT account, operator, 1.0 AS confidence, 0.0 AS evidence, 0 AS held_by FROM pools
        """
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
