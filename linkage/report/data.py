"""What the report shows, as plain data: numbers, words and lists from the tables of a case.

In: a connection to `case.duckdb`. Out: the overview, and a detail for each operator, ready to be
JSON. Compact, since one page holds it all: columns and short rows rather than objects, numbers
rounded, values cut. What is cut or left out is counted here, so that the page can say so.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterator
from typing import Any

import duckdb

from linkage.errors import CaseError
from linkage.report import graph, timeline
from linkage.report.redaction import Redaction
from linkage.schema import VERDICTS

OPERATORS_DETAILED = 500
"""Operators of lower rank have a row, but no section."""
SIGNALS_LISTED = 100
"""Signals of one kind that an operator's section lists."""
MEMBERS_LISTED = 60_000
"""Members that all sections list together, in the order of rank; each lists at least `FEWEST`."""
FEWEST = 200
HOLDING = 2
"""Signals named with each member."""
CUT = {"prompt": 800}
CUT_OTHERS = 200
CHANCE = 0.05

USED = (
    *("accounts", "activity", "edges", "evidence", "inputs", "judgements", "members"),
    *("operators", "rejected", "runs", "scorecard", "signals"),
)
MEMBER_COLUMNS = ("id", "confidence", "evidence", "held_by", "created", "last", "signals")


