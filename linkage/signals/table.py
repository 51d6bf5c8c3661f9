"""From the table of observations to the table of cleaned values.

Each distinct raw value of a kind is cleaned once, in batches, by a pure function: all heavy lifting
(finding the distinct values, counting what was refused) is the engine's. A kind most of whose
values are malformed is an error, not a count: a column was taken for something else, and a run
without it would look as if all were well.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from linkage import schema
from linkage.config import SignalsConfig
from linkage.engine import Engine
from linkage.errors import InputError, shorten
from linkage.signals.base import Kind, Levels, Rejected

MIN_MALFORMED = 20
"""Fewer malformed values are never an error: a small file may have a few of them by accident."""

_SCHEMA = pa.schema(
    [
        ("raw", pa.string()),
        ("signal_kind", pa.string()),
        ("value", pa.string()),
        ("parent_kind", pa.string()),
        ("parent", pa.string()),
        ("reason", pa.string()),
        ("rows", pa.int64()),
    ]
)
_NOUNS = {
    "ip": "addresses",
    "ip_range": "address ranges",
    "bin": "card issuers (six to eight digits)",
    "email": "e-mail addresses",
    "email_domain": "mail domains",
    "phone": "phone numbers",
    "website": "websites",
}


def clean(engine: Engine, config: SignalsConfig, kind_of: Callable[[str], Kind]) -> None:
    """Make `cleaned` from `observations`, and add to `rejected`."""
    engine.drop(schema.CLEANED.name)
    engine.run(schema.CLEANED.ddl())
    engine.run(schema.REJECTED.ddl().replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))
    kinds = engine.rows("SELECT DISTINCT kind FROM observations ORDER BY kind")
    for (name,) in kinds:
        _clean_kind(engine, config, kind_of(name))
    engine.drop("_cleaned")


def _clean_kind(engine: Engine, config: SignalsConfig, kind: Kind) -> None:
    name = kind.name.replace("'", "''")
    engine.map_batches(
        f"""
        SELECT raw, CAST(sum(n) AS BIGINT) AS rows FROM observations
        WHERE kind = '{name}' AND raw IS NOT NULL GROUP BY raw
        """,
        lambda batch: clean_batch(batch, kind, config),
        "_cleaned",
        _SCHEMA,
    )
    _refuse_mismapped(engine, kind)
    engine.run(
        f"""
        INSERT INTO cleaned
        SELECT '{name}', raw, signal_kind, value, parent_kind, parent
        FROM _cleaned WHERE reason IS NULL
        """
    )
    refused = engine.rows(
        """
        SELECT reason, count(*), CAST(sum(rows) AS BIGINT), min(raw) FROM _cleaned
        WHERE reason IS NOT NULL GROUP BY reason ORDER BY reason
        """
    )
    for reason, count, rows, example in refused:
        engine.run(
            "INSERT INTO rejected VALUES ('', ?, ?, ?, ?, ?)",
            [kind.name, reason, count, rows, shorten(example)[1:-1]],
        )


def clean_batch(batch: pa.RecordBatch, kind: Kind, config: SignalsConfig) -> pa.RecordBatch:
    """A batch of `raw` and `rows`: its signals, and its refused values with the reason."""
    raw, rows = batch.column("raw"), batch.column("rows")
    parts = []
    if kind.clean_many is not None:
        taken, levels = kind.clean_many(raw)
        parts += _levels(raw.filter(pa.array(taken)), levels)
        left = pa.array(~taken)
        raw, rows = raw.filter(left), rows.filter(left)
    parts.append(_one_by_one(raw, rows, kind, config))
    return pa.Table.from_batches(parts, _SCHEMA).combine_chunks().to_batches()[0]


def _levels(raw: pa.Array, levels: Levels) -> list[pa.RecordBatch]:
    """Signals of the same values, from fine to coarse."""
    parts = []
    empty, no_rows = pa.nulls(len(raw), pa.string()), pa.nulls(len(raw), pa.int64())
    for i, (kind, values) in enumerate(levels):
        parent_kind, parent = empty, empty
        if i + 1 < len(levels):
            parent_kind, parent = _constant(levels[i + 1][0], len(raw)), levels[i + 1][1]
        columns = [raw, _constant(kind, len(raw)), values, parent_kind, parent, empty, no_rows]
        parts.append(pa.record_batch(columns, schema=_SCHEMA))
    return parts


def _constant(text: str, length: int) -> pa.Array:
    return pa.array(np.full(length, text, dtype=object), pa.string())


def _one_by_one(raw: pa.Array, rows: pa.Array, kind: Kind, config: SignalsConfig) -> pa.RecordBatch:
    found: list[tuple[object, ...]] = []
    for text, n in zip(raw.to_pylist(), rows.to_pylist(), strict=True):
        result = kind.clean(text, config)
        if isinstance(result, Rejected):
            found.append((text, None, None, None, None, result.reason, n))
            continue
        for value, parent in zip(result, (*result[1:], (None, None)), strict=True):
            found.append((text, *value, *parent, None, None))
    columns = zip(*found, strict=True) if found else [()] * len(_SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
    return pa.record_batch(arrays, schema=_SCHEMA)


def _refuse_mismapped(engine: Engine, kind: Kind) -> None:
    malformed = "reason LIKE 'not a%'"
    count, usable, first = engine.rows(
        f"""
        SELECT count(DISTINCT raw) FILTER ({malformed}),
            count(DISTINCT raw) FILTER (reason IS NULL OR reason <> 'placeholder'),
            min(raw) FILTER ({malformed})
        FROM _cleaned
        """
    )[0]
    if count < MIN_MALFORMED or 2 * count <= usable:
        return
    columns = _columns(engine, kind.name)
    where = "; ".join(f'{name}, column "{column}"' for name, column in columns)
    if columns:
        names = dict.fromkeys(name for name, _ in columns)
        maps = " ".join(f"--map {_quoted(column)}=ignore" for _, column in columns)
        what = "this column is" if len(columns) == 1 else "one of these columns is"
        advice = f"If {what} something else, map it: linkage run {' '.join(names)} {maps}"
    else:
        advice = "If they are something else, give them another kind."
    raise InputError(
        f"{where or f'kind {shorten(kind.name)}'}: {count:,} of {usable:,} values are not "
        f"{_NOUNS.get(kind.name, kind.name)} (such as {shorten(first)}).\n{advice}"
    )


def _columns(engine: Engine, kind: str) -> list[tuple[str, str]]:
    """The inputs' columns that were mapped to a kind, if the inputs are known."""
    known = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'inputs'"
    if not engine.value(known):
        return []
    inputs = engine.rows("SELECT name, columns FROM inputs ORDER BY input")
    return [
        (name, column)
        for name, columns in inputs
        for column, mapped in json.loads(columns or "{}").items()
        if mapped == kind
    ]


def _quoted(column: str) -> str:
    return column if column.isidentifier() else "'" + column.replace("'", "'\\''") + "'"
