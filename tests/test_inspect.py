"""`linkage inspect`: what would be read, and why a run would refuse it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cases import Typed


@pytest.fixture
def bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"u{n},soon{n},later{n},8.8.{n}.9,9.9.9.{n},1.1.1.{n},b{n % 7}\n" for n in range(60)]
    Path("bad.csv").write_text("user,created_at,ts,email,ip,ip,fav\n" + "".join(rows))


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_every_wrong_column_is_told(bad: None, typed: Typed) -> None:
    code, text, errors = typed("inspect", "bad.csv")
    assert code == 2
    for line in (
        "user account 100% u0, u9",
        "created_at created_at 100% 60 of 60 values are not times soon0, soon9",
        "ts timestamp 100% 60 of 60 values are not times later0, later9",
        "email email 100% 60 of 60 values are not e-mail addresses 8.8.0.9, 8.8.9.9",
        "address range 2 60 60 9.9.9.0/24",
    ):
        assert line in lines(text), line
    # what a run says is said, too: of both times at once
    run = typed("run", "bad.csv", "--out", "case")[2]
    assert errors.startswith(run)
    assert run.count("values are not times between 1990 and 2100") == 2
    assert 'column "email": 60 of 60 values are not e-mail addresses' in errors

    code, text, _ = typed("inspect", "bad.csv", "--json")
    assert code == 2
    assert [column for _, column, _ in json.loads(text)["wrong"]] == ["ts", "created_at", "email"]


def test_nothing_to_read_is_shown_all_the_same(tmp_path: Path, typed: Typed) -> None:
    path = tmp_path / "x.csv"
    path.write_text("who,ip\nann,9.9.9.9\n")
    code, text, errors = typed("inspect", path)
    assert code == 2
    assert "who (not recognised) 100% ann" in lines(text)
    assert "no account column" in errors
    assert "Commonest" not in text


def test_a_kind_of_ones_own_is_said(bad: None, typed: Typed) -> None:
    maps = ["created_at=ignore", "ts=ignore", "email=IP address", "fav=banana", "ip (2)=ignore"]
    options = [word for text in maps for word in ("--map", text)]
    said = "banana is a kind of your own: text, compared without case"
    code, text, errors = typed("inspect", "bad.csv", *options)
    assert (code, errors) == (0, "")
    assert said in lines(text)
    assert "email ip 100% 8.8.0.9, 8.8.9.9" in lines(text)
    assert "ip ip 100% 9.9.9.0, 9.9.9.9" in lines(text)
    assert "ip (2) (ignored) 100% 1.1.1.0, 1.1.1.9" in lines(text)
    code, text, _ = typed("run", "bad.csv", *options, "--out", "case", "--no-report")
    assert code == 0
    assert said in lines(text)
