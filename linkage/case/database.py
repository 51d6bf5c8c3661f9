"""The database of a case: its format, and connections that read it.

A folder arrives; a connection leaves that is known to hold every table of `schema.TABLES` as it
is declared there, or a `CaseError` that says what is wrong and what to type.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import duckdb

from linkage.case.place import DATABASE, recover
from linkage.engine import Engine, interruptible
from linkage.errors import CaseError
from linkage.schema import META, TABLES, Table

SCHEMA_VERSION = 5
READABLE = ("1", "2", "3", "4", "5")
"""Versions that are read; what an older one lacks is empty."""


class attached:  # noqa: N801 - reads as a statement: with attached(...)
    """A database that is attached to an engine while the block runs."""

    def __init__(self, engine: Engine, path: Path, name: str, writable: bool = False) -> None:
        self.engine, self.name = engine, name
        quoted = str(path).replace("'", "''")
        self.sql = f"ATTACH '{quoted}' AS {name}" + ("" if writable else " (READ_ONLY)")

    def __enter__(self) -> None:
        self.engine.run(self.sql)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # after a failure (a full disk) this may fail too, and the first one tells more
        with contextlib.suppress(*([] if kind is None else [Exception])):
            self.engine.run(f"DETACH {self.name}")


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """A connection that reads the case in the folder `path`, and only that."""
    try:
        recover(path.resolve())
        exists, database = path.exists(), path / DATABASE
        holds_case = database.exists()
    except PermissionError:
        raise CaseError(
            f"{path}: no permission. A case is readable by its owner only; ask whoever wrote it."
        ) from None
    if not exists:
        raise CaseError(
            f"{path}: no such folder. A case is what a run writes: "
            f"linkage run INPUT... --out {path}"
        )
    if not holds_case:
        raise CaseError(
            f"{path} is no case: there is no {DATABASE} in it. A case is the folder given as "
            f"--out: linkage run INPUT... --out CASE"
        )
    connection = interruptible(duckdb.connect())
    quoted = str(database.resolve()).replace("'", "''")
    try:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"ATTACH '{quoted}' AS \"case\" (READ_ONLY)")
        connection.execute('USE "case"')
        _check_version(connection, path)
    except duckdb.Error as error:
        connection.close()
        if "lock" in str(error):
            raise CaseError(
                f"{database} is open for writing in another program. Close it there and try again."
            ) from None
        raise CaseError(_damaged(path, error)) from None
    except CaseError:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """What DuckDB says of a database whose end is missing or overwritten, as a `CaseError`."""
    try:
        yield
    except (duckdb.IOException, duckdb.FatalException, duckdb.SerializationException) as error:
        raise CaseError(_damaged(path, error)) from None


def _check_version(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    meta = dict(connection.execute(f"SELECT key, value FROM {META.name}").fetchall())
    version = meta.get("schema_version")
    if version not in READABLE:
        raise CaseError(
            f"{path} was written in version {version} of the case format, by linkage "
            f"{meta.get('linkage_version', 'unknown')}; this one reads versions "
            f"{READABLE[0]} to {READABLE[-1]}. "
            f"Install that linkage, or write the case again into another folder: "
            f"linkage run INPUT... --out {path}-new"
        )
    if version == str(SCHEMA_VERSION):
        _check_tables(connection, path)
        return
    for table in TABLES.values():
        # the table itself has no need of it, but whoever reads it does
        if table.kept and (sql := as_declared(connection, table, "case")) is not None:
            connection.execute(f"CREATE TEMP VIEW {table.name} AS {sql}")


def as_declared(
    connection: duckdb.DuckDBPyConnection | Engine, table: Table, database: str
) -> str | None:
    """SQL that reads a table of an older version as it is declared now; None if it is so."""
    columns = (
        "SELECT column_name FROM duckdb_columns() "
        f"WHERE database_name = '{database}' AND table_name = '{table.name}' ORDER BY column_index"
    )
    if isinstance(connection, duckdb.DuckDBPyConnection):
        found = [row[0] for row in connection.execute(columns).fetchall()]
    else:
        found = [row[0] for row in connection.rows(columns)]
    if found == [c.name for c in table.columns]:
        return None
    if not found:
        nulls = ", ".join(f"CAST(NULL AS {c.type}) AS {c.name}" for c in table.columns)
        return f"SELECT {nulls} WHERE false"
    missing = {"judgement": "row_number() OVER (ORDER BY made_at)"} if "made_at" in found else {}
    parts = [
        c.name
        if c.name in found
        else f"CAST({missing.get(c.name, 'NULL')} AS {c.type}) AS {c.name}"
        for c in table.columns
    ]
    return f'SELECT {", ".join(parts)} FROM "{database}".{table.name}'


def _check_tables(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    for table in TABLES.values():
        if table.kept and as_declared(connection, table, "case") is not None:
            raise CaseError(
                f"{path / DATABASE} is damaged: its table {table.name} is missing or was changed. "
                + _again(path)
            )


def _damaged(path: Path, error: duckdb.Error) -> str:
    line = str(error).strip().splitlines()[0].rstrip(".")
    return f"{path / DATABASE} can't be read; it seems damaged ({line}). {_again(path)}"


def _again(path: Path) -> str:
    return f"Move it away and write the case again: linkage run INPUT... --out {path}"
