"""DuckDB in a file of its own, which spills to disk beyond its memory limit.

Memory is the engine's to hold: every table lives in a database file in a scratch folder, so that
a run needs disk, not memory, for what it keeps between stages.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakSet

import duckdb
import pyarrow as pa

from linkage.config import EngineConfig
from linkage.errors import ConfigError, shorten

BATCH_ROWS = 50_000
LEAST = 64_000_000
"""Bytes that the engine keeps whatever it lends."""

LOG = "1GB"
"""How long the log of changes may get before the file is brought up to it: many small tables are
gone before that."""

_connections: WeakSet[duckdb.DuckDBPyConnection] = WeakSet()


def interruptible(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Register a connection that `interrupt` shall stop; returns it."""
    _connections.add(connection)
    return connection


def interrupt() -> None:
    """Stop the queries that run now, in whichever thread.

    DuckDB now and then loses an interrupt while it is handling it, and then waits for the query to
    end; so whoever wants to be sure calls this again until it has ended.
    """
    for connection in list(_connections):
        with contextlib.suppress(duckdb.Error):
            connection.interrupt()


class DuckDBEngine:
    """The embedded engine.

    >>> engine = DuckDBEngine()
    >>> engine.create("numbers", "SELECT unnest([1, 2, 3]) AS x")
    >>> engine.value("SELECT sum(x) FROM numbers WHERE x > ?", [1])
    5
    """

    def __init__(self, path: Path | None = None, config: EngineConfig | None = None) -> None:
        config = config or EngineConfig()
        # no stage relies on insertion order: what must be in order is sorted
        settings: dict[str, Any] = {
            "preserve_insertion_order": False,
            "memory_limit": config.memory,
            # a file that is lost with the machine's power is scratch; what is kept is `seal`ed
            "fsync_mode": "NONE",
            "checkpoint_threshold": LOG,
            # packing what is gone soon costs more than writing it
            "force_compression": "uncompressed",
        }
        if config.threads:
            settings["threads"] = config.threads
        try:
            connection = duckdb.connect(str(path or ":memory:"), config=settings)
        except (duckdb.ParserException, duckdb.InvalidInputException):
            memory = shorten(config.memory)
            raise ConfigError(
                f"engine.memory must be a size such as 4GB or 500MB, found {memory}."
            ) from None
        self.connection = interruptible(connection)
        if path is not None:
            self.connection.execute("SET temp_directory = ?", [str(path.parent / "spill")])
        self.threads = int(self.value("SELECT current_setting('threads')"))
        self.connection.execute("SET enable_progress_bar = false")
        self.connection.execute("SET TimeZone = 'UTC'")
        self.versions = {"duckdb": duckdb.__version__}

    @property
    def embedded(self) -> DuckDBEngine:
        """Itself: it reads inputs and writes cases, too."""
        return self

    def readable(self, inputs: Sequence[Any]) -> list[Any]:
        """Inputs as `embedded` reads them: as they are."""
        return list(inputs)

    def hand_over(self, tables: Iterable[str]) -> DuckDBEngine:
        """Itself: it has all tables."""
        return self

    @property
    def memory(self) -> int:
        """Its memory limit, in bytes."""
        limit = "SELECT parse_formatted_bytes(current_setting('memory_limit'))"
        return int(self.value(limit))

    @contextlib.contextmanager
    def lent(self, share: float) -> Iterator[int]:
        """Do with less memory while the block runs; yields the bytes that others may use."""
        setting, memory = self.value("SELECT current_setting('memory_limit')"), self.memory
        kept = max(int(memory * (1 - share)), LEAST)
        self.run(f"SET memory_limit = '{kept} bytes'")
        try:
            yield int(memory * share)
        finally:
            self.run(f"SET memory_limit = '{setting}'")

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement; `?` in it stands for the parameters in order."""
        self.connection.execute(sql, list(parameters))

    def arrow(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """The result of a query as an Arrow table."""
        return self.connection.sql(sql, params=list(parameters)).to_arrow_table()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The result of a query as tuples."""
        return self.connection.sql(sql, params=list(parameters)).fetchall()

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The one value of a query that yields one row with one column."""
        rows = self.rows(sql, parameters)
        return rows[0][0] if rows else None

    def reader(self, sql: str) -> pa.RecordBatchReader:
        """The result of a query, a batch at a time, while other statements run."""
        return self.connection.cursor().sql(sql).to_arrow_reader(BATCH_ROWS)

    def exists(self, table: str) -> bool:
        """Whether there is such a table."""
        known = "SELECT count(*) FROM information_schema.tables WHERE table_name = ?"
        return bool(self.value(known, [table]))

    def create(self, table: str, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Make (or replace) a table from a query."""
        self.run(f"CREATE OR REPLACE TABLE {table} AS {sql}", parameters)

    def put(self, table: str, data: pa.Table) -> None:
        """Make (or replace) a table from an Arrow table."""
        self.connection.register("_arrow", data)
        try:
            self.create(table, "SELECT * FROM _arrow")
        finally:
            self.connection.unregister("_arrow")

    def fold(self, table: str, *columns: str) -> None:
        """Keep the texts of columns that have few different ones as numbers, which are faster.

        >>> engine = DuckDBEngine()
        >>> engine.create("kinds", "SELECT 'ip' AS kind")
        >>> engine.fold("kinds", "kind")
        >>> engine.rows("SELECT kind FROM kinds WHERE kind <> 'email'")
        [('ip',)]
        """
        texts = " UNION ".join(f"SELECT {column} AS text FROM {table}" for column in columns)
        few = self.rows(f"SELECT text FROM ({texts}) WHERE text IS NOT NULL ORDER BY text")
        quoted = ", ".join("'" + text.replace("'", "''") + "'" for (text,) in few)
        for column in columns if quoted else ():
            self.run(f"ALTER TABLE {table} ALTER {column} TYPE ENUM ({quoted})")

    def map_batches(
        self,
        sql: str,
        function: Callable[[pa.RecordBatch], pa.RecordBatch],
        table: str,
        schema: pa.Schema,
        done: Callable[[int], None] | None = None,
    ) -> None:
        """Run `function` over the result of a query, a batch at a time, into a table.

        `done` is told how many rows each batch had.
        """
        # a cursor of its own reads while this connection writes
        source = self.reader(sql)

        def results() -> Iterator[pa.RecordBatch]:
            for batch in source:
                yield function(batch)
                if done is not None:
                    done(len(batch))

        self.put(table, pa.RecordBatchReader.from_batches(schema, results()))

    def drop(self, *tables: str) -> None:
        """Drop tables, if they exist."""
        for table in tables:
            self.run(f"DROP TABLE IF EXISTS {table}")

    def close(self) -> None:
        """Close the database."""
        self.connection.close()
