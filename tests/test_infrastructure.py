"""Which signals go together: counts and expectations by brute force, tails by scipy."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations

import igraph
import networkx as nx
import numpy as np
import pytest
from graphs import Signal, Uses, built, communities, fleet, paired, pairs, strangers
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, poisson

from linkage import infrastructure
from linkage.engine import DuckDBEngine
from linkage.infrastructure import CHANCE_SHARE, IMPLIED
from linkage.schema import BUSY, BUSY_ACCOUNTS


class TestWeight:
    def test_a_card_and_a_device(self) -> None:
        """All accounts have one of each kind, so chance is d_s d_t / N."""
        uses = {f"a{n:02}": [("payment", f"c{n}"), ("device", f"d{n}")] for n in range(100)}
        for n in range(5):
            uses[f"a{n:02}"] = [("payment", "c"), ("device", "d")]
        found = pairs(paired(uses))[frozenset([("payment", "c"), ("device", "d")])]
        assert found[0] == 5
        assert found[1] == pytest.approx(5 * 5 / 100)
        assert found[2] == pytest.approx(5 * math.log(5 / 0.25) - (5 - 0.25))

    def test_accounts_with_many_signals_meet_more(self) -> None:
        """Ten accounts that try everything meet everywhere, and it is no evidence."""
        uses = {
            **strangers(200),
            **{
                f"busy{n}": [
                    *(("device", f"d{d}") for d in range(30)),
                    *(("prompt", f"t{t}") for t in range(30)),
                ]
                for n in range(10)
            },
        }
        found = pairs(paired(uses, false_discovery=0.5))
        together, expected, weight = found[frozenset([("device", "d1"), ("prompt", "t1")])]
        # 200 accounts with one of each, ten with 30 of each; of both kinds 500 edges
        assert expected == pytest.approx(10 * 10 * (200 + 10 * 30 * 30) / 500**2)
        assert weight == pytest.approx(10 * math.log(10 / 3.68) - (10 - 3.68))
        assert together == 10

    def test_two_of_one_kind(self) -> None:
        """A signal does not meet itself: an account with two templates has two ordered pairs."""
        uses = strangers(100)
        for n in range(20):
            uses[f"m{n:02}"] = [("prompt", "t"), ("prompt", "u")]
        found = pairs(paired(uses))[frozenset([("prompt", "t"), ("prompt", "u")])]
        # 140 uses of a template, and 20 accounts with 2 x 1 pairs
        assert found[1] == pytest.approx(20 * 20 * (20 * 2) / 140**2)

    def test_popular_values_are_no_evidence(self) -> None:
        uses = {
            account: [*own, ("prompt", "popular"), ("user_agent", "browser"), ("device", "common")]
            for account, own in strangers(300).items()
        }
        assert pairs(paired(uses)) == {}

    def test_an_account_that_has_what_everybody_has_changes_nothing(self) -> None:
        rings = BUSY * 3 // 4
        uses = {
            f"a{n:05}": [("payment", f"c{n // 6}"), ("device", f"d{n // 6}")]
            for n in range(6 * rings)
        }
        without = pairs(paired(uses))
        assert len(without) == rings
        gateway = [signal for n in range(rings) for signal in uses[f"a{6 * n:05}"]]
        asked = paired({**uses, "gateway": gateway})
        # two of its signals are how widely the cards and devices are shared
        assert asked.rows("SELECT signals FROM busy") == [(2 * rings + 2,)]
        found = pairs(asked)
        assert set(found) == set(without)
        together, expected, _ = found[frozenset([("payment", "c0"), ("device", "d0")])]
        assert together == 6
        # both are on one account more, which makes chance no less
        assert expected == pytest.approx(7 * 7 / (6 * rings))


class TestWhatMayBeEvidence:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (("ip", "30.1.1.1"), ("ip", "30.2.2.2")),
            (("ip", "30.1.1.1"), ("user_agent", "curl")),
            (("bin", "457173"), ("user_agent", "curl")),
            (("bin", "457173"), ("payment", "c")),
            (("address", "5 oak ave"), ("house", "5 oak")),
        ],
    )
    def test_strangers_and_what_one_value_implies_are_not(self, one: Signal, other: Signal) -> None:
        uses = strangers(300)
        for own in list(uses.values())[:30]:
            own[:] = [one, other]
        assert not {pair for pair in pairs(paired(uses)) if pair == {one, other}}

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (("ip", "30.1.1.1"), ("payment", "c")),
            (("ip_range", "30.1.1.0/24"), ("prompt", "t")),
            (("prompt", "t"), ("prompt", "u")),
            (("payment", "c"), ("user_agent", "curl")),
        ],
    )
    def test_something_personal_is(self, one: Signal, other: Signal) -> None:
        uses = strangers(300)
        for own in list(uses.values())[:30]:
            own[:] = [one, other]
        assert frozenset([one, other]) in pairs(paired(uses))

    def test_a_habit_goes_with_an_address_as_often_as_there_are_cards(self) -> None:
        def behind_four_addresses(cards: int) -> Uses:
            uses = strangers(400)
            for n, own in enumerate(list(uses.values())[:40]):
                own[:] = [("payment", f"c{n // 4 % cards}"), ("ip", f"30.1.1.{n % 4}")]
            return uses

        found = pairs(paired(behind_four_addresses(cards=10)))
        pair = frozenset([("payment_sharing", "on 3 to 4 accounts"), ("ip", "30.1.1.1")])
        assert found[pair][0] == 10
        office = pairs(paired(behind_four_addresses(cards=1)))
        assert frozenset([("payment", "c0"), ("ip", "30.1.1.1")]) in office
        assert not [p for p in office if any(kind.endswith("sharing") for kind, _ in p)]


# ------------------------------------------------------------------ brute force

PERSONAL = {"payment", "device", "prompt"}


def brute_force(
    uses: Uses, derived: Uses
) -> tuple[dict[frozenset[Signal], tuple[int, float]], int]:
    """Together and expected of every pair that may be evidence, and how many were tested."""
    has = {a: {*uses[a], *derived[a]} for a in uses}
    users = {s: {a for a in has if s in has[a]} for s in set().union(*has.values())}
    family = {"ip_range": "ip", "payment_sharing": "payment", "device_sharing": "device"}

    def may_be(x: str, y: str) -> str:
        if {x, y} & PERSONAL and (x == y or family.get(x, x) != family.get(y, y)):
            return "personal"
        habit = x.endswith("_sharing") and family.get(y, y) == "ip"
        return "habit" if habit or (y.endswith("_sharing") and family.get(x, x) == "ip") else ""

    def most_shared(account: str, kind: str) -> Signal:
        own = [s for s in has[account] if s[0] == kind]
        return max(own, key=lambda s: (len(users[s]), s))

    kinds = {kind for kind, _ in users}
    k = {a: Counter(kind for kind, _ in has[a]) for a in has}
    total = {x: sum(k[a][x] for a in has) for x in kinds}
    linking = [s for s in users if len(users[s]) > 1]
    tests, found = 0, {}
    for s, t in combinations(sorted(linking), 2):
        x, y = s[0], t[0]
        rule = may_be(x, y)
        if not rule:
            continue
        product = sum(k[a][x] * (k[a][y] - (x == y)) for a in has)
        # two kinds that nobody has both of can't be tested
        tests += product > 0 or x == y
        both = users[s] & users[t]
        together = len(both)
        if rule == "habit":
            kind = next(z for z in (x, y) if z.endswith("_sharing")).removesuffix("_sharing")
            together = len({most_shared(a, kind) for a in both})
        expected = len(users[s]) * len(users[t]) * product / (total[x] * total[y])
        fewer = min(len(users[s]), len(users[t]))
        if together >= 2 and expected < CHANCE_SHARE * together and together >= IMPLIED * fewer:
            found[frozenset([s, t])] = (together, expected)
    return found, tests


@st.composite
def populations(draw: st.DrawFn) -> Uses:
    """A few dozen accounts: some deal from small stocks, the rest have mostly what is theirs."""
    uses = {a: list(own) for a, own in strangers(draw(st.integers(0, 60))).items()}
    for fleet_number in range(draw(st.integers(1, 3))):
        stock = draw(st.integers(1, 4))
        for n in range(draw(st.integers(4, 16))):
            uses[f"f{fleet_number}-{n:02}"] = [
                ("payment", f"c{fleet_number}-{n % stock}"),
                ("device", f"d{fleet_number}-{n // stock % 3}"),
                ("ip", f"40.{fleet_number}.{n % 2}.{draw(st.integers(0, 2))}"),
                *(("prompt", f"t{t}") for t in draw(st.sets(st.integers(0, 3), min_size=1))),
                ("user_agent", f"ua{n % 2}"),
            ]
    return uses


def derived_of(engine: DuckDBEngine) -> Uses:
    """Ranges and habits, as the graph has them (see test_graph)."""
    derived: dict[str, list[Signal]] = {
        account: [] for (account,) in engine.rows("SELECT account_id FROM accounts")
    }
    for account, kind, value in engine.rows(
        """
        SELECT account_id, kind, value
        FROM edges JOIN accounts USING (account) JOIN signals USING (signal)
        WHERE kind = 'ip_range' OR kind LIKE '%_sharing'
        """
    ):
        derived[account].append((kind, value))
    return derived


@given(uses=populations(), rate=st.sampled_from([0.01, 0.2]))
@settings(max_examples=20, deadline=None)
def test_pairs_are_those_of_brute_force(uses: Uses, rate: float) -> None:
    engine = paired(uses, false_discovery=rate)
    weighed, tests = brute_force(uses, derived_of(engine))
    weights = {p: c * math.log(c / e) - (c - e) for p, (c, e) in weighed.items()}
    # p-values of the pairs, and 1 for all that were not worth weighing
    p_values = np.ones(tests)
    p_values[: len(weights)] = np.exp(-np.array(list(weights.values())))
    adjusted = false_discovery_control(p_values) if tests else p_values
    expected = {pair for pair, p in zip(weights, adjusted, strict=False) if p <= rate}
    # at the threshold itself, rounding decides
    assume(not np.any(np.abs(adjusted[: len(weights)] - rate) < 1e-9))
    assert engine.value("SELECT sum(tests) FROM kind_pairs") == tests
    found = pairs(engine)
    assert set(found) == expected
    for pair, (together, chance, weight) in found.items():
        assert (together, chance) == pytest.approx(weighed[pair])
        assert weight == pytest.approx(weights[pair])


@given(uses=populations())
@settings(max_examples=10, deadline=None)
def test_the_weight_bounds_the_tail_of_chance(uses: Uses) -> None:
    engine = paired(uses, false_discovery=0.5)
    for together, expected, weight in pairs(engine).values():
        assert poisson.sf(together - 1, expected) <= math.exp(-weight) * (1 + 1e-9)


@given(uses=populations())
@settings(max_examples=10, deadline=None)
def test_order_and_names_of_accounts_change_nothing(uses: Uses) -> None:
    first, again = paired(uses), paired(uses, reverse=True)
    for table in ("pairs", "communities", "decoys"):
        query = f"SELECT * FROM {table} ORDER BY ALL"
        assert first.rows(query) == again.rows(query)
    renamed = paired({account[::-1] + "x": own for account, own in uses.items()})
    for table in ("pairs", "communities"):
        query = f"SELECT * FROM {table} ORDER BY ALL"
        assert renamed.rows(query) == first.rows(query)


# ------------------------------------------------------------------ communities


class TestCommunities:
    def test_two_fleets_are_two(self) -> None:
        uses = {
            **strangers(400),
            **fleet(40, "one", payment=4, device=5),
            # shared by other numbers of accounts: the habits differ too
            **fleet(40, "two", payment=8, device=2),
        }
        owners = [
            {value.split()[0] for kind, value in community if not kind.endswith("sharing")}
            for community in communities(paired(uses))
        ]
        assert {frozenset(names) for names in owners} == {frozenset(["one"]), frozenset(["two"])}

    def test_nobody_together_no_communities(self) -> None:
        engine = paired(strangers(50))
        assert (pairs(engine), communities(engine)) == ({}, set())

    @given(uses=populations())
    @settings(max_examples=10, deadline=None)
    def test_they_divide_the_components(self, uses: Uses) -> None:
        engine = paired(uses, false_discovery=0.2)
        graph = nx.Graph(tuple(pair) for pair in pairs(engine))
        found = communities(engine)
        assert sum(map(len, found)) == len(graph)
        components = list(nx.connected_components(graph))
        for community in found:
            assert sum(community <= component for component in components) == 1
            assert nx.is_connected(graph.subgraph(community))

    def test_cliques_on_a_thread_are_told_apart_and_a_clique_is_left_whole(self) -> None:
        cliques = [range(8), range(8, 16), range(16, 24)]
        edges = [edge for clique in cliques for edge in combinations(clique, 2)]
        graph = igraph.Graph(24, [*edges, (7, 8), (15, 16)])
        graph.es["weight"] = [10.0] * len(edges) + [1.0, 1.0]
        graph.vs["signal"] = list(range(24))
        found = [sorted(community) for community in infrastructure._split(graph)]
        assert sorted(found) == [list(clique) for clique in cliques]

    def test_communities_much_smaller_than_the_whole_are_seen(self) -> None:
        """A ring of 60 cliques of 4: modularity alone joins neighbours."""
        cliques = [range(4 * n, 4 * n + 4) for n in range(60)]
        edges = [edge for clique in cliques for edge in combinations(clique, 2)]
        threads = [(4 * n + 3, (4 * n + 4) % 240) for n in range(60)]
        graph = igraph.Graph(240, [*edges, *threads])
        graph.es["weight"] = [1.0] * graph.ecount()
        graph.vs["signal"] = list(range(240))
        largest = max(map(len, graph.community_leiden("modularity", weights="weight")))
        found = [sorted(community) for community in infrastructure._split(graph)]
        assert largest > 4
        assert sorted(found) == [list(clique) for clique in cliques]


def decoys(engine: DuckDBEngine) -> list[float]:
    """The weights of pairs that chance makes, heaviest first."""
    kept = "SELECT weight FROM decoys WHERE weight IS NOT NULL ORDER BY weight DESC"
    return [weight for (weight,) in engine.rows(kept)]


class TestDecoys:
    def test_dealing_anew_keeps_what_accounts_and_signals_have(self) -> None:
        uses = {**strangers(100), **fleet(40, payment=4, device=5, prompt=3)}
        engine = built(uses)
        engine.create("busy", BUSY_ACCOUNTS)
        infrastructure._shuffle(engine, seed=3)
        engine.create("true_edges", infrastructure._LINKING.format(edges="edges"))
        for column in ("signal", "kind"):
            counts = f"SELECT {column}, count(*) FROM {{}} GROUP BY 1"
            before = dict(engine.rows(counts.format("true_edges")))
            after = dict(engine.rows(counts.format("shuffled_edges")))
            assert set(after) == set(before)
            # an account dealt the same signal twice has it once
            assert all(0.8 * before[key] <= after[key] <= before[key] for key in before)
        # everybody has one card, before and after
        held = engine.rows(
            "SELECT max(n) FROM (SELECT account, count(*) AS n FROM shuffled_edges "
            "WHERE kind = 'payment' GROUP BY account)"
        )
        assert held == [(1,)]
        moved = (
            "SELECT account, signal FROM shuffled_edges EXCEPT SELECT account, signal FROM edges"
        )
        assert len(engine.rows(moved)) > 50

    def test_what_goes_together_does_so_no_more(self) -> None:
        uses = {**strangers(600), **fleet(60, payment=6, device=5)}
        engine = paired(uses)
        heaviest = max(weight for _, _, weight in pairs(engine).values())
        assert heaviest > 10
        assert max(decoys(engine), default=0.0) < heaviest / 2

    def test_another_seed_deals_otherwise_and_finds_the_same(self) -> None:
        uses = {**strangers(300), **fleet(60, payment=6, device=5)}
        one, other = paired(uses, seed=1), paired(uses, seed=2)
        assert pairs(one) == pairs(other)
        assert decoys(one) != decoys(other)
