"""How long a run takes, in scans: the seconds of a bare DuckDB pass over the same files.

A scan counts the distinct pairs of account and address, of account and device, and the distinct
prompts. Both are measured in one go, in processes of their own, since what else a machine does
counts for both alike; peak memory is the run's process.
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

import linkage
from linkage.simulate import simulate

Unit = Callable[[Path], list[dict[str, Any]]]
SCANS = (
    "SELECT count(*) FROM (SELECT DISTINCT account_id, ip FROM read_parquet('{events}'))",
    "SELECT count(*) FROM (SELECT DISTINCT account_id, device_id FROM read_parquet('{events}'))",
    "SELECT count(DISTINCT prompt) FROM read_parquet('{events}')",
    "SELECT count(*) FROM (SELECT DISTINCT account_id, payment_fingerprint "
    "FROM read_csv('{accounts}', all_varchar = true))",
)


def units(quick: bool) -> dict[str, Unit]:
    sizes = (10_000,) if quick else (100_000, 300_000)
    return {f"speed/{accounts}": partial(one, accounts) for accounts in sizes}


def one(accounts: int, scratch: Path) -> list[dict[str, Any]]:
    """`mixed`, seed 1, without the report."""
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="speed-", dir=scratch) as temporary:
        folder = Path(temporary)
        made = simulate(folder, "mixed", accounts, 1)
        size = sum((folder / n).stat().st_size for n in ("accounts.csv", "events.parquet"))
        with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            before = pool.apply(scan, (folder,))
            run = pool.apply(whole, (folder,))
            after = pool.apply(scan, (folder,))
    seconds = (before + after) / 2
    result = {
        "accounts": made.accounts,
        "events": made.events,
        "file_megabytes": round(size / 1e6, 1),
        "scan_seconds": round(seconds, 2),
        "scans": round(run["seconds"] / seconds, 1),
    }
    return [{**result, **run}]


def scan(folder: Path) -> float:
    start = time.perf_counter()
    connection = duckdb.connect()
    for sql in SCANS:
        names = {"events": folder / "events.parquet", "accounts": folder / "accounts.csv"}
        connection.execute(sql.format(**names)).fetchall()
    return time.perf_counter() - start


def whole(folder: Path) -> dict[str, Any]:
    start = time.perf_counter()
    inputs = [folder / "accounts.csv", folder / "events.parquet"]
    with linkage.run(inputs, folder / "case", with_report=False) as case:
        return {
            "seconds": round(time.perf_counter() - start, 2),
            "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "stages": {name: s["seconds"] for name, s in case.run["stages"].items()},
        }
