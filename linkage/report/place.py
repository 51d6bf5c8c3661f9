"""Where a report lies on the disk: written beside its place, and put there when it is whole."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from linkage.errors import InputError, shorten

OURS = re.compile(r"index\.html|OP-[A-Z0-9]+\.html|operator-\d+\.html|redacted")
"""What a report's folder holds; anything else is somebody's."""


@contextmanager
def folder(place: Path) -> Iterator[Path]:
    """An empty folder to write a report to, which is put at `place` in the end.

    An earlier report there is replaced; `InputError` if something else lies there. If the block
    fails, `place` stays as it was.
    """
    _check(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{place.name}.new-", dir=place.parent))
    try:
        yield new
        old = new.with_name(new.name.replace(".new-", ".old-"))
        if place.exists():
            place.rename(old)
        try:
            new.rename(place)
        except OSError:
            if old.exists():
                old.rename(place)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def new_file(path: Path, pieces: Iterable[str]) -> None:
    """Write a file in a folder that is not in its place yet, readable by its owner only."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
        out.writelines(pieces)


def file(path: Path, pieces: Iterable[str]) -> None:
    """Write a file beside `path`, readable by its owner only, and rename it."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            out.writelines(pieces)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def _check(place: Path) -> None:
    if place.exists() and not place.is_dir():
        raise InputError(f"{place} is a file; a report is a folder. Name another with --out.")
    others = [] if not place.exists() else [e.name for e in place.iterdir()]
    foreign = sorted(name for name in others if not OURS.fullmatch(name))
    if foreign:
        raise InputError(
            f"{place} is a folder with other things in it (first: {shorten(foreign[0])}), and a "
            f"report is replaced as a whole. Name a new folder: --out {place / 'report'}"
        )
