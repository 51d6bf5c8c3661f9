"""Circles: dealt out at random, and found all the same."""

from __future__ import annotations

import random

from graphs import Signal, Uses, operators, ready

from linkage import circles
from linkage.engine import DuckDBEngine


def ring(cards: int = 5, templates: int = 4, accounts: int = 40) -> Uses:
    """Accounts that have a card each, and some a template, in no order."""
    deal = random.Random(1)
    uses: Uses = {}
    for n in range(accounts):
        uses[f"r{n:02}"] = [("payment", f"c{deal.randrange(cards)}")]
        if deal.random() < 0.8:
            uses[f"r{n:02}"] = [*uses[f"r{n:02}"], ("prompt", f"t{deal.randrange(templates)}")]
    return uses


def families(count: int = 400) -> Uses:
    """Three accounts each with a tablet, some of which use a text that is popular."""
    return {
        f"f{n:03}-{k}": [
            ("device", f"tablet-{n}"),
            ("name", "common name"),
            *([("prompt", "popular")] if (n + k) % 3 == 0 else []),
        ]
        for n in range(count)
        for k in range(3)
    }


def found(uses: Uses, seed: int = 1) -> tuple[DuckDBEngine, list[set[str]]]:
    """The circles of five accounts or more."""
    engine = ready(uses, {})
    circles.find(engine, 5, seed)
    return engine, sorted(operators(engine).values(), key=len)


def test_a_ring_is_in_circles_of_its_own() -> None:
    members = set(ring())
    _, groups = found({**ring(), **families()})
    theirs = [group for group in groups if group & members]
    assert all(group <= members for group in theirs)
    assert len(set().union(*theirs)) >= 0.9 * len(members)


def test_namesakes_are_no_circle() -> None:
    alone: Uses = {f"n{n}": [("name", "maria garcia"), ("device", f"own-{n}")] for n in range(20)}
    assert found(alone)[1] == []


def test_the_seed_decides_and_numbers_are_new() -> None:
    engine, groups = found({**ring(), **families()}, seed=3)
    assert groups == found({**ring(), **families()}, seed=3)[1]
    taken = {row[0] for row in engine.rows("SELECT community FROM communities")}
    assert not taken & {row[0] for row in engine.rows("SELECT operator FROM attributed")}


def invited(accounts: int, things: int, seed: int = 1) -> Uses:
    """A tree of referrals, five to each, over so many machines, in no order."""
    deal = random.Random(seed)
    uses: dict[str, list[Signal]] = {f"i{n:02}": [] for n in range(accounts)}
    for n, own in enumerate(uses.values()):
        own.append(("device", f"machine-{deal.randrange(things)}"))
        own.append(("referral", f"i{n:02}"))
        if n:
            own.append(("referral", f"i{(n - 1) // 5:02}"))
    return uses


def test_a_tree_of_referrals_over_a_few_machines_is_a_circle() -> None:
    members = set(invited(90, 15))
    _, groups = found({**invited(90, 15), **families()})
    assert members in groups


def test_families_that_invite_each_other_are_several() -> None:
    """One of each home has invited the next home."""
    uses = {account: list(own) for account, own in families().items()}
    for n in range(60):
        uses[f"f{n:03}-0"].append(("referral", f"f{n:03}-0"))
        uses[f"f{n + 1:03}-0"].append(("referral", f"f{n:03}-0"))
    assert max(map(len, found(uses)[1]), default=0) < 30
