"""Served: honest customers of an operator that rents out its cards or addresses.

In and out: `attributed`, with `operator_signals` and `kind_rates` of the settled operators. Out:
`served` (account, operator), who was let go. A reseller's customers hold its card and come through
its gateway, so two kinds of evidence agree on them; but they have a life of their own. Members of
one hand differ by chance: some have none of its templates, some come from an address that is not
its, and the one has nothing to do with the other. Where those who lack the templates are those who
come from elsewhere too, they are somebody else.

Where there are no templates to go by, but members meet on addresses, an account that never comes
where they do, nor with a client or device of theirs, was perhaps made by the operator's hand, with
its card and in its wave; nothing says that it is still in it. Accounts are sold. But who was seen
at one address of a large pool may have met nobody by chance: so many as would are not let go, nor
is who was hardly ever seen.
"""

from __future__ import annotations

from math import exp, fsum, lgamma

from linkage.engine import Engine

CLIENTS = ("user_agent", "device")
"""Kinds that say what an account is run with."""

MOST = 0.5
"""What this share of an operator's members have in common is what it goes by."""

SEEN = 3
"""An account that was seen less often has no life of its own yet."""

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
        """
        SELECT e.account, s.kind, e.signal, e.n
        FROM edges e JOIN signals s ON s.signal = e.signal
        """,
    )
    tables = engine.rows(
        """
        SELECT operator, bool_or(asks), count(*) FILTER (lacks AND elsewhere),
               count(*) FILTER (lacks), count(*) FILTER (elsewhere), count(*)
        FROM lives GROUP BY operator ORDER BY operator
        """
    )
    serving = [
        operator
        for operator, asks, both, *margins in tables
        if both and asks and tail(both, *margins) * len(tables) * ONE_IN < 1
    ]
    before = engine.value("SELECT count(*) FROM served")
    engine.run(
        f"""
        INSERT INTO served
        SELECT account, operator FROM lives
        WHERE asks AND lacks AND elsewhere AND list_contains({serving}::BIGINT[], operator)
        UNION ALL ({_AWAY})
        """
    )
    gone = bool(engine.value("SELECT count(*) FROM served") > before)
    if gone:
        engine.run(
            """
            DELETE FROM attributed WHERE EXISTS (
                SELECT 1 FROM served s
                WHERE s.account = attributed.account AND s.operator = attributed.operator
            )
            """
        )
    engine.drop("lives")
    return gone


# of those with so many addresses, more than twice as many as would be by chance, were each address
# of an account one of the operator's as often as they are
_AWAY = """
    WITH rates AS (
        SELECT operator, sum(met) / CAST(sum(addresses) AS DOUBLE) AS rate
        FROM lives WHERE NOT asks AND met > 0 GROUP BY operator
    ),
    chances AS (
        SELECT l.operator, l.addresses,
               count(*) FILTER (l.lacks AND l.elsewhere) AS away,
               count(*) * pow(1 - r.rate, l.addresses) AS by_chance
        FROM lives l JOIN rates r ON r.operator = l.operator
        WHERE NOT l.asks GROUP BY l.operator, l.addresses, r.rate
    )
    SELECT l.account, l.operator
    FROM lives l JOIN chances c ON c.operator = l.operator AND c.addresses = l.addresses
    WHERE NOT l.asks AND l.lacks AND l.elsewhere AND c.away > 2 * c.by_chance
"""


def find_lives(engine: Engine, members: str, used: str) -> None:
    """`lives` (account, operator, asks, lacks, elsewhere, addresses, met): who lacks what is the
    operator's, with the number of its addresses and of those among them that are the operator's.

    Where an operator goes by templates (`asks`), of the accounts that ask anything: whether one
    `lacks` all of them, and comes from an address that is not the operator's, too (`elsewhere`).
    Where it goes by addresses only: whether one lacks all of these, and comes with no client or
    device of the operator's, if it goes by such. `members` is a table (account, operator), and
    `used` a query (account, kind, signal, n) of all that they use, n times, with a null for a
    signal that is no operator's.
    """
    kinds = ("ip", "prompt", *CLIENTS)
    engine.create(
        "lives",
        f"""
        WITH tied AS (
            SELECT operator, bool_or(kind = 'prompt') AS asks,
                   bool_or(kind IN {CLIENTS}) AS clients
            FROM kind_rates WHERE hits >= {MOST} * holders GROUP BY operator
            HAVING bool_or(kind IN ('ip', 'prompt'))
        ),
        used AS (
            SELECT m.account, m.operator, t.asks, t.clients, u.kind, u.n,
                   s.signal IS NOT NULL AS its
            FROM {members} m JOIN tied t ON t.operator = m.operator
            JOIN ({used}) u ON u.account = m.account
            LEFT JOIN operator_signals s ON s.operator = m.operator AND s.signal = u.signal
            WHERE u.kind IN {kinds}
        ),
        seen AS (
            SELECT account, operator, asks, clients,
                   bool_or(its AND kind = 'prompt') AS asks_its,
                   bool_or(its AND kind IN {CLIENTS}) AS has_its,
                   bool_or(NOT its AND kind = 'ip') AS elsewhere,
                   count(*) FILTER (its AND kind = 'ip') AS met,
                   count(*) FILTER (kind = 'ip') AS addresses,
                   coalesce(sum(n) FILTER (kind = 'ip'), 0) AS times
            FROM used GROUP BY account, operator, asks, clients
        )
        SELECT s.account, s.operator, s.asks,
               CASE WHEN asks THEN NOT asks_its ELSE met = 0 END AS lacks,
               CASE WHEN asks THEN elsewhere
                    ELSE times >= {SEEN} AND NOT (clients AND has_its) END AS elsewhere,
               s.addresses, s.met
        -- an account that asked nothing lacks nothing
        FROM seen s SEMI JOIN holdings h
          ON h.account = s.account AND h.kind = CASE WHEN s.asks THEN 'prompt' ELSE 'ip' END
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
