"""The pages that say what the code says are current."""

from __future__ import annotations

import doctest
import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from linkage.schema import TABLES

DOCS = Path(__file__).parents[1] / "docs"


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = load(DOCS / "generate.py")
COMMANDS: dict[str, Any] = GENERATE.commands()


@pytest.mark.parametrize("page", ["cli", "tables"])
def test_made_pages_are_current(page: str) -> None:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    assert text == getattr(GENERATE, page)(), "run: python docs/generate.py"


def test_tables_of_the_benchmarks_are_those_of_the_results(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    benchmarks = DOCS.parent / "tests" / "benchmarks"
    monkeypatch.syspath_prepend(benchmarks)
    pages = load(benchmarks / "pages.py")
    text = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    tables = re.findall(r"<!-- table: ([a-z-]+) -->\n(.*?)\n<!-- end -->", text, re.DOTALL)
    assert [name for name, _ in tables] == list(pages.TABLES)
    for name, table in tables:
        assert table == pages.TABLES[name](benchmarks / "results"), (
            "run: python tests/benchmarks/pages.py"
        )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert len(command.help.split("\n")[0]) <= 60, "longer lines are cut in the list of commands"
    for parameter in command.params:
        assert parameter.help, f"{name} {parameter.name}"
    assert f"## {name}\n" in (DOCS / "cli.md").read_text(encoding="utf-8")


def test_the_examples_run() -> None:
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, attempted = doctest.testfile(
        str(DOCS / "api.md"), module_relative=False, optionflags=options
    )
    assert attempted
    assert not failed


def test_every_column_has_a_meaning() -> None:
    for table in TABLES.values():
        assert all(column.meaning for column in table.columns)


PAGES = [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_commands_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target
    for command in re.findall(r"(?:`|^    |^\$ )linkage ([a-z]+)", text, re.MULTILINE):
        assert command in COMMANDS, f"linkage {command}"
