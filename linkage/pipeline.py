"""From inputs to a case: the stages in order.

Each stage is a function of the engine's tables; what it needs and what it makes is said where it
is defined. Everything happens in a scratch folder beside the case, which is put in the place of
an earlier one when it is whole.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import igraph

from linkage import (
    __version__,
    attribution,
    case,
    chance,
    circles,
    evidence,
    graph,
    infrastructure,
    judgements,
    pools,
    report,
    signals,
    sources,
    triage,
)
from linkage.config import Config, as_dict
from linkage.engine import DuckDBEngine, Engine
from linkage.progress import Progress, Quiet
from linkage.schema import TABLES
from linkage.signals import prompt

if TYPE_CHECKING:
    from linkage.engine.spark import SparkEngine
    from linkage.engine.spark_session import DataFrame


def run(
    inputs: Sequence[sources.Input | DataFrame],
    out: str | Path,
    config: Config | None = None,
    progress: Progress | None = None,
    with_report: bool = True,
    engine: SparkEngine | None = None,
) -> case.Case:
    """Read `inputs`, find the operators and write a case to the folder `out`.

    Inputs are paths or patterns (csv, tsv, jsonl, parquet, a database file's `file::table`),
    DataFrames (Spark's with its engine) or Arrow tables. An earlier case in `out` is replaced, and
    hands on its operator ids, runs and judgements. `progress` is told of the stages; without
    `with_report` the case has no report. `engine`, a `SparkEngine`, is where the SQL runs; without
    it, what the settings name. Returns the case, open. Raises `InputError` for data that can't be
    used, `ConfigError` for settings, `CaseError` if `out` can't be written; in each case nothing is
    left behind, and an earlier case in `out` stays as it was.

    >>> import pandas, tempfile
    >>> table = pandas.DataFrame({
    ...     "account_id": [f"a{n:02}" for n in range(60)],
    ...     "card_hash": [f"card-{n if n > 5 else 0}" for n in range(60)],
    ...     "device": [f"device-{n if n > 5 else n // 3}" for n in range(60)]})
    >>> with run([table], Path(tempfile.mkdtemp()) / "case", with_report=False) as found:
    ...     found.members["account_id"].to_list()
    ['a00', 'a01', 'a02', 'a03', 'a04', 'a05']
    """
    config, progress, out = config or Config(), progress or Quiet(), Path(out)
    with case.workspace(out) as scratch, _engine(scratch, config, engine) as running:
        clock = _Clock(progress)
        with clock.stage("sources"):
            given = running.readable(inputs)
            sources.load(running.embedded, given, config.sources, progress.step)
        _find(running, out, config, clock, {"command": "run"}, with_report)
    return case.Case(out)


def update(
    path: str | Path,
    inputs: Sequence[sources.Input | DataFrame] = (),
    config: Config | None = None,
    progress: Progress | None = None,
    with_report: bool = True,
    engine: SparkEngine | None = None,
) -> case.Case:
    """Read new `inputs` into the case in the folder `path`, and find its operators anew.

    Settings are those of the last run unless `config` is given. Inputs that were read before
    (by content) are not read again, nor rows that are the same as those of another input; if
    there is no other, nothing changes. Where nothing else is new, attribution goes on from the last
    run's operators (`attribution.resume`). Without inputs, what the case holds is gone over again,
    so that new judgements are obeyed. `engine` as in `run`. Returns the case, open. Errors as in
    `run`, and `CaseError` if there is no case in `path`, or one of an earlier linkage that kept
    less; it stays as it was.

    >>> import pandas, tempfile
    >>> days = [pandas.DataFrame({"account_id": [f"{day}-{n}" for n in range(30)],
    ...                           "ip": [f"8.8.{n}.{day}" for n in range(30)]}) for day in (1, 2)]
    >>> folder = Path(tempfile.mkdtemp()) / "case"
    >>> run(days[:1], folder, with_report=False).close()
    >>> with update(folder, days, with_report=False) as found:
    ...     found.run["counts"]["accounts"], found.run["new_inputs"]
    (60, 1)
    """
    progress, path = progress or Quiet(), Path(path)
    with case.Case(path) as earlier:
        earlier.require("row_hashes", "an update")
    # the case may have been replaced before it could be held
    with case.workspace(path) as scratch, case.Case(path) as earlier:
        config = config or earlier.config
        with _engine(scratch, config, engine) as running:
            clock, reading = _Clock(progress), running.embedded
            with clock.stage("sources"):
                notes = [case.take_known_rows(reading, earlier)] if inputs else []
                known = case.known_inputs(earlier)
                case.empty(reading)
                given = running.readable(inputs)
                if inputs and not sources.load(
                    reading, given, config.sources, progress.step, known
                ):
                    progress.step("every input was read before: nothing changes")
                    return case.Case(path)
                new = reading.value("SELECT count(*) FROM inputs")
                case.take_read(reading, path.resolve())
                if config.signals != earlier.config.signals:
                    reading.drop("cleaned")
                same = replace(config, engine=earlier.config.engine) == earlier.config
                if not (new and same):
                    # goes over everything as a run does
                    reading.drop("beginnings")
            details = {"command": "update", "new_inputs": new, "notes": [n for n in notes if n]}
            _find(running, path, config, clock, details, with_report)
    return case.Case(path)


def forget(
    path: str | Path,
    account_id: str,
    progress: Progress | None = None,
    with_report: bool = True,
) -> tuple[case.Case, list[str]]:
    """Erase an account from the case in the folder `path`, and find its operators without it.

    Returns the case, open, and the names of other people's files in the folder that name the
    account. The database is written anew, so that no unused block of it holds the account either.
    `InputError` if the case has no such account; otherwise errors as in `update`.
    """
    progress, path = progress or Quiet(), Path(path)
    with case.Case(path) as earlier:
        earlier.require("row_hashes", "an update")
        account_id = earlier.account(account_id).account_id
    with case.workspace(path) as scratch, case.Case(path) as earlier:
        config = earlier.config
        with _engine(scratch, config) as running:
            clock = _Clock(progress)
            with clock.stage("sources"):
                case.empty(running.embedded)
                case.take_read(running.embedded, path.resolve(), account_id)
            details = {"command": "forget", "new_inputs": 0}
            _find(running, path, config, clock, details, with_report, account_id)
    return case.Case(path), case.naming(path, account_id)


def _find(
    engine: Engine,
    out: Path,
    config: Config,
    clock: _Clock,
    details: dict[str, Any],
    with_report: bool,
    without: str | None = None,
) -> None:
    """From the tables that `sources` makes to a case in the folder `out`."""
    with clock.stage("signals"):
        signals.clean(engine, config.signals)
        prompt.mine(engine, clock.progress)
        case.take_judgements(engine.embedded, out, without)
        judgements.allow(engine)
    with clock.stage("graph"):
        graph.build(engine)
        judgements.restore(engine)
    with clock.stage("infrastructure"):
        infrastructure.find(engine, config.infrastructure, config.seed)
    with clock.stage("attribution"):
        attribution.propose(engine, config.attribution)
        judgements.propose(engine)
        circles.find(engine, config.attribution.min_size, config.seed)
        attribution.resume(engine, config.attribution)
        pools.find(engine, config.attribution.min_size, config.seed)
        attribution.settle(engine, config.attribution)
        attribution.extend(engine, config.attribution)
        _bind(engine, config)
    with clock.stage("triage"):
        triage.judge(engine, config.attribution.min_size)
        judgements.confirm(engine)
    with clock.stage("chance"):
        chance.estimate(engine)
    with clock.stage("evidence"):
        evidence.write(engine)
        evidence.name_kinds(engine)
        judgements.name(engine)
    with clock.stage("case"):
        made = engine.hand_over(name for name, table in TABLES.items() if table.kept)
        details = {**details, "versions": _versions(engine), **_details(made, config, clock)}
        case.write(made, out, details, partial(_report, out) if with_report else None, without)


def _bind(engine: Engine, config: Config) -> None:
    settings = config.attribution
    if judgements.bind(engine, settings.min_confidence):
        attribution.drop_small(engine, settings.min_size)
        attribution.find_signals(engine)
    attribution.rate_operators(engine)


class _Clock:
    """Seconds and peak memory by stage, for run.json and whoever watches."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.stages: dict[str, dict[str, float]] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.progress.stage(name)
        start = time.perf_counter()
        yield
        seconds = time.perf_counter() - start
        self.stages[name] = {"seconds": round(seconds, 3), "peak_memory_mb": _peak_memory_mb()}


def _peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # kilobytes on Linux, bytes on macOS
    return round(peak / (1024 if sys.platform != "darwin" else 1024**2), 1)


@contextmanager
def _engine(scratch: Path, config: Config, given: SparkEngine | None = None) -> Iterator[Engine]:
    embedded = DuckDBEngine(scratch / "work.duckdb", config.engine)
    with closing(embedded):
        if given is None and config.engine.name == "duckdb":
            yield embedded
            return
        from linkage.engine.spark import SparkEngine

        spark = given or SparkEngine(config=config.engine)
        with closing(spark):
            spark.begin(embedded, scratch)
            yield spark


def _report(out: Path, folder: Path) -> None:
    # until it is whole, the case stands in a scratch folder of another name
    report.write(folder / "case.duckdb", folder / "report", case=out.resolve().name)


def _versions(engine: Engine) -> dict[str, str]:
    return {
        "linkage": __version__,
        "python": sys.version.split()[0],
        **engine.versions,
        "igraph": igraph.__version__,
    }


def _details(engine: DuckDBEngine, config: Config, clock: _Clock) -> dict[str, Any]:
    """What run.json says of this run."""
    inputs = engine.rows("SELECT name, sha256, rows, columns FROM inputs ORDER BY input")
    rejected = engine.rows(
        "SELECT source, kind, reason, count, rows, example FROM rejected ORDER BY ALL"
    )
    tables = ("accounts", "signals", "edges", "pairs", "operators", "members")
    return {
        "inputs": [
            {"name": name, "sha256": sha256, "rows": rows, "columns": json.loads(columns)}
            for name, sha256, rows, columns in inputs
        ],
        "rejected": [
            dict(zip(("source", "kind", "reason", "count", "rows", "example"), row, strict=True))
            for row in rejected
        ],
        "settings": as_dict(config),
        "seed": config.seed,
        "counts": {table: engine.value(f"SELECT count(*) FROM {table}") for table in tables},
        "stages": clock.stages,
        "peak_memory_mb": _peak_memory_mb(),
    }
