"""How an operator changed since the run before.

In: the tables memberships and run_operators, if the case has them and has had two runs. Out: of
each operator its size and verdict run by run, and who stayed, came and left since the run before,
with the operators they came from and went to, by the ids of that time.
"""

from __future__ import annotations

from typing import Any

from linkage.report.plain import cut, probability
from linkage.report.tables import Tables

RUNS = 12
"""Runs named, the last ones."""
OTHERS = 5
"""Operators named that members came from or went to."""


def of_operators(tables: Tables, places: str) -> dict[int, dict[str, Any]]:
    """By place: the last `run`, all `runs` (lists of what each said), `stayed`, `came`, `left`."""
    if not {"memberships", "run_operators"} <= tables.names:
        return {}
    [(last,)] = tables.rows("SELECT max(run) FROM run_operators")
    if last is None or last < 2:
        return {}
    runs = tables.by_place(
        f"""
        SELECT place, run, r.verdict, r.accounts, r.score
        FROM run_operators AS r JOIN shown USING (operator_id)
        WHERE {places} AND run > {last - RUNS} ORDER BY place, run
        """
    )
    flows = f"""
        WITH earlier AS (SELECT account_id, operator_id FROM memberships
            WHERE {last - 1} BETWEEN first_run AND last_run),
        later AS (SELECT account_id, operator_id FROM memberships
            WHERE {last} BETWEEN first_run AND last_run)
        SELECT e.operator_id AS a, l.operator_id AS b, count(*) AS n
        FROM earlier AS e FULL JOIN later AS l USING (account_id) GROUP BY ALL
        """
    came = tables.by_place(
        f"SELECT place, a, n FROM ({flows}) JOIN shown ON b = operator_id WHERE {places}"
        " ORDER BY place, n DESC, a"
    )
    left = tables.by_place(
        f"SELECT place, b, n FROM ({flows}) JOIN shown ON a = operator_id WHERE {places}"
        " AND b IS DISTINCT FROM a ORDER BY place, n DESC, b"
    )
    ids = dict(tables.rows(f"SELECT place, operator_id FROM shown WHERE {places}"))
    return {
        place: {
            "run": last,
            "runs": [[*run, probability(score)] for *run, score in runs.get(place, ())],
            "stayed": sum(n for a, n in came.get(place, ()) if a == ids[place]),
            "came": _named([(a, n) for a, n in came.get(place, ()) if a != ids[place]]),
            "left": _named(left.get(place, [])),
        }
        for place in ids
    }


def _named(moves: list[tuple[str | None, int]]) -> dict[str, Any]:
    """How many in all, how many from or to no operator, and the operators that most moved."""
    known = [[cut(name), n] for name, n in moves if name is not None]
    return {
        "all": sum(n for _, n in moves),
        "none": sum(n for name, n in moves if name is None),
        "operators": known[:OTHERS],
        "more": max(0, len(known) - OTHERS),
    }
