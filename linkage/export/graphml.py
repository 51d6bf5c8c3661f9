"""GraphML, for networkx, igraph, Gephi and Cytoscape.

Attributes are declared with their types and left out where unknown. Places, sizes and colours are
the attributes `x`, `y`, `size`, `r`, `g` and `b`, which Gephi takes for what they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from linkage.export.graph import EDGES, NODES, Graph, rows
from linkage.export.xml import colour, label, text, type_of

DRAWN = {
    "label": "string",
    **dict.fromkeys(("x", "y", "size"), "double"),
    **dict.fromkeys("rgb", "int"),
}


def write(graph: Graph, path: Path) -> None:
    """Write the graph as GraphML."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_lines(graph))


def _lines(graph: Graph) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    node_columns = [(c.name, type_of(c)) for c in NODES.columns[1:]]
    edge_columns = [(c.name, type_of(c)) for c in EDGES.columns[2:]]
    for side, columns in (("node", [*node_columns, *DRAWN.items()]), ("edge", edge_columns)):
        for name, type_ in columns:
            key = f'id="{side}_{name}" for="{side}" attr.name="{name}" attr.type="{type_}"'
            yield f"<key {key}/>\n"
    yield '<graph edgedefault="undirected">\n'
    yield from _nodes(graph)
    yield from _edges(graph)
    yield "</graph>\n</graphml>\n"


def _nodes(graph: Graph) -> Iterator[str]:
    names = [c.name for c in NODES.columns]
    for row in rows(graph.drawn_nodes()):
        x, y, size = row[-3:]
        node = dict(zip(names, row[:-3], strict=True))
        red, green, blue = colour(node["kind"], node["verdict"])
        drawn = (label(node["account_id"], node["value"]), x, y, size, red, green, blue)
        node |= zip(DRAWN, drawn, strict=True)
        data = "".join(
            f'<data key="node_{name}">{text(value)}</data>'
            for name, value in node.items()
            if value is not None and name != "id"
        )
        yield f'<node id="{node["id"]}">{data}</node>\n'


def _edges(graph: Graph) -> Iterator[str]:
    keys = [f'<data key="edge_{c.name}">' for c in EDGES.columns[2:]]
    for source, target, *values in rows(graph.edges(as_text=True)):
        data = "".join(
            f"{key}{value}</data>"
            for key, value in zip(keys, values, strict=True)
            if value is not None
        )
        yield f'<edge source="{source}" target="{target}">{data}</edge>\n'
