"""Any number of tables, in any usual format, to observations.

Files, databases and tables in memory arrive; the tables accounts, observations, prompts,
activity, rejected and inputs (see `linkage.schema`) leave. Each input is opened (`files`, `text`,
`json`, `tables`), its columns get a use (`columns`, `times`), and all are gathered (`gather`).
The rows stream through DuckDB, so that memory does not grow with the input.
"""

from __future__ import annotations

import json as _json
import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import duckdb
import pyarrow as pa

from linkage.config import SourcesConfig
from linkage.engine import DuckDBEngine
from linkage.errors import ConfigError, InputError, shorten, suggestion, together
from linkage.schema import INPUTS, REJECTED
from linkage.sources import columns, files, gather, tables
from linkage.sources.json import is_json, open_json
from linkage.sources.relation import Reject, Relation, reading, staged
from linkage.sources.rows import Rows, put_rows
from linkage.sources.text import as_utf8, open_csv

if TYPE_CHECKING:
    import pandas as pd  # noqa: TID251

Input: TypeAlias = "str | os.PathLike[str] | pd.DataFrame | pa.Table"
"""A path, a pattern, `file::table` of a DuckDB or SQLite file, or a table in memory."""

__all__ = ["ColumnDescription", "Input", "InputDescription", "describe", "load", "load_rows"]


@dataclass(frozen=True)
class ColumnDescription:
    """A column of an input: its use (a kind, a role, or why it has none) and what is in it."""

    name: str
    kind: str
    used: bool
    examples: tuple[str, ...]
    filled: int


@dataclass(frozen=True)
class InputDescription:
    """An input as it would be read."""

    name: str
    format: str
    encoding: str
    delimiter: str
    rows: int
    columns: tuple[ColumnDescription, ...]


def load(
    engine: DuckDBEngine,
    inputs: Sequence[Input],
    config: SourcesConfig,
    progress: Callable[[str], None] = lambda message: None,
    known: Mapping[tuple[str, str], str] | None = None,
    without: Collection[tuple[str, str]] = (),
) -> bool:
    """Read `inputs` into the tables accounts, observations, prompts, activity, rejected, inputs.

    `row_hashes` has the rows read. What is in `known` (hash of a file, and its table; and where it
    was read) is not read again, nor are rows of the table `known_rows`, if there is one, nor
    columns (input, name) in `without`. Returns whether there was anything to read. `InputError` if
    an input is missing, damaged, mostly bad, or has no account, or if none has a signal;
    `ConfigError` if a setting does not fit the inputs.

    >>> engine = DuckDBEngine()
    >>> _ = load(engine, [pa.table({"user": ["b", "a"], "ip": ["9.9.9.9", None]})], SourcesConfig())
    >>> engine.rows("SELECT account_id, kind, raw FROM accounts LEFT JOIN observations USING "
    ...             "(account) ORDER BY ALL")
    [('a', None, None), ('b', 'ip', '9.9.9.9')]
    """
    with _session(engine, config) as scratch:
        relations, rejected = _opened(engine, inputs, scratch, progress, known or {})
        if not relations:
            return False
        rules = _rules(config, relations)
        uses = [_uses(relation, rules, without) for relation in relations]
        _check(relations, uses)
        sources = []
        wrong: list[InputError] = []
        for number, (relation, use) in enumerate(zip(relations, uses, strict=True)):
            progress(f"reading {relation.name}")
            wanted = [i for i, each in enumerate(use) if each.kind is not None]
            ready, rejects = staged(engine, relation, wanted, f"_input_{number}")
            uses[number] = gather.timed(engine, ready, use)
            try:
                source = gather.source(engine, number, ready, uses[number])
            except InputError as error:
                if not error.columns:
                    raise
                wrong.append(error)
                continue
            source.rejects = rejects + source.rejects
            sources.append(source)
        if wrong:
            raise together(wrong)
        gather.gather(engine, sources, progress)
        if not engine.value("SELECT count(*) FROM accounts"):
            raise InputError("The inputs have columns but no rows. Export them again.")
        _put_inputs(engine, sources, uses)
        _put_rejected(engine, sources, rejected)
    return True


