"""What kind of hand an operator is: a scorecard, the verdict and the rank.

In: `attributed`, `served`, `operator_signals` and the graph. Out: `scorecard_items` (operator,
item, finding, weight) and `verdicts` (operator, verdict, score). One hand is not yet a fraud: an
organisation or a household shares openly, one address, one mail domain, one card for all, while
sockpuppets share covertly: pools of cards, devices and addresses in which each is used by a few,
free mail, sign-ups in waves. Every item says what it found and adds nats towards sockpuppets or
away from it; the sum, with the prior, gives the score.
"""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa

from linkage.engine import Engine
from linkage.triage.facts import MOST, Facts, gather
from linkage.triage.homes import FAMILY
from linkage.triage.scorecard import (
    ITEMS,
    at_one_place,
    clients,
    far_apart,
    firm,
    payer,
    place,
)

BAR = 0.5
"""Score from which an operator is called sockpuppets."""


def judge(engine: Engine, min_size: int) -> None:
    """Create `scorecard_items` and `verdicts` for operators of `min_size` accounts or more."""
    items: list[tuple[int, str, str, float]] = []
    verdicts: list[tuple[int, str, float]] = []
    for operator, facts in gather(engine, min_size).items():
        found = [(name, *result) for name, item in ITEMS.items() if (result := item(facts))]
        total = sum(weight for _, _, weight in found)
        score = 1 / (1 + math.exp(-total))
        items += [(operator, *row) for row in found]
        verdicts.append((operator, _verdict(facts, score), score))
    engine.put("scorecard_items", _table(items, ("operator", "item", "finding", "weight")))
    engine.put("verdicts", _table(verdicts, ("operator", "verdict", "score")))


def _table(rows: list[Any], names: tuple[str, ...]) -> pa.Table:
    types = {"operator": pa.int64(), "weight": pa.float64(), "score": pa.float64()}
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table(
        {
            name: pa.array(column, types.get(name, pa.string()))
            for name, column in zip(names, columns, strict=True)
        }
    )


def _verdict(facts: Facts, score: float) -> str:
    if score >= BAR:
        return "sockpuppets"
    domain = firm(facts)
    if facts.size <= FAMILY and not domain and (at_one_place(facts) or facts.of("address").most):
        return "household"
    # who pays for people that share nothing else may as well sell accounts
    pays = payer(facts) and far_apart(facts) < MOST
    if domain or clients(facts) >= 0.5 or pays or place(facts):
        return "organisation"
    return "unclear"
