"""Which accounts belong to which operator, with what probability.

In: `communities` of signals, the graph, and (for `settle`) further candidates that other stages add
to `attributed`. Out: `attributed` (account, operator, confidence, evidence, corroboration, held_by)
and `operator_signals`. A community proposes; the accounts decide. From the accounts that hold two
of its signals, the signals that these share are found anew, every account is weighed against them
(`weights`), operators that turn out to be one are merged and what nothing ties is split
(`regroup`), and so on until nothing changes.
"""

from __future__ import annotations

from math import log

from linkage.attribution import beginnings, changes, companions, lost, regroup, served
from linkage.attribution.regroup import join, merge, split
from linkage.attribution.weights import SLACK, find_signals, rate_operators, weigh
from linkage.config import AttributionConfig
from linkage.engine import Engine

__all__ = [
    "SURE",
    "drop_small",
    "extend",
    "find_signals",
    "propose",
    "rate_operators",
    "resume",
    "settle",
    "weigh",
]

SURE = 0.8
"""Confidence from which an account joins by a template alone: it may meet one by chance, a card or
a device it may not."""

EXTENSIONS = 5
"""How often those who joined in the end may bring others."""

CORROBORATED = 2.3
"""Nats (ten to one) that a member must have on average beside its strongest family of kinds. A set
of templates that come with one framework, or the addresses of one carrier, tie strangers; two kinds
that agree don't. Of a large operator, half of what a family can give (ln(N / size)) is enough."""

RESTORATIONS = 3
"""How often what a merge lost may come back."""

ROUNDS = 20
SETTLED = 0.001
"""Rounds end when at most this share of the members changes, or after so many."""


def propose(engine: Engine, config: AttributionConfig) -> None:
    """Create `attributed` from `communities`: the accounts that hold two signals of one."""
    engine.create("kind_totals", "SELECT kind, count(*) AS holders FROM holdings GROUP BY kind")
    changes.forget(engine)
    served.forget(engine)
    regroup.forget(engine)
    engine.create(
        "attributed",
        """
        SELECT e.account, c.community AS operator, 1.0 AS confidence, 0.0 AS evidence,
               CAST(NULL AS DOUBLE) AS corroboration, CAST(count(*) AS INTEGER) AS held_by
        FROM linking_edges e JOIN communities c ON c.signal = e.signal
        GROUP BY e.account, c.community
        HAVING count(*) FILTER (e.personal OR e.sharing) >= 1 AND count(*) >= 2
        """,
    )
    drop_small(engine, config.min_size)


def resume(engine: Engine, config: AttributionConfig) -> None:
    """Settle what was proposed; if `beginnings` is there, from the last run's operators on.

    Leaves in `beginnings` the operators that settled, for the next update.
    """
    beginnings.resume(engine, _slack(config.min_confidence))
    settle(engine, config)
    beginnings.keep(engine)


def settle(engine: Engine, config: AttributionConfig) -> None:
    """Weigh the accounts against the operators of `attributed` until its members stay the same.

    Members that hang on each other may come and go by turns; then one turn is as good as the other.
    What nothing ties is parted when they stay: half of an operator is tied by less than all of it,
    and what is parted before the rest has come in would be merged again in the next round.
    """
    lost.forget(engine)
    _rounds(engine, config, first=True)
    for _ in range(RESTORATIONS):
        if not lost.restore(engine, config.min_size):
            break
        _rounds(engine, config, first=False)
    split(engine, config.min_size)
    drop_small(engine, config.min_size)


def _rounds(engine: Engine, config: AttributionConfig, first: bool) -> None:
    """Weigh, decide and merge until nothing changes. At `first`, candidates may be parts of one."""
    slack = _slack(config.min_confidence)
    seen = set()
    for number in range(ROUNDS):
        loose = first and not number
        changes.weigh_changed(engine, sets=not loose, slack=slack)
        _decide(engine, config)
        merged = merge(engine, parts=first)
        drop_small(engine, config.min_size)
        if not loose:
            _drop_uncorroborated(engine)
        if number and not merged and changes.moved(engine) <= SETTLED:
            break
        state = changes.state(engine)
        if state in seen:
            break
        seen.add(state)


def extend(engine: Engine, config: AttributionConfig) -> None:
    """Add to `attributed` accounts that hold what belongs to an operator and lack the rest.

    While operators settle, a member must have evidence of two kinds; otherwise a group drifts. Now
    that it is known what an operator's own signals are, an account of nobody that holds a personal
    one used mostly by members joins if its odds are good with every absence counted at `ABSENCE`
    nats at most. Those who join may bring a few more. Only whom an operator merely serves (its
    customers, see `served`) leaves, before and after.
    """
    if served.drop(engine):
        settle(engine, config)
    for _ in range(EXTENSIONS):
        before = engine.value("SELECT count(*) FROM attributed")
        changes.weigh_changed(engine, settled=True)
        engine.run(
            """
            INSERT INTO attributed BY NAME
            WITH joining AS (
                SELECT w.*, 1 / (1 + exp(-log_odds)) AS confidence, row_number() OVER (
                           PARTITION BY w.account ORDER BY w.log_odds DESC, w.operator
                       ) AS place
                FROM weighed w ANTI JOIN attributed a ON a.account = w.account
                WHERE w.exclusive
            )
            SELECT account, operator, confidence, evidence, corroboration, held_by
            FROM joining
            WHERE place = 1 AND confidence >= CASE WHEN identified THEN ? ELSE ? END
            """,
            [config.min_confidence, max(SURE, config.min_confidence)],
        )
        companions.add(engine, max(SURE, config.min_confidence))
        if engine.value("SELECT count(*) FROM attributed") == before:
            break
    served.drop(engine)
    split(engine, config.min_size, settled=True)
    drop_small(engine, config.min_size)
    join(engine, config.min_size)
    find_signals(engine)


def _slack(min_confidence: float) -> float:
    """Nats that a member may be short of even odds."""
    return min(log(1 / min_confidence - 1), SLACK) if 0 < min_confidence < 0.5 else 0.0


def _decide(engine: Engine, config: AttributionConfig) -> None:
    """`attributed`: each account with the operator that explains it best, if well enough.

    Candidates that are one operator hold the same accounts, and so take nothing from an account's
    odds: `merge` makes them one.
    """
    engine.create(
        "attributed",
        """
        WITH ranked AS (
            SELECT account, operator, held_by, evidence, corroboration,
                   1 / (1 + exp(-log_odds)) AS confidence,
                   row_number() OVER (
                       PARTITION BY account ORDER BY log_odds DESC, operator
                   ) AS place
            FROM weighed WHERE corroboration > 0
        )
        SELECT account, operator, confidence, evidence, corroboration, held_by
        FROM ranked WHERE place = 1 AND confidence >= ?
        """,
        [config.min_confidence],
    )


def _drop_uncorroborated(engine: Engine) -> None:
    engine.run(
        """
        DELETE FROM attributed WHERE operator IN (
            SELECT operator FROM attributed GROUP BY operator
            HAVING avg(corroboration)
                   < least(?, ln((SELECT count(*) FROM accounts) / CAST(count(*) AS DOUBLE)) / 2)
        )
        """,
        [CORROBORATED],
    )


def drop_small(engine: Engine, min_size: int) -> None:
    """Take operators of fewer accounts out of `attributed`."""
    engine.run(
        """
        DELETE FROM attributed WHERE operator IN (
            SELECT operator FROM attributed GROUP BY operator HAVING count(*) < ?
        )
        """,
        [min_size],
    )
