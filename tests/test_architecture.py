"""Imports point one way, nothing goes in circles, no file grows beyond reading."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "linkage"

# a part may import parts of the rows above its own
LAYERS = [
    {"errors"},
    {"config", "schema", "progress", "words", "writing"},
    {"engine"},
    {"signals", "bipartite"},
    {
        "sources",
        "graph",
        "infrastructure",
        "circles",
        "pools",
        "attribution",
        "judgements",
        "triage",
        "chance",
        "evidence",
    },
    {"case"},
    {"report"},
    {"export"},
    {"pipeline", "prompts"},
    {"simulate", "evaluate"},
    {"cli"},
]
RANK = {part: rank for rank, parts in enumerate(LAYERS) for part in parts}


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(path: Path) -> Iterator[str]:
    """Modules of linkage that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else str(node.module) for name in full]
        else:
            continue
        # every import runs linkage/__init__.py, which is no news
        yield from (name for name in names if name in MODULES and name != "linkage")


def part(module: str) -> str:
    return module.split(".")[1]


def test_every_part_has_a_layer() -> None:
    assert {part(m) for m in MODULES if m != "linkage"} <= set(RANK)


@pytest.mark.parametrize("module", [m for m in MODULES if m != "linkage"])
def test_imports_point_one_way(module: str) -> None:
    for imported in imports(MODULES[module]):
        if part(imported) != part(module):
            assert RANK[part(imported)] < RANK[part(module)], f"{module} imports {imported}"


def test_no_cycles() -> None:
    graph = nx.DiGraph(
        (module, imported)
        for module, path in MODULES.items()
        if module != "linkage"
        for imported in imports(path)
    )
    assert list(nx.simple_cycles(graph)) == []


@pytest.mark.parametrize("folder", ["linkage", "tests", "docs", "examples"])
def test_no_long_files(folder: str) -> None:
    kinds = {".py", ".js", ".css", ".html"}
    for path in (ROOT / folder).rglob("*"):
        if path.suffix in kinds:
            lines = path.read_text(encoding="utf-8").count("\n")
            assert lines <= 500, f"{path} has {lines} lines"


def test_every_module_opens_with_a_paragraph() -> None:
    for path in MODULES.values():
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_the_import_is_light() -> None:
    """What is heavy comes when it is used, so that `import linkage` and `--help` are quick."""
    import subprocess
    import sys

    heavy = "{'duckdb', 'pandas', 'pyarrow', 'numpy', 'igraph', 'networkx', 'numba', 'scipy'}"
    for code in (
        f"import linkage, sys; assert not {heavy} & set(sys.modules)",
        "import sys\nfrom linkage.cli import run\nassert run(['--help']) == 0\n"
        f"assert not {heavy} & set(sys.modules)",
    ):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
