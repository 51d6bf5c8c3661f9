"""The command that writes the report of a case again, elsewhere, redacted, or of one operator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from linkage.cli import output
from linkage.cli.options import CaseFolder, Json

REPORT = "report"


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(report)


def report(
    case: CaseFolder,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder to write to.  [default: CASE/report, CASE/report/redacted with --redact, "
            "the current folder with --operator]",
        ),
    ] = None,
    operator: Annotated[
        str | None,
        typer.Option(metavar="OPERATOR", help="Write this operator alone, as one file to send."),
    ] = None,
    redact: Annotated[
        bool,
        typer.Option(
            "--redact",
            help="Mask addresses, e-mails, cards and names; equal values have equal masks. "
            "Investigators' notes are left out.",
        ),
    ] = False,
    notes: Annotated[
        bool, typer.Option("--notes", help="With --redact: keep investigators' notes.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the report: a list of operators and a page for each.

    Pages open from disk in any browser, without a network. With --operator, one page that needs no
    other is written: OPERATOR.html, or OPERATOR-redacted.html.
    """
    from linkage import report as pages
    from linkage.case import DATABASE, Case
    from linkage.writing import trouble

    with Case(case) as opened:
        name = None if operator is None else opened.show(operator, top=1).operator.operator_id
    if name is None:
        folder = out or case / REPORT / ("redacted" if redact else "")
        written = folder / "index.html"
    else:
        file = Path(pages.file_name(0, name))
        written = (out or Path()) / f"{file.stem}{'-redacted' if redact else ''}.html"
    with trouble(f"the report {written}"):
        if name is None:
            pages.write(case / DATABASE, folder, redact, notes)
        else:
            pages.write_operator(case / DATABASE, name, written, redact, notes)
    if as_json:
        told = {"not_masked": pages.unmasked(notes)} if redact else {}
        output.print_json({"report": str(written), **told})
    else:
        output.say(f"report  {written}")
        if redact:
            output.say(pages.unmasked(notes))
