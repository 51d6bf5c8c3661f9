"""Cases made by hand for the tests of the report: rows into the tables of `linkage.schema`."""

from __future__ import annotations

import datetime
import random
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from linkage.schema import TABLES

Rows = dict[str, list[tuple[Any, ...]]]
START = datetime.datetime(2025, 3, 1)
KEPT = [name for name, table in TABLES.items() if table.kept]


def make(path: Path, rows: Rows) -> Path:
    """A case database with every table a case keeps, holding `rows`."""
    connection = duckdb.connect(str(path))
    for name in KEPT:
        connection.execute(TABLES[name].ddl())
        if rows.get(name):
            columns = zip(*rows[name], strict=True)
            names = [c.name for c in TABLES[name].columns]
            arrow = pa.table({n: list(c) for n, c in zip(names, columns, strict=True)})
            connection.register("arrow", arrow)
            connection.execute(f"INSERT INTO {name} SELECT * FROM arrow")
            connection.unregister("arrow")
    connection.close()
    return path


def small() -> Rows:
    """Two operators: five accounts on two cards and a template, three on one address."""
    day = datetime.timedelta(days=1)
    ids = [f"acc-{n}" for n in range(8)]
    return {
        "accounts": [
            (n, name, START + n * day, START + n * day, START + 9 * day, 4)
            for n, name in enumerate(ids)
        ],
        "activity": [(n, START + (n % 3) * day, 2 + n) for n in range(8)],
        "signals": [
            (0, "ip", "198.51.100.7", None, 5, None),
            (1, "payment", "card-A", None, 3, None),
            (2, "payment", "card-B", None, 3, None),
            (3, "prompt", "Translate ⟨…⟩ into ⟨…⟩", None, 9, None),
            (4, "email_domain", "gmail.com", None, 900, "free mail"),
        ],
        "edges": [
            *((n, 3, START, START, 1) for n in range(5)),
            *((n, 1, START, START, 1) for n in (0, 1, 2)),
            *((n, 2, START, START, 1) for n in (2, 3)),
            *((n, 0, START, START, 1) for n in (5, 6, 7)),
        ],
        "operators": [
            (
                "OP-AAAAAA",
                "sockpuppets",
                0.97,
                5,
                0.004,
                "payment prompt",
                START,
                START + 9 * day,
                "5 accounts share 2 cards (card-A, card-B) and a template.",
            ),
            (
                "OP-BBBBBB",
                "household",
                0.2,
                3,
                0.3,
                "ip",
                START,
                None,
                "3 accounts share the address 198.51.100.7.",
            ),
        ],
        "members": [
            *((n, ids[n], "OP-AAAAAA", "sockpuppets", 0.99 - n / 50, 9.5 - n, 2) for n in (0, 1)),
            (2, ids[2], "OP-AAAAAA", "sockpuppets", 0.999, 15.5, 3),
            (3, ids[3], "OP-AAAAAA", "sockpuppets", 0.95, 9.0, 2),
            (4, ids[4], "OP-AAAAAA", "sockpuppets", 0.61, 2.5, 1),
            *((n, ids[n], "OP-BBBBBB", "household", 0.8, 3.0, 1) for n in (5, 6, 7)),
        ],
        "evidence": [
            ("OP-AAAAAA", 1, "payment", "card-A", 3, 0, 7.0),
            ("OP-AAAAAA", 2, "payment", "card-B", 2, 1, 6.0),
            ("OP-AAAAAA", 3, "prompt", "Translate ⟨…⟩ into ⟨…⟩", 5, 4, 2.5),
            ("OP-BBBBBB", 0, "ip", "198.51.100.7", 3, 2, 3.0),
        ],
        "scorecard": [
            ("OP-AAAAAA", "cards", "2 cards for 5 accounts", 2.0),
            ("OP-AAAAAA", "sign-ups", "spread evenly over five days", -0.5),
            ("OP-BBBBBB", "size", "3 accounts at 198.51.100.7", -2.0),
        ],
        "inputs": [
            (0, "accounts.csv", "ab" * 32, 1234567, '{"account_id": "account", "x": "ignore"}')
        ],
        "rejected": [("", "ip", "private address", 3, 40, "10.0.0.1")],
        "runs": [(1, START + 10 * day, '{"settings": {"seed": 7}}')],
        "judgements": [
            (1, START, "Ann", "operator", "OP-AAAAAA", "sockpuppets", "confirmed", "seen before", 1)
        ],
    }  # fmt: skip


