"""The tutorial runs, and what it shows is what comes out."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from cases import Typed
from test_examples import load

PAGE = Path(__file__).parents[1] / "docs" / "investigation.md"


def steps() -> list[tuple[str, list[str]]]:
    """The commands of the page, each with the lines shown below it."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line.removeprefix("$ linkage "), []))
            else:
                found[-1][1].append(line)
    return found


def is_shown(line: str, printed: str) -> bool:
    """Whether a line was printed, on whatever day; … stands for anything."""
    pattern = re.escape(line).replace("…", ".*")
    # only decisions and runs are of today
    pattern = re.sub(r"(?<= on\\ )\d{4}\\-\d\d\\-\d\d", r"\\d{4}-\\d\\d-\\d\\d", pattern)
    pattern = re.sub(r"^\d{4}\\-\d\d\\-\d\d\\ \d\d:\d\d", r"[-\\d]{10} \\d\\d:\\d\\d", pattern)
    return re.fullmatch(pattern, printed) is not None


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: Typed) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weeks").mkdir()
    load("weeks").main(tmp_path / "weeks")
    commands = steps()
    assert len(commands) > 15
    for command, lines in commands:
        code, out, err = typed(*shlex.split(command))
        assert code == (2 if "--together" in command else 0), err
        printed = iter((out if code == 0 else err).splitlines())
        for line in lines:
            assert any(is_shown(line, each) for each in printed), f"{command}\n{line}\n{out}{err}"
