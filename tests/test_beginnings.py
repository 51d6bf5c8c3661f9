"""An update goes on from the operators of the last run, and finds what a run would."""

from __future__ import annotations

from pathlib import Path

import duckdb
import fleets
import pytest
from graphs import fleet, paired, strangers
from graphs import operators as found

from linkage import Case, Config, attribution, forget, run, update
from linkage.attribution import changes
from linkage.config import AttributionConfig, SignalsConfig
from linkage.engine import DuckDBEngine

CONFIG = AttributionConfig()


def pieces(size: int, first: int = 0) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """People and two fleets, with the first accounts of a third; and the rest of that."""
    rows = fleets.rows({"red": 12, "blue": 10, "gold": size}, people=1500)
    later = [row for row in rows if f"gold-{first:02}" <= str(row["account_id"]) < "gold-99"]
    return [row for row in rows if row not in later], later


def groups(case: Case) -> set[frozenset[str]]:
    """The members of each operator."""
    return {frozenset(own["account_id"]) for _, own in case.members.groupby("operator_id")}


@pytest.fixture
def resumed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many accounts each attribution began with."""
    counts: list[int] = []
    real = changes.weigh_changed

    def counted(engine: DuckDBEngine, **how: object) -> None:
        if set(how) == {"slack"}:
            counts.append(engine.value("SELECT count(*) FROM attributed"))
        real(engine, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(changes, "weigh_changed", counted)
    return counts


class TestUpdate:
    @pytest.mark.parametrize(("size", "first"), [(8, 0), (20, 5), (20, 8)])
    def test_an_operator_that_arises_or_grows_is_found(
        self, tmp_path: Path, resumed: list[int], size: int, first: int
    ) -> None:
        before, after = pieces(size, first)
        whole = run([fleets.table(before + after)], tmp_path / "whole", with_report=False)
        case = run([fleets.table(before)], tmp_path / "case", with_report=False)
        assert resumed == []
        ids = fleets.operators(case)
        case = update(case.path, [fleets.table(after)], with_report=False)
        assert resumed == [22 + (first if "gold" in ids else 0)]
        assert groups(case) == groups(whole)
        assert len(groups(case)) == 3
        assert {fleet: fleets.operators(case)[fleet] for fleet in ids} == ids

    def test_much_that_is_new_is_gone_over_as_in_a_run(
        self, tmp_path: Path, resumed: list[int]
    ) -> None:
        rows = fleets.rows()
        case = run([fleets.table(rows[: len(rows) // 2])], tmp_path / "case", with_report=False)
        update(case.path, [fleets.table(rows[len(rows) // 2 :])], with_report=False)
        assert resumed == []

    def test_so_are_judgements_and_settings(self, tmp_path: Path, resumed: list[int]) -> None:
        before, after = pieces(8)
        case = run([fleets.table(before)], tmp_path / "case", with_report=False)
        assert case.arrow("beginnings").num_rows == 22
        case = update(case.path, with_report=False)
        config = Config(signals=SignalsConfig(phone_region="CH"))
        case = update(case.path, [fleets.table(after[:2])], config, with_report=False)
        assert case.arrow("beginnings").num_rows == 22
        case.judge(fleets.operators(case)["red"], "dismissed")
        case = Case(case.path)
        assert case.arrow("beginnings").num_rows == 0
        case = update(case.path, [fleets.table(after[2:])], with_report=False)
        assert resumed == []
        assert set(fleets.operators(case)) == {"blue", "gold"}

    def test_who_is_forgotten_is_not_begun_with(self, tmp_path: Path, resumed: list[int]) -> None:
        case = run([fleets.table(pieces(0)[0])], tmp_path / "case", with_report=False)
        case, _ = forget(case.path, "red-03", with_report=False)
        assert resumed == []
        accounts = case.arrow("accounts").to_pylist()
        names = {row["account"]: row["account_id"] for row in accounts}
        begun = {names[row["account"]] for row in case.arrow("beginnings").to_pylist()}
        assert (
            begun
            == set(case.members["account_id"])
            == {
                f"{fleet}-{n:02}"
                for fleet, size in (("red", 12), ("blue", 10))
                for n in range(size)
            }
            - {"red-03"}
        )

    def test_a_case_of_the_version_before(self, tmp_path: Path, resumed: list[int]) -> None:
        before, after = pieces(8)
        case = run([fleets.table(before)], tmp_path / "case", with_report=False)
        case.close()
        with duckdb.connect(str(case.path / "case.duckdb")) as connection:
            connection.execute("UPDATE meta SET value = '4' WHERE key = 'schema_version'")
            connection.execute("DROP TABLE beginnings")
        case = update(case.path, [fleets.table(after)], with_report=False)
        assert (resumed, len(groups(case))) == ([], 3)
        assert case.arrow("beginnings").num_rows == 30


class TestResume:
    def test_what_no_longer_holds_goes(self) -> None:
        """Strangers among the operators of the last run."""
        hand = fleet(12, payment=3, device=4, ip=4)
        engine = paired({**hand, **strangers(300)})
        # as if there had been fewer edges when the decoys were made
        engine.run("UPDATE decoys SET edges = 1")
        engine.create(
            "beginnings",
            """
            SELECT account, row_number() OVER (ORDER BY account_id) // 13 AS operator
            FROM accounts ORDER BY account_id LIMIT 36
            """,
        )
        attribution.propose(engine, CONFIG)
        attribution.resume(engine, CONFIG)
        attribution.extend(engine, CONFIG)
        assert list(found(engine).values()) == [set(hand)]
