"""Every kind of operator and of honest people of the simulator, in one small service.

What the default run gets right is held here; what it does not is in docs/benchmarks.md.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

import linkage
from linkage.evaluate import Evaluation, score
from linkage.simulate import Operator, Preset, cast, simulate
from linkage.simulate.presets import HARD_SHARES

SIZES: dict[str, tuple[Operator, int, int]] = {
    # kind: operator, accounts, exits
    "hydra": (cast.HYDRA, 250, 350),
    "reseller": (cast.RESELLER, 150, 200),
    "balancer": (replace(cast.BALANCER, schedule="hybrid"), 140, 190),
    "datacentre": (cast.DATACENTRE, 120, 24),
    "churner": (cast.CHURNER, 160, 290),
    "shared-proxy": (cast.SHARED, 100, 350),
    "paraphraser": (cast.PARAPHRASER, 100, 200),
    "aged": (cast.AGED, 80, 180),
    "release-switcher": (cast.SWITCHER, 80, 10),
    "catch-all": (cast.CATCH_ALL, 80, 30),
    "careful": (cast.CAREFUL, 80, 400),
    "pairs": (cast.PAIRS, 120, 140),
    "camouflaged": (cast.CAMOUFLAGED, 60, 120),
}
LIMITS = ("careful", "pairs", "camouflaged")
"""In part or not at all: a card and a device each; cards in twos; nine events in ten anybody's."""
OPERATORS = (
    *(replace(op, size=size, exits=exits, scale=0.0) for op, size, exits in SIZES.values()),
    *(ring for ring in cast.RINGS if ring.size > 10),
)
HONEST = (
    "single",
    "household",
    "second-account",
    "shared-account",
    "friends",
    "office",
    "agency",
    "customer",
    "campus",
    "class",
    "carrier",
    "vpn",
    "developer",
)


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("kinds")
    simulate(folder, Preset("every kind", 8_000, OPERATORS, HARD_SHARES))
    inputs = [folder / "accounts.csv", folder / "events.parquet"]
    linkage.run(inputs, folder / "case", with_report=False).close()
    return score(folder / "case", folder / "truth.csv")


@pytest.mark.parametrize("kind", [kind for kind in SIZES if kind not in LIMITS])
def test_operators_are_found(figures: Evaluation, kind: str) -> None:
    (operator,) = (op for op in figures.operators if op.kind == kind)
    assert operator.why_not == ""


def test_rings_are_found(figures: Evaluation) -> None:
    rings = [op for op in figures.operators if op.kind == "ring"]
    assert len(rings) == 6
    assert [op.why_not for op in rings] == [""] * len(rings)


@pytest.mark.parametrize("kind", LIMITS)
def test_what_is_found_of_the_others_is_theirs(figures: Evaluation, kind: str) -> None:
    (operator,) = (op for op in figures.operators if op.kind == kind)
    # a household of two of them and three others accuses nobody
    assert operator.verdict != "sockpuppets" or operator.precision > 0.9


@pytest.mark.parametrize("kind", HONEST)
def test_honest_people_are_not_accused(figures: Evaluation, kind: str) -> None:
    (people,) = (k for k in figures.honest_kinds if k.kind == kind)
    # homes that are a proxy's exits have people in them
    assert people.accused <= (2 if kind == "household" else 0)


def test_nobody_is_called_an_operator_who_is_none(figures: Evaluation) -> None:
    assert figures.accusing_operators >= len(OPERATORS) - len(LIMITS)
    assert figures.false_operators == ()
