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

from linkage import __version__, writing
from linkage.case.database import SCHEMA_VERSION, as_declared, attached, connect
from linkage.case.erase import erase
from linkage.case.ids import keep_ids
from linkage.case.place import DATABASE, lock, replace, scratch
from linkage.engine import Engine
from linkage.errors import CaseError
from linkage.schema import EVIDENCE, HISTORY, META, RANK, TABLES, Table

# tables of many rows are sorted by what makes their rows unique, the others by everything
KEYS = {
    "accounts": "account",
    "observations": "account, kind, raw",
    "activity": "account, hour",
    "signals": "signal",
    "edges": "account, signal",
    "operators": RANK,
    "memberships": "account_id, first_run",
    "judgements": "judgement",
    "cleaned": "kind, raw, signal_kind, value",
    "row_hashes": "account, hash",
    "recent_prompts": "account, raw",
    "known_uses": "account, template",
    "template_models": "number",
    "decoys": "weight",
    "beginnings": "account",
}


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
    with lock(out) as place, trouble(out):
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
    without: str | None = None,
) -> None:
    """Write the case of the run whose tables are in `engine` into the folder `out`.

    An earlier case there gives its operator ids, runs and judgements, and stays as it was if
    anything goes wrong. `add` is called with the folder before it is put in its place, to write
    more into it. The account `without` is erased from what the earlier case gives. `details`
    becomes `run.json`, with the number of the run.
    """
    with lock(out) as place, trouble(out):
        take_history(engine, place)
        if without is not None:
            erase(engine, without)
        details = _record(engine, details)
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
def trouble(out: Path | str) -> Iterator[None]:
    """What a disk or memory that is full raises, as an error that says what to do."""
    with writing.trouble(f"the case {out}", CaseError):
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            raise CaseError(
                f"{out}: more memory is needed ({writing.first_line(error)}). What was there "
                "before is unchanged. Allow more with --memory, or make room on the disk it "
                "spills to."
            ) from error


def _check_earlier(place: Path) -> None:
    if (place / DATABASE).exists():
        connect(place).close()


def take_history(engine: Engine, place: Path) -> None:
    """Put the `HISTORY` tables of the case in the folder `place`, if there is one, into `engine`.

    `earlier_evidence` comes along, by which operators are known again.
    """
    names = {**{table.name: table for table in HISTORY}, "earlier_evidence": EVIDENCE}
    engine.drop(*names)
    if not (place / DATABASE).exists():
        for name, table in names.items():
            engine.run(table.ddl(name=name))
        return
    with attached(engine, place / DATABASE, "earlier"):
        for name, table in names.items():
            sql = as_declared(engine, table, "earlier")
            engine.create(name, sql or f"SELECT * FROM earlier.{table.name}")
        if not engine.value("SELECT count(*) FROM memberships"):
            # a case of an older version: what its last run found
            engine.run(
                "INSERT INTO memberships SELECT account_id, operator_id, run, run "
                "FROM earlier.members, (SELECT max(run) AS run FROM earlier.runs)"
            )
            engine.run(
                "INSERT INTO run_operators SELECT run, operator_id, verdict, score, accounts "
                "FROM earlier.operators, (SELECT max(run) AS run FROM earlier.runs)"
            )


def _record(engine: Engine, details: dict[str, Any]) -> dict[str, Any]:
    """Name the operators and fill the `HISTORY` tables; returns the details with what is new."""
    number = engine.value("SELECT coalesce(max(run), 0) + 1 FROM runs")
    keep_ids(engine, number)
    engine.run(
        "INSERT INTO run_operators SELECT ?, operator_id, verdict, score, accounts FROM operators",
        [number],
    )
    engine.create(
        "memberships",
        """
        SELECT account_id, operator_id, min(first_run) AS first_run, max(last_run) AS last_run
        FROM (
            SELECT *, last_run >= ? - 1 AND EXISTS (
                       SELECT 1 FROM members m WHERE m.account_id = memberships.account_id
                         AND m.operator_id = memberships.operator_id
                   ) AS goes_on
            FROM memberships
            UNION ALL SELECT account_id, operator_id, ?, ?, true FROM members
        )
        GROUP BY account_id, operator_id, CASE WHEN goes_on THEN 0 ELSE first_run END
        """,
        [number] * 3,
    )
    details = {**details, "run": number, "judgements": _notes(engine)}
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    text = json.dumps(details, sort_keys=True, ensure_ascii=False)
    engine.run("INSERT INTO runs VALUES (?, ?, ?)", [number, now, text])
    return details


def _notes(engine: Engine) -> list[str]:
    """What became of the judgements, in words."""
    return [
        note.replace("{operator}", operator_id or "an operator")
        for note, operator_id in engine.rows(
            "SELECT note, operator_id FROM judgement_notes ORDER BY judgement, note"
        )
    ]


def _write_tables(engine: Engine, path: Path) -> None:
    with attached(engine, path, "written", writable=True):
        # unlike the tables of a run, those of a case stay
        engine.run("SET force_compression = 'auto'")
        # one transaction, so that the disk is waited for once
        engine.run("BEGIN TRANSACTION")
        try:
            engine.run(META.ddl(name=f"written.{META.name}"))
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
        f"ORDER BY {RANK}, m.confidence DESC, m.account_id"
    )
    writing.write_csv(folder / "operators.csv", operators)
    writing.write_csv(folder / "members.csv", members)
