"""Spark, for services beyond one machine: the same SQL, the same results.

Files are read, and cases written, by an embedded DuckDB on the driver; what Spark's statements
read and it does not have yet comes from there, and what they made goes back, a batch at a time. A
table of few rows is a local relation, which any statement reads at once; a larger one is a
Parquet file in a scratch folder that all machines reach. Either way a table is data, not the
history of how it came about, however many rounds changed it. It is computed when it is first
read, so that what is changed several times before is computed once.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from linkage.config import EngineConfig
from linkage.engine.duckdb import DuckDBEngine
from linkage.engine.spark_session import DataFrame, SparkSession, is_local, prepared, started
from linkage.engine.spark_sql import Statement, translate

FEW = 20_000
"""Rows up to which a table is a local relation, kept on the driver."""
LITTLE = 2 * FEW
"""Rows read up to which a statement is run for short ways: in one partition, without compiling."""
PORTION = 64_000_000
"""Bytes handed to Spark at a time."""


@dataclass
class Frame:
    """A table: the frame that yields it, and once it is computed, its rows and where they are."""

    frame: DataFrame
    rows: int | None = None
    read: int = 0
    """Rows of the tables that it is made of, while it is not computed."""
    folders: set[str] = field(default_factory=set)
    """Where those rows are, if not with the driver."""
    borrowed: bool = False
    """Whether the embedded engine has it as it is."""


class SparkEngine:
    """Spark as the engine of a run: `linkage.run(inputs, out, engine=SparkEngine(session))`.

    `session` is a classic Spark session, as Databricks and EMR have one ready; linkage works beside
    it, in a session of its own on the same cluster, and leaves it as it was. Without it the active
    one is used, or one is started, on `config.master` or this machine, and stopped in the end.
    `scratch` is a folder
    that all of Spark's machines reach (`hdfs:`, `s3:`, `dbfs:`); without it, the file system that
    Spark is set up with is used. linkage must be installed on the machines that run Python.

    `MissingExtraError` without pyspark; `ConfigError` if Spark can't be started.

    >>> engine = SparkEngine()  # doctest: +SKIP
    >>> with linkage.run(["events.parquet"], "case", engine=engine) as case:  # doctest: +SKIP
    ...     print(case.operators)
    """

    def __init__(
        self,
        session: SparkSession | None = None,
        scratch: str = "",
        config: EngineConfig | None = None,
    ) -> None:
        self._given = session
        self._config = config or EngineConfig()
        self._scratch = scratch or self._config.scratch
        self._started: SparkSession | None = None
        self._folder = ""
        self._tables: dict[str, Frame] = {}
        self._folders: set[str] = set()

    def begin(self, embedded: DuckDBEngine, scratch: Path) -> None:
        """Begin a run: `embedded` reads and writes files, `scratch` is a folder beside the case."""
        session = self._given or SparkSession.getActiveSession()
        if session is None:
            session = self._started = started(self._config, embedded.memory)
        self._spark = prepared(session)
        self._usual = {name: self._spark.conf.get(name, None) for name in QUICK}
        self._is_quick = False
        self._embedded = embedded
        self.threads = embedded.threads
        self.versions = {**embedded.versions, "spark": session.version}
        self._beside = scratch
        name = f"linkage-{uuid.uuid4().hex[:12]}"
        if not self._scratch and is_local(session):
            self._folder = (scratch / name).absolute().as_uri()
        else:
            self._folder = f"{self._scratch.rstrip('/') or '/tmp'}/{name}"
        self._numbers = itertools.count()

    @property
    def embedded(self) -> DuckDBEngine:
        """The DuckDB on the driver, which reads inputs and writes cases."""
        return self._embedded

    def readable(self, inputs: Sequence[Any]) -> list[Any]:
        """Inputs as the embedded engine reads them: Spark's frames as files of the driver."""
        found: list[Any] = []
        for given in inputs:
            if isinstance(given, DataFrame):
                path = self._beside / f"frame-{len(found)}.parquet"
                with _streamed(given) as rows, pq.ParquetWriter(path, rows.schema) as file:
                    for batch in rows:
                        file.write_batch(batch)
                given = path
            found.append(given)
        return found

    def hand_over(self, tables: Iterable[str]) -> DuckDBEngine:
        """Give the embedded engine those of `tables` that it has not, or not as they are now."""
        for name in tables:
            if name in self._tables and not self._computed(name).borrowed:
                frame = self._tables[name]
                if (frame.rows or 0) <= FEW:
                    self._embedded.put(name, frame.frame.toArrow())
                else:
                    self._embedded.put(name, _streamed(frame.frame))
                frame.borrowed = True
        return self._embedded

    def lent(self, share: float) -> AbstractContextManager[int]:
        """Do with less memory on the driver while the block runs; yields what others may use."""
        return self._embedded.lent(share)

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement; `?` in it stands for the parameters in order."""
        self._do(translate(sql, parameters, self._columns))

    def arrow(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """The result of a query as an Arrow table."""
        return self._query(sql, parameters).toArrow()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The result of a query as tuples."""
        return [tuple(row) for row in self._query(sql, parameters).collect()]

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The one value of a query that yields one row with one column."""
        rows = self.rows(sql, parameters)
        return rows[0][0] if rows else None

    def exists(self, table: str) -> bool:
        """Whether there is such a table."""
        return table in self._tables or self._embedded.exists(table)

    def create(self, table: str, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Make (or replace) a table from a query."""
        self.run(f"CREATE OR REPLACE TABLE {table} AS {sql}", parameters)

    def put(self, table: str, data: pa.Table) -> None:
        """Make (or replace) a table from an Arrow table."""
        self._set(table, self._held(data))

    def fold(self, table: str, *columns: str) -> None:
        """Nothing: Spark has texts only, and packs them by itself."""

    def map_batches(
        self,
        sql: str,
        function: Callable[[pa.RecordBatch], pa.RecordBatch],
        table: str,
        schema: pa.Schema,
        done: Callable[[int], None] | None = None,
    ) -> None:
        """Run `function` over the result of a query, a batch at a time, into a table.

        It runs in Spark's workers, which don't tell how far they are.
        """

        def every(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            return map(function, batches)

        made = self._framed(translate(sql, (), self._columns))
        types = self._spark.createDataFrame(schema.empty_table()).schema
        made.frame = made.frame.mapInArrow(every, types)
        self._set(table, made)
        self._computed(table)

    def drop(self, *tables: str) -> None:
        """Drop tables, if they exist."""
        for table in tables:
            self._tables.pop(table, None)
            self._spark.catalog.dropTempView(table)
            self._embedded.drop(table)
        self._sweep()

    def close(self) -> None:
        """End a run: drop its tables, and Spark if this engine started it."""
        # what failed before tells more than what fails because of it
        with suppress(Exception):
            for table in self._tables:
                self._spark.catalog.dropTempView(table)
            if self._folder:
                self._remove(self._folder)
        self._tables, self._folders, self._folder = {}, set(), ""
        if self._started is not None:
            self._started.stop()
            self._started = None

    def _do(self, statement: Statement) -> None:
        name = statement.table
        if statement.kind == "create":
            if not (statement.keep and self.exists(name)):
                self._set(name, self._framed(statement))
        elif statement.kind == "insert":
            self._insert(statement)
        elif statement.kind == "replace":
            self._set(name, self._shaped(self._framed(statement), self._known(name)))
        elif statement.kind == "drop":
            self.drop(name)
        elif statement.kind == "rename":
            self._computed(name)
            self._set(statement.other, self._tables.pop(name))
            self._spark.catalog.dropTempView(name)
            self._embedded.drop(name)
        else:
            raise NotImplementedError(f"a query yields rows: {statement.sql[:200]}")

    def _insert(self, statement: Statement) -> None:
        old = self._known(statement.table)
        if statement.values is not None:
            columns = zip(*statement.values, strict=True)
            names = old.frame.columns
            data = {n: pa.array(values) for n, values in zip(names, columns, strict=True)}
            new = self._held(pa.table(data))
        else:
            new = self._framed(statement)
        new = self._shaped(new, old, statement.by_name)
        both = Frame(
            old.frame.union(new.frame),
            read=_weight(old) + _weight(new),
            folders=old.folders | new.folders,
        )
        self._set(statement.table, both)

    def _shaped(self, new: Frame, old: Frame, by_name: bool = False) -> Frame:
        """Rows with the columns and types of a table; by name, those that are missing are null."""
        if not by_name:
            new.frame = new.frame.toDF(*old.frame.columns)
        there = set(new.frame.columns)
        columns = [
            f"CAST({f'`{name}`' if name in there else 'NULL'} AS {kind}) AS `{name}`"
            for name, kind in old.frame.dtypes
        ]
        new.frame = new.frame.selectExpr(*columns)
        return new

    def _query(self, sql: str, parameters: Sequence[Any]) -> DataFrame:
        made = self._framed(translate(sql, parameters, self._columns))
        self._tune(made.read)
        return made.frame

    def _framed(self, statement: Statement) -> Frame:
        """The frame of a query, of which all tables are there."""
        read, folders = 0, set[str]()
        for name in statement.reads:
            if name not in self._tables and not self._borrow(name):
                # the name of a part of the query
                continue
            # what is changed before anything else reads it is computed with the change
            changed = statement.kind == "replace" and name == statement.table
            alone = changed and statement.reads.count(name) == 1
            table = self._tables[name] if alone else self._computed(name)
            read += _weight(table)
            folders |= table.folders
        return Frame(self._spark.sql(statement.sql), read=read, folders=folders)

    def _known(self, name: str) -> Frame:
        if name not in self._tables and not self._borrow(name):
            raise KeyError(f"there is no table {name}")
        return self._tables[name]

    def _columns(self, name: str) -> Sequence[str]:
        return self._known(name).frame.columns

    def _borrow(self, name: str) -> bool:
        """Take over a table of the embedded engine; tell whether there is such a table."""
        if not self._embedded.exists(name):
            return False
        reader = self._embedded.reader(f"SELECT * FROM {name}")
        first, more = _first(reader)
        if more is None:
            taken = self._held(first)
        else:
            folder = self._new_folder()
            rows = 0
            for portion in itertools.chain([first], more):
                rows += portion.num_rows
                self._spark.createDataFrame(portion).write.mode("append").parquet(folder)
            taken = Frame(self._spark.read.parquet(folder), rows, folders={folder})
        taken.borrowed = True
        self._set(name, taken)
        return True

    def _held(self, data: pa.Table) -> Frame:
        return Frame(self._spark.createDataFrame(data), data.num_rows)

    def _set(self, name: str, table: Frame) -> None:
        self._tables[name] = table
        table.frame.createOrReplaceTempView(name)
        self._sweep()

    def _computed(self, name: str) -> Frame:
        """A table, as data rather than as a query."""
        table = self._tables[name]
        if table.rows is None:
            table = self._compute(table)
            self._set(name, table)
        return table

    def _compute(self, table: Frame) -> Frame:
        self._tune(table.read)
        if table.read <= LITTLE:
            # one more than may be held tells whether there are more
            found = table.frame.limit(FEW + 1).toArrow()
            if found.num_rows <= FEW:
                return self._held(found)
        folder = self._new_folder()
        schema = table.frame.schema
        table.frame.write.parquet(folder)
        stored = self._spark.read.schema(schema).parquet(folder)
        rows = stored.count()
        if rows <= FEW:
            return self._held(stored.toArrow())
        return Frame(stored, rows, folders={folder})

    def _tune(self, read: int) -> None:
        """Settings for a statement that reads so many rows: what little work costs is its plan."""
        quick = read <= LITTLE
        if quick != self._is_quick:
            for name, value in (QUICK if quick else self._usual).items():
                if value is None:
                    self._spark.conf.unset(name)
                else:
                    self._spark.conf.set(name, value)
            self._is_quick = quick

    def _new_folder(self) -> str:
        folder = f"{self._folder}/{next(self._numbers)}"
        self._folders.add(folder)
        return folder

    def _sweep(self) -> None:
        """Remove the files that no table is in, nor made of."""
        used = set().union(*(table.folders for table in self._tables.values()))
        for folder in self._folders - used:
            self._remove(folder)
        self._folders &= used

    def _remove(self, folder: str) -> None:
        """Remove a folder, wherever it is, if it is there."""
        context = self._spark.sparkContext
        path = context._jvm.org.apache.hadoop.fs.Path(folder)  # type: ignore[union-attr]
        path.getFileSystem(context._jsc.hadoopConfiguration()).delete(path, True)


QUICK = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.leafNodeDefaultParallelism": "1",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
}
"""Spark's settings for statements that read little."""


