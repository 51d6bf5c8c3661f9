"""Operators that are one become one; parts that nothing ties become several.

In and out: `attributed`. Candidates come from more than one place and are cut too fine rather than
too coarse, so one operator may be proposed several times; and a candidate may hold two operators
that share no more than an issuer or a habit.
"""

from __future__ import annotations

import igraph
import numpy as np
import pyarrow as pa

from linkage.attribution.weights import MOSTLY
from linkage.engine import Engine


def merge(engine: Engine) -> bool:
    """Merge an operator into a larger one that explains most of its members; tell if any were.

    Explains: their odds for the larger one are better than even, though all that ties them to
    their own is counted among everybody's. Which templates of a set they lack is not held against
    them: parts of one operator may use other parts of it. Two operators that rent from one provider
    share its addresses, and lack each other's cards and templates, which speaks against.
    """
    rows = engine.rows(
        """
        WITH now AS (SELECT operator, count(*) AS size FROM attributed GROUP BY operator)
        SELECT m.operator AS q, w.operator AS o, avg(w.log_odds - w.lacking) AS log_odds
        FROM attributed m JOIN weighed w ON w.account = m.account AND w.operator <> m.operator
        JOIN now s ON s.operator = w.operator JOIN now t ON t.operator = m.operator
        WHERE w.log_odds - w.lacking > 0 AND (s.size, -s.operator) > (t.size, -t.operator)
        GROUP BY m.operator, w.operator, t.size HAVING count(*) >= 0.5 * t.size
        ORDER BY q, log_odds DESC, o
        """
    )
    if not rows:
        return False
    into: dict[int, int] = {}
    for q, o, _ in rows:
        into.setdefault(q, o)
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
    return True


def split(engine: Engine, min_size: int) -> bool:
    """Give each part of an operator that is not tied to the rest a number of its own; tell whether
    any operator fell apart.

    The largest part keeps the number. Parts are connected components of members and the
    operator's signals, those aside that strangers have alike: sign-up times, issuers, habits. A
    personal signal with many users elsewhere ties an account, but not a part that stands by itself:
    offices that work with one framework, each with its own card and address, are not one.
    """
    ties = engine.arrow(
        f"""
        SELECT m.account, m.operator, e.signal,
               e.kind = 'ip' OR s.members >= {MOSTLY} * (s.members + s.others) AS strong
        FROM attributed m JOIN linking_edges e ON e.account = m.account
        JOIN operator_signals s ON s.operator = m.operator AND s.signal = e.signal
        WHERE e.personal OR e.kind = 'ip'
        ORDER BY m.operator, m.account, e.signal
        """
    )
    if not ties.num_rows:
        return False
    # a signal ties only members of one operator: its nodes are (operator, signal)
    operator = ties["operator"].to_numpy().astype(np.int64)
    accounts, account = np.unique(ties["account"].to_numpy(), return_inverse=True)
    signal = ties["signal"].to_numpy().astype(np.int64)
    signals, signal = np.unique(operator * (signal.max() + 1) + signal, return_inverse=True)
    edges = np.column_stack([account, signal + len(accounts)])
    nodes = len(accounts) + len(signals)
    whole = _components(nodes, edges)[: len(accounts)]
    part = _components(nodes, edges[ties["strong"].to_numpy(zero_copy_only=False)])[: len(accounts)]
    # what is too small to stand by itself stays with the largest part that it is tied to
    size = np.bincount(part)[part]
    order = np.lexsort((part, -size, whole))
    _, first = np.unique(whole[order], return_index=True)
    part = np.where(size >= min_size, part, part[order][first][whole])
    of_account = np.empty(len(accounts), dtype=np.int64)
    of_account[account] = operator
    engine.put("parts", pa.table({"account": accounts, "operator": of_account, "part": part}))
    engine.create(
        "split_off",
        """
        WITH counted AS (
            SELECT operator, part, count(*) AS accounts, min(account) AS first
            FROM parts GROUP BY operator, part
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
    if not engine.value("SELECT count(*) FROM split_off"):
        return False
    engine.run(
        """
        UPDATE attributed SET operator = o.number
        FROM parts p JOIN split_off o ON o.operator = p.operator AND o.part = p.part
        WHERE p.account = attributed.account AND p.operator = attributed.operator
        """
    )
    return True


def _components(nodes: int, edges: np.ndarray) -> np.ndarray:
    graph = igraph.Graph(n=nodes)
    graph.add_edges(edges)
    return np.asarray(graph.connected_components().membership)


def _last(into: dict[int, int], operator: int) -> int:
    """Where a chain of merges ends (each goes into a larger one, so it ends)."""
    while operator in into:
        operator = into[operator]
    return operator
