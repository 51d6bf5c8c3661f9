"""The report of a case: pages that open from disk, offline, years later.

In: the case's database. Out: `index.html`, the operators by rank, and a page for each operator; or
one operator as one file to send. Every page holds its style, its script and its data, and no
markup from them (see `page`).

    tables     the case's tables in the order that pages read them
    overview   the data of the list; map, timeline
    operator   the data of an operator's page; graph, hours, reliance, timeline
    redaction  masks for what names a person
    page       data to HTML
    assets/    the script and the style
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from linkage.errors import InputError, shorten
from linkage.report import operator as operators
from linkage.report import overview, page
from linkage.report.overview import file_name
from linkage.report.redaction import Redaction, unmasked
from linkage.report.tables import Tables, opened, spilling
from linkage.writing import beside

__all__ = ["file_name", "unmasked", "write", "write_operator"]

OURS = re.compile(r"index\.html|OP-[A-Z0-9]+\.html|operator-\d+\.html|redacted")
"""What a report's folder holds; anything else is somebody's."""


def write(
    database: Path,
    folder: Path,
    redact: bool = False,
    notes: bool = False,
    case: str | None = None,
) -> None:
    """Write the report of the case in `database` to `folder`: index.html and a page an operator.

    An earlier report there is replaced as a whole. With `redact`, values that name a person are
    masks (see `redaction`), and investigators' notes are left out unless `notes`. `case` is the
    folder that pages name in commands, that of the database if not given. `CaseError` if the
    database can't be read, and it must not be open for writing elsewhere; `InputError` if `folder`
    holds other things than a report.

    >>> write(Path("case/case.duckdb"), Path("report"))
    Traceback (most recent call last):
    linkage.errors.CaseError: case/case.duckdb can't be opened ...
    """
    with (
        opened(database) as connection,
        beside(folder, OURS.fullmatch) as new,
        spilling(connection, folder.parent),
    ):
        tables, redaction = Tables(connection), Redaction(redact, notes)
        # a folder is often named after somebody
        name = None if redact else shlex.quote(case or database.resolve().parent.name)
        overall = overview.read(tables, redaction, name)
        _put(new / "index.html", page.pieces("index", "Operators", {"overview": overall}))
        for rank, data, members in operators.read(tables, redaction, name):
            blocks = {"operator": data, "members": members}
            _put(
                new / data["operator"][-1], page.pieces("operator", f"Operator {rank + 1}", blocks)
            )


def write_operator(
    database: Path, operator: str, path: Path, redact: bool = False, notes: bool = False
) -> None:
    """Write the page of one operator, by its full id, as the one self-contained file `path`.

    It differs from the page in a report's folder in that it links to no other. Errors as in
    `write`, and `InputError` if there is no such operator.

    >>> write_operator(Path("case/case.duckdb"), "OP-7F3K2A", Path("OP-7F3K2A.html"))
    Traceback (most recent call last):
    linkage.errors.CaseError: case/case.duckdb can't be opened ...
    """
    with opened(database) as connection, spilling(connection, path.parent):
        tables, redaction = Tables(connection, only=operator), Redaction(redact, notes)
        for rank, data, members in operators.read(tables, redaction):
            blocks = {"operator": {**data, "alone": True}, "members": members}
            with beside(path) as new:
                _put(new, page.pieces("operator", f"Operator {rank + 1}", blocks))
            return
    raise InputError(
        f"no operator {shorten(operator)} in {database.parent}. "
        f"List them: linkage operators {database.parent}"
    )


def _put(path: Path, pieces: Iterable[str]) -> None:
    # two pages never have one name
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.writelines(pieces)
