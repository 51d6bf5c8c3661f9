"""Scores over the join of members and truth: how far two groupings agree, and calibration.

Tables that arrive: `t` (account_id, operator, kind) and `m`, the members of the case with their
truth (account_id, operator_id, verdict, confidence, operator, kind). Honest accounts are groups of
one.
"""

from __future__ import annotations

from dataclasses import dataclass

from linkage.engine import Engine

BINS = 10


@dataclass(frozen=True)
class Agreement:
    """Precision, recall and F1 over pairs of accounts, and B-cubed (Bagga and Baldwin, 1998).

    B-cubed is the mean over the accounts that the truth or the case puts in an operator: the many
    honest accounts that nobody accuses would otherwise hide everything.
    """

    pair_precision: float | None
    pair_recall: float | None
    pair_f1: float | None
    bcubed_precision: float | None
    bcubed_recall: float | None
    bcubed_f1: float | None


@dataclass(frozen=True)
class Bin:
    """Members with a confidence in [low, high): how many, their mean, and how many belong."""

    low: float
    high: float
    members: int
    confidence: float
    belonging: float


def agreement(engine: Engine, which: str) -> Agreement:
    """How well the operators of the members that satisfy `which` agree with the truth's."""
    engine.create(
        "cells",
        f"SELECT operator_id, operator, count(*) AS n FROM m WHERE {which} GROUP BY ALL",
    )
    engine.create("sizes", "SELECT operator_id, sum(n) AS size FROM cells GROUP BY ALL")
    engine.create(
        "truths",
        "SELECT operator, any_value(accounts) AS accounts, coalesce(sum(n), 0) AS members FROM"
        " (SELECT operator, count(*) AS accounts FROM t WHERE operator IS NOT NULL GROUP BY ALL)"
        " LEFT JOIN cells USING (operator) GROUP BY operator",
    )
    pairs = "coalesce(sum({0}::DOUBLE * ({0} - 1) / 2), 0)"
    both = engine.value(f"SELECT {pairs.format('n')} FROM cells WHERE operator IS NOT NULL")
    guessed = engine.value(f"SELECT {pairs.format('size')} FROM sizes")
    true = engine.value(f"SELECT {pairs.format('accounts')} FROM truths")
    # a member agrees with the n of its own cell, an honest one only with itself
    precise, recalled, members = engine.rows(
        "SELECT coalesce(sum(precise ORDER BY precise), 0),"
        " coalesce(sum(recalled ORDER BY recalled), 0), coalesce(sum(n), 0) FROM ("
        "SELECT n, n::DOUBLE * CASE WHEN operator IS NULL THEN 1 ELSE n END / size AS precise,"
        " CASE WHEN operator IS NULL THEN n ELSE n::DOUBLE * n / accounts END AS recalled"
        " FROM cells JOIN sizes USING (operator_id) LEFT JOIN truths USING (operator))"
    )[0]
    # an account left out is a group of one
    left_out, left_recall = engine.rows(
        "SELECT coalesce(sum(accounts - members), 0),"
        " coalesce(sum(lost ORDER BY lost), 0)"
        " FROM (SELECT *, (accounts - members) / accounts AS lost FROM truths)"
    )[0]
    total = float(members + left_out)
    precision, recall = ratio(both, guessed), ratio(both, true)
    b_precision = ratio(float(precise) + float(left_out), total)
    b_recall = ratio(float(recalled) + float(left_recall), total)
    return Agreement(
        precision, recall, f1(precision, recall), b_precision, b_recall, f1(b_precision, b_recall)
    )


def calibration(engine: Engine) -> tuple[Bin, ...]:
    """Members by confidence, in ten bins: how many belong to what their operator mostly is.

    Taken over operators called sockpuppets and over those that mostly are an operator of the truth;
    an honest organisation rightly found has no truth to be measured on. Table `matched` has
    operator_id, the truth's operator it is nearest to, and is_one: whether it mostly is that one.
    """
    rows = engine.rows(
        f"SELECT least({BINS - 1}, floor(confidence * {BINS})) AS bin, count(*),"
        " avg(confidence ORDER BY confidence),"
        " avg((m.operator IS NOT NULL AND is_one AND m.operator = x.operator)::INTEGER)"
        " FROM m JOIN matched x USING (operator_id)"
        " WHERE (is_one OR m.verdict = 'sockpuppets') AND confidence IS NOT NULL"
        " GROUP BY bin ORDER BY bin"
    )
    return tuple(Bin(n / BINS, (n + 1) / BINS, count, c, b) for n, count, c, b in rows)


def ratio(part: float, whole: float) -> float | None:
    """A share, or None of nothing."""
    return float(part) / float(whole) if whole else None


def f1(precision: float | None, recall: float | None) -> float | None:
    """The harmonic mean of two shares.

    >>> f1(1.0, 0.5)
    0.6666666666666666
    """
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
