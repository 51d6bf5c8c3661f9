"""Operator ids that stay the same over runs.

A run's fresh operators and what earlier runs found arrive; the same tables leave with the earlier
ids where a fresh operator is an earlier one. Judgements, tickets and mails name operators by their
id, and members are what those were about, so members tell which is which, those of operators that
were gone meanwhile too; where all members changed, infrastructure does. Where several became one,
the oldest id stays and the others are aliases of it; where one became several, the part with most
of its members keeps the id.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pyarrow as pa

from linkage.engine import Engine
from linkage.schema import ALIASES, TABLES

SAME = 0.5
"""Share of the smaller one's members, or of its evidence, that two operators have in common if
they are one."""

LAST_MEMBERS = """
SELECT account_id, operator_id FROM memberships
WHERE last_run = (SELECT max(x.last_run) FROM memberships AS x
                  WHERE x.operator_id = memberships.operator_id)
  AND operator_id NOT IN (SELECT alias FROM aliases)
"""

OVERLAP = """
WITH fresh_sizes AS (SELECT operator_id, count(*) AS n FROM members GROUP BY ALL),
earlier_sizes AS (SELECT operator_id, count(*) AS n FROM last_members GROUP BY ALL)
SELECT f.operator_id, e.operator_id, count(*) AS shared, any_value(fs.n), any_value(es.n)
FROM members AS f JOIN last_members AS e USING (account_id)
JOIN fresh_sizes AS fs ON fs.operator_id = f.operator_id
JOIN earlier_sizes AS es ON es.operator_id = e.operator_id
GROUP BY f.operator_id, e.operator_id
"""

# what members share of their evidence, by its weight over all members
INFRASTRUCTURE = """
WITH fresh AS (
    SELECT operator_id, kind, value, members * weight AS nats FROM evidence WHERE weight > 0
),
earlier AS (
    SELECT operator_id, kind, value, members * weight AS nats FROM earlier_evidence
    WHERE weight > 0
),
fresh_sums AS (
    SELECT operator_id, sum(nats ORDER BY nats) AS nats FROM fresh GROUP BY ALL
),
earlier_sums AS (
    SELECT operator_id, sum(nats ORDER BY nats) AS nats FROM earlier GROUP BY ALL
)
SELECT f.operator_id, e.operator_id,
       least(sum(f.nats ORDER BY f.nats) / any_value(fs.nats),
             sum(e.nats ORDER BY e.nats) / any_value(es.nats)) AS share
