"""Runs Cypher scripts in kglite, an embedded graph database, and prints as JSON what it then holds.

    python tests/cypher_reader.py SCRIPT...

A process of its own: kglite must be loaded before the libraries that the other tests load.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ACCOUNT = (
    *("key", "account_id", "operator_id", "verdict", "confidence", "weight", "signals"),
    *("created_at", "first_seen", "last_seen", "n"),
)
SIGNAL = ("key", "kind", "value", "accounts")
USED = ("weight", "first_seen", "last_seen", "n")


def statements(script: str) -> list[str]:
    """The script cut at semicolons outside of string literals, as cypher-shell does it."""
    pieces = re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^";])+;', script, re.DOTALL)
    assert "".join(pieces) == script.removesuffix("\n"), "something is between statements"
    return pieces


def returned(name: str, properties: tuple[str, ...]) -> str:
    return ", ".join(f"{name}.{p} AS {p}" for p in properties)


def main() -> None:
    # not above: where tests are collected, it would be loaded too late
    import kglite

    database = kglite.KnowledgeGraph()
    for path in sys.argv[1:]:
        for statement in statements(Path(path).read_text(encoding="utf-8")):
            database.cypher(statement)

    def rows(query: str) -> list[dict[str, Any]]:
        return [{k: v for k, v in r.items() if v is not None} for r in database.cypher(query)]

    print(
        json.dumps(
            {
                "nodes": rows(f"MATCH (a:Account) RETURN {returned('a', ACCOUNT)}")
                + rows(f"MATCH (s:Signal) RETURN {returned('s', SIGNAL)}"),
                "edges": rows(
                    "MATCH (a:Account)-[u:USED]->(s:Signal) "
                    f"RETURN a.key AS source, s.key AS target, {returned('u', USED)}"
                ),
            },
            default=lambda time: time.isoformat().split("+")[0] + "Z",
        )
    )


if __name__ == "__main__":
    main()
