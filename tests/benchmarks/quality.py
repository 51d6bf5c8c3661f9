"""Who is found and who is accused, over seeds: the figures of `linkage evaluate`.

    python tests/benchmarks/quality.py [--accounts 100000] [--seeds 5] [--presets mixed honest]

Every population is made, read and scored with the default settings; nothing of an operator is told
to the tool. Prints a Markdown table of each preset, a line a seed, and what was missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections import Counter
from pathlib import Path

import duckdb
import igraph

import linkage
from linkage.evaluate import Evaluation, score
from linkage.simulate import simulate

HEAD = (
    "| seed | seconds | memory, MB | operators found | accounts found | honest accused | "
    "with organisations | calibration error | false with q < 0.05 |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--presets", nargs="+", default=["mixed", "honest"])
    chosen = parser.parse_args()
    print(
        f"linkage {linkage.__version__}, duckdb {duckdb.__version__}, igraph {igraph.__version__}, "
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    )
    for preset in chosen.presets:
        print(f"\n`{preset}`, {chosen.accounts:,} accounts\n\n{HEAD}", flush=True)
        missed: Counter[str] = Counter()
        planted: Counter[str] = Counter()
        for seed in range(1, chosen.seeds + 1):
            evaluation = one(preset, chosen.accounts, seed)
            for operator in evaluation.operators:
                if operator.accounts >= 10:
                    planted[operator.kind] += 1
                    missed[operator.kind] += not (
                        operator.is_found and operator.verdict == "sockpuppets"
                    )
        if planted:
            lines = [f"{kind} {planted[kind] - missed[kind]}/{planted[kind]}" for kind in planted]
            print("\nFound, of operators with 10 accounts or more: " + ", ".join(sorted(lines)))


def one(preset: str, accounts: int, seed: int) -> Evaluation:
    with tempfile.TemporaryDirectory(prefix="linkage-") as scratch:
        folder = Path(scratch)
        simulate(folder, preset, accounts, seed)
        inputs = [folder / "accounts.csv", folder / "events.parquet"]
        case = linkage.run(inputs, out=folder / "case", with_report=False)
        figures = score(folder / "case", folder / "truth.csv")
    seconds = sum(stage["seconds"] for stage in case.run["stages"].values())
    cells = (
        seed,
        f"{seconds:.0f}",
        f"{case.run['peak_memory_mb']:,.0f}",
        f"{figures.operators_of_10_found_as_sockpuppets}/{figures.operators_of_10}",
        share(figures.accounts_found),
        rate(figures.accused_outside_organisations_per_100000),
        rate(figures.accused_per_100000),
        share(figures.calibration_error),
        f"{figures.significant_operators_false}/{figures.significant_operators}",
    )
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)
    return figures


def share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def rate(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


if __name__ == "__main__":
    main()
