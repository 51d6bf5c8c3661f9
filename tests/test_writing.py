"""What is written is there whole, or what was there before is."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import pytest

from linkage import writing
from linkage.errors import CaseError, InputError


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def put(path: Path, text: str, as_folder: bool = False) -> None:
    ours = {"a", "b"}.__contains__ if as_folder else None
    with writing.beside(path, ours) as new:
        (new / "a" if as_folder else new).write_text(text)


@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize("as_folder", [True, False])
def test_what_lies_there_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_folder: bool, exchange: bool
) -> None:
    if not exchange:
        monkeypatch.setattr(writing, "exchange", lambda one, other: False)
    place = tmp_path / "deep" / "out"
    file = place / "a" if as_folder else place
    for text in ("one", "two"):
        put(place, text, as_folder)
        assert file.read_text() == text
    assert names(place.parent) == ["out"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.stat().st_mode) == (0o700 if as_folder else 0o600)


@pytest.mark.parametrize("as_folder", [True, False])
def test_what_fails_leaves_nothing(tmp_path: Path, as_folder: bool) -> None:
    put(tmp_path / "out", "one", as_folder)
    with pytest.raises(UnicodeEncodeError):
        put(tmp_path / "out", "half" * 10_000 + "\ud800", as_folder)
    file = tmp_path / "out" / "a" if as_folder else tmp_path / "out"
    assert file.read_text() == "one"
    assert names(tmp_path) == ["out"]


def test_the_second_rename_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "exchange", lambda one, other: False)
    put(tmp_path / "out", "one", as_folder=True)
    rename = Path.rename

    def broken(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", broken)
    with pytest.raises(OSError, match="No space"):
        put(tmp_path / "out", "two", as_folder=True)
    assert (tmp_path / "out" / "a").read_text() == "one"
    assert names(tmp_path) == ["out"]


def test_nothing_else_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "note.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for place, as_folder, says in (
        (tmp_path / "notes", True, 'other things in it \\(first: "note.txt"\\)'),
        (tmp_path / "notes", False, "is a folder"),
        (tmp_path / "file", True, "is a file"),
        (Path("/dev/null"), False, "neither a file nor a folder"),
    ):
        with pytest.raises(InputError, match=says):
            put(place, "x", as_folder)
    assert names(tmp_path) == ["file", "notes"]


def test_exchange_where_the_system_can(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if writing.exchange(tmp_path / "one", tmp_path / "two"):
        assert (tmp_path / "one" / "two").exists()
    assert not writing.exchange(tmp_path / "one", tmp_path / "missing")


def test_seal_leaves_what_a_link_points_to(tmp_path: Path) -> None:
    (tmp_path / "theirs").touch(mode=0o644)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "theirs")
    (tmp_path / "folder" / "broken").symlink_to(tmp_path / "nothing")
    writing.seal(tmp_path / "folder")
    assert stat.S_IMODE((tmp_path / "theirs").stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("raised", "says"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (duckdb.IOException('Could not write file "x": File too large'), "Could not write"),
        (duckdb.IOException('Cannot open file "x": No space left on device'), "Cannot open file"),
        (duckdb.OutOfMemoryException("failed to offload\nmore"), "failed to offload"),
    ],
)
def test_trouble_of_the_disk(raised: Exception, says: str) -> None:
    with (
        pytest.raises(CaseError, match=f"can't write it: {says}.*Make room"),
        writing.trouble("it", CaseError),
    ):
        raise raised


@pytest.mark.parametrize(
    "raised", [FileNotFoundError(2, "x"), duckdb.IOException("Could not read"), ValueError("x")]
)
def test_other_trouble(raised: Exception) -> None:
    with pytest.raises(type(raised)), writing.trouble("it"):
        raise raised


@pytest.mark.parametrize("first", list(writing.FORMULA))
def test_no_text_is_a_formula(first: str) -> None:
    assert writing.inert(first + "1") == f"'{first}1"
