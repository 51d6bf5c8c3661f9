"""Operators that are one become one; parts that nothing ties become several.

In and out: `attributed`. Candidates come from more than one place and are cut too fine rather than
too coarse, so one operator may be proposed several times; and a candidate may hold two operators
that share no more than an issuer or a habit.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from linkage.attribution import lost, texts
from linkage.attribution.blocks import hanging
from linkage.attribution.weights import MOSTLY
from linkage.bipartite import components, network
from linkage.engine import Engine
from linkage.signals import ACQUAINTED

HANDED_ON = 0.1
"""Of two links of a chain, so many of the accounts at least use what both have."""


def merge(engine: Engine, parts: bool = True) -> bool:
    """Merge an operator into a larger one that explains most of its members; tell if any were.

    Explains: their odds for the larger one are better than even, though all that ties them to
    their own is counted among everybody's. Which templates of a set they lack is not held against
    them if they may be `parts`: those of one operator may use other parts of it. Two operators that
    rent from one provider share its addresses, and lack each other's cards and templates, which
    speaks against. `lost` remembers who was merged.
    """
    odds = "w.log_odds - w.lacking" if parts else "w.log_odds"
    rows = engine.rows(
        f"""
        WITH now AS (SELECT operator, count(*) AS size FROM attributed GROUP BY operator)
        SELECT m.operator AS q, w.operator AS o, avg({odds}) AS log_odds
        FROM attributed m JOIN weighed w ON w.account = m.account AND w.operator <> m.operator
        JOIN now s ON s.operator = w.operator JOIN now t ON t.operator = m.operator
        WHERE {odds} > 0 AND (s.size, -s.operator) > (t.size, -t.operator)
        GROUP BY m.operator, w.operator, t.size HAVING count(*) >= 0.5 * t.size
        ORDER BY q, log_odds DESC, o
        """
    )
    if not rows:
        return False
    into: dict[int, int] = {}
    for q, o, _ in rows:
        into.setdefault(q, o)
    lost.remember(engine, list(into))
    _renumber(engine, into)
    return True


def join(engine: Engine, min_size: int) -> None:
    """Make one of operators that are links of a chain.

    Who is banned goes on with half of his cards and templates, and the next time with half of
    those: the last accounts share nothing with the first, and no half explains the other. They are
    one hand where, in two families of personal kinds, `min_size` accounts on either side, and a
    good part of it, use what hardly anybody else does, nor another operator: what a fault of the
    export ties is a few of each.
    """
    rows = engine.rows(
        f"""
        WITH used AS (
            SELECT m.operator, m.account, e.signal, e.family, e.accounts,
                   count(*) OVER (PARTITION BY m.operator, e.signal) AS members
            FROM attributed m JOIN linking_edges e ON e.account = m.account
            WHERE e.personal AND e.kind NOT IN {ACQUAINTED}
        ),
        held AS (SELECT DISTINCT operator, signal, family, accounts, members FROM used),
        sizes AS (SELECT operator, count(*) AS size FROM attributed GROUP BY operator),
        sides AS (
            SELECT a.operator AS q, b.operator AS o, a.family, count(DISTINCT u.account) AS accounts
            FROM held a JOIN held b ON b.signal = a.signal AND b.operator <> a.operator
            JOIN used u ON u.operator = a.operator AND u.signal = a.signal
            JOIN sizes z ON z.operator = a.operator
            WHERE a.members + b.members >= {MOSTLY} * a.accounts
            GROUP BY a.operator, b.operator, a.family, z.size
            HAVING count(DISTINCT u.account) >= greatest(?, {HANDED_ON} * z.size)
        )
        SELECT s.q, s.o FROM sides s JOIN sides t ON t.q = s.o AND t.o = s.q AND t.family = s.family
        WHERE s.q > s.o GROUP BY s.q, s.o HAVING count(*) >= 2 ORDER BY s.q, s.o
        """,
        [min_size],
    )
    if rows:
        into: dict[int, int] = {}
        for q, o in rows:
            q, o = sorted((_last(into, q), _last(into, o)), reverse=True)
            if q != o:
                into[q] = o
        _renumber(engine, into)


def _renumber(engine: Engine, into: dict[int, int]) -> None:
    engine.put(
        "merged",
        pa.table(
            {"q": list(into), "o": [_last(into, q) for q in into]},
            schema=pa.schema([("q", pa.int64()), ("o", pa.int64())]),
        ),
    )
    engine.create(
        "attributed",
        """
        SELECT m.account, coalesce(g.o, m.operator) AS operator, max(m.confidence) AS confidence,
               max(m.evidence) AS evidence,
               max(m.corroboration) AS corroboration, max(m.held_by) AS held_by
        FROM attributed m LEFT JOIN merged g ON g.q = m.operator
        GROUP BY m.account, coalesce(g.o, m.operator)
        """,
    )


def split(engine: Engine, min_size: int, settled: bool = False) -> None:
    """Give each part of an operator that is not tied to the rest a number of its own. Of operators
    that have `settled` all may go.

    The largest part keeps the number. Parts are connected components of members and the
    operator's signals, those aside that strangers have alike: sign-up times, issuers, habits. A
    signal with many users elsewhere is a weak tie, an address too: it ties an account, but no part
    that shares things of its own. Offices that work with one framework, each with its own card and
    address, are not one; nor are families of three with a tablet each, tied by what strangers use
    for the most part, who belong to nobody then.
    """
    _find_unsplit(engine, settled)
    ties = engine.arrow(
        f"""
        SELECT m.account, m.operator, e.signal,
               s.members >= {MOSTLY} * (s.members + s.others) AS strong,
               s.others <= {MOSTLY} * (s.members + s.others) AS theirs,
               e.kind = 'ip' AS ip, e.kind = 'prompt' AS text
        FROM attributed m SEMI JOIN unsplit u ON u.operator = m.operator
        JOIN linking_edges e ON e.account = m.account
        JOIN operator_signals s ON s.operator = m.operator AND s.signal = e.signal
        WHERE e.personal OR e.kind = 'ip'
        ORDER BY m.operator, m.account, e.signal
        """
    )
    if not ties.num_rows:
        return
    # a signal ties only members of one operator: its nodes are (operator, signal)
    operator = ties["operator"].to_numpy().astype(np.int64)
    accounts, account = np.unique(ties["account"].to_numpy(), return_inverse=True)
    signal = ties["signal"].to_numpy().astype(np.int64)
    signals, signal = np.unique(operator * (signal.max() + 1) + signal, return_inverse=True)
    edges = np.column_stack([account, signal + len(accounts)])
    nodes = len(accounts) + len(signals)
    whole = components(nodes, edges)[: len(accounts)]
    strong, theirs, ip, text = (
        ties[name].to_numpy(zero_copy_only=False) for name in ("strong", "theirs", "ip", "text")
    )
    part, hangs = _parts(edges[strong], len(accounts), nodes, min_size, settled)
    if settled:
        part = texts.part(part, edges[~text & theirs], edges[text])
    group, _ = _parts(edges[ip | theirs], len(accounts), nodes, min_size, settled)
    size = np.bincount(part)[part]
    order = np.lexsort((part, -size, whole))
    _, first = np.unique(whole[order], return_index=True)
    largest, main = part[order][first][whole], group[order][first][whole]
    small = size < min_size
    home = small & (size > 1) & (part != largest) & (hangs | (group != main))
    of_account = np.empty(len(accounts), dtype=np.int64)
    of_account[account] = operator
    engine.put(
        "parts",
        pa.table(
            {
                "account": accounts,
                "operator": of_account,
                "part": np.where(small, largest, part),
                "home": home,
            }
        ),
    )
    engine.run(
        """
        DELETE FROM attributed WHERE account IN (SELECT account FROM parts WHERE home)
        """
    )
    engine.create(
        "split_off",
        """
        WITH counted AS (
            SELECT operator, part, count(*) AS accounts, min(account) AS first
            FROM parts WHERE NOT home GROUP BY operator, part
        ),
        ranked AS (
            SELECT operator, part, row_number() OVER (
                       PARTITION BY operator ORDER BY accounts DESC, first
                   ) AS place
            FROM counted
        )
        SELECT operator, part, row_number() OVER (ORDER BY operator, place)
                   + (SELECT max(operator) FROM attributed) AS number
        FROM ranked WHERE place > 1
        """,
    )
    engine.run(
        """
        INSERT INTO left_whole SELECT * FROM unsplit WHERE operator NOT IN (
            SELECT operator FROM parts WHERE home UNION SELECT operator FROM split_off
        )
        """
    )
    engine.run(
        """
        UPDATE attributed SET operator = o.number
        FROM parts p JOIN split_off o ON o.operator = p.operator AND o.part = p.part
        WHERE p.account = attributed.account AND p.operator = attributed.operator
        """
    )


def forget(engine: Engine) -> None:
    """Nothing was looked at yet."""
    engine.create(
        "left_whole",
        "SELECT 0 AS operator, false AS settled, '' AS members, '' AS signals LIMIT 0",
    )


def _find_unsplit(engine: Engine, settled: bool) -> None:
    """`unsplit` (operator, settled, members, signals): what `split` did not leave whole before.

    Whether an operator falls apart is up to its members and its signals, here as hashes.
    """
    engine.create(
        "unsplit",
        f"""
        WITH signals AS (
            SELECT operator,
                   CAST(sum(hash(signal, members, others)) AS VARCHAR) AS signals
            FROM operator_signals GROUP BY operator
        ),
        members AS (
            SELECT operator,
                   CAST(sum(hash(account, operator)) AS VARCHAR) AS members
            FROM attributed GROUP BY operator
        )
        SELECT m.operator, {settled} AS settled, m.members, s.signals
        FROM members m JOIN signals s ON s.operator = m.operator
        ANTI JOIN left_whole w ON w.operator = m.operator AND w.settled = {settled}
                              AND w.members = m.members AND w.signals = s.signals
        """,
    )


def _parts(
    edges: np.ndarray, accounts: int, nodes: int, min_size: int, settled: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The part of each account, and whether it is one that hangs on a single node.

    The first nodes are the accounts, the others the signals. What one signal alone ties to the
    rest, several accounts that hold together without it, is a part by itself: the family behind
    whose address an exit of the operator's is, with a card and a tablet of its own. So is a group
    large enough to stand by itself that one account ties: firms that have a contractor in common;
    and one of any size of which one account uses the signal.
    Until operators have settled, what is left must stand by itself, too: a candidate may be a
    beginning. In the end, where nothing is left there was nobody: two people with four accounts
    each, and a phone that one sold to the other.
    """
    part = components(nodes, edges)
    # an account with one signal is no block worth a look: it goes where its signal does
    alone = np.bincount(edges[:, 0], minlength=nodes)[edges[:, 0]] == 1
    stands_for = np.bincount(edges[alone, 1], minlength=nodes)
    stands_for[:accounts] = 1
    users = np.bincount(edges[:, 1], minlength=nodes)
    whole_size = np.bincount(part[:accounts], minlength=nodes)[part]

    def apart(node: int, size: int, block: int) -> bool:
        if node < accounts:
            return size >= min_size and block > 2
        # in the end, what most have is what they are known by
        known = settled and 2 * users[node] > whole_size[node]
        return size >= 2 and (size < min_size or block == 2) and not known

    least = 0 if settled else min_size
    tied = network(nodes, edges[~alone])
    blocks, cuts = tied.biconnected_components(return_articulation_points=True)
    pieces = hanging([list(b) for b in blocks], set(cuts), apart, stands_for.tolist(), least)
    whole = int(part.max())
    for number, piece in enumerate(pieces, whole + 1):
        part[piece] = number
    part[edges[alone, 0]] = part[edges[alone, 1]]
    return part[:accounts], part[:accounts] > whole


def _last(into: dict[int, int], operator: int) -> int:
    """Where a chain of merges ends (each goes into a larger one, so it ends)."""
    while operator in into:
        operator = into[operator]
    return operator
