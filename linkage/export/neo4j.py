"""Files for `neo4j-admin database import`: accounts, signals and which used which.

For graphs that would take a script hours. Packed with gzip, which neo4j-admin reads as it is; no
spreadsheet opens them by a click, so the values stand in them unchanged.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from linkage.export.cypher import LEFT_OUT
from linkage.export.graph import EDGES, NODES, TYPES, Graph
from linkage.schema import Column

SIDES = ("account", "signal")
OTHER_SIDE = (
    {"kind", "value", "accounts", "members"},
    {"account_id", "confidence", "signals", "created_at"},
)


def write(graph: Graph, path: Path) -> None:
    """Write the three files into the folder `path`."""
    for side, name in enumerate(SIDES):
        left_out = LEFT_OUT[side] | OTHER_SIDE[side]
        columns = {c.name: _header(c, name) for c in NODES.columns if c.name not in left_out}
        nodes = graph.nodes(as_text=True, where=f"bipartite = {side}")
        _write(nodes, columns, path / f"{name}s.csv.gz")
    columns = {"source": ":START_ID(account)", "target": ":END_ID(signal)"}
    columns |= {c.name: _header(c, "") for c in EDGES.columns[2:]}
    _write(graph.edges(as_text=True, by_key=True), columns, path / "used.csv.gz")


def _header(column: Column, space: str) -> str:
    if column.name == "key":
        return f"key:ID({space})"
    return f"{column.name}:{TYPES.get(column.type, 'datetime')}"


def _write(batches: pa.RecordBatchReader, columns: dict[str, str], path: Path) -> None:
    types = batches.schema
    schema = pa.schema([(header, types.field(name).type) for name, header in columns.items()])
    with (
        pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "gzip") as file,
        pyarrow.csv.CSVWriter(file, schema) as writer,
    ):
        for batch in batches:
            writer.write_batch(batch.select(list(columns)).rename_columns(schema.names))
