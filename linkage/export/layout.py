"""Places for the nodes of an export, so that a graph of 20,000 accounts can be looked at at once.

`memory.nodes` and `memory.used` arrive; `memory.places(bipartite, number, x, y, size)` leaves. A
force-directed layout of every node takes minutes, so igraph lays out what carries the picture, the
strongest signals of each operator (`LANDMARKS`), tied by the accounts that have both. An account
then stands towards the middle of its landmarks and any other signal towards the middle of its
accounts, spread from the centre outwards until they fill the disc; those of the same spot form a
sunflower around it. The area of an operator's disc is in proportion to its nodes, and the discs
stand in rows by rank. Linear in the edges, and the same for the same case: sums are of whole
numbers, and the generator is seeded.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import duckdb
import igraph
import numpy as np
import pyarrow as pa

from linkage.schema import RANK

LANDMARKS = 250
"""Signals of an operator that igraph lays out."""
OWN = 6
"""Landmarks of an account that are tied to each other."""
STEPS = 300
SEED = 1
SPACING = 14.0
"""Between neighbours, in units of the layout."""
GRID = 1 << 20
"""Places are whole numbers until the end: sums of them don't depend on the order."""
GOLDEN = math.pi * (3 - math.sqrt(5))

HOMES = """
CREATE OR REPLACE TABLE memory.homes AS
WITH strengths AS (
    SELECT signal, operator_id, count(*) AS members,
           count(*) * greatest(coalesce(max(weight), 0), 0) AS strength
    FROM memory.used GROUP BY signal, operator_id
),
homes AS (
    SELECT * FROM strengths QUALIFY row_number() OVER (
        PARTITION BY signal ORDER BY strength DESC, members DESC, operator_id
    ) = 1
)
SELECT signal, operator_id, row_number() OVER (
    PARTITION BY operator_id ORDER BY strength DESC, members DESC, signal
) AS rank
FROM homes
"""
TIES = f"""
WITH own AS (
    SELECT u.account, h.operator_id, h.rank FROM memory.used AS u
    JOIN memory.homes AS h USING (signal)
    WHERE h.operator_id = u.operator_id AND h.rank <= {LANDMARKS}
    QUALIFY row_number() OVER (PARTITION BY u.account ORDER BY h.rank) <= {OWN}
)
SELECT operator_id, a.rank, b.rank, count(*) FROM own AS a
JOIN own AS b USING (account, operator_id) WHERE a.rank < b.rank
GROUP BY operator_id, a.rank, b.rank ORDER BY operator_id, a.rank, b.rank
"""
PLACES = f"""
CREATE OR REPLACE TABLE memory.places AS
WITH landmarks AS (
    SELECT h.signal, h.operator_id, l.x, l.y
    FROM memory.homes AS h JOIN landmarks AS l USING (operator_id, rank)
),
accounts AS (
    SELECT n.number, n.operator_id, coalesce(round(avg_x), 0) AS x, coalesce(round(avg_y), 0) AS y
    FROM memory.nodes AS n LEFT JOIN (
        SELECT u.account, sum(l.x) / count(*) AS avg_x, sum(l.y) / count(*) AS avg_y
        FROM memory.used AS u JOIN landmarks AS l USING (signal, operator_id) GROUP BY u.account
    ) AS m ON m.account = n.number
    WHERE n.bipartite = 0
),
others AS (
    SELECT u.signal, h.operator_id, round(sum(CAST(a.x AS BIGINT)) / count(*)) AS x,
           round(sum(CAST(a.y AS BIGINT)) / count(*)) AS y
    FROM memory.used AS u JOIN memory.homes AS h USING (signal)
    JOIN accounts AS a ON a.number = u.account AND a.operator_id = h.operator_id
    WHERE h.rank > {LANDMARKS} GROUP BY u.signal, h.operator_id
),
meant AS (
    SELECT 0 AS bipartite, number, operator_id, x, y FROM accounts
    UNION ALL SELECT 1, signal, operator_id, x, y FROM others
),
centred AS (
    SELECT m.bipartite, m.number, m.operator_id, m.x - c.x AS x, m.y - c.y AS y
    FROM meant AS m JOIN (
        SELECT operator_id, round(sum(CAST(x AS BIGINT)) / count(*)) AS x,
               round(sum(CAST(y AS BIGINT)) / count(*)) AS y
        FROM meant GROUP BY operator_id
    ) AS c USING (operator_id)
),
spread AS (
    SELECT *, {GRID} * sqrt((rank() OVER (
                  PARTITION BY operator_id ORDER BY x * x + y * y
              ) - 1) / count(*) OVER (PARTITION BY operator_id)) AS radius, atan2(y, x) AS angle
    FROM centred
),
spots AS (
    SELECT bipartite, number, operator_id, round(radius * cos(angle)) AS x,
           round(radius * sin(angle)) AS y
    FROM spread
    UNION ALL SELECT 1, signal, operator_id, x, y FROM landmarks
),
turns AS (
    SELECT *, row_number() OVER (
        PARTITION BY operator_id, x, y ORDER BY bipartite DESC, number
    ) - 1 AS turn FROM spots
)
SELECT t.bipartite, t.number,
       round(d.x + d.radius * t.x / {GRID} + {SPACING / 2} * sqrt(turn) * cos(turn * {GOLDEN}), 2)
           AS x,
       round(d.y + d.radius * t.y / {GRID} + {SPACING / 2} * sqrt(turn) * sin(turn * {GOLDEN}), 2)
           AS y,
       CASE t.bipartite WHEN 0 THEN 4.0 ELSE round(4 + 2 * ln(1 + n.members), 2) END AS size
FROM turns AS t JOIN discs AS d USING (operator_id)
JOIN memory.nodes AS n ON n.bipartite = t.bipartite AND n.number = t.number
"""


