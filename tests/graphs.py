"""Small graphs made by hand, as the stages before `graph` leave them, and read back by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from linkage import attribution, graph, infrastructure
from linkage.attribution import lost
from linkage.attribution.weights import find_signals
from linkage.config import AttributionConfig, EngineConfig, InfrastructureConfig
from linkage.engine import DuckDBEngine
from linkage.schema import TABLES

Signal = tuple[str, str]
Uses = Mapping[str, Sequence[Signal]]
"""Account -> the kinds and values that it uses."""

Types = {
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
    "TIMESTAMP": pa.timestamp("us"),
}


def coarser(kind: str, value: str) -> Signal | None:
    """The signal that another implies."""
    if kind == "ip":
        return "ip_range", value.rsplit(".", 1)[0] + ".0/24"
    if kind == "email":
        return "email_domain", value.split("@")[1]
    if kind == "phone" and value.startswith("+"):
        return "phone_range", value[:-3] + "xxx"
    return None


def put(engine: DuckDBEngine, name: str, rows: Sequence[Sequence[Any]]) -> None:
    """A table of the schema, with these rows."""
    columns = TABLES[name].columns
    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    engine.put(
        name,
        pa.table(
            {
                column.name: pa.array(value, Types[column.type])
                for column, value in zip(columns, values, strict=True)
            }
        ),
    )


def observed(
    uses: Uses,
    created: Mapping[str, datetime] | None = None,
    prompts: Sequence[str] = (),
    reverse: bool = False,
) -> DuckDBEngine:
    """What the graph is built from; `prompts` are accounts with prompts beside their templates."""
    engine = DuckDBEngine(config=EngineConfig(threads=1))
    number = {account: n for n, account in enumerate(sorted(uses))}
    flat = [(number[a], kind, value) for a, own in sorted(uses.items()) for kind, value in own]
    if reverse:
        flat.reverse()
    put(
        engine,
        "accounts",
        [(n, a, (created or {}).get(a), None, None, 1) for a, n in number.items()],
    )
    observations = [row for row in flat if row[1] != "prompt"]
    put(engine, "observations", [(*row, None, None, 1) for row in observations])
    cleaned = set()
    for _, kind, value in observations:
        above = coarser(kind, value)
        cleaned.add((kind, value, kind, value, *(above or (None, None))))
        if above:
            cleaned.add((kind, value, *above, None, None))
    put(engine, "cleaned", sorted(cleaned, key=repr, reverse=reverse))
    templates = [(n, value, None, None, 1) for n, kind, value in flat if kind == "prompt"]
    put(engine, "template_uses", templates)
    others = [(number[account], "hello", None, None, 1) for account in prompts]
    put(engine, "prompts", [*templates, *others])
    return engine


def built(uses: Uses, **more: Any) -> DuckDBEngine:
    """The bipartite graph of that."""
    engine = observed(uses, **more)
    graph.build(engine)
    return engine


def paired(uses: Uses, false_discovery: float = 0.01, seed: int = 1, **more: Any) -> DuckDBEngine:
    """That, and the signal graph."""
    engine = built(uses, **more)
    infrastructure.find(engine, InfrastructureConfig(false_discovery=false_discovery), seed)
    return engine


def attributed(engine: DuckDBEngine, operators: Mapping[int, Sequence[str]]) -> None:
    """`attributed` as it would be if these were the operators, certain and corroborated."""
    attribution.propose(engine, AttributionConfig())
    lost.forget(engine)
    number = dict(engine.rows("SELECT account_id, account FROM accounts"))
    rows = [(number[account], o) for o, members in operators.items() for account in members]
    engine.run("DELETE FROM attributed")
    for account, operator in rows:
        engine.run("INSERT INTO attributed VALUES (?, ?, 1.0, 9.0, 9.0, 2)", [account, operator])


def ready(uses: Uses, groups: Mapping[int, Sequence[str]]) -> DuckDBEngine:
    """A graph whose `attributed` is given."""
    engine = paired(uses)
    attributed(engine, groups)
    return engine


def operators(engine: DuckDBEngine) -> dict[int, set[str]]:
    """Operator -> its members' names."""
    found: dict[int, set[str]] = {}
    for operator, account in engine.rows(
        "SELECT operator, account_id FROM attributed JOIN accounts USING (account)"
    ):
        found.setdefault(operator, set()).add(account)
    return found


def pairs(engine: DuckDBEngine, table: str = "pairs") -> dict[frozenset[Signal], Any]:
    """Two signals by kind and value -> together, expected, weight."""
    return {
        frozenset([(ka, va), (kb, vb)]): tuple(counts)
        for ka, va, kb, vb, *counts in engine.rows(
            f"""
            SELECT a.kind, a.value, b.kind, b.value, p.together, p.expected, p.weight
            FROM {table} p JOIN signals a ON a.signal = p.signal_a
            JOIN signals b ON b.signal = p.signal_b
            """
        )
    }


def communities(engine: DuckDBEngine) -> set[frozenset[Signal]]:
    """Communities of signals by kind and value."""
    found: dict[int, set[Signal]] = {}
    for community, kind, value in engine.rows(
        "SELECT community, kind, value FROM communities JOIN signals USING (signal)"
    ):
        found.setdefault(community, set()).add((kind, value))
    return {frozenset(signals) for signals in found.values()}


def strangers(count: int, first: int = 0) -> dict[str, list[Signal]]:
    """Accounts with a card, a device, an address and a template of their own."""
    return {
        f"s{n:04}": [
            ("payment", f"own-card-{n}"),
            ("device", f"own-device-{n}"),
            ("ip", f"20.{n // 200}.{n % 200}.7"),
            ("prompt", f"own template {n}"),
        ]
        for n in range(first, first + count)
    }


def fleet(size: int, name: str = "fleet", **kinds: int) -> Uses:
    """Accounts that deal so many signals of each kind out among themselves."""
    uses: dict[str, list[Signal]] = {f"{name}{n:03}": [] for n in range(size)}
    spread = 1
    for kind, count in kinds.items():
        for n, own in enumerate(uses.values()):
            own.append((kind, f"{name} {kind} {n // spread % count}"))
        # the next kind is dealt across this one
        spread *= count
    return uses


def mailing(count: int) -> dict[str, list[Signal]]:
    """Strangers, each with mail at a domain of their own."""
    return {
        account: [*own, ("email", f"me@{account}.org")] for account, own in strangers(count).items()
    }


def judged(uses: Uses, groups: dict[int, list[str]]) -> DuckDBEngine:
    """A graph with these operators, their signals found."""
    engine = paired(uses)
    attributed(engine, groups)
    find_signals(engine)
    return engine


MEMBERS = [f"m{n:02}" for n in range(20)]


def hand(**each: str) -> Uses:
    """Twenty members among strangers: for each kind a value, `{n}` in it dealt out by fives."""
    uses = mailing(300)
    for n, account in enumerate(MEMBERS):
        uses[account] = [(kind, value.format(n=n // 5, own=n)) for kind, value in each.items()]
    return uses
