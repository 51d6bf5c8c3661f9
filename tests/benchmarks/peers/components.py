"""Connected components: accounts that share a value are one, values on many accounts aside."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from peers.rows import Grouping, Rows, components, without_singles


def groupings(rows: Rows) -> Iterator[tuple[str, Grouping]]:
    """Over kinds, the most accounts of a value, and how many values a pair must share."""
    count = len(rows.accounts)
    for name, kinds in rows.mixtures:
        for most in (5, 10, 20, 50, 100, 500, None):
            account, value = rows.edges(kinds, most)
            # accounts and values as one graph: linear in its edges
            joined = components(count + len(rows.kind), account, count + value)
            limit = f"at most {most}" if most else "any number of accounts"
            yield f"{name}; values on {limit}", without_singles(joined[:count])
    for name, kinds in rows.mixtures:
        for most in (20, 50, 100):
            pairs = rows.pairs(kinds, most)
            shared = pairs["shared"].to_numpy()
            for least in (2, 3, 4):
                kept = shared >= least
                a, b = (pairs[column].to_numpy()[kept] for column in "ab")
                group = components(count, np.asarray(a), np.asarray(b))
                yield f"{name}; {least} values on at most {most}", group
