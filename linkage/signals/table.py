"""From the table of observations to the table of cleaned values.

Each distinct raw value of a kind is cleaned once, in batches, by a pure function: all heavy lifting
(finding the distinct values, counting what was refused) is the engine's. A kind most of whose
values are malformed is an error, not a count: a column was taken for something else, and a run
without it would look as if all were well.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from linkage import schema
from linkage.config import SignalsConfig
from linkage.engine import Engine
from linkage.errors import InputError, shorten, together
from linkage.signals.base import Kind, Levels, Rejected

MIN_MALFORMED = 20
"""Fewer malformed values are never an error: a small file may have a few of them by accident."""

MIN_FILLED = 0.1
"""Nor are values that fewer accounts have: a column that is nearly empty decides no run, and
lists merged from many places have some that slipped out of line."""
LEVELS = 3
"""Most signals that a value may yield, from fine to coarse."""

_SCHEMA = pa.schema(
    [("raw", pa.string()), ("rows", pa.int64()), ("reason", pa.string())]
    + [(f"{part}_{i}", pa.string()) for i in range(LEVELS) for part in ("kind", "value")]
)
_NOUNS = {
    "ip": "addresses",
    "ip_range": "address ranges",
    "bin": "card issuers (six to eight digits)",
    "email": "e-mail addresses",
    "email_domain": "mail domains",
    "phone": "phone numbers",
    "phone_range": "ranges of phone numbers",
    "website": "websites",
}


def clean(engine: Engine, config: SignalsConfig, kind_of: Callable[[str], Kind]) -> None:
    """Make `cleaned` from `observations`, and add to `rejected`.

    Raw values that are in `cleaned` already stay as they are there.
    """
    engine.run(schema.CLEANED.ddl("CREATE TABLE IF NOT EXISTS"))
    engine.run(schema.REJECTED.ddl("CREATE TABLE IF NOT EXISTS"))
    kinds = engine.rows("SELECT DISTINCT kind FROM observations ORDER BY kind")
    # at once: for each kind anew, what is known would be gone through as often
    engine.create(
        "_raw",
        """
        SELECT o.kind, o.raw, CAST(sum(o.n) AS BIGINT) AS rows FROM observations o
        ANTI JOIN cleaned c ON c.kind = o.kind AND c.raw = o.raw
        WHERE o.raw IS NOT NULL GROUP BY o.kind, o.raw
        """,
    )
    wrong = []
    for (name,) in kinds:
        try:
            _clean_kind(engine, config, kind_of(name))
        except InputError as error:
            wrong.append(error)
    if wrong:
        raise together(wrong)
    engine.drop("_cleaned", "_raw")
    _forget_cards(engine)


def _clean_kind(engine: Engine, config: SignalsConfig, kind: Kind) -> None:
    name = kind.name.replace("'", "''")
    engine.map_batches(
        f"SELECT raw, rows FROM _raw WHERE kind = '{name}'",
        lambda batch: clean_batch(batch, kind, config),
        "_cleaned",
        _SCHEMA,
    )
    _refuse_mismapped(engine, kind)
    for i in range(LEVELS):
        parent = f"kind_{i + 1}, value_{i + 1}" if i + 1 < LEVELS else "NULL, NULL"
        engine.run(
            f"""
            INSERT INTO cleaned SELECT '{name}', raw, kind_{i}, value_{i}, {parent}
            FROM _cleaned WHERE value_{i} IS NOT NULL
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
    """What `raw` values, with the `rows` that have them, yield: signals, or the reason why none."""
    raw, rows = batch.column("raw"), batch.column("rows")
    parts = []
    if kind.clean_many is not None:
        taken, levels = kind.clean_many(raw)
        parts.append(_at_once(raw.filter(pa.array(taken)), rows.filter(pa.array(taken)), levels))
        raw, rows = raw.filter(pa.array(~taken)), rows.filter(pa.array(~taken))
    parts.append(_one_by_one(raw, rows, kind, config))
    return pa.Table.from_batches(parts, _SCHEMA).combine_chunks().to_batches()[0]


def _at_once(raw: pa.Array, rows: pa.Array, levels: Levels) -> pa.RecordBatch:
    nothing = pa.nulls(len(raw), pa.string())
    columns = [raw, rows, nothing]
    for kind, values in levels:
        columns += [pc.if_else(values.is_valid(), kind, pa.scalar(None, pa.string())), values]
    columns += [nothing] * (len(_SCHEMA) - len(columns))
    return pa.record_batch(columns, schema=_SCHEMA)


def _one_by_one(raw: pa.Array, rows: pa.Array, kind: Kind, config: SignalsConfig) -> pa.RecordBatch:
    results = [kind.clean(text, config) for text in raw.to_pylist()]
    reasons = [result.reason if isinstance(result, Rejected) else None for result in results]
    columns = [raw, rows, pa.array(reasons, pa.string())]
    for i in range(LEVELS):
        level = [
            (None, None) if len(result) <= i or isinstance(result, Rejected) else result[i]
            for result in results
        ]
        columns += [pa.array([part[j] for part in level], pa.string()) for j in (0, 1)]
    return pa.record_batch(columns, schema=_SCHEMA)


def _forget_cards(engine: Engine) -> None:
    """Put their hashes in the place of card numbers, everywhere."""
    found = "FROM cleaned WHERE signal_kind = 'payment' AND value LIKE 'pan:%' AND raw <> value"
    if not engine.value(f"SELECT count(*) {found}"):
        return
    engine.create("_cards", f"SELECT DISTINCT kind, raw, value AS hashed {found}")
    engine.create(
        "observations",
        """
        SELECT account, kind, coalesce(hashed, raw) AS raw, min(first_seen) AS first_seen,
            max(last_seen) AS last_seen, CAST(sum(n) AS BIGINT) AS n
        FROM observations LEFT JOIN _cards USING (kind, raw) GROUP BY 1, 2, 3
        """,
    )
    engine.create(
        "cleaned",
        """
        SELECT DISTINCT kind, coalesce(hashed, raw) AS raw, signal_kind, value, parent_kind, parent
        FROM cleaned LEFT JOIN _cards USING (kind, raw)
        """,
    )
    engine.drop("_cards")


def _refuse_mismapped(engine: Engine, kind: Kind) -> None:
    count, usable, first = engine.rows(
        """
        SELECT count(*) FILTER (reason LIKE 'not a%'),
            count(*) FILTER (reason IS NULL OR reason <> 'placeholder'),
            min(raw) FILTER (reason LIKE 'not a%')
        FROM _cleaned
        """
    )[0]
    usable += engine.value("SELECT count(DISTINCT raw) FROM cleaned WHERE kind = ?", [kind.name])
    if count < MIN_MALFORMED or 2 * count <= usable or _is_sparse(engine, kind):
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
    what = f"{count:,} of {usable:,} values are not {_NOUNS.get(kind.name, kind.name)}"
    raise InputError(
        f"{where or f'kind {shorten(kind.name)}'}: {what} (such as {shorten(first)}).\n{advice}",
        [(name, column, what) for name, column in columns],
    )


def _is_sparse(engine: Engine, kind: Kind) -> bool:
    having, everybody = engine.rows(
        """
        SELECT count(DISTINCT account) FILTER (kind = ?), count(DISTINCT account)
        FROM observations
        """,
        [kind.name],
    )[0]
    return bool(having < MIN_FILLED * everybody)


def _columns(engine: Engine, kind: str) -> list[tuple[str, str]]:
    """The inputs' columns that were mapped to a kind, if the inputs are known."""
    if not engine.exists("inputs"):
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
