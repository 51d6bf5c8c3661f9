"""How many operators chance would make: counts by brute force, q-values by scipy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import exp

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from linkage import chance
from linkage.chance import ANCHOR, expected_by_chance
from linkage.engine import DuckDBEngine

WEIGHTS = st.lists(st.floats(0, 50).map(lambda x: round(x, 3)), max_size=40)


def expected(strength: float, decoys: Sequence[float]) -> float:
    return float(expected_by_chance(np.array([strength]), np.sort(np.array(decoys, float)))[0])


class TestExpected:
    def test_among_many_decoys_it_is_a_count(self) -> None:
        decoys = [float(n) for n in range(100)]
        assert expected(49.5, decoys) == 50
        assert expected(0.0, decoys) == 100
        # the decoy of the same weight counts
        assert expected(50.0, decoys) == 50

    def test_beyond_the_tenth_it_falls_like_the_bound(self) -> None:
        decoys = [float(n) for n in range(100)]
        assert expected(90.0, decoys) == 10
        # never fewer than were seen
        assert expected(93.0, decoys) == 7
        assert expected(120.0, decoys) == pytest.approx(10 * exp(-30))

    def test_few_decoys_and_none(self) -> None:
        assert expected(1.0, [2.0, 3.0]) == 2
        assert expected(5.0, [2.0, 3.0]) == pytest.approx(exp(-2))
        assert expected(0.0, []) == 1
        assert expected(4.0, []) == pytest.approx(exp(-4))

    @given(strengths=WEIGHTS, decoys=WEIGHTS)
    @settings(deadline=None)
    def test_the_stronger_the_rarer(self, strengths: list[float], decoys: list[float]) -> None:
        found = [expected(strength, decoys) for strength in sorted(strengths)]
        assert all(more >= less for more, less in pairwise(found))
        place = ANCHOR if len(decoys) >= ANCHOR else 1
        for strength, number in zip(sorted(strengths), found, strict=True):
            seen = sum(decoy >= strength for decoy in decoys)
            assert number == seen if seen >= place else 0 < number <= place


def estimated(
    strengths: dict[int, list[float]], decoys: Sequence[float]
) -> dict[int, tuple[float, float]]:
    """Operator -> strength and q-value, where an operator has pairs of these weights."""
    engine = DuckDBEngine()
    pairs: list[tuple[int, int, float]] = []
    own: list[tuple[int, int]] = []
    for operator, weights in strengths.items():
        for weight in weights:
            a, b = len(own), len(own) + 1
            pairs.append((a, b, weight))
            own += [(operator, a), (operator, b)]
    signal_a, signal_b, weight_of = zip(*pairs, strict=True) if pairs else ((), (), ())
    operator_of, signal = zip(*own, strict=True) if own else ((), ())
    number = pa.int64()
    engine.put(
        "pairs",
        pa.table(
            {
                "signal_a": pa.array(signal_a, number),
                "signal_b": pa.array(signal_b, number),
                "weight": pa.array(weight_of, pa.float64()),
            }
        ),
    )
    engine.put(
        "operator_signals",
        pa.table({"operator": pa.array(operator_of, number), "signal": pa.array(signal, number)}),
    )
    engine.put("verdicts", pa.table({"operator": pa.array(strengths, number)}))
    engine.put("decoys", pa.table({"weight": pa.array(decoys, pa.float64())}))
    chance.estimate(engine)
    rows = engine.rows("SELECT operator, strength, q_value FROM chance")
    return {operator: (strength, q_value) for operator, strength, q_value in rows}


class TestEstimate:
    def test_by_hand(self) -> None:
        decoys = [2.0] * 9 + [3.0]
        found = estimated({7: [4.0, 9.0], 8: [5.0], 9: []}, decoys)
        assert {operator: strength for operator, (strength, _) in found.items()} == {
            7: 9.0,
            8: 5.0,
            9: 0.0,
        }
        # ten decoys weigh 2 or more; the tail starts there
        assert found[7][1] == pytest.approx(10 * exp(-7), abs=1e-6)
        assert found[8][1] == pytest.approx(10 * exp(-3) / 2, abs=1e-6)
        assert found[9][1] == 1

    def test_a_pair_across_two_operators_is_nobodys(self) -> None:
        engine = DuckDBEngine()
        engine.create("pairs", "SELECT 0 AS signal_a, 1 AS signal_b, 9e0 AS weight")
        engine.create(
            "operator_signals", "SELECT unnest([4, 5]) AS operator, unnest([0, 1]) AS signal"
        )
        engine.create("verdicts", "SELECT unnest([4, 5]) AS operator")
        engine.put("decoys", pa.table({"weight": pa.array([], pa.float64())}))
        chance.estimate(engine)
        assert engine.rows("SELECT strength FROM chance") == [(0.0,), (0.0,)]

    def test_no_operators(self) -> None:
        assert estimated({}, [1.0, 2.0]) == {}

    @given(strengths=st.lists(st.floats(0.1, 30), min_size=1, max_size=12))
    @settings(max_examples=15, deadline=None)
    def test_without_decoys_they_are_those_of_benjamini_and_hochberg(
        self, strengths: list[float]
    ) -> None:
        found = estimated({n: [strength] for n, strength in enumerate(strengths)}, [])
        # of so many tests, chance makes e^-x operators as strong as x
        p_values = np.exp(-np.array(strengths)) / len(strengths)
        adjusted = false_discovery_control(p_values)
        assert [found[n][1] for n in range(len(strengths))] == pytest.approx(adjusted, abs=1e-6)

    @given(strengths=WEIGHTS.filter(bool), decoys=WEIGHTS)
    @settings(max_examples=15, deadline=None)
    def test_a_stronger_operator_is_no_less_sure(
        self, strengths: list[float], decoys: list[float]
    ) -> None:
        found = estimated({n: [strength] for n, strength in enumerate(strengths)}, decoys)
        q_values = [q_value for _, q_value in sorted(found.values())]
        assert q_values == sorted(q_values, reverse=True)
        assert all(0 <= q_value <= 1 for q_value in q_values)
