"""When members are active: the hours of the week, and the hour in which most were active at once.

In: the table activity. Out: of each operator 168 counts of account-hours, Monday 00:00 UTC first,
and its fullest hour. People of one place sleep at the same time; a fleet run by a schedule is
up in step, or at all hours alike. The same counts of everybody stand beside, since a service has
hours of its own.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from linkage.report.plain import minute
from linkage.report.tables import Tables

WEEK = 7 * 24
HOUR_OF_WEEK = "(isodow(hour) - 1) * 24 + hour(hour)"


def of_everybody(tables: Tables) -> list[int]:
    """Account-hours by hour of the week, over all accounts."""
    return _week(
        tables.rows(
            f"SELECT {HOUR_OF_WEEK} AS slot, count(*) FROM activity WHERE isfinite(hour) GROUP BY 1"
        )
    )


def of_operators(tables: Tables, places: str) -> dict[int, dict[str, Any]]:
    """By place: `week` and `peak` ([hour, members active in it]), where there is any activity."""
    active = f"""
        (SELECT place, hour, account FROM members JOIN shown USING (operator_id)
            JOIN activity USING (account) WHERE isfinite(hour) AND {places})
        """
    slots = tables.by_place(
        f"SELECT place, {HOUR_OF_WEEK} AS slot, count(*) FROM {active} GROUP BY ALL ORDER BY 1, 2"
    )
    peaks: dict[int, list[tuple[datetime.datetime, int]]] = tables.by_place(
        f"""
        SELECT place, arg_min(hour, (-n, hour)), max(n)
        FROM (SELECT place, hour, count(DISTINCT account) AS n FROM {active} GROUP BY ALL)
        GROUP BY place ORDER BY place
        """
    )
    return {
        place: {"week": _week(rows), "peak": [minute(peaks[place][0][0]), peaks[place][0][1]]}
        for place, rows in slots.items()
    }


def _week(rows: Iterable[tuple[int, int]]) -> list[int]:
    counts = [0] * WEEK
    for slot, n in rows:
        counts[slot] += n
    return counts
