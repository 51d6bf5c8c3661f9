"""What every format is opened as: a relation that DuckDB can read, with the columns it has.

A relation is cheap: nothing is read but what it takes to know the columns. `stage` copies the
columns that are wanted into a table, for the formats that can't be read twice, column by column;
rows that can't be read come out of it as rejects, with counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import duckdb

from linkage.engine import DuckDBEngine
from linkage.errors import InputError, shorten

_BLANK = r"\s\x{a0}\x{feff}"
"""Characters that surround a value without being part of it, for a regular expression."""

_PLAIN = "BETWEEN '!' AND '~'"
"""SQL of what holds for text only if it begins with a character of ASCII that can be seen."""

ABSENT = ("null", "none", "nan", "nat", "nil", "n/a", "<na>", "undefined", "unknown", "\\n", "-")
"""How exports write that there is no account or no time, in lower case."""


@dataclass(frozen=True)
class Column:
    """A column of an input: the name it has there, SQL that reads it, and its SQL type."""

    name: str
    sql: str
    type: str

    @property
    def shape(self) -> str:
        """Whether it holds `lists`, or `records` (lists of them too), or, if empty, values."""
        if self.type.startswith(("STRUCT", "MAP", "UNION")) or self.type.endswith("][]"):
            return "records"
        return "lists" if self.type.endswith("]") else ""


@dataclass(frozen=True)
class Reject:
    """Values or rows that were not used: what `schema.REJECTED` holds, without the source."""

    kind: str
    reason: str
    count: int
    rows: int
    example: str


@dataclass(frozen=True)
class Relation:
    """An input that is open.

    `source` stands after FROM; `row` is SQL for the number of a row in it, empty when the format
    has none, and such a relation is staged before use. `stage` overrules how that is done.
    """

    name: str
    format: str
    sha256: str
    source: str
    columns: tuple[Column, ...]
    row: str = ""
    encoding: str = ""
    delimiter: str = ""
    stage: Callable[[Relation, Sequence[Column], str], list[Reject]] | None = None

    @property
    def labels(self) -> list[str]:
        """The names of the columns, made unique: the second `ip` is `ip (2)`."""
        seen: dict[str, int] = {}
        labels = []
        for column in self.columns:
            seen[column.name] = seen.get(column.name, 0) + 1
            count = seen[column.name]
            labels.append(column.name if count == 1 else f"{column.name} ({count})")
        return labels


def staged(
    engine: DuckDBEngine, relation: Relation, wanted: Sequence[int], table: str
) -> tuple[Relation, list[Reject]]:
    """The relation as something that can be read again and again, and what it lost on the way.

    Columns that are not `wanted` (numbers of columns) may no longer be read afterwards.
    """
    if relation.row:
        return relation, []
    columns = [relation.columns[i] for i in wanted]
    with reading(relation.name):
        if relation.stage is not None:
            rejects = relation.stage(relation, columns, table)
        else:
            engine.create(table, f"SELECT {select_list(columns)} FROM {relation.source}")
            rejects = []
    kept = list(relation.columns)
    for position, i in enumerate(wanted):
        kept[i] = replace(kept[i], sql=f"c{position}")
    return replace(relation, source=table, columns=tuple(kept), row="rowid"), rejects


def select_list(columns: Sequence[Column]) -> str:
    """The columns under the names that `staged` gives them: c0, c1, …"""
    return ", ".join(f"{c.sql} AS c{i}" for i, c in enumerate(columns)) or "1 AS c0"


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turns what DuckDB says of a damaged input into an `InputError` that names the input."""
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.InterruptException):
        raise
    except duckdb.Error as error:
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if any(words in str(error) for words in _NOT_OF_THE_INPUT):
            raise
        if "Could not set lock" in said:
            raise InputError(
                f"{name}: in use; another program has it open for writing.\n"
                "Close it there, or copy the file and read the copy."
            ) from None
        raise InputError(
            f"{name}: can't be read; it seems damaged or cut short ({said}).\n"
            "Export it again, or leave it out."
        ) from None


_NOT_OF_THE_INPUT = (
    "Could not write",
    "No space left",
    "max_temp_directory_size",
    "Out of Memory",
    "database has been invalidated",
)
"""What DuckDB says when the disk or the memory that it works in is full, whatever the class."""


def trimmed(sql: str) -> str:
    """SQL for text without surrounding blanks; cheap where there are none, as nearly always."""
    return (
        f"CASE WHEN {sql} {_PLAIN} AND array_extract({sql}, -1) {_PLAIN} "
        f"THEN {sql} ELSE regexp_replace({sql}, '^[{_BLANK}]+|[{_BLANK}]+$', '', 'g') END"
    )


def filled(sql: str) -> str:
    """SQL for text, or null if it is blank; cheap where its first character is plain to see."""
    return (
        f"CASE WHEN {sql} {_PLAIN} THEN {sql} "
        f"WHEN regexp_matches({sql}, '[^{_BLANK}]') THEN {sql} END"
    )


def shown(value: object) -> str:
    """A value as an example in a table: one line, cut, without quotes.

    >>> shown("a\\tb")
    'a\ufffdb'
    """
    return shorten(value)[1:-1]


def literal(text: str) -> str:
    """`text` as an SQL string.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """`name` as an SQL identifier.

    >>> identifier("client ip")
    '"client ip"'
    """
    return '"' + name.replace('"', '""') + '"'


def path_literal(path: str) -> str:
    """A path as an SQL string that DuckDB does not take for a pattern.

    >>> path_literal("a[1].csv")
    "'a[[]1].csv'"
    """
    return literal("".join(f"[{c}]" if c in "[*?" else c for c in path))
