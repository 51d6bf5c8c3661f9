"""One operator as a single HTML file, to send: its page of the report."""

from __future__ import annotations

from pathlib import Path

from linkage import report
from linkage.errors import InputError
from linkage.export.graph import Graph


def write(graph: Graph, path: Path) -> None:
    """Write the page of the graph's operator."""
    if graph.operator is None:
        raise InputError(
            "html is one operator as a single file. Name it with --operator, or write the whole "
            "report: linkage report CASE --out DIR"
        )
    if graph.hashed:
        raise InputError(
            "html shows values, or masks of them: linkage report CASE --operator OPERATOR --redact"
        )
    report.write_operator(graph.database, graph.operator.operator_id, path)
