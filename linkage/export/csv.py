"""CSV, for spreadsheets and pandas: `nodes.csv` and `edges.csv`, comma, UTF-8, times in UTC.

A spreadsheet takes a cell that begins with = + - @, a tab or a carriage return for a formula, and
runs it. Such a cell gets a `'` in front, and so does one that begins with `'` itself: a value is
its cell without one leading `'`, if there is any. Unknown is nothing between two commas.
"""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from linkage.export.graph import Graph
from linkage.writing import FORMULA

QUOTED = f"^[{re.escape(FORMULA)}']"
TYPED = ("account_id", "kind", "value", "operator_id")
"""Columns whose texts come from the data."""


def write(graph: Graph, path: Path) -> None:
    """Write the nodes and the edges into the folder `path`."""
    _write(graph.nodes(as_text=True), path / "nodes.csv")
    _write(graph.edges(as_text=True), path / "edges.csv")


def _write(batches: pa.RecordBatchReader, path: Path) -> None:
    with pyarrow.csv.CSVWriter(path, batches.schema) as writer:
        for batch in batches:
            writer.write_batch(inert(batch))


def inert(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with a `'` before whatever a spreadsheet would take for a formula.

    >>> inert(pa.record_batch({"value": ["=1+1", "'a", "b"]})).column("value").to_pylist()
    ["'=1+1", "''a", 'b']
    """
    for place, name in enumerate(batch.schema.names):
        if name in TYPED:
            texts = batch.column(place).cast(pa.string())
            quoted = pc.binary_join_element_wise("'", texts, "")
            texts = pc.if_else(pc.match_substring_regex(texts, QUOTED), quoted, texts)
            batch = batch.set_column(place, name, texts)
    return batch
