"""What is exported: the bipartite graph of accounts and signals, of one operator or of all.

A case's connection arrives; a `Graph` leaves, whose nodes and edges are read in Arrow batches, in
the order of their ids, so that nothing of it has to fit in memory. Each format makes of them what
its readers expect. A null says that something is unknown or belongs to the other side.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from linkage.case.views import Operator
from linkage.export import layout
from linkage.schema import RANK, Column, Table

NODES = Table(
    "nodes",
    "an account or a signal",
    (
        Column("id", "VARCHAR", "`a` and the number of the account, or `s` and the signal's"),
        Column("key", "VARCHAR", "hash of what the node stands for: the same in every case"),
        Column("bipartite", "INTEGER", "0: account, 1: signal"),
        Column("account_id", "VARCHAR", "account: what the service calls it"),
        Column("kind", "VARCHAR", "signal: payment, ip, prompt, …"),
        Column("value", "VARCHAR", "signal: the normalised value"),
        Column("operator_id", "VARCHAR", "its operator; null for a signal of several"),
        Column("verdict", "VARCHAR", "the verdict on that operator"),
        Column("confidence", "DOUBLE", "account: probability that it belongs, 0 to 1"),
        Column("weight", "DOUBLE", "nats: an account's evidence, a signal's weight (the largest)"),
        Column("accounts", "INTEGER", "signal: accounts that use it, exported or not"),
        Column("members", "INTEGER", "signal: exported accounts that use it"),
        Column("signals", "INTEGER", "account: exported signals that it uses"),
        Column("created_at", "TIMESTAMP", "account: when it was made"),
        Column("first_seen", "TIMESTAMP", "earliest use"),
        Column("last_seen", "TIMESTAMP", "latest use"),
        Column("n", "BIGINT", "input rows: of the account, or of the signal's edges"),
    ),
)
EDGES = Table(
    "edges",
    "an account that used a signal",
    (
        Column("source", "VARCHAR", "id of the account"),
        Column("target", "VARCHAR", "id of the signal"),
        Column("weight", "DOUBLE", "nats that the signal adds to the account's case"),
        Column("first_seen", "TIMESTAMP", "earliest use"),
        Column("last_seen", "TIMESTAMP", "latest use"),
        Column("n", "BIGINT", "input rows: how many times it was used"),
    ),
)

TIMES = {c.name for c in (*NODES.columns, *EDGES.columns) if c.type == "TIMESTAMP"}

TYPES = {"VARCHAR": "string", "INTEGER": "int", "BIGINT": "long", "DOUBLE": "double"}
"""What other programs call the types of columns."""

BATCH_ROWS = 50_000
MEMORY = "500MB"
"""What the engine may hold; a larger graph is spilled to the disk beside the export."""

USED = """
CREATE TABLE memory.used AS
SELECT e.account, e.signal, m.operator_id,
       v.weight, e.first_seen, e.last_seen, e.n
FROM "case".members AS m JOIN "case".edges AS e ON e.account = m.account
JOIN "case".signals AS s ON s.signal = e.signal
LEFT JOIN "case".evidence AS v ON v.operator_id = m.operator_id AND v.signal = e.signal
WHERE ($operator IS NULL OR m.operator_id = $operator) AND {which}
ORDER BY e.account, e.signal
"""
EVIDENCE = "v.signal IS NOT NULL"
EVERYTHING = "s.ignored IS NULL"

MADE = """
CREATE TABLE memory.nodes AS
WITH degrees AS (SELECT account, count(*) AS signals FROM memory.used GROUP BY account),
own AS (
    SELECT signal, operator_id, count(*) AS members, max(weight) AS weight, sum(n) AS n,
           min(first_seen) AS first_seen, max(last_seen) AS last_seen
    FROM memory.used GROUP BY signal, operator_id
),
shared AS (
    SELECT signal, sum(members) AS members, max(weight) AS weight, sum(n) AS n,
           min(first_seen) AS first_seen, max(last_seen) AS last_seen,
           CASE WHEN count(*) = 1 THEN any_value(operator_id) END AS operator_id
    FROM own GROUP BY signal
),
named AS (
    SELECT m.account AS number, 0 AS bipartite, {account} AS account_id, NULL AS kind,
           NULL AS value, m.operator_id, m.confidence, m.evidence AS weight, NULL AS accounts,
           NULL AS members, coalesce(d.signals, 0) AS signals, a.created_at, a.first_seen,
           a.last_seen, a.rows AS n
    FROM "case".members AS m JOIN "case".accounts AS a ON a.account = m.account
    LEFT JOIN degrees AS d ON d.account = m.account
    WHERE $operator IS NULL OR m.operator_id = $operator
    UNION ALL
    SELECT s.signal, 1, NULL, s.kind, {value}, h.operator_id, NULL, h.weight, s.accounts,
           h.members, NULL, NULL, h.first_seen, h.last_seen, h.n
    FROM shared AS h JOIN "case".signals AS s ON s.signal = h.signal
)
SELECT CASE bipartite WHEN 0 THEN 'a' ELSE 's' END || number AS id,
       substr(sha256(coalesce(kind, 'account') || chr(0) || coalesce(account_id, value)), 1, 32)
           AS key,
       o.verdict, n.*
