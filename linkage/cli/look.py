"""The commands that look into a case: operators, show, explain, account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from linkage import words
from linkage.cli import output
from linkage.cli.options import AccountId, CaseFolder, Json
from linkage.cli.output import cell, heading, probability, q, say, table
from linkage.words import count

if TYPE_CHECKING:
    from linkage.case.views import (
        Account,
        Alternative,
        Belonging,
        Chains,
        Evidence,
        Link,
        Operator,
        OperatorView,
    )

VALUE_WIDTH = 60
MOST_DAYS = 40
"""Longer timelines are printed by month."""


def add_to(app: typer.Typer) -> None:
    """Add these commands to the application."""
    for command in (operators, show, explain, account):
        app.command()(command)


def operators(
    case: CaseFolder,
    verdict: Annotated[
        str | None,
        typer.Option(
            metavar="V", help="Only these: sockpuppets, organisation, household or unclear."
        ),
    ] = None,
    top: Annotated[int | None, typer.Option(metavar="N", min=1, help="Only the first N.")] = None,
    sort: Annotated[
        str, typer.Option(metavar="ORDER", help="rank, or accounts: the largest first.")
    ] = "rank",
    as_json: Json = False,
) -> None:
    """List the operators by rank."""
    from linkage.case import Case

    with Case(case) as opened:
        found = opened.list_operators(verdict, top, sort)
    if found or as_json:
        output.answer(found, as_json, print_operators)
    else:
        say("No operators" + (f" with verdict {verdict}." if verdict else "."))


def show(
    case: CaseFolder,
    operator: Annotated[str, typer.Argument(metavar="OPERATOR", help="Operator id or its start.")],
    top: Annotated[
        int, typer.Option(metavar="N", min=1, help="Members and signals of each kind shown.")
    ] = 10,
    as_json: Json = False,
) -> None:
    """Show an operator and the evidence for it.

    Its scorecard, the strongest evidence of each kind, its members and its days.
    """
    from linkage.case import Case

    with Case(case) as opened:
        output.answer(opened.show(operator, top), as_json, _print_operator)


def explain(
    case: CaseFolder,
    account: AccountId,
    other: Annotated[str | None, typer.Argument(metavar="ACCOUNT", help="Another one.")] = None,
    top: Annotated[
        int, typer.Option(metavar="N", min=1, help="Chains, or signals of each kind, shown.")
    ] = 3,
    as_json: Json = False,
) -> None:
    """Say why an account belongs, or what links two.

    With one account: the evidence of its operator that it has. With two: what both have, the
    strongest of each kind first; or, if they have nothing in common, the strongest chains of shared
    signals through one or two other accounts, where the fewer share a signal, the stronger it is.
    """
    from linkage.case import Case

    with Case(case) as opened:
        if other is None:
            output.answer(opened.belonging(account), as_json, lambda w: _print_belonging(w, top))
        else:
            output.answer(opened.chains(account, other, top), as_json, _print_chains)


def account(case: CaseFolder, account: AccountId, as_json: Json = False) -> None:
    """Show all that is known of one account.

    Its signals, how many other accounts use each, whether members of its operator or not, and its
    operator, if it belongs to one.
    """
    from linkage.case import Case

    with Case(case) as opened:
        output.answer(opened.account(account), as_json, _print_account)


def print_operators(found: Sequence[Operator]) -> None:
    """Operators as a table, each with the sentence that says why on a line of its own."""
    rows: list[Sequence[object]] = [
        (o.operator_id, o.verdict, o.accounts, probability(o.score), q(o.q_value), *_days(o))
        for o in found
    ]
    table(
        ["operator", "verdict", "accounts", "score", "q", "from (UTC)", "to (UTC)"],
        rows,
        right=["accounts", "score", "q"],
        below=[o.why for o in found],
    )


def _days(operator: Operator) -> list[object]:
    times = (operator.first_seen, operator.last_seen)
    return [None if time is None else time.date() for time in times]


def print_rejected(rejected: Sequence[Mapping[str, Any]], top: int) -> None:
    """Values that were not used, most rows first."""
    if not rejected:
        return
    ordered = sorted(rejected, key=lambda r: (-r["rows"], r["kind"], r["reason"], r["source"]))
    heading("Not used")
    table(
        ["rows", "values", "kind", "reason", "for example"],
        [(r["rows"], r["count"], r["kind"], r["reason"], r["example"]) for r in ordered[:top]],
        right=["rows", "values"],
        wide=["reason", "for example"],
    )
    if len(ordered) > top:
        rest = ordered[top:]
        say(f"and {count(len(rest), 'more reason')} ({sum(r['rows'] for r in rest):,} rows)")


def print_crowded(crowded: Sequence[Mapping[str, Any]], accounts: int, top: int) -> None:
    """Values that very many accounts have, which says little of any of them."""
    if not crowded:
        return
    heading("On so many accounts that it says little of any (perhaps a fault of the export)")
    table(
        ["accounts", "of all", "kind", "value"],
        [
            (c["accounts"], f"{c['accounts'] / accounts:.0%}", words.name(c["kind"]), c["value"])
            for c in crowded[:top]
        ],
        right=["accounts", "of all"],
        wide=["value"],
    )
    if len(crowded) > top:
        say(f"and {len(crowded) - top:,} more")


def print_busy(busy: Sequence[Mapping[str, Any]], top: int) -> None:
    """Accounts that have too much in common with everybody to tell what goes together."""
    if not busy:
        return
    heading("With so many signals of others that they tell nothing of what goes together")
    table(
        ["account", "signals"],
        [(b["account_id"], b["signals"]) for b in busy[:top]],
        right=["signals"],
        wide=["account"],
    )
    if len(busy) > top:
        say(f"and {len(busy) - top:,} more")


def _print_operator(view: OperatorView) -> None:
    print_operators([view.operator])
    for judgement in view.judgements:
        say(judgement.text())
    heading("Scorecard (nats; positive: sockpuppets)")
    table(
        ["weight", "item", "finding"],
        [(f"{i.weight:+.2f}", i.item, i.finding) for i in view.scorecard],
        right=["weight"],
        whole=["finding"],
    )
    for group in view.evidence:
        heading(f"Evidence: {words.name(group.kind)}")
        _print_evidence(group.top, with_kind=False)
        if group.more:
            say(f"and {group.more:,} more")
    heading("Members")
    table(
        ["account", "confidence", "nats", "signals"],
        [(m.account_id, probability(m.confidence), m.evidence, m.held_by) for m in view.members],
        right=["confidence", "nats", "signals"],
        wide=["account"],
    )
    if view.more_members:
        say(f"and {view.more_members:,} more, in members.csv")
    if view.timeline:
        _print_timeline(view)


def _print_timeline(view: OperatorView) -> None:
    days = [(f"{d.day}", d.sign_ups, d.active, d.rows) for d in view.timeline]
    unit = "day"
    if len(days) > MOST_DAYS:
        unit = "month"
        months = groupby(days, key=lambda row: row[0][:7])
        groups = ((month, list(zip(*rows, strict=True))) for month, rows in months)
        days = [(month, sum(g[1]), max(g[2]), sum(g[3])) for month, g in groups]
    heading(f"Timeline by {unit} (UTC)")
    most = max((row[3] for row in days), default=0) or 1
    active = "active" if unit == "day" else "most active a day"
    table(
        [unit, "sign-ups", active, "rows", ""],
        [(*row, "\N{FULL BLOCK}" * -(-row[3] * 20 // most)) for row in days],
        right=["sign-ups", active, "rows"],
    )


def _print_evidence(evidence: Iterable[Evidence], with_kind: bool = True) -> None:
    rows = [
        (
            f"{e.weight:+.2f}",
            e.members,
            e.others,
            *([words.short(e.kind)] if with_kind else []),
            e.value,
        )
        for e in evidence
    ]
    table(
        ["nats", "members", "others", *(["kind"] if with_kind else []), "value"],
        rows,
        right=["nats", "members", "others"],
        wide=["value"],
    )


def _print_belonging(why: Belonging, top: int) -> None:
    if why.membership is None or why.operator is None:
        say(f"{why.account_id} belongs to no operator.")
        _print_alternative(why.alternative, "The nearest is")
        return
    m = why.membership
    confidence = probability(m.confidence)
    say(f"{why.account_id} belongs to {m.operator_id} ({m.verdict}), confidence {confidence}")
    say(why.operator.why)
    for judgement in why.judgements:
        say(judgement.text())
    heading(f"What holds it, {m.evidence:.1f} nats together")
    shown: list[Evidence] = []
    left: Counter[str] = Counter()
    for kind, items in _by_kind(why.evidence):
        shown += items[:top]
        left[kind] = max(0, len(items) - top)
    _print_evidence(sorted(shown, key=lambda item: -item.weight))
    if more := ", ".join(f"{n:,} more of {words.name(kind)}" for kind, n in left.items() if n):
        say(f"and {more}")
    say("Signals of one kind are not added up as if they were independent.")
    say()
    _print_alternative(why.alternative, "The nearest other operator is")


def _by_kind(evidence: Iterable[Evidence]) -> list[tuple[str, list[Evidence]]]:
    kinds: dict[str, list[Evidence]] = {}
    for item in evidence:
        kinds.setdefault(item.kind, []).append(item)
    return list(kinds.items())


def _print_alternative(alternative: Alternative | None, lead: str) -> None:
    if alternative is None:
        say("It shares no evidence with any other operator.")
        return
    a = alternative
    say(f"{lead} {a.operator_id} ({a.verdict}): {count(a.signals, 'signal')}, {a.nats:.1f} nats.")


def _print_chains(found: Chains) -> None:
    if found.same_operator:
        say(f"Both belong to {found.same_operator}.")
    if not found.chains:
        say(
            f"Nothing links {found.a} and {found.b}: no signal that counts as evidence, "
            "directly or through two other accounts."
        )
        return
    for number, chain in enumerate(found.chains, 1):
        weight = chain.links[0].weight if len(chain.links) == 1 else None
        nats = "" if weight is None else f", {weight:+.2f} nats"
        heading(f"{number}. {_steps(len(chain.links))}{nats}")
        say(chain.links[0].a, indent=3)
        for link in chain.links:
            value = output.visible(link.value, VALUE_WIDTH)
            say(f"both use {words.name(link.kind)} {value} ({_users(link)})", indent=5)
            say(link.b, indent=3)
        if chain.like_it:
            more = "more through other accounts over the same signals"
            say(f"and {chain.like_it:,} {more}", indent=3)
    if found.more:
        say()
        kinds = ", ".join(f"{n:,} of {words.name(kind)}" for kind, n in found.more_of.items())
        say(f"and {count(found.more, 'more shared signal')}: {kinds}")


def _users(link: Link) -> str:
    if link.members is not None and link.outsiders is not None:
        return f"{count(link.members, 'member')}, {count(link.outsiders, 'other')}"
    if link.others == 0:
        return "nobody else does"
    return f"{count(link.others, 'other account')} {'does' if link.others == 1 else 'do'}"


def _steps(links: int) -> str:
    through = {1: "shared directly", 2: "through one account", 3: "through two accounts"}
    return through[links]


def _print_account(view: Account) -> None:
    say(view.account_id, style="bold")
    times = (view.created_at, view.first_seen, view.last_seen)
    made, first, last = (cell(t) or "unknown" for t in times)
    say(f"made {made}, seen {first} to {last} (UTC), {view.rows:,} rows")
    m = view.membership
    if m is None:
        say("In no operator.")
    else:
        say(
            f"In {m.operator_id} ({m.verdict}), confidence {probability(m.confidence)}: "
            f"{count(m.held_by, 'signal')}, {m.evidence:.1f} nats."
        )
    _print_alternative(view.alternative, "Nearest other operator:" if m else "Nearest operator:")
    if view.signals:
        heading("Signals")
        table(
            # the long one last, or it would pad every row
            ["kind", "other accounts", "rows", "not used because", "value"],
            [(words.short(s.kind), s.others, s.n, s.ignored, s.value) for s in view.signals],
            right=["other accounts", "rows"],
            wide=["not used because", "value"],
        )
