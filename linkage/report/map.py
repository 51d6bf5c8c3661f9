"""The map of operators: who shares evidence with whom, and where each stands on the drawing.

In: the table ties. Out: at most `OPERATORS` operators and `TIES` ties, the strongest first, with
places worked out by igraph, so that the page only draws. Each island of the map is laid out by
itself (Kamada and Kawai 1989, from a circle, hence the same each time) and islands are set in rows.
"""

from __future__ import annotations

import math
from typing import Any

import igraph

from linkage.report.plain import rounded
from linkage.report.tables import Tables

OPERATORS = 60
TIES = 120
LEAST = 1.0
"""Nats that an average member gets from the other operator's evidence: less is no tie."""
STEP = 150.0
"""Distance of two tied operators, in the units of the drawing."""
WIDTH = 1000.0


def read(tables: Tables) -> dict[str, Any]:
    """`operators` ([place, x, y]), `ties` ([two positions in that list, nats, …]), what is left."""
    ties = tables.rows(
        f"""
        SELECT least(place, other) AS a, greatest(place, other) AS b, max(nats) AS nats,
            arg_max(signals, (nats, -place)), arg_max(kind, (nats, -place))
        FROM ties JOIN (SELECT place, rank AS strongest, kind FROM strongest)
            USING (place, strongest)
        WHERE nats >= {LEAST} GROUP BY a, b ORDER BY nats DESC, a, b
        """
    )
    kept: list[tuple[Any, ...]] = []
    drawn: dict[int, int] = {}
    for tie in ties:
        new = {tie[0], tie[1]} - drawn.keys()
        if len(kept) < TIES and len(drawn) + len(new) <= OPERATORS:
            kept.append(tie)
            for place in sorted(new):
                drawn[place] = len(drawn)
    tied = {place for tie in ties for place in tie[:2]}
    edges = [(drawn[a], drawn[b]) for a, b, *_ in kept]
    places = lay_out(len(drawn), edges)
    return {
        "operators": [[place, *places[n]] for place, n in drawn.items()],
        "ties": [[drawn[a], drawn[b], rounded(nats, 2), n, kind] for a, b, nats, n, kind in kept],
        "ties_left": len(ties) - len(kept),
        "operators_left": len(tied) - len(drawn),
    }


def lay_out(count: int, edges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A place for each of `count` operators: tied ones near each other, islands in rows.

    >>> lay_out(2, [(0, 1)])
    [(75, 75), (287, 75)]
    """
    graph = igraph.Graph(n=count, edges=edges)
    islands = sorted(graph.connected_components(), key=lambda island: (-len(island), island))
    places: list[tuple[int, int]] = [(0, 0)] * count
    left = top = height = 0.0
    for island in islands:
        part = graph.induced_subgraph(island)
        layout = part.layout_kamada_kawai(seed=part.layout_circle())
        points = [(x * STEP, y * STEP) for x, y in layout]
        if not all(math.isfinite(c) for point in points for c in point):
            points = [(x * STEP, y * STEP) for x, y in part.layout_circle()]
        if _extent(points, 1) > _extent(points, 0):
            points = [(y, x) for x, y in points]
        low = [min(c) for c in zip(*points, strict=True)]
        size = [_extent(points, axis) + STEP for axis in (0, 1)]
        if left and left + size[0] > WIDTH:
            left, top, height = 0.0, top + height, 0.0
        for operator, (x, y) in zip(island, points, strict=True):
            places[operator] = (
                round(left + x - low[0] + STEP / 2),
                round(top + y - low[1] + STEP / 2),
            )
        left += size[0]
        height = max(height, size[1])
    return places


def _extent(points: list[tuple[float, float]], axis: int) -> float:
    along = [point[axis] for point in points]
    return max(along) - min(along)
