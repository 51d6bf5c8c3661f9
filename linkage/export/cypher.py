"""A Cypher script for Neo4j 5: constraints, then nodes and relationships, a thousand at a time.

Nodes are merged by a hash of what they stand for, so a script can be run twice, and a second case
in the same database meets the first one at the signals they share. Texts are string literals in
which everything is escaped that could end one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from linkage.export.graph import EDGES, NODES, TIMES, Graph, rows

SEEN = ("first_seen", "last_seen")

ROWS = 1_000
"""Rows of a statement."""

# what depends on which operators are exported is told by the relationships
LEFT_OUT = {
    0: {"id", "bipartite"},
    1: {"id", "bipartite", "operator_id", "verdict", "weight", "members", "n", *SEEN},
}
LABELS = ("Account", "Signal")

CONSTRAINTS = """\
CREATE CONSTRAINT linkage_account IF NOT EXISTS FOR (a:Account) REQUIRE a.key IS UNIQUE;
CREATE CONSTRAINT linkage_signal IF NOT EXISTS FOR (s:Signal) REQUIRE s.key IS UNIQUE;
"""
NODE = "MERGE (n:{label} {{key: row.key}}) SET n += row;\n"
USED = """\
MATCH (a:Account {key: row.source}) MATCH (s:Signal {key: row.target})
MERGE (a)-[u:USED]->(s) SET u += row.used;
"""

# controls and what reorders or hides text; Neo4j reads \\u before anything else, so that a quote or
# a backslash must not be written that way
_SPECIAL = re.compile(
    '[\\\\"\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]'
)
_NAMED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def write(graph: Graph, path: Path) -> None:
    """Write the graph as a Cypher script."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_pieces(graph))


def literal(value: str) -> str:
    """A text as a string literal.

    >>> print(literal('a"b\\\\u0022\\n\\x00'))
    "a\\"b\\\\u0022\\n\\u0000"
    """
    return '"' + _SPECIAL.sub(_escape, value) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    return _NAMED.get(character) or f"\\u{ord(character):04X}"


def _pieces(graph: Graph) -> Iterator[str]:
    yield CONSTRAINTS
    for side, label in enumerate(LABELS):
        names = [c.name for c in NODES.columns]
        nodes = rows(graph.nodes(as_text=True, where=f"bipartite = {side}"))
        maps = (_map(names, row, LEFT_OUT[side]) for row in nodes)
        yield from _unwound(maps, NODE.format(label=label))
    names = [c.name for c in EDGES.columns[2:]]
    edges = rows(graph.edges(as_text=True, by_key=True))
    maps = (
        f'{{source: "{source}", target: "{target}", used: {_map(names, used)}}}'
        for source, target, *used in edges
    )
    yield from _unwound(maps, USED)


def _unwound(maps: Iterator[str], statement: str) -> Iterator[str]:
    while chunk := list(islice(maps, ROWS)):
        yield "UNWIND [\n"
        yield ",\n".join(chunk)
        yield f"\n] AS row {statement}"


def _map(names: Sequence[str], row: Sequence[Any], left_out: Collection[str] = ()) -> str:
    known = (
        f"{name}: {_value(name, value)}"
        for name, value in zip(names, row, strict=True)
        if value is not None and name not in left_out
    )
    return "{" + ", ".join(known) + "}"


def _value(name: str, value: Any) -> str:
    if name in TIMES:
        return f'datetime("{value}")'
    return literal(value) if isinstance(value, str) else repr(value)
