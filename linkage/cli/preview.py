"""What `linkage inspect` shows: how inputs would be read, before anything is concluded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from linkage.cli import look, output, summary
from linkage.config import Config
from linkage.errors import InputError
from linkage.words import name

if TYPE_CHECKING:
    from linkage.engine import DuckDBEngine
    from linkage.sources import InputDescription

COMMONEST = """
SELECT kind, value, accounts, rows FROM (
    SELECT s.kind, s.value, s.accounts, sum(e.n) AS rows,
        row_number() OVER (PARTITION BY s.kind ORDER BY s.accounts DESC, s.value) AS place
    FROM signals AS s JOIN edges AS e USING (signal)
    GROUP BY s.signal, s.kind, s.value, s.accounts
) WHERE place <= ? ORDER BY kind, place
"""


@dataclass(frozen=True)
class Signal:
    """A common signal: how many accounts use it, in how many rows."""

    kind: str
    value: str
    accounts: int
    rows: int


@dataclass(frozen=True)
class Preview:
    """What would be read of the inputs, and what not.

    `wrong` says of columns (input, name) why a run would refuse them; the rest is as if they were
    ignored, and empty if that is not enough. `refused` is what a run would say.
    """

    inputs: list[InputDescription]
    accounts: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    own_kinds: list[str] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    commonest: list[Signal] = field(default_factory=list)
    wrong: list[tuple[str, str, str]] = field(default_factory=list)
    refused: str = ""


def read(inputs: Sequence[str], config: Config, top: int) -> Preview:
    """Read the inputs as a run would, up to the graph, in an engine that is thrown away."""
    import tempfile
    from pathlib import Path

    from linkage import sources
    from linkage.engine import DuckDBEngine

    with tempfile.TemporaryDirectory(prefix="linkage-") as scratch:
        engine = DuckDBEngine(Path(scratch) / "work.duckdb", config.engine)
        try:
            described = sources.describe(engine, inputs, config.sources)
            refusals: list[InputError] = []
            while True:
                wrong = [column for error in refusals for column in error.columns]
                refused = "\n".join(map(str, refusals))
                try:
                    _load(engine, inputs, config, [(name, column) for name, column, _ in wrong])
                except InputError as error:
                    # without a column to leave out, the next attempt would end the same way
                    if not error.columns:
                        refused = refused or str(error)
                        return Preview(described, wrong=wrong, refused=refused)
                    refusals.append(error)
                else:
                    return _preview(engine, described, top, wrong, refused)
        finally:
            engine.close()


def _load(
    engine: DuckDBEngine, inputs: Sequence[str], config: Config, without: list[tuple[str, str]]
) -> None:
    from linkage import graph, signals, sources
    from linkage.signals import prompt

    engine.drop("cleaned", "rejected")
    sources.load(engine, inputs, config.sources, without=without)
    signals.clean(engine, config.signals)
    prompt.mine(engine)
    graph.build(engine)


def _preview(
    engine: DuckDBEngine,
    described: list[InputDescription],
    top: int,
    wrong: list[tuple[str, str, str]],
    refused: str,
) -> Preview:
    names = ("source", "kind", "reason", "count", "rows", "example")
    rejected = engine.rows(f"SELECT {', '.join(names)} FROM rejected ORDER BY ALL")
    kinds = engine.rows("SELECT kind, count(*) FROM signals GROUP BY kind ORDER BY kind")
    return Preview(
        inputs=described,
        accounts=engine.value("SELECT count(*) FROM accounts"),
        kinds=dict(kinds),
        own_kinds=summary.own_kinds(engine.rows),
        rejected=[dict(zip(names, row, strict=True)) for row in rejected],
        commonest=[Signal(*row) for row in engine.rows(COMMONEST, [top])],
        wrong=wrong,
        refused=refused,
    )


def show(found: Preview) -> None:
    """Print it."""
    for item in found.inputs:
        form = ", ".join(part for part in (item.format, item.encoding) if part)
        if item.delimiter:
            form += f", separated by {output.visible(item.delimiter)}"
        output.heading(f"{item.name}: {item.rows:,} rows ({form})")
        wrong = {column: what for name, column, what in found.wrong if name == item.name}
        output.table(
            ["column", "read as", "filled", *(["a run refuses it"] if wrong else []), "examples"],
            [
                (
                    column.name,
                    column.kind if column.used else f"({column.kind})",
                    f"{column.filled / item.rows:.0%}" if item.rows else "",
                    *([wrong.get(column.name)] if wrong else []),
                    ", ".join(column.examples),
                )
                for column in item.columns
            ],
            right=["filled"],
            wide=["examples"],
            whole=["a run refuses it"],
        )
    if found.own_kinds:
        output.say()
    summary.show_own_kinds(found.own_kinds)
    look.print_rejected(found.rejected, top=20)
    if found.commonest:
        _show_commonest(found)
    output.say()
    output.say("A column is read wrongly? Say what it holds: --map COLUMN=KIND (or =ignore)")


def _show_commonest(found: Preview) -> None:
    output.heading(f"Commonest signals of {found.accounts:,} accounts")
    output.table(
        ["kind", "signals", "accounts", "rows", "value"],
        [(name(s.kind), found.kinds[s.kind], s.accounts, s.rows, s.value) for s in found.commonest],
        right=["signals", "accounts", "rows"],
        wide=["value"],
    )
