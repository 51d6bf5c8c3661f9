"""One operator as a single HTML file, to send: its part of the report.

The report is made of a case, so what concerns the operator is copied into a case database of its
own: nothing of other accounts, and no value that was rejected, can be in the file.
"""

from __future__ import annotations

from pathlib import Path

from linkage import report
from linkage.case import META
from linkage.errors import InputError
from linkage.export.graph import Graph
from linkage.schema import TABLES

OWN = {
    "operators": "operator_id = $operator",
    "members": "operator_id = $operator",
    "evidence": "operator_id = $operator",
    "scorecard": "operator_id = $operator",
    "accounts": "account IN (SELECT number FROM memory.nodes WHERE bipartite = 0)",
    "activity": "account IN (SELECT number FROM memory.nodes WHERE bipartite = 0)",
    "edges": "account IN (SELECT number FROM memory.nodes WHERE bipartite = 0)",
    "signals": 'signal IN (SELECT signal FROM "case".evidence WHERE operator_id = $operator)',
    "judgements": "subject = 'operator' AND a = $operator",
    "inputs": "true",
    "runs": "true",
    META.name: "true",
}


def write(graph: Graph, path: Path) -> None:
    """Write the report of the graph's operator."""
    if graph.operator is None:
        raise InputError(
            "html is one operator as a single file. Name it with --operator, or open the whole "
            "report: report/index.html in the case."
        )
    if graph.hashed:
        raise InputError("values in html can't be hashed; a redacted report hides them instead.")
    folder = path.with_name("html")
    folder.mkdir()
    database = folder / "case.duckdb"
    run = graph.connection.execute
    quoted = str(database).replace("'", "''")
    run(f"ATTACH '{quoted}' AS own")
    for table in [*(t for t in TABLES.values() if t.kept), META]:
        which = OWN.get(table.name, "false")
        parameters = {"operator": graph.operator.operator_id} if "$operator" in which else {}
        run(
            f'CREATE TABLE own.{table.name} AS SELECT * FROM "case".{table.name} WHERE {which}',
            parameters,
        )
    run("DETACH own")
    report.write(database, folder)
    (folder / "index.html").rename(path)
