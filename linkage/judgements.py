"""What investigators decided, made to bind a run.

In: the tables of `TABLES` below (what was decided, by account id, signal and judgement), and those
of the stage before. `allow` runs before the graph is built, `propose` after candidates are
proposed, `bind` when accounts have settled, `confirm` after the verdicts. Out: the same tables,
changed, and `judgement_notes`: what was done, and what could not be, in words. Who decides may
contradict the data or somebody else: that is told, never guessed away; of two that contradict,
accounts judged apart stay apart.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

import pyarrow as pa

from linkage.engine import Engine
from linkage.schema import JUDGEMENT_NOTES

T = TypeVar("T", bound=Hashable)

TABLES = {
    "judged_operators": "judgement INTEGER, operator_id VARCHAR, decision VARCHAR, "
    "verdict VARCHAR, made_by VARCHAR, made_at TIMESTAMP, note VARCHAR",
    "judged_members": "judgement INTEGER, account_id VARCHAR",
    "judged_signals": "judgement INTEGER, kind VARCHAR, value VARCHAR",
    "judged_pairs": "judgement INTEGER, subject VARCHAR, a VARCHAR, b VARCHAR",
    "judged_signals_allowed": "judgement INTEGER, kind VARCHAR, value VARCHAR, note VARCHAR",
}
"""What is judged now, with what was overruled or withdrawn left out."""

CONFIRMED = 3.0
"""Nats (twenty to one) that an operator's confirmation adds to whoever holds what is its own."""

OWN = 0.7
"""A personal signal is an operator's own if so many of its users are members."""

VERDICT = 6.0
"""Nats that it adds to the verdict that was confirmed."""

SAME = 0.5
"""Share of an operator's members, or of the weight of its evidence, that a judged one had."""

RESEMBLES = 0.9
"""Likeness from which a template is one that was allowed, found with other words at its ends."""


def empty(engine: Engine) -> None:
    """Create the tables of a case without judgements."""
    for name, columns in TABLES.items():
        engine.run(f"CREATE OR REPLACE TABLE {name} ({columns})")


def allow(engine: Engine) -> None:
    """Create `allowed_signals` (kind, value, reason), and take from `cleaned` what they imply.

    An account whose addresses of a range are all allowed does not use the range either.
    """
    allowed = engine.rows("SELECT kind, value, note FROM judged_signals_allowed ORDER BY judgement")
    found: dict[tuple[str, str], str] = {}
    for kind, value, note in allowed:
        reason = f"allowed: {note}" if note else "allowed"
        for signal in _signals(engine, kind, value):
            found[signal] = reason
    engine.put(
        "allowed_signals",
        pa.table(
            {
                "kind": pa.array([kind for kind, _ in found], pa.string()),
                "value": pa.array([value for _, value in found], pa.string()),
                "reason": pa.array(found.values(), pa.string()),
            }
        ),
    )
    engine.create(
        "withheld",
        """
        SELECT c.* FROM cleaned c WHERE EXISTS (
            SELECT 1 FROM cleaned fine JOIN allowed_signals a
              ON a.kind = fine.signal_kind AND a.value = fine.value
            WHERE fine.kind = c.kind AND fine.raw = c.raw
              AND fine.parent_kind = c.signal_kind AND fine.parent = c.value
        )
        """,
    )
    engine.run(
        "DELETE FROM cleaned WHERE EXISTS (SELECT 1 FROM withheld w WHERE w.kind = cleaned.kind "
        "AND w.raw = cleaned.raw AND w.signal_kind = cleaned.signal_kind)"
    )
    _note_unseen(engine)


def restore(engine: Engine) -> None:
    """Give `cleaned` back what `allow` took, once the graph is built: it may be withdrawn."""
    engine.run("INSERT INTO cleaned SELECT * FROM withheld")
    engine.drop("withheld")


