"""Explanations as data: what a reader is shown of every operator, and on what it rests.

In: `attributed`, `operator_signals`, `verdicts`, `scorecard_items`, `chance` and the graph. Out:
the tables `operators`, `members`, `evidence` and `scorecard` of the case, with names instead of
numbers. An operator's name is minted from its members: the smallest hash among their ids, so that
it does not change when most of the members stay.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

import pyarrow as pa

from linkage.engine import Engine
from linkage.words import WORDS

NAME_LENGTH = 6

SHOWN_KINDS = 4
"""Kinds named in the sentence, the heaviest first."""


def write(engine: Engine) -> None:
    """Create `operators`, `members`, `evidence` and `scorecard`."""
    _name(engine)
    engine.create(
        "members",
        """
        SELECT m.account, a.account_id, n.operator_id, v.verdict,
               round(m.confidence, 6) AS confidence, round(m.evidence, 4) AS evidence, m.held_by
        FROM attributed m JOIN names n USING (operator) JOIN verdicts v USING (operator)
        JOIN accounts a USING (account)
        ORDER BY n.operator_id, m.account
        """,
    )
    engine.create(
        "evidence",
        """
        SELECT n.operator_id, o.signal, s.kind, s.value, CAST(o.members AS INTEGER) AS members,
               CAST(o.others AS INTEGER) AS others,
               round(ln((CAST(o.members AS DOUBLE) / o.holders)
                        / ((o.members + o.others) / CAST(o.all_holders AS DOUBLE))), 4) AS weight
        FROM operator_signals o JOIN names n USING (operator) JOIN signals s USING (signal)
        ORDER BY n.operator_id, o.signal
        """,
    )
    engine.create(
        "scorecard",
        """
        SELECT n.operator_id, i.item, i.finding, round(i.weight, 4) AS weight
        FROM scorecard_items i JOIN names n USING (operator) ORDER BY n.operator_id, i.item
        """,
    )
    _operators(engine)


def name_kinds(engine: Engine) -> None:
    """Give `operator_kinds` the ids of its operators."""
    engine.create(
        "operator_kinds",
        "SELECT n.operator_id, k.* EXCLUDE operator FROM operator_kinds k JOIN names n "
        "USING (operator)",
    )


def _name(engine: Engine) -> None:
    """`names`: operator number -> operator id."""
    rows = engine.rows(
        """
        SELECT m.operator, min(sha256(a.account_id)), min(sha256('2' || a.account_id))
        FROM attributed m JOIN verdicts v USING (operator) JOIN accounts a USING (account)
        GROUP BY m.operator ORDER BY m.operator
        """
    )
    names: dict[str, int] = {}
    for operator, *hashes in rows:
        # no account is in two operators, so equal names are a collision of shortened hashes
        name = next(n for n in _candidates(*hashes) if n not in names)
        names[name] = operator
    engine.put(
        "names",
        pa.table(
            {
                "operator": pa.array(names.values(), pa.int64()),
                "operator_id": pa.array(names.keys(), pa.string()),
            }
        ),
    )


def _candidates(*seeds: str) -> Iterator[str]:
    for text in (*seeds, *(f"{seeds[0]}{i}" for i in range(100))):
        digest = hashlib.sha256(text.encode()).digest()
        yield "OP-" + base64.b32encode(digest).decode()[:NAME_LENGTH]


def _operators(engine: Engine) -> None:
    """`operators`: one row each, with the sentence that says why."""
    engine.put(
        "nouns",
        pa.table(
            {
                "kind": pa.array(WORDS, pa.string()),
                "noun": pa.array([each.noun for each in WORDS.values()], pa.string()),
            }
        ),
    )
    engine.create(
        "operators",
        """
        WITH spans AS (
            SELECT m.operator, CAST(count(*) AS INTEGER) AS accounts,
                   min(least(coalesce(a.created_at, a.first_seen),
                             coalesce(a.first_seen, a.created_at))) AS first_seen,
                   max(greatest(coalesce(a.created_at, a.last_seen),
                                coalesce(a.last_seen, a.created_at))) AS last_seen
            FROM attributed m JOIN accounts a USING (account) GROUP BY m.operator
        ),
        by_kind AS (
            SELECT operator_id, kind, count(*) AS signals, max(members) AS most,
                   sum(members * weight ORDER BY signal) AS nats
            FROM evidence GROUP BY operator_id, kind
        ),
        ranked AS (
            SELECT *, row_number() OVER (
                       PARTITION BY operator_id ORDER BY nats DESC, kind
                   ) AS place
            FROM by_kind WHERE kind NOT IN (SELECT kind FROM kinds WHERE sharing)
        ),
        words AS (
            SELECT k.kind, coalesce(n.noun, replace(k.kind, '_', ' ')) AS noun,
                   CASE WHEN regexp_matches(coalesce(n.noun, k.kind), '(s|x)$') THEN 'es'
                        ELSE 's' END AS ending
            FROM main.kinds k LEFT JOIN nouns n ON n.kind = k.kind
        ),
        shared_kinds AS (
            SELECT operator_id, string_agg(k.kind, ' ' ORDER BY nats DESC, k.kind) AS kinds,
                   string_agg(
                       format('{:,}', signals) || ' '
                           || CASE WHEN signals = 1 THEN w.noun ELSE w.noun || w.ending END,
                       ', ' ORDER BY nats DESC, k.kind
                   ) FILTER (place <= ?) AS shared
            FROM ranked k JOIN words w ON w.kind = k.kind GROUP BY operator_id
        ),
        heaviest AS (
            -- on the side of the verdict, if anything is
            SELECT n.operator, arg_max(i.finding, (
                       CASE WHEN v.verdict = 'sockpuppets' THEN i.weight ELSE -i.weight END, i.item
                   )) AS finding
            FROM scorecard_items i JOIN names n USING (operator) JOIN verdicts v USING (operator)
            WHERE i.item <> 'prior' GROUP BY n.operator
        )
        SELECT n.operator_id, v.verdict, round(v.score, 6) AS score, s.accounts,
               c.q_value, coalesce(k.kinds, '') AS kinds, s.first_seen, s.last_seen,
               printf('%s accounts share %s; %s.', format('{:,}', s.accounts),
                      coalesce(k.shared, 'nothing beyond chance'),
                      coalesce(h.finding, 'nothing else stands out')) AS why
        FROM names n JOIN verdicts v USING (operator) JOIN spans s USING (operator)
        JOIN chance c USING (operator)
        LEFT JOIN shared_kinds k USING (operator_id) LEFT JOIN heaviest h USING (operator)
        ORDER BY score DESC, accounts DESC, n.operator_id
        """,
        [SHOWN_KINDS],
    )
