"""The report of a case: one page that opens from disk, offline, years later.

In: the case's database. Out: `index.html` with its style, its script and its data inside. The
data were typed by the people under investigation, so the page is built to be safe whatever they
typed: values stand as JSON in blocks that no browser executes, the script makes text nodes of
them and never markup, and a Content-Security-Policy admits this one script and style by
their hashes and no network at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb

from linkage.errors import CaseError
from linkage.report.data import Reader, check
from linkage.report.redaction import Redaction

__all__ = ["write"]

SCRIPTS = ("dom.js", "table.js", "drawings.js", "members.js", "operator.js", "index.js")
# "</script>" and "<!--" can't occur without "<"; the rest keeps the text inert wherever it is put
ESCAPES = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def write(database: Path, folder: Path, redact: bool = False) -> None:
    """Write the report of the case in `database` to `index.html` in `folder`.

    The file is written beside and renamed, so a report is there whole or as it was. With `redact`,
    values that name a person are masks (see `redaction`). `CaseError` if the database can't be
    read; it must not be open for writing elsewhere.
    """
    try:
        connection = duckdb.connect(str(database), read_only=True)
    except duckdb.Error as error:
        raise CaseError(
            f"{database} can't be opened ({str(error).splitlines()[0]}). "
            "A report is made from a case: linkage run INPUT... --out CASE"
        ) from None
    try:
        check(connection, str(database))
        reader = Reader(connection, Redaction(redact))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(folder / "index.html", _page(reader.overview(), reader.details()))
    finally:
        connection.close()


def _page(overview: dict[str, Any], details: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The page in pieces: an operator's data are parsed only when its section is opened."""
    style = _asset("style.css")
    script = '"use strict";\n' + "\n".join(_asset(name) for name in SCRIPTS)
    page = _asset("page.html")
    for mark, text in (
        ("STYLE_HASH", _hash(style)),
        ("SCRIPT_HASH", _hash(script)),
        ("STYLE", style),
    ):
        page = page.replace(f"%{mark}%", text)
    before, between, after = _split(page)
    yield before
    yield _block("overview", overview)
    for place, detail in enumerate(details):
        yield _block(f"operator-{place}", detail)
    yield between + script + after


def _split(page: str) -> tuple[str, str, str]:
    before, rest = page.split("%DATA%")
    between, after = rest.split("%SCRIPT%")
    return before, between, after


def _block(name: str, data: dict[str, Any]) -> str:
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f'<script type="application/json" id="{name}">{text.translate(ESCAPES)}</script>\n'


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _asset(name: str) -> str:
    return resources.files("linkage.report").joinpath("assets", name).read_text(encoding="utf-8")


def _replace(path: Path, pieces: Iterable[str]) -> None:
    """Write a file beside `path`, readable by its owner only, and rename it."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
