"""What happened to a case: runs and judgements in order, and what changed from run to run.

A case arrives; frozen events and differences leave, with sentences that can be read out. Members of
every run are kept as spans of runs, so that what changes is what takes room.
"""

from __future__ import annotations

import json
from typing import Any

from linkage.case import names
from linkage.case.judging import judgements
from linkage.case.read import CaseReader
from linkage.case.views import Change, Difference, Event
from linkage.errors import InputError
from linkage.schema import count_verdicts

AT = """
SELECT operator_id, verdict, accounts FROM run_operators WHERE run = $run ORDER BY operator_id
"""

FLOWS = """
WITH a AS (SELECT account_id, operator_id FROM memberships
           WHERE first_run <= $earlier AND last_run >= $earlier),
b AS (SELECT account_id, operator_id FROM memberships
      WHERE first_run <= $later AND last_run >= $later)
SELECT a.operator_id, b.operator_id, count(*)
FROM a FULL JOIN b USING (account_id) GROUP BY a.operator_id, b.operator_id
ORDER BY count(*) DESC, a.operator_id, b.operator_id
"""

HALF = 0.5
"""Share of its members that tells where an operator went, or came from."""

MOST = 5
"""Changes of a run that history names; `diff` has all."""


def diff(case: CaseReader, earlier: int | None = None, later: int | None = None) -> Difference:
    """What changed between two runs, by default the last two."""
    runs = [row[0] for row in case.rows("SELECT run FROM runs ORDER BY run")]
    if earlier is None and later is None:
        if len(runs) < 2:
            raise InputError(
                f"{case.path} has had one run, so there is nothing to compare it with. "
                f"Add rows with: linkage update {case.path} INPUT..."
            )
        earlier, later = runs[-2:]
    if earlier is None or later is None:
        raise InputError(f"two runs, or none: linkage diff {case.path} {runs[0]} {runs[-1]}")
    for run in (earlier, later):
        if run not in runs:
            raise InputError(
                f"no run {run} in {case.path}. It has had run {runs[0]}"
                + (f" to {runs[-1]}." if len(runs) > 1 else " alone.")
            )
    return _difference(case, earlier, later)


def _difference(case: CaseReader, earlier: int, later: int) -> Difference:
    before = {name: (verdict, size) for name, verdict, size in case.rows(AT, run=earlier)}
    after = {name: (verdict, size) for name, verdict, size in case.rows(AT, run=later)}
    into: dict[str, list[tuple[str | None, int]]] = {name: [] for name in before}
    out_of: dict[str, list[tuple[str | None, int]]] = {name: [] for name in after}
    for a, b, accounts in case.rows(FLOWS, earlier=earlier, later=later):
        if a in into:
            into[a].append((b, accounts))
        if b in out_of:
            out_of[b].append((a, accounts))
    dismissed = {
        row[0]
        for row in case.rows(
            "SELECT a FROM judgements WHERE subject = 'operator' GROUP BY a "
            "HAVING arg_max(decision, judgement) = 'dismissed'"
        )
    }
    last = dict(
        case.rows(
            "SELECT operator_id, max(run) FROM run_operators WHERE run < $run GROUP BY ALL",
            run=earlier,
        )
    )
    aliases = dict(case.rows("SELECT alias, operator_id FROM aliases"))
    changes: list[Change] = []
    for name, (verdict, size) in after.items():
        if name in before:
            change = _kept(name, before[name], (verdict, size), dict(out_of[name]).get(name, 0))
        else:
            change = _new(name, verdict, size, out_of[name], last.get(name))
        if change is not None:
            changes.append(change)
    for name, (verdict, size) in before.items():
        if name not in after:
            why = "dismissed" if name in dismissed else ""
            changes.append(_gone(name, verdict, size, into[name], aliases.get(name), why))
    order = ("new", "split", "merged", "gone", "grown", "shrunk", "changed", "verdict")
    changes.sort(key=lambda c: (order.index(c.change), -max(c.after, c.before), c.operator_id))
    same = sum(name in before for name in after) - sum(
        c.change in ("grown", "shrunk", "changed", "verdict") for c in changes
    )
    return Difference(earlier, later, tuple(changes), same)


def _kept(name: str, before: tuple[str, int], after: tuple[str, int], stayed: int) -> Change | None:
    (was, old), (verdict, size) = before, after
    gained, lost = size - stayed, old - stayed
    if not gained and not lost and was == verdict:
        return None
    if gained > lost:
        change = "grown"
    elif lost > gained:
        change = "shrunk"
    else:
        change = "changed" if gained else "verdict"
    parts = []
    if gained or lost:
        moves = [f"{n:,} {word}" for n, word in ((gained, "came"), (lost, "left")) if n]
        parts.append(f"from {old:,} to {size:,} accounts ({', '.join(moves)})")
    if was != verdict:
        parts.append(f"from {was} to {verdict}")
    verb = {"grown": "grew", "shrunk": "shrank"}.get(change, "changed")
    text = f"{name} {verb}: {'; '.join(parts)}"
    return Change(name, change, old, size, gained, lost, was, verdict, None, text)


