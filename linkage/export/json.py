"""Node-link JSON, for `networkx.node_link_graph` and D3.

Attributes are left out where unknown, as in `Case.graph`. All is ASCII: every other character is
an escape, so that nothing in it can act on whoever shows the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from linkage.export.graph import Graph


def write(graph: Graph, path: Path) -> None:
    """Write the graph as node-link JSON."""
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(_pieces(graph))


def _pieces(graph: Graph) -> Iterator[str]:
    operator = None if graph.operator is None else graph.operator.operator_id
    about = json.dumps({"operator_id": operator} if operator else {})
    yield f'{{"directed": false, "multigraph": false, "graph": {about},\n"nodes": ['
    yield from _items(graph.nodes(as_text=True))
    yield '],\n"edges": ['
    yield from _items(graph.edges(as_text=True))
    yield "]}\n"


def _items(batches: pa.RecordBatchReader) -> Iterator[str]:
    separator = "\n"
    encode = json.JSONEncoder(allow_nan=False).encode
    for batch in batches:
        names = batch.schema.names
        columns = [column.to_pylist() for column in batch.columns]
        for row in zip(*columns, strict=True):
            known = {n: v for n, v in zip(names, row, strict=True) if v is not None}
            yield separator + encode(known)
            separator = ",\n"
