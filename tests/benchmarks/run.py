"""Measure: python tests/benchmarks/run.py [PART...] [--quick] [--only PATTERN] [--list]

Parts: quality, regimes, ablations, curves, limits, peers, real, scale; without a name all but the
last. A part is made of units, each in a process of its own; results go to `results/`, and
`pages.py` puts them into docs/benchmarks.md. `--quick` measures a little of everything in less
than ten minutes and prints it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import curves
import limits
import pages
import peers
import quality
import real
import scale
import store

Unit = Callable[[Path], list[dict[str, Any]]]
PARTS: dict[str, Callable[[bool], dict[str, Unit]]] = {
    "quality": quality.quality,
    "regimes": quality.regimes,
    "ablations": quality.ablations,
    "curves": curves.units,
    "limits": limits.units,
    "peers": peers.units,
    "real": real.units,
    "scale": scale.units,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", default=[], help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="a little of everything")
    parser.add_argument("--only", default="", help="units whose names match this pattern")
    parser.add_argument("--list", action="store_true", help="names of the units, nothing else")
    parser.add_argument("--no-page", action="store_true", help="results only, the page later")
    parser.add_argument("--scratch", type=Path, help="keep populations here")
    parser.add_argument("--records", type=Path, help="early_childhood.csv, for the part real")
    chosen = parser.parse_args()
    unknown = set(chosen.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    real.RECORDS = chosen.records
    names = [
        unit
        for part in chosen.parts or (part for part in PARTS if chosen.quick or part != "scale")
        for unit in PARTS[part](chosen.quick)
        if re.search(chosen.only, unit)
    ]
    if chosen.list:
        print("\n".join(names))
        return
    with tempfile.TemporaryDirectory(prefix="linkage-") as temporary:
        results = Path(temporary) / "results" if chosen.quick else store.RESULTS
        scratch = chosen.scratch or Path(temporary) / "scratch"
        failed = [name for name in names if not one(name, chosen, scratch, results)]
        if chosen.quick:
            print(pages.tables(results))
        elif not chosen.no_page:
            pages.write(results)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def one(name: str, chosen: argparse.Namespace, scratch: Path, results: Path) -> bool:
    """Measure a unit in a process of its own; whether it went well."""
    start = time.perf_counter()
    print(f"{name} …", end=" ", flush=True, file=sys.stderr)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        rows = pool.submit(measure, name, chosen.quick, scratch, chosen.records).result()
    if isinstance(rows, str):
        print(rows, file=sys.stderr)
        return False
    store.write(results, name, rows)
    print(f"{time.perf_counter() - start:.0f} s", file=sys.stderr)
    return True


def measure(
    name: str, quick: bool, scratch: Path, records: Path | None
) -> list[dict[str, Any]] | str:
    real.RECORDS = records
    try:
        return PARTS[name.split("/")[0]](quick)[name](scratch)
    except Exception:
        return traceback.format_exc()


if __name__ == "__main__":
    main()
