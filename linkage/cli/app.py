"""The commands that read tables: run and inspect.

Heavy modules are imported where they are used, so that `linkage --help` is quick.
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Annotated

import typer

from linkage import __version__, config
from linkage.cli import cases, export, look, measure, output, prompts, report, summary, trace
from linkage.cli.options import Inputs, Json, Mapping, Memory, NoReport, overruled
from linkage.config import Config
from linkage.errors import InputError

app = typer.Typer(
    name="linkage",
    help="Find the operators behind fleets of sockpuppet accounts, and show the evidence.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings in TOML. Without it ./linkage.toml, if there is one.",
    ),
]


def _version(wanted: bool) -> None:
    if wanted:
        output.say(f"linkage {__version__}")
        raise typer.Exit


@app.callback()
def _linkage(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    inputs: Inputs,
    out: Annotated[Path, typer.Option(metavar="CASE", help="The case folder to write.")],
    mapping: Mapping = None,
    settings: ConfigFile = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Seed of what is random.  [default: 1]")
    ] = None,
    memory: Memory = None,
    min_size: Annotated[
        int | None, typer.Option(metavar="N", help="Fewest accounts of an operator.  [default: 5]")
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Where the SQL runs: duckdb or spark.  [default: duckdb]"
        ),
    ] = None,
    no_report: NoReport = False,
    as_json: Json = False,
) -> None:
    """Read tables, find the operators, write a case.

    The case holds case.duckdb, operators.csv, members.csv, run.json and report/index.html. It is
    written whole or not at all; an earlier one in its place hands on its operator ids.
    """
    resolved = overruled(_read(settings), mapping, seed, memory, min_size, engine)
    from linkage import pipeline
    from linkage.cli.progress import shown

    start = time.monotonic()
    with shown() as progress:
        case = pipeline.run(inputs, out, resolved, progress, not no_report)
    with case:
        found = summary.of(case, time.monotonic() - start)
        if as_json:
            output.print_json(found)
        else:
            summary.show(case, found)


@app.command()
def inspect(
    inputs: Inputs,
    mapping: Mapping = None,
    settings: ConfigFile = None,
    memory: Memory = None,
    top: Annotated[
        int, typer.Option(metavar="N", min=1, help="Commonest signals shown of each kind.")
    ] = 3,
    as_json: Json = False,
) -> None:
    """Show what would be read, and what not.

    Columns and what they are read as, values that would not be used by reason, and the commonest
    signals of each kind. Nothing is written. It ends with 2 if a run would refuse the inputs, and
    says beside each column what is wrong with it.
    """
    from linkage.cli import preview

    found = preview.read(inputs, overruled(_read(settings), mapping, memory=memory), top)
    if as_json:
        output.print_json(dataclasses.asdict(found))
    else:
        preview.show(found)
    if found.refused:
        raise InputError(found.refused)


measure.add_to(app)
look.add_to(app)
report.add_to(app)
cases.add_to(app)
trace.add_to(app)
export.add_to(app)
prompts.add_to(app)


def _read(file: Path | None) -> Config:
    """The settings of a file; of linkage.toml where one is, if none was named."""
    here = Path("linkage.toml")
    if file is None and not here.exists():
        return Config()
    return config.read(file or here)
