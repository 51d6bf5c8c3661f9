"""How many operators as strong as these chance alone would make.

In: `pairs`, `operator_signals`, `verdicts` and `decoys`, the weights of signal pairs in a copy of
the graph in which, within each kind, accounts were dealt anew to signals (what every account and
every signal has stays). Out: `chance` (operator, strength, q_value). An operator is as strong as
its heaviest pair. The number of decoy pairs at least as heavy estimates how many such operators
chance makes; beyond the tenth heaviest decoy it is carried on as e^-x, the slope that the bound
on a pair's tail has, and never below what was seen. The q-value is that number over the operators
at least as strong: of all operators with q below 0.05, fewer than one in twenty should be chance.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from linkage.engine import Engine

ANCHOR = 10
"""The tail is carried on from the decoy of this place: few enough to be it, enough to count."""


def estimate(engine: Engine) -> None:
    """Create `chance` for every operator that has a verdict."""
    operators = engine.arrow(
        """
        WITH inside AS (
            SELECT a.operator, max(p.weight) AS strength
            FROM pairs p
            JOIN operator_signals a ON a.signal = p.signal_a
            JOIN operator_signals b ON b.signal = p.signal_b AND b.operator = a.operator
            GROUP BY a.operator
        )
        SELECT v.operator, coalesce(i.strength, 0.0) AS strength
        FROM verdicts v LEFT JOIN inside i USING (operator)
        ORDER BY strength DESC, v.operator
        """
    )
    strength = operators["strength"].to_numpy()
    decoys = engine.arrow("SELECT weight FROM decoys WHERE weight IS NOT NULL ORDER BY weight")[
        "weight"
    ].to_numpy()
    found = np.arange(1, len(strength) + 1)
    q_values = np.minimum(1.0, expected_by_chance(strength, decoys) / found)
    # an operator is no surer than a stronger one
    monotone = np.minimum.accumulate(q_values[::-1])[::-1]
    engine.put(
        "chance",
        pa.table(
            {
                "operator": operators["operator"],
                "strength": operators["strength"],
                "q_value": pa.array(np.round(monotone, 6), pa.float64()),
            }
        ),
    )


def expected_by_chance(strength: np.ndarray, decoys: np.ndarray) -> np.ndarray:
    """How many pairs at least as heavy as each `strength` one shuffled graph has.

    `decoys`, sorted ascending, are the weights seen in it. With fewer than ten, the tail starts at
    the heaviest, counted as one; with none, at weight zero.

    >>> expected_by_chance(np.array([1.0, 30.0]), np.array([2.0, 3.0]))
    array([2.00000000e+00, 1.87952882e-12])
    """
    counts = len(decoys) - np.searchsorted(decoys, strength, side="left")
    place = ANCHOR if len(decoys) >= ANCHOR else 1
    start = decoys[-place] if len(decoys) else 0.0
    tail = place * np.exp(-np.maximum(strength - start, 0.0))
    result: np.ndarray = np.where(
        strength > start, np.maximum(tail, counts), np.maximum(counts, place)
    )
    return result