def load_rows(
    engine: DuckDBEngine, given: Input, prompt: str = "prompt", account: str | None = None
) -> Rows:
    """Read one table, row by row, into the table `prompt_rows` (row, account, raw).

    `prompt` names the column of prompts, `account` that of accounts; None: one named so, if there
    is any; "": none. `InputError` if the input or the column is missing, or more than one is named.

    >>> engine = DuckDBEngine()
    >>> found = load_rows(engine, pa.table({"text": ["b", None, "a"], "uid": [7, 7, None]}))
    >>> (found.prompt, found.account, found.accounts)
    ('text', 'uid', 1)
    >>> engine.rows("FROM prompt_rows ORDER BY row")
    [(0, 0, 'b'), (1, 0, None), (2, None, 'a')]
    """
    engine.run("SET preserve_insertion_order = true")
    try:
        with _session(engine, SourcesConfig()) as scratch:
            items = files.items([given])
            if len(items) > 1:
                raise InputError(
                    f"{shorten(given)} names {len(items):,} files, where one was expected "
                    f"(first: {items[0].name}). Name one."
                )
            return put_rows(engine, _open(engine, items[0], 0, scratch), prompt, account)
    finally:
        engine.run("SET preserve_insertion_order = false")


def describe(
    engine: DuckDBEngine, inputs: Sequence[Input], config: SourcesConfig
) -> list[InputDescription]:
    """How `inputs` would be read: formats, and for each column its use, examples and filling.

    >>> [found] = describe(DuckDBEngine(), [pa.table({"UID": [7], "note": ["x"]})], SourcesConfig())
    >>> [(column.name, column.kind, column.examples) for column in found.columns]
    [('UID', 'account', ('7',)), ('note', 'not recognised', ('x',))]
    """
    with _session(engine, config) as scratch:
        relations, _ = _opened(engine, inputs, scratch, lambda message: None, {})
        rules = _rules(config, relations)
        return [
            _described(engine, relation, _uses(relation, rules), f"_input_{number}")
            for number, relation in enumerate(relations)
        ]


def _described(
    engine: DuckDBEngine, relation: Relation, uses: list[columns.Use], table: str
) -> InputDescription:
    ready, _ = staged(engine, relation, range(len(relation.columns)), table)
    uses = gather.timed(engine, ready, uses)
    parts = ["count(*)"]
    for column in ready.columns:
        text = f"CAST({column.sql} AS VARCHAR)"
        filled = f"CASE WHEN trim({text}) <> '' THEN left({text}, 100) END"
        parts += [f"count({filled})", f"min({filled})", f"max({filled})"]
    with reading(relation.name):
        rows, *found = engine.rows(f"SELECT {', '.join(parts)} FROM {ready.source}")[0]
    described = []
    for i, (label, use) in enumerate(zip(relation.labels, uses, strict=True)):
        filled, low, high = found[3 * i : 3 * i + 3]
        examples = tuple(dict.fromkeys(value for value in (low, high) if value is not None))
        described.append(
            ColumnDescription(label, use.kind or use.note, use.kind is not None, examples, filled)
        )
    return InputDescription(
        relation.name,
        relation.format,
        relation.encoding,
        relation.delimiter,
        rows,
        tuple(described),
    )


@contextmanager
def _session(engine: DuckDBEngine, config: SourcesConfig) -> Iterator[Path]:
    """A folder for rewritten files, beside the engine's own; times without a zone get theirs."""
    try:
        engine.run("SET TimeZone = ?", [config.timezone])
    except duckdb.Error:
        zones = [name for (name,) in engine.rows("SELECT name FROM pg_timezone_names()")]
        raise ConfigError(
            f"sources.timezone: no time zone {shorten(config.timezone)}. "
            + suggestion(config.timezone, zones if _near(config.timezone, zones) else _ZONES)
        ) from None
    spill = Path(engine.value("SELECT current_setting('temp_directory')") or "")
    folder = spill.parent if spill.is_absolute() and spill.parent.is_dir() else None
    try:
        with tempfile.TemporaryDirectory(prefix="linkage-", dir=folder) as scratch:
            yield Path(scratch)
    finally:
        engine.run("SET TimeZone = 'UTC'")
        tables.detach(engine)
        staging = engine.rows(
            "SELECT table_name FROM duckdb_tables() WHERE regexp_matches(table_name, "
            "'^_(input|rows)_[0-9]+$')"
        )
        engine.drop(*(name for (name,) in staging), "_accounts", "_prompts")


_ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo")


def _near(word: str, zones: Sequence[str]) -> bool:
    return "Did you mean" in suggestion(word, zones)


