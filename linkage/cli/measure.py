"""The commands that measure: simulate a population, evaluate what was found in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from linkage.cli import output
from linkage.cli.options import Json
from linkage.errors import InputError
from linkage.words import count


def add_to(app: typer.Typer) -> None:
    """Add these commands to the application."""
    for command in (simulate, evaluate):
        app.command()(command)


def simulate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write.")],
    preset: Annotated[str, typer.Option(metavar="NAME", help="Which population.")] = "demo",
    accounts: Annotated[
        int | None, typer.Option(metavar="N", help="How many accounts.  [default: the preset's]")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of what is random.")] = 1,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="Leave out the columns of a kind: payment, ip, prompt, email, phone, device, "
            "user_agent, name or referral. Repeatable.",
        ),
    ] = None,
    templates: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Templates of life to use: JSON lines with a field template, slots as {}.",
        ),
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Prompts of life to use: JSON lines with a field prompt."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a population with planted operators.

    Writes accounts.csv, events.parquet and truth.csv: who belongs to whom. DIR is new or empty, or
    holds such a population, which is replaced.
    """
    import linkage.simulate

    population = linkage.simulate.simulate(
        folder, preset, accounts, seed, templates, prompts, without or ()
    )
    if as_json:
        output.print_json(population.as_dict())
        return
    output.say(
        f"{population.accounts:,} accounts ({population.fraudulent:,} fraudulent) and "
        f"{population.events:,} events in {folder}"
    )
    if population.operators:
        output.heading("Planted operators")
        output.table(
            ["operator", "kind", "accounts"],
            [(p.operator, p.kind, p.accounts) for p in population.operators],
            right=["accounts"],
        )
    output.say()
    output.say(f"Next: linkage run {folder}/accounts.csv {folder}/events.parquet --out case")


def evaluate(
    cases: Annotated[
        list[Path],
        typer.Argument(
            metavar="CASE",
            help="Case folders, or tables of members from any tool: account_id, operator_id "
            "and perhaps verdict and confidence.",
        ),
    ],
    truth: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE",
            help="Table of account_id and operator (empty: honest), perhaps kind. One for each "
            "case, in their order.",
        ),
    ],
    min_size: Annotated[
        int, typer.Option(metavar="N", min=1, help="Leave out operators of fewer accounts.")
    ] = 2,
    as_json: Json = False,
) -> None:
    """Compare cases, or any tool's members, with the truth.

    How many honest accounts are accused and who they are, how many fraudulent ones and operators
    are found, how far the confidences can be trusted, and the worst errors with their evidence. Of
    several cases (other seeds, say): the mean of each figure and its 95% interval.
    """
    import linkage.evaluate

    if len(cases) != len(truth):
        raise InputError(
            f"{count(len(cases), 'case')} and {count(len(truth), 'truth file')}:"
            " expected one for each, in their order."
            " Type: linkage evaluate CASE CASE --truth FILE --truth FILE"
        )
    pairs = zip(cases, truth, strict=True)
    evaluations = [linkage.evaluate.score(case, file, min_size) for case, file in pairs]
    if len(evaluations) == 1:
        (evaluation,) = evaluations
        if as_json:
            output.print_json(evaluation.as_dict())
        for line in [] if as_json else evaluation.text().splitlines():
            output.say(line)
        return
    together = linkage.evaluate.over_seeds(evaluations)
    if as_json:
        each = [evaluation.as_dict() for evaluation in evaluations]
        output.print_json({**together.as_dict(), "cases": each})
        return
    for line in together.text().splitlines():
        output.say(line)