def _new(
    name: str, verdict: str, size: int, sources: list[tuple[str | None, int]], last: int | None
) -> Change:
    known = [(other, n) for other, n in sources if other is not None]
    came = sum(n for _, n in known)
    if known and came >= HALF * size:
        other, n = known[0]
        text = f"{name} split from {other}: {n:,} of its {size:,} accounts were there; {verdict}"
        return Change(name, "split", 0, size, size - came, 0, None, verdict, other, text)
    what = "is new" if last is None else f"is back (run {last:,} was the last to find it)"
    text = f"{name} {what}: {size:,} accounts, {verdict}"
    if known:
        text += f"; {came:,} of them were in {known[0][0]}" + (" and others" if known[1:] else "")
    return Change(name, "new", 0, size, size, 0, None, verdict, None, text)


def _gone(
    name: str,
    verdict: str,
    size: int,
    targets: list[tuple[str | None, int]],
    alias: str | None,
    why: str,
) -> Change:
    known = [(other, n) for other, n in targets if other is not None]
    if alias is not None or (known and known[0][1] >= HALF * size):
        other = known[0][0] if known else alias
        n = known[0][1] if known else 0
        text = f"{name} merged into {other}: {n:,} of its {size:,} accounts are there"
        return Change(name, "merged", size, 0, 0, size - n, verdict, None, other, text)
    lost = size - sum(n for _, n in known)
    text = f"{name} is gone" + (f", {why}" if why else "") + f": {lost:,} of its {size:,} accounts"
    text += " are in no operator"
    if known:
        text += ", others in " + ", ".join(f"{other} ({n:,})" for other, n in known[:3])
    return Change(name, "gone", size, 0, 0, size, verdict, None, None, text)


def history(case: CaseReader, operator_id: str | None = None) -> list[Event]:
    """Runs and judgements, oldest first; of one operator, those that changed or judged it."""
    name = None
    if operator_id is not None:
        # of one that is gone there is a history, too
        name = names.earlier_id(case.rows, operator_id) or case.operator(operator_id).operator_id
    ids = {name}
    if name is not None:
        ids |= {
            row[0] for row in case.rows("SELECT alias FROM aliases WHERE operator_id = $n", n=name)
        }
    events: list[Event] = []
    earlier: int | None = None
    for run, finished_at, text in case.rows("SELECT * FROM runs ORDER BY run"):
        events.append(_run(case, earlier, run, finished_at, json.loads(text), ids, name))
        earlier = run
    for judgement in judgements(case):
        if name is None or (judgement.subject == "operator" and judgement.a in ids):
            events.append(
                Event(judgement.made_at, "judgement", judgement.judgement, judgement.text())
            )
    events = [e for e in events if name is None or e.what == "judgement" or e.details]
    # the sort is stable: of the same second, runs come first
    return sorted(events, key=lambda e: e.at)


def _run(
    case: CaseReader,
    earlier: int | None,
    run: int,
    at: Any,
    details: dict[str, Any],
    ids: set[str | None],
    name: str | None,
) -> Event:
    found = case.rows(AT, run=run)
    inputs = details.get("inputs", [])
    new = inputs[len(inputs) - details.get("new_inputs", len(inputs)) :]
    read = ", ".join(f"{i['name']} ({i['rows']:,} rows)" for i in new[:3])
    if len(new) > 3:
        read += f" and {len(new) - 3:,} more"
    counts = count_verdicts(verdict for _, verdict, _ in found)
    text = f"{details.get('command', 'run')}"
    text += f": {read}" if read else ""
    text += f"; operators: {counts}" if counts else "; no operators"
    changes = _difference(case, earlier, run).changes if earlier is not None else ()
    if name is not None:
        changes = tuple(c for c in changes if c.operator_id in ids or c.other in ids)
        lines = [c.text for c in changes]
        if not lines and name in {n for n, _, _ in found} and earlier is None:
            lines = [f"{name} was found: {next(s for n, _, s in found if n == name):,} accounts"]
        return Event(at, "run", run, text, tuple(lines))
    lines = [c.text for c in changes[:MOST]]
    if len(changes) > MOST:
        lines.append(f"and {len(changes) - MOST:,} more changes: linkage diff {earlier} {run}")
    lines += [*details.get("judgements", []), *details.get("notes", [])]
    return Event(at, "run", run, text, tuple(lines))
