"""What investigators decided, made to bind a run.

In: the tables of the stage before, and what is judged now, without what was overruled or withdrawn:
`judged_operators` (judgement, operator_id, decision, verdict, made_by, made_at, note, run), with
`judged_members` and `judged_signals` as they were then; `judged_pairs` (judgement, subject, a, b);
and `judged_signals_allowed` (judgement, kind, value, note). `allow` runs before the graph is built,
`propose` after candidates are proposed, `bind` when accounts have settled, `confirm` after the
verdicts. Out: the same tables, changed, and `judgement_notes`: what was done, and what could not
be, in words. Who decides may contradict the data or somebody else: that is told, never guessed
away; of two that contradict, accounts judged apart stay apart.
"""

from __future__ import annotations

from linkage.engine import Engine
from linkage.judgements.allowed import allow, restore
from linkage.judgements.pairs import bind_pairs, components
from linkage.schema import JUDGEMENT_NOTES

__all__ = [
    "CONFIRMED",
    "allow",
    "bind",
    "components",
    "confirm",
    "find_own_holders",
    "name",
    "propose",
    "restore",
]

CONFIRMED = 3.0
"""Nats (twenty to one) that an operator's confirmation adds to whoever holds what is its own."""

OWN = 0.7
"""A signal is an operator's own if so many of its users are members."""

VERDICT = 6.0
"""Nats that it adds to the verdict that was confirmed."""

SAME = 0.5
"""Share of an operator's members, or of the weight of its evidence, that a judged one had (of the
evidence, as its own)."""

IS_IT = f"(share >= {SAME} OR kept >= {SAME})"
"""Of a row of `recognised`: the operator has members enough to be the judged one."""


def propose(engine: Engine) -> None:
    """Add the members of confirmed operators to `attributed`, as candidates like any other.

    Also fills `asked` (account): who was judged to be with or without another is weighed by all
    operators in the end, whatever it holds.
    """
    engine.create(
        "asked",
        """
        SELECT account FROM accounts
        WHERE account_id IN (SELECT a FROM judged_pairs UNION SELECT b FROM judged_pairs)
        """,
    )
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


def bind(engine: Engine, min_confidence: float) -> bool:
    """Make `attributed` agree with the judgements; tell whether anything was changed.

    Also creates `confirmed_operators` (operator, judgement). What is left of an operator may be
    smaller than one is.
    """
    _recognise(engine)
    before = engine.rows(_STATE)
    _strengthen(engine, min_confidence)
    _dismiss(engine)
    bind_pairs(engine)
    return before != engine.rows(_STATE)


_STATE = "SELECT count(*), sum(hash(account, operator, confidence)) FROM attributed"


def _recognise(engine: Engine) -> None:
    """`recognised` (operator, judgement, decision): operators of this run that were judged."""
    _find_beside(engine)
    engine.create(
        "recognised",
        f"""
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
            JOIN kinds k ON k.kind = s.kind WHERE NOT k.sharing
        ),
        by_signals AS (
            SELECT n.operator, j.judgement, sum(n.nats ORDER BY n.nats) AS nats
            FROM nats n JOIN judged_signals j USING (kind, value)
            WHERE j.members >= {OWN} * (j.members + j.others) GROUP BY n.operator, j.judgement
        ),
        sums AS (
            SELECT operator, sum(nats ORDER BY nats) AS nats FROM nats GROUP BY operator
        )
        SELECT s.operator, j.judgement, j.decision, j.operator_id AS judged_id,
               coalesce(m.members, 0) AS members, s.size,
               coalesce(m.members, 0) / CAST(s.size AS DOUBLE) AS share,
               coalesce(m.members, 0) / CAST(coalesce(z.size, 1) AS DOUBLE) AS kept,
               CASE WHEN d.operator IS NULL THEN coalesce(b.nats / t.nats, 0) ELSE 0 END
                   AS infrastructure
        FROM sizes s CROSS JOIN judged_operators j
        LEFT JOIN judged_sizes z ON z.judgement = j.judgement
        LEFT JOIN by_members m ON m.operator = s.operator AND m.judgement = j.judgement
        LEFT JOIN by_signals b ON b.operator = s.operator AND b.judgement = j.judgement
        LEFT JOIN sums t ON t.operator = s.operator
        LEFT JOIN beside d ON d.operator = s.operator AND d.judgement = j.judgement
        WHERE j.decision IN ('confirmed', 'dismissed')
          AND (m.members IS NOT NULL OR b.nats IS NOT NULL)
        """,
    )
    # an operator is confirmed by what was confirmed most of; the judged one may have grown or split
    engine.create(
        "confirmed_operators",
        f"""
        SELECT operator, arg_max(judgement, ({IS_IT}, members, judgement)) AS judgement
        FROM recognised
        WHERE decision = 'confirmed' AND ({IS_IT} OR infrastructure >= {SAME})
        GROUP BY operator
        """,
    )


