"""What a run or an update prints when it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from linkage.cli import look, output
from linkage.schema import count_verdicts
from linkage.words import count, name

if TYPE_CHECKING:
    from linkage.case import Case

TOP = 10
VALUE_WIDTH = 60
ALIKE = 0.9
"""A value on so many of all accounts tells nobody apart: perhaps these are suspects alone."""

COMMON = f"""
SELECT kind, value, accounts FROM signals
WHERE kind IN ('payment', 'device', 'phone', 'email', 'address', 'ip', 'prompt')
    AND ignored IS NULL AND accounts > 1
    AND accounts >= {ALIKE} * (SELECT count(*) FROM accounts)
ORDER BY accounts DESC, kind, value LIMIT 3
"""


def own_kinds(rows: Callable[[str], list[tuple[Any, ...]]]) -> list[str]:
    """Kinds of the observations that no file of `linkage.signals` knows."""
    from linkage.signals import KINDS

    found = rows("SELECT DISTINCT kind FROM observations ORDER BY kind")
    return [kind for (kind,) in found if kind not in KINDS]


def show_own_kinds(kinds: Sequence[str]) -> None:
    """Say what is made of them: the name may be a slip."""
    for kind in kinds:
        output.say(f"{kind} is a kind of your own: text, compared without case")


def of(case: Case, seconds: float) -> dict[str, Any]:
    """What a run or an update made, as plain values."""
    written = case.path / "report" / "index.html"
    details = case.run
    return {
        "case": str(case.path),
        "report": str(written) if written.exists() else None,
        "seconds": round(seconds, 1),
        "run": details["run"],
        "seed": details.get("seed"),
        "peak_memory_mb": details.get("peak_memory_mb"),
        "inputs": details.get("inputs", []),
        "counts": details.get("counts", {}),
        "own_kinds": own_kinds(case.rows),
        "rejected": details.get("rejected", []),
        "crowded": case.crowded.to_dict("records"),
        "busy": case.busy.to_dict("records"),
        "common": [
            {"kind": kind, "value": value, "accounts": accounts}
            for kind, value, accounts in case.rows(COMMON)
        ],
        "operators": [operator.as_dict() for operator in case.list_operators(top=TOP)],
    }


def show(case: Case, summary: dict[str, Any]) -> None:
    """Print that."""
    rows = [(i["name"], i["rows"]) for i in summary["inputs"]]
    output.table(["read", "rows"], rows, right=["rows"], wide=["read"])
    found = summary["counts"]
    output.say()
    output.say(
        ", ".join(
            count(found[name], name[:-1]) for name in ("accounts", "signals") if name in found
        )
    )
    show_own_kinds(summary["own_kinds"])
    look.print_rejected(summary["rejected"], top=5)
    look.print_crowded(summary["crowded"], found.get("accounts", 0), top=5)
    look.print_busy(summary["busy"], top=5)
    for note in [*case.run.get("judgements", []), *case.run.get("notes", [])]:
        output.say(note)
    operators = case.list_operators()
    if operators:
        output.heading(f"Operators: {count_verdicts(o.verdict for o in operators)}")
        look.print_operators(operators[:TOP])
        if len(operators) > TOP:
            output.say(f"and {len(operators) - TOP:,} more: linkage operators {case.path}")
    else:
        output.heading("No operators: no accounts share more than chance allows.")
    _show_common(summary["common"], found.get("accounts", 0))
    output.say()
    output.say(f"case    {case.path}")
    if summary["report"]:
        output.say(f"report  {summary['report']}")
    memory = summary["peak_memory_mb"]
    peak = f", {memory:,.0f} MB of memory at most" if memory else ""
    output.say(f"took    {summary['seconds']:,.1f} s{peak}")
    if operators:
        output.say(f"next    linkage show {case.path} {operators[0].operator_id}")


def _show_common(common: Sequence[Mapping[str, Any]], accounts: int) -> None:
    if not common:
        return
    values = ", ".join(
        f"{name(c['kind'])} {output.visible(c['value'], VALUE_WIDTH)} ({c['accounts']:,})"
        for c in common
    )
    output.say()
    output.say(
        f"Nearly all of {count(accounts, 'account')} share a value: {values}. What all have tells "
        "nobody apart. If these are the accounts that you suspect and no others, read them "
        "together with the rest of the service: only beside that does what they share say "
        "something."
    )
