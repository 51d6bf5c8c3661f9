"""Where an export lies: beside its place while it is written, then renamed.

A path that the user named arrives; a path in a scratch folder beside it is handed out, and what
was written there is put in its place in one step. No name comes from the data.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from linkage.case.place import OURS
from linkage.errors import InputError, shorten


@contextmanager
def beside(path: Path, files: Sequence[str], case: Path) -> Iterator[Path]:
    """Yield a path to write to, which takes the place of `path` if nothing went wrong.

    With `files`, it is a folder that holds just these; an earlier one is replaced if it holds
    nothing else. Readable by its owner only. `InputError` if something else lies at `path`.
    """
    place = path.resolve()
    _check(place, path, files, case.resolve())
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".part", dir=place.parent))
    except OSError as error:
        raise InputError(
            f"can't write beside {path}: {error.strerror}. Name a place of yours with --out."
        ) from None
    try:
        target = scratch / "new"
        if files:
            target.mkdir(mode=0o700)
        yield target
        _seal(target)
        if files and place.exists():
            place.rename(scratch / "old")
        target.replace(place)
    except (OSError, duckdb.OutOfMemoryException, duckdb.IOException) as error:
        # what the engine can't read, of a damaged case, is not ours to explain
        if isinstance(error, duckdb.IOException) and "write" not in str(error):
            raise
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0].rstrip(".")
        raise InputError(
            f"can't write {path}: {reason}. What was there before is unchanged. "
            "Make room on that disk, or name a place on another with --out."
        ) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _check(place: Path, path: Path, files: Sequence[str], case: Path) -> None:
    inside = case in place.parents
    if place == case or (inside and place.relative_to(case).parts[0] in OURS):
        raise InputError(
            f"{path} belongs to the case itself. Name a file or folder outside it with --out."
        )
    if place.exists() and not place.is_dir() and not place.is_file():
        raise InputError(f"{path} is neither a file nor a folder. Name another with --out.")
    if files and place.is_dir():
        others = sorted({entry.name for entry in place.iterdir()} - set(files))
        if others:
            raise InputError(
                f"{path} is a folder with other things in it (first: {shorten(others[0])}), so "
                f"nothing was written. Name a new one: --out {path / 'export'}"
            )
    elif files and place.exists():
        raise InputError(
            f"{path} is a file, and this format is a folder ({', '.join(files)}). "
            f"Name another: --out {path.with_suffix('')}-export"
        )
    elif place.is_dir():
        raise InputError(
            f"{path} is a folder, and this format is a file. Name one in it: "
            f"--out {path / 'export'}"
        )


def _seal(target: Path) -> None:
    """Make what was written the owner's only, and have it on the disk before it is named."""
    for file in [*target.iterdir()] if target.is_dir() else [target]:
        file.chmod(0o600)
        handle = os.open(file, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