HOSTILE = [
    "</script><script>window.pwned = 1</script>",
    "<img src=x onerror=\"window.pwned = 2\">",
    "\"><svg onload='window.pwned = 3'>",
    "javascript:window.pwned = 4//",
    "<!--<script>",
    "]]><style>* { display: none !important }</style>",
    "x; background: url(https://evil.example/a.png); }* { display: none }",
    "<link rel=stylesheet href=https://evil.example/a.css><base href=https://evil.example>",
    "\u202egnp.exe\u2066\u200f\u061c",
    "line\u2028paragraph\u2029feed\nreturn\rtab\tbell\x07escape\x1b[31m",
    "${window.pwned = 5}`'\\u003c",
    "a" * 10_000,
    "🧿" * 3_000,
    "=HYPERLINK(\"https://evil.example\")",
    "+1", "-1+1", "@SUM(A1)", "\t=1", "__proto__", "constructor", "%E0%A4%A", "", "{{7*7}}",
    "%DATA%", "%SCRIPT%",
    "https://evil.example/?q=<script src=https://evil.example/x.js></script>",
    "&lt;script&gt;window.pwned = 6&lt;/script&gt;",
    "זדוני عربي", "Z\u0335\u0321\u0322" * 50,
]  # fmt: skip


def hostile() -> Rows:
    """Every text of every table is hostile, ids, kinds and verdicts included."""
    rows: Rows = {name: [] for name in KEPT}
    for n, text in enumerate(HOSTILE):
        other = HOSTILE[(n + 1) % len(HOSTILE)]
        first = [None, START, datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31)][n % 4]
        rows["accounts"].append((n, text, first, first, START, 1))
        rows["activity"].append((n, START + datetime.timedelta(days=n), 1))
        rows["signals"].append((n, text, other, None, 9, other))
        rows["edges"] += [(n, n, START, START, 1), (n, (n + 1) % len(HOSTILE), START, None, 1)]
        rows["operators"].append(
            (text, other, n / 100, 1, n / 50, f"{text} ip", first, START, other)
        )
        rows["members"].append((n, text, text, other, n / 50, float(n), 1))
        for kind in (text, "prompt"):
            rows["evidence"].append((text, n, kind, other, 1, 2, 1.5 - n % 3))
        rows["scorecard"].append((text, other, text, 0.5 - n % 2))
        rows["inputs"].append((n, text, other, 1, text))
        rows["rejected"].append((text, text, other, 1, 1, text))
        # every operator has had another id, and got a member of the next one
        rows["run_operators"] += [(1, text, other, 0.5, 1), (2, text, other, 0.5, 1)]
        rows["memberships"] += [
            (text, text, 1, 2),
            (f"{text} 2", other, 1, 1),
            (f"{text} 2", text, 2, 2),
        ]
        rows["aliases"].append((f"{text} old", text, 2))
        rows["judgements"].append((n, START, text, "operator", f"{text} old", None, other, text, 1))
        rows["judgements"].append((n, START, text, "operator", text, None, other, text, 1))
    rows["runs"] = [(1, START, '"</script>')]
    return rows


TEMPLATE = (
    "You are an expert in ⟨…⟩. Question {}: solve ⟨…⟩ step by step.\nGive the answer as ⟨…⟩ and"
    " explain why each step follows from the one before."
)
MAPPING = (
    '{"account_id": "account", "created_at": "created_at", "payment_fingerprint": "payment",'
    ' "marketing_source": "ignore"}'
)


KINDS = ("payment", "ip", "prompt", "device")


