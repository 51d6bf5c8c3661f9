"""The scorecard item by item, what it looks at, and the verdict."""

from __future__ import annotations

from datetime import datetime
from math import exp, log, log2

import pytest
from graphs import MEMBERS, Uses, fleet, hand, judged, operators, paired, strangers

from linkage import attribution, triage
from linkage.config import AttributionConfig
from linkage.triage import BAR
from linkage.triage.domains import Dealt
from linkage.triage.facts import TIGHT, Facts, Shared
from linkage.triage.homes import Homes
from linkage.triage.scorecard import FURNITURE, ITEMS, MANY, PRIOR, SPONSORED, STOCK, SURE, firm

START = datetime(2025, 1, 6)


def weight(item: str, facts: Facts) -> float:
    """Nats of an item; none is zero."""
    found = ITEMS[item](facts)
    return found[1] if found else 0.0


def finding(item: str, facts: Facts) -> str:
    found = ITEMS[item](facts)
    return found[0] if found else ""


class TestItems:
    def test_prior(self) -> None:
        assert weight("prior", Facts(100)) == PRIOR < 0

    def test_stock(self) -> None:
        shared = {
            "payment": Shared(signals=9, stock=4, stocked=20),
            "device": Shared(signals=5, stock=2, stocked=15),
        }
        facts = Facts(30, shared, {"payment": 20, "device": 30})
        assert weight("stock", facts) == pytest.approx(1.7 * (2 + 1 * 0.5**2))
        assert finding("stock", facts) == (
            "members share a stock: 4 cards serve 20 of 20 members with any, who have no others "
            "and 2 devices serve 15 of 30 members with any, who have no others"
        )
        many = Shared(stock=500, stocked=30)
        assert weight("stock", Facts(30, {"payment": many}, {"payment": 30})) == pytest.approx(5.1)

    def test_numbers_in_a_few_blocks_are_a_stock(self) -> None:
        """A box of SIM cards; not one batch, nor a third of a relief agency's cards."""
        for blocks, nats in [((4, 60), 1.7 * 2), ((1, 60), 0.0), ((8, 20), 1.7 * 3 / 9)]:
            facts = Facts(60, {}, {"phone": 60}, blocks=blocks)
            assert weight("stock", facts) == pytest.approx(nats)

    def test_the_laboratory_of_a_school_is_no_stock(self) -> None:
        """Sixteen devices with many users each, that a tenth of the students use."""
        lab = Shared(signals=16, stock=16, stocked=40)
        assert weight("stock", Facts(400, {"device": lab}, {"device": 400})) < 0.1

    def test_cards_in_pairs_are_a_stock_if_they_are_many(self) -> None:
        shared = {"payment": Shared(signals=300)}
        holders = {"payment": 600}
        facts = Facts(600, shared, holders, {"payment": (300, 600)})
        assert weight("stock", facts) == pytest.approx(5.1)
        couples = Facts(18, shared, {"payment": 18}, {"payment": (MANY - 1, 18)})
        assert ITEMS["stock"](couples) is None

    def test_one_card_is_no_stock_and_addresses_are_none(self) -> None:
        facts = Facts(30, {"payment": Shared(stock=1), "device": Shared(stock=1)})
        assert ITEMS["stock"](facts) is None
        assert ITEMS["stock"](Facts(30, {"ip": Shared(stock=40)})) is None

    def test_apart(self) -> None:
        facts = Facts(40, {"ip": Shared(signals=2, members=10)}, {"ip": 40})
        assert weight("apart", facts) == pytest.approx(-1.5 * 0.75)
        assert finding("apart", facts) == "75% of members share no address with another one"
        together = Facts(40, {"ip": Shared(signals=2, members=38)}, {"ip": 40})
        assert ITEMS["apart"](together) is None
        assert ITEMS["apart"](Facts(40)) is None

    def test_mailbox(self) -> None:
        shared = {
            "email": Shared(signals=3, stock=2, members=14, covered=12),
            "email_alias": Shared(signals=1, members=2),
        }
        facts = Facts(30, shared, {"email": 30})
        assert weight("mailbox", facts) == pytest.approx(2.0 * 12 / 30)
        assert finding("mailbox", facts) == (
            "12 members sign up with the same 2 mailboxes, 0 under other spellings of one"
        )
        assert ITEMS["mailbox"](Facts(30, {"email": Shared(signals=2, members=4)})) is None

    def test_one_mailbox_under_many_spellings_is_nobody_s_slip(self) -> None:
        shared = {
            "email": Shared(signals=1, stock=1, members=30, covered=30),
            "email_alias": Shared(signals=1, stock=1, members=30, covered=30),
        }
        assert ITEMS["mailbox"](Facts(30, shared, {"email": 30})) == (
            "30 members sign up with the same mailbox, 30 under other spellings of it",
            4.0,
        )
        # a few with an address and a device each were signed up by somebody; nobody helps thirty
        for size, expected in ((8, 0.25), (16, 1 - 0.75 / 4)):
            of = {kind: Shared(1, stock=1, members=size, covered=size) for kind in shared}
            apart = Facts(size, of, {"email": size}, separate=3 * size // 4)
            assert weight("mailbox", apart) == pytest.approx(4.0 * expected)
        # at a firm's own domain they are its test accounts
        assert weight("mailbox", Facts(30, shared, {"email": 30}, staff=30)) == 0.0

    @pytest.mark.parametrize(
        ("size", "ip", "is_place"),
        [
            (30, Shared(signals=9, members=30, most=24), True),
            (30, Shared(signals=9, members=30, most=23), False),
            # half at one address, where few are shared
            (30, Shared(signals=3, members=30, most=15), True),
            (30, Shared(signals=4, members=30, most=15), False),
            (30, Shared(signals=3, members=30, most=14), False),
            # of those that share any, nearly all
            (30, Shared(signals=1, members=9, most=9), True),
            (30, Shared(signals=1, members=8, most=8), False),
            (30, Shared(), False),
        ],
    )
    def test_place(self, size: int, ip: Shared, is_place: bool) -> None:
        assert weight("place", Facts(size, {"ip": ip})) == (-2.0 if is_place else 0.0)

    def test_a_postal_address_is_a_place(self) -> None:
        at_home = Shared(signals=2, members=30, most=24)
        facts = Facts(48, {"address": at_home}, {"address": 30})
        assert weight("place", facts) == -2.0
        assert finding("place", facts) == (
            "24 of 30 members with a postal address give one: a place"
        )
        # of those who give any, or of all, too few
        assert weight("place", Facts(48, {"address": at_home}, {"address": 31})) == 0.0
        assert weight("place", Facts(49, {"address": at_home}, {"address": 30})) == 0.0

    def test_a_place_has_its_own_devices(self) -> None:
        shared = {
            "ip": Shared(signals=2, members=30, most=30),
            "device": Shared(signals=9, stock=8, stocked=30),
        }
        for elsewhere, expected in ((0, 1.7), (15, 1.7 / 4), (30, 0.0)):
            cafe = Facts(30, shared, {"ip": 30, "device": 30}, elsewhere=elsewhere)
            assert weight("stock", cafe) == pytest.approx(expected)
        pool = {**shared, "ip": Shared(signals=30, members=30, most=9)}
        farm = Facts(30, pool, {"ip": 30, "device": 30}, elsewhere=30)
        assert weight("stock", farm) == pytest.approx(5.1)

    @pytest.mark.parametrize(
        "shared",
        [
            {"ip": Shared(signals=9, members=40, most=32)},
            {"ip": Shared(signals=3, members=40, most=20), "ip_range": Shared(most=40)},
            {"address": Shared(signals=1, members=20, most=20)},
        ],
    )
    def test_under_one_roof_desks_are_shared_and_a_firm_has_some_cards(
        self, shared: dict[str, Shared]
    ) -> None:
        shared |= {"payment": Shared(stock=3, stocked=30), "device": Shared(stock=9, stocked=40)}
        holders = {"ip": 40, "address": 20, "payment": 30, "device": 40}
        floor = Facts(40, shared, holders)
        assert weight("stock", floor) == pytest.approx(1.7 * STOCK * FURNITURE)
        # twelve cards are no firm's
        shared |= {"payment": Shared(stock=12, stocked=30)}
        assert weight("stock", Facts(40, shared, holders)) == pytest.approx(5.1)
        # what its mail says of a firm is not said again
        shared |= {"payment": Shared(stock=3, stocked=30)}
        by_mail = Facts(40, shared, {**holders, "email": 40}, staff=40)
        assert weight("stock", by_mail) == pytest.approx(1.7 * STOCK)

    def test_three_addresses_of_a_proxy_are_no_roof(self) -> None:
        shared = {
            "ip": Shared(signals=3, members=40, most=20),
            "ip_range": Shared(signals=3, most=20),
            "device": Shared(stock=9, stocked=40),
        }
        assert weight("stock", Facts(40, shared, {"ip": 40, "device": 40})) == pytest.approx(5.1)

    def test_addresses(self) -> None:
        ip = Shared(signals=16, members=30, most=8, uses=90, others=30)
        ranges = Shared(signals=16)
        facts = Facts(40, {"ip": ip, "ip_range": ranges}, {"ip": 40}, rotating=30)
        assert weight("addresses", facts) == pytest.approx(0.2 * log2(16) * 30 / 40 * 90 / 120)
        assert finding("addresses", facts) == (
            "75% of members rotate over 16 addresses in 16 ranges; "
            "75% of the users there are members"
        )
        one_range = Facts(40, {"ip": ip, "ip_range": Shared(signals=1)}, {"ip": 40}, rotating=30)
        assert weight("addresses", one_range) == pytest.approx(weight("addresses", facts) / 2)
        few = Shared(signals=4, members=30, most=8, uses=90)
        assert ITEMS["addresses"](Facts(40, {"ip": few}, {"ip": 40}, rotating=30)) is None
        # branches, an address each, are no pool
        branches = Facts(40, {"ip": ip, "ip_range": ranges}, {"ip": 40}, rotating=3)
        assert weight("addresses", branches) < 0.1

    def test_who_pays_for_people_that_meet_nowhere(self) -> None:
        def cards(**ip: int) -> float:
            shared = {"payment": Shared(stock=9, stocked=40), "ip": Shared(signals=3, **ip)}
            return weight("stock", Facts(40, shared, {"ip": 40, "payment": 40}))

        assert cards(members=8, uses=8) == pytest.approx(5.1 * SPONSORED)
        assert cards(members=9, uses=9) == pytest.approx(5.1)
        # behind one carrier, as everybody there
        assert cards(members=36, uses=40, others=160) == pytest.approx(5.1 * SPONSORED)
        paid = {"payment": Shared(stock=9, stocked=40)}
        assert weight("stock", Facts(40, paid, {"payment": 40})) == pytest.approx(5.1)

    def test_who_may_pay_is_said_of_cards_only(self) -> None:
        for kind, noun, less in (
            ("payment", "cards", "; they meet nowhere: somebody may pay for them"),
            ("device", "devices", ""),
        ):
            facts = Facts(40, {kind: Shared(stock=9, stocked=40)}, {"ip": 40, kind: 40})
            assert finding("stock", facts) == (
                f"members share a stock: 9 {noun} serve 40 of 40 members with any, who have no "
                f"others{less}"
            )

    def test_texts_and_hours_in_common_are_an_event(self) -> None:
        """Twenty-four texts of a hackathon, all signed up that day."""
        prompts = Shared(signals=24, members=100, uses=900, others=20)
        day = Facts(100, {"prompt": prompts}, {"prompt": 100}, gaps=99, tight_gaps=99)
        assert weight("event", day) == -1.5
        assert sum(weight(item, day) for item in ITEMS) < 0
        cards = {"prompt": prompts, "payment": Shared(stock=4, stocked=60)}
        assert ITEMS["event"](Facts(100, cards, {"prompt": 100, "payment": 60})) is None
        assert ITEMS["event"](Facts(100)) is None
        one = {"prompt": prompts, "payment": Shared(signals=1, stock=1, most=60)}
        assert ITEMS["event"](Facts(100, one, {"prompt": 100, "payment": 60})) is None

    def test_who_shares_texts_and_a_pool_and_signs_up_like_anybody_uses_a_product(self) -> None:
        shared = {
            "prompt": Shared(signals=46, members=700, uses=4000, others=400),
            "ip": Shared(signals=450, members=700, most=20, uses=3000),
            "ip_range": Shared(signals=330, members=700),
        }
        like_anybody = {"holders": {"prompt": 700, "ip": 700}, "rotating": 700, "gaps": 699}
        runners = Facts(700, shared, **like_anybody, tight_gaps=66)
        assert weight("event", runners) == -1.5
        assert finding("event", runners).endswith("a product's users")
        # in a wave it is a fleet; and of an export without sign-ups nothing is said
        for seen in ({"gaps": 699, "tight_gaps": 600}, {"gaps": 0}):
            assert ITEMS["event"](Facts(700, shared, **{**like_anybody, **seen})) is None

    def test_homes(self) -> None:
        """As many as anybody has; a quarter of that may be lent."""
        homes = Homes(30, 28.0)
        assert weight("homes", Facts(100, homes=homes)) == -SURE
        assert finding("homes", Facts(100, homes=homes)) == (
            "30 members come back for days to an address of their own, where 28 would if they "
            "were anybody: homes"
        )
        assert weight("homes", Facts(8, homes=Homes(2, 2.0))) == pytest.approx(1.5 - 2 * log(4))
        for nobody in (Homes(), Homes(7, 28.0), Homes(0, 28.0)):
            assert ITEMS["homes"](Facts(100, homes=nobody)) is None

    def test_somebody_pays_for_people_with_homes(self) -> None:
        cards = {"payment": Shared(stock=8, stocked=100), "ip": Shared(signals=9, members=90)}
        facts = Facts(100, cards, {"payment": 100, "ip": 100}, homes=Homes(30, 28.0))
        assert weight("stock", facts) == pytest.approx(1.7)
        assert finding("stock", facts).endswith(
            "; they live in homes of their own: somebody may pay for them"
        )

    def test_templates(self) -> None:
        prompts = Shared(signals=3, members=20, uses=50, others=50)
        facts = Facts(40, {"prompt": prompts}, {"prompt": 40})
        assert weight("templates", facts) == pytest.approx(2.2 * 0.5 * 0.5)
        assert ITEMS["templates"](Facts(40, {}, {"prompt": 40})) is None

    def test_sign_ups(self) -> None:
        chance = 1 - exp(-TIGHT)
        assert ITEMS["sign-ups"](Facts(30, gaps=2, tight_gaps=2)) is None
        assert weight("sign-ups", Facts(30, gaps=29, tight_gaps=2)) == 0
        assert weight("sign-ups", Facts(30, gaps=10, tight_gaps=10)) == pytest.approx(1.7)
        facts = Facts(30, gaps=10, tight_gaps=2)
        assert weight("sign-ups", facts) == pytest.approx(1.7 * (0.2 - chance) / (1 - chance))
        assert finding("sign-ups", facts) == (
            "after 2 of 10 sign-ups the next member's comes before hardly a stranger's "
            "(1 by chance)"
        )

    def test_mail(self) -> None:
        own = Facts(40, {}, {"email": 40}, staff=20)
        assert weight("mail", own) == -3.5
        assert finding("mail", own) == (
            "50% of members with mail have a domain of their own with others"
        )
        assert weight("mail", Facts(40, {}, {"email": 40}, staff=10)) == -1.75
        assert ITEMS["mail"](Facts(40, {}, {"email": 40}, staff=3)) is None
        assert ITEMS["mail"](Facts(40, {}, {"email": 2})) is None

    def test_domains_that_are_dealt_out_are_no_firms(self) -> None:
        """Twelve things across domains; within them; or of one domain and a few strays."""
        for dealt, nats in (
            (Dealt(12, 12, 11.0), 0.0),
            (Dealt(12, 1, 11.0), -3.5),
            (Dealt(80, 4, 4.0), -3.5),
        ):
            facts = Facts(40, {}, {"email": 40}, staff=30, dealt=dealt)
            assert weight("mail", facts) == pytest.approx(nats, abs=0.4)
            assert firm(facts) == (nats < 0)
        assert finding("mail", Facts(40, {}, {"email": 40}, dealt=Dealt(12, 12, 11.0))) == (
            "12 of 12 cards, devices and phones are shared across mail domains, as 11 would be if "
            "these were dealt out: not firms'"
        )

    def test_the_laptops_of_a_school_go_from_hand_to_hand(self) -> None:
        laptops = {"device": Shared(signals=90, stock=90, stocked=400)}
        facts = Facts(400, laptops, {"device": 400, "email": 400}, staff=400, colleagues=400)
        assert weight("stock", facts) == pytest.approx(5.1 / 3)
        several = Facts(400, laptops, {"device": 400, "email": 400}, staff=400, colleagues=100)
        assert weight("stock", several) == pytest.approx(5.1)

    def test_an_export_with_nothing_but_domains_tells_a_firm(self) -> None:
        holders = {"email_domain": 30}
        assert weight("mail", Facts(40, {}, holders, staff=30)) == -3.5
        # who has free mail has no domain there
        assert weight("mail", Facts(400, {}, holders, staff=30)) == 0.0

    def test_many_mail_domains(self) -> None:
        clients = Facts(40, {}, {"email": 30}, clients=12)
        assert weight("mail", clients) == pytest.approx(-3.5 * 2 * 12 / 30)
        assert finding("mail", clients) == (
            "12 of 30 members with mail have a domain each: clients or partners"
        )
        assert ITEMS["mail"](Facts(40, {}, {"email": 30}, clients=2)) is None

    def test_payer(self) -> None:
        for cards, expected in [
            (Shared(signals=1, stock=1, most=16), -0.5),
            (Shared(signals=1, stock=1, most=15), 0.0),
            (Shared(signals=3, stock=2, most=16), 0.0),
            (Shared(), 0.0),
        ]:
            assert weight("payer", Facts(40, {"payment": cards}, {"payment": 20})) == expected

    def test_size(self) -> None:
        assert weight("size", Facts(5)) == pytest.approx(-0.8)
        assert weight("size", Facts(8)) == pytest.approx(-0.2)
        assert ITEMS["size"](Facts(9)) is None


# --------------------------------------------------------------------- verdicts


def verdict(uses: Uses, members: list[str]) -> tuple[str, float, dict[str, float]]:
    """Verdict, score and scorecard of an operator."""
    engine = judged(uses, {0: members})
    triage.judge(engine, min_size=5)
    items = engine.rows("SELECT item, weight FROM scorecard_items WHERE operator = 0")
    ((name, score),) = engine.rows("SELECT verdict, score FROM verdicts")
    return name, score, dict(items)


class TestVerdict:
    def test_a_stock_of_cards_makes_sockpuppets(self) -> None:
        name, score, items = verdict(hand(payment="c{n}"), MEMBERS)
        assert items == {"prior": PRIOR, "stock": pytest.approx(3.4)}
        assert score == pytest.approx(1 / (1 + exp(-(3.4 + PRIOR))))
        assert name == "sockpuppets"

    def test_one_address_domain_and_card_make_an_organisation(self) -> None:
        office = hand(payment="card", ip="30.1.1.1", email="m{own}@dssg.org")
        name, score, items = verdict(office, MEMBERS)
        assert items == {"prior": PRIOR, "place": -2.0, "mail": -3.5, "payer": -0.5}
        assert (name, score < 0.001) == ("organisation", True)

    def test_a_family_at_home_is_a_household(self) -> None:
        uses = hand(payment="card", ip="30.1.1.1")
        assert verdict({**strangers(300), **{a: uses[a] for a in MEMBERS[:6]}}, MEMBERS[:6])[0] == (
            "household"
        )

    def test_what_stands_out_by_nothing_is_unclear(self) -> None:
        assert verdict(hand(prompt="t{n}"), MEMBERS)[0] == "unclear"

    def test_few_members_are_not_judged(self) -> None:
        engine = judged(hand(payment="c{n}"), {0: MEMBERS, 1: ["s0001", "s0002", "s0003"]})
        triage.judge(engine, min_size=5)
        assert engine.rows("SELECT operator FROM verdicts") == [(0,)]

    def test_no_operators(self) -> None:
        engine = judged(strangers(20), {})
        triage.judge(engine, min_size=5)
        assert engine.rows("SELECT operator, verdict, score FROM verdicts") == []
        assert engine.rows("SELECT operator, item, finding, weight FROM scorecard_items") == []

    def test_the_score_is_that_of_the_items(self) -> None:
        uses = {
            **strangers(600),
            **fleet(24, "one", payment=4, device=3, prompt=1),
            **fleet(32, "two", payment=1, device=8, prompt=1),
        }
        engine = paired(uses)
        attribution.propose(engine, AttributionConfig())
        attribution.settle(engine, AttributionConfig())
        triage.judge(engine, min_size=5)
        assert len(operators(engine)) == 2
        totals = engine.rows(
            """
            SELECT v.score, v.verdict, sum(i.weight)
            FROM verdicts v JOIN scorecard_items i USING (operator) GROUP BY ALL
            """
        )
        assert len(totals) == 2
        for score, name, total in totals:
            assert score == pytest.approx(1 / (1 + exp(-total)))
            assert (name == "sockpuppets") == (score >= BAR)
