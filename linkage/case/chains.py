"""The strongest chains of shared signals between two accounts.

What both have comes by its weight for the operator that both belong to, if they do, the best of
each kind before a second of any: five templates would else hide the card. A chain through others
costs the sum over its links of ln(accounts that share the signal), so a card on two accounts beats
an address on a thousand. The search goes outward from both accounts, in SQL, and meets in the
middle: each side is one semi-join of the edges, never the whole graph. Signals that are no evidence
(`ignored`) never link, nor do habits (how widely cards are shared): they are no thing that two
accounts have in common.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise

import duckdb

from linkage.case.views import Chain, Link
from linkage.words import SHARING

LINKS = f"s.ignored IS NULL AND NOT ends_with(s.kind, '{SHARING}')"

DIRECT = f"""
WITH shared AS (
    SELECT s.signal, s.kind, s.value, s.accounts, s.parent, v.weight
    FROM edges AS e JOIN edges AS f ON f.signal = e.signal
    JOIN signals AS s ON s.signal = e.signal
    LEFT JOIN evidence AS v ON v.signal = s.signal AND v.operator_id = $operator
    WHERE e.account = $a AND f.account = $b AND {LINKS}
)
SELECT signal, kind, accounts FROM shared
-- a shared address says all that its shared range says
WHERE signal NOT IN (SELECT parent FROM shared WHERE parent IS NOT NULL)
ORDER BY
    row_number() OVER (PARTITION BY kind ORDER BY weight DESC NULLS LAST, accounts, value),
    weight DESC NULLS LAST, accounts, kind, value
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


# how many members of the operator that both are in use it, and its weight there
USED = """
SELECT s.signal, s.kind, s.value, s.accounts, (
        SELECT count(*) FROM edges AS e JOIN members AS m ON m.account = e.account
        WHERE e.signal = s.signal AND m.operator_id = $operator
    ), v.weight
FROM signals AS s LEFT JOIN evidence AS v ON v.signal = s.signal AND v.operator_id = $operator
WHERE s.signal IN (SELECT unnest($numbers))
"""


@dataclass(frozen=True)
class _Path:
    """Accounts and the signals between them, by number."""

    accounts: tuple[int, ...]
    signals: tuple[int, ...]
    cost: float
    like_it: int = 0


def find(
    connection: duckdb.DuckDBPyConnection, a: int, b: int, top: int, operator: str | None = None
) -> tuple[tuple[Chain, ...], dict[str, int]]:
    """The `top` strongest chains between accounts number `a` and `b`, and what is left out by kind.

    `operator` is the one that both belong to, if they do. Direct links come alone if there are any;
    otherwise chains through one or two other accounts.
    """
    direct = connection.execute(DIRECT, {"a": a, "b": b, "operator": operator}).fetchall()
    if direct:
        paths = [_Path((a, b), (signal,), math.log(n)) for signal, _, n in direct[:top]]
        more = Counter(kind for _, kind, _ in direct[top:])
        return _named(connection, paths, operator), dict(more.most_common())
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
    return _named(connection, paths[:top], operator), {}


def _named(
    connection: duckdb.DuckDBPyConnection, paths: list[_Path], operator: str | None
) -> tuple[Chain, ...]:
    accounts = dict(
        connection.execute(
            "SELECT account, account_id FROM accounts WHERE account IN (SELECT unnest($numbers))",
            {"numbers": [n for p in paths for n in p.accounts]},
        ).fetchall()
    )
    signals = {
        row[0]: row[1:]
        for row in connection.execute(
            USED, {"numbers": [n for p in paths for n in p.signals], "operator": operator}
        ).fetchall()
    }
    chains = []
    for path in paths:
        links = []
        for (here, there), signal in zip(pairwise(path.accounts), path.signals, strict=True):
            kind, value, n, members, weight = signals[signal]
            link = Link(accounts[here], accounts[there], kind, value, n - 2)
            if operator is not None:
                link = replace(link, members=members, outsiders=n - members, weight=weight)
            links.append(link)
        chains.append(Chain(tuple(links), path.cost, path.like_it))
    return tuple(chains)
