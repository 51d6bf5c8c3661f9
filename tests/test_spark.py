"""Spark and DuckDB give the same: statement by statement, and run by run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fleets
import pyarrow as pa
import pytest
from cases import Typed
from sparks import lists, session, tables

import linkage
from linkage.engine import DuckDBEngine, Engine
from linkage.simulate import simulate

__all__ = ["session"]

pytestmark = pytest.mark.xdist_group("spark")

PEOPLE = pa.table(
    {
        "account": pa.array([1, 2, 3, 4], pa.int32()),
        "name": ["ann", "Bob", None, "é"],
        "made": pa.array([0, 3_600_000_000, None, 7], pa.timestamp("us")),
        "size": [0.1, 0.2, 0.3, None],
    }
)


@pytest.fixture(params=["held", "filed"])
def engines(
    session: Any, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Engine, Engine]]:
    """DuckDB and Spark, whose tables are with the driver, or all in files."""
    from linkage.engine import spark

    if request.param == "filed":
        monkeypatch.setattr(spark, "FEW", -1)
        monkeypatch.setattr(spark, "LITTLE", -1)
    duck, embedded = DuckDBEngine(), DuckDBEngine()
    engine = spark.SparkEngine(session)
    engine.begin(embedded, tmp_path)
    for each in (duck, embedded):
        each.put("people", PEOPLE)
    yield duck, engine
    engine.close()
    assert not list(tmp_path.rglob("*.parquet"))


def same(engines: tuple[Engine, Engine], query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    duck, spark = (engine.rows(query, parameters) for engine in engines)
    assert spark == duck
    return duck


class TestStatements:
    def test_queries(self, engines: tuple[Engine, Engine]) -> None:
        ordered = "FROM people ORDER BY account"
        same(engines, f"SELECT *, account / 2, -account / 4 {ordered}")
        same(engines, f"SELECT round(size / 7, 3), round(account * 2.5), 0.7 * account {ordered}")
        same(engines, f"SELECT strftime(made, '%Y-%m-%d %H:00'), name || ? {ordered}", "'\\x")
        same(engines, "SELECT name FROM people ORDER BY name DESC")
        same(engines, "SELECT name FROM people ORDER BY name")
        same(engines, "SELECT arg_max(name, (account, size)), median(size) FROM people")
        same(engines, "SELECT sum(size ORDER BY account) FROM people WHERE size < ?", 9.5)
        same(
            engines,
            "SELECT string_agg(name, ' ' ORDER BY account DESC) FILTER (account < 4), "
            "printf('%d of %s', count(*), format('{:,}', CAST(1234567 AS BIGINT))) FROM people",
        )
        assert same(engines, "SELECT * FROM people WHERE name NOT IN ('ann') AND account > 9") == []

    def test_hashes(self, engines: tuple[Engine, Engine]) -> None:
        """Samples and shuffles are taken by them."""
        found = same(
            engines,
            "SELECT account, CAST(hash(name, account) AS VARCHAR), hash(size, ?) < ? "
            "FROM people ORDER BY hash(account, name), account",
            1,
            2**63,
        )
        assert [account for account, *_ in found] != [1, 2, 3, 4]

    def test_changes(self, engines: tuple[Engine, Engine]) -> None:
        for engine in engines:
            engine.create("m", "SELECT account, name, CAST(account AS BIGINT) AS n FROM people")
            engine.run("INSERT INTO m BY NAME SELECT 9 AS n, account + 10 AS account FROM people")
            engine.run("INSERT INTO m VALUES (?, 'x', 3), (50, NULL, 4)", [40])
            engine.run("DELETE FROM m WHERE account IN (SELECT max(account) FROM m) OR name = 'é'")
            engine.run("DELETE FROM m WHERE name = 'ann'")
            engine.run("CREATE TABLE IF NOT EXISTS m (lost INTEGER)")
            engine.run("CREATE OR REPLACE TABLE other (account INTEGER, n BIGINT)")
            engine.run("INSERT INTO other SELECT account, 100 FROM m WHERE account > 12")
            engine.run("UPDATE m SET n = m.n + o.n FROM other o WHERE o.account = m.account")
            engine.run("ALTER TABLE m RENAME TO kept")
            engine.drop("other", "never")
            assert (engine.exists("kept"), engine.exists("m")) == (True, False)
            assert not engine.exists("other")
        found = same(engines, "SELECT * FROM kept ORDER BY account")
        assert found[0] == (2, "Bob", 2)
        assert (13, None, 109) in found
        assert (40, "x", 103) in found

    def test_a_table_is_what_it_was_made_of(self, engines: tuple[Engine, Engine]) -> None:
        """Though it is computed later, when that is no longer there."""
        for engine in engines:
            engine.create("a", "SELECT account FROM people WHERE account < 3")
            engine.create("b", "SELECT account + 1 AS account FROM a")
            engine.create("a", "SELECT account * 100 AS account FROM a")
            engine.create("people", "SELECT 7 AS account")
        assert same(engines, "SELECT account FROM b ORDER BY account") == [(2,), (3,)]
        assert same(engines, "SELECT account FROM a ORDER BY account") == [(100,), (200,)]

    def test_batches_and_tables_handed_over(self, engines: tuple[Engine, Engine]) -> None:
        schema = pa.schema([("name", pa.string()), ("made", pa.timestamp("us"))])

        def chosen(batch: pa.RecordBatch) -> pa.RecordBatch:
            return batch.select(["name", "made"]).slice(0, len(batch))

        for engine in engines:
            engine.map_batches("SELECT * FROM people WHERE account > 1", chosen, "t", schema)
            engine.put("n", pa.table({"n": pa.array([3, 5], pa.int32())}))
            given = engine.hand_over(["t", "n", "people", "none"])
            assert given is engine.embedded
            assert given.arrow("SELECT * FROM t ORDER BY name").schema == schema
            assert given.rows("SELECT sum(n), (SELECT count(*) FROM people) FROM n") == [(8, 4)]
        assert same(engines, "SELECT name FROM t ORDER BY name") == [("Bob",), ("é",), (None,)]


@pytest.mark.parametrize("few", [None, 400])
def test_prompts_and_all(session: Any, tmp_path: Path, few: int | None) -> None:
    """A simulated service with prompts, mails, cards and addresses."""


def test_runs_judgements_and_updates(session: Any, tmp_path: Path) -> None:
    """What is decided binds a run on Spark too, and frames of Spark are inputs."""
