"""Weighing again only what changed.

In: `attributed`. Out: what `weights` makes, for all operators. What speaks for an operator depends
on its own members and on the whole service, which stays the same while operators settle; so of an
operator that kept its members since it was weighed in the same way, the rows are kept too.
"""

from __future__ import annotations

from linkage.attribution.weights import SLACK, find_signals, weigh
from linkage.engine import Engine

KEPT = ("sizes", "kind_members", "operator_signals", "kind_rates", "weighed")
"""Tables of `weights` with rows of one operator each."""

KEPT_SETTLED = (*KEPT, "family_weights")
"""Once operators have settled, this large one is asked for too (`companions`)."""

_COMPARED = """
    FROM attributed a FULL JOIN weighed_members w
      ON w.account = a.account AND w.operator = a.operator
"""
_MOVED = "(a.account IS NULL OR w.account IS NULL)"
"""Members now and when last weighed, side by side, and whether one is of one side only."""


def forget(engine: Engine) -> None:
    """Nothing was weighed yet."""
    engine.create(
        "weighed_members",
        "SELECT 0 AS account, 0 AS operator, false AS settled, false AS sets LIMIT 0",
    )
    # and nobody is asked about
    engine.create("asked", "SELECT 0 AS account LIMIT 0")


def weigh_changed(
    engine: Engine, settled: bool = False, sets: bool = True, slack: float = SLACK
) -> None:
    """`find_signals` and `weigh` for the operators that changed, or were weighed in another way.

    What was weighed with `sets` stays so: to go without is for those that are new. Leaves in
    `changed` which those were.
    """
    engine.create(
        "changed",
        f"""
        SELECT DISTINCT coalesce(a.operator, w.operator) AS operator {_COMPARED}
        WHERE {_MOVED} OR w.settled <> {settled} OR ({sets} AND NOT w.sets)
        """,
    )
    engine.create(
        "changed_members",
        "SELECT a.* FROM attributed a SEMI JOIN changed c ON c.operator = a.operator",
    )
    others = "SELECT count(*) FROM weighed_members w ANTI JOIN changed c ON c.operator = w.operator"
    kept = (KEPT_SETTLED if settled else KEPT) if engine.value(others) else ()
    for table in kept:
        engine.run(f"ALTER TABLE {table} RENAME TO kept_{table}")
    find_signals(engine, "changed_members")
    weigh(engine, settled, sets=sets, members="changed_members", slack=slack)
    for table in kept:
        engine.run(f"DELETE FROM kept_{table} WHERE operator IN (SELECT operator FROM changed)")
        engine.run(f"INSERT INTO kept_{table} BY NAME SELECT * FROM {table}")
        engine.drop(table)
        engine.run(f"ALTER TABLE kept_{table} RENAME TO {table}")
    engine.create(
        "weighed_members",
        f"""
        SELECT account, operator, {settled} AS settled, {sets} AS sets FROM changed_members
        UNION ALL
        SELECT w.* FROM weighed_members w ANTI JOIN changed c ON c.operator = w.operator
        """,
    )
    engine.drop("changed_members")


def moved(engine: Engine) -> float:
    """The share of members that are not where they were when last weighed."""
    changed, members = engine.rows(
        f"SELECT count(*) FILTER ({_MOVED}), count(a.account) {_COMPARED}"
    )[0]
    return int(changed) / max(int(members), 1)


def state(engine: Engine) -> int:
    """A hash of who is with whom in `attributed`, whatever the operators' numbers."""
    return int(
        engine.value(
            """
            WITH first AS (
                SELECT operator, min(account) AS account FROM attributed GROUP BY operator
            )
            SELECT coalesce(sum(hash(a.account, f.account)), 0)
            FROM attributed a JOIN first f ON f.operator = a.operator
            """
        )
    )
