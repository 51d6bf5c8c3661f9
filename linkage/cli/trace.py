"""The commands about some accounts: trace, forget."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from linkage.cli import output
from linkage.cli.options import AccountId, CaseFolder, Json, NoReport
from linkage.cli.output import heading, say, table
from linkage.words import count

if TYPE_CHECKING:
    from linkage.case.views import Trace, Traced

NAMED = 3
"""Operators that are named before all of them are listed."""


def add_to(app: typer.Typer) -> None:
    """Add these commands to the application."""
    for command in (trace, forget):
        app.command()(command)


def trace(
    case: CaseFolder,
    accounts: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Accounts known to be bad: one a line, or a csv with such a column.",
        ),
    ],
    top: Annotated[int, typer.Option(metavar="N", min=1, help="Accounts shown.")] = 20,
    as_json: Json = False,
) -> None:
    """From known bad accounts, rank what else hangs on them.

    Accounts that share what the known ones share and few others do, in up to three steps; and the
    operators that known ones are in. Likely: likelier than not the same hand, by two kinds of
    evidence that agree.
    """
    from linkage.case import Case
    from linkage.case.tracing import read_accounts

    with Case(case) as opened:
        output.answer(opened.trace(read_accounts(accounts), top), as_json, _print_trace)


def _print_trace(found: Trace) -> None:
    for o in found.operators[:NAMED]:
        more = o.accounts - o.known
        verb = "is" if more == 1 else "are"
        say(f"{more:,} more {verb} in {o.operator_id}, with {count(o.known, 'known account')}")
    if len(found.operators) > NAMED:
        say(f"and {count(len(found.operators) - NAMED, 'more operator')}")
    whose = "it shares" if found.known == 1 else "they share"
    verb = "is" if found.likely == 1 else "are"
    say(
        f"{count(found.known, 'known account')}; by what {whose} alone, {found.likely:,} more "
        f"{verb} likely the same hand"
    )
    if found.missing:
        some = ", ".join(found.missing[:3]) + (", …" if len(found.missing) > 3 else "")
        say(f"{count(len(found.missing), 'account')} not in the case: {some}")
    if found.operators:
        heading("Operators that they are in")
        table(
            ["operator", "verdict", "accounts", "known"],
            [(o.operator_id, o.verdict, o.accounts, o.known) for o in found.operators],
            right=["accounts", "known"],
        )
    theirs = {o.operator_id for o in found.operators}
    if found.accounts:
        heading("What hangs on them")
        table(
            ["account", "nats", "step", "likely", "operator", "because it has"],
            [
                (a.account_id, a.nats, a.step, _likely(a, theirs), a.operator_id, a.why)
                for a in found.accounts
            ],
            right=["nats", "step"],
            wide=["account", "because it has"],
        )
        if found.more:
            say(f"and {found.more:,} more: --top, or --json")
    else:
        say("Nothing else shares what they share.")


def _likely(account: Traced, theirs: set[str]) -> bool | None:
    """Nothing where it would be no of whoever is in an operator of known ones."""
    return account.likely or (None if account.operator_id in theirs else False)


def forget(
    case: CaseFolder, account: AccountId, no_report: NoReport = False, as_json: Json = False
) -> None:
    """Erase an account from a case.

    It is gone from every table, list and report, and from what was judged; operators are found
    anew without it. The input files are yours to erase: read again in another file, it comes back.
    """
    from linkage import pipeline
    from linkage.cli.progress import shown

    start = time.monotonic()
    with shown() as progress:
        forgotten, files = pipeline.forget(case, account, progress, not no_report)
    forgotten.close()
    if as_json:
        output.print_json({"seconds": round(time.monotonic() - start, 1), "other_files": files})
        return
    say("The account is gone from the case.")
    for name in files:
        say(f"But {case / name} names it, and is not linkage's to change.")
