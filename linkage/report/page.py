"""A page of the report: one HTML file with its style, its script and its data inside.

The data were typed by the people under investigation, so a page is built to be safe whatever they
typed: values stand as JSON in blocks that no browser executes, the script makes text nodes of them
and never markup, and a Content-Security-Policy admits our script, our style and the library that
draws graphs by their hashes, and no network at all.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from linkage.errors import MissingExtraError

SHARED = ("dom.js", "words.js", "table.js", "drawings.js", "network.js", "graph.js")
SCRIPTS = {
    "index": (*SHARED, "map.js", "index.js"),
    "operator": (*SHARED, "rows.js", "chains.js", "members.js", "evidence.js", "operator.js"),
}
LIBRARY = "lib/vis-9.1.2/vis-network.min.js"
# "</script>" and "<!--" can't occur without "<"; the rest keeps the text inert wherever it is put
ESCAPES = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def pieces(kind: str, title: str, blocks: Mapping[str, Any]) -> Iterator[str]:
    """A page in pieces: `kind` is index or operator, `blocks` are its data by name.

    `title` must not come from the data.
    """
    before, between, after = _frame(kind, title)
    yield before
    for name, data in blocks.items():
        text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        yield f'<script type="application/json" id="{name}">{text.translate(ESCAPES)}</script>\n'
    yield between
    yield after


@cache
def _parts(kind: str) -> tuple[str, str, str]:
    """What comes before, between and after the data of a page, but for its title."""
    style = _asset("style.css")
    script = '"use strict";\n' + "\n".join(_asset(name) for name in SCRIPTS[kind])
    library, packed = _library()
    page = _asset("page.html")
    for mark, text in (
        ("STYLE_HASH", _hash(style)),
        ("SCRIPT_HASH", _hash(script)),
        ("LIBRARY_HASH", _hash(library)),
        ("STYLE", style),
    ):
        page = page.replace(f"%{mark}%", text)
    before, rest = page.split("%DATA%")
    between, rest = rest.split("%LIBRARY%")
    middle, after = rest.split("%SCRIPT%")
    return before, between + packed + middle + script, after


def _frame(kind: str, title: str) -> tuple[str, str, str]:
    before, between, after = _parts(kind)
    return before.replace("%TITLE%", title), between, after


@cache
def _library() -> tuple[str, str]:
    """The library that draws graphs, as it runs and as it is packed into a page.

    It is read from pyvis, which ships it; packed, it adds 165 kB to a page instead of 469.
    """
    found = find_spec("pyvis")
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError(
            "the report needs pyvis, which ships the library that draws its graphs: "
            "pip install pyvis. To do without: linkage run --no-report"
        )
    # newlines as a browser reads them, or the hash would differ
    text = Path(found.submodule_search_locations[0], LIBRARY).read_text(encoding="utf-8")
    packed = gzip.compress(text.encode(), mtime=0)
    return text, base64.b64encode(packed).decode("ascii")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _asset(name: str) -> str:
    return resources.files("linkage.report").joinpath("assets", name).read_text(encoding="utf-8")
