"""A whole run: the same tables from the same rows, popular values that link nobody, the API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import linkage
from conftest import Population
from linkage import evidence
from linkage.case import Case
from linkage.config import Config, EngineConfig
from linkage.engine import DuckDBEngine
from linkage.evaluate import score
from linkage.schema import TABLES

KEPT = [table.name for table in TABLES.values() if table.kept and table.name != "runs"]
STAGES = [
    "sources",
    "signals",
    "graph",
    "infrastructure",
    "attribution",
    "triage",
    "chance",
    "evidence",
    "case",
]


def rows(case: Case, table: str) -> list[tuple[Any, ...]]:
    """A table's rows in an order of their own."""
    columns = [c.name for c in TABLES[table].columns if c.name != "sha256"]
    found = case.arrow(table).select(columns).to_pylist()
    return sorted((tuple(row.values()) for row in found), key=repr)


def csvs(case: Path) -> dict[str, bytes]:
    return {name: (case / name).read_bytes() for name in ("operators.csv", "members.csv")}


def read(population: Population) -> tuple[pa.Table, pa.Table]:
    accounts = pd.read_csv(population.inputs[0], dtype=str, keep_default_na=False)
    return pa.Table.from_pandas(accounts), pq.read_table(population.inputs[1])


def shuffled(table: pa.Table, seed: int) -> pa.Table:
    return table.take(np.random.default_rng(seed).permutation(table.num_rows))


class TestDeterminism:
    @pytest.mark.parametrize(("seed", "threads"), [(1, 1), (2, 3)])
    def test_row_order_and_threads_change_nothing(
        self, population: Population, tmp_path: Path, seed: int, threads: int
    ) -> None:
        accounts, events = (shuffled(table, seed) for table in read(population))
        pa.csv.write_csv(accounts, tmp_path / "accounts.csv")
        pq.write_table(events, tmp_path / "events.parquet", row_group_size=5_000)
        inputs = [tmp_path / "accounts.csv", tmp_path / "events.parquet"]
        config = Config(engine=EngineConfig(threads=threads))
        out = tmp_path / "case"
        with linkage.run(inputs, out, config, with_report=False) as again:
            assert csvs(out) == csvs(population.case)
            with Case(population.case) as first:
                for table in KEPT:
                    assert rows(again, table) == rows(first, table), table

    def test_a_second_run_keeps_ids_and_counts_up(
        self, population: Population, tmp_path: Path
    ) -> None:
        out = tmp_path / "case"
        for number in (1, 2):
            with linkage.run(population.inputs, out, with_report=False) as case:
                assert case.run["run"] == number
            assert csvs(out) == csvs(population.case)


