"""Account-address graph, after EvilCohort (Stringhini and others, USENIX Security 2015).

Accounts that connect from enough of the same addresses are linked, weighted by how many; Louvain
finds communities, which igraph's multilevel is. Ten accounts make a community there; the smallest
size is left to the sweep's common five here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import igraph
import numpy as np

from peers.rows import Grouping, Rows, without_singles


def groupings(rows: Rows) -> Iterator[tuple[str, Grouping]]:
    """Over the most accounts of an address and the fewest addresses a pair must share."""
    for most in (20, 50, 100, 200, 500, 1_000):
        pairs = rows.pairs(("ip",), most)
        shared = pairs["shared"].to_numpy()
        for least in (1, 2, 3, 4, 6):
            kept = shared >= least
            graph = igraph.Graph(n=len(rows.accounts))
            a, b = (pairs[column].to_numpy()[kept] for column in "ab")
            graph.add_edges(np.stack([a, b], axis=1))
            random.seed(1)
            found = graph.community_multilevel(weights=shared[kept].tolist())
            group = without_singles(np.array(found.membership, np.int64))
            yield f"{least} addresses with at most {most} accounts", group
