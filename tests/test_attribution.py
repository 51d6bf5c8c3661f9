"""Accounts weighed against operators: nats by hand, rounds on planted graphs."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import pytest
from graphs import Signal, Uses, built, fleet, operators, paired, ready, strangers

from linkage import attribution, infrastructure
from linkage.attribution import changes, lost
from linkage.attribution.regroup import merge
from linkage.attribution.weights import ABSENCE, REPEATED, find_signals, weigh
from linkage.config import AttributionConfig, InfrastructureConfig
from linkage.engine import DuckDBEngine

CONFIG = AttributionConfig()


def hundred(**more: list[Signal]) -> dict[str, list[Signal]]:
    """Accounts with a tax id and a fax: eight members share an id, all ten a fax.

    Two outsiders have the id, one has the fax, 87 neither.
    """
    uses: dict[str, list[Signal]] = {}
    for n in range(10):
        uses[f"m{n}"] = [("tax_id", "T" if n < 8 else f"own {n}"), ("fax", "F")]
    for n in range(90):
        tax_id, fax = ("T" if n < 2 else f"theirs {n}"), ("F" if n == 2 else f"their fax {n}")
        uses[f"x{n:02}"] = [("tax_id", tax_id), ("fax", fax)]
    for account, own in more.items():
        uses[account] = [*uses[account], *own]
    return uses


MEMBERS = [f"m{n}" for n in range(10)]


def weighed(
    uses: Uses, settled: bool = False, members: Sequence[str] = MEMBERS
) -> dict[str, tuple[float, ...]]:
    """Account -> evidence, corroboration and log-odds for an operator of these."""
    engine = ready(uses, {0: members})
    find_signals(engine)
    weigh(engine, settled)
    rows = engine.rows(
        """
        SELECT account_id, evidence, corroboration, log_odds
        FROM weighed JOIN accounts USING (account)
        """
    )
    return {account: tuple(figures) for account, *figures in rows}


def hit(members: int, others: int, holders: int, own: int = 0, all_holders: int = 100) -> float:
    """ln(theta / p), the account itself left out of the members, and of everybody."""
    p = (members + others - own + 0.5) / (all_holders - own + 1)
    return log((members - own + p) / (holders - own + 1) / p)


def absent(hits: int, all_hits: int, holders: int, own: int = 0, all_holders: int = 100) -> float:
    """ln of how rarely a member has none, over how rarely anybody has."""
    return log((holders - own - hits + 0.5) / (holders - own + 1)) - log(
        (all_holders - all_hits + 0.5) / (all_holders + 1)
    )


class TestWhoMayJoin:
    def test_the_rest_is_left_out_and_nobody_weighs_otherwise(self) -> None:
        # members are in the habit of sharing devices in twos, and most users of the id are others
        more: dict[str, list[Signal]] = {f"m{n}": [("device", f"D{n // 2}")] for n in range(10)}
        more |= {f"x{n:02}": [("device", f"E{12 if n == 13 else n}")] for n in range(90)}
        for n in range(10, 14):
            more[f"x{n}"].append(("tax_id", "T"))
        engine = ready(hundred(**more), {0: MEMBERS})
        find_signals(engine)
        found: list[dict[str, tuple[float, ...]]] = []
        for asked in ("false", "account_id = 'x11'", "true"):
            engine.create("asked", f"SELECT account FROM accounts WHERE {asked}")
            weigh(engine, settled=True)
            rows = engine.rows(
                "SELECT a.account_id, w.* FROM weighed w JOIN accounts a USING (account)"
            )
            found.append({account: tuple(row) for account, *row in rows})
        few, some, everybody = found
        assert set(few) == {*MEMBERS, "x02", "x12", "x13"}
        assert set(some) == {*few, "x11"}
        assert set(everybody) == {*some, "x00", "x01", "x10"}
        for account, row in some.items():
            assert row == pytest.approx(everybody[account])


class TestOperatorSignals:
    def test_counts(self) -> None:
        engine = ready(hundred(), {0: MEMBERS})
        find_signals(engine)
        assert engine.rows(
            "SELECT kind, members, others, holders, all_holders FROM operator_signals ORDER BY kind"
        ) == [("fax", 10, 1, 10, 100), ("tax_id", 8, 2, 10, 100)]

    def test_what_everybody_has_is_not_theirs(self) -> None:
        popular: list[Signal] = [("website", "search.org")]
        uses = {account: [*own, *popular] for account, own in hundred().items()}
        engine = ready(uses, {0: MEMBERS})
        find_signals(engine)
        kinds = engine.rows("SELECT kind FROM operator_signals ORDER BY kind")
        assert kinds == [("fax",), ("tax_id",)]

    def test_nor_what_no_more_of_them_use_than_chance_has_it(self) -> None:
        # a tenth of everybody, and of the members
        uses = hundred(m0=[("website", "w")], m1=[("website", "w")])
        for n in range(18):
            uses[f"x{n:02}"].append(("website", "w"))
        for account, own in uses.items():
            if len(own) == 2:
                own.append(("website", f"of {account}"))
        engine = ready(uses, {0: MEMBERS})
        find_signals(engine)
        assert not engine.rows("SELECT * FROM operator_signals WHERE kind = 'website'")


class TestWeights:
    def test_a_member_that_has_both(self) -> None:
        evidence, corroboration, log_odds = weighed(hundred())["m0"]
        tax_id, fax = hit(8, 2, 10, own=1), hit(10, 1, 10, own=1)
        assert evidence == pytest.approx(tax_id + fax)
        assert corroboration == pytest.approx(min(tax_id, fax))
        assert log_odds == pytest.approx(tax_id + fax + log(10 / 91))

    def test_a_member_that_lacks_one(self) -> None:
        evidence, corroboration, _ = weighed(hundred())["m9"]
        lacking = absent(8, 10, 10, own=1)
        assert lacking < 0
        assert evidence == pytest.approx(hit(10, 1, 10, own=1) + lacking)
        # nothing beside the fax speaks for it
        assert corroboration == pytest.approx(lacking)

    def test_an_outsider(self) -> None:
        assert weighed(hundred())["x00"][0] == pytest.approx(hit(8, 2, 10) + absent(10, 11, 10))
        assert weighed(hundred())["x02"][0] == pytest.approx(hit(10, 1, 10) + absent(8, 10, 10))

    def test_who_has_nothing_of_theirs_is_not_weighed(self) -> None:
        assert set(weighed(hundred())) == {*MEMBERS, "x00", "x01", "x02"}

    def test_more_of_one_kind_counts_a_quarter(self) -> None:
        again: dict[str, list[Signal]] = {f"m{n}": [("tax_id", "U")] for n in range(6)}
        evidence, *_ = weighed(hundred(**again))["m0"]
        strongest = hit(6, 0, 10, own=1), hit(8, 2, 10, own=1)
        expected = max(strongest) + REPEATED * min(strongest) + hit(10, 1, 10, own=1)
        assert evidence == pytest.approx(expected)

    def test_a_kind_that_an_account_has_nothing_of_says_nothing(self) -> None:
        uses = hundred()
        uses["x02"] = [("fax", "F")]
        # a holder of tax ids fewer, for others
        assert weighed(uses)["x02"][0] == pytest.approx(hit(10, 1, 10))

    def test_kinds_that_imply_each_other_are_one_family(self) -> None:
        """A hit on the range without the address counts less what lacking the address says."""
        uses = {f"m{n}": [("ip", f"30.1.1.{0 if n < 8 else n}")] for n in range(10)}
        uses |= {f"x{n:02}": [("ip", f"40.{n}.1.1")] for n in range(90)}
        found = weighed(uses)
        both = max(hit(8, 0, 10, own=1), hit(10, 0, 10, own=1))
        assert found["m0"][0] == pytest.approx(both)
        assert found["m9"][0] == pytest.approx(hit(10, 0, 10, own=1) + absent(8, 8, 10, own=1))
        assert found["m0"][1] == 0

    def test_lacking_a_family_counts_once(self) -> None:
        """Neither the address of eight members nor the range of all ten: the range says more."""
        uses = {f"m{n}": [("fax", "F"), ("ip", f"30.1.1.{0 if n < 8 else n}")] for n in range(10)}
        uses |= {f"x{n:02}": [("fax", f"x{n}"), ("ip", f"40.{n}.1.1")] for n in range(89)}
        uses["y"] = [("fax", "F"), ("ip", "50.1.1.1")]
        address, whole_range = absent(8, 8, 10), absent(10, 10, 10)
        assert whole_range < address < 0
        assert weighed(uses)["y"][0] == pytest.approx(hit(10, 1, 10) + whole_range)

    def test_in_the_end_an_absence_counts_so_much_at_most(self) -> None:
        uses = {f"m{n:02}": [("tax_id", "T"), ("fax", "F")] for n in range(40)}
        uses |= {f"x{n:03}": [("tax_id", f"x{n}"), ("fax", f"x{n}")] for n in range(159)}
        uses["y"] = [("tax_id", "y"), ("fax", "F")]
        members = [account for account in uses if account.startswith("m")]
        counted = absent(40, 40, 40, all_holders=200)
        assert counted < -ABSENCE
        # the fax is on all 40 members and on y, of 160 outsiders
        p = 41.5 / 201
        assert weighed(uses, members=members)["y"][0] == pytest.approx(
            log((40 + p) / 41 / p) + counted
        )
        p = 0.5 / 160
        assert weighed(uses, members=members, settled=True)["y"][0] == pytest.approx(
            log((40 + p) / 41 / p) - ABSENCE
        )

    def test_in_the_end_what_is_theirs_alone_is_held_against_the_others(self) -> None:
        # half a user in 90 outsiders: x02 itself does not count in full
        p = 0.5 / 90
        expected = log((10 + p) / 11 / p) + absent(8, 10, 10)
        assert weighed(hundred(), settled=True)["x02"][0] == pytest.approx(expected)


class TestSlack:
    """Who has too little whatever it lacks needs no weighing in full."""

    def test_what_is_out_changes_nothing_else(self) -> None:
        uses = {**strangers(600), **fleet(24, payment=4, device=3, prompt=1)}
        uses["s0000"] = [*uses["s0000"], ("prompt", "fleet prompt 0")]
        engine = ready(uses, {0: [a for a in uses if a.startswith("fleet")]})
        find_signals(engine)
        found = []
        for slack in (50.0, 0.0):
            weigh(engine, slack=slack)
            found.append(engine.rows("SELECT * FROM weighed ORDER BY ALL"))
        everybody, possible = found
        assert set(possible) < set(everybody)
        likely = "SELECT count(*) FROM weighed WHERE log_odds - lacking > 0"
        assert engine.value(likely) == 24
        assert {row[0] for row in everybody} - {row[0] for row in possible} == {
            engine.value("SELECT account FROM accounts WHERE account_id = 's0000'")
        }

    def test_a_lower_bar_lets_more_be_weighed(self) -> None:
        lenient = AttributionConfig(min_confidence=0.05)
        assert attribution._slack(CONFIG.min_confidence) == 0
        assert attribution._slack(lenient.min_confidence) == pytest.approx(log(19))


class TestChanges:
    def test_only_who_changed_is_weighed_again(self) -> None:
        uses = {
            **strangers(300),
            **fleet(9, "one", payment=3),
            **fleet(9, "two", payment=3),
        }
        groups = {n: [a for a in uses if a.startswith(x)] for n, x in enumerate(("one", "two"))}
        engine = ready(uses, groups)
        changes.forget(engine)

        def changed() -> set[int]:
            changes.weigh_changed(engine)
            return {row[0] for row in engine.rows("SELECT operator FROM changed")}

        assert changed() == {0, 1}
        assert changed() == set()
        engine.run("DELETE FROM attributed WHERE account = (SELECT max(account) FROM attributed)")
        assert changes.moved(engine) == 1 / 17
        assert changed() == {1}

    def test_numbers_of_operators_are_no_part_of_a_state(self) -> None:
        uses = hundred()
        states = [
            changes.state(ready(uses, groups))
            for groups in (
                {0: MEMBERS[:4], 1: MEMBERS[4:]},
                {7: MEMBERS[4:], 3: MEMBERS[:4]},
                {0: MEMBERS[:5], 1: MEMBERS[5:]},
                {0: MEMBERS[:4], 1: MEMBERS[4:9]},
            )
        ]
        assert states[0] == states[1]
        assert len(set(states)) == 3

    def test_rounds_end_when_they_repeat(self, monkeypatch: pytest.MonkeyPatch) -> None:
        engine = paired({**strangers(600), **fleet(24, payment=4, device=3, prompt=1)})
        attribution.propose(engine, CONFIG)
        rounds = []

        def by_turns(engine: DuckDBEngine, parts: bool) -> bool:
            rounds.append(len(rounds))
            if len(rounds) % 2:
                engine.run("DELETE FROM attributed WHERE account % 4 = 0")
            return True

        monkeypatch.setattr(attribution, "merge", by_turns)
        attribution.settle(engine, CONFIG)
        assert 2 < len(rounds) < attribution.ROUNDS / 2


class TestMerge:
    def test_one_operator_proposed_twice_becomes_one(self) -> None:
        engine = ready(hundred(), {3: MEMBERS[:6], 5: MEMBERS[6:]})
        find_signals(engine)
        weigh(engine)
        assert merge(engine)
        assert operators(engine) == {3: set(MEMBERS)}

    def test_a_chain_of_merges_ends_in_the_largest(self) -> None:
        engine = ready(hundred(), {7: MEMBERS[:5], 2: MEMBERS[5:8], 4: MEMBERS[8:]})
        find_signals(engine)
        engine.create(
            "weighed",
            """
            -- those of 4 are explained by 2, those of 2 by 7
            SELECT account, CASE operator WHEN 4 THEN 2 ELSE 7 END AS operator, 1.0 AS log_odds,
                   0.0 AS lacking
            FROM attributed
            """,
        )
        assert merge(engine)
        assert operators(engine) == {7: set(MEMBERS)}

    def test_strangers_to_each_other_stay_apart(self) -> None:
        uses = {
            **strangers(300),
            **fleet(30, "one", payment=3, device=5),
            **fleet(30, "two", payment=3, device=5),
        }
        groups = {
            n: [a for a in uses if a.startswith(name)] for n, name in enumerate(("one", "two"))
        }
        engine = ready(uses, groups)
        find_signals(engine)
        weigh(engine)
        assert not merge(engine)
        assert operators(engine) == {n: set(members) for n, members in groups.items()}


class TestLost:
    def test_a_group_that_did_not_stay_where_it_was_merged_comes_back_once(self) -> None:
        engine = ready(hundred(), {2: MEMBERS[:5], 5: MEMBERS[5:]})
        lost.remember(engine, [5])
        engine.run("DELETE FROM attributed WHERE operator = 5")
        assert lost.restore(engine, min_size=5)
        assert sorted(map(sorted, operators(engine).values())) == [MEMBERS[:5], MEMBERS[5:]]
        engine.run("DELETE FROM attributed WHERE operator <> 2")
        assert not lost.restore(engine, min_size=5)

    def test_who_stayed_is_not_lost(self) -> None:
        engine = ready(hundred(), {5: MEMBERS})
        lost.remember(engine, [5])
        gone = ", ".join(f"'{account}'" for account in MEMBERS[:4])
        engine.run(
            f"""
            DELETE FROM attributed
            WHERE account IN (SELECT account FROM accounts WHERE account_id IN ({gone}))
            """
        )
        assert not lost.restore(engine, min_size=3)
        assert operators(engine) == {5: set(MEMBERS[4:])}


# ----------------------------------------------------------------------- rounds


def settled(uses: Uses, config: AttributionConfig = CONFIG, **more: bool) -> DuckDBEngine:
    engine = paired(uses, **more)
    attribution.propose(engine, config)
    attribution.settle(engine, config)
    return engine


class TestPropose:
    @pytest.fixture
    def engine(self) -> DuckDBEngine:
        engine = built(hundred())
        infrastructure.find(engine, InfrastructureConfig(), seed=1)
        engine.create(
            "communities",
            "SELECT 0 AS community, signal FROM signals WHERE value IN ('T', 'F')",
        )
        return engine

    def test_two_signals_make_a_candidate(self, engine: DuckDBEngine) -> None:
        attribution.propose(engine, CONFIG)
        assert operators(engine) == {0: set(MEMBERS[:8])}

    def test_fewer_than_wanted_are_none(self, engine: DuckDBEngine) -> None:
        attribution.propose(engine, AttributionConfig(min_size=9))
        assert operators(engine) == {}

    def test_address_and_user_agent_alone_make_none(self) -> None:
        uses = {**strangers(50), **{f"m{n}": [("ip", "30.1.1.1")] for n in range(20)}}
        engine = paired(uses)
        engine.create(
            "communities",
            "SELECT 0 AS community, signal FROM signals WHERE value LIKE '30.1.1.%'",
        )
        attribution.propose(engine, CONFIG)
        assert operators(engine) == {}


class TestSettle:
    def test_a_fleet_and_nobody_else(self) -> None:
        uses = {**strangers(600), **fleet(24, payment=4, device=3, prompt=1)}
        engine = settled(uses)
        assert list(operators(engine).values()) == [{a for a in uses if a.startswith("fleet")}]
        lowest = engine.value("SELECT min(confidence) FROM attributed")
        assert 0.9 < lowest < 1

    def test_order_of_rows_changes_nothing(self) -> None:
        uses = {
            **strangers(600),
            **fleet(24, "one", payment=4, device=3, prompt=1),
            **fleet(32, "two", payment=8, device=2, prompt=1),
        }
        query = "SELECT * FROM attributed ORDER BY ALL"
        first = settled(uses).rows(query)
        assert len(first) == 56
        assert settled(uses, reverse=True).rows(query) == first

    def test_one_kind_alone_is_not_enough(self) -> None:
        """A framework's templates: tied beyond chance, and no operator."""
        uses = strangers(300)
        for own in list(uses.values())[:30]:
            own += [("prompt", f"framework {n}") for n in range(5)]
        engine = paired(uses)
        attribution.propose(engine, CONFIG)
        assert operators(engine)
        attribution.settle(engine, CONFIG)
        assert operators(engine) == {}

    def test_nor_with_the_client_that_comes_with_it(self) -> None:
        uses = strangers(300)
        for n, own in enumerate(uses.values()):
            own.append(("user_agent", "framework/1.4" if n < 30 else f"browser {n % 10}"))
            if n < 30:
                own += [("prompt", f"framework {n}") for n in range(5)]
        assert operators(settled(uses)) == {}

    def test_members_have_half_of_what_a_family_gives_beside_their_strongest(self) -> None:
        # a twentieth of the accounts each: ln(20) / 2 = 1.498 nats on average
        engine = ready(hundred(), {0: MEMBERS[:5], 1: MEMBERS[5:]})
        for operator, nats in [(0, [0.5, 1.0, 1.5, 2.0, 2.48]), (1, [0.5, 1.0, 1.5, 2.0, 2.5])]:
            for account, corroboration in zip(
                sorted(operators(engine)[operator]), nats, strict=True
            ):
                engine.run(
                    """
                    UPDATE attributed SET corroboration = ? WHERE account =
                        (SELECT account FROM accounts WHERE account_id = ?)
                    """,
                    [corroboration, account],
                )
        attribution._drop_uncorroborated(engine)
        assert operators(engine) == {1: set(MEMBERS[5:])}

    def test_an_empty_graph(self) -> None:
        assert operators(settled({"ann": []})) == {}


