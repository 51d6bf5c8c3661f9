"""What kinds are called: the same words everywhere, each of which names its kind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from linkage import words
from linkage.signals import KINDS

PAGE = Path(words.__file__).parent / "report" / "assets" / "words.js"


def on_the_page(table: str) -> dict[str, str]:
    found = re.search(rf"const {table} = \{{(.*?)\}};", PAGE.read_text(encoding="utf-8"), re.S)
    assert found is not None
    pairs = re.findall(r'(\w+): "([^"]*)"', found[1].replace(r"\u2019", "'"))
    assert pairs
    return dict(pairs)


def test_the_page_has_the_same_words() -> None:
    names, shorts = on_the_page("KINDS"), on_the_page("SHORT_KINDS")
    for kind in {*KINDS, *words.WORDS, *names}:
        name = names.get(kind, kind.replace("_", " "))
        assert words.name(kind) == name
        assert words.short(kind) == shorts.get(kind, name)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_shown_names_the_kind(kind: str) -> None:
    kinds = list(KINDS)
    for word in (kind, words.name(kind), words.short(kind), words.name(kind).upper()):
        assert words.kind_called(word, kinds) == kind
    # addresses of the network are called so in sentences only
    if kind != "ip" and kind in words.WORDS:
        assert words.kind_called(words.WORDS[kind].noun, kinds) == kind
