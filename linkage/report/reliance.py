"""On which one signal a member relies: what is left of its case if that signal is taken away.

A careful reader asks: what if this one address is a campus, this one template public? Taking a
coarse signal away (a range) takes what lies in it too (its addresses); taking a fine one leaves
the coarse. Weights add up as in attribution, from the weights that the case shows: of a kind the
strongest in full and the others by a quarter, of a family (an address and its range) the kind that
says most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from linkage.attribution.weights import REPEATED
from linkage.graph import FAMILIES


@dataclass(frozen=True)
class Held:
    """A signal of an operator as reliance sees it."""

    kind: str
    weight: float
    above: int | None = None
    """Position of the coarser signal that it implies, among the same signals."""


def weakest(held: Sequence[int], signals: Sequence[Held]) -> tuple[int, float] | None:
    """The signal whose loss costs a member most, and the nats it costs; None if it holds nothing.

    `held` are positions in `signals`.

    >>> signals = [Held("ip_range", 4.0), Held("ip", 5.0, above=0), Held("payment", 4.5)]
    >>> weakest([0, 1, 2], signals)  # the range takes its address along
    (0, 5.0)
    """
    kinds: dict[str, _OfKind] = {}
    for place in sorted(held, key=lambda p: -signals[p].weight):
        if signals[place].weight > 0:
            kinds.setdefault(signals[place].kind, _OfKind()).add(place, signals[place])
    families: dict[str, list[_OfKind]] = {}
    for kind, found in kinds.items():
        families.setdefault(FAMILIES.get(kind, kind), []).append(found)
    worst: tuple[int, float] | None = None
    for parts in families.values():
        whole = max(part.weight() for part in parts)
        # of one kind no single signal costs more than the strongest
        candidates = {part.held[0][0] for part in parts}.union(*(part.coarse for part in parts))
        for gone in sorted(candidates):
            cost = whole - max(part.weight(gone) for part in parts)
            if worst is None or cost > worst[1]:
                worst = gone, cost
    return worst


class _OfKind:
    """What a member holds of one kind, the strongest first."""

    def __init__(self) -> None:
        self.held: list[tuple[int, Held]] = []
        self.coarse: set[int] = set()
        self.lost: dict[int, float] = {}
        self.total = 0.0

    def add(self, place: int, signal: Held) -> None:
        self.held.append((place, signal))
        self.total += signal.weight
        self.lost[place] = self.lost.get(place, 0.0) + signal.weight
        if signal.above is not None:
            self.coarse.add(signal.above)
            self.lost[signal.above] = self.lost.get(signal.above, 0.0) + signal.weight

    def weight(self, gone: int = -1) -> float:
        """What it adds to the member's case, without `gone` and what that implies."""
        for place, signal in self.held:
            if place != gone and signal.above != gone:
                rest = self.total - self.lost.get(gone, 0.0) - signal.weight
                return signal.weight + REPEATED * rest
        return 0.0


def confidence(evidence: float, cost: float, members: int, accounts: int) -> float:
    """The probability that is left of a member's case when `cost` nats go from its `evidence`.

    The prior is the operator's share of the service, as in attribution.

    >>> round(confidence(evidence=12.0, cost=4.0, members=100, accounts=10_000), 3)
    0.968
    """
    prior = math.log(members / (accounts - members + 1.0)) if 0 < members <= accounts else 0.0
    odds = max(-700.0, min(700.0, evidence - cost + prior))
    return 1.0 / (1.0 + math.exp(-odds))
