"""Small changes to a case without a run: on a copy of its database, which then takes its place.

The folder of a case arrives; a connection that may write leaves. A judgement must not be lost
halfway any more than a run: a kill or a full disk leaves the case as it was, and who reads it
meanwhile goes on reading what was there before.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from linkage.case.database import SCHEMA_VERSION, as_declared, connect
from linkage.case.place import DATABASE, link, lock, replace, scratch
from linkage.case.read import CaseReader
from linkage.case.store import trouble
from linkage.engine import interruptible
from linkage.errors import CaseError
from linkage.schema import BEGINNINGS, META, TABLES


@contextmanager
def amended(path: Path | str) -> Iterator[tuple[duckdb.DuckDBPyConnection, CaseReader]]:
    """Yield a connection to a copy of the case's database, and the case as it is now.

    The copy takes the case's place when the block ends without an error; the rest of the folder
    stays. An older case becomes one of this version. The next update starts from nothing.
    """
    # a path without a case is refused before anything is made there
    connect(Path(path)).close()
    with lock(path) as place, trouble(path), CaseReader(path) as case:
        new = scratch(place)
        try:
            for entry in sorted(place.iterdir()):
                copy = shutil.copyfile if entry.name.startswith(DATABASE) else link
                copy(entry, new / entry.name)
            connection = interruptible(duckdb.connect(str(new / DATABASE)))
            try:
                connection.execute("SET enable_progress_bar = false")
                connection.execute("BEGIN TRANSACTION")
                _upgrade(connection)
                # what was found may be otherwise by what is said now: it is looked for anew
                connection.execute(f"DELETE FROM {BEGINNINGS.name}")
                yield connection, case
                connection.execute("COMMIT")
                connection.execute("CHECKPOINT")
            finally:
                # after a failure (a full disk) this may fail too, and the first one tells more
                with suppress(duckdb.Error):
                    connection.close()
            if (new / f"{DATABASE}.wal").exists():
                raise CaseError(f"can't write the case {path}. Nothing was changed there.")
            replace(new, place)
        finally:
            shutil.rmtree(new, ignore_errors=True)


def _upgrade(connection: duckdb.DuckDBPyConnection) -> None:
    """Make a database of an older version one of this."""
    [(database,)] = connection.execute("SELECT current_database()").fetchall()
    for table in TABLES.values():
        if table.kept and (sql := as_declared(connection, table, database)) is not None:
            connection.execute(f"CREATE TABLE _upgraded AS {sql}")
            connection.execute(f"DROP TABLE IF EXISTS {table.name}")
            connection.execute(f"ALTER TABLE _upgraded RENAME TO {table.name}")
    connection.execute(
        f"UPDATE {META.name} SET value = ? WHERE key = 'schema_version'", [str(SCHEMA_VERSION)]
    )
