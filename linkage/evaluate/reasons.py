"""Why the worst errors were made: the evidence that a case holds for them.

An evaluation and the case that it is of come in; the same evaluation leaves, its false operators
and its accused accounts with the strongest evidence of each kind. A table of members has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from linkage.case import DATABASE, Case
from linkage.case.views import Evidence
from linkage.evaluate.figures import SHOWN, Evaluation, Reason

STRONGEST = 4


def with_reasons(evaluation: Evaluation, path: Path) -> Evaluation:
    """The evaluation with evidence of the errors that are shown, if the path is a case."""
    if not (path / DATABASE).exists():
        return evaluation
    with Case(path) as case:
        operators = tuple(
            replace(operator, reasons=_of_operator(case, operator.operator_id))
            if number < SHOWN
            else operator
            for number, operator in enumerate(evaluation.false_operators)
        )
        accounts = tuple(
            replace(account, reasons=_strongest(case.belonging(account.account_id).evidence))
            if number < SHOWN
            else account
            for number, account in enumerate(evaluation.accused_accounts)
        )
    return replace(evaluation, false_operators=operators, accused_accounts=accounts)


def _of_operator(case: Case, operator_id: str) -> tuple[Reason, ...]:
    kinds = case.show(operator_id, top=1).evidence
    return _strongest(kind.top[0] for kind in kinds)


def _strongest(evidence: Iterable[Evidence]) -> tuple[Reason, ...]:
    """The strongest of each kind; what weighs nothing says nothing."""
    best: dict[str, Reason] = {}
    for item in evidence:
        reason = Reason(item.kind, item.value, item.members, item.others, item.weight)
        if item.weight > 0 and item.kind not in best:
            best[item.kind] = reason
    ordered = sorted(best.values(), key=lambda reason: (-reason.nats, reason.kind))
    return tuple(ordered[:STRONGEST])
