"""Served: honest customers of an operator that rents out its cards or addresses.

In and out: `attributed`, with `operator_signals` of the settled operators. Out: `served` (account,
operator), who was let go. A reseller's customers hold its card and come through its gateway, so two
kinds of evidence agree on them; but they have a life of their own. Members of one hand differ by
chance: some have none of its templates, some come from an address that is not its, and the one has
nothing to do with the other. Where those who lack the templates are those who come from elsewhere
too, they are somebody else.
"""

from __future__ import annotations

from math import exp, fsum, lgamma

from linkage.engine import Engine

ONE_IN = 1000
"""Members are let go if chance would let any go in one of so many services."""


def forget(engine: Engine) -> None:
    """Nobody was let go yet."""
    engine.run("CREATE OR REPLACE TABLE served (account INTEGER, operator BIGINT)")


def drop(engine: Engine) -> bool:
    """Move from `attributed` to `served` whom operators merely serve; tell if there were any."""
    engine.create(
        "lives",
        """
        WITH hits AS (
            SELECT m.account, m.operator, s.kind, o.signal IS NOT NULL AS shared
            FROM attributed m JOIN edges e ON e.account = m.account
            JOIN signals s ON s.signal = e.signal
            LEFT JOIN operator_signals o ON o.operator = m.operator AND o.signal = e.signal
            WHERE s.kind IN ('ip', 'prompt')
        )
        SELECT account, operator,
               NOT coalesce(bool_or(shared) FILTER (kind = 'prompt'), false) AS lacks,
               coalesce(bool_or(NOT shared) FILTER (kind = 'ip'), false) AS elsewhere
        FROM hits
        -- an account that asked nothing lacks nothing
        SEMI JOIN holdings h ON h.account = hits.account AND h.kind = 'prompt'
        GROUP BY account, operator
        """,
    )
    tables = engine.rows(
        """
        SELECT operator, count(*) FILTER (lacks AND elsewhere), count(*) FILTER (lacks),
               count(*) FILTER (elsewhere), count(*)
        FROM lives GROUP BY operator ORDER BY operator
        """
    )
    serving = [row[0] for row in tables if tail(*row[1:]) * len(tables) * ONE_IN < 1]
    if serving:
        engine.run(
            f"""
            INSERT INTO served
            SELECT account, operator FROM lives
            WHERE lacks AND elsewhere AND operator IN ({", ".join(map(str, serving))})
            """
        )
        engine.run(
            """
            DELETE FROM attributed WHERE EXISTS (
                SELECT 1 FROM served s
                WHERE s.account = attributed.account AND s.operator = attributed.operator
            )
            """
        )
    engine.drop("lives")
    return bool(serving)


def tail(both: int, one: int, other: int, everybody: int) -> float:
    """Chance that so many or more have both of two independent things (Fisher's exact test).

    >>> round(tail(3, 3, 3, 6), 3)
    0.05
    """

    def ways(whole: int, part: int) -> float:
        return lgamma(whole + 1) - lgamma(part + 1) - lgamma(whole - part + 1)

    return fsum(
        exp(ways(one, n) + ways(everybody - one, other - n) - ways(everybody, other))
        for n in range(both, min(one, other) + 1)
    )
