"""Operators, members, evidence and scorecard as a reader gets them, and names that last."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import log
from typing import Any

import pytest
from graphs import Signal, Uses, attributed, paired, strangers
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import chance, evidence, triage
from linkage.attribution.weights import find_signals
from linkage.engine import DuckDBEngine
from linkage.evidence import NAME_LENGTH, SHOWN_KINDS

START = datetime(2025, 1, 6)
MEMBERS = [f"m{n:02}" for n in range(20)]


def population() -> dict[str, list[Signal]]:
    """Twenty members with four cards, one template and an address that two others use; eight come
    from four addresses more.
    """
    uses = strangers(200)
    for n, account in enumerate(MEMBERS):
        address = "30.1.1.1" if n < 12 else f"30.2.{n % 4}.1"
        uses[account] = [("payment", f"c{n % 4}"), ("prompt", "write ⟨…⟩"), ("ip", address)]
    for account in ("s0000", "s0001"):
        uses[account] = [*uses[account], ("ip", "30.1.1.1")]
    return uses


def written(groups: dict[int, list[str]], uses: Uses | None = None, **more: Any) -> DuckDBEngine:
    engine = paired(uses or population(), **more)
    attributed(engine, groups)
    find_signals(engine)
    triage.judge(engine, min_size=2)
    chance.estimate(engine)
    evidence.write(engine)
    return engine


class TestTables:
    def test_evidence(self) -> None:
        rows = written({0: MEMBERS}).rows(
            """
            SELECT kind, value, members, others, weight FROM evidence
            WHERE kind IN ('ip', 'prompt')
            """
        )
        # of 220 accounts with an address or a template, 20 are members
        assert sorted(rows) == [
            ("ip", "30.1.1.1", 12, 2, round(log((12 / 20) / (14 / 220)), 4)),
            *(("ip", f"30.2.{n}.1", 2, 0, round(log(220 / 20), 4)) for n in range(4)),
            ("prompt", "write ⟨…⟩", 20, 0, round(log((20 / 20) / (20 / 220)), 4)),
        ]

    def test_members(self) -> None:
        engine = written({0: MEMBERS})
        rows = engine.rows("SELECT account_id, operator_id, verdict, confidence FROM members")
        ((operator, verdict),) = engine.rows("SELECT operator_id, verdict FROM operators")
        assert rows == [(account, operator, verdict, 1.0) for account in MEMBERS]

    def test_scorecard_has_every_item(self) -> None:
        engine = written({0: MEMBERS})
        items = engine.rows("SELECT item, finding, weight FROM scorecard_items ORDER BY item")
        shown = engine.rows("SELECT item, finding, weight FROM scorecard")
        assert shown == [(item, finding, round(weight, 4)) for item, finding, weight in items]

    def test_operators_are_ranked(self) -> None:
        uses = population()
        for n in range(10):
            uses[f"s{n:04}"] = [("payment", "office"), ("ip", "31.1.1.1")]
        office = [f"s{n:04}" for n in range(10)]
        rows = written({0: office, 1: MEMBERS}, uses).rows(
            "SELECT accounts, verdict, score FROM operators"
        )
        assert [row[:2] for row in rows] == [(20, "sockpuppets"), (10, "organisation")]
        assert rows[0][2] > rows[1][2]

    def test_times_span_sign_up_and_use(self) -> None:
        created = {account: START + timedelta(days=n) for n, account in enumerate(MEMBERS)}
        engine = paired(population(), created=created)
        used = START - timedelta(days=3), START + timedelta(days=90)
        engine.run(
            "UPDATE accounts SET first_seen = ?, last_seen = ? WHERE account_id = 'm05'", used
        )
        attributed(engine, {0: MEMBERS})
        find_signals(engine)
        triage.judge(engine, min_size=5)
        chance.estimate(engine)
        evidence.write(engine)
        assert engine.rows("SELECT first_seen, last_seen FROM operators") == [used]

    def test_without_times_there_are_none(self) -> None:
        found = written({0: MEMBERS}).rows("SELECT first_seen, last_seen FROM operators")
        assert found == [(None, None)]

    def test_no_operators(self) -> None:
        engine = written({})
        for table in ("operators", "members", "evidence", "scorecard"):
            assert engine.value(f"SELECT count(*) FROM {table}") == 0


class TestWhy:
    def test_the_sentence(self) -> None:
        ((why, kinds),) = written({0: MEMBERS}).rows("SELECT why, kinds FROM operators")
        shared = {
            "payment": "4 cards",
            "prompt": "1 prompt template",
            "ip": "5 addresses",
            "ip_range": "5 address ranges",
        }
        assert set(kinds.split()) == set(shared)
        listed = ", ".join(shared[kind] for kind in kinds.split())
        assert why == (
            f"20 accounts share {listed}; members share a stock: 4 cards serve 20 of 20 "
            "members with any, who have no others."
        )

    def test_it_names_the_heaviest_kinds_and_uses_their_plural(self) -> None:
        uses = population()
        for account, own in uses.items():
            # what others have of these kinds is their own
            value = f"{int(account[1:]) % 4}" if account in MEMBERS else account
            own += [("address", f"{value} oak ave"), ("fax", value), ("device", f"fleet {value}")]
        ((why, kinds),) = written({0: MEMBERS}, uses).rows("SELECT why, kinds FROM operators")
        assert len(kinds.split()) == 7 > SHOWN_KINDS
        listed = why.split(" share ")[1].split(";")[0]
        assert len(listed.split(", ")) == SHOWN_KINDS
        heaviest = kinds.split()[:SHOWN_KINDS]
        names = {
            "address": "4 postal addresses",
            "fax": "4 faxes",
            "device": "4 devices",
            "payment": "4 cards",
            "prompt": "1 prompt template",
            "ip": "5 addresses",
            "ip_range": "5 address ranges",
        }
        assert listed == ", ".join(names[kind] for kind in heaviest)

    def test_an_honest_explanation_is_said_of_the_honest(self) -> None:
        uses = population()
        for account in MEMBERS:
            uses[account] = [("payment", "office"), ("ip", "30.1.1.1"), ("prompt", "t")]
        ((verdict, why),) = written({0: MEMBERS}, uses).rows("SELECT verdict, why FROM operators")
        assert verdict == "organisation"
        assert why.endswith("one address serves 20 of 20 members: a place.")


class TestNames:
    @staticmethod
    def name(members: list[str]) -> str:
        return str(written({0: members}).value("SELECT operator_id FROM operators"))

    def test_form(self) -> None:
        name = self.name(MEMBERS)
        assert name.startswith("OP-")
        assert len(name) == len("OP-") + NAME_LENGTH
        assert set(name[3:]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")

    def test_a_name_rests_on_one_member(self) -> None:
        """Whoever else comes or goes, the operator keeps its name."""
        some = MEMBERS[:8]
        name = self.name(some)
        keeps = [self.name([m for m in some if m != gone]) == name for gone in some]
        assert keeps.count(False) == 1
        anchor = some[keeps.index(False)]
        assert self.name([anchor, *(m for m in some if m != anchor)][:3]) == name

    def test_the_number_of_an_operator_is_not_in_its_name(self) -> None:
        names = [
            written({number: MEMBERS}).value("SELECT operator_id FROM operators")
            for number in (0, 7)
        ]
        assert names[0] == names[1]

    def test_equal_names_are_told_apart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(evidence, "NAME_LENGTH", 1)
        groups = {n: MEMBERS[2 * n : 2 * n + 2] for n in range(10)}
        names = written(groups).rows("SELECT operator_id FROM operators")
        assert len(set(names)) == 10

    @given(
        groups=st.lists(st.sampled_from([0, 1, 2]), min_size=20, max_size=20).map(
            lambda of: {g: [m for m, o in zip(MEMBERS, of, strict=True) if o == g] for g in set(of)}
        )
    )
    @settings(max_examples=5, deadline=None)
    def test_order_of_rows_changes_nothing(self, groups: dict[int, list[str]]) -> None:
        first, again = written(groups), written(groups, reverse=True)
        for table in ("operators", "members", "evidence", "scorecard"):
            assert first.rows(f"SELECT * FROM {table}") == again.rows(f"SELECT * FROM {table}")