class TestExtend:
    @pytest.fixture
    def engine(self) -> DuckDBEngine:
        uses = {
            **strangers(600),
            **fleet(40, payment=4, device=5, prompt=1),
            "card": [("payment", "fleet payment 0"), ("ip", "50.1.1.1")],
            "popular": [("device", "common"), ("payment", "of popular")],
        }
        for n in range(200):
            uses[f"s{n:04}"] = [*uses[f"s{n:04}"], ("device", "common")]
        return settled(uses)

    def test_a_card_that_is_theirs_alone_brings_its_user(self, engine: DuckDBEngine) -> None:
        (fleet_members,) = operators(engine).values()
        assert not fleet_members & {"card", "popular"}
        attribution.extend(engine, CONFIG)
        (members,) = operators(engine).values()
        assert members == {*fleet_members, "card"}

    def test_nobody_leaves(self, engine: DuckDBEngine) -> None:
        before = engine.rows("SELECT account, operator, confidence FROM attributed ORDER BY ALL")
        attribution.extend(engine, CONFIG)
        after = engine.rows("SELECT account, operator, confidence FROM attributed ORDER BY ALL")
        assert set(before) <= set(after)
        assert len(after) > len(before)


class TestCompanions:
    """An operator whose cards are shared in twos, behind twelve addresses."""

    @staticmethod
    def pairs_of(names: list[str], addresses: list[str]) -> dict[str, list[Signal]]:
        """Two accounts with a card of their own, one address each."""
        return {
            name: [("payment", f"card of {names[0]}"), ("ip", address)]
            for name, address in zip(names, addresses, strict=True)
        }

    def grown(self, addresses: list[str]) -> set[str]:
        """Who joins of two that share a card and use these addresses."""
        uses = strangers(1_200)
        for n in range(40):
            own = [("ip", f"60.{(n * 5 + k * 7) % 12}.1.1") for k in range(3)]
            uses[f"m{n:02}"] = [("payment", f"c{n // 2}"), ("prompt", "t"), *own]
        uses |= self.pairs_of(["y1", "y2"], addresses)
        engine = ready(uses, {0: [account for account in uses if account.startswith("m")]})
        find_signals(engine)
        weigh(engine)
        attribution.extend(engine, CONFIG)
        return operators(engine)[0] & {"y1", "y2"}

    def test_two_behind_the_operators_addresses_join_together(self) -> None:
        assert self.grown(["60.1.1.1", "60.2.1.1"]) == {"y1", "y2"}

    def test_two_at_one_address_are_at_home(self) -> None:
        assert self.grown(["60.1.1.1", "60.1.1.1"]) == set()

    def test_where_one_is_elsewhere_none_joins(self) -> None:
        assert self.grown(["60.1.1.1", "50.1.1.1"]) == set()
