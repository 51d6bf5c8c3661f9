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
    kept = [line for line in _lines(path) if line["unit"] != unit]
    stamped = [{"unit": unit, "commit": commit(), **row} for row in rows]
    lines = sorted([*kept, _packed(stamped)], key=lambda line: str(line["unit"]))
    beside = path.with_suffix(".part")
    texts = [json.dumps(line, allow_nan=False, separators=(",", ":")) for line in lines]
    beside.write_text("\n".join(texts) + "\n", encoding="utf-8")
    beside.replace(path)
    (folder / "machine.json").write_text(json.dumps(machine(), indent=2) + "\n")


def read(folder: Path, part: str) -> list[dict[str, Any]]:
    """All rows of a part."""
    return [
        {**{k: v for k, v in line.items() if k != "rows"}, **row}
        for line in _lines(folder / f"{part}.jsonl")
        for row in line["rows"]
    ]


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _packed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows as one value: what all have alike once, the rest for each."""
    same = {k: v for k, v in rows[0].items() if all(row.get(k, ...) == v for row in rows)}
    return {**same, "rows": [{k: v for k, v in row.items() if k not in same} for row in rows]}


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
