"""On which one signal a member relies: what is left of its case if that signal is taken away.

A careful reader asks: what if this one address is a campus, this one template public? Taking a
coarse signal away (a range) takes what lies in it too (its addresses); taking a fine one leaves
the coarse. Weights add up as in attribution, from the weights that the case shows: of a kind the
strongest in full and the others by a quarter, of a family (an address and its range) the kind that
says most.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
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
    families: dict[str, list[int]] = {}
    for place in held:
        if signals[place].weight > 0:
            kind = signals[place].kind
            families.setdefault(FAMILIES.get(kind, kind), []).append(place)
    worst: tuple[int, float] | None = None
    for places in families.values():
        whole = _weight(places, signals)
        for gone in _candidates(places, signals):
            left = [p for p in places if p != gone and signals[p].above != gone]
            cost = whole - _weight(left, signals)
            if worst is None or cost > worst[1]:
                worst = gone, cost
    return worst


def _candidates(places: Iterable[int], signals: Sequence[Held]) -> list[int]:
    """Of each kind the strongest, and what it implies: nothing else costs more."""
    top: dict[str, int] = {}
    for place in places:
        signal = signals[place]
        if signal.kind not in top or signal.weight > signals[top[signal.kind]].weight:
            top[signal.kind] = place
    found = set(top.values())
    return sorted(found | {a for p in found if (a := signals[p].above) is not None})


def _weight(places: Iterable[int], signals: Sequence[Held]) -> float:
    kinds: dict[str, list[float]] = {}
    for place in places:
        kinds.setdefault(signals[place].kind, []).append(signals[place].weight)
    return max((_of_kind(weights) for weights in kinds.values()), default=0.0)


def _of_kind(weights: list[float]) -> float:
    strongest = max(weights)
    return strongest + REPEATED * (sum(weights) - strongest)


def confidence(evidence: float, cost: float, members: int, accounts: int) -> float:
    """The probability that is left of a member's case when `cost` nats go from its `evidence`.

    The prior is the operator's share of the service, as in attribution.

    >>> round(confidence(evidence=12.0, cost=4.0, members=100, accounts=10_000), 3)
    0.968
    """
    prior = math.log(members / (accounts - members + 1.0)) if 0 < members <= accounts else 0.0
    odds = max(-700.0, min(700.0, evidence - cost + prior))
    return 1.0 / (1.0 + math.exp(-odds))
