"""The drawing of an operator: its strongest signals, and its accounts bundled by equal signals.

In: for each bundle of accounts with the same signals, which signals (a bit each, those first that
matter most) and how many accounts. Out: a drawing of at most `SIGNALS` signals and `BUNDLES`
bundles, each with its place. Two columns, signals and bundles, rather than a cloud: labels have
room, and igraph's layered layout orders both columns so that few lines cross. An operator whose
accounts hardly ever have equal signals is drawn with fewer signals, since those bundles stand for
more of its accounts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import igraph

COUNTS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20)
SIGNALS = COUNTS[-1]
BUNDLES = 28
LINES = 90
COVERED = 0.7


@dataclass(frozen=True)
class Drawing:
    """Which signals (by bit) stand where, and which bundles with which of them."""

    signals: list[int]
    """Signals from top to bottom."""
    bundles: list[tuple[int, list[int]]]
    """Bundles from top to bottom: accounts, and positions in `signals`."""
    accounts_without: int
    """Accounts that have none of these signals."""
    bundles_left: int
    """Bundles too small to be drawn."""
    accounts_left: int
    """Accounts in them."""
    masks: list[int]
    """Of each bundle the signals that its accounts have, by bit."""
    considered: int
    """Signals that tell bundles apart: those with a lower bit."""

    def bundle_of(self, mask: int) -> int:
        """The bundle of an account that has the signals `mask`, or -1."""
        mask &= (1 << self.considered) - 1
        return self.masks.index(mask) if mask in self.masks else -1


def draw(bundles: dict[int, int], signals: int, accounts: int) -> Drawing:
    """The drawing of an operator of `accounts` accounts, from its bundles.

    `bundles` maps a set of signals (bit 0: the first) to the accounts that have just these.

    >>> draw({0b11: 5, 0b01: 2}, signals=2, accounts=8).bundles
    [(5, [0, 1]), (2, [1])]
    """
    counts = [n for n in COUNTS if n < signals] + [min(signals, COUNTS[-1])]
    # beyond the share that is enough, more signals are worth more than more accounts
    choices = [(_chosen(bundles, count), count) for count in counts]
    best, best_count = max(choices, key=lambda c: (min(_size(c[0]) / accounts, COVERED), c[1]))
    drawn = _size(best)
    kept = _narrowed(bundles, best_count)
    inside = sum(kept.values())
    order, rows = _layout(best, best_count)
    position = {signal: place for place, signal in enumerate(order)}
    return Drawing(
        signals=order,
        bundles=[(n, sorted(position[s] for s in _bits(mask))) for mask, n in rows],
        accounts_without=max(accounts - inside, 0),
        bundles_left=len(kept) - len(best),
        accounts_left=inside - drawn,
        masks=[mask for mask, _ in rows],
        considered=best_count,
    )


def _chosen(bundles: dict[int, int], count: int) -> list[tuple[int, int]]:
    """The largest bundles by the first `count` signals, as many as can be drawn."""
    ordered = sorted(_narrowed(bundles, count).items(), key=lambda item: (-item[1], item[0]))
    # the largest that each signal has comes first, so that none is without a line
    firsts = {next((m for m, _ in ordered if m >> s & 1), 0) for s in range(count)}
    ordered.sort(key=lambda item: item[0] not in firsts)
    chosen: list[tuple[int, int]] = []
    lines = 0
    for mask, n in ordered[:BUNDLES]:
        lines += mask.bit_count()
        if lines > LINES and chosen:
            break
        chosen.append((mask, n))
    return chosen


def _size(rows: list[tuple[int, int]]) -> int:
    return sum(n for _, n in rows)


def _narrowed(bundles: dict[int, int], count: int) -> dict[int, int]:
    """Bundles by the first `count` signals alone; accounts with none of them drop out."""
    kept: Counter[int] = Counter()
    for mask, n in bundles.items():
        kept[mask & ((1 << count) - 1)] += n
    kept.pop(0, None)
    return dict(kept)


def _layout(rows: list[tuple[int, int]], count: int) -> tuple[list[int], list[tuple[int, int]]]:
    """The order of signals that occur, and of bundles, with few crossings."""
    used = [s for s in range(count) if any(mask >> s & 1 for mask, _ in rows)]
    position = {signal: place for place, signal in enumerate(used)}
    edges = [
        (position[s], len(used) + row) for row, (mask, _) in enumerate(rows) for s in _bits(mask)
    ]
    graph = igraph.Graph(n=len(used) + len(rows), edges=edges)
    layout = graph.layout_bipartite(types=[False] * len(used) + [True] * len(rows), maxiter=200)
    across = [x for x, _ in layout]
    signals = sorted(range(len(used)), key=lambda i: (across[i], i))
    bundles = sorted(range(len(rows)), key=lambda i: (across[len(used) + i], i))
    return [used[i] for i in signals], [rows[i] for i in bundles]


def _bits(mask: int) -> list[int]:
    return [s for s in range(mask.bit_length()) if mask >> s & 1]