def _signals(engine: Engine, kind: str, value: str) -> Iterable[tuple[str, str]]:
    """The signals that an allowed value stands for: itself, or those in a network."""
    if kind in ("ip", "ip_range") and "/" in value:
        network = ipaddress.ip_network(value)
        yield ("ip_range", value)
        for signal_kind, text in engine.rows(
            "SELECT DISTINCT signal_kind, value FROM cleaned WHERE signal_kind IN ('ip', "
            "'ip_range') ORDER BY ALL"
        ):
            inside = ipaddress.ip_network(text)
            if inside.version == network.version and inside.subnet_of(network):  # type: ignore[arg-type]
                yield (signal_kind, text)
        return
    yield (kind, value)
    if kind == "prompt":
        for (text,) in engine.rows("SELECT DISTINCT template FROM template_uses ORDER BY template"):
            if _resembles(text, value):
                yield (kind, text)


def _resembles(text: str, other: str) -> bool:
    matcher = difflib.SequenceMatcher(None, text, other, autojunk=False)
    return matcher.real_quick_ratio() >= RESEMBLES and (
        matcher.quick_ratio() >= RESEMBLES and matcher.ratio() >= RESEMBLES
    )


def _note_unseen(engine: Engine) -> None:
    engine.create(
        JUDGEMENT_NOTES.name,
        """
        SELECT j.judgement, CAST(NULL AS VARCHAR) AS operator_id, CAST(NULL AS BIGINT) AS operator,
               'allowed ' || j.kind || ' ' || j.value || ': nobody uses it' AS note
        FROM judged_signals_allowed j
        WHERE j.kind NOT IN ('ip', 'ip_range', 'prompt') AND NOT EXISTS (
            SELECT 1 FROM cleaned c WHERE c.signal_kind = j.kind AND c.value = j.value
        )
        """,
    )


def propose(engine: Engine) -> None:
    """Add the members of confirmed operators to `attributed`, as candidates like any other."""
    engine.run(
        """
        INSERT INTO attributed BY NAME
        SELECT a.account, j.judgement + 1 + (
                   SELECT greatest((SELECT coalesce(max(operator), 0) FROM attributed),
                                   (SELECT coalesce(max(community), 0) FROM communities))
               ) AS operator,
               1.0 AS confidence, 0.0 AS evidence, 0 AS held_by
        FROM judged_operators j JOIN judged_members m USING (judgement)
        JOIN accounts a USING (account_id) WHERE j.decision = 'confirmed'
        """
    )


def bind(engine: Engine, min_size: int, min_confidence: float) -> bool:
    """Make `attributed` agree with the judgements; tell whether anything was changed.

    Also creates `confirmed_operators` (operator, judgement).
    """
    _recognise(engine)
    before = engine.rows(_STATE)
    _strengthen(engine, min_confidence)
    _dismiss(engine)
    _bind_pairs(engine)
    engine.run(
        "DELETE FROM attributed WHERE operator IN ("
        "SELECT operator FROM attributed GROUP BY operator HAVING count(*) < ?)",
        [min_size],
    )
    return before != engine.rows(_STATE)


_STATE = "SELECT count(*), sum(hash(account, operator, confidence)) FROM attributed"


