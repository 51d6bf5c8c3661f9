"""The strongest chains of shared signals between two accounts.

A chain costs the sum over its links of ln(accounts that share the signal), so a card on two
accounts beats an address on a thousand. The search goes outward from both accounts, in SQL, and
meets in the middle: each side is one semi-join of the edges, never the whole graph. Signals that
are no evidence (`ignored`) never link, nor do habits (how widely cards are shared): they are no
thing that two accounts have in common.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import duckdb

from linkage.case.views import Chain, Link
from linkage.graph import SHARING

LINKS = f"s.ignored IS NULL AND NOT ends_with(s.kind, '{SHARING}')"

DIRECT = f"""
WITH shared AS (
    SELECT s.signal, s.kind, s.value, s.accounts, s.parent
    FROM edges AS e JOIN edges AS f ON f.signal = e.signal
    JOIN signals AS s ON s.signal = e.signal
    WHERE e.account = $a AND f.account = $b AND {LINKS}
)
SELECT signal, accounts FROM shared
-- a shared address says all that its shared range says
WHERE signal NOT IN (SELECT parent FROM shared WHERE parent IS NOT NULL)
ORDER BY accounts, kind, value
"""

# who shares a signal with the account: at the least cost, and through which signal
REACH = f"""
CREATE OR REPLACE TEMP TABLE {{name}} AS
WITH own AS (
    SELECT s.signal, ln(s.accounts) AS cost
    FROM edges AS e JOIN signals AS s ON s.signal = e.signal
    WHERE e.account = $account AND {LINKS} AND s.accounts > 1
)
SELECT e.account, min(own.cost) AS cost, arg_min(own.signal, (own.cost, own.signal)) AS via
FROM edges AS e JOIN own ON own.signal = e.signal
WHERE e.account <> $account
GROUP BY e.account
"""

THROUGH_ONE = """
SELECT a.via, min(a.account), b.via, a.cost + b.cost AS total, count(*) - 1
FROM reach_a AS a JOIN reach_b AS b ON b.account = a.account
GROUP BY a.via, b.via, a.cost + b.cost
ORDER BY total, a.via, b.via LIMIT $top
"""

# which signals the accounts in reach use, and the account through which each is nearest
SPREAD = """
CREATE OR REPLACE TEMP TABLE {name} AS
SELECT e.signal, min(r.cost) AS cost, arg_min(e.account, (r.cost, e.account)) AS account,
    arg_min(r.via, (r.cost, e.account)) AS via
FROM edges AS e JOIN {reach} AS r ON r.account = e.account
WHERE r.cost < $bound
GROUP BY e.signal
"""

THROUGH_TWO = f"""
SELECT a.via, a.account, s.signal, b.account, b.via,
    a.cost + ln(s.accounts) + b.cost AS total
FROM spread_a AS a JOIN spread_b AS b ON b.signal = a.signal
JOIN signals AS s ON s.signal = a.signal
WHERE {LINKS} AND a.account <> b.account AND s.signal NOT IN (a.via, b.via)
    AND a.cost + ln(s.accounts) + b.cost < $bound
ORDER BY total, s.signal LIMIT $top
"""


@dataclass(frozen=True)
class _Path:
    """Accounts and the signals between them, by number."""

    accounts: tuple[int, ...]
    signals: tuple[int, ...]
    cost: float
    like_it: int = 0


def find(
    connection: duckdb.DuckDBPyConnection, a: int, b: int, top: int
) -> tuple[tuple[Chain, ...], int]:
    """The `top` strongest chains between accounts number `a` and `b`, and how many are left out.

    Direct links come alone if there are any; otherwise chains through one or two other accounts.
    """
    direct = connection.execute(DIRECT, {"a": a, "b": b}).fetchall()
    if direct:
        paths = [_Path((a, b), (signal,), math.log(n)) for signal, n in direct[:top]]
        return _named(connection, paths), max(0, len(direct) - top)
    for name, account in (("reach_a", a), ("reach_b", b)):
        connection.execute(REACH.format(name=name), {"account": account})
    paths = [
        _Path((a, x, b), (s, t), cost, like_it)
        for s, x, t, cost, like_it in connection.execute(THROUGH_ONE, {"top": top}).fetchall()
    ]
    # the other two of three links cost at least ln 2 each
    bound = max((p.cost for p in paths), default=math.inf) if len(paths) == top else math.inf
    for side in "ab":
        sql = SPREAD.format(name=f"spread_{side}", reach=f"reach_{side}")
        connection.execute(sql, {"bound": bound - 2 * math.log(2)})
    paths += [
        _Path((a, x, y, b), (s, t, u), cost)
        for s, x, t, y, u, cost in connection.execute(
            THROUGH_TWO, {"top": top, "bound": bound}
        ).fetchall()
    ]
    for name in ("reach_a", "reach_b", "spread_a", "spread_b"):
        connection.execute(f"DROP TABLE {name}")
    paths.sort(key=lambda p: (p.cost, len(p.signals), p.signals, p.accounts))
    return _named(connection, paths[:top]), 0


def _named(connection: duckdb.DuckDBPyConnection, paths: list[_Path]) -> tuple[Chain, ...]:
    accounts = dict(
        connection.execute(
            "SELECT account, account_id FROM accounts WHERE account IN (SELECT unnest($numbers))",
            {"numbers": [n for p in paths for n in p.accounts]},
        ).fetchall()
    )
    signals = {
        row[0]: row[1:]
        for row in connection.execute(
            "SELECT signal, kind, value, accounts FROM signals "
            "WHERE signal IN (SELECT unnest($numbers))",
            {"numbers": [n for p in paths for n in p.signals]},
        ).fetchall()
    }
    chains = []
    for path in paths:
        links = []
        for (here, there), signal in zip(pairwise(path.accounts), path.signals, strict=True):
            kind, value, n = signals[signal]
            links.append(Link(accounts[here], accounts[there], kind, value, n - 2))
        chains.append(Chain(tuple(links), path.cost, path.like_it))
    return tuple(chains)
