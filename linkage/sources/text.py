"""Text files: encoding and delimiter found out, rows read by DuckDB, broken rows counted.

All columns are read as text, so that nothing is retyped: "007" stays. DuckDB reads UTF-8 only,
so anything else is rewritten once. A quote that is never closed makes DuckDB drop everything up
to the next one without saying how much; such files are mended first (see `mend`).
"""

from __future__ import annotations

import codecs
import csv
import io
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import charset_normalizer
import duckdb

from linkage.engine import DuckDBEngine
from linkage.errors import InputError, shorten
from linkage.sources.files import UNPACKING_ERRORS, opened
from linkage.sources.mend import mend
from linkage.sources.relation import Column, Reject, Relation, path_literal, select_list, shown

SAMPLE = 1 << 18
_CHUNK = 1 << 22
_ASCII = bytes(range(128))
_CONTINUATION = bytes(range(0x80, 0xC0))
_LETTERS = 20
"""Bytes beyond ASCII under which nothing tells one script's encoding from another's."""
_DELIMITERS = (",", ";", "\t", "|")
_MAX_LINE = 1 << 24
# DuckDB would take 32 lines of the longest kind, and several such buffers
_BUFFER = 1 << 25

_REASONS = {
    "MISSING COLUMNS": "too few fields",
    "TOO MANY COLUMNS": "too many fields",
    "INVALID ENCODING": "bytes that are not text",
}


@dataclass(frozen=True)
class Text:
    """A text file as DuckDB can read it, and what it was."""

    path: Path
    packed: bool
    encoding: str
    sample: str


def as_utf8(path: Path, name: str, packed: bool, scratch: Path) -> Text:
    """The file itself if it is UTF-8, else a copy in `scratch` that is.

    `InputError` if it is empty, not text, or packed and cut short.
    """
    try:
        with opened(path, packed) as file:
            head = file.read(SAMPLE)
        encoding = _declared(head)
        _refuse_binary(head, name, encoding)
        if not encoding:
            encoding = _guess(path, packed)
        if not encoding.startswith("utf-8"):
            copy = scratch / f"{path.name}.utf-8"
            with (
                io.TextIOWrapper(opened(path, packed), encoding, "replace", newline="") as source,
                copy.open("w", encoding="utf-8", newline="") as target,
            ):
                shutil.copyfileobj(source, target, _CHUNK)
            path, packed = copy, False
    except UNPACKING_ERRORS as error:
        raise InputError(
            f"{name}: packed with gzip, but damaged or cut short ({error}). Copy it again."
        ) from None
    sample = io.TextIOWrapper(io.BytesIO(head), encoding, "replace", newline="").read()
    if not sample.strip("\ufeff \t\r\n"):
        raise InputError(f"{name}: the file is empty; rows were expected. Export it again.")
    return Text(path, packed, encoding, sample.removeprefix("\ufeff"))