def _opened(
    engine: DuckDBEngine,
    inputs: Sequence[Input],
    scratch: Path,
    progress: Callable[[str], None],
    known: Mapping[tuple[str, str], str],
) -> tuple[list[Relation], list[tuple[str, Reject]]]:
    """The inputs, each content once, and a note for each that was given twice."""
    relations: list[Relation] = []
    notes: list[tuple[str, Reject]] = []
    seen = dict(known)
    for number, item in enumerate(files.items(inputs)):
        progress(f"opening {item.name}")
        relation = _open(engine, item, number, scratch)
        content = (relation.sha256, relation.name.partition("::")[2])
        if content in seen:
            reason = f"the same file as {seen[content]}, read once"
            notes.append((relation.name, Reject("input", reason, 1, 0, relation.name)))
        else:
            seen[content] = relation.name
            relations.append(relation)
    return relations, notes


def _open(engine: DuckDBEngine, item: files.Item, number: int, scratch: Path) -> Relation:
    if item.path is None:
        return tables.open_memory(engine, item.data, item.name, f"_input_{number}")
    path, name = item.path, item.name
    kind = files.kind_of_file(path, name)
    if item.table and kind not in ("duckdb", "sqlite"):
        raise InputError(
            f"{name}: {path.name} is not a DuckDB or SQLite file, and so has no table "
            f"{shorten(item.table)}. Name the file alone: {path}"
        )
    sha = files.sha256(path)
    if kind == "parquet":
        return tables.open_parquet(engine, path, name, sha)
    if kind == "duckdb":
        return tables.open_duckdb(engine, path, item.table, sha)
    if kind == "sqlite":
        return tables.open_sqlite(engine, path, item.table, sha, f"_input_{number}")
    folder = scratch / str(number)
    folder.mkdir()
    text = as_utf8(path, name, kind == "gzip", folder)
    if is_json(text):
        return open_json(engine, text, name, sha)
    return open_csv(engine, text, name, sha, folder)


def _rules(config: SourcesConfig, relations: Sequence[Relation]) -> dict[str, str]:
    return columns.checked_rules(config.map, [n for r in relations for n in r.labels])


def _uses(
    relation: Relation, rules: dict[str, str], without: Collection[tuple[str, str]] = ()
) -> list[columns.Use]:
    names = [column.name for column in relation.columns]
    shapes, labels = [column.shape for column in relation.columns], relation.labels
    return [
        columns.Use(None, "ignored") if (relation.name, label) in without else use
        for label, use in zip(labels, columns.uses(names, rules, shapes, labels), strict=True)
    ]


def _check(relations: Sequence[Relation], uses: Sequence[list[columns.Use]]) -> None:
    """`InputError` for a table without an account, or inputs without any signal."""
    kinds = ", ".join(columns.KINDS)
    for relation, use in zip(relations, uses, strict=True):
        if "account" not in {each.kind for each in use}:
            raise InputError(
                f"{relation.name}: no account column. Expected one named "
                f"{', '.join(columns.ALIASES['account'])}; found {_listed(relation)}.\n"
                "Say which column is the account: --map COLUMN=account"
            )
    roles = {"account", "created_at", "timestamp", None}
    if all(each.kind in roles for use in uses for each in use):
        found = "; ".join(f"{relation.name} has {_listed(relation)}" for relation in relations[:3])
        raise InputError(
            f"No input has a column of signals, such as ip or email: {found}.\n"
            f"Say what a column holds: --map COLUMN=KIND (kinds: {kinds})"
        )


def _listed(relation: Relation) -> str:
    names = [shorten(column.name, 30) for column in relation.columns]
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def _put_inputs(
    engine: DuckDBEngine,
    sources: Sequence[gather.Source],
    uses: Sequence[list[columns.Use]],
) -> None:
    engine.drop(INPUTS.name)
    engine.run(INPUTS.ddl())
    for source, use in zip(sources, uses, strict=True):
        labels = source.relation.labels
        mapping = {label: each.kind for label, each in zip(labels, use, strict=True)}
        engine.run(
            "INSERT INTO inputs VALUES (?, ?, ?, ?, ?)",
            [
                source.number,
                source.relation.name,
                source.relation.sha256,
                source.rows,
                _json.dumps(mapping, ensure_ascii=False),
            ],
        )


def _put_rejected(
    engine: DuckDBEngine,
    sources: Sequence[gather.Source],
    notes: Sequence[tuple[str, Reject]],
) -> None:
    engine.drop(REJECTED.name)
    engine.run(REJECTED.ddl())
    found = [(s.relation.name, reject) for s in sources for reject in s.rejects]
    for name, reject in [*found, *notes]:
        engine.run(
            "INSERT INTO rejected VALUES (?, ?, ?, ?, ?, ?)",
            [name, reject.kind, reject.reason, reject.count, reject.rows, reject.example],
        )
