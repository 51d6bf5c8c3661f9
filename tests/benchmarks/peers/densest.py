"""Densest blocks: FRAUDAR (Hooi and others, KDD 2016) of rgmining-fraudar, one block after another.

Each block is the densest part of the graph of accounts and values, common values counting less;
its edges are taken out, and the next is looked for. How many blocks to believe is swept.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

import numpy as np
from fraudar.export.greedy import listToSparseMatrix, logWeightedAveDegree

from peers.rows import Grouping, Rows, without_singles

BLOCKS = 40


def groupings(rows: Rows) -> Iterator[tuple[str, Grouping]]:
    """Over kinds and the number of blocks; an account is in its first block."""
    for name, kinds in rows.mixtures:
        account, value = rows.edges(kinds)
        _, column = np.unique(value, return_inverse=True)
        group = np.full(len(rows.accounts), -1, np.int64)
        for block in range(BLOCKS):
            if not len(account):
                break
            with contextlib.redirect_stdout(io.StringIO()):
                matrix = listToSparseMatrix(account.tolist(), column.tolist())
                (people, things), _ = logWeightedAveDegree(matrix)
            people, things = np.array(sorted(people)), np.array(sorted(things))
            free = people[group[people] < 0]
            group[free] = block
            if block + 1 in (1, 3, 5, 10, 15, 20, 30, 40):
                yield f"{name}; {block + 1} blocks", without_singles(group.copy())
            gone = np.isin(account, people) & np.isin(column, things)
            account, column = account[~gone], column[~gone]
