"""How long a run takes, how that grows, and what it is beside others on the same files.

A scan is a bare DuckDB pass: the distinct pairs of account and address, of account and device, and
the distinct prompts. Runs, scans and Splink are measured in turn, in processes of their own, since
what else a machine does counts for all alike; figures are medians. What strains a method (one value
on half of the accounts, a fleet that shares all it has, accounts with very many events) is added
to a population and compared with the same without it.
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

import linkage
from linkage.evaluate import score
from linkage.simulate import simulate

Unit = Callable[[Path], list[dict[str, Any]]]
SCANS = (
    "SELECT count(*) FROM (SELECT DISTINCT account_id, ip FROM read_parquet('{events}'))",
    "SELECT count(*) FROM (SELECT DISTINCT account_id, device_id FROM read_parquet('{events}'))",
    "SELECT count(DISTINCT prompt) FROM read_parquet('{events}')",
)
SIZES = {100_000: 3, 300_000: 3, 1_000_000: 1, 3_000_000: 1}
"""Accounts of `mixed`, and how often each is measured."""
MOST = 1_000_000
"""Accounts that Splink is measured on, at most."""

# events like those of the population, of its first accounts
STRAINS = {
    "an address on half of the accounts, a template on a third": """
        SELECT DISTINCT ON (account_id) * REPLACE (
            '41.77.130.9' AS ip,
            CASE WHEN hash(account_id) % 3 = 0
                THEN 'Write a friendly answer to this review of our shop, in three lines: '
                    || prompt ELSE prompt END AS prompt)
        FROM events WHERE hash(account_id || 'half') % 2 = 0
        """,
    "20,000 accounts more that share 30 templates and others' addresses": """
        SELECT * REPLACE (
            'fleet-' || (n % 20000) AS account_id,
            'fleet-device-' || (n % 20000) AS device_id,
            'Task ' || chr(CAST(65 + n // 20000 % 26 AS INTEGER)) || ' of plan '
                || chr(CAST(97 + n // 20000 AS INTEGER))
                || ' for the worker: study exercise ' || (hash(n) % 1000000)
                || ' step by step and answer as JSON' AS prompt)
        FROM (SELECT *, row_number() OVER (ORDER BY account_id, timestamp, ip) - 1 AS n FROM events)
        WHERE n < 600000
        """,
    "ten accounts more with 100,000 of others' events each": """
        SELECT * REPLACE ('heavy-' || (n % 10) AS account_id)
        FROM (SELECT *, row_number() OVER (ORDER BY account_id, timestamp, ip) - 1 AS n FROM events)
        WHERE n < 1000000
        """,
}


def units(quick: bool) -> dict[str, Unit]:
    sizes = {10_000: 1} if quick else SIZES
    found: dict[str, Unit] = {f"scale/{n}": partial(growth, n, times) for n, times in sizes.items()}
    if not quick:
        for name in STRAINS:
            found[f"scale/{name}"] = partial(strained, name, 100_000, 1)
    return found


def growth(accounts: int, times: int, scratch: Path) -> list[dict[str, Any]]:
    """`mixed`, seed 1, without the report: the run, scans around it, and Splink."""
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scale-", dir=scratch) as temporary:
        folder = Path(temporary)
        made = simulate(folder, "mixed", accounts, 1)
        size = sum((folder / n).stat().st_size for n in ("accounts.csv", "events.parquet"))
        measured: dict[str, list[Any]] = {"scan": [apart(scan, folder)], "run": [], "splink": []}
        for _ in range(times):
            measured["run"].append(apart(whole, folder))
            measured["scan"].append(apart(scan, folder))
            if accounts <= MOST:
                measured["splink"].append(apart(splink, folder))
        found = score(folder / "case", folder / "truth.csv")
    run = _median(measured["run"])
    seconds = statistics.median(measured["scan"])
    result = {
        "accounts": made.accounts,
        "events": made.events,
        "times": times,
        "file_megabytes": round(size / 1e6, 1),
        "scan_seconds": round(seconds, 2),
        "scans": round(run["seconds"] / seconds, 1),
        "accused": round(found.accused_outside_organisations_per_100000, 2),
        "accounts_found": round(found.accounts_found or 0, 4),
    }
    if measured["splink"]:
        beside = _median(measured["splink"])
        result["splink_seconds"], result["splink_megabytes"] = beside.values()
    return [{**result, **run}]


def strained(name: str, accounts: int, times: int, scratch: Path) -> list[dict[str, Any]]:
    """A run with what strains it, over one without."""
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scale-", dir=scratch) as temporary:
        plain, other = Path(temporary) / "plain", Path(temporary) / "strained"
        made = simulate(plain, "mixed", accounts, 1)
        other.mkdir()
        (other / "accounts.csv").symlink_to(plain / "accounts.csv")
        events = _strain(name, plain / "events.parquet", other / "events.parquet")
        runs = [(apart(whole, plain), apart(whole, other)) for _ in range(times)]
    before, after = _median([a for a, _ in runs]), _median([b for _, b in runs])
    return [
        {
            "strain": name,
            "accounts": made.accounts,
            "events": events,
            "seconds": after["seconds"],
            "times_seconds": round(after["seconds"] / before["seconds"], 2),
            "times_events": round(events / made.events, 2),
            "megabytes": after["megabytes"],
            "times_megabytes": round(after["megabytes"] / before["megabytes"], 2),
        }
    ]


def apart(measure: Callable[[Path], Any], folder: Path) -> Any:
    """What a measurement gives in a process of its own, so that its memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        return pool.apply(measure, (folder,))


def scan(folder: Path) -> float:
    start = time.perf_counter()
    connection = duckdb.connect()
    for sql in SCANS:
        connection.execute(sql.format(events=folder / "events.parquet")).fetchall()
    return time.perf_counter() - start


def whole(folder: Path) -> dict[str, Any]:
    start = time.perf_counter()
    inputs = [folder / "accounts.csv", folder / "events.parquet"]
    with linkage.run(inputs, folder / "case", with_report=False) as case:
        stages = {name: s["seconds"] for name, s in case.run["stages"].items()}
        return {**_cost(start), "stages": stages}


def splink(folder: Path) -> dict[str, Any]:
    from peers import splink_model

    start = time.perf_counter()
    splink_model.clusters_of_files(folder)
    return _cost(start)


def _cost(start: float) -> dict[str, Any]:
    """Seconds since then, and the most memory that this process had."""
    return {
        "seconds": round(time.perf_counter() - start, 2),
        "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _median(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Of several runs the one of median seconds, the slower of the middle two."""
    return sorted(rows, key=lambda row: row["seconds"])[len(rows) // 2]


def _strain(name: str, events: Path, into: Path) -> int:
    """Write the events with those that strain; returns how many there are."""
    with duckdb.connect() as db:
        db.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet('{events}')")
        db.execute(
            f"COPY (SELECT * FROM events UNION ALL BY NAME ({STRAINS[name]})) "
            f"TO '{into}' (FORMAT parquet)"
        )
        [(rows,)] = db.execute("SELECT count(*) FROM read_parquet(?)", [str(into)]).fetchall()
    return int(rows)
