"""JSON, an object a line (or one array of objects): columns by the keys that occur anywhere.

Each line is read as text and taken apart by DuckDB's JSON functions, so that a broken line costs
a line, and a key that first turns up in the millionth row is still a column.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from functools import partial

from linkage.engine import DuckDBEngine
from linkage.errors import InputError, shorten
from linkage.sources.files import opened
from linkage.sources.relation import (
    Column,
    Reject,
    Relation,
    literal,
    path_literal,
    reading,
    select_list,
    shown,
)
from linkage.sources.text import Text, read_csv, refuse_mostly_bad

_MOST_KEYS = 1_000
_GOOD = "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END"


def is_json(text: Text) -> bool:
    """Whether a text file starts like an object, or an array of objects."""
    start = text.sample.lstrip()
    return start.startswith("{") or (start.startswith("[") and start[1:].lstrip().startswith("{"))


def open_json(engine: DuckDBEngine, text: Text, name: str, sha: str) -> Relation:
    """A jsonl file, or a json file that is one array."""
    array = text.sample.lstrip().startswith("[")
    lines = _array(text) if array else _lines(text)
    with reading(name):
        try:
            types = _types(engine, name, lines)
        finally:
            engine.drop("_reject_errors", "_reject_scans")
    if not types:
        first = text.sample.strip().splitlines()[0]
        raise InputError(
            f"{name}: looks like jsonl, but no line is a JSON object (the first is "
            f"{shorten(first)}).\nWrite one object a line, with the column names as keys."
        )
    columns = tuple(
        _column(key, i, *found) for i, (key, found) in enumerate(types.items(), start=1)
    )
    pointers = ", ".join(literal(_pointer(key)) for key in types)
    source = (
        f"(SELECT line, json_extract_string(line, [{pointers}]) AS v FROM {lines} WHERE {_GOOD})"
    )
    return Relation(
        name=name,
        format="json" if array else "jsonl",
        sha256=sha,
        source=source,
        columns=columns,
        encoding=text.encoding,
        stage=partial(_stage, engine, text, array),
    )


def _lines(text: Text) -> str:
    # a control character can't stand in JSON, so that a line is one field
    return read_csv(
        text,
        "header = false, delim = chr(31), quote = '', escape = '', strict_mode = false, "
        "columns = {'line': 'VARCHAR'}",
    )


def _array(text: Text) -> str:
    packing = "gzip" if text.packed else "none"
    path = path_literal(str(text.path))
    return (
        f"(SELECT CAST(json AS VARCHAR) AS line FROM read_json_objects({path}, "
        f"format = 'array', compression = '{packing}', maximum_object_size = {1 << 26}))"
    )


def _types(
    engine: DuckDBEngine, name: str, lines: str
) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """The types of each key's values, and of the first elements of those that are lists."""
    found = engine.rows(
        f"""SELECT key, min(place) AS place FROM (
            SELECT unnest(keys) AS key, generate_subscripts(keys, 1) AS place FROM (
                SELECT json_keys(line) AS keys FROM {lines} WHERE {_GOOD}))
        GROUP BY key ORDER BY place, key LIMIT {_MOST_KEYS + 1}"""
    )
    # SQL can't hold a NUL, and no column has one in its name on purpose
    keys = [key for key, _ in found if "\0" not in key]
    if len(keys) > _MOST_KEYS:
        raise InputError(
            f"{name}: more than {_MOST_KEYS:,} different keys (one is {shorten(keys[-1])}); "
            "a key is a column.\nWrite one object a line, with the column names as keys."
        )
    if not keys:
        return {}
    pointers = [_pointer(key) for key in keys]
    listed = ", ".join(literal(p) for p in [*pointers, *(f"{p}/0" for p in pointers)])
    parts = ", ".join(f"list(DISTINCT t[{i}])" for i in range(1, 2 * len(keys) + 1))
    row = engine.rows(
        f"""SELECT {parts} FROM (
            SELECT json_type(line, [{listed}]) AS t FROM {lines} WHERE {_GOOD})"""
    )[0]
    sets = [frozenset(types or ()) - {"NULL"} for types in row]
    return dict(zip(keys, zip(sets, sets[len(keys) :], strict=False), strict=True))


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _column(key: str, position: int, types: frozenset[str], elements: frozenset[str]) -> Column:
    """SQL that reads a key: text, a list of text, or JSON text of records or of anything."""
    value = f"v[{position}]"
    if types == {"OBJECT"}:
        return Column(key, value, "STRUCT")
    if types == {"ARRAY"}:
        if elements & {"OBJECT", "ARRAY"}:
            return Column(key, value, "STRUCT[]")
        return Column(key, f"from_json({value}, '[\"VARCHAR\"]')", "VARCHAR[]")
    # only a number is made whole: "1.0" in quotes is text
    if "DOUBLE" in types:
        kind = f"json_type(line, {literal(_pointer(key))})"
        value = f"CASE {kind} WHEN 'DOUBLE' THEN {_whole(value)} ELSE {value} END"
    # scalars beside lists or records: what the column is used for decides
    return Column(key, value, "JSON" if types & {"OBJECT", "ARRAY"} else "VARCHAR")


def _whole(value: str) -> str:
    return f"regexp_replace({value}, '^(-?[0-9]+)[.]0+$', '\\1')"


def _stage(
    engine: DuckDBEngine,
    text: Text,
    array: bool,
    relation: Relation,
    wanted: Sequence[Column],
    table: str,
) -> list[Reject]:
    rejects: list[Reject] = []
    try:
        engine.create(table, f"SELECT {select_list(wanted)} FROM {relation.source}")
        if not array:
            rejects = _rejects(engine, text, table)
    finally:
        engine.drop("_reject_errors", "_reject_scans")
    refuse_mostly_bad(relation.name, "an object a line", engine, table, rejects, text.sample)
    return rejects


def _rejects(engine: DuckDBEngine, text: Text, table: str) -> list[Reject]:
    unread = engine.value("SELECT count(DISTINCT line) FROM _reject_errors")
    good = engine.value(f"SELECT count(*) FROM {table}")
    filled = engine.value(f"SELECT count(*) FROM {_lines(text)} WHERE trim(line) <> ''")
    bad = unread + filled - good
    if not bad:
        return []
    example = ""
    # the file again, line by line: only a file with a broken line pays for saying where
    with io.TextIOWrapper(opened(text.path, text.packed), "utf-8-sig", "replace") as file:
        for number, line in enumerate(file, start=1):
            if line.strip() and not _is_object(line):
                example = f"row {number}: {shown(line.strip())}"
                break
    return [Reject("row", "not a JSON object", bad, bad, example)]


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
