"""What the scorecard looks at: counts over graphs made by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

from graphs import MEMBERS, Signal, Uses, built, hand, judged, mailing, strangers

from linkage.triage import facts as gathered
from linkage.triage import homes
from linkage.triage.facts import TIGHT, Shared
from linkage.triage.homes import Homes

START = datetime(2025, 1, 6)


class TestFacts:
    def test_what_members_share_is_counted(self) -> None:
        uses: dict[str, list[Signal]] = {
            **mailing(200),
            # a card on four members and one other, a card on two
            **{f"m{n}": [("payment", "c"), ("email", f"m{n}@dssg.org")] for n in range(4)},
            **{f"m{n}": [("payment", "d"), ("email", f"m{n}@dssg.org")] for n in (4, 5)},
            "m6": [("payment", "of m6")],
            "other": [("payment", "c")],
        }
        engine = judged(uses, {0: [f"m{n}" for n in range(7)], 1: ["s0001", "s0002"]})
        facts = gathered.gather(engine, min_size=5)
        assert set(facts) == {0}
        assert facts[0].size == 7
        assert facts[0].of("payment") == Shared(
            signals=2, stock=1, members=6, covered=4, stocked=4, most=4, others=1, uses=6
        )
        assert facts[0].of("email_domain") == Shared(
            signals=1, stock=1, members=6, covered=6, stocked=6, most=6, others=0, uses=6
        )
        assert (facts[0].staff, facts[0].clients) == (6, 0)
        assert facts[0].of("device") == Shared()
        # the card that somebody else uses too is no pair
        assert facts[0].pairs == {"payment": (1, 2)}
        assert facts[0].holders == {
            "payment": 7,
            "payment_sharing": 7,
            "email": 6,
            "email_domain": 6,
        }

    def test_whose_domain_it_is(self) -> None:
        """A firm of four, a domain bought for three, and two clients."""
        mails = ["dssg.org"] * 4 + ["a1b2.com"] * 3 + ["cormi.com", "talvo.com"]
        uses: dict[str, list[Signal]] = {
            **mailing(200),
            **{
                f"m{n}": [("payment", "c"), ("email", f"m{n}@{mail}")]
                for n, mail in enumerate(mails)
            },
        }
        facts = gathered.gather(judged(uses, {0: [a for a in uses if a[0] == "m"]}), min_size=5)
        assert (facts[0].staff, facts[0].clients) == (4, 2)

    def test_who_has_a_device_of_his_own_is_not_served_by_a_stock(self) -> None:
        uses: dict[str, list[Signal]] = dict(mailing(200))
        for n in range(20):
            uses[f"m{n:02}"] = [("device", f"image {n % 2}")]
            if n < 13:
                uses[f"m{n:02}"].append(("device", f"own {n}"))
            elif n < 15:
                uses[f"m{n:02}"].append(("payment", f"of {n}"))
        facts = gathered.gather(judged(uses, {0: [a for a in uses if a[0] == "m"]}), min_size=5)
        assert facts[0].of("device").stock == 2
        assert facts[0].of("device").stocked == 5

    def test_who_has_a_line_and_a_machine_of_his_own_is_separate(self) -> None:
        uses: dict[str, list[Signal]] = dict(mailing(200))
        for n in range(10):
            uses[f"m{n:02}"] = [("email", "all@dssg.org"), ("ip", f"9.9.9.{n // 2}")]
            if n < 4:
                uses[f"m{n:02}"].append(("ip", f"9.9.8.{n}"))
            if n % 2:
                uses[f"m{n:02}"].append(("device", f"own {n}"))
        facts = gathered.gather(judged(uses, {0: [a for a in uses if a[0] == "m"]}), min_size=5)
        assert (facts[0].elsewhere, facts[0].separate) == (4, 2)

    def test_an_offices_card_is_no_stock(self) -> None:
        """Five cards at five addresses, one each; then the same cards dealt across them."""
        for step, stock in ((0, 0), (1, 5)):
            uses: dict[str, list[Signal]] = dict(mailing(300))
            for n in range(30):
                place = (n % 5 + step * (n // 5)) % 5
                uses[f"m{n:02}"] = [("payment", f"c{n % 5}"), ("ip", f"30.1.{place}.1")]
            facts = gathered.gather(judged(uses, {0: [a for a in uses if a[0] == "m"]}), min_size=5)
            cards = facts[0].of("payment")
            assert (cards.signals, cards.stock, cards.stocked) == (5, stock, 6 * stock)

    def test_a_firms_card_is_none_of_many_in_pairs(self) -> None:
        """Twelve cards of two each at a mail domain of their own; then dealt across the domains."""
        for step, cards in ((0, 0), (1, 12)):
            uses: dict[str, list[Signal]] = dict(mailing(300))
            for n in range(24):
                firm = (n % 12 + step * (n // 12)) % 12
                uses[f"m{n:02}"] = [("payment", f"c{n % 12}"), ("email", f"m{n}@firm-{firm}.org")]
            facts = gathered.gather(judged(uses, {0: [a for a in uses if a[0] == "m"]}), min_size=5)
            assert facts[0].pairs.get("payment", (0, 0)) == (cards, 2 * cards)

    def test_domains_are_dealt_where_things_go_across_them(self) -> None:
        """Four firms of six with two cards each; then the cards dealt across the firms."""
        for step, across in ((0, 0), (1, 8)):
            uses: dict[str, list[Signal]] = dict(mailing(300))
            for n in range(24):
                card = (n % 8 + step * (n // 8)) % 8
                uses[f"m{n:02}"] = [("payment", f"c{card}"), ("email", f"m{n}@firm-{n % 4}.org")]
            facts = gathered.gather(judged(uses, {0: [a for a in uses if a[0] == "m"]}), min_size=5)
            dealt = facts[0].dealt
            assert (dealt.things, dealt.across) == (8, across)
            # three of one domain: one time in sixteen
            assert round(dealt.expected, 3) == 8 * 15 / 16
            assert (facts[0].staff, facts[0].colleagues) == (24, 6)

    def test_blocks_are_of_numbers_that_hardly_others_have(self) -> None:
        uses: dict[str, list[Signal]] = {
            account: [*own, ("phone", f"+1{account[1:]}000")]
            for account, own in strangers(300).items()
        }
        for n in range(12):
            uses[f"m{n:02}"] = [("device", f"d{n % 3}"), ("phone", f"+4477009{n % 2}{n:03}")]
        # a family's one number is no block
        uses |= {f"m9{n}": [("device", f"d{n % 3}"), ("phone", "+33111")] for n in range(4)}
        members = [a for a in uses if a[0] == "m"]
        alone = gathered.gather(judged(uses, {0: members}), min_size=5)[0].blocks
        uses |= {f"x{n}": [("phone", f"+44770090{900 + n}")] for n in range(9)}
        beside = gathered.gather(judged(uses, {0: members}), min_size=5)[0].blocks
        assert (alone, beside) == ((2, 12), (1, 6))

    def test_a_familys_things_are_no_stock(self) -> None:
        """Ten families of four with a tablet and a card; then the cards dealt across them."""
        for step, stock in ((0, 0), (1, 10)):
            uses: dict[str, list[Signal]] = dict(mailing(300))
            for n in range(40):
                card = (n % 10 + step * (n // 10)) % 10
                uses[f"m{n:02}"] = [("device", f"d{n % 10}"), ("payment", f"c{card}")]
            facts = gathered.gather(judged(uses, {0: [a for a in uses if a[0] == "m"]}), min_size=5)
            assert [facts[0].of(kind).stock for kind in ("device", "payment")] == [stock, stock]

    def test_who_has_a_card_with_one_and_a_machine_with_another_is_no_household(self) -> None:
        uses: dict[str, list[Signal]] = dict(mailing(300))
        for n in range(20):
            for member, kinds in enumerate((("payment",), ("payment", "device"), ("device",))):
                uses[f"m{n:02}{member}"] = [(kind, f"{kind} {n}") for kind in kinds]
        facts = gathered.gather(judged(uses, {0: [a for a in uses if a[0] == "m"]}), min_size=5)
        assert facts[0].pairs == {"payment": (20, 40), "device": (20, 40)}

    def test_a_card_of_three_is_a_persons_if_many_of_three_have_a_mailbox(self) -> None:
        """Twelve cards of three accounts each, with tags of one mailbox for some."""
        for mailboxes, stock in ((0, 12), (3, 9), (4, 0)):
            uses: dict[str, list[Signal]] = dict(mailing(300))
            for n in range(36):
                person = n // 3
                mail = f"p{person if person < mailboxes else f'{n}-'}@dssg.org"
                uses[f"m{n:02}"] = [("payment", f"c{person}"), ("email", mail)]
            facts = gathered.gather(judged(uses, {0: [a for a in uses if a[0] == "m"]}), min_size=5)
            assert facts[0].of("payment").stock == stock

    def test_one_place_with_many_cards_is_a_stock(self) -> None:
        uses: dict[str, list[Signal]] = dict(mailing(300))
        uses |= {f"m{n:02}": [("payment", f"c{n % 5}"), ("ip", "30.1.1.1")] for n in range(30)}
        facts = gathered.gather(judged(uses, {0: [a for a in uses if a[0] == "m"]}), min_size=5)
        assert facts[0].of("payment").stock == 5

    def test_what_each_of_several_branches_has_is_no_stock(self) -> None:
        """Ten houses with an address and three tablets each; then tablets that go round."""
        for step, stock in ((0, 0), (1, 30)):
            uses: dict[str, list[Signal]] = dict(mailing(300))
            for n in range(120):
                house, guest = n % 10, n // 10
                uses[f"m{n:03}"] = [
                    ("ip", f"30.1.{(house + step * guest) % 10}.1"),
                    *(("device", f"d{house}-{(guest + k) % 3}") for k in range(2)),
                ]
            facts = gathered.gather(judged(uses, {0: [a for a in uses if a[0] == "m"]}), min_size=5)
            assert facts[0].of("device").stock == stock
            assert facts[0].rotating == 0

    def test_gaps_are_counted_in_strangers(self) -> None:
        """A hundred accounts, one a minute; 96 strangers make 19.2 a gap, 1.9 a tight one."""
        uses: Uses = {f"a{n:02}": [("device", "d")] for n in range(100)}
        created = {account: START + timedelta(minutes=n) for n, account in enumerate(uses)}
        for places, tight in [
            ((10, 11, 12, 50), 2),
            # one stranger between is few, two are not
            ((10, 12, 14, 50), 2),
            ((10, 13, 16, 50), 0),
        ]:
            engine = built(uses, created=created)
            engine.create("linking_edges", "SELECT * FROM edges WHERE false")
            engine.create("attributed", "SELECT account, 0 AS operator FROM accounts WHERE false")
            for place in places:
                engine.run("INSERT INTO attributed VALUES (?, 0)", [place])
            assert engine.rows(gathered._GAPS, [TIGHT]) == [(0, 3, tight)]

    def test_the_rhythm_of_the_service_is_no_wave(self) -> None:
        """Everybody came on one day; members no closer together than others."""
        uses: Uses = {f"a{n:03}": [("device", "d")] for n in range(300)}
        created = {account: START + timedelta(seconds=n) for n, account in enumerate(uses)}
        engine = built(uses, created=created)
        engine.create(
            "attributed", "SELECT account, 0 AS operator FROM accounts WHERE account % 10 = 0"
        )
        assert engine.rows(gathered._GAPS, [TIGHT]) == [(0, 29, 0)]

    def test_without_times_there_are_no_gaps(self) -> None:
        engine = judged(hand(), {0: MEMBERS})
        assert (gathered.gather(engine, 5)[0].gaps, gathered.gather(engine, 5)[0].tight_gaps) == (
            0,
            0,
        )


class TestHomes:
    def test_homes_are_held_against_what_anybody_has(self) -> None:
        """Half of the strangers come back to where they live, as do half of the members."""
        uses: dict[str, list[Signal]] = dict(strangers(200))
        uses |= {
            f"m{n:02}": [
                ("payment", f"c{n // 5}"),
                ("ip", f"30.1.{n}.1"),
                ("ip", f"30.2.{n % 4}.1"),
            ]
            for n in range(20)
        }
        members = [a for a in uses if a[0] == "m"]
        engine = judged(uses, {0: members})
        engine.run("UPDATE edges SET n = 2")
        assert homes.find(engine) == {0: Homes(0, 0.0)}
        engine.run(
            """
            UPDATE edges SET n = 8, first_seen = TIMESTAMP '2025-01-06', last_seen = '2025-01-16'
            WHERE account % 2 = 0 AND signal IN (SELECT signal FROM signals WHERE accounts = 1)
            """
        )
        found = homes.find(engine)[0]
        assert found.found == 10
        assert 9 < found.expected < 11
        # an exit that two come back to is no home, and stands for one that is not told yet
        engine.run(
            """
            UPDATE edges SET n = 8, first_seen = TIMESTAMP '2025-01-06', last_seen = '2025-01-16'
            WHERE account IN (SELECT account FROM attributed LIMIT 4)
              AND signal IN (SELECT signal FROM signals WHERE kind = 'ip' AND accounts = 5)
            """
        )
        assert homes.find(engine)[0].found == 6

    def test_the_busiest_are_not_held_against_themselves(self) -> None:
        """Six of a hundred accounts are lent; however busy, the others are those at home."""
        uses: dict[str, list[Signal]] = dict(strangers(300))
        for n in range(100):
            own = [("ip", f"40.{n}.1.1")] if n < 6 else []
            uses[f"m{n:03}"] = [("payment", f"c{n // 5}"), ("ip", f"30.{n % 10}.1.1"), *own]
        engine = judged(uses, {0: [a for a in uses if a[0] == "m"]})
        week = "first_seen = TIMESTAMP '2025-01-06', last_seen = TIMESTAMP '2025-01-16'"
        engine.run(f"UPDATE edges SET n = 12, {week}")
        engine.run("UPDATE edges SET n = 400 WHERE account IN (SELECT account FROM attributed)")
        found = homes.find(engine)[0]
        assert (found.found, found.expected) == (6, 100.0)

    def test_a_block_of_proxies_is_no_home(self) -> None:
        """An address each: in networks of their own, then in three."""
        for networks, found in ((20, 20), (3, 0)):
            uses: dict[str, list[Signal]] = dict(strangers(100))
            for n in range(20):
                address = f"30.1.{n % networks}.{n + 1}"
                uses[f"m{n:02}"] = [("payment", f"c{n // 5}"), ("ip", address)]
            engine = judged(uses, {0: [a for a in uses if a[0] == "m"]})
            engine.run(
                "UPDATE edges SET n = 8, first_seen = TIMESTAMP '2025-01-06', "
                "last_seen = TIMESTAMP '2025-01-16'"
            )
            assert homes.find(engine)[0].found == found
