"""Any text in any field comes back from every format as it was, by the format's own reader."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
import stix2
from cases import HOSTILE
from exports import READERS, graph_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

from linkage.export import FORMATS, stix
from linkage.export.xml import legal

NASTY = [
    HOSTILE,
    *(
        "=1+1",
        "+1",
        "-1",
        "@a",
        "\t=1",
        "\r=1",
        "\n=1",
        "'",
        "''",
        "'=1",
        "＝1",
        "％",
        "x\r",
        "x\n",
    ),
    *('"', '""', ",", ";", '",=1,"', "\\", '\\"', "\\\\", "\\u0022", "\\u005c\\u0022", "\\N"),
    *("]]>", "<!--", "&amp;", "&#0;", "<?x?>", "\ufffe\uffff", "\x00", "\x1b", "\x85", "\u2028"),
    *("NA", "null", "NULL", "nan", "None", "true", "1e9", "007", "0x1F", "2024-01-01", "inf"),
    *(" ", " a ", "\u00a0", "\ufeff", "\ufeffa", "\u202ea", "\U0001f600", "\U0010ffff", "e\u0301"),
    *("`", "$a", "{a}", "//", "/*", "*/", "*/ DETACH DELETE", "'; DROP TABLE x; --", ":exit"),
]
texts = st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=30, unique=True)


def same(text: str) -> str:
    return text


# what XML can't hold is dropped
HELD: dict[str, Callable[[str], str]] = {"graphml": legal, "gexf": legal}


@pytest.mark.parametrize("form", READERS)
@settings(max_examples=12, deadline=None)
@example(drawn=NASTY)
@given(drawn=texts)
def test_any_text_reads_back(form: str, drawn: list[str]) -> None:
    held = HELD.get(form, same)
    graph = graph_of(drawn)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out"
        if FORMATS[form].files:
            path.mkdir()
        import_module(f"linkage.export.{form}").write(graph, path)
        nodes, edges = READERS[form](path)
    read = list(nodes.values())
    wanted = sorted(held(text) for text in drawn)
    assert sorted(n.get("account_id", "") for n in read if "confidence" in n) == wanted
    assert sorted(n.get("value", "") for n in read if "confidence" not in n) == wanted
    assert sorted(n.get("kind", "") for n in read if "confidence" not in n) == wanted
    assert len(edges) == 2 * len(drawn) - 1


@settings(max_examples=12, deadline=None)
@example(drawn=NASTY)
@given(drawn=texts)
def test_any_text_reads_back_from_stix(drawn: list[str]) -> None:
    graph = graph_of(drawn)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out"
        stix.write(graph, path)
        bundle = stix2.parse(path.read_text(encoding="utf-8"))
    accounts = [thing.user_id for thing in bundle.objects if thing.type == "user-account"]
    assert sorted(accounts) == sorted(drawn)
    patterns = {thing.pattern for thing in bundle.objects if thing.type == "indicator"}
    for text in drawn:
        if text.endswith("_sharing"):
            continue
        written = stix2.EqualityComparisonExpression("x-linkage-signal:value", text)
        assert any(pattern.endswith(f" AND {written}]") for pattern in patterns), text
