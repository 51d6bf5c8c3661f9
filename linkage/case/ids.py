"""Operator ids that stay the same over runs.

A run's fresh operators and an earlier case arrive; the same tables leave with the earlier ids
where a fresh operator is an earlier one. Which is which is told by their members: judgements,
tickets and mails name operators by their id, and members are what those were about.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from linkage.case.database import attached
from linkage.case.place import DATABASE
from linkage.engine import Engine
from linkage.schema import TABLES

OVERLAP = """
SELECT fresh.operator_id, earlier.operator_id, count(*) AS shared,
    any_value(fresh_sizes.n), any_value(earlier_sizes.n)
FROM members AS fresh
JOIN earlier.members AS earlier USING (account_id)
JOIN (SELECT operator_id, count(*) AS n FROM members GROUP BY 1) AS fresh_sizes
    ON fresh_sizes.operator_id = fresh.operator_id
JOIN (SELECT operator_id, count(*) AS n FROM earlier.members GROUP BY 1) AS earlier_sizes
    ON earlier_sizes.operator_id = earlier.operator_id
GROUP BY fresh.operator_id, earlier.operator_id
"""


def keep_ids(engine: Engine, earlier: Path) -> dict[str, str]:
    """Rename the operators of this run to what the case in the folder `earlier` calls them.

    Every table with an operator_id is changed. Returns fresh id -> id for those renamed.
    """
    with attached(engine, earlier / DATABASE, "earlier"):
        overlaps = engine.rows(OVERLAP)
        taken = {
            row[0]
            for row in engine.rows(
                "SELECT operator_id FROM earlier.operators UNION "
                "SELECT a FROM earlier.judgements WHERE subject = 'operator'"
            )
        }
    fresh = [row[0] for row in engine.rows("SELECT operator_id FROM operators ORDER BY 1")]
    names = match(fresh, overlaps, taken)
    renamed = {old: new for old, new in names.items() if old != new}
    if renamed:
        pairs = {"old": list(renamed), "new": list(renamed.values())}
        engine.put("renamed_operators", pa.table(pairs))
        for table in TABLES.values():
            if table.kept and "operator_id" in (c.name for c in table.columns):
                engine.create(
                    table.name,
                    f"SELECT t.* REPLACE (coalesce(r.new, t.operator_id) AS operator_id) "
                    f"FROM {table.name} AS t "
                    f"LEFT JOIN renamed_operators AS r ON r.old = t.operator_id",
                )
        engine.drop("renamed_operators")
    return renamed


def match(
    fresh: Iterable[str],
    overlaps: Iterable[tuple[str, str, int, int, int]],
    taken: set[str],
) -> dict[str, str]:
    """The id of each fresh operator: an earlier one's, its own, or a new one if that is taken.

    `overlaps` are (fresh, earlier, members shared, members of fresh, members of earlier). Pairs
    that share at least half of the smaller one are matched one to one, most shared first.

    >>> match(["OP-A", "OP-B"], [("OP-A", "OP-X", 8, 10, 9), ("OP-B", "OP-X", 1, 5, 9)], {"OP-X"})
    {'OP-A': 'OP-X', 'OP-B': 'OP-B'}
    """

    def strength(row: tuple[str, str, int, int, int]) -> tuple[int, float, bool, str, str]:
        new, old, shared, new_size, old_size = row
        jaccard = shared / (new_size + old_size - shared)
        return (-shared, -jaccard, new != old, old, new)

    names: dict[str, str] = {}
    used: set[str] = set()
    for row in sorted(overlaps, key=strength):
        new, old, shared, new_size, old_size = row
        if 2 * shared >= min(new_size, old_size) and new not in names and old not in used:
            names[new] = old
            used.add(old)
    taken = taken | used
    for new in sorted(fresh):
        if new not in names:
            names[new] = _unused(new, taken)
            taken = taken | {names[new]}
    return names


def _unused(name: str, taken: set[str]) -> str:
    candidate, turn = name, 0
    while candidate in taken:
        turn += 1
        digest = hashlib.sha256(f"{name} {turn}".encode()).digest()
        candidate = "OP-" + base64.b32encode(digest).decode()[:6]
    return candidate
