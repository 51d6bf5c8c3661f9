"""Tables that have types: parquet, DuckDB and SQLite files, pandas and Arrow tables."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from linkage.engine import DuckDBEngine
from linkage.errors import InputError, shorten, suggestion
from linkage.sources.relation import Column, Relation, identifier, literal, path_literal, reading

_BATCH = 20_000


def open_parquet(engine: DuckDBEngine, path: Path, name: str, sha: str) -> Relation:
    """A parquet file; it is read in place, column by column."""
    source = (
        f"read_parquet({path_literal(str(path))}, file_row_number = true, "
        "hive_partitioning = false, binary_as_string = true)"
    )
    with reading(name):
        columns = [c for c in _columns(engine, source) if c.name != "file_row_number"]
    return Relation(name, "parquet", sha, source, tuple(columns), row="file_row_number")


def open_duckdb(engine: DuckDBEngine, path: Path, table: str, sha: str) -> Relation:
    """A table or view of a DuckDB file, attached read-only until `detach`."""
    known = "SELECT database_name FROM duckdb_databases() WHERE path = ?"
    resolved = str(path.resolve())
    with reading(path.name):
        alias = engine.value(known, [resolved])
        if alias is None:
            alias = f"_source_{engine.value('SELECT count(*) FROM duckdb_databases()')}"
            engine.run(f"ATTACH {literal(resolved)} AS {alias} (READ_ONLY)")
        found = engine.rows(
            """SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ?
            UNION ALL SELECT schema_name, view_name FROM duckdb_views()
            WHERE database_name = ? AND NOT internal""",
            [alias, alias],
        )
        names = {t if s == "main" else f"{s}.{t}": (s, t) for s, t in found}
        chosen = _choose(path.name, table, list(names))
        schema, plain = names[chosen]
        source = f"{identifier(alias)}.{identifier(schema)}.{identifier(plain)}"
        columns = _columns(engine, source)
    return Relation(f"{path.name}::{chosen}", "duckdb", sha, source, tuple(columns))


def detach(engine: DuckDBEngine) -> None:
    """Let go of the DuckDB files that were attached."""
    for (alias,) in engine.rows(
        "SELECT database_name FROM duckdb_databases() WHERE starts_with(database_name, '_source_')"
    ):
        engine.run(f"DETACH {identifier(alias)}")


def open_sqlite(engine: DuckDBEngine, path: Path, table: str, sha: str, staging: str) -> Relation:
    """A table or view of a SQLite file, copied into the table `staging`, all columns as text."""
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as database:
            database.text_factory = lambda raw: raw.decode("utf-8", "replace")
            found = database.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
                "AND name NOT LIKE 'sqlite_%'"
            )
            chosen = _choose(path.name, table, [row[0] for row in found])
            cursor = database.execute(f"SELECT * FROM {identifier(chosen)}")
            names = [column[0] for column in cursor.description]
            schema = pa.schema([(f"c{i}", pa.string()) for i in range(len(names))])
            reader = pa.RecordBatchReader.from_batches(schema, _batches(cursor, schema))
            with reading(path.name):
                engine.put(staging, reader)
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise InputError(
                f"{path.name}: in use; another program is writing it.\n"
                "Wait until it has ended, or copy the file and read the copy."
            ) from None
        raise InputError(
            f"{path.name}: the SQLite file can't be read; it seems damaged or cut short ({error})."
        ) from None
    columns = tuple(Column(name, f"c{i}", "VARCHAR") for i, name in enumerate(names))
    return Relation(f"{path.name}::{chosen}", "sqlite", sha, staging, columns, row="rowid")


def _batches(cursor: sqlite3.Cursor, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while rows := cursor.fetchmany(_BATCH):
        columns = zip(*rows, strict=True)
        arrays = [pa.array([_text(value) for value in column], pa.string()) for column in columns]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _choose(file: str, table: str, tables: list[str]) -> str:
    if table in tables:
        return table
    if not table and len(tables) == 1:
        return tables[0]
    if not tables:
        raise InputError(f"{file}: a database without tables.")
    listed = ", ".join(sorted(tables))
    if not table:
        raise InputError(
            f"{file}: a database of {len(tables)} tables ({listed}); say which.\n"
            f"For example: {file}::{sorted(tables)[0]}"
        )
    raise InputError(f"{file}: no table {shorten(table)} in it. {suggestion(table, tables)}")


def open_memory(engine: DuckDBEngine, data: Any, name: str, staging: str) -> Relation:
    """A pandas or Arrow table, copied into the table `staging`; hashed whatever the row order."""
    table = _arrow(data, name)
    names = [str(column) for column in table.column_names]
    with reading(name):
        engine.put(staging, table.rename_columns([f"c{i}" for i in range(len(names))]))
        described = _columns(engine, staging)
        count, low, high = engine.rows(
            f"""SELECT count(*), sum(md5_number_lower(t)), sum(md5_number_upper(t)) FROM (
                SELECT CAST(to_json(r) AS VARCHAR) AS t FROM {staging} AS r)"""
        )[0]
    digest = hashlib.sha256(repr((names, count, low, high)).encode()).hexdigest()
    columns = tuple(
        Column(label, column.sql, column.type)
        for label, column in zip(names, described, strict=True)
    )
    return Relation(name, "memory", digest, staging, columns, row="rowid")


def _arrow(data: Any, name: str) -> pa.Table:
    if isinstance(data, pa.Table):
        return data.replace_schema_metadata(None)
    if not hasattr(data, "columns") or not hasattr(data, "dtypes"):
        raise InputError(
            f"{name}: expected a path, a pandas DataFrame or an Arrow table, "
            f"found {type(data).__name__}."
        )
    arrays = []
    for position in range(len(data.columns)):
        values = data.iloc[:, position]
        try:
            arrays.append(pa.array(values, from_pandas=True))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            # a column of several types
            texts = [
                None if missing else _text(v)
                for v, missing in zip(values, values.isna(), strict=True)
            ]
            arrays.append(pa.array(texts, pa.string()))
    return pa.table(arrays, names=[str(column) for column in data.columns])


def _columns(engine: DuckDBEngine, source: str) -> list[Column]:
    described = engine.rows(f"DESCRIBE SELECT * FROM {source}")
    return [Column(row[0], identifier(row[0]), row[1]) for row in described]
