"""The commands that go on with a case: update, judge, allow, diff, history.

Heavy modules are imported where they are used, so that `linkage --help` is quick.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from linkage.cli import output
from linkage.cli.options import CaseFolder, Json, MoreMapping, NoReport, overruled
from linkage.cli.output import heading, say, table
from linkage.errors import InputError, shorten, suggestion
from linkage.schema import DECISIONS
from linkage.words import count

if TYPE_CHECKING:
    from linkage.case import Case
    from linkage.case.views import Difference, Event, Judgement

Note = Annotated[str, typer.Option(metavar="TEXT", help="Why.")]
By = Annotated[str, typer.Option(metavar="NAME", help="Who decides.  [default: the user]")]
Withdraw = Annotated[
    bool, typer.Option("--withdraw", help="It no longer holds (it stays in the history).")
]
Pair = tuple[str, str]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the application."""
    for command in (update, match, judge, allow, diff, history):
        app.command()(command)


def update(
    case: CaseFolder,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="INPUT", help="New files, as for run. None: judgements."),
    ] = None,
    mapping: MoreMapping = None,
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Memory limit.  [default: that of the run]")
    ] = None,
    no_report: NoReport = False,
    as_json: Json = False,
) -> None:
    """Add new rows to a case, or have it obey new judgements.

    What was read before is not read again: not the same file, nor the same row of another. With
    the settings of the last run; operator ids stay.
    """
    import linkage
    from linkage import pipeline
    from linkage.cli import summary
    from linkage.cli.progress import shown

    with linkage.Case(case) as earlier:
        config = overruled(earlier.config, mapping, memory=memory)
        before = earlier.run.get("run")
    start = time.monotonic()
    with shown() as progress:
        updated = pipeline.update(case, inputs or [], config, progress, not no_report)
    with updated:
        found = summary.of(updated, time.monotonic() - start)
        found["changed"] = found["run"] != before
        if as_json:
            output.print_json(found)
        elif not found["changed"]:
            say("Every input was read before: nothing changed.")
        else:
            summary.show(updated, found)
            say(f"changes linkage diff {case}")


