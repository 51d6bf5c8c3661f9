"""Small values as JSON can hold them: texts cut, numbers rounded, times in words or in days."""

from __future__ import annotations

import datetime
import json
import math
from typing import Any

CUT = {"prompt": 800}
CUT_OTHERS = 200


def cut(text: str, width: int = CUT_OTHERS) -> str:
    """A text of at most about `width` characters; what is missing is said.

    >>> cut("a" * 1204, 4)
    'aaaa… (1,200 more characters)'
    """
    if len(text) <= width:
        return text
    return f"{text[:width]}… ({len(text) - width:,} more characters)"


def rounded(value: float | None, digits: int) -> float | None:
    """A number rounded, or None for what is none.

    >>> rounded(0.98765, 2), rounded(float("nan"), 2)
    (0.99, None)
    """
    return round(value, digits) if value is not None and math.isfinite(value) else None


def probability(value: float | None) -> float | None:
    """A probability to four digits, which is never rounded to certainty.

    >>> probability(0.999998), probability(0.98765), probability(0.0)
    (0.9999, 0.9877, 0.0)
    """
    close = rounded(value, 4)
    if close is None or close == value:
        return close
    return min(max(close, 0.0001), 0.9999)


def minute(time: datetime.datetime | None) -> str | None:
    """A time to the minute: 2025-03-01 12:30."""
    return time.isoformat(" ", "minutes") if time else None


def day(time: datetime.datetime | None) -> int | None:
    """Days since 1970."""
    return time.date().toordinal() - 719_163 if time else None


def parsed(text: str | None) -> Any:
    """What a JSON text holds; an empty object if it is none."""
    try:
        return json.loads(text or "{}")
    except json.JSONDecodeError:
        return {}