def lay_out(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `memory.places` from `memory.nodes` and `memory.used`."""
    connection.execute(HOMES)
    landmarks = pa.Table.from_pylist(
        list(_landmarks(connection)),
        pa.schema([("operator_id", pa.string()), ("rank", pa.int64()), *_WHOLE]),
    )
    sizes = connection.sql(
        "SELECT operator_id, count(*) FROM ("
        "  SELECT operator_id FROM memory.nodes WHERE bipartite = 0"
        "  UNION ALL SELECT operator_id FROM memory.homes"
        ') JOIN "case".operators AS o USING (operator_id) '
        f"GROUP BY operator_id, score, accounts ORDER BY {RANK}"
    ).fetchall()
    connection.register("landmarks", landmarks)
    connection.register("discs", pa.Table.from_pylist(list(_discs(sizes)), _DISCS))
    try:
        connection.execute(PLACES)
    finally:
        connection.unregister("landmarks")
        connection.unregister("discs")


_WHOLE = [("x", pa.int64()), ("y", pa.int64())]
_DISCS = pa.schema(
    [("operator_id", pa.string()), *((name, pa.float64()) for name in ("x", "y", "radius"))]
)


def _landmarks(connection: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    counts = connection.sql(
        f"SELECT operator_id, least(count(*), {LANDMARKS}) FROM memory.homes "
        "GROUP BY operator_id ORDER BY operator_id"
    ).fetchall()
    found = groupby(connection.sql(TIES).fetchall(), key=lambda row: row[0])
    ties = {operator: [(a - 1, b - 1, n) for _, a, b, n in rows] for operator, rows in found}
    for operator, count in counts:
        for rank, (x, y) in enumerate(_disc(count, ties.get(operator, [])), 1):
            yield {"operator_id": operator, "rank": rank, "x": int(x), "y": int(y)}


def _disc(count: int, ties: list[tuple[int, int, int]]) -> np.ndarray[Any, Any]:
    """Whole numbers for the places of an operator's landmarks, within a disc of radius `GRID`."""
    graph = igraph.Graph(count, [(a, b) for a, b, _ in ties])
    graph.es["weight"] = [1 + math.log(n) for _, _, n in ties]
    # what hangs together by nothing would drift apart without end
    parts = [part[0] for part in graph.connected_components()]
    graph.add_edges([(parts[0], part) for part in parts[1:]], {"weight": [0.2] * (len(parts) - 1)})
    igraph.set_random_number_generator(random.Random(SEED))
    start = graph.layout_circle()
    drawn = graph.layout_fruchterman_reingold(weights="weight", niter=STEPS, seed=start)
    places = np.asarray(drawn.coords).reshape(count, 2)
    places = places - (places.min(axis=0) + places.max(axis=0)) / 2
    radius = np.hypot(*places.T).max(initial=0.0)
    scaled: np.ndarray[Any, Any] = np.rint(places * (GRID / radius if radius > 0 else 0))
    return scaled


def _discs(sizes: list[tuple[str, int]]) -> Iterator[dict[str, Any]]:
    """Where each operator's disc stands: in rows of about the width of the whole, by rank."""
    radii = [SPACING * math.sqrt(size) for _, size in sizes]
    width = max(2.2 * math.sqrt(sum((2 * radius) ** 2 for radius in radii)), 1.0)
    x = y = height = 0.0
    for (operator, _), radius in zip(sizes, radii, strict=True):
        side = 2 * radius + 4 * SPACING
        if x and x + side > width:
            x, y, height = 0.0, y - height, 0.0
        yield {"operator_id": operator, "x": x + side / 2, "y": y - side / 2, "radius": radius}
        x, height = x + side, max(height, side)