def match(
    case: CaseFolder,
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT", help="Files, as for run.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The CSV file to write.")],
    mapping: MoreMapping = None,
    verdict: Annotated[
        list[str] | None,
        typer.Option(
            metavar="V",
            help="Operators of this verdict. Repeatable.  [default: sockpuppets and unclear]",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say which new accounts belong to an operator of the case.

    The case is not changed. FILE has account_id, operator_id, confidence and why, a row for each
    account that belongs to an operator and is not in the case already. Offices and families are
    left out: that somebody belongs to one is no news.
    """
    import linkage
    from linkage.case.matching import SUSPECT, write_csv
    from linkage.cli.progress import shown

    with linkage.Case(case) as opened:
        config = overruled(opened.config, mapping)
    verdicts = verdict or SUSPECT
    with linkage.Matcher(case, config, verdicts) as matcher, shown() as progress:
        found = matcher.match(inputs, progress)
        known = matcher.known
    write_csv(out, found)
    counts = Counter(m.operator_id for m in found)
    if as_json:
        output.print_json(
            {"file": str(out), "matched": len(found), "known": known, "operators": dict(counts)}
        )
        return
    table(["operator", "accounts"], counts.most_common(), right=["accounts"])
    say(f"{count(len(found), 'account')} in {out}")
    if known:
        say(f"{count(known, 'account')} left out: in the case already")


def judge(
    case: CaseFolder,
    operator: Annotated[
        str | None, typer.Argument(metavar="OPERATOR", help="Operator id or its start.")
    ] = None,
    decision: Annotated[
        str | None, typer.Argument(metavar="DECISION", help="confirmed, dismissed or unsure.")
    ] = None,
    verdict: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="V",
            help="What it is confirmed as: sockpuppets, organisation or household.  "
            "[default: its verdict]",
        ),
    ] = "",
    together: Annotated[
        Pair | None, typer.Option(metavar="ACCOUNT ACCOUNT", help="Two of one operator.")
    ] = None,
    apart: Annotated[
        Pair | None, typer.Option(metavar="ACCOUNT ACCOUNT", help="Never of one operator.")
    ] = None,
    note: Note = "",
    by: By = "",
    withdraw: Withdraw = False,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all judgements for another case.")
    ] = None,
    bring: Annotated[
        Path | None, typer.Option("--import", metavar="FILE", help="Add those of another case.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Record what was decided; the next run or update obeys.

    An operator that is confirmed, as what its verdict says or --as another, comes back, with what
    it shares weighing more; one that is dismissed does not, under no id; unsure takes back either.
    Accounts judged apart are never in one operator. Nothing is overwritten: linkage history shows
    all. Without a decision, the judgements that stand are listed.
    """
    if withdraw and together is None and apart is None:
        raise InputError(
            "--withdraw goes with --together or --apart. A judgement of an operator is taken back "
            f"by unsure: linkage judge {case} {operator or 'OPERATOR'} unsure"
        )
    _check_one(operator, decision, together, apart, export, bring)
    if verdict and decision is None:
        raise InputError(
            f"--as what? It goes with: linkage judge {case} OPERATOR confirmed --as {verdict}"
        )
    from linkage.case import Case

    with Case(case) as opened:
        if export is not None:
            _export(opened, export, as_json)
        elif bring is not None:
            _print_import(*opened.import_judgements(bring), as_json)
        elif (pair := together or apart) is not None:
            record = opened.apart if together is None else opened.together
            made = record(*pair, note=note, by=by, withdraw=withdraw)
            output.answer(made, as_json, partial(_print_made, case))
        elif operator is not None and decision is not None:
            made = opened.judge(operator, decision, note, by, verdict)
            output.answer(made, as_json, partial(_print_made, case))
        else:
            output.answer(opened.judgements(standing=True), as_json, _print_standing)


def _check_one(
    operator: str | None,
    decision: str | None,
    together: Pair | None,
    apart: Pair | None,
    export: Path | None,
    bring: Path | None,
) -> None:
    ways = [operator is not None, together is not None, apart is not None]
    ways += [export is not None, bring is not None]
    if sum(ways) > 1:
        raise InputError(
            "one decision at a time: OPERATOR DECISION, --together, --apart, --export or --import."
        )
    if operator is not None and decision is None:
        raise InputError(
            f"what about {shorten(operator)}? Expected one of {', '.join(DECISIONS)} after it."
        )
    if decision is not None and decision not in DECISIONS:
        raise InputError(
            f"no decision {shorten(decision)}; it is one of {', '.join(DECISIONS)}. "
            + suggestion(decision, DECISIONS)
        )


def _export(case: Case, file: Path, as_json: bool) -> None:
    from linkage import writing

    data = case.export_judgements()
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    with writing.trouble(file), writing.beside(file) as new:
        new.write_text(text, encoding="utf-8")
    found = len(data["judgements"])
    if as_json:
        output.print_json({"file": str(file), "judgements": found})
    else:
        say(f"{count(found, 'judgement')} in {file}")


def _print_made(case: Path, made: Judgement, told: str = "") -> None:
    say(made.text())
    if told:
        say(told)
    say(f"It binds the next run. Now: linkage update {case}")


def _print_import(brought: Sequence[Judgement], left: Sequence[str], as_json: bool) -> None:
    if as_json:
        output.print_json({"added": [j.as_dict() for j in brought], "left_out": list(left)})
        return
    say(f"{count(len(brought), 'judgement')} added")
    for j in brought:
        say(f"  {j.text()}")
    if left:
        heading("Left out")
        for text in left:
            say(f"  {text}")


def _print_standing(found: Sequence[Judgement]) -> None:
    if not found:
        say("No judgements.")
        return
    rows = [(j.made_at, j.made_by, _what(j), j.decided, j.note) for j in found]
    table(["when (UTC)", "who", "what", "decision", "why"], rows, wide=["what", "why"])


def _what(j: Judgement) -> str:
    return j.a if j.subject == "operator" else f"{j.subject} {j.a} {j.b}"


def allow(
    case: CaseFolder,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND", help="ip, email_domain, …, or as it is shown: address range, card, …"
        ),
    ],
    value: Annotated[
        str,
        typer.Argument(
            metavar="VALUE",
            help="The value; for ip a network too, for prompt the start of a template.",
        ),
    ],
    note: Note = "",
    by: By = "",
    withdraw: Withdraw = False,
    as_json: Json = False,
) -> None:
    """Make a signal no evidence from the next run on.

    A campus address, a public template, a partner's mail domain: accounts may share it, and it
    says nothing. What it implies (an address its range) says nothing either.
    """
    from linkage.case import Case
    from linkage.case.judging import users

    with Case(case) as opened:
        made = opened.allow(kind, value, note, by, withdraw)
        used = 0 if as_json else users(opened, made.a, str(made.b))
        told = f"It is used by {count(used, 'account') if used else 'no account so far'}."
        output.answer(made, as_json, partial(_print_made, case, told=told))


def diff(
    case: CaseFolder,
    earlier: Annotated[int | None, typer.Argument(metavar="RUN", help="Number of a run.")] = None,
    later: Annotated[int | None, typer.Argument(metavar="RUN", help="A later one.")] = None,
    as_json: Json = False,
) -> None:
    """Say what changed between two runs.

    Operators that are new, gone, grown, merged or split; by default since the run before the last.
    """
    from linkage.case import Case

    with Case(case) as opened:
        output.answer(opened.diff(earlier, later), as_json, _print_diff)


def _print_diff(found: Difference) -> None:
    say(f"From run {found.earlier} to run {found.later}")
    if not found.changes:
        say("Nothing changed.")
    for change in found.changes:
        say(f"  {change.text}")
    if found.same:
        say(f"{count(found.same, 'operator')} stayed the same.")


def history(
    case: CaseFolder,
    operator: Annotated[
        str | None, typer.Option(metavar="OPERATOR", help="Only what concerns this one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List runs and judgements, oldest first.

    What each run read and changed, who decided what, when and why.
    """
    from linkage.case import Case

    with Case(case) as opened:
        output.answer(opened.history(operator), as_json, _print_history)


def _print_history(events: Sequence[Event]) -> None:
    if not events:
        say("Nothing.")
    for event in events:
        number = f"run {event.number}" if event.what == "run" else "judgement"
        say(f"{event.at:%Y-%m-%d %H:%M}  {number:<9}  {event.text}")
        for line in event.details:
            say(f"{'':29}{line}")
