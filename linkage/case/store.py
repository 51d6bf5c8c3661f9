"""From the tables of a run to a case folder.

The work database of a finished run arrives; `case.duckdb`, the two lists as CSV, `run.json` and
whatever `add` writes leave, in the place of an earlier case or not at all. Rows are sorted on
the way, so that the same run writes the same rows in the same order.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from linkage import __version__
from linkage.case.database import META, RANK, SCHEMA_VERSION, attached, connect
from linkage.case.ids import keep_ids
from linkage.case.place import DATABASE, lock, replace, scratch
from linkage.engine import Engine
from linkage.errors import CaseError
from linkage.schema import JUDGEMENTS, RUNS, TABLES, Table

# tables of many rows are sorted by what makes their rows unique, the others by everything
KEYS = {
    "accounts": "account",
    "observations": "account, kind, raw",
    "activity": "account, hour",
    "signals": "signal",
    "edges": "account, signal",
    "operators": RANK,
}

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def check_writable(out: Path | str) -> None:
    """Raise `CaseError` unless a case could be written at `out` now; nothing there is changed."""
    with lock(out) as place:
        _check_earlier(place)


@contextmanager
def workspace(out: Path | str) -> Iterator[Path]:
    """Hold `out` and yield a scratch folder beside it, which is gone afterwards.

    What a killed run leaves of such a folder, the next one that holds `out` removes. A disk or
    memory that fills up meanwhile is a `CaseError`.
    """
    with lock(out) as place, _trouble(out):
        _check_earlier(place)
        folder = scratch(place)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def write(
    engine: Engine,
    out: Path | str,
    details: dict[str, Any],
    add: Callable[[Path], None] | None = None,
) -> None:
    """Write the case of the run whose tables are in `engine` into the folder `out`.

    An earlier case there gives its operator ids, runs and judgements, and stays as it was if
    anything goes wrong. `add` is called with the folder before it is put in its place, to write
    more into it. `details` becomes `run.json`, with the number of the run.
    """
    with lock(out) as place, _trouble(out):
        earlier = place if (place / DATABASE).exists() else None
        if earlier is not None:
            keep_ids(engine, earlier)
        details = _record(engine, earlier, details)
        new = scratch(place)
        try:
            _write_tables(engine, new / DATABASE)
            _write_lists(engine, new)
            text = json.dumps(details, sort_keys=True, indent=2, ensure_ascii=False)
            (new / "run.json").write_text(text + "\n", encoding="utf-8")
            if add is not None:
                add(new)
            replace(new, place)
        finally:
            shutil.rmtree(new, ignore_errors=True)


@contextmanager
def _trouble(out: Path | str) -> Iterator[None]:
    """What a disk or memory that is full raises, as an error that says what to do."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise CaseError(
            f"{out}: more memory is needed ({_first_line(error)}). Nothing was changed there. "
            "Allow more with --memory, or make room on the disk it spills to."
        ) from error
    except (OSError, duckdb.Error) as error:
        if not _is_of_the_disk(error):
            raise
        raise CaseError(
            f"can't write the case {out}: {_first_line(error)}. Nothing was changed there. "
            "Make room on that disk, or name a folder on another with --out."
        ) from error


def _is_of_the_disk(error: Exception) -> bool:
    if isinstance(error, OSError):
        return not isinstance(error, FileNotFoundError)
    # a failed commit or checkpoint is of another class than a failed write
    return isinstance(error, duckdb.IOException) or "Could not write" in str(error)


def _check_earlier(place: Path) -> None:
    if (place / DATABASE).exists():
        connect(place).close()


def _record(engine: Engine, earlier: Path | None, details: dict[str, Any]) -> dict[str, Any]:
    """Fill the tables runs and judgements; returns the details with the number of the run."""
    history = {RUNS.name: RUNS.ddl(), JUDGEMENTS.name: JUDGEMENTS.ddl()}
    engine.drop(*history)
    if earlier is None:
        for ddl in history.values():
            engine.run(ddl)
    else:
        with attached(engine, earlier / DATABASE, "earlier"):
            for name in history:
                engine.create(name, f"SELECT * FROM earlier.{name}")
    number = engine.value("SELECT coalesce(max(run), 0) + 1 FROM runs")
    details = {**details, "run": number}
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    text = json.dumps(details, sort_keys=True, ensure_ascii=False)
    engine.run("INSERT INTO runs VALUES (?, ?, ?)", [number, now, text])
    return details


def _write_tables(engine: Engine, path: Path) -> None:
    with attached(engine, path, "written", writable=True):
        # one transaction, so that the disk is waited for once
        engine.run("BEGIN TRANSACTION")
        try:
            engine.run(f"CREATE TABLE written.{META.name} (key VARCHAR, value VARCHAR)")
            engine.run(
                f"INSERT INTO written.{META.name} VALUES "
                "('linkage_version', ?), ('schema_version', ?)",
                [__version__, str(SCHEMA_VERSION)],
            )
            for table in TABLES.values():
                if table.kept:
                    engine.run(f"CREATE TABLE written.{table.name} AS {_sorted(table)}")
            engine.run("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):
                engine.run("ROLLBACK")
            raise
        engine.run("CHECKPOINT written")


def _sorted(table: Table) -> str:
    columns = ", ".join(f"CAST({c.name} AS {c.type}) AS {c.name}" for c in table.columns)
    return f"SELECT {columns} FROM {table.name} ORDER BY {KEYS.get(table.name, 'ALL')}"


def _write_lists(engine: Engine, folder: Path) -> None:
    operators = engine.arrow(
        "SELECT operator_id, verdict, score, accounts, q_value, kinds, first_seen, last_seen, why "
        f"FROM operators ORDER BY {RANK}"
    )
    members = engine.arrow(
        "SELECT m.account_id, m.operator_id, m.verdict, m.confidence "
        "FROM members AS m JOIN operators AS o USING (operator_id) "
        "ORDER BY o.score DESC, o.accounts DESC, o.operator_id, m.confidence DESC, m.account_id"
    )
    _write_csv(folder / "operators.csv", operators)
    _write_csv(folder / "members.csv", members)


def _write_csv(path: Path, table: pa.Table) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(table.column_names) + "\n")
        for batch in table.to_batches(max_chunksize=10_000):
            columns = [map(_cell, column.to_pylist()) for column in batch.columns]
            file.writelines(",".join(row) + "\n" for row in zip(*columns, strict=True))


def _cell(value: Any) -> str:
    """A value as a spreadsheet may read it: what looks like a formula is text.

    The csv module leaves a lone carriage return bare, which readers take for the end of a row.

    >>> _cell("=HYPERLINK(1)"), _cell("a,b"), _cell(0.12345678), _cell(None)
    ("'=HYPERLINK(1)", '"a,b"', '0.123457', '')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds") + "Z"
    text = str(value)
    if text.startswith(DANGEROUS):
        text = "'" + text
    if any(c in text for c in ',"\r\n'):
        text = '"' + text.replace('"', '""') + '"'
    return text


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    _, found, reason = text.partition("Could not write")
    return (found + reason or text or repr(error)).splitlines()[0].rstrip('."')
