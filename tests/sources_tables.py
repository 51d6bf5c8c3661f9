"""One small population as tables of every format, and what comes of it."""

import json
import sqlite3
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from linkage import sources
from linkage.config import SourcesConfig
from linkage.engine import DuckDBEngine

ROWS = [
    ("007", "9.9.9.9", "2024-01-31T10:20:00Z", "write a poem"),
    ("007", "9.9.9.9", "2024-01-31T11:00:00Z", "write a poem"),
    ("8", "8.8.8.8", "2024-02-01T00:00:00Z", 'say "hi",\nthen stop'),
]
NAMES = ("user_id", "Client IP", "ts", "prompt")
EXPECTED = {
    "accounts": [
        ("007", None, datetime(2024, 1, 31, 10, 20), datetime(2024, 1, 31, 11), 2),
        ("8", None, datetime(2024, 2, 1), datetime(2024, 2, 1), 1),
    ],
    "observations": [
        ("007", "ip", "9.9.9.9", datetime(2024, 1, 31, 10, 20), datetime(2024, 1, 31, 11), 2),
        ("8", "ip", "8.8.8.8", datetime(2024, 2, 1), datetime(2024, 2, 1), 1),
    ],
    "prompts": [
        ("007", "write a poem", datetime(2024, 1, 31, 10, 20), datetime(2024, 1, 31, 11), 2),
        ("8", 'say "hi",\nthen stop', datetime(2024, 2, 1), datetime(2024, 2, 1), 1),
    ],
    "activity": [
        ("007", datetime(2024, 1, 31, 10), 1),
        ("007", datetime(2024, 1, 31, 11), 1),
        ("8", datetime(2024, 2, 1), 1),
    ],
}


def load(*inputs, engine=None, **settings):
    engine = engine or DuckDBEngine()
    sources.load(engine, list(inputs), SourcesConfig(**settings))
    return engine


def tables(engine):
    """The tables with the accounts' names in the place of their numbers, in order."""
    return {
        "accounts": engine.rows("SELECT * EXCLUDE (account) FROM accounts ORDER BY account"),
        **{
            table: engine.rows(
                f"SELECT account_id, t.* EXCLUDE (account) FROM {table} AS t "
                "JOIN accounts USING (account) ORDER BY ALL"
            )
            for table in ("observations", "prompts", "activity")
        },
    }


def rejected(engine):
    return engine.rows(
        "SELECT kind, reason, count, rows, example FROM rejected ORDER BY kind, reason"
    )


def raws(engine):
    return engine.rows(
        "SELECT account_id, kind, raw FROM observations JOIN accounts USING (account) ORDER BY ALL"
    )


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def csv_text(delimiter=",", line_end="\n", rows=ROWS, names=NAMES):
    quoted = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row] for row in rows]
    return line_end.join(delimiter.join(row) for row in [names, *quoted]) + line_end


def as_json(rows=ROWS):
    return [json.dumps(dict(zip(NAMES, row, strict=True))) for row in rows]


def as_table(rows=ROWS):
    return pa.table([pa.array(c) for c in zip(*rows, strict=True)], names=list(NAMES))


def parquet(path, table=None):
    pq.write_table(as_table() if table is None else table, path)
    return path


def sqlite(path):
    with sqlite3.connect(path) as database:
        database.execute('CREATE TABLE events(user_id, "Client IP", ts, prompt)')
        database.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", ROWS)
    database.close()
    return path


def duck(path):
    with duckdb.connect(str(path)) as database:
        events = as_table()
        database.register("source", events)
        database.execute("CREATE TABLE events AS SELECT * FROM source")
        database.execute("CREATE VIEW recent AS SELECT * FROM events WHERE user_id = '8'")
    return path
