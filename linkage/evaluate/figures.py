"""What an evaluation is: its figures, as frozen values and as a table to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from linkage.errors import shorten
from linkage.evaluate.agreement import Agreement, Bin

PRECISION, RECALL = 0.9, 0.8
SHOWN = 15
"""Lines of each list of errors that is printed, and errors whose evidence is looked up."""
# columns of words, which stand to the left
WORDS = {
    "Confidence",
    "Kind of operator",
    "Kind of honest account",
    "Operator missed",
    "False operator",
    "Honest accused",
    "kind",
    "best match",
    "verdict",
    "why not",
    "who",
    "in",
    "mostly",
}


@dataclass(frozen=True)
class Found:
    """An operator of the truth and its best match among the operators of the case."""

    operator: str
    kind: str
    accounts: int
    match: str | None
    verdict: str | None
    precision: float
    recall: float
    inside: float
    """Share of its accounts that are in any operator of the case."""
    parts: int
    """How many operators of the case have some of its accounts."""

    @property
    def is_found(self) -> bool:
        """Whether the match is good enough, whatever its verdict."""
        return self.precision >= PRECISION and self.recall >= RECALL

    @property
    def why_not(self) -> str:
        """In words, why it does not count as found."""
        if not self.parts:
            return "no member found"
        if self.is_found:
            return "" if self.verdict == "sockpuppets" else f"called {self.verdict}"
        if self.precision < PRECISION:
            return f"{1 - self.precision:.0%} of the match are others"
        if self.inside >= RECALL:
            return f"in {self.parts} parts"
        return f"{1 - self.inside:.0%} in no operator"


@dataclass(frozen=True)
class OperatorKind:
    """How operators of one kind fared."""

    kind: str
    operators: int
    found: int
    accounts: int
    accounts_found: float
    precision: float
    recall: float


@dataclass(frozen=True)
class HonestKind:
    """How honest accounts of one kind fared."""

    kind: str
    accounts: int
    accused: int
    per_100000: float
    in_any_operator: int


@dataclass(frozen=True)
class Reason:
    """A signal that speaks for it: members and others that have it, and its weight in nats."""

    kind: str
    value: str
    members: int
    others: int
    nats: float


@dataclass(frozen=True)
class FalseOperator:
    """An operator called sockpuppets whose accounts are mostly not one operator's."""

    operator_id: str
    accounts: int
    q_value: float | None
    kinds: str
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Accused:
    """An honest account in an operator called sockpuppets; `of`: whose operator it mostly is."""

    account_id: str
    kind: str
    operator_id: str
    of: str | None
    confidence: float | None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """The figures of a case against a truth: rates per 100,000 honest accounts, shares 0 to 1."""

    accounts: int
    honest: int
    fraudulent: int
    members: int
    members_without_truth: int
    accused: int
    accused_per_100000: float | None
    accused_outside_organisations: int | None
    accused_outside_organisations_per_100000: float | None
    accounts_found: float | None
    accounts_found_any_verdict: float | None
    operators_of_10: int
    operators_of_10_found: int
    operators_of_10_found_as_sockpuppets: int
    operators_of_5: int
    operators_of_5_found: int
    operators_of_5_found_as_sockpuppets: int
    sockpuppets: Agreement
    any_verdict: Agreement
    calibration_error: float | None
    calibration: tuple[Bin, ...]
    accusing_operators: int
    accusing_operators_false: int
    significant_operators: int
    significant_operators_false: int
    false_share: float | None
    operators: tuple[Found, ...]
    operator_kinds: tuple[OperatorKind, ...]
    honest_kinds: tuple[HonestKind, ...]
    false_operators: tuple[FalseOperator, ...]
    accused_accounts: tuple[Accused, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """All figures as plain values."""
        return asdict(self)

    def text(self) -> str:
        """The figures as a table to read."""
        notes = (f"\n{note}" for note in self.notes)
        return "\n".join([*_summary(self), *_tables(self), *_errors(self), *notes])


def _summary(e: Evaluation) -> list[str]:
    rows = [
        ("Accounts", f"{e.accounts:,} ({e.honest:,} honest, {e.fraudulent:,} of operators)"),
        ("Members in the case", f"{e.members:,}"),
        ("Honest accused, per 100,000", _accused_text(e)),
        (
            "Accounts of operators found",
            f"{_share(e.accounts_found)} in sockpuppets,"
            f" {_share(e.accounts_found_any_verdict)} under any verdict",
        ),
        (
            "Operators found (10 accounts or more)",
            f"{e.operators_of_10_found} of {e.operators_of_10},"
            f" {e.operators_of_10_found_as_sockpuppets} as sockpuppets",
        ),
        (
            "Operators found (5 accounts or more)",
            f"{e.operators_of_5_found} of {e.operators_of_5},"
            f" {e.operators_of_5_found_as_sockpuppets} as sockpuppets",
        ),
        ("Pairs, sockpuppets", _prf(e.sockpuppets, "pair")),
        ("Pairs, any verdict", _prf(e.any_verdict, "pair")),
        ("B-cubed, sockpuppets", _prf(e.sockpuppets, "bcubed")),
        ("B-cubed, any verdict", _prf(e.any_verdict, "bcubed")),
        ("Calibration error of confidences", _decimal(e.calibration_error)),
        (
            "False among sockpuppets",
            f"{e.accusing_operators_false} of {e.accusing_operators}",
        ),
        (
            "False among sockpuppets with q < 0.05",
            f"{e.significant_operators_false} of {e.significant_operators}"
            f" ({_share(e.false_share)})",
        ),
    ]
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {value}" for name, value in rows]


def _tables(e: Evaluation) -> list[str]:
    """Confidences, and what was found of each kind."""
    lines = _table(
        "Confidence",
        ("members", "mean", "belonging"),
        [
            (
                f"{b.low:.1f} to {b.high:.1f}",
                f"{b.members:,}",
                f"{b.confidence:.3f}",
                f"{b.belonging:.3f}",
            )
            for b in e.calibration
        ],
    )
    lines += _table(
        "Kind of operator",
        ("found", "accounts", "in sockpuppets", "precision", "recall"),
        [
            (
                k.kind,
                f"{k.found} of {k.operators}",
                f"{k.accounts:,}",
                _share(k.accounts_found),
                f"{k.precision:.3f}",
                f"{k.recall:.3f}",
            )
            for k in e.operator_kinds
        ],
    )
    lines += _table(
        "Kind of honest account",
        ("accounts", "accused", "per 100,000", "in any operator"),
        [
            (
                k.kind,
                f"{k.accounts:,}",
                f"{k.accused:,}",
                f"{k.per_100000:.1f}",
                f"{k.in_any_operator:,}",
            )
            for k in e.honest_kinds
        ],
    )
    return lines


def _errors(e: Evaluation) -> list[str]:
    """The worst of each sort, with their evidence."""
    missed = [op for op in e.operators if not op.is_found or op.verdict != "sockpuppets"]
    lines = _table(
        "Operator missed",
        ("kind", "accounts", "best match", "verdict", "precision", "recall", "why not"),
        [
            (
                op.operator,
                op.kind,
                f"{op.accounts:,}",
                op.match or "-",
                op.verdict or "-",
                f"{op.precision:.3f}",
                f"{op.recall:.3f}",
                op.why_not,
            )
            for op in missed[:SHOWN]
        ],
    )
    lines += _table(
        "False operator",
        ("accounts", "q", "who"),
        [
            (op.operator_id, f"{op.accounts:,}", _decimal(op.q_value), op.kinds)
            for op in e.false_operators[:SHOWN]
        ],
        [_reasons(op.reasons) for op in e.false_operators[:SHOWN]],
    )
    lines += _table(
        "Honest accused",
        ("kind", "in", "mostly", "confidence"),
        [
            (a.account_id, a.kind, a.operator_id, a.of or "-", _decimal(a.confidence))
            for a in e.accused_accounts[:SHOWN]
        ],
        [_reasons(a.reasons) for a in e.accused_accounts[:SHOWN]],
    )
    return lines


def _accused_text(e: Evaluation) -> str:
    total = f"{_decimal(e.accused_per_100000, 1)} ({e.accused:,})"
    if e.accused_outside_organisations is None:
        return total
    outside = _decimal(e.accused_outside_organisations_per_100000, 1)
    return f"{outside} ({e.accused_outside_organisations:,}); with organisations {total}"


def _prf(a: Agreement, which: str) -> str:
    names = ("precision", "recall", "f1")
    return ", ".join(f"{name} {_decimal(getattr(a, f'{which}_{name}'))}" for name in names)


def _reasons(reasons: tuple[Reason, ...]) -> list[str]:
    """Evidence, a line a signal."""
    return [
        f"    {r.nats:+.2f}  {r.kind} {shorten(r.value, 60)}: {r.members:,} members,"
        f" {r.others:,} others"
        for r in reasons
    ]


def _table(
    name: str,
    columns: tuple[str, ...],
    rows: list[tuple[str, ...]],
    below: Sequence[Sequence[str]] = (),
) -> list[str]:
    """A table under an empty line, words to the left, numbers to the right; none without rows.

    `below` has lines to stand under each row.
    """
    if not rows:
        return []
    table = [(name, *columns), *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    lines = [""]
    for number, row in enumerate(table):
        cells = [
            cell.ljust(width) if title in WORDS else cell.rjust(width)
            for cell, width, title in zip(row, widths, (name, *columns), strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
        lines += below[number - 1] if number and below else ()
    return lines


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}%"


def _decimal(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