FROM fresh AS f JOIN earlier AS e USING (kind, value)
JOIN fresh_sums AS fs ON fs.operator_id = f.operator_id
JOIN earlier_sums AS es ON es.operator_id = e.operator_id
GROUP BY f.operator_id, e.operator_id
HAVING share >= ?
ORDER BY share DESC, f.operator_id, e.operator_id
"""


class Overlap(NamedTuple):
    """Members that a fresh operator and an earlier one share, and how many each has."""

    fresh: str
    earlier: str
    shared: int
    fresh_size: int
    earlier_size: int


def keep_ids(engine: Engine, run: int) -> dict[str, str]:
    """Rename the operators of this run, number `run`, to what earlier runs called them.

    In the engine are, beside the tables of this run, the `HISTORY` tables and `earlier_evidence`.
    Every kept table with an operator_id is changed, `aliases` gets those of this run. Returns
    fresh id -> id for those renamed.
    """
    engine.create("last_members", LAST_MEMBERS)
    overlaps = [Overlap(*row) for row in engine.rows(OVERLAP)]
    ages = dict(
        engine.rows("SELECT operator_id, min(first_run) FROM memberships GROUP BY operator_id")
    )
    fresh = [row[0] for row in engine.rows("SELECT operator_id FROM operators ORDER BY 1")]
    taken = {
        row[0]
        for row in engine.rows(
            "SELECT operator_id FROM memberships UNION SELECT alias FROM aliases UNION "
            "SELECT a FROM judgements WHERE subject = 'operator'"
        )
    }
    alike = engine.rows(INFRASTRUCTURE, [SAME]) if len(fresh) else []
    names = match(fresh, overlaps, taken, ages, [(f, e) for f, e, _ in alike])
    renamed = {old: new for old, new in names.items() if old != new}
    if renamed:
        _rename(engine, renamed)
    _add_aliases(engine, merged(names, overlaps, ages), run)
    engine.drop("last_members")
    return renamed


def match(
    fresh: Iterable[str],
    overlaps: Iterable[tuple[str, str, int, int, int]],
    taken: set[str],
    ages: Mapping[str, int] | None = None,
    alike: Iterable[tuple[str, str]] = (),
) -> dict[str, str]:
    """The id of each fresh operator: an earlier one's, its own, or a new one if that is taken.

    `overlaps` are (fresh, earlier, members shared, members of fresh, members of earlier); `ages`
    the run that each earlier operator was first found in; `alike` pairs (fresh, earlier) of the
    same infrastructure, which count where no member does.

    >>> match(["OP-A", "OP-B"], [("OP-A", "OP-X", 8, 10, 9), ("OP-B", "OP-X", 1, 5, 9)], {"OP-X"})
    {'OP-A': 'OP-X', 'OP-B': 'OP-B'}

    Two became one: the older id stays.

    >>> both = [("OP-A", "OP-X", 9, 14, 9), ("OP-A", "OP-Y", 5, 14, 5)]
    >>> match(["OP-A"], both, {"OP-X", "OP-Y"}, {"OP-X": 2, "OP-Y": 1})
    {'OP-A': 'OP-Y'}
    """
    claims = _claims(overlaps, ages or {})
    names = {new: rows[0].earlier for new, rows in claims.items()}
    used = {row.earlier for rows in claims.values() for row in rows}
    for new, old in alike:
        if new not in names and old not in used:
            names[new] = old
            used.add(old)
    taken = taken | used
    for new in sorted(fresh):
        if new not in names:
            names[new] = _unused(new, taken)
            taken = taken | {names[new]}
    return names


def merged(
    names: Mapping[str, str],
    overlaps: Iterable[tuple[str, str, int, int, int]],
    ages: Mapping[str, int] | None = None,
) -> dict[str, str]:
    """Earlier ids that no operator has any more, and the id of the one that they went into.

    >>> both = [("OP-A", "OP-X", 9, 14, 9), ("OP-A", "OP-Y", 5, 14, 5)]
    >>> merged({"OP-A": "OP-Y"}, both, {"OP-X": 2, "OP-Y": 1})
    {'OP-X': 'OP-Y'}
    """
    stay = set(names.values())
    return {
        row.earlier: names[new]
        for new, rows in _claims(overlaps, ages or {}).items()
        for row in rows
        if row.earlier not in stay and _is_within(row)
    }


def _claims(
    overlaps: Iterable[tuple[str, str, int, int, int]], ages: Mapping[str, int]
) -> dict[str, list[Overlap]]:
    """For each fresh operator the earlier ones whose largest part it is, the heir's first."""

    def strength(row: Overlap) -> tuple[int, float, bool, str, str]:
        jaccard = row.shared / (row.fresh_size + row.earlier_size - row.shared)
        return (-row.shared, -jaccard, row.fresh != row.earlier, row.earlier, row.fresh)

    claims: dict[str, list[Overlap]] = {}
    seen: set[str] = set()
    for row in sorted((Overlap(*row) for row in overlaps), key=strength):
        if row.shared >= SAME * min(row.fresh_size, row.earlier_size) and row.earlier not in seen:
            seen.add(row.earlier)
            claims.setdefault(row.fresh, []).append(row)
    for rows in claims.values():
        # the sort is stable: of the same age, the strongest
        rows.sort(key=lambda row: (not _is_within(row), ages.get(row.earlier, 0)))
    return claims


def _is_within(row: Overlap) -> bool:
    return row.shared >= SAME * row.earlier_size


def _rename(engine: Engine, renamed: Mapping[str, str]) -> None:
    pairs = {"old": list(renamed), "new": list(renamed.values())}
    engine.put("renamed_operators", pa.table(pairs))
    history = (ALIASES.name, "memberships", "run_operators")
    for table in TABLES.values():
        if table.kept and table.name not in history and "operator_id" in table.names().split(", "):
            engine.create(
                table.name,
                f"SELECT t.* REPLACE (coalesce(r.new, t.operator_id) AS operator_id) "
                f"FROM {table.name} AS t "
                f"LEFT JOIN renamed_operators AS r ON r.old = t.operator_id",
            )
    engine.drop("renamed_operators")


def _add_aliases(engine: Engine, found: Mapping[str, str], run: int) -> None:
    """Add aliases; those of an id that has become one itself go where that goes."""
    for alias, operator_id in found.items():
        engine.run("UPDATE aliases SET operator_id = ? WHERE operator_id = ?", [operator_id, alias])
        engine.run("INSERT INTO aliases VALUES (?, ?, ?)", [alias, operator_id, run])
    # an id that an operator has again is no alias
    engine.run("DELETE FROM aliases WHERE alias IN (SELECT operator_id FROM operators)")


def _unused(name: str, taken: set[str]) -> str:
    candidate, turn = name, 0
    while candidate in taken:
        turn += 1
        digest = hashlib.sha256(f"{name} {turn}".encode()).digest()
        candidate = "OP-" + base64.b32encode(digest).decode()[:6]
    return candidate
