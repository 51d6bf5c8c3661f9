"""Accounts that were judged together or apart.

`judged_pairs` and `attributed` arrive; `attributed` leaves as it was decided, with notes of what
was moved. Of two decisions that contradict each other, accounts judged apart stay apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

import pyarrow as pa

from linkage.engine import Engine

T = TypeVar("T", bound=Hashable)


def bind_pairs(engine: Engine) -> None:
    """Move the accounts of `judged_pairs`, and add to `judgement_notes` what was done."""
    pairs = engine.rows(
        """
        SELECT p.judgement, p.subject, p.a, p.b, a.account, b.account
        FROM judged_pairs p LEFT JOIN accounts a ON a.account_id = p.a
        LEFT JOIN accounts b ON b.account_id = p.b ORDER BY p.judgement
        """
    )
    present = [p for p in pairs if p[4] is not None and p[5] is not None]
    together = [p for p in present if p[1] == "together"]
    apart = [p for p in present if p[1] == "apart"]
    groups = components([(p[4], p[5]) for p in together])
    notes: list[tuple[int, int | None, str]] = []
    for judgement, _, a, b, one, other in apart:
        if one in groups and groups[one] is groups.get(other):
            notes.append(
                (judgement, None, f"{a} and {b} were judged apart, and by others together: apart")
            )
            broken = groups[one]
            together = [p for p in together if p[4] not in broken]
            groups = {k: v for k, v in groups.items() if v is not broken}
    numbers = {n for p in present for n in p[4:6]}
    where = _places(engine, numbers)
    moved = _bring_together(together, groups, where, notes)
    moved |= _take_apart(apart, groups, where, notes, _members_before(engine) if apart else set())
    _put_places(engine, {n: where.get(n) for n in moved})
    engine.put(
        "_notes",
        pa.table(
            {
                "judgement": pa.array([n[0] for n in notes], pa.int32()),
                "operator": pa.array([n[1] for n in notes], pa.int64()),
                "note": pa.array([n[2] for n in notes], pa.string()),
            }
        ),
    )
    engine.run("INSERT INTO judgement_notes BY NAME SELECT * FROM _notes")


def components(pairs: Iterable[tuple[T, T]]) -> dict[T, set[T]]:
    """The group of each account in `pairs`.

    >>> groups = components([(1, 2), (2, 3), (7, 8)])
    >>> groups[1] == groups[3] == {1, 2, 3}, groups[7] is groups[8]
    (True, True)
    """
    groups: dict[T, set[T]] = {}
    for a, b in pairs:
        one, other = groups.setdefault(a, {a}), groups.setdefault(b, {b})
        if one is not other:
            one |= other
            for account in other:
                groups[account] = one
    return groups


Place = tuple[int, float]
"""An operator, and the confidence to be in it."""


def _places(engine: Engine, accounts: Iterable[int]) -> dict[int, Place]:
    engine.put("_wanted", pa.table({"account": pa.array(sorted(accounts), pa.int32())}))
    rows = engine.rows(
        "SELECT account, operator, confidence FROM attributed JOIN _wanted USING (account)"
    )
    return {account: (operator, confidence) for account, operator, confidence in rows}


def _bring_together(
    together: Sequence[tuple[int, str, str, str, int, int]],
    groups: dict[int, set[int]],
    where: dict[int, Place],
    notes: list[tuple[int, int | None, str]],
) -> set[int]:
    """Move each group to the operator that holds most of it."""
    moved: set[int] = set()
    for group in {id(g): g for g in groups.values()}.values():
        held: defaultdict[int, list[float]] = defaultdict(list)
        for account in group & where.keys():
            held[where[account][0]].append(where[account][1])
        if not held:
            continue
        best = max(held, key=lambda o: (len(held[o]), max(held[o]), -o))
        for account in group:
            if where.get(account, (None,))[0] != best:
                where[account] = (best, max(held[best]))
                moved.add(account)
    for judgement, _, a, b, one, other in together:
        if one not in where:
            text = f"{a} and {b} were judged together, and neither is in an operator"
            notes.append((judgement, None, text))
        for name, with_name, account in ((a, b, one), (b, a, other)):
            if account in moved:
                text = f"{name} is in {{operator}} because it was judged together with {with_name}"
                notes.append((judgement, where[account][0], text))
    return moved


def _take_apart(
    apart: Sequence[tuple[int, str, str, str, int, int]],
    groups: dict[int, set[int]],
    where: dict[int, Place],
    notes: list[tuple[int, int | None, str]],
    before: set[int],
) -> set[int]:
    """Of two accounts of one operator that were judged apart, the less certain leaves it.

    If one alone was a member `before`, the other does: who stays shall not change with every run.
    """
    moved: set[int] = set()
    for judgement, _, a, b, one, other in apart:
        if one not in where or other not in where or where[one][0] != where[other][0]:
            continue
        operator = where[one][0]
        leaves = min((one, other), key=lambda n: (n in before, where[n][1], -n))
        for account in groups.get(leaves, {leaves}):
            if account in where and where[account][0] == operator:
                del where[account]
                moved.add(account)
        name, stays = (a, b) if leaves == one else (b, a)
        text = f"{name} is not in {{operator}}: it was judged apart from {stays}, which is"
        notes.append((judgement, operator, text))
    return moved


def _members_before(engine: Engine) -> set[int]:
    """The accounts that the last run found to be members."""
    rows = engine.rows(
        "SELECT a.account FROM memberships m JOIN accounts a USING (account_id) "
        "WHERE m.last_run = (SELECT max(run) FROM runs)"
    )
    return {account for (account,) in rows}


def _put_places(engine: Engine, places: dict[int, Place | None]) -> None:
    engine.put(
        "_moved",
        pa.table(
            {
                "account": pa.array(places, pa.int32()),
                "operator": pa.array([p and p[0] for p in places.values()], pa.int64()),
                "confidence": pa.array([p and p[1] for p in places.values()], pa.float64()),
            }
        ),
    )
    engine.run("DELETE FROM attributed WHERE account IN (SELECT account FROM _moved)")
    engine.run(
        """
        INSERT INTO attributed BY NAME
        SELECT m.account, m.operator, m.confidence, coalesce(w.evidence, 0) AS evidence,
               w.corroboration, coalesce(w.held_by, 0) AS held_by
        FROM _moved m LEFT JOIN weighed w ON w.account = m.account AND w.operator = m.operator
        WHERE m.operator IS NOT NULL
        """
    )
