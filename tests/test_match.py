"""New accounts against the operators of a case."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import fleets
import pandas as pd
import pytest
from cases import HOSTILE, Typed

from linkage import Case, InputError, Matcher, run

HELD = {"red-05", "blue-04", "person-007", "person-008"}


@pytest.fixture(scope="module")
def rows():
    return fleets.rows({"red": 24, "blue": 20})


@pytest.fixture(scope="module")
def case(tmp_path_factory, rows) -> Case:
    """A case that four accounts are not in."""
    path = tmp_path_factory.mktemp("match") / "case"
    some = [row for row in rows if row["account_id"] not in HELD]
    return run([fleets.table(some)], path, with_report=False)


@pytest.fixture(scope="module")
def held(rows) -> pd.DataFrame:
    return fleets.table([row for row in rows if row["account_id"] in HELD])


def test_confidence_is_that_of_a_run(case: Case, held, rows, tmp_path: Path) -> None:
    ids = fleets.operators(case)
    found = {m.account_id: m for m in case.match([held])}
    assert {a: m.operator_id for a, m in found.items()} == {
        "red-05": ids["red"],
        "blue-04": ids["blue"],
    }
    whole = run([fleets.table(rows)], tmp_path / "case", with_report=False)
    members = whole.members.set_index("account_id")["confidence"]
    for account, m in found.items():
        assert m.confidence == pytest.approx(members[account], abs=0.01)


def test_why(case: Case, held) -> None:
    found = {m.account_id: m for m in case.match([held])}
    why = found["red-05"].why
    assert why.startswith("has address range 40.9.9.0/24 (23 members, 0 others), ")
    # the strongest of each family before more of one
    assert "payment card red-card-2 (7 members, 0 others)" in why
    assert "device red-device-1 (5 members, 0 others)" in why


def test_every_stage_has_a_name(case: Case, held, tmp_path: Path, typed: Typed) -> None:
    held.to_csv(tmp_path / "held.csv", index=False)
    told = typed("match", case.path, tmp_path / "held.csv", "--out", tmp_path / "out.csv")[2]
    assert [line.partition(":")[0] for line in told.splitlines()] == ["sources", "signals", "match"]


def test_the_case_is_not_changed(case: Case, held, rows, tmp_path: Path, typed: Typed) -> None:
    held.to_csv(tmp_path / "held.csv", index=False)
    before = {p: hashlib.sha256(p.read_bytes()).digest() for p in case.path.iterdir()}
    out = tmp_path / "out.csv"
    code, text, _ = typed("match", case.path, tmp_path / "held.csv", "--out", out)
    assert (code, "2 accounts in " in text) == (0, True)
    assert {p: hashlib.sha256(p.read_bytes()).digest() for p in case.path.iterdir()} == before
    with out.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert list(found[0]) == ["account_id", "operator_id", "confidence", "why"]
    assert {row["account_id"] for row in found} == {"red-05", "blue-04"}
    # nothing is left beside it
    assert sorted(p.name for p in tmp_path.iterdir()) == ["held.csv", "out.csv"]


def test_accounts_of_the_case_are_left_out(case: Case, rows) -> None:
    with Matcher(case.path) as matcher:
        found = matcher.match([fleets.table(rows)])
        assert {m.account_id for m in found} == {"red-05", "blue-04"}
        assert matcher.known == len({row["account_id"] for row in rows}) - len(HELD)


def test_it_stays_loaded(case: Case, held) -> None:
    with Matcher(case.path) as matcher:
        whole = matcher.match([held])
        for m in whole:
            alone = matcher.match([held[held["account_id"] == m.account_id]])
            assert alone == [m]
        assert matcher.match([held[held["account_id"] == "person-007"]]) == []


def test_hostile_values(case: Case, tmp_path: Path) -> None:
    name = "=1+1" + HOSTILE
    rows = [
        fleets.row(name, "red-card-1", ip, 4, "red-device-1") for ip in ("40.9.9.1", "40.9.9.2")
    ]
    [found] = case.match([fleets.table(rows)])
    assert found.account_id == name.strip()


def test_offices_only_when_asked(case: Case, held) -> None:
    assert case.match([held], verdicts=["household"]) == []
    with pytest.raises(InputError, match='no verdict "office"'):
        case.match([held], verdicts=["office"])


def test_unusable_input(case: Case, typed: Typed, tmp_path: Path) -> None:
    code, _, err = typed("match", case.path, tmp_path / "none.csv", "--out", tmp_path / "x.csv")
    assert (code, "no such file" in err) == (2, True)
    source = tmp_path / "in.csv"
    source.write_text("account_id,ip\nx,9.9.9.9\n")
    code, _, err = typed("match", case.path, source, "--out", source / "x.csv")
    assert (code, "can't write" in err) == (2, True)
