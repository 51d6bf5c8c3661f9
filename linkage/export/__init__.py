"""Exports of a case: the bipartite graph of accounts and signals, in the formats that others read.

A case, the name of a format and a path arrive; a file or a folder is there afterwards, whole or as
it was. A format is one module with one function, `write(graph, path)`, and one line in `FORMATS`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linkage.errors import InputError, shorten, suggestion

if TYPE_CHECKING:
    from linkage.case import Case

__all__ = ["FORMATS", "Export", "Format", "write"]


@dataclass(frozen=True)
class Format:
    """A format: its name, which is its module's too, the files of a folder, and what it is for."""

    name: str
    files: tuple[str, ...]
    """Names in the folder that is written; none if it is a single file."""
    about: str


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format("graphml", (), "a file for networkx, igraph, Gephi and Cytoscape"),
        Format("gexf", (), "a file for Gephi, with places, colours and sizes"),
        Format("csv", ("nodes.csv", "edges.csv"), "a folder for spreadsheets and pandas"),
        Format("parquet", ("nodes.parquet", "edges.parquet"), "a folder for pandas and DuckDB"),
        Format("json", (), "a file of node-link JSON for networkx and D3"),
        Format("cypher", (), "a script for Neo4j"),
        Format(
            "neo4j",
            ("accounts.csv.gz", "signals.csv.gz", "used.csv.gz"),
            "a folder for neo4j-admin database import",
        ),
        Format("stix", (), "a STIX 2.1 bundle for other providers"),
        Format("html", (), "the report as one file"),
    )
}


@dataclass(frozen=True)
class Export:
    """What was written: where, and how much."""

    format: str
    operator_id: str | None
    path: str
    files: dict[str, int]
    """Bytes of each file by its path."""
    accounts: int
    signals: int
    edges: int

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return asdict(self)


def write(
    case: Case | Path | str,
    format: str,
    path: Path | str,
    operator: str | None = None,
    everything: bool = False,
    key: bytes | None = None,
) -> Export:
    """Write the accounts of an operator (of all, without one) and their signals to `path`.

    Signals are those that speak for the operator; with `everything`, all that its accounts use and
    that are not ignored. With a `key`, account ids and values are replaced by their HMAC-SHA256.
    An earlier file or export at `path` is replaced, once the new one is whole. `InputError` for an
    unknown format or operator, and for a path that holds something else; `CaseError` if the case
    can't be read; `MissingExtraError` if the format needs a package that is not installed.

    >>> import linkage, pandas, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> table = pandas.DataFrame({"account_id": list("abcdef"), "card_hash": ["k", "l"] * 3})
    >>> case = linkage.run([table], out=folder / "case")
    >>> written = write(case, "csv", folder / "graph")
    >>> sorted(path.rsplit("/", 1)[1] for path in written.files)
    ['edges.csv', 'nodes.csv']
    """
    from linkage.case import Case
    from linkage.case.database import connect, reading
    from linkage.export.graph import Graph
    from linkage.writing import beside, trouble

    if format not in FORMATS:
        raise InputError(f"no format {shorten(format)}. {suggestion(format, FORMATS)}")
    form = FORMATS[format]
    module = import_module(f"linkage.export.{form.name}")
    opened = case if isinstance(case, Case) else Case(case)
    try:
        chosen = None if operator is None else opened.show(operator, 1).operator
        _check(Path(path), opened.path)
        with (
            reading(opened.path),
            trouble(path),
            beside(Path(path), form.files.__contains__ if form.files else None) as target,
        ):
            connection = connect(opened.path)
            try:
                spill = str(target.with_name("spill"))
                connection.execute("SET temp_directory = ?", [spill])
                graph = Graph(connection, chosen, everything, key)
                module.write(graph, target)
            finally:
                connection.close()
    finally:
        if opened is not case:
            opened.close()
    place = Path(path)
    files = [place / name for name in form.files] or [place]
    return Export(
        format=format,
        operator_id=None if chosen is None else chosen.operator_id,
        path=str(path),
        files={str(file): file.stat().st_size for file in files},
        accounts=graph.accounts,
        signals=graph.signals,
        edges=graph.edge_count,
    )


def _check(path: Path, case: Path) -> None:
    from linkage.case.place import OURS

    place, case = path.resolve(), case.resolve()
    inside = case in place.parents
    if place == case or (inside and place.relative_to(case).parts[0] in OURS):
        raise InputError(
            f"{path} belongs to the case itself. Name a file or folder outside it with --out."
        )