def check(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Raise `CaseError` unless the database has every table that the report reads."""
    found = {row[0] for row in connection.sql("SHOW TABLES").fetchall()}
    missing = [table for table in USED if table not in found]
    if missing:
        raise CaseError(
            f"{name} should be the database of a case, but has no table {', '.join(missing)}. "
            "Make the case anew: linkage run INPUT... --out CASE"
        )


class Reader:
    """Reads what the report shows from one case."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, redaction: Redaction) -> None:
        self.connection = connection
        self.redaction = redaction
        self._prepare()

    def overview(self) -> dict[str, Any]:
        """What was read, found and left out, and a row for each operator in the order of rank."""
        operators = self._rows("SELECT * EXCLUDE (listed) FROM shown ORDER BY place")
        known = self._known()
        return {
            "redacted": self.redaction.active,
            "run": self._run(),
            "accounts": self._rows("SELECT count(*) FROM accounts")[0][0],
            "signals": self._rows("SELECT count(*) FROM signals")[0][0],
            "inputs": self._inputs(),
            "rejected": [
                [
                    _cut(source or "", CUT_OTHERS),
                    kind,
                    _cut(reason or "", CUT_OTHERS),
                    count,
                    rows,
                    self._value(kind or "", example),
                ]
                for source, kind, reason, count, rows, example in self._rows(
                    "SELECT source, kind, reason, count, rows, example FROM rejected"
                    " ORDER BY rows DESC, kind, reason, source"
                )
            ],
            "ignored": [
                [kind, _cut(why, CUT_OTHERS), count, most]
                for kind, why, count, most in self._rows(
                    "SELECT kind, ignored, count(*), max(accounts) FROM signals"
                    " WHERE ignored IS NOT NULL GROUP BY ALL ORDER BY 3 DESC, 1, 2"
                )
            ],
            "found": self._rows(
                "SELECT verdict, count(*), sum(accounts)::BIGINT FROM operators GROUP BY verdict"
                f" ORDER BY list_position({list(VERDICTS)!r}, verdict) NULLS LAST, verdict"
            ),
            "chance": _chance([row[5] for row in operators]),
            "operators": [
                [
                    _cut(operator_id or "", CUT_OTHERS),
                    verdict,
                    _rounded(score, 4),
                    accounts,
                    _rounded(q, 6),
                    (kinds or "").split(),
                    _minute(first),
                    _minute(last),
                    self._sentence(why, known.get(place, ())),
                ]
                for place, operator_id, verdict, score, accounts, q, kinds, first, last, why
                in operators
            ],
        }  # fmt: skip

    def details(self) -> Iterator[dict[str, Any]]:
        """The section of each operator, in the order of rank, up to `OPERATORS_DETAILED`."""
        known = self._known()
        cards = self._by_place(
            "SELECT place, item, finding, weight FROM scorecard JOIN shown USING (operator_id)"
            " ORDER BY place, abs(weight) DESC, item"
        )
        kinds = self._by_place(
            "SELECT place, kind, count(*), sum(greatest(weight, 0) * members) AS strength"
            " FROM strongest GROUP BY place, kind ORDER BY place, strength DESC, kind"
        )
        signals = self._by_place(
            "SELECT place, rank, kind, value, members, others, weight, in_kind, turn"
            " FROM strongest"
            f" WHERE in_kind <= {SIGNALS_LISTED} OR turn <= {graph.SIGNALS}"
            " OR (place, rank) IN (SELECT (place, rank) FROM holding)"
            " ORDER BY place, rank"
        )
        members = self._by_place(
            "SELECT place, account_id, confidence, evidence, held_by, created_at, last_seen,"
            " signals FROM listed_members ORDER BY place, nth"
        )
        bundles = self._by_place(
            "SELECT place, mask, count(*) FROM bundled GROUP BY place, mask ORDER BY place, mask"
        )
        signups = self._days("accounts", "created_at", "count(*)")
        activity = self._days("activity", "hour", "sum(n)::BIGINT")
        judged = self._by_place(
            "SELECT place, made_at, made_by, decision, note FROM judgements"
            " JOIN shown ON subject = 'operator' AND a = operator_id ORDER BY place, made_at"
        )
        alone = self._by_place(
            "SELECT place, held_by, count(*) FROM members JOIN shown USING (operator_id)"
            " WHERE held_by <= 1 GROUP BY place, held_by ORDER BY place, held_by"
        )
        for place, accounts in self._rows(
            f"SELECT place, accounts FROM shown WHERE place < {OPERATORS_DETAILED} ORDER BY place"
        ):
            index = {row[0]: n for n, row in enumerate(signals.get(place, ()))}
            turns = [n for n, row in enumerate(signals.get(place, ())) if row[-1] <= graph.SIGNALS]
            turns.sort(key=lambda n: signals[place][n][-1])
            yield {
                "scorecard": [
                    [item, self._sentence(finding, known.get(place, ())), _rounded(weight, 2)]
                    for item, finding, weight in cards.get(place, ())
                ],
                "kinds": [[kind, n] for kind, n, _ in kinds.get(place, ())],
                "signals": [
                    [kind, self._value(kind, value), inside, others, _rounded(weight, 2),
                     in_kind <= SIGNALS_LISTED]
                    for _, kind, value, inside, others, weight, in_kind, _ in signals.get(place, ())
                ],
                "members": self._members(members.get(place, ()), index),
                "held_by_one": sum(n for _, n in alone.get(place, ())),
                "timeline": timeline.bars(
                    [dict(signups.get(place, ())), dict(activity.get(place, ()))]
                ),
                "graph": _graph(dict(bundles.get(place, ())), turns, accounts or 0),
                "judgements": [
                    [_minute(at), self.redaction.value("name", by or ""), decision,
                     self._sentence(note)]
                    for at, by, decision, note in judged.get(place, ())
                ],
            }  # fmt: skip

    def _prepare(self) -> None:
        """Rank operators and their signals, and list their members, once for all queries."""
        self._table(
            "shown",
            """
            SELECT row_number() OVER (ORDER BY score DESC NULLS LAST, accounts DESC, operator_id)
                - 1 AS place, *
            FROM operators
            """,
        )
        # how many members each lists: all while the budget lasts, in the order of rank
        self._table(
            "shown",
            f"""
            SELECT *, greatest({FEWEST}, {MEMBERS_LISTED} - coalesce(sum(accounts) OVER
                (ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)) AS listed
            FROM shown
            """,
        )
        self._table(
            "strongest",
            f"""
            SELECT place, signal, evidence.kind, coalesce(value, '') AS value, members, others,
                weight,
                row_number() OVER (PARTITION BY place ORDER BY {STRENGTH}) AS rank,
                row_number() OVER (PARTITION BY place, kind ORDER BY {STRENGTH}) AS in_kind
            FROM evidence JOIN shown USING (operator_id) WHERE place < {OPERATORS_DETAILED}
            """,
        )
        # the drawing takes the strongest of each kind in turn, so that it shows kinds together
        self._table(
            "strongest",
            """
            SELECT *, row_number() OVER (PARTITION BY place ORDER BY in_kind, rank) AS turn
            FROM strongest
            """,
        )
        self._table(
            "uses",
            """
            SELECT place, account, signal, rank, turn, weight
            FROM edges JOIN members USING (account) JOIN shown USING (operator_id)
                JOIN strongest USING (place, signal)
            """,
        )
        self._table(
            "bundled",
            f"""
            SELECT place, account, sum(1::BIGINT << (turn - 1)::INTEGER)::BIGINT AS mask
            FROM (SELECT DISTINCT place, account, turn FROM uses WHERE turn <= {graph.SIGNALS})
            GROUP BY place, account
            """,
        )
        self._table(
            "ordered",
            f"""
            SELECT place, members.*, row_number() OVER (PARTITION BY place
                ORDER BY confidence DESC NULLS LAST, evidence DESC NULLS LAST, account_id) AS nth
            FROM members JOIN shown USING (operator_id) WHERE place < {OPERATORS_DETAILED}
            QUALIFY nth <= listed
            """,
        )
        self._table(
            "holding",
            f"""
            SELECT account, place, signal, rank, weight FROM uses
            WHERE account IN (SELECT account FROM ordered)
            QUALIFY row_number() OVER (PARTITION BY account ORDER BY weight DESC, rank)
                <= {HOLDING}
            """,
        )
        self._table(
            "listed_members",
            """
            SELECT place, nth, ordered.account_id, confidence, evidence, held_by, created_at,
                last_seen, signals
            FROM ordered LEFT JOIN accounts USING (account) LEFT JOIN (
                SELECT account, list(rank ORDER BY weight DESC, rank) AS signals
                FROM holding GROUP BY account) USING (account)
            """,
        )

    def _table(self, name: str, sql: str) -> None:
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.sql(sql).fetchall()

    def _by_place(self, sql: str) -> dict[int, list[tuple[Any, ...]]]:
        """Rows of a query, without their first column, by that column: an operator's place."""
        grouped: dict[int, list[tuple[Any, ...]]] = {}
        for place, *row in self._rows(sql):
            grouped.setdefault(place, []).append(tuple(row))
        return grouped

    def _days(self, table: str, time: str, count: str) -> dict[int, list[tuple[Any, ...]]]:
        return self._by_place(
            f"""
            SELECT place, date_diff('day', DATE '1970-01-01', t.{time}::DATE) AS day, {count}
            FROM members JOIN shown USING (operator_id) JOIN {table} AS t USING (account)
            WHERE isfinite(t.{time}) AND place < {OPERATORS_DETAILED} GROUP BY ALL
            """
        )

    def _known(self) -> dict[int, list[str]]:
        """Values that sentences about an operator may name; needed for masking alone."""
        if not self.redaction.active:
            return {}
        values = self._by_place("SELECT place, value FROM strongest WHERE kind <> 'prompt'")
        return {place: [value for (value,) in rows] for place, rows in values.items()}

    def _inputs(self) -> list[list[Any]]:
        rows = self._rows("SELECT name, sha256, rows, columns FROM inputs ORDER BY input")
        return [[self._sentence(n), h, count, _mapping(columns)] for n, h, count, columns in rows]

    def _run(self) -> dict[str, Any]:
        rows = self._rows("SELECT run, finished_at, details FROM runs ORDER BY run DESC LIMIT 1")
        if not rows:
            return {}
        number, finished, details = rows[0]
        try:
            kept = json.loads(details or "{}")
        except json.JSONDecodeError:
            kept = {}
        seed = kept.get("settings", kept).get("seed") if isinstance(kept, dict) else None
        return {"run": number, "finished": _minute(finished), "seed": seed}

    def _members(self, rows: Any, index: dict[int, int]) -> dict[str, list[Any]]:
        """Members by column; `signals` holds `HOLDING` a member, -1 where there is none."""
        columns: dict[str, list[Any]] = {name: [] for name in MEMBER_COLUMNS}
        for account_id, confidence, evidence, held_by, created, last, signals in rows:
            columns["id"].append(_cut(self.redaction.account(account_id or ""), CUT_OTHERS))
            columns["confidence"].append(_rounded(confidence, 4))
            columns["evidence"].append(_rounded(evidence, 1))
            columns["held_by"].append(held_by)
            columns["created"].append(_day(created))
            columns["last"].append(_day(last))
            held = [index[rank] for rank in signals or ()]
            columns["signals"] += held + [-1] * (HOLDING - len(held))
        return columns

    def _value(self, kind: str, value: str | None) -> str:
        return _cut(self.redaction.value(kind, value or ""), CUT.get(kind, CUT_OTHERS))

    def _sentence(self, text: str | None, known: Any = ()) -> str:
        return _cut(self.redaction.sentence(text or "", known), 600)


# what a signal explains: how much it adds to an account's case, for all members that have it
STRENGTH = "greatest(weight, 0) * members DESC, weight DESC, signal"


def _graph(bundles: dict[int, int], turns: list[int], accounts: int) -> dict[str, Any] | None:
    """The drawing, from bundles by turn and the index that the signal of each turn has."""
    if not bundles or not turns:
        return None
    drawing = graph.draw(bundles, len(turns), max(accounts, sum(bundles.values())))
    return {
        "signals": [turns[signal] for signal in drawing.signals],
        "bundles": drawing.bundles,
        "without": drawing.accounts_without,
        "bundles_left": drawing.bundles_left,
        "accounts_left": drawing.accounts_left,
    }


def _chance(q_values: list[float | None]) -> dict[str, Any]:
    """How many operators to expect false: q is the share of chance finds down to that operator."""
    tested = [q for q in q_values if q is not None and math.isfinite(q)]
    strong = [q for q in tested if q <= CHANCE]
    return {
        "limit": CHANCE,
        "tested": len(tested),
        "strong": len(strong),
        "expected": round(len(strong) * max(strong, default=0.0), 2),
    }


def _mapping(columns: str | None) -> list[list[str]]:
    try:
        parsed = json.loads(columns or "{}")
    except json.JSONDecodeError:
        parsed = {}
    if not isinstance(parsed, dict):
        return []
    return [[_cut(str(name), 60), _cut(str(kind), 60)] for name, kind in parsed.items()]


def _cut(text: str, width: int) -> str:
    """A text of at most about `width` characters; what is missing is said."""
    if len(text) <= width:
        return text
    return f"{text[:width]}… ({len(text) - width:,} more characters)"


def _rounded(value: float | None, digits: int) -> float | None:
    return round(value, digits) if value is not None and math.isfinite(value) else None


def _minute(time: datetime.datetime | None) -> str | None:
    return time.isoformat(" ", "minutes") if time else None


def _day(time: datetime.datetime | None) -> int | None:
    """Days since 1970."""
    return time.date().toordinal() - 719_163 if time else None
