"""Spark and DuckDB give the same: statement by statement, and run by run."""

from __future__ import annotations

import shutil
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
from linkage.signals import prompt
from linkage.signals.prompt import study
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
        same(engines, f"SELECT *, account / 2, (account - 0.5) / (account + 1.0) {ordered}")
        same(engines, f"SELECT round(size / 7, 3), round(account * 2.5), 0.7 * account {ordered}")
        same(engines, f"SELECT round(0.5625 * size * 17, 4) {ordered}")
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


def test_templates_are_told_beyond_the_sample(
    engines: tuple[Engine, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the prompts are searched on the driver; of the others, workers tell the templates."""
    text = "Translate the letter below into formal French and keep every name as it is: number "
    table = pa.table(
        {
            "account": pa.array(range(80), pa.int32()),
            "raw": [text + f"{n * 7919} and {n}" for n in range(80)],
            "first_seen": pa.nulls(80, pa.timestamp("us")),
            "last_seen": pa.nulls(80, pa.timestamp("us")),
            "n": pa.array([1] * 80, pa.int64()),
        }
    )
    characters = sum(map(len, table["raw"].to_pylist()))
    with engines[0].lent(study.SHARE) as memory:
        room = 2 * memory * study.CHARACTERS_OF_TOKEN / characters
    monkeypatch.setattr(study, "BYTES_OF_TOKEN", room)
    for engine in engines:
        engine.put("prompts", table)
        prompt.mine(engine)
    uses = same(engines, "SELECT account, template, n FROM template_uses ORDER BY account")
    assert len(uses) > 70
    same(engines, "SELECT account, n FROM prompts ORDER BY account")


def alike(found: linkage.Case, expected: linkage.Case) -> None:
    assert lists(found) == lists(expected)
    there, here = tables(found), tables(expected)
    for name, rows in here.items():
        assert there[name] == rows, name


def test_a_service_with_prompts(
    session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: Typed
) -> None:
    """Everything a simulated service has; some tables are with the driver, others in files."""
    from linkage.engine import spark

    monkeypatch.setattr(spark, "FEW", 3_000)
    simulate(tmp_path, "demo", 1_000, 1)
    inputs = [tmp_path / "accounts.csv", tmp_path / "events.parquet"]
    out = tmp_path / "spark"
    code, _, errors = typed("run", *inputs, "--out", out, "--engine", "spark", "--no-report")
    assert code == 0, errors
    with linkage.run(inputs, tmp_path / "duckdb", with_report=False) as expected:
        assert len(expected.operators) > 5
        assert expected.arrow("edges").num_rows > 1_000
        with linkage.Case(out) as found:
            assert set(found.run["versions"]) == {*expected.run["versions"], "spark"}
            assert found.config.engine.name == "spark"
            alike(found, expected)


def test_judgements_and_updates(session: Any, tmp_path: Path) -> None:
    """What is decided binds a run on Spark too; frames of Spark are inputs."""
    # a card's number is no longer told from a hash of it, once it is cleaned
    number = [fleets.row(f"person-{n:03}", "4111 1111 1111 1111", "8.8.8.8", n) for n in (1, 2)]
    first = fleets.table([*fleets.rows(), *number])
    with linkage.run([first], tmp_path / "duckdb", with_report=False) as case:
        ids = fleets.operators(case)
        case.judge(ids["red"], "confirmed", "seen at work", "ann")
        case.judge(ids["blue"], "dismissed", "our own test accounts", "ann")
        case.apart("gold-01", "gold-02")
        case.together("person-001", "gold-03")
        case.allow("ip", "40.9.9.0/30", "a campus")
    shutil.copytree(tmp_path / "duckdb", tmp_path / "spark")
    more = pa.Table.from_pandas(fleets.table(fleets.rows({"blue": 7, "red": 3}, 0, first=10)))
    expected = linkage.update(tmp_path / "duckdb", [more], with_report=False)
    engine = linkage.SparkEngine(session)
    frame = session.createDataFrame(more)
    found = linkage.update(tmp_path / "spark", [frame], with_report=False, engine=engine)
    assert set(fleets.operators(expected)) >= {"red", "gold"}
    assert found.run["judgements"] == expected.run["judgements"]
    alike(found, expected)


class TestMissing:
    """What is not there is named, with what to type, before anything is read."""

    def run(
        self, tmp_path: Path, code: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        script = f"{code}; from linkage.cli import main; main(['run', 'x.csv', '--out', 'case', "
        script += "'--engine', 'spark'])"
        environment = {"PATH": str(tmp_path), "HOME": str(tmp_path), **environment}
        return subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            check=False,
        )

    @pytest.mark.parametrize("package", ["pyspark", "sqlglot"])
    def test_a_package(self, tmp_path: Path, package: str) -> None:
        done = self.run(tmp_path, f"import sys; sys.modules['{package}'] = None")
        assert done.returncode == 2
        assert f"The Spark engine needs the package {package}" in done.stderr
        assert done.stderr.endswith("Install it: pip install 'linkage[spark]'\n")
        assert not (tmp_path / "case").exists()

    @pytest.mark.parametrize("home", [None, "/nowhere"])
    def test_java(self, tmp_path: Path, home: str | None) -> None:
        pytest.importorskip("pyspark", reason="pyspark is not installed")
        done = self.run(tmp_path, "pass", **({"JAVA_HOME": home} if home else {}))
        assert done.returncode == 2
        there = f"there is none in {home}. " if home else "there is none. "
        assert done.stderr.startswith(f"Spark runs on Java, 17 or later, and {there}Install it (")
        assert not (tmp_path / "case").exists()
