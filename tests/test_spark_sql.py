"""Statements in DuckDB's dialect, and what they become; without Spark itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("sqlglot", reason="sqlglot is not installed: pip install 'linkage[spark]'")

from linkage.engine.spark_sql import Statement, translate

COLUMNS = {"m": ["account", "operator"]}


def translated(sql: str, *parameters: Any) -> Statement:
    return translate(sql, parameters, COLUMNS.__getitem__)


@pytest.mark.parametrize(
    ("sql", "parameters", "spark"),
    [
        ("SELECT a / b FROM t", [], "SELECT CAST(a AS DOUBLE) / CAST(b AS DOUBLE) FROM t"),
        ("SELECT a FROM main.t", [], "SELECT a FROM t"),
        ("SELECT hash(a, ?) FROM t", [7], "SELECT LINKAGE_HASH(a, 7) FROM t"),
        ("SELECT format('{:,}', a) FROM t", [], "SELECT FORMAT_NUMBER(a, 0) FROM t"),
        ("SELECT round(a, 2) FROM t", [], "SELECT LINKAGE_ROUND(CAST(a AS DOUBLE), 2) FROM t"),
        ("SELECT round(a) FROM t", [], "SELECT ROUND(a) FROM t"),
        ("SELECT a FROM t ORDER BY a, b DESC", [], "SELECT a FROM t ORDER BY a NULLS LAST, b DESC"),
        ("SELECT * EXCLUDE a FROM t", [], "SELECT * EXCEPT (a) FROM t"),
        (
            "SELECT count(*) FILTER (a LIKE 'x%') FROM t WHERE b = '?' AND c = ? -- ?",
            ["it's \\"],
            "SELECT COUNT(*) FILTER(WHERE a LIKE 'x%') FROM t WHERE b = '?' AND c = 'it\\'s \\\\'",
        ),
        (
            "SELECT ?, ?, ?, ?",
            [None, True, float("inf"), datetime(2025, 1, 2, 3, 4, 5)],
            "SELECT NULL, TRUE, CAST('Infinity' AS DOUBLE), "
            "CAST('2025-01-02 03:04:05' AS TIMESTAMP_NTZ)",
        ),
    ],
)
def test_queries(sql: str, parameters: Sequence[Any], spark: str) -> None:
    found = translated(sql, *parameters)
    assert (found.kind, found.sql) == ("query", spark)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "CREATE OR REPLACE TABLE t AS SELECT a FROM u",
            Statement("create", "t", "SELECT a FROM u", ("u",)),
        ),
        (
            "CREATE TABLE IF NOT EXISTS t (a INTEGER, b UBIGINT)",
            Statement(
                "create",
                "t",
                "SELECT CAST(NULL AS INT) AS a, CAST(NULL AS DECIMAL(20, 0)) AS b LIMIT 0",
                keep=True,
            ),
        ),
        (
            "INSERT INTO t BY NAME WITH u AS (SELECT 1 AS a) SELECT * FROM u",
            Statement(
                "insert", "t", "WITH u AS (SELECT 1 AS a) SELECT * FROM u", ("u",), by_name=True
            ),
        ),
        (
            "INSERT INTO t VALUES ('', ?, 1.5, NULL)",
            Statement("insert", "t", values=(("", b"x", Decimal("1.5"), None),)),
        ),
        (
            "WITH u AS (SELECT 1 AS a) DELETE FROM m WHERE account IN (SELECT a FROM u)",
            Statement(
                "replace",
                "m",
                "WITH u AS (SELECT 1 AS a) SELECT * FROM m "
                "WHERE NOT (account IN (SELECT a FROM u)) IS TRUE",
                ("m", "u"),
            ),
        ),
        (
            "UPDATE m SET operator = p.b FROM p JOIN q ON q.a = p.a WHERE p.a = m.account",
            Statement(
                "replace",
                "m",
                "SELECT m.account, CASE WHEN p.a = m.account THEN p.b ELSE m.operator END "
                "AS operator FROM m LEFT JOIN (p JOIN q ON q.a = p.a) ON p.a = m.account",
                ("m", "p", "q"),
            ),
        ),
        ("DROP TABLE IF EXISTS t", Statement("drop", "t")),
        ("ALTER TABLE t RENAME TO u", Statement("rename", "t", other="u")),
    ],
)
def test_changes(sql: str, expected: Statement) -> None:
    assert translated(sql, b"x") == expected


def test_what_no_stage_uses_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="the Spark engine has no "):
        translated("PRAGMA database_list")
