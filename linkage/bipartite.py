"""Communities of the bipartite graph itself: groups of accounts, as further candidates.

For the stages that propose groups to `attribution`, which judges them.
"""

from __future__ import annotations

import random

import igraph
import numpy as np
import pyarrow as pa

from linkage.engine import Engine

ROUNDS = 4
"""Leiden passes over the accounts' graph, which is large; more change next to nothing."""


def network(nodes: int, edges: np.ndarray) -> igraph.Graph:
    """The graph of so many nodes, numbered from 0, and of edges, a row of two nodes each."""
    graph = igraph.Graph(n=nodes)
    # narrow numbers are read fastest
    graph.add_edges(edges.astype(np.int32))
    return graph


def components(nodes: int, edges: np.ndarray) -> np.ndarray:
    """The connected component of each node of such a graph, by number.

    >>> components(4, np.array([[0, 2], [2, 3]])).tolist()
    [0, 1, 0, 0]
    """
    return np.asarray(network(nodes, edges).connected_components().membership, dtype=np.int64)


def membership(
    accounts: int, account: np.ndarray, signal: np.ndarray, resolution: float, seed: int
) -> np.ndarray:
    """The Leiden community of each of so many accounts, numbered from 0.

    `account` and `signal` are the two ends of each edge. A signal of d accounts holds d edges of
    weight d^-1/2, so that a popular one, all in all, weighs more, and for each account less
    (modularity at `resolution`, Traag, Waltman, van Eck 2019). About linear in the edges.

    >>> account, signal = np.array([0, 1, 0, 1, 2, 3, 2, 3]), np.array([5, 5, 6, 6, 7, 7, 8, 8])
    >>> membership(4, account, signal, 1, seed=0).tolist()
    [0, 0, 1, 1]
    """
    signals, column = np.unique(signal, return_inverse=True)
    graph = network(accounts + len(signals), np.column_stack([account, column + accounts]))
    igraph.set_random_number_generator(random.Random(seed))
    found = graph.community_leiden(
        objective_function="modularity",
        weights=(1 / np.sqrt(np.bincount(column)[column])).tolist() if len(column) else None,
        resolution=resolution,
        n_iterations=ROUNDS,
    )
    return np.asarray(found.membership[:accounts], dtype=np.int64)


def communities(
    account: np.ndarray, signal: np.ndarray, resolution: float, min_size: int, seed: int
) -> pa.Table:
    """Leiden communities of `min_size` accounts or more: the columns account and community.

    `account` and `signal` are the two ends of each edge, as in `membership`.

    >>> account = np.array([1, 2, 3, 1, 2, 3, 7, 8, 9, 7, 8, 9])
    >>> signal = np.array([0, 0, 0, 4, 4, 4, 5, 5, 5, 6, 6, 6])
    >>> sorted(len(group) for _, group in communities(account, signal, 1, 3, 0).to_pandas()
    ...        .groupby("community"))
    [3, 3]
    """
    accounts, row = np.unique(account, return_inverse=True)
    community = membership(len(accounts), row, signal, resolution, seed)
    kept = np.bincount(community)[community] >= min_size
    return pa.table({"account": accounts[kept], "community": community[kept]})


def propose(engine: Engine, table: str) -> None:
    """Add the groups of `table` (account, community) to `attributed`, with new numbers."""
    engine.run(
        f"""
        INSERT INTO attributed BY NAME
        WITH used AS (
            SELECT community AS number FROM communities UNION ALL SELECT operator FROM attributed
        )
        SELECT account, community + 1 + (SELECT coalesce(max(number), -1) FROM used) AS operator,
               1.0 AS confidence, 0.0 AS evidence, 0 AS held_by
        FROM {table}
        """
    )
