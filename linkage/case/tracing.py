"""From accounts known to be bad: what else hangs on them, and by what.

A case and some of its accounts, the seeds, arrive; accounts, ranked, leave. As in attribution, a
seed's signal counts ln(theta / p), theta the share of the seeds that use it, p of everybody; a kind
of which an account has only other values counts ln((1 - u) / (1 - v)), u the share of seeds that
share one, v of everybody. What most of whose users are strangers counts for nothing. Accounts that
are likelier than not to be of the same hand, by two families of kinds that agree, become seeds of
the next step.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from linkage import words
from linkage.case.database import reading
from linkage.case.read import CaseReader
from linkage.case.views import Trace, Traced, TracedOperator, TracedSignal
from linkage.errors import InputError, shorten
from linkage.sources.columns import ALIASES

STEPS = 3
REPEATED = 0.25
"""Share of the weight of a family's further signals that counts beside the strongest."""

OWN = 0.1
"""Share of a signal's users that have to be seeds."""

SHOWN = 3

SIGNALS = f"""
CREATE OR REPLACE TEMP TABLE trace_signals AS
WITH held AS (
    SELECT DISTINCT s.account, g.kind
    FROM trace_seeds s JOIN edges e USING (account) JOIN signals g USING (signal)
),
seeds AS (SELECT kind, count(*) AS holders FROM held GROUP BY kind),
used AS (
    SELECT e.signal, count(*) AS seeds FROM trace_seeds s JOIN edges e USING (account)
    GROUP BY e.signal
),
rated AS (
    SELECT u.signal, g.kind, g.value, k.family, u.seeds, g.accounts - u.seeds AS others,
           s.holders, (g.accounts + 0.5) / (k.holders + 1.0) AS p
    FROM used u JOIN signals g USING (signal) JOIN kind_holders k ON k.kind = g.kind
    JOIN seeds s ON s.kind = g.kind
    WHERE g.ignored IS NULL AND NOT k.sharing
      AND u.seeds >= greatest({OWN}, sqrt(s.holders / k.holders)) * g.accounts
)
SELECT signal, kind, value, family, seeds, others,
       ln((seeds + p) / (holders + 1.0) / p) AS weight
FROM rated WHERE weight > 0
"""

WEIGHED = f"""
CREATE OR REPLACE TEMP TABLE trace_weighed AS
WITH has AS (
    -- what a seed alone has is shared with nobody yet
    SELECT e.account, s.kind, s.family, max(s.weight)
               + {REPEATED} * (sum(s.weight ORDER BY s.weight) - max(s.weight)) AS nats,
           bool_or(s.seeds > 1) AS shared, x.account IS NOT NULL AS seed
    FROM trace_signals s JOIN edges e USING (signal)
    LEFT JOIN trace_seeds x ON x.account = e.account
    GROUP BY e.account, s.kind, s.family, x.account
),
holding AS (
    SELECT DISTINCT e.account, g.kind FROM edges e JOIN signals g USING (signal)
    WHERE g.ignored IS NULL AND g.kind IN (SELECT kind FROM trace_signals)
),
kinds AS (
    SELECT h.kind, count(x.account) AS seeds
    FROM holding h LEFT JOIN trace_seeds x USING (account) GROUP BY h.kind
),
rates AS (
    SELECT k.kind, k.family,
           ln((n.seeds - count(*) FILTER (h.seed AND h.shared) + 0.5) / (n.seeds + 1.0))
               - ln((k.holders - count(*) + 0.5) / (k.holders + 1.0)) AS absence
    FROM has h JOIN kinds n USING (kind) JOIN kind_holders k USING (kind)
    GROUP BY k.kind, k.family, n.seeds, k.holders
),
by_kind AS (
    SELECT c.account, r.family, h.nats, CASE WHEN h.nats IS NULL THEN r.absence END AS absence
    FROM (SELECT DISTINCT account FROM has WHERE NOT seed) c
    JOIN holding o USING (account) JOIN rates r USING (kind)
    LEFT JOIN has h ON h.account = c.account AND h.kind = r.kind
),
families AS (
    SELECT account, CASE WHEN max(nats) IS NULL THEN min(absence)
                         ELSE max(nats) + coalesce(sum(absence ORDER BY absence), 0) END AS nats
    FROM by_kind GROUP BY account, family
)
SELECT account, nats, nats - greatest(strongest, 0) AS corroboration,
       nats + ln((SELECT count(*) FROM trace_seeds)
                 / ((SELECT count(*) FROM accounts) + 1.0)) AS log_odds
FROM (
    SELECT account, sum(nats ORDER BY nats) AS nats, max(nats) AS strongest
    FROM families GROUP BY account
)
"""

