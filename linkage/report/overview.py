"""What the list of operators shows, as plain data.

In: the tables of a case. Out: what was read, found and left out, a row for each operator, how many
may be chance, sign-ups by day, and the map of operators.
"""

from __future__ import annotations

import math
import re
from typing import Any

from linkage.report import map as operators_map
from linkage.report import timeline
from linkage.report.plain import cut, minute, parsed, probability, rounded
from linkage.report.redaction import Redaction, unmasked
from linkage.report.tables import Tables
from linkage.schema import VERDICTS
from linkage.triage import BAR
from linkage.triage.homes import FAMILY

CHANCE = 0.05
RULES = {"bar": BAR, "sure": 0.8, "family": FAMILY}
"""What verdicts hang on; sockpuppets below a score of `sure` are barely so."""
ID = re.compile(r"OP-[A-Z0-9]{1,32}")


def file_name(place: int, operator_id: str | None) -> str:
    """The file of an operator's page: its id if it is one of ours, else its place.

    >>> file_name(0, "OP-7F3K2A"), file_name(4, "../etc/passwd")
    ('OP-7F3K2A.html', 'operator-5.html')
    """
    if operator_id and ID.fullmatch(operator_id):
        return f"{operator_id}.html"
    return f"operator-{place + 1}.html"


def read(tables: Tables, redaction: Redaction, case: str | None = None) -> dict[str, Any]:
    """The data of the page `index.html`; `case` is what commands call the case."""
    known = known_values(tables, redaction)
    operators = tables.rows("SELECT * FROM shown ORDER BY place")
    decided = dict(
        tables.rows(
            "SELECT operator_id, arg_max(decision, (made_at, decision)) FROM judged GROUP BY 1"
        )
    )
    return {
        "redacted": redaction.active and unmasked(redaction.notes),
        "run": run(tables),
        "rules": RULES,
        "case": case,
        "accounts": tables.rows("SELECT count(*) FROM accounts")[0][0],
        "signals": tables.rows("SELECT count(*) FROM signals")[0][0],
        "inputs": [
            [cut(redaction.sentence(name or "")), cut(sha256 or ""), rows, _mapping(columns)]
            for name, sha256, rows, columns in tables.rows(
                "SELECT name, sha256, rows, columns FROM inputs ORDER BY input"
            )
        ],
        "rejected": [
            [
                cut(source or ""),
                kind,
                cut(reason or ""),
                count,
                rows,
                cut(redaction.value(kind or "", example or "")),
            ]
            for source, kind, reason, count, rows, example in tables.rows(
                "SELECT source, kind, reason, count, rows, example FROM rejected"
                " ORDER BY rows DESC, kind, reason, source"
            )
        ],
        "ignored": [
            [kind, cut(redaction.sentence(why)), count, most]
            for kind, why, count, most in tables.rows(
                "SELECT kind, ignored, count(*), max(accounts) FROM signals"
                " WHERE ignored IS NOT NULL GROUP BY ALL ORDER BY 3 DESC, 1, 2"
            )
        ],
        "found": tables.rows(
            "SELECT verdict, count(*), sum(accounts)::BIGINT FROM operators GROUP BY verdict"
            f" ORDER BY list_position({list(VERDICTS)!r}, verdict) NULLS LAST, verdict"
        ),
        "chance": _chance([row[5] for row in operators]),
        "operators": [
            [
                *operator(row, redaction, known.get(row[0], ()), file_name(row[0], row[1])),
                decided.get(row[1]),
            ]
            for row in operators
        ],
        "timeline": _sign_ups(tables),
        "map": operators_map.read(tables),
    }


def operator(row: tuple[Any, ...], redaction: Redaction, known: Any, file: str) -> list[Any]:
    """A row of `shown` as the pages read it, with the file of its page, if it has one."""
    _, operator_id, verdict, score, accounts, q, kinds, first, last, why, page = row
    return [
        cut(operator_id or ""),
        verdict,
        probability(score),
        accounts,
        rounded(q, 6),
        (kinds or "").split(),
        minute(first),
        minute(last),
        cut(redaction.sentence(why or "", known), 600),
        file if page else None,
    ]


def known_values(tables: Tables, redaction: Redaction) -> dict[int, list[str]]:
    """Values that sentences about an operator may name; needed for masking alone."""
    if not redaction.active:
        return {}
    values = tables.by_place(
        "SELECT place, value FROM shown JOIN evidence USING (operator_id)"
        " WHERE kind <> 'prompt' AND value IS NOT NULL ORDER BY place"
    )
    return {place: [value for (value,) in rows] for place, rows in values.items()}


def run(tables: Tables) -> dict[str, Any]:
    """The number, the end and the seed of the last run."""
    rows = tables.rows("SELECT run, finished_at, details FROM runs ORDER BY run DESC LIMIT 1")
    if not rows:
        return {}
    number, finished, details = rows[0]
    kept = parsed(details)
    settings = kept.get("settings", kept) if isinstance(kept, dict) else None
    seed = settings.get("seed") if isinstance(settings, dict) else None
    return {"run": number, "finished": minute(finished), "seed": seed}


def _sign_ups(tables: Tables) -> dict[str, Any] | None:
    """Sign-ups by day: of everybody, and of members of sockpuppets."""
    day = "date_diff('day', DATE '1970-01-01', created_at::DATE)"
    everybody = tables.rows(
        f"SELECT {day}, count(*) FROM accounts WHERE isfinite(created_at) GROUP BY 1"
    )
    members = tables.rows(
        f"SELECT {day}, count(*) FROM accounts JOIN members USING (account)"
        " WHERE isfinite(created_at) AND verdict = 'sockpuppets' GROUP BY 1"
    )
    return timeline.bars([dict(everybody), dict(members)])


def _chance(q_values: list[float | None]) -> dict[str, Any]:
    """How many operators may be chance: q is the share of chance finds down to that operator."""
    tested = [q for q in q_values if q is not None and math.isfinite(q)]
    strong = [q for q in tested if q <= CHANCE]
    return {
        "limit": CHANCE,
        "tested": len(tested),
        "strong": len(strong),
        "expected": round(len(strong) * max(strong, default=0.0), 2),
    }


def _mapping(columns: str | None) -> list[list[str]]:
    kinds = parsed(columns)
    if not isinstance(kinds, dict):
        return []
    return [[cut(str(name), 60), cut(str(kind), 60)] for name, kind in kinds.items()]
