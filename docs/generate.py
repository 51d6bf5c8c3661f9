"""Write the pages that say what the code says: `docs/cli.md` and `docs/tables.md`.

Run it after a change of the commands or of `linkage.schema`; a test fails until you do:

    python docs/generate.py

With `readme` it runs the commands named in README.md (`<!-- output: COMMAND -->`) on the demo
population, and puts what they print below them.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from typer.main import get_command

from linkage.case import SCHEMA_VERSION, Case
from linkage.cli.app import app
from linkage.schema import META, TABLES, Table

HERE = Path(__file__).parent
MADE = "<!-- Made by docs/generate.py. Change the code, then run it again. -->"


def commands() -> dict[str, Any]:
    """The commands by name, in the order of the help."""
    return dict(get_command(app).commands)  # type: ignore[attr-defined]


def cli() -> str:
    """The page of the commands."""
    parts = [
        "# Commands",
        MADE,
        "Results go to stdout; progress and messages go to stderr. `--json` prints the result as "
        "JSON. A command ends with 0 when done, with 2 if something you can put right is wrong "
        "(the message says what was expected, what was found and what to type), and with 1 for a "
        "bug in linkage (the message says where the trace is). Control characters in values are "
        "shown as symbols. Times are in UTC.",
    ]
    for name, command in commands().items():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option"]
        usage = ["linkage", name, *map(_argument, arguments)]
        usage += [_option(p) for p in options if p.required]
        parts += [f"## {name}", f"    {' '.join(usage)} [OPTIONS]", *_paragraphs(command.help)]
        parts.append(_rows(["", "meaning"], [(_name(p), _meaning(p)) for p in command.params]))
    return "\n\n".join(parts) + "\n"


def tables() -> str:
    """The page of the tables of `case.duckdb`."""
    parts = [
        "# Tables",
        MADE,
        "A case's `case.duckdb` holds these tables, and nothing is hidden elsewhere: query it "
        "with the duckdb command, with Python or with anything that reads DuckDB. Inside, integers "
        "stand for accounts and signals; join `accounts` and `signals` for their names. Times are "
        f"UTC timestamps without a zone. This is version {SCHEMA_VERSION} of the format.",
        "    SELECT kind, value, members, others, weight FROM evidence\n"
        "    WHERE operator_id = 'OP-7F3K2A' ORDER BY weight DESC;",
    ]
    for table in [*(t for t in TABLES.values() if t.kept), META]:
        parts += [f"## {table.name}", f"One row is {table.row}.", _columns(table)]
    return "\n\n".join(parts) + "\n"


README = HERE.parent / "README.md"
OUTPUT = re.compile(r"<!-- output: (.*?) -->\n.*?<!-- end -->", re.DOTALL)
WIDTH = 110
SHOWN = 3
"""Operators of a list that the README shows."""


def readme(text: str) -> str:
    """The README with what its commands print now, on a fresh demo population."""
    with tempfile.TemporaryDirectory() as folder:
        run = [sys.executable, "-c", "import linkage.cli; linkage.cli.main()"]
        environment = {**os.environ, "COLUMNS": str(WIDTH)}

        def printed(command: str) -> str:
            typed = [*run, *shlex.split(command)[1:]]
            done = subprocess.run(
                typed, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True
            )
            return done.stdout.rstrip()

        def block(match: re.Match[str]) -> str:
            command = match[1]
            for member in members:
                command = command.replace("{member}", member, 1)
            lines = [f"$ {command}", "", *_first_operators(printed(command).splitlines())]
            body = "\n".join(lines)
            return f"<!-- output: {match[1]} -->\n```text\n{body}\n```\n<!-- end -->"

        printed("linkage simulate demo")
        printed("linkage run demo/accounts.csv demo/events.parquet --out demo/case")
        with Case(Path(folder, "demo", "case")) as case:
            first = case.list_operators(top=1)[0].operator_id
            members = [member.account_id for member in case.show(first, top=2).members]
        shutil.rmtree(Path(folder, "demo", "case"))
        return OUTPUT.sub(block, text)


def _first_operators(lines: list[str]) -> list[str]:
    """A printed list of operators, cut after the first few."""
    starts = [number for number, line in enumerate(lines) if line.startswith("OP-")]
    if len(starts) <= SHOWN:
        return lines
    end = next(n for n in range(starts[-1] + 1, len(lines)) if not lines[n].startswith(" "))
    return [*lines[: starts[SHOWN]], "…", *lines[end:]]


def _columns(table: Table) -> str:
    rows = [(f"`{c.name}`", c.type.lower(), c.meaning) for c in table.columns]
    return _rows(["column", "type", "meaning"], rows)


def _rows(header: list[str], rows: list[tuple[str, ...]]) -> str:
    lines = [header, ["---"] * len(header), *([c.replace("|", "\\|") for c in r] for r in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _paragraphs(text: str | None) -> list[str]:
    paragraphs = (text or "").strip().split("\n\n")
    return [" ".join(line.strip() for line in p.splitlines()) for p in paragraphs]


def _argument(parameter: Any) -> str:
    name = parameter.metavar + ("..." if parameter.nargs == -1 else "")
    return name if parameter.required else f"[{name}]"


def _option(parameter: Any) -> str:
    name: str = max(parameter.opts, key=len)
    return name if parameter.is_flag else f"{name} {parameter.metavar}"


def _name(parameter: Any) -> str:
    is_argument = parameter.param_type_name == "argument"
    return f"`{_argument(parameter) if is_argument else _option(parameter)}`"


def _meaning(parameter: Any) -> str:
    text = " ".join((parameter.help or "").split()).replace("[default", "(default").rstrip("]")
    text = text + ")" if "(default" in text and not text.endswith(")") else text
    shown = parameter.default is not None and not parameter.required
    if shown and parameter.default != "" and not isinstance(parameter.default, bool | tuple | list):
        text += f" (default: {parameter.default})"
    return text


if __name__ == "__main__":
    if "readme" in sys.argv[1:]:
        README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        (HERE / "cli.md").write_text(cli(), encoding="utf-8")
        (HERE / "tables.md").write_text(tables(), encoding="utf-8")
