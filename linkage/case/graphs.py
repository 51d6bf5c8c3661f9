"""An operator's bipartite graph for networkx and igraph.

A case's connection and an operator arrive; a graph of accounts (`bipartite` 0) and signals
(`bipartite` 1) leaves. Accounts have `account_id` and `confidence`, signals `kind` and `value`,
edges `n`, `first_seen` and `last_seen`: ISO 8601 texts, left out where unknown, so that every
graph writer takes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    import igraph
    import networkx

EDGES = """
SELECT m.account_id, m.confidence, s.kind, s.value, e.n, e.first_seen, e.last_seen
FROM members AS m JOIN edges AS e ON e.account = m.account JOIN signals AS s USING (signal)
WHERE m.operator_id = $operator AND {which}
ORDER BY m.account_id, s.kind, s.value
"""
EVIDENCE = "s.signal IN (SELECT signal FROM evidence WHERE operator_id = $operator)"
EVERYTHING = "s.ignored IS NULL"


def networkx_graph(
    connection: duckdb.DuckDBPyConnection, operator_id: str, everything: bool
) -> networkx.Graph:
    """Nodes are account ids (text) and signals (pairs of kind and value)."""
    import networkx as nx

    graph = nx.Graph(operator_id=operator_id)
    for account_id, confidence in _members(connection, operator_id):
        graph.add_node(account_id, bipartite=0, account_id=account_id, confidence=confidence)
    for account_id, signal, attributes in _edges(connection, operator_id, everything):
        graph.add_node(signal, bipartite=1, kind=signal[0], value=signal[1])
        graph.add_edge(account_id, signal, **attributes)
    return graph


def igraph_graph(
    connection: duckdb.DuckDBPyConnection, operator_id: str, everything: bool
) -> igraph.Graph:
    """Vertices carry the same attributes (None where they have none), and `type` for igraph."""
    import igraph

    members = _members(connection, operator_id)
    accounts = {account_id: index for index, (account_id, _) in enumerate(members)}
    edges = list(_edges(connection, operator_id, everything))
    signals = {signal: None for _, signal, _ in edges}
    numbers = {signal: len(accounts) + index for index, signal in enumerate(signals)}
    graph = igraph.Graph(len(accounts) + len(signals))
    graph["operator_id"] = operator_id
    blank, blanks = [None] * len(accounts), [None] * len(signals)
    graph.vs["bipartite"] = [0] * len(accounts) + [1] * len(signals)
    graph.vs["type"] = [False] * len(accounts) + [True] * len(signals)
    graph.vs["account_id"] = [*accounts, *blanks]
    graph.vs["confidence"] = [*(confidence for _, confidence in members), *blanks]
    graph.vs["kind"] = [*blank, *(kind for kind, _ in signals)]
    graph.vs["value"] = [*blank, *(value for _, value in signals)]
    graph.add_edges([(accounts[account], numbers[signal]) for account, signal, _ in edges])
    for name in ("n", "first_seen", "last_seen"):
        graph.es[name] = [attributes.get(name) for _, _, attributes in edges]
    return graph


def _members(connection: duckdb.DuckDBPyConnection, operator_id: str) -> list[tuple[str, float]]:
    return connection.execute(
        "SELECT account_id, confidence FROM members WHERE operator_id = $operator "
        "ORDER BY account_id",
        {"operator": operator_id},
    ).fetchall()


def _edges(
    connection: duckdb.DuckDBPyConnection, operator_id: str, everything: bool
) -> Iterator[tuple[str, tuple[str, str], dict[str, Any]]]:
    sql = EDGES.format(which=EVERYTHING if everything else EVIDENCE)
    rows = connection.execute(sql, {"operator": operator_id}).fetchall()
    for account_id, _, kind, value, n, first_seen, last_seen in rows:
        times = {"first_seen": first_seen, "last_seen": last_seen}
        known = {name: time.isoformat() for name, time in times.items() if time is not None}
        yield account_id, (kind, value), {"n": n, **known}
