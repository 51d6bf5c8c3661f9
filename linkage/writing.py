"""Files and folders that are written whole or not at all, and that their owner alone can read.

A path that the user named arrives; a path in a scratch folder beside it is handed out, and what
was written there is put in its place in one step, so that whatever happens, a full disk or a kill,
what lies there is the old or the new. What a spreadsheet would run is made text here, too.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from linkage.errors import InputError, LinkageError, shorten

FORMULA = "=+-@\t\r\n＝＋－＠"
"""What a spreadsheet takes for the beginning of a formula: full-width forms, too."""


@contextmanager
def beside(path: Path, ours: Callable[[str], Any] | None = None) -> Iterator[Path]:
    """Yield a path to write to, which takes the place of `path` if nothing went wrong.

    With `ours`, it is an empty folder. An earlier one is replaced if `ours` knows the names of all
    that it holds: `InputError` if it doesn't, or if `path` is a file and not a folder, or the other
    way round. Missing folders above are made; a link stays a link. If the block fails, what was
    there stays.
    """
    place = path.resolve()
    _check(place, path, ours)
    place.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".part", dir=place.parent))
    try:
        new = scratch / "new"
        if ours is not None:
            new.mkdir()
        yield new
        seal(new)
        # somebody may have put something there meanwhile
        _check(place, path, ours)
        put(new, place, scratch / "old")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def trouble(what: object, error: type[LinkageError] = InputError) -> Iterator[None]:
    """What a full disk, or one that may not be written, raises, as an `error` that says so."""
    try:
        yield
    except (OSError, duckdb.Error) as reason:
        if not _is_of_the_disk(reason):
            raise
        raise error(
            f"can't write {what}: {first_line(reason)}. What was there before is unchanged. "
            "Make room on that disk, or name a place on another with --out."
        ) from reason


def put(new: Path, place: Path, old: Path) -> None:
    """Put `new` at `place`, in one step where the system can; a folder there may become `old`."""
    if not place.is_dir():
        new.replace(place)
    elif not exchange(new, place):
        place.rename(old)
        try:
            new.rename(place)
        except OSError:
            old.rename(place)
            raise
    sync(place.parent)


def seal(path: Path) -> None:
    """Make a file or folder its owner's only, and have all of it on the disk."""
    if path.is_symlink():
        return
    if path.is_dir():
        for entry in path.iterdir():
            seal(entry)
    path.chmod(0o700 if path.is_dir() else 0o600)
    sync(path)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system can't."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    done: int = renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], ctypes.c_uint(_RENAME_EXCHANGE))
    return done == 0


def first_line(error: Exception) -> str:
    """What an error says, short enough to stand in a sentence."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error).strip()
    _, found, reason = text.partition("Could not write")
    return (found + reason or text or repr(error)).splitlines()[0].rstrip('."')


def inert(text: str) -> str:
    """A text that no spreadsheet takes for a formula.

    >>> inert("=HYPERLINK(1)"), inert("1+1")
    ("'=HYPERLINK(1)", '1+1')
    """
    return f"'{text}" if text.startswith(tuple(FORMULA)) else text


def write_csv(path: Path, table: pa.Table) -> None:
    """Write a table as CSV: UTF-8, commas, times in UTC, cells `inert`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(table.column_names) + "\n")
        for batch in table.to_batches(max_chunksize=10_000):
            columns = [map(_cell, column.to_pylist()) for column in batch.columns]
            file.writelines(",".join(row) + "\n" for row in zip(*columns, strict=True))


def _cell(value: Any) -> str:
    """A value as a cell.

    The csv module leaves a lone carriage return bare, which readers take for the end of a row.

    >>> _cell("a,b"), _cell(0.12345678), _cell(None), _cell(datetime(2024, 3, 1))
    ('"a,b"', '0.123457', '', '2024-03-01T00:00:00Z')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds") + "Z"
    text = inert(str(value))
    if any(c in text for c in ',"\r\n'):
        text = '"' + text.replace('"', '""') + '"'
    return text


def _check(place: Path, path: Path, ours: Callable[[str], Any] | None) -> None:
    if place.exists() and not place.is_dir() and not place.is_file():
        raise InputError(f"{path} is neither a file nor a folder. Name another with --out.")
    if place.is_dir() and ours is None:
        raise InputError(f"{path} is a folder, and a file is to be written. Name one with --out.")
    if place.is_file() and ours is not None:
        raise InputError(f"{path} is a file, and a folder is to be written. Name one with --out.")
    if place.is_dir() and ours is not None:
        others = sorted(entry.name for entry in place.iterdir() if not ours(entry.name))
        if others:
            raise InputError(
                f"{path} is a folder with other things in it (first: {shorten(others[0])}), and it "
                f"would be replaced as a whole. Name a new one: --out {path / 'new'}"
            )


def _is_of_the_disk(error: Exception) -> bool:
    if isinstance(error, OSError):
        return not isinstance(error, FileNotFoundError)
    # its class doesn't tell: what the engine can't read, of a damaged case, has that of a failed
    # write, and a failed commit or checkpoint has another
    full = (os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT))
    return isinstance(error, duckdb.OutOfMemoryException) or any(
        words in str(error) for words in ("write", *full)
    )
