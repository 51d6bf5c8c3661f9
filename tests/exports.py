"""What the tests of the exports share: graphs made of drawn texts, and each format's own reader.

A reader takes what was written to a path and gives the nodes by id and the edges by source and
target, each with what is known of it, as somebody who uses the format would get them.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import networkx as nx
import pandas as pd
import pyarrow as pa

from linkage.export.graph import TIMES, Graph
from linkage.schema import TABLES

Nodes = dict[str, dict[str, Any]]
Edges = dict[tuple[str, str], dict[str, Any]]
DRAWN = {"label", "viz", "x", "y", "size", "r", "g", "b"}


def graph_of(texts: Sequence[str]) -> Graph:
    """Each text is an account's id, a signal's value and its kind; all share the first signal."""
    connection = duckdb.connect()
    connection.execute("ATTACH ':memory:' AS \"case\"")
    for table in TABLES.values():
        if table.kept:
            connection.execute(table.ddl(name=f'"case".{table.name}'))
    count = len(texts)
    numbers = list(range(count))
    rows = pa.table({"number": pa.array(numbers, pa.int32()), "text": pa.array(texts, pa.string())})
    connection.register("drawn", rows)
    for sql in (
        "accounts SELECT number, text, NULL, NULL, NULL, 1 FROM drawn",
        "signals SELECT number, text, text, NULL, 2, NULL FROM drawn",
        "members SELECT number, text, 'OP-1', 'sockpuppets', 0.5, 2.5, 1 FROM drawn",
        "edges SELECT number, number, NULL, NULL, 1 FROM drawn",
        "edges SELECT number, 0, NULL, NULL, 1 FROM drawn WHERE number > 0",
        "evidence SELECT 'OP-1', number, text, text, 2, 0, 1.5 FROM drawn",
        "operators SELECT 'OP-1', 'sockpuppets', 0.9, count(*), 0.1, '', NULL, NULL, '' FROM drawn",
        "runs VALUES (1, TIMESTAMP '2024-05-01', '{}')",
    ):
        connection.execute(f'INSERT INTO "case".{sql}')
    return Graph(connection)


def networkx_file(read: Callable[[Path], nx.Graph]) -> Callable[[Path], tuple[Nodes, Edges]]:
    def reader(path: Path) -> tuple[Nodes, Edges]:
        graph = read(path)
        nodes = {n: {k: v for k, v in d.items() if k not in DRAWN} for n, d in graph.nodes.items()}
        # an edge of an undirected graph is the same either way round
        edges = {tuple(sorted(pair)): dict(d) for pair, d in graph.edges.items()}
        return nodes, edges  # type: ignore[return-value]

    return reader


def read_json(path: Path) -> nx.Graph:
    return nx.node_link_graph(json.loads(path.read_text("utf-8")), edges="edges")


def read_gexf(path: Path) -> tuple[Nodes, Edges]:
    nodes, edges = networkx_file(nx.read_gexf)(path)
    for data in edges.values():
        del data["id"]
    return nodes, edges


def read_csv(path: Path) -> tuple[Nodes, Edges]:
    def table(name: str) -> pd.DataFrame:
        frame = pd.read_csv(path / name, keep_default_na=False, na_values=[""])
        typed = [c for c in ("account_id", "kind", "value", "operator_id") if c in frame]
        raw = pd.read_csv(path / name, dtype=str, keep_default_na=False)
        for column in typed:
            frame[column] = [text.removeprefix("'") or None for text in raw[column]]
        return frame

    return frames(table("nodes.csv"), table("edges.csv"))


def read_parquet(path: Path) -> tuple[Nodes, Edges]:
    tables = [pd.read_parquet(path / f"{name}.parquet") for name in ("nodes", "edges")]
    for frame in tables:
        for column in TIMES & set(frame.columns):
            times = frame[column].astype(object)
            frame[column] = [None if pd.isna(t) else t.isoformat() + "Z" for t in times]
    return frames(*tables)


def frames(nodes: pd.DataFrame, edges: pd.DataFrame) -> tuple[Nodes, Edges]:
    found = {row["id"]: known(row, "id") for row in nodes.to_dict("records")}
    pairs = {
        (row["source"], row["target"]): known(row, "source", "target")
        for row in edges.to_dict("records")
    }
    return found, pairs  # type: ignore[return-value]


def known(row: dict[Any, Any], *left_out: str) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k not in left_out and not pd.isna(v)}


def read_cypher(*scripts: Path) -> tuple[Nodes, Edges]:
    """What a database holds after these scripts."""
    command = [sys.executable, str(Path(__file__).with_name("cypher_reader.py"))]
    done = subprocess.run(
        [*command, *map(str, scripts)], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    edges = {(row.pop("source"), row.pop("target")): row for row in found["edges"]}
    assert len(edges) == len(found["edges"]), "merged twice"
    return {row["key"]: row for row in found["nodes"]}, edges


def read_neo4j(path: Path) -> tuple[Nodes, Edges]:
    """As neo4j-admin reads it: types from the header, nothing for an unquoted empty field."""

    def table(name: str) -> list[dict[str, Any]]:
        with gzip.open(path / name, "rt", encoding="utf-8", newline="") as file:
            header, *lines = csv.reader(file, strict=True)
        columns = [re.fullmatch(r"(\w*):(\w+)(?:\((\w+)\))?", cell) for cell in header]
        types = {"double": float, "int": int, "long": int}
        rows = []
        for line in lines:
            row = {}
            for column, cell in zip(columns, line, strict=True):
                assert column is not None
                if cell:
                    row[column[1] or column[2]] = types.get(column[2], str)(cell)
            rows.append(row)
        return rows

    nodes = {r["key"]: r for name in ("accounts", "signals") for r in table(f"{name}.csv.gz")}
    edges = {(r.pop("START_ID"), r.pop("END_ID")): r for r in table("used.csv.gz")}
    return nodes, edges


READERS: dict[str, Callable[[Path], tuple[Nodes, Edges]]] = {
    "graphml": networkx_file(nx.read_graphml),
    "gexf": read_gexf,
    "json": networkx_file(read_json),
    "csv": read_csv,
    "parquet": read_parquet,
    "cypher": read_cypher,
    "neo4j": read_neo4j,
}
