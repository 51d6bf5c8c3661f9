"""Three DataFrames of a service: accounts, payments, and log-ins in the long format.

    python examples/frames.py

A column that is named as the service names it (`client`, `card`) is mapped in the settings; a
column that is called what it is (`ip`) needs nothing; rows of `kind` and `value` may be of any
kind, also one that linkage has never heard of (`wallet`).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

import linkage
from linkage.config import Config, SourcesConfig

HONEST, FLEET = 500, 20


def tables() -> list[pd.DataFrame]:
    """Twenty accounts of one hand, who share cards, addresses and wallets, among honest ones."""
    honest = [f"person-{n}" for n in range(HONEST)]
    fleet = [f"fleet-{n}" for n in range(FLEET)]
    accounts = pd.DataFrame({"client": honest + fleet})
    accounts["email"] = [f"{name}@example-{n}.org" for n, name in enumerate(accounts["client"])]
    payments = pd.DataFrame(
        {
            "client": honest + fleet,
            "card": [f"c{n:04}" for n in range(HONEST)] + [f"f{n % 4}" for n in range(FLEET)],
        }
    )
    rows = [(name, "ip", f"81.2.{n % 250}.{n // 250 + 1}") for n, name in enumerate(honest)]
    rows += [(name, "wallet", f"w-{n}") for n, name in enumerate(honest)]
    rows += [(name, "ip", f"203.1.{n % 5}.7") for n, name in enumerate(fleet)]
    rows += [(name, "wallet", f"fleet-wallet-{n % 3}") for n, name in enumerate(fleet)]
    logins = pd.DataFrame(rows, columns=["client", "kind", "value"])
    return [accounts, payments, logins]


def main() -> None:
    config = Config(sources=SourcesConfig(map={"client": "account", "card": "payment"}))
    out = Path(tempfile.mkdtemp(prefix="linkage-")) / "case"
    with linkage.run(tables(), out=out, config=config) as case:
        print(case.operators[["accounts", "kinds"]].to_string(index=False))
        operator = case.operators["operator_id"].iloc[0]
        graph = case.graph(operator)
        cards = [node for node in graph if isinstance(node, tuple) and node[0] == "payment"]
        for kind, value in sorted(cards):
            print(f"{kind} {value}: {graph.degree((kind, value))} accounts")


if __name__ == "__main__":
    main()
