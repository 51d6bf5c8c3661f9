"""Statistically validated projection: bicm's configuration model of accounts and values.

Pairs of accounts that share more than the model expects (Poisson tail, false discovery rate) are
linked (Saracco and others, New Journal of Physics 2017). Its pairs are a Python loop, so values on
many accounts have to be left out.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator

import numpy as np
from bicm import BipartiteGraph
from scipy.stats import false_discovery_control

from peers.rows import Grouping, Rows, components


def groupings(rows: Rows) -> Iterator[tuple[str, Grouping]]:
    """Over the most accounts of a value, kinds, and the rate."""
    warnings.simplefilter("ignore")
    for most in (10, 20, 50, 100):
        for name, kinds in rows.mixtures:
            account, value = rows.edges(kinds, most)
            with contextlib.redirect_stdout(io.StringIO()):
                graph = BipartiteGraph(
                    edgelist=list(zip(account.tolist(), (-1 - value).tolist(), strict=True))
                )
                graph.solve_tool(verbose=False)
                graph.compute_projection(rows=True, threads_num=1, progress_bar=False)
            names = graph.rows_dict
            found = [
                (names[a], names[b], p)
                for a, others in graph.rows_pvals.items()
                for b, p in others.items()
            ]
            a, b = (np.array([row[place] for row in found], np.int64) for place in (0, 1))
            p = np.array([row[2] for row in found])
            adjusted = false_discovery_control(np.clip(p, 0, 1)) if len(p) else p
            for rate in (0.05, 0.001, 1e-6, 1e-9):
                kept = adjusted < rate
                group = components(len(rows.accounts), a[kept], b[kept])
                yield f"{name}; values on at most {most}; rate {rate:g}", group
