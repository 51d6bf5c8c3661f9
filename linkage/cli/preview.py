"""What `linkage inspect` shows: how inputs would be read, before anything is concluded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from linkage.cli import look, output
from linkage.config import Config

if TYPE_CHECKING:
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
    """What would be read of the inputs, and what not."""

    inputs: list[InputDescription]
    accounts: int
    kinds: dict[str, int]
    rejected: list[dict[str, Any]]
    commonest: list[Signal]


def read(inputs: Sequence[str], config: Config, top: int) -> Preview:
    """Read the inputs as a run would, up to the graph, in an engine that is thrown away."""
    import tempfile
    from pathlib import Path

    from linkage import graph, signals, sources
    from linkage.engine import DuckDBEngine
    from linkage.signals import prompt

    with tempfile.TemporaryDirectory(prefix="linkage-") as scratch:
        engine = DuckDBEngine(Path(scratch) / "work.duckdb", config.engine)
        try:
            described = sources.describe(engine, inputs, config.sources)
            sources.load(engine, inputs, config.sources)
            signals.clean(engine, config.signals)
            prompt.mine(engine)
            graph.build(engine)
            names = ("source", "kind", "reason", "count", "rows", "example")
            rejected = engine.rows(f"SELECT {', '.join(names)} FROM rejected ORDER BY ALL")
            kinds = engine.rows("SELECT kind, count(*) FROM signals GROUP BY kind ORDER BY kind")
            return Preview(
                inputs=described,
                accounts=engine.value("SELECT count(*) FROM accounts"),
                kinds=dict(kinds),
                rejected=[dict(zip(names, row, strict=True)) for row in rejected],
                commonest=[Signal(*row) for row in engine.rows(COMMONEST, [top])],
            )
        finally:
            engine.close()


def show(found: Preview) -> None:
    """Print it."""
    for item in found.inputs:
        form = ", ".join(part for part in (item.format, item.encoding) if part)
        if item.delimiter:
            form += f", separated by {output.visible(item.delimiter)}"
        output.heading(f"{item.name}: {item.rows:,} rows ({form})")
        output.table(
            ["column", "read as", "filled", "examples"],
            [
                (
                    column.name,
                    column.kind if column.used else f"({column.kind})",
                    f"{column.filled / item.rows:.0%}" if item.rows else "",
                    ", ".join(column.examples),
                )
                for column in item.columns
            ],
            right=["filled"],
            wide=["examples"],
        )
    look.print_rejected(found.rejected, top=20)
    output.heading(f"Commonest signals of {found.accounts:,} accounts")
    output.table(
        ["kind", "signals", "accounts", "rows", "value"],
        [(s.kind, found.kinds[s.kind], s.accounts, s.rows, s.value) for s in found.commonest],
        right=["signals", "accounts", "rows"],
        wide=["value"],
    )
    output.say()
    output.say("A column is read wrongly? Say what it holds: --map COLUMN=KIND (or =ignore)")
