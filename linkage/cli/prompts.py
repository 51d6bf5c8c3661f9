"""The command `templates`: the template of each prompt of a file."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from linkage.cli import output
from linkage.cli.options import Json, Memory, overruled
from linkage.config import Config
from linkage.words import count

if TYPE_CHECKING:
    from linkage.prompts import Summary


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(templates)


def templates(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="A file (csv, tsv, jsonl, also .gz; parquet), or file.duckdb::table.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The csv file to write.")],
    column: Annotated[str, typer.Option(metavar="COLUMN", help="The prompts.")] = "prompt",
    account: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The accounts; '' for none.  [default: a column named so, or none]",
        ),
    ] = None,
    memory: Memory = None,
    threads: Annotated[int, typer.Option(metavar="N", min=0, help="Threads; 0 for all cores.")] = 0,
    as_json: Json = False,
) -> None:
    """Find the prompt template of each row of a file.

    Writes a csv file with the columns row (from 0, in the order of the input), template_id (empty:
    none) and template: the fixed text, with a mark for each slot. A template is text that prompts
    of different accounts share; without a column of accounts, each prompt counts as one.
    """
    from linkage import prompts
    from linkage.cli.progress import shown

    config = dataclasses.replace(overruled(Config(), memory=memory).engine, threads=threads)
    start = time.monotonic()
    with shown() as progress:
        found = prompts.write(source, out, column, account, config, progress)
    if as_json:
        output.print_json(found.as_dict())
    else:
        _print(found, time.monotonic() - start)


def _print(found: Summary, seconds: float) -> None:
    whose = f"accounts from {found.account}" if found.account else "each an account of its own"
    output.say(
        f"{count(found.rows, 'row')} of {output.visible(found.column)}, "
        f"{output.visible(whose)}: {count(found.templates, 'template')} in "
        f"{count(found.prompts, 'prompt')}"
    )
    if found.unread:
        output.say(f"{count(found.unread, 'row')} could not be read and have no number")
    if found.commonest:
        output.heading("Commonest templates")
        output.table(
            ["template_id", "prompts", "accounts", "template"],
            [(t.template_id, t.prompts, t.accounts, t.template) for t in found.commonest],
            right=["prompts", "accounts"],
            wide=["template"],
        )
    output.say()
    output.say(f"wrote   {found.out}")
    output.say(f"took    {seconds:,.1f} s")
