"""Whom an operator merely serves: customers that hold its cards and have a life of their own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import comb
from pathlib import Path

import pandas as pd
import pytest
from graphs import Signal, attributed, operators, paired, strangers
from hypothesis import given
from hypothesis import strategies as st

from linkage import triage
from linkage.attribution import served
from linkage.attribution.weights import find_signals, weigh
from linkage.engine import DuckDBEngine
from linkage.pipeline import run

Accounts = dict[str, list[Signal]]


def hand(size: int) -> Accounts:
    """Accounts on shared cards and exits; one in six asks other things, one in five has a home."""
    uses: Accounts = {}
    for n in range(size):
        own: list[Signal] = [("payment", f"c{n // 4}"), ("device", f"d{n % 7}")]
        own.append(("ip", f"60.1.1.{n % 6}"))
        own.append(("prompt", f"own thing {n}" if n % 6 == 0 else f"t{n % 2}"))
        if n % 5 == 0:
            own.append(("ip", f"70.1.{n}.1"))
        uses[f"m{n:03}"] = own
    return uses


def customers(count: int) -> Accounts:
    """Accounts with the hand's cards and exits, at home elsewhere, with other things to ask."""
    return {
        f"customer{n:02}": [
            ("payment", f"c{n % 5}"),
            ("device", f"d{n % 7}"),
            ("ip", f"60.1.1.{n % 6}"),
            ("ip", f"80.1.{n}.1"),
            ("prompt", f"question {n}"),
        ]
        for n in range(count)
    }


def found(uses: Accounts, of: dict[int, Accounts]) -> DuckDBEngine:
    engine = paired({**strangers(600), **uses})
    attributed(engine, {operator: sorted(accounts) for operator, accounts in of.items()})
    find_signals(engine)
    weigh(engine)
    return engine


def test_customers_are_let_go() -> None:
    members, others = hand(60), customers(20)
    engine = found({**members, **others}, {0: {**members, **others}})
    assert served.drop(engine)
    # the two whom both are true of by chance cannot be told from customers
    assert operators(engine)[0] == set(members) - {"m000", "m030"}
    assert not served.drop(engine)
    # told on the scorecard
    triage.judge(engine, min_size=5)
    [(finding, weight)] = engine.rows(
        "SELECT finding, weight FROM scorecard_items WHERE item = 'customers'"
    )
    assert finding.startswith("22 more accounts use its cards, exits or devices, but ask other")
    assert weight == 0


def test_what_is_so_by_chance_is_no_life_of_their_own() -> None:
    members = hand(60)
    engine = found(members, {0: members})
    assert not served.drop(engine)
    assert operators(engine)[0] == set(members)


def test_nobody_lacks_what_he_could_not_have() -> None:
    """Without prompts nothing is known of what an account asks."""
    members = {a: [s for s in own if s[0] != "prompt"] for a, own in hand(60).items()}
    engine = found(members, {0: members})
    assert not served.drop(engine)


def sold(count: int) -> Accounts:
    """Accounts made with the hand's cards, and used by others, from where they live and work."""
    return {
        f"sold{n:02}": [
            ("payment", f"c{n % 5}"),
            ("device", f"own {n}"),
            *(("ip", f"80.{place}.{n}.1") for place in range(3)),
        ]
        for n in range(count)
    }


def without_templates(members: Accounts) -> Accounts:
    return {a: [s for s in own if s[0] != "prompt"] for a, own in members.items()}


def test_where_members_meet_accounts_that_never_come_there_are_let_go() -> None:
    members, others = without_templates(hand(60)), sold(6)
    engine = found({**members, **others}, {0: {**members, **others}})
    assert served.drop(engine)
    assert operators(engine)[0] == set(members)


def test_who_was_seen_once_may_have_met_nobody() -> None:
    """A quarter of the members' addresses are no other member's: some have one, and it is such."""
    members: Accounts = {
        f"m{n:02}": [
            ("payment", f"c{n // 8}"),
            *(
                ("ip", f"60.1.1.{n % 9}" if (n + turn) % 4 else f"70.{turn}.{n}.1")
                for turn in range(1 + n % 3)
            ),
        ]
        for n in range(72)
    }
    engine = found(members, {0: members})
    assert not served.drop(engine)


