"""How long a run takes, in scans: the seconds of a bare DuckDB pass over the same files.

    python tests/benchmarks/speed.py [--accounts 100000] [--preset mixed] [--seed 1]

A scan counts the distinct pairs of account and address, of account and device, and the distinct
prompts. Both are measured in one go, in processes of their own, since what else a machine does
counts for both alike. Prints one JSON object; peak memory is the run's process.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

import linkage
from linkage.simulate import simulate

SCANS = (
    "SELECT count(*) FROM (SELECT DISTINCT account_id, ip FROM read_parquet('{events}'))",
    "SELECT count(*) FROM (SELECT DISTINCT account_id, device_id FROM read_parquet('{events}'))",
    "SELECT count(DISTINCT prompt) FROM read_parquet('{events}')",
    "SELECT count(*) FROM (SELECT DISTINCT account_id, payment_fingerprint "
    "FROM read_csv('{accounts}', all_varchar = true))",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--preset", default="mixed")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="linkage-") as scratch:
        folder = Path(scratch)
        made = simulate(folder, chosen.preset, chosen.accounts, chosen.seed)
        size = sum((folder / n).stat().st_size for n in ("accounts.csv", "events.parquet"))
        with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            before = pool.apply(scan, (folder,))
            run = pool.apply(whole, (folder,))
            after = pool.apply(scan, (folder,))
    seconds = (before + after) / 2
    result = {
        "preset": chosen.preset,
        "accounts": made.accounts,
        "events": made.events,
        "megabytes": round(size / 1e6, 1),
        "scan_seconds": round(seconds, 2),
        "scans": round(run["seconds"] / seconds, 1),
        **run,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {
            "linkage": linkage.__version__,
            "duckdb": duckdb.__version__,
            "python": platform.python_version(),
        },
    }
    print(json.dumps(result, indent=2))


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
    with linkage.run(inputs, folder / "case") as case:
        return {
            "seconds": round(time.perf_counter() - start, 2),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "stages": {name: s["seconds"] for name, s in case.run["stages"].items()},
        }


if __name__ == "__main__":
    main()
