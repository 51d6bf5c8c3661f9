"""Counts by day made ready to draw: one list of bars from the first day to the last.

A bar is a day, or several where there would be more bars than a screen can show. Where the days
span years and a few stray dates stretch them (an account made in 1970), the tails that hold
at most one in 200 are counted and left out of the drawing.
"""

from __future__ import annotations

from typing import Any

BARS = 400
TAIL = 0.005


def bars(series: list[dict[int, int]]) -> dict[str, Any] | None:
    """Bars on one axis for several series of day (since 1970) -> count; None if all are empty.

    Out: `start` (day), `step` (days a bar), `bars` (a list a series), `totals`, and `early` and
    `late` (what a series has before and after the bars).

    >>> bars([{10: 1, 12: 4}, {11: 2}])["bars"]
    [[1, 0, 4], [0, 2, 0]]
    """
    filled = [days for days in series if days]
    if not filled:
        return None
    first, last = min(map(min, filled)), max(map(max, filled))
    if last - first >= BARS:
        cores = [_core(days) for days in filled]
        first, last = min(a for a, _ in cores), max(b for _, b in cores)
    step = -(-(last - first + 1) // BARS)
    drawn = [[0] * ((last - first) // step + 1) for _ in series]
    for row, days in zip(drawn, series, strict=True):
        for day, n in days.items():
            if first <= day <= last:
                row[(day - first) // step] += n
    return {
        "start": first,
        "step": step,
        "bars": drawn,
        "totals": [sum(days.values()) for days in series],
        "early": [sum(n for day, n in days.items() if day < first) for days in series],
        "late": [sum(n for day, n in days.items() if day > last) for days in series],
    }


def _core(days: dict[int, int]) -> tuple[int, int]:
    """The first and the last day without the tails that hold at most `TAIL` each."""
    allowed = sum(days.values()) * TAIL
    ordered = sorted(days)
    return _after_tail(days, ordered, allowed), _after_tail(days, ordered[::-1], allowed)


def _after_tail(days: dict[int, int], ordered: list[int], allowed: float) -> int:
    seen = 0
    for day in ordered:
        seen += days[day]
        if seen > allowed:
            return day
    return ordered[-1]
