"""A few hundred people and some fleets among them, small enough for many runs in one test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pandas as pd

START = datetime(2025, 1, 6)
PEOPLE = 400
FLEETS = {"red": 12, "blue": 10, "gold": 8}
"""Fleet -> accounts. Each shares three cards, four devices and four addresses of its own."""


def rows(
    fleets: Mapping[str, int] = FLEETS, people: int = PEOPLE, first: int = 0
) -> list[dict[str, object]]:
    """One row for each address that an account used, the accounts of fleets from `first` on."""
    found: list[dict[str, object]] = []
    for n in range(people):
        found.append(row(f"person-{n:03}", f"card-{n}", f"8.{n % 199}.{n % 7}.9", n))
    for place, (fleet, size) in enumerate(fleets.items()):
        for n in range(first, first + size):
            for turn in (0, 1):
                ip = f"{40 + place}.9.9.{(n + turn) % 4 + 1}"
                device = f"{fleet}-device-{n % 4}"
                found.append(row(f"{fleet}-{n:02}", f"{fleet}-card-{n % 3}", ip, n, device))
    return found


def row(account: str, card: str, ip: str, n: int, device: str = "") -> dict[str, object]:
    """A row of the table; without a device, it is the account's own."""
    return {
        "account_id": account,
        "payment": card,
        "ip": ip,
        "device_id": device or f"device of {account}",
        "timestamp": START + timedelta(hours=7 * n % 600),
    }


def table(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Rows as an input."""
    return pd.DataFrame(list(rows))


def operators(case: object) -> dict[str, str]:
    """Fleet -> id of the operator that most of its accounts are in."""
    members = case.members  # type: ignore[attr-defined]
    found: dict[str, Counter[str]] = {}
    for account_id, operator_id in zip(members["account_id"], members["operator_id"], strict=True):
        found.setdefault(account_id.partition("-")[0], Counter())[operator_id] += 1
    return {fleet: ids.most_common(1)[0][0] for fleet, ids in found.items()}
