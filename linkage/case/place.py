"""Where a case lies on the disk: one writer at a time, and old or new but never between.

A path that the user named arrives; a folder that may be written leaves. A new case is built in
`.NAME.new-<random>` beside its place and exchanged for the earlier one in a single step of the
file system, so that whatever happens, a full disk or a kill, a reader finds a whole case.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from linkage import writing
from linkage.errors import CaseError, shorten

DATABASE = "case.duckdb"

_held: set[tuple[Path, int]] = set()


@contextlib.contextmanager
def lock(out: Path | str) -> Iterator[Path]:
    """Hold `out` for one writer and yield its full path; the holder may ask for it again.

    A missing parent folder is made. What killed writers left beside `out` is removed.
    `CaseError` if something else lies there, or somebody else holds it.
    """
    place = Path(out).resolve()
    holder = (place, threading.get_ident())
    if holder in _held:
        yield place
        return
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle = _acquire(place)
    except OSError as error:
        raise CaseError(
            f"can't write beside {out}: {_reason(error)}. Name a folder of yours with --out."
        ) from None
    _held.add(holder)
    try:
        _tidy(place)
        _check(place, out)
        yield place
    finally:
        _held.discard(holder)
        # removed while it is still held, so that nobody is left holding a file without a name
        with contextlib.suppress(OSError):
            _lock_file(place).unlink()
        os.close(handle)


def scratch(place: Path) -> Path:
    """A new folder beside `place`, readable by its owner only, that the next holder removes."""
    return Path(tempfile.mkdtemp(prefix=f".{place.name}.new-", dir=place.parent))


def replace(new: Path, place: Path) -> None:
    """Put the folder `new` in the place of `place`, whole or not at all, and remove the earlier.

    What the folder held besides a case (somebody's notes) moves along.
    """
    writing.seal(new)
    if place.is_dir():
        _bring_along(place, new)
    old = new.with_name(new.name.replace(".new-", ".old-"))
    writing.put(new, place, old)
    for earlier in (new, old):
        _remove(earlier)


def recover(place: Path) -> None:
    """Bring back a case whose writer was killed between two renames, if there is one."""
    if not place.exists() and any(_leftovers(place, "old")):
        with lock(place):
            pass


def _check(place: Path, out: Path | str) -> None:
    here = Path.cwd()
    if place == here or place in here.parents:
        raise CaseError(
            f"{out} is the folder you are in, and a case is replaced as a whole. "
            f"Name a folder in it: --out {Path(out) / 'case'}"
        )
    if not place.exists():
        return
    if not place.is_dir():
        raise CaseError(f"{out} is a file; a case is a folder. Name another: --out {out}-case")
    if place.is_mount():
        raise CaseError(
            f"{out} is a mounted file system, which can't be replaced as a whole. "
            f"Name a folder in it: --out {Path(out) / 'case'}"
        )
    others = sorted(entry.name for entry in place.iterdir())
    if others and DATABASE not in others:
        raise CaseError(
            f"{out} is a folder with other things in it (first: {shorten(others[0])}) and not a "
            f"case, so nothing was written. Name a new folder: --out {Path(out) / 'case'}"
        )


def _lock_file(place: Path) -> Path:
    return place.parent / f".{place.name}.lock"


def _acquire(place: Path) -> int:
    path = _lock_file(place)
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(handle)
            raise CaseError(
                f"{place} is in use: process {holder} is writing it. "
                "Wait until it has ended, or name another folder with --out."
            ) from None
        except OSError:
            os.close(handle)
            raise
        # the one who held it before may have removed the file between open and flock
        if _same(path, handle):
            # on a disk that is full, the lock stays without a name on it
            with contextlib.suppress(OSError):
                os.truncate(handle, 0)
                os.pwrite(handle, str(os.getpid()).encode(), 0)
            return handle
        os.close(handle)


def _same(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _leftovers(place: Path, label: str) -> list[Path]:
    if not place.parent.is_dir():
        return []
    name = re.compile(rf"\.{re.escape(place.name)}\.{label}-[a-z0-9_]{{8}}")
    return sorted(entry for entry in place.parent.iterdir() if name.fullmatch(entry.name))


def _tidy(place: Path) -> None:
    for old in _leftovers(place, "old"):
        if place.exists():
            _remove(old)
        else:
            old.rename(place)
    for new in _leftovers(place, "new"):
        _remove(new)


def _remove(folder: Path) -> None:
    """Remove a folder, as far as that can be done; somebody may have made it read-only."""
    with contextlib.suppress(OSError):
        folder.chmod(0o700)
    for parent, names, _ in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            if not path.is_symlink():
                with contextlib.suppress(OSError):
                    path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


OURS = {DATABASE, f"{DATABASE}.wal", "operators.csv", "members.csv", "run.json", "report"}


def _bring_along(earlier: Path, new: Path) -> None:
    for entry in sorted(earlier.iterdir()):
        target = new / entry.name
        if entry.name not in OURS and not target.exists():
            link(entry, target)


def link(source: Path, target: Path) -> None:
    """Give a file, or each in a folder, a second name; copy it where there are no such links."""
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True, copy_function=_link)
    else:
        _link(str(source), str(target))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
