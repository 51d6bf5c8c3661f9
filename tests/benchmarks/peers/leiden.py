"""Rarity-weighted projection: accounts linked by the sum of ln(N / accounts) of what they share.

Communities by igraph's Leiden on modularity.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import igraph
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from peers.rows import Grouping, Rows, without_singles

LEAST = (0.0, 8.0, 12.0, 16.0, 24.0)


def projections(rows: Rows) -> Iterator[tuple[str, pa.Table]]:
    """Over kinds, the most accounts of a value, and the least weight of a pair."""
    for name, kinds in rows.mixtures:
        for most in (50, 200):
            pairs = rows.pairs(kinds, most)
            for least in LEAST:
                kept = pairs.filter(pc.greater_equal(pairs["weight"], least))
                yield f"{name}; values on at most {most}; weight from {least:.0f}", kept


def groupings(rows: Rows) -> Iterator[tuple[str, Grouping]]:
    """Over projections and resolutions."""
    for name, pairs in projections(rows):
        graph = igraph.Graph(n=len(rows.accounts))
        graph.add_edges(np.stack([pairs["a"].to_numpy(), pairs["b"].to_numpy()], axis=1))
        weights = pairs["weight"].to_pylist()
        for resolution in (1.0, 10.0):
            random.seed(1)
            found = graph.community_leiden(
                "modularity", weights=weights, resolution=resolution, n_iterations=4
            )
            group = np.array(found.membership, np.int64)
            yield f"{name}; resolution {resolution:.0f}", without_singles(group)
