"""Parquet, for pandas, DuckDB and whatever else reads it: nodes and edges, nothing changed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from linkage.export.graph import Graph


def write(graph: Graph, path: Path) -> None:
    """Write the nodes and the edges into the folder `path`."""
    _write(graph.nodes(), path / "nodes.parquet")
    _write(graph.edges(), path / "edges.parquet")


def _write(batches: pa.RecordBatchReader, path: Path) -> None:
    with pyarrow.parquet.ParquetWriter(path, batches.schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