FROM named AS n LEFT JOIN "case".operators AS o ON o.operator_id = n.operator_id
ORDER BY bipartite, number
"""


class Graph:
    """The accounts and signals that are exported, and what is said of them.

    `operator` is the one whose graph it is, or None for all. With `everything`, signals are those
    that its accounts use; else those that speak for their operator. With a `key`, account ids and
    values are their HMAC-SHA256 in hexadecimal: equal ones stay equal.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        operator: Operator | None = None,
        everything: bool = False,
        key: bytes | None = None,
    ) -> None:
        self.connection = connection
        self.operator = operator
        self.hashed = key is not None
        self._operator_id = None if operator is None else operator.operator_id
        self.database = _database(connection)
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        account, value = "a.account_id", "s.value"
        if key is not None:
            connection.create_function("masked", _masks(key), ["VARCHAR"], "VARCHAR")
            account, value = f"masked({account})", f"masked({value})"
        which = EVERYTHING if everything else EVIDENCE
        parameters = {"operator": self._operator_id}
        connection.execute(USED.format(which=which), parameters)
        connection.execute(MADE.format(account=account, value=value), parameters)
        counts = dict(self.rows("SELECT bipartite, count(*) FROM memory.nodes GROUP BY bipartite"))
        self.accounts: int = counts.get(0, 0)
        self.signals: int = counts.get(1, 0)
        self.edge_count: int = self.rows("SELECT count(*) FROM memory.used")[0][0]

    def nodes(self, as_text: bool = False, where: str = "true") -> pa.RecordBatchReader:
        """Accounts, then signals: the columns of `NODES`; times `as_text` are ISO 8601 in UTC."""
        columns = _columns(NODES.columns, as_text)
        return self._batches(
            f"SELECT {columns} FROM memory.nodes WHERE {where} ORDER BY bipartite, number"
        )

    def drawn_nodes(self) -> pa.RecordBatchReader:
        """The same as text, with a place each: `x`, `y` and `size`."""
        layout.lay_out(self.connection)
        columns = _columns(NODES.columns, as_text=True)
        return self._batches(
            f"SELECT {columns}, x, y, size FROM memory.nodes JOIN memory.places "
            "USING (bipartite, number) ORDER BY bipartite, number"
        )

    def edges(self, as_text: bool = False, by_key: bool = False) -> pa.RecordBatchReader:
        """Edges: the columns of `EDGES`; `by_key` names nodes by their keys, not their ids."""
        columns = _columns(EDGES.columns[2:], as_text)
        if by_key:
            named = (
                "(SELECT a.key AS source, s.key AS target, u.* FROM memory.used AS u "
                "JOIN memory.nodes AS a ON a.bipartite = 0 AND a.number = u.account "
                "JOIN memory.nodes AS s ON s.bipartite = 1 AND s.number = u.signal)"
            )
            return self._batches(
                f"SELECT source, target, {columns} FROM {named} ORDER BY account, signal"
            )
        return self._batches(
            f"SELECT 'a' || account AS source, 's' || signal AS target, {columns} "
            "FROM memory.used ORDER BY account, signal"
        )

    def operators(self) -> list[dict[str, Any]]:
        """Rows of the table operators, by rank."""
        found = self.connection.sql(
            'SELECT * FROM "case".operators WHERE $operator IS NULL OR operator_id = $operator '
            f"ORDER BY {RANK}",
            params={"operator": self._operator_id},
        )
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query over `memory.nodes`, `memory.used` and the tables of `"case"`."""
        return self.connection.sql(sql, params=parameters).fetchall()

    def _batches(self, sql: str) -> pa.RecordBatchReader:
        return self.connection.sql(sql).to_arrow_reader(BATCH_ROWS)


def rows(batches: pa.RecordBatchReader) -> Iterator[tuple[Any, ...]]:
    """The rows of batches as tuples of plain values."""
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _database(connection: duckdb.DuckDBPyConnection) -> Path:
    """The file of the case that a connection reads."""
    found = connection.sql("SELECT path FROM duckdb_databases() WHERE database_name = 'case'")
    return Path(found.fetchall()[0][0] or ":memory:")


def _columns(columns: Sequence[Column], as_text: bool) -> str:
    chosen = []
    for column in columns:
        if as_text and column.type == "TIMESTAMP":
            # a timestamp without an end is written as it is called
            chosen.append(
                f"replace(CAST({column.name} AS VARCHAR), ' ', 'T') || 'Z' AS {column.name}"
            )
        elif column.type == "DOUBLE":
            # few formats have a word for what is no number
            chosen.append(
                f"CASE WHEN isfinite({column.name}) THEN {column.name} END AS {column.name}"
            )
        else:
            chosen.append(f"CAST({column.name} AS {column.type}) AS {column.name}")
    return ", ".join(chosen)


def _masks(key: bytes) -> Any:
    def masked(value: str) -> str:
        return hmac.new(key, value.encode("utf-8"), hashlib.sha256).hexdigest()

    return masked
