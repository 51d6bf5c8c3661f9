"""GEXF 1.2, for Gephi: attributes with their types, and a place, size, colour and shape each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from linkage.export.graph import EDGES, NODES, Graph, rows
from linkage.export.xml import colour, label, text, type_of
from linkage.schema import Column

NAMESPACE = "http://www.gexf.net/1.2draft"
SHAPES = ("disc", "square")


def write(graph: Graph, path: Path) -> None:
    """Write the graph as GEXF."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_lines(graph))


def _lines(graph: Graph) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<gexf xmlns="{NAMESPACE}" xmlns:viz="{NAMESPACE}/viz" version="1.2">\n'
    yield "<meta><creator>linkage</creator></meta>\n"
    yield '<graph defaultedgetype="undirected" mode="static">\n'
    yield from _declared("node", NODES.columns[1:])
    # the weight is an edge's own
    yield from _declared("edge", EDGES.columns[3:])
    yield "<nodes>\n"
    yield from _nodes(graph)
    yield "</nodes>\n<edges>\n"
    yield from _edges(graph)
    yield "</edges>\n</graph>\n</gexf>\n"


def _declared(side: str, columns: Sequence[Column]) -> Iterator[str]:
    yield f'<attributes class="{side}" mode="static">\n'
    for column in columns:
        # what others call int is integer here
        kind = type_of(column).replace("int", "integer")
        yield f'<attribute id="{column.name}" title="{column.name}" type="{kind}"/>\n'
    yield "</attributes>\n"


def _nodes(graph: Graph) -> Iterator[str]:
    names = [c.name for c in NODES.columns]
    for row in rows(graph.drawn_nodes()):
        node = dict(zip(names, row, strict=False))
        x, y, size = row[-3:]
        red, green, blue = colour(node["kind"], node["verdict"])
        values = "".join(
            f'<attvalue for="{name}" value="{text(value)}"/>'
            for name, value in node.items()
            if value is not None and name != "id"
        )
        yield (
            f'<node id="{node["id"]}" label="{text(label(node["account_id"], node["value"]))}">'
            f"<attvalues>{values}</attvalues>"
            f'<viz:color r="{red}" g="{green}" b="{blue}"/>'
            f'<viz:position x="{x}" y="{y}" z="0.0"/><viz:size value="{size}"/>'
            f'<viz:shape value="{SHAPES[node["bipartite"]]}"/></node>\n'
        )


def _edges(graph: Graph) -> Iterator[str]:
    parts = [f'<attvalue for="{c.name}" value="' for c in EDGES.columns[3:]]
    for number, (source, target, weight, *values) in enumerate(rows(graph.edges(as_text=True))):
        known = "".join(
            f'{part}{value}"/>'
            for part, value in zip(parts, values, strict=True)
            if value is not None
        )
        own = "" if weight is None else f' weight="{weight}"'
        yield (
            f'<edge id="{number}" source="{source}" target="{target}"{own}>'
            f"<attvalues>{known}</attvalues></edge>\n"
        )
