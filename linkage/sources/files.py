"""What was given, one item a table: globs expanded, files found and hashed, formats recognised.

The content says what a file is, never its extension: exports are renamed, and extensions lie.
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from linkage.errors import InputError, shorten

_PACKED = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"%PDF": "a PDF",
    b"ARROW1": "an Arrow IPC file",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
}


@dataclass(frozen=True)
class Item:
    """One table to read: a file (and a table in it), or a table in memory."""

    name: str
    path: Path | None = None
    table: str = ""
    data: Any = None


def items(inputs: Sequence[Any]) -> list[Item]:
    """The tables that `inputs` name, in order; `InputError` if one of them is not there."""
    found: list[Item] = []
    for position, given in enumerate(inputs, start=1):
        if isinstance(given, str | os.PathLike):
            found += _files(os.fspath(cast("str | os.PathLike[str]", given)))
        else:
            found.append(Item(f"table {position}", data=given))
    if not found:
        raise InputError("No input given. Name at least one file: linkage run accounts.csv")
    return found


def _files(given: str) -> list[Item]:
    pattern, table = given, ""
    if "::" in given and not Path(given).exists():
        pattern, table = given.rsplit("::", 1)
    if Path(pattern).exists():
        paths = [Path(pattern)]
    else:
        paths = sorted(Path(match) for match in glob.glob(pattern, recursive=True))  # noqa: PTH207
        paths = [path for path in paths if not path.is_dir()]
        if not paths:
            raise InputError(_missing(pattern))
    for path in paths:
        if path.is_dir():
            raise InputError(
                f"{path}: a folder, where a file was expected.\n"
                f"Name its files, in quotes: linkage run '{path}/*'"
            )
    return [Item(path.name + (f"::{table}" if table else ""), path, table) for path in paths]


def _missing(pattern: str) -> str:
    if glob.has_magic(pattern):
        return f"{pattern}: no file matches this pattern in {Path.cwd()}."
    folder = Path(pattern).parent
    if not folder.is_dir():
        return f"{pattern}: no such file; there is no folder {shorten(folder)} either."
    visible = (path for path in folder.iterdir() if not path.name.startswith("."))
    names = sorted(path.name for path in visible if path.is_file())
    listed = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    return f"{pattern}: no such file. The folder holds: {listed or 'no files'}."


def kind_of_file(path: Path, name: str) -> str:
    """`parquet`, `duckdb`, `sqlite`, `gzip` or `text`, by the first bytes."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise InputError(f"{name}: can't be opened ({error.strerror}).") from None
    if not head:
        raise InputError(f"{name}: the file is empty; rows were expected. Export it again.")
    for magic, meaning in _PACKED.items():
        if head.startswith(magic):
            raise InputError(
                f"{name}: {meaning}, which is not read. Unpack it, or save it as csv, first."
            )
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"SQLite format 3\0"):
        return "sqlite"
    if head[8:12] == b"DUCK":
        return "duckdb"
    return "gzip" if head.startswith(b"\x1f\x8b") else "text"


def sha256(path: Path) -> str:
    """Hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def opened(path: Path, packed: bool) -> IO[bytes]:
    """The bytes of a file, unpacked if `packed`."""
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


UNPACKING_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)
