"""New rows into a case: as if all had been read at once, each row once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb
import fleets
import numpy as np
import pyarrow as pa
import pytest
from cases import Typed
from town import Town

from linkage import Case, CaseError, Config, run, update
from linkage.config import AttributionConfig, SourcesConfig
from linkage.signals import prompt
from linkage.signals.prompt import uses
from linkage.signals.prompt.corpus import read
from linkage.signals.prompt.known import runs_of
from linkage.signals.prompt.model import learn

SAME = (
    "accounts", "observations", "activity", "cleaned", "signals", "edges", "pairs", "members",
    "operators", "evidence", "scorecard", "row_hashes", "operator_kinds", "kind_holders",
)  # fmt: skip


def content(
    case: Case, tables: tuple[str, ...] = SAME, without: tuple[str, ...] = ("operator_id",)
) -> dict[str, list[str]]:
    """Tables as texts; an id may be of a time when an operator had other members."""
    return {
        name: sorted(repr(row) for row in table.drop_columns(unwanted).to_pylist())
        for name in tables
        for table in [case.arrow(name)]
        for unwanted in [[c for c in without if c in table.column_names]]
    }


def in_order() -> list[dict[str, object]]:
    return sorted(fleets.rows(), key=lambda row: (str(row["timestamp"]), str(row["account_id"])))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Case:
    path = tmp_path_factory.mktemp("whole") / "case"
    return run([fleets.table(in_order())], path, with_report=False)


class TestRows:
    def test_pieces_equal_the_whole(self, tmp_path: Path, whole: Case) -> None:
        rows = in_order()
        case = run([fleets.table(rows[:200])], tmp_path / "case", with_report=False)
        # some rows are in both pieces, the accounts of some in others
        for low, high in ((180, 300), (300, 420), (400, 460)):
            case = update(case.path, [fleets.table(rows[low:high])], with_report=False)
        assert content(case) == content(whole)
        assert case.run["command"] == "update"
        assert len(case.run["inputs"]) == 4
        reasons = {r["reason"]: r["rows"] for r in case.run["rejected"]}
        assert reasons["the same row was read before"] == 20

    def test_the_same_input_twice_changes_nothing(self, tmp_path: Path, typed: Typed) -> None:
        fleets.table(in_order()).to_csv(tmp_path / "rows.csv", index=False)
        out = tmp_path / "case"
        run([tmp_path / "rows.csv"], out, with_report=False).close()
        (tmp_path / "rows.csv").rename(tmp_path / "renamed.csv")
        before = {p: hashlib.sha256(p.read_bytes()).digest() for p in out.iterdir()}
        code, text, _ = typed("update", out, tmp_path / "renamed.csv")
        assert (code, text) == (0, "Every input was read before: nothing changed.\n")
        assert {p: hashlib.sha256(p.read_bytes()).digest() for p in out.iterdir()} == before

    def test_the_same_row_twice_in_one_input_is_two(self, tmp_path: Path) -> None:
        rows = in_order()
        case = run([fleets.table(rows + rows[:1])], tmp_path / "case", with_report=False)
        twice = str(rows[0]["account_id"])
        assert case.account(twice).rows == len([r for r in rows if r["account_id"] == twice]) + 1

    def test_the_same_row_in_two_inputs_is_one(self, tmp_path: Path, whole: Case) -> None:
        rows = in_order()
        # in other columns, and another order of them
        parts = [fleets.table(rows[:300]), fleets.table(rows[200:])[::-1]]
        parts[1] = parts[1][["ip", "device_id", "timestamp", "payment", "account_id"]]
        case = run(parts, tmp_path / "case", with_report=False)
        assert content(case) == content(whole)

    def test_the_settings_stay(self, tmp_path: Path) -> None:
        renamed = {"payment": "what"}
        first = fleets.table(in_order()[:300]).rename(columns=renamed)
        second = fleets.table(in_order()[300:]).rename(columns=renamed)
        config = Config(
            sources=SourcesConfig(map={"what": "payment"}),
            attribution=AttributionConfig(min_size=9),
        )
        case = run([first], tmp_path / "case", config, with_report=False)
        case = update(case.path, [second], with_report=False)
        assert set(fleets.operators(case)) == {"red", "blue"}
        assert case.run["settings"]["attribution"]["min_size"] == 9

    def test_without_inputs_judgements_are_obeyed(self, tmp_path: Path, typed: Typed) -> None:
        case = run([fleets.table(in_order())], tmp_path / "case", with_report=False)
        ids = fleets.operators(case)
        case.judge(ids["red"], "dismissed")
        case.allow("ip", "41.9.0.0/16")
        code, out, _ = typed("update", case.path, "--no-report", "--json")
        assert (code, json.loads(out)["run"]) == (0, 2)
        later = Case(case.path)
        assert "red" not in fleets.operators(later)
        assert "ip_range" not in {s.kind for s in later.account("blue-00").signals}
        # what was allowed and is no longer, counts again
        later.allow("ip", "41.9.0.0/16", withdraw=True)
        later.judge(ids["red"], "unsure")
        last = update(case.path, with_report=False)
        assert "ip_range" in {s.kind for s in last.account("blue-00").signals}
        assert fleets.operators(last) == ids
        assert content(last, ("cleaned", "signals")) == content(case, ("cleaned", "signals"))

    def test_bad_input_leaves_the_case(self, tmp_path: Path, typed: Typed) -> None:
        case = run([fleets.table(in_order())], tmp_path / "case", with_report=False)
        (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
        code, _, err = typed("update", case.path, tmp_path / "bad.csv")
        assert (code, "no account column" in err) == (2, True)
        assert Case(case.path).run["run"] == 1

    def test_a_case_of_an_earlier_version(self, tmp_path: Path) -> None:
        case = run([fleets.table(in_order())], tmp_path / "case", with_report=False)
        case.close()
        with duckdb.connect(str(case.path / "case.duckdb")) as connection:
            connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
            connection.execute("DROP TABLE row_hashes")
        with pytest.raises(CaseError, match=r"earlier linkage.*Run once more with all inputs"):
            update(case.path, [fleets.table(in_order())])


@pytest.fixture(scope="module")
def events() -> tuple[pa.Table, pa.Table, set[str]]:
    town = Town(3)
    town.settle(300)
    templates = [town.template() for _ in range(3)]
    pool = town.addresses(8, ranges=4)
    fleet = [town.person() for _ in range(15)]
    for person in fleet:
        person.ips, person.templates = town.some(pool, 3), templates
    town.add("fleet", fleet)
    accounts, events = town.inputs()
    order = np.random.default_rng(5).permutation(events.num_rows)
    return accounts, events.take(pa.array(order)), set(town.groups["fleet"])


class TestPrompts:
    """A fleet that shares addresses and templates, one of which it uses from half-time on."""

    @pytest.mark.parametrize("recent", [5_000_000, 0, 30_000])
    def test_members_are_the_same(self, tmp_path: Path, events, monkeypatch, recent: int) -> None:
        """However soon the texts of prompts are no longer kept."""
        monkeypatch.setattr(uses, "RECENT", recent)
        accounts, events, fleet = events
        whole = run([accounts, events], tmp_path / "whole", with_report=False)
        expected = set(whole.members["account_id"])
        assert len(expected & fleet) >= 14
        half = events.num_rows // 2
        case = run([accounts, events[:half]], tmp_path / "case", with_report=False)
        for low in range(half, events.num_rows, half // 3 + 1):
            piece = events[low : low + half // 3 + 1]
            case = update(case.path, [piece], with_report=False)
        members = set(case.members["account_id"])
        assert len(members & expected) >= 0.99 * len(members | expected)
        kept = case.arrow("recent_prompts").num_rows
        models = case.arrow("template_models").to_pylist()
        if recent == 5_000_000:
            # nothing is settled, so everything is the same
            tables = ("members", "operators", "evidence", "edges")
            # events without times are alike, and count once over the pieces
            assert content(case, tables, ("n",)) == content(whole, tables, ("n",))
            assert (kept > 0, [m["settled"] for m in models]) == (True, [False])
        else:
            assert any(m["settled"] for m in models)
            assert kept < whole.arrow("accounts").num_rows * 6
        # a template has one name, whenever it was found
        signals = case.evidence(case.operators["operator_id"][0])
        assert len(signals[signals["kind"] == "prompt"]) <= 4

    def test_a_model_is_read_as_it_was_written(self) -> None:
        fixed = "Translate the letter below into formal French, keeping all names: "
        texts = [fixed + word for word in ("Dear Ann", "Hi Bob, see you soon", "To whom")]
        model = learn(read(pa.chunked_array([texts]), np.arange(3)))
        again = prompt.from_bytes(prompt.to_bytes(model))
        assert again is not None
        known = prompt.Known([again])
        at, number = known.told(*runs_of([fixed + "another", "What is the capital of Peru?"]))
        assert at.tolist() == [0]
        assert known.texts[number[0]].startswith("Translate the letter below")
        # a second search finds it again: it is the same
        both = prompt.Known([again, model])
        assert both.texts == known.texts
        assert [a.tolist() for a in both.told(*runs_of(texts))] == [[0, 1, 2], [0, 0, 0]]

    def test_what_is_known_is_not_read_off_again(self) -> None:
        fixed = "Translate the letter below into formal French, keeping all names: "
        first, second = (
            read(pa.chunked_array([[fixed + word for word in words]]), np.arange(3))
            for words in (
                ("Dear Ann", "Hi Bob, see you soon", "To whom"),
                ("The rent is due", "A fine day", "My cat ate it"),
            )
        )
        known = prompt.Known([learn(first)])
        assert len(known.texts) == 1
        again = learn(second, known.named)
        assert [text for text in again.skeletons if text] == known.texts
        unknown = learn(
            read(
                pa.chunked_array([["Name five rivers in the far north of Chile"] * 3]), np.arange(3)
            ),
            known.named,
        )
        assert known.texts[0] not in unknown.skeletons