def test_a_client_of_the_operator_s_says_that_it_runs_an_account() -> None:
    members = without_templates(hand(60))
    away: Accounts = {
        account: [own[0], ("device", "d1"), own[2]] for account, own in sold(6).items()
    }
    engine = found({**members, **away}, {0: {**members, **away}})
    assert not served.drop(engine)


def test_where_members_do_not_meet_nobody_is_missed() -> None:
    """A card pays for people who are all at home: that is what they have in common."""
    members: Accounts = {
        f"m{n:02}": [("payment", f"c{n % 2}"), ("device", f"own {n}"), ("ip", f"80.1.{n}.1")]
        for n in range(30)
    }
    engine = found(members, {0: members})
    assert not served.drop(engine)


def test_one_operator_s_customers_are_no_other_s() -> None:
    members, others = hand(60), customers(20)
    second: Accounts = {
        f"other{n:02}": [
            ("payment", f"d{n // 4}"),
            ("ip", f"61.1.1.{n % 6}"),
            ("prompt", f"u{n % 2}"),
        ]
        for n in range(30)
    }
    engine = found({**members, **others, **second}, {0: {**members, **others}, 1: second})
    assert served.drop(engine)
    assert operators(engine)[1] == set(second)


def tables() -> Iterator[tuple[int, int, int]]:
    for everybody in range(1, 8):
        for one, other in product(range(everybody + 1), repeat=2):
            yield everybody, one, other


def test_the_tail_is_that_of_counting() -> None:
    for everybody, one, other in tables():
        ways = [
            comb(one, n) * comb(everybody - one, other - n) if other >= n else 0
            for n in range(min(one, other) + 1)
        ]
        for both in range(min(one, other) + 1):
            if everybody - one >= other - both:
                expected = sum(ways[both:]) / comb(everybody, other)
                assert served.tail(both, one, other, everybody) == pytest.approx(expected)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 500))
def test_the_tail_is_a_chance(one: int, other: int, more: int) -> None:
    everybody = one + other + more
    assert served.tail(0, one, other, everybody) == pytest.approx(1)


# --------------------------------------------------------------- from a table to a gate


WORDS = ("amber", "basalt", "cedar", "delta", "ember", "fjord", "garnet", "harbour", "island")
TEMPLATES = (
    "Write a polite reply to this complaint about a parcel that came late, in {} sentences: {}",
    "List the three strongest claims of the following patent and say which {} is missing: {}",
)


def words(seed: int, count: int = 12) -> str:
    return " ".join(
        WORDS[(seed * 7 + k * k * 5 + k) % 9] + str(seed * k % 97) for k in range(count)
    )


def as_table(uses: Accounts, first: int = 0) -> pd.DataFrame:
    """Three prompts an account, from each of its addresses in turn."""
    rows = []
    for place, (account, own) in enumerate(uses.items(), first):
        addresses = [value for kind, value in own if kind == "ip"]
        card = next(value for kind, value in own if kind == "payment")
        device = next(value for kind, value in own if kind == "device")
        text = next(value for kind, value in own if kind == "prompt")
        for turn in range(max(3, len(addresses))):
            seed = place * 10 + turn
            prompt = words(seed)
            if text in ("t0", "t1"):
                prompt = TEMPLATES[int(text[1])].format(turn + 2, prompt)
            rows.append(
                {
                    "account_id": account,
                    "payment": card,
                    "device_id": device,
                    "ip": addresses[turn % len(addresses)],
                    "prompt": prompt,
                }
            )
    return pd.DataFrame(rows)


def test_a_gate_knows_customers_too(tmp_path: Path) -> None:
    members, others = hand(60), customers(24)
    late = {f"late-{a}": others.pop(a) for a in ("customer20", "customer21")}
    for own in late.values():
        own += [("ip", f"60.1.1.{n}") for n in range(6)]
    late |= {f"late-{a}": members.pop(a) for a in ("m007", "m008")}
    honest = strangers(600)
    table = as_table({**honest, **members, **others})
    with run([table], tmp_path / "case", with_report=False) as case:
        found = set(case.members["account_id"])
        assert found & set(others) == set()
        assert found >= {
            a for a, own in members.items() if {("prompt", "t0"), ("prompt", "t1")} & set(own)
        }
        assert "customers" in set(case.arrow("scorecard")["item"].to_pylist())
        matched = case.match([as_table(late, first=900)])
    assert {match.account_id for match in matched} == {"late-m007", "late-m008"}