def _find_beside(engine: Engine) -> None:
    """`beside` (operator, judgement): who was another operator in the run that was judged.

    Whoever judged could have judged it too, whatever it shares.
    """
    engine.create(
        "beside",
        f"""
        WITH was AS (
            SELECT r.run, m.operator_id, m.account_id
            FROM (SELECT DISTINCT run FROM judged_operators) r
            JOIN memberships m ON m.first_run <= r.run AND m.last_run >= r.run
        ),
        were AS (SELECT run, operator_id, count(*) AS size FROM was GROUP BY run, operator_id),
        sizes AS (SELECT operator, count(*) AS size FROM attributed GROUP BY operator),
        held AS (
            SELECT x.operator, w.run, w.operator_id, count(*) AS members
            FROM attributed x JOIN accounts a USING (account) JOIN was w USING (account_id)
            GROUP BY x.operator, w.run, w.operator_id
        )
        SELECT DISTINCT o.operator, j.judgement
        FROM held o JOIN sizes s USING (operator)
        JOIN were w ON w.run = o.run AND w.operator_id = o.operator_id
        JOIN judged_operators j ON j.run = o.run AND j.operator_id <> o.operator_id
        WHERE o.members >= {SAME} * least(s.size, w.size)
        """,
    )


def find_own_holders(engine: Engine) -> None:
    """`own_holders` (account, operator): who holds what is a confirmed operator's own."""
    engine.create(
        "own_holders",
        f"""
        SELECT DISTINCT e.account, o.operator
        FROM confirmed_operators c JOIN operator_signals o USING (operator)
        JOIN linking_edges e USING (signal)
        WHERE e.personal AND o.members >= {OWN} * (o.members + o.others)
        """,
    )


def _strengthen(engine: Engine, min_confidence: float) -> None:
    """Raise the odds of whoever holds what is a confirmed operator's own; some join by that."""
    if not engine.value("SELECT count(*) FROM judged_operators WHERE decision = 'confirmed'"):
        return
    find_own_holders(engine)
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
        SELECT operator, arg_max(judgement, (share >= {SAME}, judgement)) AS judgement
        FROM recognised
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
        f"""
        INSERT INTO judgement_notes BY NAME
        SELECT r.judgement, printf('%s is dismissed: %d accounts that would be it again are in '
                   'no operator', any_value(r.judged_id), sum(r.size))
                   || CASE WHEN bool_or(r.share < {SAME}) THEN printf(
                               '; %d of them are in what only resembles it',
                               sum(r.size) FILTER (r.share < {SAME})) ELSE '' END AS note
        FROM recognised r JOIN dismissed_operators d USING (operator, judgement)
        GROUP BY r.judgement
        """
    )
    engine.run(
        "DELETE FROM attributed WHERE operator IN (SELECT operator FROM dismissed_operators)"
    )


def confirm(engine: Engine) -> None:
    """Add to `scorecard_items` that an operator was confirmed, and hold the verdict it had."""
    engine.create(
        "confirmed_items",
        f"""
        SELECT c.operator, 'judgement' AS item,
               CASE WHEN {IS_IT} THEN printf('confirmed as %s by %s on %s', j.verdict, j.made_by,
                                             strftime(j.made_at, '%Y-%m-%d'))
                    ELSE printf('resembles %s, which %s confirmed as %s on %s', j.operator_id,
                                j.made_by, j.verdict, strftime(j.made_at, '%Y-%m-%d')) END
                   || CASE WHEN coalesce(j.note, '') = '' THEN '' ELSE ': ' || j.note END
                   AS finding,
               CASE j.verdict WHEN 'sockpuppets' THEN {VERDICT} WHEN 'unclear' THEN 0.0
                    ELSE -{VERDICT} END AS weight,
               j.verdict, c.judgement, r.size, {IS_IT} AS is_it
        FROM confirmed_operators c JOIN judged_operators j USING (judgement)
        JOIN recognised r ON r.operator = c.operator AND r.judgement = c.judgement
        """,
    )
    engine.run(
        """
        INSERT INTO judgement_notes BY NAME
        SELECT c.judgement, c.operator,
               printf('{operator} (%d accounts) ', c.size) || c.finding AS note
        FROM confirmed_items c JOIN verdicts v USING (operator) WHERE NOT c.is_it
        """
    )
    engine.run(
        "INSERT INTO scorecard_items BY NAME SELECT operator, item, finding, weight "
        "FROM confirmed_items"
    )
    engine.run(
        """
        UPDATE verdicts SET verdict = c.verdict,
            score = 1 / (1 + exp(-(SELECT sum(i.weight ORDER BY i.item) FROM scorecard_items i
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
