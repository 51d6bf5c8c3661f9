"""The map of operators: who shares evidence with whom, and where each stands on the drawing.

In: the table ties. Out: at most `OPERATORS` operators and `TIES` ties, with places worked out by
igraph, so that the page only draws. Ties between operators that are no honest organisation or
household come first, then those with one of them; among equals what counts is how many members and
kinds are tied, not how well two of a family or an office are. Each island of the map is laid out by
itself (Kamada and Kawai 1989, from a circle, hence the same each time), and islands are set in
rows; what is too high is made flatter, and what would stand on each other is pushed apart.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import igraph

from linkage.report.plain import rounded
from linkage.report.tables import Tables

OPERATORS = 40
TIES = 80
LEAST = 1.0
"""Nats that an average member gets from the other operator's evidence: less is no tie."""
STEP = 150.0
"""Distance of two tied operators, in the units of the drawing."""
ROW = 90.0
"""What an island takes in height beyond its own."""
APART = (112.0, 52.0)
"""How far two operators are at least, across or down, so that their names can be read."""
WIDTH, HEIGHT = 1000.0, 640.0
MARGINS = ((WIDTH, STEP), (HEIGHT, ROW))
ROUNDS = 100
HONEST = "('organisation', 'household')"

Points = list[tuple[float, float]]


def read(tables: Tables) -> dict[str, Any]:
    """`operators` ([place, x, y]), `ties` ([two positions in that list, nats, …]), what is left."""
    ties = tables.rows(
        f"""
        WITH grave AS (SELECT place, coalesce(verdict, '') NOT IN {HONEST} AS grave FROM shown),
        both_ways AS (
            SELECT least(place, other) AS a, greatest(place, other) AS b, kind, t.* EXCLUDE (place),
                place, row_number() OVER (PARTITION BY a, b ORDER BY nats DESC, place) AS nth
            FROM ties AS t JOIN (SELECT place, rank AS strongest, kind FROM strongest)
                USING (place, strongest)
        )
        SELECT a, b, nats, signals, kind, users, kinds, total
        FROM both_ways JOIN grave AS x ON x.place = a JOIN grave AS y ON y.place = b
        WHERE nats >= {LEAST} AND nth = 1
        ORDER BY x.grave::INTEGER + y.grave::INTEGER DESC, total DESC, a, b
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
    places = lay_out(len(drawn), [(drawn[a], drawn[b]) for a, b, *_ in kept])
    return {
        "operators": [[place, *places[n]] for place, n in drawn.items()],
        "ties": [
            [drawn[a], drawn[b], rounded(nats, 2), n, kind, users, kinds, rounded(total, 1)]
            for a, b, nats, n, kind, users, kinds, total in kept
        ],
        "ties_left": len(ties) - len(kept),
        "operators_left": len(tied) - len(drawn),
    }


def lay_out(count: int, edges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A place for each of `count` operators: tied ones near each other, islands in rows.

    >>> lay_out(2, [(0, 1)])
    [(75, 45), (287, 45)]
    """
    graph = igraph.Graph(n=count, edges=edges)
    places: Points = [(0.0, 0.0)] * count
    left = top = height = 0.0
    # the island of the first operator comes first: ties are in the order of what they say
    for island in sorted(graph.connected_components()):
        points = _island(graph.induced_subgraph(island))
        width, tall = (_extent(points, 0) + STEP, _extent(points, 1) + ROW)
        if left and left + width > WIDTH:
            left, top, height = 0.0, top + height, 0.0
        for operator, (x, y) in zip(island, points, strict=True):
            places[operator] = (left + x + STEP / 2, top + y + ROW / 2)
        left += width
        height = max(height, tall)
    return _push_apart(_fit(places))


def _island(graph: igraph.Graph) -> Points:
    """Places of operators that are all tied, from 0 on, wide rather than high."""
    layout = graph.layout_kamada_kawai(seed=graph.layout_circle())
    points = [(x * STEP, y * STEP) for x, y in layout]
    if not all(math.isfinite(c) for point in points for c in point):
        points = [(x * STEP, y * STEP) for x, y in graph.layout_circle()]
    if _extent(points, 1) > _extent(points, 0):
        points = [(y, x) for x, y in points]
    low = [min(along) for along in zip(*points, strict=True)]
    return [(x - low[0], y - low[1]) for x, y in points]


def _fit(points: Points) -> Points:
    across, down = (
        min(1.0, (size - margin) / max([1.0, *(point[axis] - margin / 2 for point in points)]))
        for axis, (size, margin) in enumerate(MARGINS)
    )
    return [(STEP / 2 + (x - STEP / 2) * across, ROW / 2 + (y - ROW / 2) * down) for x, y in points]


def _push_apart(points: Points) -> list[tuple[int, int]]:
    """Move operators that are nearer than `APART`, a little each round, within the drawing."""
    places = [list(point) for point in points]
    for _ in range(ROUNDS):
        moved = False
        for a, b in combinations(places, 2):
            short = [APART[axis] - abs(b[axis] - a[axis]) for axis in (0, 1)]
            if min(short) <= 0.5:
                continue
            # the way that is the shorter for its distance
            axis = 0 if short[0] / APART[0] < short[1] / APART[1] else 1
            push = (short[axis] if b[axis] >= a[axis] else -short[axis]) / 2
            low, high = MARGINS[axis][1] / 2, MARGINS[axis][0] - MARGINS[axis][1] / 2
            a[axis], b[axis] = (min(max(c, low), high) for c in (a[axis] - push, b[axis] + push))
            moved = True
        if not moved:
            break
    return [(round(x), round(y)) for x, y in places]


def _extent(points: Points, axis: int) -> float:
    along = [point[axis] for point in points]
    return max(along) - min(along)
