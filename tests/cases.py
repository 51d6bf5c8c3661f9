"""Small work databases made by hand: what a finished run leaves for the case to write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from linkage import case
from linkage.engine import DuckDBEngine
from linkage.schema import TABLES

Typed = Callable[..., tuple[int, str, str]]
"""A command line: arguments in; exit code, stdout and stderr out."""

START = datetime(2024, 3, 1, 12)

PLAIN: dict[str, list[tuple[str, str]]] = {
    "ann": [("payment", "card-1"), ("ip", "8.8.8.8"), ("ip_range", "8.8.8.0/24")],
    "bob": [("payment", "card-1"), ("ip", "8.8.8.8"), ("ip_range", "8.8.8.0/24")],
    "cat": [("payment", "card-1"), ("prompt", "do <x>")],
    "dan": [("payment", "card-2"), ("prompt", "do <x>"), ("device", "phone-7")],
    "eve": [("payment", "card-2"), ("prompt", "do <x>")],
    "fay": [("payment", "card-3"), ("device", "phone-7")],
    "gus": [("payment", "card-3"), ("user_agent", "curl")],
    "hal": [("user_agent", "curl")],
    "ivy": [("payment", "card-9"), ("user_agent", "curl")],
}
OPERATORS: dict[str, list[str]] = {
    "OP-AAA111": ["ann", "bob", "cat"],
    "OP-AAB222": ["dan", "eve"],
}

HOSTILE = (
    "=1+1\x1b[31mred\u202egnp\x00<script>alert(1)</script>\r\n"
    "\u200b'\"`,[bold]x[/bold]|& \U0001f600"
)


def hostile() -> tuple[dict[str, list[tuple[str, str]]], dict[str, list[str]]]:
    """The same accounts with hostile text in every field that somebody typed."""
    accounts = {
        f"{lead}{name}{HOSTILE}": [(kind, value + HOSTILE) for kind, value in signals]
        for lead, (name, signals) in zip("=+-@\t\r '\"", PLAIN.items(), strict=True)
    }
    ids = dict(zip(PLAIN, accounts, strict=True))
    return accounts, {op: [ids[a] for a in members] for op, members in OPERATORS.items()}


def build(
    engine: DuckDBEngine,
    accounts: Mapping[str, Sequence[tuple[str, str]]] = PLAIN,
    operators: Mapping[str, Sequence[str]] = OPERATORS,
    ignored: Sequence[str] = ("user_agent",),
    typed: str = "",
) -> DuckDBEngine:
    """Fill every table of the schema; `typed` stands in the texts that hold raw values."""
    for table in TABLES.values():
        engine.drop(table.name)
        engine.run(table.ddl())

    def insert(table: str, *rows: Sequence[object]) -> None:
        for row in rows:
            marks = ", ".join("?" * len(row))
            engine.run(f"INSERT INTO {table} VALUES ({marks})", list(row))

    numbers = {name: number for number, name in enumerate(sorted(accounts))}
    used = sorted({signal for signals in accounts.values() for signal in signals})
    signals = {signal: number for number, signal in enumerate(used)}
    holders = {s: [a for a, own in sorted(accounts.items()) if s in own] for s in used}
    ranges = [signal for signal in used if signal[0] == "ip_range"]
    for name, number in numbers.items():
        made = START + timedelta(hours=number)
        later = made + timedelta(days=1)
        insert("accounts", [number, name, made, made, later, 3])
        insert("activity", [number, made.replace(minute=0), 2], [number, later, 1])
        for kind, value in accounts[name]:
            insert("observations", [number, kind, value, made, later, 2])
            insert("edges", [number, signals[kind, value], made, later, 2])
    for (kind, value), number in signals.items():
        parent = signals[ranges[0]] if kind == "ip" and ranges else None
        reason = "too common" if kind in ignored else None
        insert("signals", [number, kind, value, parent, len(holders[kind, value]), reason])
    insert("rejected", ["events.csv", "ip", "private address", 2, 20, "10.0.0.1" + typed])
    insert("rejected", ["events.csv", "ip", "not an address", 1, 3, "n/a" + typed])
    insert("pairs", [0, 1, 3, 0.5, 4.0])
    insert("inputs", [0, "events.csv" + typed, "00ff", 27, "{}"])
    for rank, (operator, members) in enumerate(operators.items()):
        verdict = ("sockpuppets", "organisation")[rank % 2]
        score = 0.9 - rank / 10
        seen = START, START + timedelta(days=2)
        why = f"{len(members)} accounts, few cards" + typed
        kinds = "payment prompt"
        insert("operators", [operator, verdict, score, len(members), 0.01, kinds, *seen, why])
        insert("scorecard", [operator, "cards", "few" + typed, 2.5], [operator, "mail", "own", -1])
        for place, name in enumerate(members):
            confidence = 0.99 - place / 100
            row = [numbers[name], name, operator, verdict, confidence, 9.5, 2]
            insert("members", row)
        for signal, number in signals.items():
            inside = len(set(holders[signal]) & set(members))
            if inside > 1 and signal[0] not in ignored:
                outside = len(holders[signal]) - inside
                weight = round(5 - outside - number / 100, 3)
                insert("evidence", [operator, number, *signal, inside, outside, weight])
    return engine


DETAILS = {"seed": 1, "inputs": [], "versions": {"linkage": "x"}}


def write(
    out: Path,
    accounts: Mapping[str, Sequence[tuple[str, str]]] = PLAIN,
    operators: Mapping[str, Sequence[str]] = OPERATORS,
    add: Callable[[Path], None] | None = None,
    typed: str = "",
) -> Path:
    """A case of that."""
    engine = build(DuckDBEngine(), accounts, operators, typed=typed)
    case.write(engine, out, dict(DETAILS), add)
    engine.close()
    return out
