"""What hangs on known accounts, and how one is forgotten."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import fleets
import pandas as pd
import pytest
from cases import Typed

from linkage import Case, InputError, forget, run, update
from linkage.case.tracing import read_accounts
from linkage.case.views import Trace, Traced, TracedOperator
from linkage.cli.trace import _print_trace
from linkage.simulate import simulate

ODD = "red-03-zebra.quartz@mail.example"


@pytest.fixture(scope="module")
def case(tmp_path_factory) -> Case:
    path = tmp_path_factory.mktemp("trace") / "case"
    return run([fleets.table(fleets.rows())], path, with_report=False)


class TestTrace:
    def test_a_fleet_hangs_on_two_of_it(self, case: Case) -> None:
        found = case.trace(["red-00", "red-01"])
        likely = {a.account_id for a in found.accounts if a.likely}
        assert likely == {f"red-{n:02}" for n in range(2, 12)}
        assert found.likely == len(likely)
        [operator] = found.operators
        assert (operator.operator_id, operator.known) == (fleets.operators(case)["red"], 2)
        steps = [(a.step, -a.nats) for a in found.accounts if a.likely]
        assert steps == sorted(steps)
        assert ("payment", "red-card-0") in {(s.kind, s.value) for s in found.signals}
        assert all("known or likely" in str(a.why) for a in found.accounts)

    def test_nobody_hangs_on_a_stranger(self, case: Case) -> None:
        found = case.trace(["person-003"])
        assert found.likely == 0
        assert found.operators == ()

    def test_a_network_does_not_drag_its_neighbours_along(self, tmp_path: Path) -> None:
        """Forty are known; customers of the same proxies are not theirs."""
        simulate(tmp_path, "demo", accounts=8_000)
        inputs = [tmp_path / "accounts.csv", tmp_path / "events.parquet"]
        truth = pd.read_csv(tmp_path / "truth.csv", dtype=str).fillna("")
        network = set(truth.account_id[truth.kind == "hydra"])
        with run(inputs, tmp_path / "case", with_report=False) as case:
            found = case.trace(sorted(network)[:40], top=8_000)
        likely = {a.account_id for a in found.accounts if a.likely}
        theirs = likely & network
        assert len(theirs) >= 0.9 * (len(network) - 40)
        assert len(theirs) >= 0.75 * len(likely)

    def test_words(self, case: Case, typed: Typed, tmp_path: Path) -> None:
        file = tmp_path / "bad.csv"
        file.write_text("note,Account_ID\nx,blue-00\ny,blue-01\nz,nobody\n")
        code, out, _ = typed("trace", case.path, "--accounts", file)
        blue = fleets.operators(case)["blue"]
        assert (code, out.splitlines()[:3]) == (
            0,
            [
                f"8 more are in {blue}, with 2 known accounts",
                "2 known accounts; by what they share alone, 8 more are likely the same hand",
                "1 account not in the case: nobody",
            ],
        )
        code, out, _ = typed("trace", case.path, "--accounts", file, "--top", 2, "--json")
        assert (len(json.loads(out)["accounts"]), json.loads(out)["more"]) == (2, 6)
        file.write_text("nobody\n")
        code, _, err = typed("trace", case.path, "--accounts", file)
        assert (code, "none of the 1 accounts" in err) == (2, True)
        assert "no such file" in typed("trace", case.path, "--accounts", tmp_path / "x")[2]

    def test_one_of_a_fleet(self, case: Case, typed: Typed, tmp_path: Path) -> None:
        red = fleets.operators(case)["red"]
        (tmp_path / "bad.txt").write_text("red-03\n")
        out = typed("trace", case.path, "--accounts", tmp_path / "bad.txt")[1]
        first, second = out.splitlines()[:2]
        assert first == f"11 more are in {red}, with 1 known account"
        assert second.startswith("1 known account; by what it shares alone, ")
        assert " 1 others" not in out

    def test_no_is_not_said_of_members(self, capsys: pytest.CaptureFixture[str]) -> None:
        """That two accounts share little says nothing of those in the operator of one of them."""
        operator = TracedOperator("OP-AAA111", "sockpuppets", 12, 1)
        places = {"ann": "OP-AAA111", "bob": "OP-AAB222", "cat": None}
        hanging = [Traced(name, 2.0, 1, False, of, "ip x") for name, of in places.items()]
        _print_trace(Trace(1, (), (operator,), (), tuple(hanging), 0, 0))
        lines = [line.split()[3] for line in capsys.readouterr().out.splitlines()[-3:]]
        assert lines == ["OP-AAA111", "no", "no"]

    @pytest.mark.parametrize("text", ["a\nb\na\n", '"a"\r\nb\r\n', "user_id,x\na,1\nb,2\n"])
    def test_files(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "f").write_text(text, encoding="utf-8-sig")
        assert read_accounts(tmp_path / "f") == ["a", "b"]
        (tmp_path / "f").write_text("\n")
        with pytest.raises(InputError, match="no account in it"):
            read_accounts(tmp_path / "f")


class TestForget:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        """A case that names an account wherever an account can be named."""
        rows = [
            {**row, "referred_by": ODD if row["account_id"] == "red-04" else None}
            for row in fleets.rows()
        ]
        for row in rows:
            if row["account_id"] == "red-03":
                row["account_id"] = ODD
                row["email"] = "zebra.quartz@mail.example"
                row["phone"] = "zebra"
        case = run([fleets.table(rows)], tmp_path / "case")
        assert ODD in set(case.members["account_id"])
        ids = fleets.operators(case)
        case.apart(ODD, "red-05", f"{ODD} is a customer")
        case.judge(ids["red"], "confirmed", f"with {ODD}")
        update(case.path).close()
        (case.path / "notes.txt").write_text(f"ask about {ODD}")
        return case.path

    def test_gone_everywhere(self, path: Path, typed: Typed) -> None:
        code, out, _ = typed("forget", path, ODD)
        assert (code, out.splitlines()) == (
            0,
            [
                "The account is gone from the case.",
                f"But {path}/notes.txt names it, and is not linkage's to change.",
            ],
        )
        with duckdb.connect(str(path / "case.duckdb"), read_only=True) as connection:
            for (table,) in connection.execute("SHOW TABLES").fetchall():
                assert "zebra" not in repr(connection.execute(f"FROM {table}").fetchall()), table
        for file in path.rglob("*"):
            if file.is_file() and file.name != "notes.txt":
                assert b"zebra" not in file.read_bytes(), file
        with Case(path) as case:
            assert "red" in fleets.operators(case)
            texts = [e.text for e in case.history()]
            assert any("(forgotten) and red-05 judged apart" in text for text in texts)
            assert any("with (forgotten)" in text for text in texts)
            with pytest.raises(InputError, match="no account"):
                case.account(ODD)

    def test_as_if_it_had_never_been(self, tmp_path: Path) -> None:
        rows = fleets.rows()
        case = run([fleets.table(rows)], tmp_path / "case", with_report=False)
        left, files = forget(case.path, "person-011", with_report=False)
        assert files == []
        never = [row for row in rows if row["account_id"] != "person-011"]
        other = run([fleets.table(never)], tmp_path / "other", with_report=False)
        for name in ("accounts", "observations", "signals", "edges", "members", "evidence"):
            one, two = (c.arrow(name).to_pandas() for c in (left, other))
            pd.testing.assert_frame_equal(one, two)

    def test_what_was_found_earlier_stays(self, tmp_path: Path) -> None:
        """Two of a fleet are forgotten: that they left is all that happened."""
        case = run([fleets.table(fleets.rows())], tmp_path / "case", with_report=False)
        red = fleets.operators(case)["red"]
        update(case.path, with_report=False).close()
        for account in ("red-01", "red-02"):
            left, _ = forget(case.path, account, with_report=False)
        assert left.diff(1, 2).changes == ()
        for runs, change in (
            ((2, 3), "from 12 to 11 accounts (1 left)"),
            ((1, 4), "from 12 to 10 accounts (2 left)"),
        ):
            [found] = [c.text for c in left.diff(*runs).changes if c.operator_id == red]
            assert found == f"{red} shrank: {change}"

    def test_unknown(self, case: Case, typed: Typed) -> None:
        code, _, err = typed("forget", case.path, "red-0")
        assert (code, 'no account "red-0"' in err) == (2, True)