def _recognise(engine: Engine) -> None:
    """`recognised` (operator, judgement, decision): operators of this run that were judged."""
    engine.create(
        "recognised",
        """
        WITH sizes AS (SELECT operator, count(*) AS size FROM attributed GROUP BY operator),
        judged_sizes AS (
            SELECT m.judgement, count(*) AS size FROM judged_members m
            JOIN accounts USING (account_id) GROUP BY m.judgement
        ),
        by_members AS (
            SELECT x.operator, m.judgement, count(*) AS members
            FROM attributed x JOIN accounts a USING (account)
            JOIN judged_members m USING (account_id) GROUP BY x.operator, m.judgement
        ),
        nats AS (
            SELECT o.operator, s.kind, s.value, o.members * greatest(
                       ln(CAST(o.members AS DOUBLE) / o.holders * o.all_holders
                          / (o.members + o.others)), 0) AS nats
            FROM operator_signals o JOIN signals s USING (signal)
        ),
        by_signals AS (
            SELECT n.operator, j.judgement, sum(n.nats) AS nats
            FROM nats n JOIN judged_signals j USING (kind, value) GROUP BY n.operator, j.judgement
        ),
        sums AS (SELECT operator, sum(nats) AS nats FROM nats GROUP BY operator)
        SELECT s.operator, j.judgement, j.decision, j.operator_id AS judged_id,
               coalesce(m.members, 0) AS members, s.size,
               coalesce(m.members, 0) / CAST(s.size AS DOUBLE) AS share,
               coalesce(m.members, 0) / CAST(coalesce(z.size, 1) AS DOUBLE) AS kept,
               coalesce(b.nats / t.nats, 0) AS infrastructure
        FROM sizes s CROSS JOIN judged_operators j
        LEFT JOIN judged_sizes z ON z.judgement = j.judgement
        LEFT JOIN by_members m ON m.operator = s.operator AND m.judgement = j.judgement
        LEFT JOIN by_signals b ON b.operator = s.operator AND b.judgement = j.judgement
        LEFT JOIN sums t ON t.operator = s.operator
        WHERE j.decision IN ('confirmed', 'dismissed')
          AND (m.members IS NOT NULL OR b.nats IS NOT NULL)
        """,
    )
    # an operator is confirmed by what was confirmed most of; the judged one may have grown or split
    engine.create(
        "confirmed_operators",
        f"""
        SELECT operator, arg_max(judgement, (members, judgement)) AS judgement FROM recognised
        WHERE decision = 'confirmed' AND (share >= {SAME} OR kept >= {SAME}
                                          OR infrastructure >= {SAME})
        GROUP BY operator
        """,
    )


def _strengthen(engine: Engine, min_confidence: float) -> None:
    """Raise the odds of whoever holds what is a confirmed operator's own; some join by that."""
    if not engine.value("SELECT count(*) FROM judged_operators WHERE decision = 'confirmed'"):
        return
    engine.create(
        "own_holders",
        f"""
        SELECT DISTINCT e.account, o.operator
        FROM confirmed_operators c JOIN operator_signals o USING (operator)
        JOIN linking_edges e USING (signal)
        WHERE e.personal AND o.members >= {OWN} * (o.members + o.others)
        """,
    )
    engine.run(
        """
        UPDATE attributed SET evidence = attributed.evidence + $nats,
            confidence = 1 / (1 + exp(-ln(attributed.confidence / (1 - attributed.confidence))
                                      - $nats))
        FROM own_holders o
        WHERE o.account = attributed.account AND o.operator = attributed.operator
          AND attributed.confidence < 1
        """.replace("$nats", str(CONFIRMED))
    )
    engine.run(
        f"""
        INSERT INTO attributed BY NAME
        WITH joining AS (
            SELECT w.*, 1 / (1 + exp(-w.log_odds - {CONFIRMED})) AS confidence, row_number() OVER (
                       PARTITION BY w.account ORDER BY w.log_odds DESC, w.operator
                   ) AS place
            FROM weighed w
            JOIN own_holders o ON o.account = w.account AND o.operator = w.operator
            ANTI JOIN attributed a ON a.account = w.account
        )
        SELECT account, operator, confidence, evidence + {CONFIRMED} AS evidence, corroboration,
               held_by
        FROM joining WHERE place = 1 AND confidence >= ?
        """,
        [min_confidence],
    )
    engine.run(
        """
        INSERT INTO judgement_notes BY NAME
        SELECT j.judgement, 'confirmed ' || j.operator_id
                   || ' is not found in this run: its members no longer share enough' AS note
        FROM judged_operators j
        WHERE j.decision = 'confirmed'
          AND j.judgement NOT IN (SELECT judgement FROM confirmed_operators)
        """
    )


