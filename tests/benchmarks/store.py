"""Results: one line of JSON for each thing measured, under the commit it was measured at.

A new measurement of the same thing replaces the old one; the rest stays. So a part can be measured
again alone, and the page says which commits its figures are from.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PACKAGES = (
    "linkage",
    "duckdb",
    "igraph",
    "networkx",
    "numpy",
    "scipy",
    "splink",
    "bicm",
    "rgmining-fraudar",
    "recordlinkage",
)


def write(folder: Path, unit: str, rows: list[dict[str, Any]]) -> None:
    """Put the rows of a unit (`part/…`) into its part's file, in the place of earlier ones."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        # two that measure at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        _replace(folder, unit, rows)


def _replace(folder: Path, unit: str, rows: list[dict[str, Any]]) -> None:
    path = folder / f"{unit.split('/')[0]}.jsonl"
    kept = [row for row in read(folder, unit.split("/")[0]) if row["unit"] != unit]
    stamp = {"unit": unit, "commit": commit()}
    lines = [json.dumps(row, allow_nan=False) for row in kept]
    lines += [json.dumps({**stamp, **row}, allow_nan=False) for row in rows]
    beside = path.with_suffix(".part")
    beside.write_text("\n".join(sorted(lines, key=_place)) + "\n", encoding="utf-8")
    beside.replace(path)
    (folder / "machine.json").write_text(json.dumps(machine(), indent=2) + "\n")


def read(folder: Path, part: str) -> list[dict[str, Any]]:
    path = folder / f"{part}.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _place(line: str) -> str:
    return str(json.loads(line)["unit"])


def commit() -> str:
    """The commit of the code, with a plus if files differ from it."""
    git = ("git", "-C", str(HERE), "--no-optional-locks")
    name = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    changed = subprocess.run(
        [*git, "status", "--porcelain", "--", ":/linkage"], capture_output=True, text=True
    )
    return (name.stdout.strip() or "unknown") + ("+" if changed.stdout.strip() else "")


def machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, shared",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except ImportError:
        return "not installed"