def large(members: int = 20_000, operators: int = 50, seed: int = 1) -> Rows:
    """One operator like a proxy network's, with thousands of signals, among smaller ones."""
    draw = random.Random(seed)
    rows: Rows = {name: [] for name in KEPT}
    for place in range(operators):
        size = members if place == 0 else draw.choice((5, 12, 40, 150, 400))
        verdict = "sockpuppets" if place % 3 != 2 else draw.choice(("organisation", "unclear"))
        name = f"OP-{place:06d}"
        counts = dict(zip(KINDS, (size // 12 + 2, size // 20 + 3, 8, size // 60 + 1), strict=True))
        pool = _signals(rows, draw, place, counts)
        used: Counter[int] = Counter()
        for _ in range(size):
            used.update(_member(rows, draw, name, verdict, pool))
        _evidence(rows, draw, name, used)
        why = (
            f"{size:,} accounts share {counts['payment']:,} payment cards and {counts['ip']:,}"
            " addresses, and write from the same 8 templates."
        )
        until, q = START + datetime.timedelta(days=60), 0.0001 * 1.15**place
        told = (0.999 - place / 60, size, q, " ".join(KINDS), START, until, why)
        rows["operators"].append((name, verdict, *told))
        rows["scorecard"] += [(name, *item) for item in _scorecard(counts["payment"])]
    _everybody_else(rows)
    return rows


def _signals(
    rows: Rows, draw: random.Random, place: int, counts: dict[str, int]
) -> dict[str, list[int]]:
    """An operator's signals, by kind."""
    pool: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for kind in KINDS:
        for k in range(counts[kind]):
            signal = len(rows["signals"])
            text = {
                "payment": f"fp_{draw.getrandbits(64):016x}",
                "ip": f"203.0.{place}.{k}" if k < 250 else f"2001:db8:{place:x}:{k:x}::",
                "device": f"{draw.getrandbits(64):016x}",
                "prompt": TEMPLATE.format(k),
            }[kind]
            rows["signals"].append((signal, kind, text, None, 12, None))
            pool[kind].append(signal)
    return pool


def _member(
    rows: Rows, draw: random.Random, name: str, verdict: str, pool: dict[str, list[int]]
) -> set[int]:
    """One more account of an operator; returns its signals."""
    account = len(rows["accounts"])
    id_ = f"user_{account:08d}"
    hours = abs(int(draw.gauss(0, 240))) + 200 * (account % 4)
    begun = START + datetime.timedelta(hours=hours)
    rows["accounts"].append((account, id_, begun, begun, begun, 30))
    held = {draw.choice(pool["payment"]), *draw.sample(pool["ip"], min(2, len(pool["ip"])))}
    held |= {pool["prompt"][min(int(draw.expovariate(0.8)), 7)] for _ in range(3)}
    if draw.random() < 0.4:
        held.add(draw.choice(pool["device"]))
    if draw.random() < 0.03:
        held = {pool["prompt"][0]}
    rows["edges"] += [(account, signal, begun, begun, 3) for signal in held]
    for k in range(4):
        active = begun + datetime.timedelta(hours=7 * k)
        rows["activity"].append((account, active, draw.randrange(1, 30)))
    confidence = 1 - 10 ** -draw.uniform(0.3, 6)
    evidence = draw.uniform(3, 40)
    rows["members"].append((account, id_, name, verdict, confidence, evidence, len(held)))
    return held


def _evidence(rows: Rows, draw: random.Random, name: str, used: Counter[int]) -> None:
    nats = {"payment": 9.2, "ip": 4.1, "prompt": 2.7, "device": 6.3}
    outside = {"payment": 2, "ip": 60, "prompt": 900, "device": 4}
    for signal, inside in sorted(used.items()):
        _, kind, text, *_ = rows["signals"][signal]
        weight = nats[kind] + draw.uniform(-1, 1)
        others = draw.randrange(0, outside[kind])
        rows["evidence"].append((name, signal, kind, text, inside, others, weight))


def _scorecard(cards: int) -> list[tuple[str, str, float]]:
    return [
        ("cards", f"{cards:,} cards, none on more than 2% of the accounts", 2.4),
        ("mail", "free mail on 94% of the accounts", 1.1),
        ("sign-ups", "61% of the sign-ups in the four busiest days", 1.7),
        ("templates", "8 templates cover 97% of the prompts", 2.1),
        ("hours", "active at all hours of the day", -0.4),
        ("addresses", "addresses that honest accounts use too", -0.9),
    ]


def _everybody_else(rows: Rows) -> None:
    """Accounts of no operator, what was not used, the run and a judgement."""
    for kind, reason, n in (
        ("ip", "private address", 48_120),
        ("payment", "placeholder", 2_310),
        ("email", "not an address", 77),
    ):
        rows["rejected"].append(("", kind, reason, n // 9, n, "n/a"))
    why = "used by more accounts than can tell anybody apart"
    first = len(rows["signals"])
    rows["signals"] += [
        (first + k, "user_agent", f"Mozilla/5.0 ({k})", None, 90_000 - k, why) for k in range(40)
    ]
    first = len(rows["accounts"])
    rows["accounts"] += [
        (k, f"user_{k:08d}", START, START, START, 3) for k in range(first, first + 100_000)
    ]
    events = '{"user_id": "account", "ts": "timestamp", "ip": "ip", "prompt": "prompt"}'
    rows["inputs"] = [
        (0, "accounts.csv", "3f" * 32, len(rows["accounts"]), MAPPING),
        (1, "events.parquet", "9c" * 32, 1_604_331, events),
    ]
    rows["runs"] = [(1, START + datetime.timedelta(days=70), '{"settings": {"seed": 1}}')]
    at, note = START + datetime.timedelta(days=71), "same cards as the case of May"
    rows["judgements"] = [(1, at, "R. Ito", "operator", "OP-000000", None, "confirmed", note, 1)]
