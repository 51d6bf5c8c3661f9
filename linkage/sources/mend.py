"""A csv with broken quotes, row by row: good rows out, broken ones counted, none swallowed.

Slow next to DuckDB's reader, and so only for files that it gives up on. A row that starts a quote
that isn't closed within so many lines, or that then has the wrong number of fields, is the broken
one; reading goes on at the very next line.
"""

from __future__ import annotations

import csv
from collections import deque
from itertools import islice
from typing import IO

from linkage.sources.relation import Reject, shown

LOOK_AHEAD = 500


def mend(
    source: IO[str], target: IO[str], delimiter: str, width: int, skip: int = 0
) -> list[Reject]:
    """Copy the rows of `width` fields, header included, and count the others by reason.

    Reasons come in the order of the first row of each.

    >>> import io
    >>> target = io.StringIO()
    >>> mend(io.StringIO('a,b\\n1,"x\\n2,y\\n'), target, ",", 2)
    [Reject(kind='row', reason='broken quotes', count=1, rows=1, example='row 2: 1,"x')]
    >>> target.getvalue().splitlines()
    ['a,b', '2,y']
    """
    writer = csv.writer(target, delimiter=delimiter, lineterminator="\n")
    counts: dict[str, int] = {}
    examples: dict[str, str] = {}
    window: deque[str] = deque()
    for _ in range(skip):
        next(source, None)
    row = 0
    limit = csv.field_size_limit(1 << 27)
    try:
        while window or _more(window, source):
            row += 1
            fields, taken, reason = _record(window, source, delimiter)
            if not reason and fields and len(fields) != width:
                reason = "too few fields" if len(fields) < width else "too many fields"
                taken = 1
            if reason:
                counts[reason] = counts.get(reason, 0) + 1
                examples.setdefault(reason, f"row {row}: {shown(window[0].rstrip())}")
            elif fields:
                writer.writerow(fields)
            for _ in range(taken):
                window.popleft()
    finally:
        csv.field_size_limit(limit)
    return [Reject("row", r, counts[r], counts[r], examples[r]) for r in counts]


def _more(window: deque[str], source: IO[str]) -> bool:
    line = next(source, None)
    if line is None:
        return False
    window.append(line)
    return True


def _record(window: deque[str], source: IO[str], delimiter: str) -> tuple[list[str], int, str]:
    """The fields of the record at the front, the lines it takes, and what is wrong with it."""
    for taken in range(1, LOOK_AHEAD + 1):
        if taken > len(window) and not _more(window, source):
            break
        # a line without a quote can't close one
        if taken > 1 and '"' not in window[taken - 1]:
            continue
        try:
            rows = csv.reader(islice(window, taken), delimiter=delimiter, strict=True)
            return next(rows, []), taken, ""
        except csv.Error as error:
            if "unexpected end of data" not in str(error):
                break
    return [], 1, "broken quotes"