def _declared(head: bytes) -> str:
    """The encoding that a byte order mark, or the zeros of UTF-16, give away."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # column names are mostly ASCII: in UTF-16 every other byte is zero
    start = head[:400]
    even, odd = start[::2].count(0), start[1::2].count(0)
    if odd > len(start) / 5 and even < odd / 20:
        return "utf-16-le"
    if even > len(start) / 5 and odd < even / 20:
        return "utf-16-be"
    return ""


def _refuse_binary(head: bytes, name: str, encoding: str) -> None:
    if encoding.startswith("utf-16"):
        return
    controls = len(head) - len(head.translate(None, bytes([*range(9), *range(14, 27), 28, 29, 30])))
    if controls > 0.02 * len(head):
        raise InputError(
            f"{name}: neither text nor a known binary format "
            f"({controls:,} of the first {len(head):,} bytes are control characters).\n"
            "Expected csv, tsv, jsonl (each also .gz), parquet, DuckDB or SQLite."
        )


def _guess(path: Path, packed: bool) -> str:
    """UTF-8 if most of the characters beyond ASCII are valid in it, else an 8-bit encoding."""
    valid = invalid = 0
    sample = b""
    with opened(path, packed) as file:
        while chunk := file.read(_CHUNK):
            chunk += file.readline()
            if chunk.isascii():
                continue
            try:
                chunk.decode("utf-8")
                valid += len(chunk.translate(None, _ASCII + _CONTINUATION))
            except UnicodeDecodeError:
                text = chunk.decode("utf-8", "replace")
                lost = text.count("\ufffd")
                invalid += lost
                valid += len(text) - lost - len(text.encode("ascii", "ignore"))
                sample = sample or chunk
    if valid >= invalid:
        return "utf-8"
    high = [i for i, byte in enumerate(sample[:SAMPLE]) if byte > 127]
    side_by_side = sum(b - a == 1 for a, b in pairwise(high))
    # accents stand alone in Western text; letters side by side are another script
    if len(high) >= _LETTERS and side_by_side > len(high) / 3:
        best = charset_normalizer.from_bytes(sample[:SAMPLE]).best()
        if best is not None:
            return best.encoding
    # Windows' Latin-1: the same but for the control characters, which are quotes and dashes here
    return "cp1252"


def header(sample: str, name: str) -> tuple[str, list[str], int]:
    """The delimiter, the column names and the number of blank lines above them.

    The delimiter is the one that gives the most rows as many fields as the first row has.

    >>> header("\\nid;ip\\n1;1.2.3.4\\n", "x.csv")
    (';', ['id', 'ip'], 1)
    """
    blank = 0
    lines = sample.splitlines(keepends=True)
    while blank < len(lines) and not lines[blank].strip():
        blank += 1
    body = "".join(lines[blank:])
    best: tuple[tuple[float, int], str, list[str]] | None = None
    for delimiter in _DELIMITERS:
        rows: list[list[str]] = []
        try:
            for row in csv.reader(io.StringIO(body, newline=""), delimiter=delimiter):
                rows.append(row)
                if len(rows) == 200:
                    break
        except csv.Error:
            pass
        if not rows:
            continue
        if len(sample) >= SAMPLE // 4 and len(rows) > 1:
            rows.pop()
        width = len(rows[0])
        equal = sum(len(row) == width for row in rows) / len(rows)
        score = (round(equal, 1) if width > 1 else 0.0, width)
        if best is None or score > best[0]:
            best = (score, delimiter, rows[0])
    if best is None:
        raise InputError(
            f"{name}: no row of column names in its first {len(sample):,} "
            "characters; is there a quote that is never closed?"
        )
    names = [column.strip() or f"column {i}" for i, column in enumerate(best[2], start=1)]
    return best[1], names, blank


def open_csv(engine: DuckDBEngine, text: Text, name: str, sha: str, scratch: Path) -> Relation:
    """A csv or tsv file."""
    delimiter, names, blank = header(text.sample, name)
    columns = tuple(Column(column, f"f{i}", "VARCHAR") for i, column in enumerate(names))
    return Relation(
        name=name,
        format="tsv" if delimiter == "\t" else "csv",
        sha256=sha,
        source="",
        columns=columns,
        encoding=text.encoding,
        delimiter=delimiter,
        stage=partial(_stage, engine, text, blank, scratch),
    )


def _stage(
    engine: DuckDBEngine,
    text: Text,
    blank: int,
    scratch: Path,
    relation: Relation,
    wanted: Sequence[Column],
    table: str,
) -> list[Reject]:
    width, delimiter, name = len(relation.columns), relation.delimiter, relation.name
    try:
        rejects = _copy(engine, text, delimiter, width, blank, wanted, table)
    except duckdb.InvalidInputException:
        # line ends of several kinds in one file, mostly
        rejects = None
    if rejects is None:
        mended = scratch / f"{table}.csv"
        with (
            io.TextIOWrapper(opened(text.path, text.packed), "utf-8", "replace") as source,
            mended.open("w", encoding="utf-8", newline="") as target,
        ):
            rejects = mend(source, target, delimiter, width, blank)
        _copy(engine, Text(mended, False, "utf-8", ""), delimiter, width, 0, wanted, table)
        mended.unlink()
    refuse_mostly_bad(
        name, f"the {width} fields of the header", engine, table, rejects, text.sample
    )
    return rejects


def _copy(
    engine: DuckDBEngine,
    text: Text,
    delimiter: str,
    width: int,
    blank: int,
    wanted: Sequence[Column],
    table: str,
) -> list[Reject] | None:
    """Read into a table; nothing is returned if a broken quote may have swallowed rows.

    What was rejected comes in the order of the first row of each reason.
    """
    fields = ", ".join(f"'f{i}': 'VARCHAR'" for i in range(width))
    sql = read_csv(
        text,
        f"header = true, skip = {blank}, delim = '{delimiter}', quote = '\"', escape = '\"', "
        f"columns = {{{fields}}}",
    )
    if width == 1:
        # an empty value in quotes is a row, an empty line is none
        sql = sql.replace("store_rejects", "allow_quoted_nulls = false, store_rejects")
    # DuckDB reads an empty line, and one of delimiters alone, as a row of nulls
    filled = " OR ".join(f"f{i} IS NOT NULL" for i in range(width))
    try:
        engine.create(table, f"SELECT {select_list(wanted)} FROM {sql} WHERE {filled}")
        found = engine.rows(
            """SELECT reason, count(*), min(line), arg_min(row, line) FROM (
                SELECT line, min(error_type) AS reason, min(csv_line) AS row
                FROM _reject_errors GROUP BY line) GROUP BY reason ORDER BY min(line)"""
        )
    finally:
        engine.drop("_reject_errors", "_reject_scans")
    if any(reason not in _REASONS for reason, *_ in found):
        return None
    return [
        Reject("row", _REASONS[reason], rows, rows, f"row {line}: {shown(row)}")
        for reason, rows, line, row in found
    ]


def read_csv(text: Text, options: str) -> str:
    """SQL of DuckDB's csv reader over a text file, with rejected lines stored."""
    packing = "gzip" if text.packed else "none"
    return (
        f"read_csv({path_literal(str(text.path))}, auto_detect = false, {options}, "
        f"compression = '{packing}', max_line_size = {_MAX_LINE}, buffer_size = {_BUFFER}, "
        "store_rejects = true, "
        "rejects_table = '_reject_errors', rejects_scan = '_reject_scans')"
    )


def refuse_mostly_bad(
    name: str,
    expected: str,
    engine: DuckDBEngine,
    table: str,
    rejects: Sequence[Reject],
    sample: str,
) -> None:
    """`InputError` if there are no rows, or more bad rows than good ones."""
    good = engine.value(f"SELECT count(*) FROM {table}")
    bad = sum(reject.rows for reject in rejects)
    if not good and not bad:
        first = sample.strip().splitlines()[0]
        raise InputError(
            f"{name}: a header and no rows (the header is {shorten(first)}). Export it again."
        )
    if bad > good:
        raise InputError(
            f"{name}: {bad:,} of {good + bad:,} rows do not have {expected} "
            f"(first: {rejects[0].example}: {rejects[0].reason}).\n"
            "If this is a table, save it again with one row of column names on top; "
            "if not, leave it out."
        )
