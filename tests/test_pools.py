"""Groups that rotate over the same addresses: peeling by brute force, pools planted in a graph."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from graphs import Signal, attributed, operators, paired, strangers
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import pools
from linkage.engine import DuckDBEngine
from linkage.pools import SHARED_ADDRESSES

POOL = [f"60.{n}.1.1" for n in range(15)]


def customers(count: int, name: str, addresses: list[str]) -> dict[str, list[Signal]]:
    """Accounts that use four addresses of a pool each, and a card of their own."""
    chosen = np.random.default_rng(5)
    return {
        f"{name}{n:02}": [
            ("payment", f"{name} {n}"),
            *(("ip", str(address)) for address in chosen.choice(addresses, 4, replace=False)),
        ]
        for n in range(count)
    }


def resold(count: int, name: str, addresses: list[str]) -> dict[str, list[Signal]]:
    """The same, five accounts a card."""
    return {
        account: [("payment", f"{name} card {n // 5}"), *own[1:]]
        for n, (account, own) in enumerate(customers(count, name, addresses).items())
    }


def pooled(
    uses: dict[str, list[Signal]], known: dict[int, list[str]], size: int = 5
) -> DuckDBEngine:
    """A graph with operators known, after a look for pools."""
    engine = paired({**strangers(300), **uses})
    attributed(engine, known)
    pools.find(engine, size, seed=1)
    return engine


class TestFind:
    def test_a_pool_whose_accounts_share_cards_is_a_candidate(self) -> None:
        uses = resold(40, "r", POOL)
        assert list(operators(pooled(uses, {})).values()) == [set(uses)]

    def test_a_dozen_addresses_that_nearly_all_use_are_no_place(self) -> None:
        """Each account uses ten of twelve; an office has a line and a spare one."""
        chosen = np.random.default_rng(5)
        for addresses, found in ((POOL[:12], 1), (POOL[:2], 0)):
            uses = {
                account: [own[0]]
                + [("ip", a) for a in addresses if len(addresses) < 3 or chosen.random() < 0.85]
                for account, own in resold(40, "r", POOL).items()
            }
            assert len(operators(pooled(uses, {}))) == found

    def test_customers_of_a_vpn_are_none(self) -> None:
        assert operators(pooled(customers(40, "v", POOL), {})) == {}

    def test_where_few_of_the_customers_share_cards_it_is_the_few(self) -> None:
        """A fifth do, beyond chance; but that is not what the pool is for."""
        uses = customers(40, "v", POOL)
        for n, own in enumerate(list(uses.values())[:8]):
            own[0] = ("payment", f"shared {n // 2}")
        engine = pooled(uses, {})
        assert engine.rows("SELECT rate, weight > 7 FROM pool_habits") == [(0.2, True)]
        assert operators(engine) == {}

    def test_two_pools_are_two(self) -> None:
        others = [address.replace("60.", "70.", 1) for address in POOL]
        one, other = resold(40, "r", POOL), resold(40, "t", others)
        found = operators(pooled({**one, **other}, {}))
        assert sorted(map(sorted, found.values())) == [sorted(one), sorted(other)]

    def test_known_operators_keep_their_number_and_their_members(self) -> None:
        uses = resold(40, "r", POOL)
        known = sorted(uses)[:10]
        engine = pooled(uses, {4: known})
        communities = engine.value("SELECT coalesce(max(community), -1) FROM communities")
        found = operators(engine)
        assert found.pop(4) == set(known)
        ((number, members),) = found.items()
        # a part of those who use the pool does not have it
        assert members == set(uses)
        assert number > max(4, communities)

    def test_an_operator_that_has_its_pool_is_not_looked_at_again(self) -> None:
        uses = resold(40, "r", POOL)
        assert operators(pooled(uses, {4: sorted(uses)})) == {4: set(uses)}

    def test_a_pool_of_fewer_than_wanted_is_none(self) -> None:
        uses = resold(40, "r", POOL)
        assert operators(pooled(uses, {}, size=40))
        assert operators(pooled(uses, {}, size=41)) == {}

    def test_nothing_shared(self) -> None:
        assert operators(pooled({}, {})) == {}

    def test_homes_are_no_pools(self) -> None:
        """Five cards of five, each group at two addresses: a home, and a desk."""
        uses: dict[str, list[Signal]] = {
            f"h{n:02}": [
                ("payment", f"family {n // 5}"),
                *(("ip", f"60.{n // 5}.{place}.1") for place in range(2)),
            ]
            for n in range(25)
        }
        assert operators(pooled(uses, {})) == {}

    def test_users_of_one_card_are_looked_at_again(self) -> None:
        """Each card came out by itself: its users share nothing else with each other."""
        chosen = np.random.default_rng(3)
        uses: dict[str, list[Signal]] = {
            f"r{card}{n}": [("payment", f"card {card}"), *(("ip", str(ip)) for ip in ips)]
            for card in range(8)
            for n, ips in enumerate(chosen.permutation(POOL).reshape(5, 3))
        }
        cards = {n: sorted(uses)[n * 5 : n * 5 + 5] for n in range(8)}
        found = operators(pooled(uses, cards))
        assert {n: accounts for n, accounts in found.items() if n > 7} == {8: set(uses)}

    def test_firms_behind_one_gateway_are_whole(self) -> None:
        """Each has a card and a mail domain; they come from the same addresses."""
        uses = resold(40, "r", POOL)
        for n, own in enumerate(uses.values()):
            own.append(("email", f"m{n}@firm{n // 5}.com"))
        firms = {n: sorted(uses)[n * 5 : n * 5 + 5] for n in range(8)}
        assert operators(pooled(uses, firms)) == {n: set(firm) for n, firm in firms.items()}

    def test_only_who_shares_by_habit_is_proposed(self) -> None:
        """Customers of the same exits, each with a card of his own, are not."""
        uses = resold(60, "r", POOL)
        found = operators(pooled({**uses, **customers(20, "v", POOL)}, {}))
        assert list(found.values()) == [set(uses)]


@given(
    edges=st.sets(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=80),
)
@settings(max_examples=100, deadline=None)
def test_peeling_leaves_the_largest_core(edges: set[tuple[int, int]]) -> None:
    account, signal = (np.array([e[i] for e in sorted(edges)], dtype=np.int64) for i in (0, 1))
    kept = set(zip(*map(np.ndarray.tolist, pools._core(account, signal)), strict=True))
    graph = nx.Graph((("account", a), ("signal", s)) for a, s in edges)
    least = {"account": SHARED_ADDRESSES, "signal": 2}
    while few := [node for node, degree in graph.degree if degree < least[node[0]]]:
        # one at a time: the order of peeling does not matter
        graph.remove_node(min(few))
    assert kept == {(a, s) for a, s in edges if graph.has_edge(("account", a), ("signal", s))}


@pytest.mark.parametrize("seed", [1, 2])
def test_order_of_rows_changes_nothing(seed: int) -> None:
    uses = {**strangers(200), **resold(40, "r", POOL), **customers(30, "v", POOL)}
    found = []
    for reverse in (False, True):
        engine = paired(uses, reverse=reverse)
        attributed(engine, {})
        pools.find(engine, 5, seed)
        found.append(operators(engine))
    assert found[0] == found[1]