def _weight(table: Frame) -> int:
    return table.read if table.rows is None else table.rows


def _first(reader: pa.RecordBatchReader) -> tuple[pa.Table, Iterator[pa.Table] | None]:
    """The first portion of the rows, and the others; None: it is all, and few enough to hold."""
    portions = _portions(reader)
    first = next(portions)
    second = next(portions, None)
    if second is None and first.num_rows <= FEW:
        return first, None
    return first, itertools.chain([] if second is None else [second], portions)


def _portions(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The rows in tables of some size; at least one, perhaps empty."""
    held: list[pa.RecordBatch] = []
    for batch in reader:
        held.append(batch)
        if sum(part.nbytes for part in held) >= PORTION:
            yield pa.Table.from_batches(held, reader.schema)
            held = []
    yield pa.Table.from_batches(held, reader.schema)


def _streamed(frame: DataFrame) -> pa.RecordBatchReader:
    """The rows of a frame, a batch at a time: as bytes, which are what Spark can hand out so."""

    def packed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            yield pa.record_batch({"batch": pa.array([sink.getvalue().to_pybytes()])})

    schema = frame.limit(0).toArrow().schema

    def unpacked() -> Iterator[pa.RecordBatch]:
        for row in frame.mapInArrow(packed, "batch binary").toLocalIterator():
            with pa.ipc.open_stream(bytes(row[0])) as stream:
                for batch in stream:
                    yield batch.cast(schema)

    return pa.RecordBatchReader.from_batches(schema, unpacked())
