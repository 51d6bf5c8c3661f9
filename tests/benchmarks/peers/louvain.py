"""The same projection as `leiden`, with networkx's Louvain, the commonest in notebooks."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
import numpy as np

from peers.leiden import projections
from peers.rows import Grouping, Rows, without_singles

MOST = 1_500_000
"""Pairs beyond which networkx needs more memory than a laptop has; such settings are left out."""


def groupings(rows: Rows) -> Iterator[tuple[str, Grouping]]:
    """Over projections."""
    for name, pairs in projections(rows):
        if len(pairs) > MOST:
            continue
        graph = nx.Graph()
        columns = (pairs[column].to_pylist() for column in ("a", "b", "weight"))
        graph.add_weighted_edges_from(zip(*columns, strict=True))
        group = np.full(len(rows.accounts), -1, np.int64)
        for number, community in enumerate(nx.community.louvain_communities(graph, seed=1)):
            group[list(community)] = number
        yield name, without_singles(group)
