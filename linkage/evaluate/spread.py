"""Figures over several populations: means, and how far they can be trusted.

Evaluations of the same kind of population (other seeds, say) come in; an `OverSeeds` leaves: each
figure's mean with a 95% interval of Student's t, which holds for the mean over populations, not for
the next one. A figure that some evaluation lacks is taken over the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from linkage.evaluate.agreement import ratio
from linkage.evaluate.figures import Evaluation

# 97.5% points of Student's t by degrees of freedom, from 1
T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
)  # fmt: skip


@dataclass(frozen=True)
class Spread:
    """A figure over populations: mean, 95% interval (None of a single one) and each value."""

    mean: float
    low: float | None
    high: float | None
    values: tuple[float, ...]

    def text(self, digits: int = 3) -> str:
        """The mean and its interval."""
        mean = f"{self.mean:.{digits}f}"
        if self.low is None or self.high is None:
            return mean
        return f"{mean} ({self.low:.{digits}f} to {self.high:.{digits}f})"


@dataclass(frozen=True)
class KindOverSeeds:
    """A kind of operator (share of accounts found) or of honest people (accused per 100,000)."""

    kind: str
    operators: int
    found: int
    accounts: int
    figure: Spread


@dataclass(frozen=True)
class OverSeeds:
    """Figures over populations, by name; None where no population has it."""

    populations: int
    figures: dict[str, Spread | None]
    operator_kinds: tuple[KindOverSeeds, ...]
    honest_kinds: tuple[KindOverSeeds, ...]

    def as_dict(self) -> dict[str, Any]:
        """All figures as plain values."""
        return asdict(self)

    def text(self) -> str:
        """The figures as a table to read."""
        lines = [f"Over {self.populations} populations: mean (95% interval of the mean)", ""]
        width = max(map(len, self.figures))
        for name, figure in self.figures.items():
            digits = 1 if "per 100,000" in name else 3
            lines.append(f"{name:<{width}}  {figure.text(digits) if figure else '-'}")
        for title, kinds, digits in (
            ("Kind of operator: found, share of accounts found", self.operator_kinds, 3),
            ("Kind of honest account: accused per 100,000", self.honest_kinds, 1),
        ):
            if kinds:
                lines += ["", title]
                width = max(len(kind.kind) for kind in kinds)
            for kind in kinds:
                found = f"{kind.found} of {kind.operators}  " if kind.operators else ""
                lines.append(
                    f"{kind.kind:<{width}}  {found}{kind.figure.text(digits)}"
                    f"  of {kind.accounts:,} accounts"
                )
        return "\n".join(lines)


FIGURES: dict[str, tuple[Callable[[Evaluation], float | None], float]] = {
    "Honest accused per 100,000, organisations aside": (
        lambda e: e.accused_outside_organisations_per_100000,
        1e5,
    ),
    "Honest accused per 100,000": (lambda e: e.accused_per_100000, 1e5),
    "Accounts of operators found": (lambda e: e.accounts_found, 1),
    "Accounts found under any verdict": (lambda e: e.accounts_found_any_verdict, 1),
    "Operators of 10 accounts or more found": (
        lambda e: ratio(e.operators_of_10_found_as_sockpuppets, e.operators_of_10),
        1,
    ),
    "Pairs, precision": (lambda e: e.sockpuppets.pair_precision, 1),
    "Pairs, recall": (lambda e: e.sockpuppets.pair_recall, 1),
    "Pairs, F1": (lambda e: e.sockpuppets.pair_f1, 1),
    "B-cubed, precision": (lambda e: e.sockpuppets.bcubed_precision, 1),
    "B-cubed, recall": (lambda e: e.sockpuppets.bcubed_recall, 1),
    "B-cubed, F1": (lambda e: e.sockpuppets.bcubed_f1, 1),
    "Calibration error of confidences": (lambda e: e.calibration_error, 1),
    "False share among sockpuppets with q < 0.05": (lambda e: e.false_share, 1),
}
"""Each figure of the summary, and the most that it can be."""


def over_seeds(evaluations: Sequence[Evaluation]) -> OverSeeds:
    """The figures of several evaluations (other seeds, say) together.

    Of each figure the mean over those that have it, and the 95% interval of that mean by Student's
    t, cut at what the figure can be; no interval of a single one.
    """
    figures = {}
    for name, (figure, most) in FIGURES.items():
        values = [value for e in evaluations if (value := figure(e)) is not None]
        figures[name] = spread(values, most) if values else None
    operator_kinds = []
    for kind in sorted({k.kind for e in evaluations for k in e.operator_kinds}):
        own = [k for e in evaluations for k in e.operator_kinds if k.kind == kind]
        operator_kinds.append(
            KindOverSeeds(
                kind,
                sum(k.operators for k in own),
                sum(k.found for k in own),
                sum(k.accounts for k in own),
                spread([k.accounts_found for k in own], most=1),
            )
        )
    honest_kinds = []
    for kind in sorted({k.kind for e in evaluations for k in e.honest_kinds}):
        honest = [k for e in evaluations for k in e.honest_kinds if k.kind == kind]
        accounts = sum(k.accounts for k in honest)
        accused = spread([k.per_100000 for k in honest], most=1e5)
        honest_kinds.append(KindOverSeeds(kind, 0, 0, accounts, accused))
    return OverSeeds(len(evaluations), figures, tuple(operator_kinds), tuple(honest_kinds))


def spread(values: Sequence[float], most: float) -> Spread:
    """Mean and 95% interval of values that lie in 0 to `most`.

    >>> spread([0.8, 0.9, 1.0], most=1).text(2)
    '0.90 (0.65 to 1.00)'
    """
    n = len(values)
    mean = sum(values) / n
    if n == 1:
        return Spread(mean, None, None, tuple(values))
    variance = sum((value - mean) ** 2 for value in values) / (n - 1)
    # beyond the table the points fall slowly; the last one errs to the wide side
    half = T[min(n - 1, len(T)) - 1] * (variance / n) ** 0.5
    return Spread(mean, max(0.0, mean - half), min(most, mean + half), tuple(values))
