"""Populations of the benchmarks: made once, run once, kept in a scratch folder while it lasts.

A population, its truth and the case that linkage makes of it. Nothing of an operator is told to
anybody.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import linkage
from linkage.evaluate import Evaluation, score
from linkage.simulate import Preset, simulate


@dataclass(frozen=True)
class Prepared:
    """A population on disk, run."""

    folder: Path

    @property
    def case(self) -> Path:
        return self.folder / "case"

    @property
    def truth(self) -> Path:
        return self.folder / "truth.csv"

    @property
    def inputs(self) -> list[Path]:
        return [self.folder / "accounts.csv", self.folder / "events.parquet"]

    @property
    def facts(self) -> dict[str, Any]:
        """Accounts, events and fraudulent accounts; seconds and megabytes of the run."""
        return json.loads((self.folder / "facts.json").read_text())


def prepare(
    scratch: Path,
    name: str,
    preset: str | Preset,
    accounts: int | None,
    seed: int,
    without: tuple[str, ...] = (),
) -> Prepared:
    """The population of that name, made and run by default settings unless it is there."""
    folder = scratch / name
    if not (folder / "facts.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        made = simulate(folder, preset, accounts, seed, without=without)
        prepared = Prepared(folder)
        start = time.perf_counter()
        with linkage.run(prepared.inputs, prepared.case, with_report=False) as case:
            facts = {
                "accounts": made.accounts,
                "events": made.events,
                "fraudulent": made.fraudulent,
                "seconds": round(time.perf_counter() - start, 1),
                "megabytes": round(case.run["peak_memory_mb"]),
            }
        (folder / "facts.json").write_text(json.dumps(facts))
    return Prepared(folder)


def evaluated(prepared: Prepared) -> Evaluation:
    return score(prepared.case, prepared.truth)


def brief(e: Evaluation) -> dict[str, Any]:
    """The figures that tables and plots show, rounded."""
    sockpuppets = e.sockpuppets
    found = {
        "accused": e.accused_outside_organisations_per_100000,
        "accused_all": e.accused_per_100000,
        "accounts_found": e.accounts_found,
        "found": e.operators_of_10_found_as_sockpuppets,
        "of": e.operators_of_10,
        "bcubed_precision": sockpuppets.bcubed_precision,
        "bcubed_recall": sockpuppets.bcubed_recall,
        "bcubed": sockpuppets.bcubed_f1,
        "pairs": sockpuppets.pair_f1,
    }
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in found.items()}


def full(e: Evaluation) -> dict[str, Any]:
    """As `brief`, with confidences, false operators, and every kind of operator and of people."""
    return {
        **brief(e),
        "accounts_found_any": round(e.accounts_found_any_verdict or 0, 4),
        "calibration_error": round(e.calibration_error, 4) if e.calibration_error else None,
        "significant": e.significant_operators,
        "false": e.significant_operators_false,
        "operators": {
            k.kind: [k.found, k.operators, round(k.accounts_found, 4)] for k in e.operator_kinds
        },
        "honest": {k.kind: [k.accused, k.accounts] for k in e.honest_kinds},
        "why": [[op.kind, op.accounts, op.why_not] for op in e.operators if op.why_not],
        "false_operators": [[op.accounts, op.kinds] for op in e.false_operators],
    }