def _dismiss(engine: Engine) -> None:
    """Drop what was dismissed: most members are of those judged, or most of the evidence is."""
    engine.create(
        "dismissed_operators",
        f"""
        SELECT operator, max(judgement) AS judgement FROM recognised
        WHERE decision = 'dismissed' AND (share >= {SAME} OR infrastructure >= {SAME})
          AND operator NOT IN (SELECT operator FROM confirmed_operators)
        GROUP BY operator
        """,
    )
    engine.run(
        f"""
        INSERT INTO judgement_notes BY NAME
        SELECT r.judgement, r.operator,
               CASE WHEN c.operator IS NOT NULL THEN printf(
                        '{{operator}} holds %d accounts of %s, which was dismissed, and is also '
                        'what was confirmed: it stays', r.members, r.judged_id)
                    ELSE printf('{{operator}} (%d accounts) holds %d accounts of %s, which was '
                        'dismissed: look at it', r.size, r.members, r.judged_id) END AS note
        FROM recognised r LEFT JOIN confirmed_operators c ON c.operator = r.operator
        WHERE r.decision = 'dismissed' AND r.kept >= {SAME}
          AND r.operator NOT IN (SELECT operator FROM dismissed_operators)
        """
    )
    engine.run(
        """
        INSERT INTO judgement_notes BY NAME
        SELECT r.judgement, printf('%s is dismissed: %d accounts that would be it again are in '
                   'no operator', any_value(r.judged_id), sum(r.size)) AS note
        FROM recognised r JOIN dismissed_operators d USING (operator, judgement)
        GROUP BY r.judgement
        """
    )
    engine.run(
        "DELETE FROM attributed WHERE operator IN (SELECT operator FROM dismissed_operators)"
    )


def _bind_pairs(engine: Engine) -> None:
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
    moved |= _take_apart(apart, groups, where, notes)
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
) -> set[int]:
    """Of two accounts of one operator that were judged apart, the less certain leaves it."""
    moved: set[int] = set()
    for judgement, _, a, b, one, other in apart:
        if one not in where or other not in where or where[one][0] != where[other][0]:
            continue
        operator = where[one][0]
        leaves = min((one, other), key=lambda n: (where[n][1], -n))
        for account in groups.get(leaves, {leaves}):
            if account in where and where[account][0] == operator:
                del where[account]
                moved.add(account)
        name, stays = (a, b) if leaves == one else (b, a)
        text = f"{name} left {{operator}}: it was judged apart from {stays}, which is surer"
        notes.append((judgement, operator, text))
    return moved


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


def confirm(engine: Engine) -> None:
    """Add to `scorecard_items` that an operator was confirmed, and hold the verdict it had."""
    engine.create(
        "confirmed_items",
        f"""
        SELECT c.operator, 'judgement' AS item,
               printf('confirmed as %s by %s on %s', j.verdict, j.made_by,
                      strftime(j.made_at, '%Y-%m-%d'))
                   || CASE WHEN coalesce(j.note, '') = '' THEN '' ELSE ': ' || j.note END
                   AS finding,
               CASE j.verdict WHEN 'sockpuppets' THEN {VERDICT} WHEN 'unclear' THEN 0.0
                    ELSE -{VERDICT} END AS weight,
               j.verdict
        FROM confirmed_operators c JOIN judged_operators j USING (judgement)
        """,
    )
    engine.run("INSERT INTO scorecard_items BY NAME SELECT * EXCLUDE verdict FROM confirmed_items")
    engine.run(
        """
        UPDATE verdicts SET verdict = c.verdict,
            score = 1 / (1 + exp(-(SELECT sum(i.weight) FROM scorecard_items i
                                   WHERE i.operator = verdicts.operator)))
        FROM confirmed_items c WHERE c.operator = verdicts.operator
        """
    )


def name(engine: Engine) -> None:
    """Give `judgement_notes` the ids of their operators."""
    engine.create(
        JUDGEMENT_NOTES.name,
        """
        SELECT j.judgement, n.operator_id, j.note
        FROM judgement_notes j LEFT JOIN names n ON n.operator = j.operator
        """,
    )
