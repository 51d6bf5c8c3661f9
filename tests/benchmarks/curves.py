"""Where it stops: accounts found, and honest people accused, against each way to evade.

A population holds one operator for each value of a knob, apart from each other; so a curve is one
run a seed. The others' honest members are counted with the operator that theirs mostly is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from populations import Prepared, prepare

from linkage.simulate import Operator, Preset

Unit = Callable[[Path], list[dict[str, Any]]]
SIZE = 150
BASE = Operator(
    "hydra", SIZE, scale=0.0, per_card=(4, 8), exits=250, exits_per_account=6, templates=12
)
BASES = {"with templates": BASE, "without templates": replace(BASE, templates=0)}


def _camouflage(base: Operator, share: float) -> Operator:
    return replace(base, camouflage=share)


def _per_card(base: Operator, accounts: float) -> Operator:
    return replace(base, per_card=(int(accounts), int(accounts)))


def _exits(base: Operator, exits: float) -> Operator:
    return replace(base, exits_per_account=int(exits))


def _people(base: Operator, people: float) -> Operator:
    return replace(base, people_per_exit=people, exits=100)


def _size(base: Operator, size: float) -> Operator:
    # cards and exits for each account stay as they are
    return replace(base, size=int(size), exits=max(4, int(size * 5 / 3)))


KNOBS: dict[str, tuple[Callable[[Operator, float], Operator], Sequence[float]]] = {
    "camouflage": (_camouflage, (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)),
    "accounts per card": (_per_card, (1, 2, 3, 5, 10, 20)),
    "exits per account": (_exits, (1, 2, 4, 8, 16, 32)),
    "honest people per exit": (_people, (0, 1, 3, 10, 20)),
    "size": (_size, (5, 10, 20, 50, 100, 200, 400)),
}


def units(quick: bool) -> dict[str, Unit]:
    accounts, seeds = (10_000, 1) if quick else (20_000, 2)
    knobs = ["camouflage"] if quick else list(KNOBS)
    bases = list(BASES)[:1] if quick else list(BASES)
    return {
        f"curves/{knob}/{base}/{seed}": partial(curve, knob, base, accounts, seed)
        for knob in knobs
        for base in bases
        if (knob, base) != ("camouflage", "without templates")
        for seed in range(1, seeds + 1)
    }


def curve(knob: str, base: str, accounts: int, seed: int, scratch: Path) -> list[dict[str, Any]]:
    turn, values = KNOBS[knob]
    operators = tuple(
        replace(turn(BASES[base], value), kind=f"{number:02}")
        for number, value in enumerate(values)
    )
    preset = Preset(knob, accounts, operators)
    name = f"curve-{knob}-{base}-{accounts}-{seed}".replace(" ", "-")
    found = by_kind(prepare(scratch, name, preset, accounts, seed))
    return [
        {"knob": knob, "base": base, "value": value, "seed": seed, **found[f"{number:02}"]}
        for number, value in enumerate(values)
    ]


def by_kind(prepared: Prepared) -> dict[str, dict[str, Any]]:
    """Of each kind of operator: the share found, and honest accounts in what mostly is it."""
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE t AS FROM read_csv('{prepared.truth}', all_varchar = true)")
        members = prepared.case / "members.csv"
        db.execute(
            "CREATE TABLE m AS SELECT operator_id, operator, kind FROM"
            f" read_csv('{members}', all_varchar = true) JOIN t USING (account_id)"
            " WHERE verdict = 'sockpuppets'"
        )
        rows = db.execute(
            "WITH nearest AS (SELECT operator_id, mode(kind) FILTER (operator IS NOT NULL) AS kind,"
            " count(*) FILTER (operator IS NULL) AS accused FROM m GROUP BY operator_id),"
            " beside AS (SELECT kind, sum(accused) AS accused FROM nearest GROUP BY kind),"
            " inside AS (SELECT kind, count(*) AS n FROM m WHERE operator IS NOT NULL"
            " GROUP BY kind)"
            " SELECT t.kind, count(*), coalesce(any_value(n), 0), coalesce(any_value(accused), 0)"
            " FROM t LEFT JOIN inside USING (kind) LEFT JOIN beside USING (kind)"
            " WHERE t.operator IS NOT NULL AND t.operator <> '' GROUP BY t.kind"
        ).fetchall()
    return {
        kind: {"accounts": size, "accounts_found": round(n / size, 4), "accused": int(accused)}
        for kind, size, n, accused in rows
    }