RANKED = f"""
WITH reasons AS (
    SELECT e.account, s.kind, s.value, s.seeds, s.others, row_number() OVER (
               PARTITION BY e.account ORDER BY s.weight DESC, s.kind, s.value
           ) AS place
    FROM trace_signals s JOIN edges e USING (signal)
),
why AS (
    SELECT account, string_agg(
               printf('%s %s (%d known or likely, %d %s)', {words.name_sql("kind")}, value, seeds,
                      others, if(others = 1, 'other', 'others')), ', '
               ORDER BY place) AS text
    FROM reasons WHERE place <= {SHOWN} GROUP BY account
)
SELECT a.account_id, f.nats, f.step, f.step < $open AS likely, m.operator_id, w.text
FROM trace_found f JOIN accounts a USING (account) LEFT JOIN members m USING (account)
LEFT JOIN why w USING (account)
ORDER BY likely DESC, f.step, f.nats DESC, a.account_id LIMIT $top
"""


def read_accounts(path: Path) -> list[str]:
    """The accounts of a file: one a line, or a column with one of the usual names."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: can't be read as text ({error}).") from None
    rows = [row for row in csv.reader(text.splitlines()) if any(cell.strip() for cell in row)]
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    names = [name for name in ("account_id", *ALIASES["account"]) if name in header]
    column = header.index(names[0]) if names else 0
    found = [row[column].strip() for row in rows[1 if names else 0 :] if len(row) > column]
    if not any(found):
        raise InputError(f"{path}: no account in it. Expected one account a line.")
    return [account for account in dict.fromkeys(found) if account]


def trace(case: CaseReader, accounts: Sequence[str], top: int = 100) -> Trace:
    """What hangs on `accounts`: operators, signals and the `top` accounts, likeliest first."""
    case.require("kind_holders", "tracing")
    known = case.rows(
        "SELECT account, account_id FROM accounts WHERE account_id IN (SELECT unnest($ids))",
        ids=list(accounts),
    )
    if not known:
        raise InputError(
            f"none of the {len(accounts):,} accounts (first: {shorten(accounts[0])}) is in "
            f"{case.path}. Is it another service's list?"
            if accounts
            else "no account given."
        )
    names = {name for _, name in known}
    with reading(case.path):
        found = _steps(case, [number for number, _ in known])
        rows = case.rows(RANKED, open=found + 1, top=top)
        total = case.rows(
            "SELECT count(*), count(*) FILTER (step < $o) FROM trace_found", o=found + 1
        )
    operators = case.rows(
        "SELECT o.operator_id, o.verdict, o.accounts, count(*) FROM operators AS o "
        "JOIN members AS m USING (operator_id) WHERE m.account_id IN (SELECT unnest($ids)) "
        "GROUP BY ALL ORDER BY count(*) DESC, o.operator_id",
        ids=sorted(names),
    )
    signals = case.rows(
        "SELECT kind, value, seeds, others, weight FROM trace_signals "
        "ORDER BY seeds * weight DESC, kind, value LIMIT $top",
        top=top,
    )
    for name in ("seeds", "signals", "weighed", "found"):
        case.rows(f"DROP TABLE IF EXISTS trace_{name}")
    return Trace(
        known=len(known),
        missing=tuple(a for a in accounts if a not in names),
        operators=tuple(TracedOperator(*row) for row in operators),
        signals=tuple(TracedSignal(*row) for row in signals),
        accounts=tuple(Traced(*row) for row in rows),
        likely=total[0][1],
        more=max(0, total[0][0] - len(rows)),
    )


def _steps(case: CaseReader, seeds: Sequence[int]) -> int:
    """Fill `trace_found` (account, nats, step); returns the last step that made seeds.

    What the step after that found shares something, and is not likely.
    """
    case.rows(
        "CREATE OR REPLACE TEMP TABLE trace_seeds AS SELECT unnest($seeds)::INTEGER AS account",
        seeds=list(seeds),
    )
    case.rows("CREATE OR REPLACE TEMP TABLE trace_found (account INTEGER, nats DOUBLE, step INT)")
    for step in range(1, STEPS + 1):
        case.rows(SIGNALS)
        case.rows(WEIGHED)
        likely = "log_odds > 0 AND corroboration > 0"
        [(found,)] = case.rows(f"SELECT count(*) FROM trace_weighed WHERE {likely}")
        where = likely if found else "true"
        case.rows(
            f"INSERT INTO trace_found SELECT account, nats, {step} FROM trace_weighed WHERE {where}"
        )
        if not found:
            return step - 1
        if step < STEPS:
            case.rows(f"INSERT INTO trace_seeds SELECT account FROM trace_weighed WHERE {likely}")
    return STEPS
