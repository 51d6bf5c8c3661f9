"""The tables of a case as the report needs them: operators ranked, their signals in order.

In: `case.duckdb`. Out: temporary tables beside it, made once, from which the pages are read an
operator or a batch of operators at a time, so that memory does not grow with the case. DuckDB
spills what does not fit.

- `shown`: an operator; `place` is its rank from 0, `page` whether it has a page.
- `strongest`: a signal of an operator with a page; `rank` from 1 by what it explains, `in_kind`
  the same within its kind, `turn` the order in which a drawing takes signals, `above` the rank
  of the coarser signal that it implies.
- `judged`: what was decided about an operator, by the id that it has now.
- `uses`: a member and a signal of its operator.
- `ties`: two operators of which the members of one use evidence of the other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from linkage.errors import CaseError
from linkage.graph import SIGN_UP_KINDS
from linkage.schema import RANK
from linkage.words import SHARING

PAGES = 500
"""Operators of lower rank have a row in the list, but no page."""
MEMORY = "512MB"
"""Beyond it DuckDB spills."""
SIGNALS = 40_000
"""Signals of an operator that its page holds, the strongest first."""
BATCH = 20_000
"""Members read at a time, unless one operator has more."""

USED = (
    *("accounts", "activity", "edges", "evidence", "inputs", "judgements", "members"),
    *("operators", "rejected", "runs", "scorecard", "signals"),
)
# what a signal explains: how much it adds to an account's case, for all members that have it
STRENGTH = "greatest(weight, 0) * members DESC, weight DESC, signal"
# what comes with much else says little on a drawing: it waits until others have had their turns
FAINT = f"ends_with(kind, '{SHARING}') OR kind IN {(*SIGN_UP_KINDS, 'bin', 'user_agent')}"
WAIT = 3
# a habit or a date is nothing that two operators have in common
TYING = f"NOT ends_with(kind, '{SHARING}') AND kind NOT IN {SIGN_UP_KINDS}"


class Tables:
    """One case to read pages from; `only` is the operator that gets a page, or None: by rank."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, only: str | None = None) -> None:
        self.connection = connection
        self.names = {row[0] for row in self.rows("SHOW TABLES")}
        self._prepare(only)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.connection.sql(sql).fetchall()

    def by_place(self, sql: str) -> dict[int, list[tuple[Any, ...]]]:
        """Rows of a query, without their first column, by that column: an operator's place."""
        grouped: dict[int, list[tuple[Any, ...]]] = {}
        for place, rows in groupby(self.rows(sql), key=lambda row: row[0]):
            grouped.setdefault(place, []).extend(row[1:] for row in rows)
        return grouped

    def batches(self) -> Iterator[str]:
        """Conditions on `place` that take the operators with a page in turn, some at a time."""
        places: list[int] = []
        members = 0
        for place, accounts in self.rows("SELECT place, accounts FROM shown WHERE page ORDER BY 1"):
            if places and members + (accounts or 0) > BATCH:
                yield _between(places)
                places, members = [], 0
            places.append(place)
            members += accounts or 0
        if places:
            yield _between(places)

    def _prepare(self, only: str | None) -> None:
        page = f"place < {PAGES}" if only is None else "operator_id = $only"
        self._table(
            "shown",
            f"""
            SELECT *, {page} AS page FROM (
                SELECT row_number() OVER (ORDER BY {RANK}) - 1 AS place, * FROM operators)
            """,
            {} if only is None else {"only": only},
        )
        now = (
            "(SELECT operator_id FROM aliases WHERE alias = a)" if "aliases" in self.names else "a"
        )
        self._table(
            "judged",
            f"""
            SELECT coalesce({now}, a) AS operator_id, made_at, made_by,
                   decision || CASE WHEN decision = 'confirmed' AND b <> '' THEN ' as ' || b
                               ELSE '' END AS decision, note
            FROM judgements WHERE subject = 'operator'
            """,
        )
        self._table(
            "strongest",
            f"""
            WITH ordered AS (
                SELECT place, e.signal, e.kind, coalesce(e.value, '') AS value, e.members, e.others,
                    e.weight, s.parent,
                    row_number() OVER (PARTITION BY place ORDER BY {STRENGTH}) AS rank,
                    row_number() OVER (PARTITION BY place, e.kind ORDER BY {STRENGTH}) AS in_kind
                FROM evidence AS e JOIN shown USING (operator_id)
                    LEFT JOIN signals AS s USING (signal)
                WHERE page
            ),
            -- a drawing takes the strongest of each kind in turn, so that it shows kinds together
            turns AS (
                SELECT *, row_number() OVER (
                    PARTITION BY place ORDER BY rank > {SIGNALS},
                        in_kind + CASE WHEN {FAINT} THEN {WAIT} ELSE 0 END, rank) AS turn
                FROM ordered
            )
            SELECT t.*, p.rank AS above FROM turns AS t LEFT JOIN (
                SELECT place, signal, min(rank) AS rank FROM turns GROUP BY place, signal) AS p
            ON p.place = t.place AND p.signal = t.parent
            ORDER BY t.place, t.rank
            """,
        )
        self._table(
            "uses",
            """
            SELECT place, account, rank, turn, weight
            FROM edges JOIN members USING (account) JOIN shown USING (operator_id)
                JOIN strongest USING (place, signal)
            ORDER BY place, account
            """,
        )
        self._tie()

    def _tie(self) -> None:
        """How much the evidence of one operator says of the members of another, on average.

        In nats: of each kind the strongest signal that a member has, as in an account's own case.
        """
        self._table(
            "crossing",
            f"""
            SELECT DISTINCT s.place, o.place AS other, account, s.kind, s.rank, s.weight
            FROM (SELECT * FROM strongest WHERE weight > 0 AND {TYING}) AS s
                JOIN edges USING (signal) JOIN members AS m USING (account)
                JOIN shown AS o USING (operator_id)
            WHERE o.place <> s.place
            """,
        )
        self._table(
            "ties",
            """
            WITH best AS (
                SELECT place, other, account, kind, max(weight) AS weight
                FROM crossing GROUP BY ALL
            ),
            summed AS (
                SELECT place, other, sum(weight ORDER BY weight) AS total,
                    count(DISTINCT account) AS users, count(DISTINCT kind) AS kinds
                FROM best GROUP BY ALL
            ),
            by_signal AS (
                SELECT place, other, kind, rank, any_value(weight) * count(DISTINCT account) AS nats
                FROM crossing GROUP BY ALL
            ),
            named AS (
                SELECT place, other, count(*) AS signals, arg_max(rank, (nats, -rank)) AS strongest
                FROM by_signal GROUP BY ALL
            )
            SELECT place, other, signals, users, kinds, strongest, total,
                total / greatest(o.accounts, users, 1) AS nats
            FROM summed JOIN named USING (place, other)
                JOIN (SELECT place AS other, accounts FROM shown) AS o USING (other)
            ORDER BY place, nats DESC, other
            """,
        )

    def _table(self, name: str, sql: str, parameters: dict[str, Any] | None = None) -> None:
        self.connection.execute(f"CREATE TEMP TABLE {name} AS {sql}", parameters or {})


@contextmanager
def opened(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads a case; `CaseError` if it can't or a table is missing."""
    try:
        connection = duckdb.connect(str(database), read_only=True)
    except duckdb.Error as error:
        raise CaseError(
            f"{database} can't be opened ({str(error).splitlines()[0]}). "
            "A report is made from a case: linkage run INPUT... --out CASE"
        ) from None
    try:
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        connection.execute("SET enable_progress_bar = false")
        found = {row[0] for row in connection.sql("SHOW TABLES").fetchall()}
        missing = [table for table in USED if table not in found]
        if missing:
            raise CaseError(
                f"{database} should be the database of a case, but has no table "
                f"{', '.join(missing)}. Make the case anew: linkage run INPUT... --out CASE"
            )
        yield connection
    finally:
        connection.close()


@contextmanager
def spilling(connection: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[None]:
    """Let DuckDB spill to `folder`, which is made: beside the case it may not be allowed to."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".linkage-", dir=folder) as name:
        connection.execute("SET temp_directory = $name", {"name": name})
        yield


def _between(places: list[int]) -> str:
    return f"place BETWEEN {places[0]} AND {places[-1]}"
