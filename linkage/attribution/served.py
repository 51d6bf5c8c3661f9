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
    find_lives(
        engine,
        "attributed",
        "SELECT e.account, s.kind, e.signal FROM edges e JOIN signals s ON s.signal = e.signal",
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


def find_lives(engine: Engine, members: str, used: str) -> None:
    """`lives` (account, operator, lacks, elsewhere) of the accounts of `members` that ask anything.

    Whether it lacks the operator's templates, all of them, and whether it comes from an address
    that is not the operator's, too. `members` is a table (account, operator), and `used` a query
    (account, kind, signal) of all that they use, with a null for a signal that is no operator's.
    """
    engine.create(
        "lives",
        f"""
        SELECT m.account, m.operator,
               NOT coalesce(bool_or(s.signal IS NOT NULL) FILTER (u.kind = 'prompt'), false)
                   AS lacks,
               coalesce(bool_or(s.signal IS NULL) FILTER (u.kind = 'ip'), false) AS elsewhere
        FROM {members} m JOIN ({used}) u ON u.account = m.account
        LEFT JOIN operator_signals s ON s.operator = m.operator AND s.signal = u.signal
        -- an account that asked nothing lacks nothing
        SEMI JOIN holdings h ON h.account = m.account AND h.kind = 'prompt'
        WHERE u.kind IN ('ip', 'prompt') GROUP BY m.account, m.operator
        """,
    )


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
