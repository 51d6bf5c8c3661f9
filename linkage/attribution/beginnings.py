"""Going on from the last run instead of from nothing.

In: `attributed`, with all that was proposed; and, in an update, `beginnings`, the operators of the
last run as they had settled before there were pools. Out: `attributed`, with those and what else
was proposed. A run starts from thousands of candidates, most of which are parts of one operator, or
none at all; here those that lie within an operator of the last run are left out. That one is
weighed like any other, and may lose members, merge, fall apart or go.

What was found may hide what could be (two operators that looked like one when less was known), so
an update starts from nothing once the graph has grown by a quarter: when `infrastructure` makes its
decoys anew.
"""

from __future__ import annotations

from linkage.attribution import changes
from linkage.engine import Engine

WITHIN = 0.9
"""A candidate is left out if this share of its accounts are in one operator of the last run."""


def resume(engine: Engine, slack: float) -> None:
    """Put the operators of `beginnings`, if there are any, in the place of what is within them."""
    if not engine.exists("beginnings") or _made_anew(engine):
        return
    if not engine.value("SELECT count(*) FROM beginnings"):
        return
    engine.create("proposed", "SELECT * FROM attributed")
    engine.create(
        "attributed",
        """
        WITH used AS (
            SELECT community AS number FROM communities UNION ALL SELECT operator FROM proposed
        )
        SELECT account, operator + 1 + (SELECT coalesce(max(number), -1) FROM used) AS operator,
               1.0 AS confidence, 0.0 AS evidence, CAST(NULL AS DOUBLE) AS corroboration,
               0 AS held_by
        FROM beginnings
        """,
    )
    changes.weigh_changed(engine, slack=slack)
    engine.run(
        f"""
        INSERT INTO attributed BY NAME
        WITH sizes AS (SELECT operator, count(*) AS size FROM proposed GROUP BY operator),
        inside AS (
            SELECT p.operator, count(*) AS accounts
            FROM proposed p JOIN beginnings s ON s.account = p.account
            GROUP BY p.operator, s.operator
        )
        SELECT p.* FROM proposed p WHERE p.operator NOT IN (
            SELECT i.operator FROM inside i JOIN sizes z ON z.operator = i.operator
            WHERE i.accounts >= {WITHIN} * z.size
        )
        """
    )
    engine.drop("proposed")


def keep(engine: Engine) -> None:
    """Leave the operators of now in `beginnings`, for the next update."""
    engine.create("beginnings", "SELECT account, operator FROM attributed")


def _made_anew(engine: Engine) -> bool:
    edges = engine.value("SELECT count(*) FROM edges")
    return bool(edges == engine.value("SELECT coalesce(max(edges), 0) FROM decoys"))
