"""The examples run, and print what they say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_population(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load("population").main(tmp_path)
    text = capsys.readouterr().out
    assert "share the " in text
    assert text.endswith("Of 3 planted operators, 3 were found.\n")


def test_frames(capsys: pytest.CaptureFixture[str]) -> None:
    load("frames").main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[0] == "20"
    assert lines[2:] == [f"payment f{n}: 5 accounts" for n in range(4)]


def test_every_example_is_run() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {"population", "frames", "weeks"}