class TestWhatARunLeaves:
    def test_the_planted_operators_are_on_top(self, population: Population, opened: Case) -> None:
        evaluation = score(population.case, population.truth)
        planted = len(evaluation.operators)
        assert planted == 3
        assert evaluation.operators_of_5_found == planted
        matches = {found.match for found in evaluation.operators}
        assert set(opened.operators["operator_id"][:planted]) == matches
        assert evaluation.accused_outside_organisations == 0

    def test_run_json(self, population: Population, opened: Case) -> None:
        details = json.loads((population.case / "run.json").read_text())
        assert details == opened.run
        assert list(details["stages"]) != []
        assert set(details["stages"]) == set(STAGES) - {"case"}
        assert [i["name"] for i in details["inputs"]] == ["accounts.csv", "events.parquet"]
        assert details["inputs"][0]["columns"]["payment_fingerprint"] == "payment"
        assert details["settings"]["attribution"]["min_size"] == 5
        assert details["counts"]["accounts"] == 1_500

    def test_members_are_in_one_operator(self, opened: Case) -> None:
        members = opened.members
        assert members["account_id"].is_unique
        sizes = members["operator_id"].value_counts()
        operators = opened.operators.set_index("operator_id")
        assert sizes.sort_index().to_dict() == operators["accounts"].sort_index().to_dict()
        assert (sizes >= 5).all()
        assert members["confidence"].between(0, 1).all()

    def test_evidence_counts_are_those_of_the_graph(self, opened: Case) -> None:
        edges = opened.arrow("edges").to_pandas()
        members = opened.arrow("members").to_pandas().set_index("account")["operator_id"]
        operator = edges["account"].map(members)
        for item in opened.arrow("evidence").to_pandas().itertuples():
            users = edges["signal"] == item.signal
            inside = int((users & (operator == item.operator_id)).sum())
            assert (inside, int(users.sum()) - inside) == (item.members, item.others)

    def test_nothing_is_left_when_a_stage_fails(
        self, population: Population, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(engine: DuckDBEngine) -> None:
            raise RuntimeError("broken")

        monkeypatch.setattr(evidence, "write", broken)
        with pytest.raises(RuntimeError, match="broken"):
            linkage.run(population.inputs, tmp_path / "case")
        assert list(tmp_path.iterdir()) == []

    def test_the_stages_are_told(self, population: Population, tmp_path: Path) -> None:
        told: list[str] = []

        class Told:
            def stage(self, name: str) -> None:
                told.append(name)

            def advance(self, done: int, total: int | None, unit: str = "rows") -> None:
                assert total is None or 0 <= done <= total

            def step(self, message: str) -> None:
                assert message

        linkage.run(population.inputs, tmp_path / "case", progress=Told(), with_report=False)
        assert told == STAGES
        assert not (tmp_path / "case" / "report").exists()


class TestInputs:
    def test_tables_in_memory_are_read_as_files_are(
        self, population: Population, tmp_path: Path
    ) -> None:
        accounts, events = read(population)
        for number, inputs in enumerate(
            ([accounts, events], [accounts.to_pandas(), events.to_pandas()])
        ):
            linkage.run(inputs, tmp_path / f"{number}", with_report=False)
            assert csvs(tmp_path / f"{number}") == csvs(population.case)


class TestGraphs:
    def test_networkx_and_igraph_hold_the_same(self, opened: Case) -> None:
        operator = opened.operators["operator_id"][0]
        graph = opened.graph(operator)
        other = opened.igraph(operator)
        assert nx.is_bipartite(graph)
        assert (graph.number_of_nodes(), graph.number_of_edges()) == (
            other.vcount(),
            other.ecount(),
        )
        assert other.is_bipartite()
        members = opened.members.query("operator_id == @operator")
        accounts = {node for node, side in graph.nodes(data="bipartite") if side == 0}
        assert accounts == set(members["account_id"])
        found = opened.evidence(operator)
        for item in found.itertuples():
            assert graph.degree((item.kind, item.value)) == item.members


N = 6_000
POPULAR = 5_000


def plain() -> pa.Table:
    """Accounts that share a little by chance: nobody is linked."""
    random = np.random.default_rng(7)
    places = random.integers(0, N, N)
    return pa.table(
        {
            "account_id": [f"user-{n:05}" for n in range(N)],
            "card_hash": [f"card-{n}" for n in random.integers(0, 50 * N, N)],
            "ip": [f"9.{place >> 8}.{place & 255}.7" for place in places],
            "device_id": [f"device-{n}" for n in random.integers(0, 50 * N, N)],
        }
    )


def column(name: str, values: Sequence[str | None]) -> pa.Table:
    ids = [f"user-{n:05}" for n in range(len(values))]
    return pa.table({"account_id": ids, name: pa.array(values, pa.string())})


SUBJECTS = ["trees", "ships", "bread", "glass", "music", "stone", "birds", "roads", "salt", "wool"]


def prompts(count: int) -> list[str]:
    """One template, its slot filled with something else each time."""
    return [
        "Please write a short summary of the following text in three plain sentences: "
        f"{SUBJECTS[n % 10]} {n * 7919} and {SUBJECTS[n // 10 % 10]} {n * 104_729}"
        for n in range(count)
    ]


# what is added to the plain accounts, and the kinds that then have a popular signal
POPULAR_VALUES: dict[str, tuple[list[pa.Table], set[str]]] = {
    "an address": ([column("ip", ["8.8.4.4"] * POPULAR)], {"ip", "ip_range"}),
    "a device": ([column("device_id", ["popular-device"] * POPULAR)], {"device"}),
    "a template": ([column("prompt", prompts(POPULAR))], {"prompt"}),
    "a column of nulls": ([column("phone", [None] * N)], set()),
    "a placeholder": ([column("device_id", ["00000000-0000-0000-0000-000000000000"] * N)], set()),
    "an address and a user agent": (
        [column("ip", ["8.8.4.4"] * POPULAR), column("user_agent", ["Mozilla/5.0"] * N)],
        {"ip", "ip_range", "user_agent"},
    ),
}


class TestPopularValues:
    @pytest.fixture
    def largest(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
        """The most rows that any step of any query made."""
        seen = {"rows": 0}
        plain_run = DuckDBEngine.run

        def run(self: DuckDBEngine, sql: str, parameters: Sequence[Any] = ()) -> None:
            self.connection.execute("SET enable_profiling = 'no_output'")
            plain_run(self, sql, parameters)
            profile = json.loads(self.connection.get_profiling_information(format="json") or "{}")
            self.connection.execute("RESET enable_profiling")
            seen["rows"] = max([seen["rows"], *made(profile.get("operator", []))])

        monkeypatch.setattr(DuckDBEngine, "run", run)
        return seen

    @pytest.mark.parametrize("name", POPULAR_VALUES)
    def test_a_popular_value_links_nobody_and_costs_an_edge_each(
        self, tmp_path: Path, largest: dict[str, int], name: str
    ) -> None:
        tables, kinds = POPULAR_VALUES[name]
        with linkage.run([plain(), *tables], tmp_path / "case", with_report=False) as case:
            signals = case.arrow("signals").to_pandas()
            popular = signals[(signals["accounts"] >= POPULAR) & signals["ignored"].isna()]
            assert set(popular["kind"]) >= kinds
            assert case.members.empty
            told = case.crowded
            assert set(told["kind"]) >= kinds & {"payment", "device", "phone", "email", "ip"}
            assert (told["accounts"] >= POPULAR // 2).all()
            counts = case.run["counts"]
            assert counts["pairs"] <= 10
        # pairs of accounts that share the value are 12 million
        assert 0 < largest["rows"] < 20 * counts["edges"]

    def test_a_fleet_behind_a_popular_address_is_found_without_its_neighbours(
        self, tmp_path: Path
    ) -> None:
        fleet = pa.table(
            {
                "account_id": [f"user-{n:05}" for n in range(30)],
                "card_hash": [f"fleet-card-{n % 5}" for n in range(30)],
                "device_id": [f"fleet-device-{n // 5 % 5}" for n in range(30)],
            }
        )
        tables = [plain(), *POPULAR_VALUES["an address"][0], fleet]
        with linkage.run(tables, tmp_path / "case", with_report=False) as case:
            found = set(case.members["account_id"])
        assert found == set(fleet["account_id"].to_pylist())


def made(operators: Sequence[dict[str, Any]]) -> Iterator[int]:
    for operator in operators:
        yield int(operator.get("intermediate_rows", 0))
        yield from made(operator.get("children", []))
