"""Operators that fall into parts: components by networkx, and what hangs on one node by hand."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx
from graphs import Signal, Uses, operators, ready, strangers
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linkage.attribution.regroup import join, split
from linkage.attribution.weights import MOSTLY, find_signals
from linkage.engine import DuckDBEngine

VALUES: list[Signal] = [
    *(("payment", f"c{n}") for n in range(5)),
    *(("ip", f"30.{n}.1.1") for n in range(4)),
    *(("user_agent", f"ua{n}") for n in range(2)),
]
TIES = {"payment", "ip"}
FOREIGN = round(1 - MOSTLY, 9)
"""A card of which fewer users are members is a stranger's."""


@st.composite
def grouped(draw: st.DrawFn) -> tuple[Uses, dict[int, list[str]]]:
    """Accounts with a few signals, in up to three operators."""
    uses: Uses = {
        f"a{n:02}": draw(st.lists(st.sampled_from(VALUES), min_size=1, max_size=3, unique=True))
        for n in range(draw(st.integers(2, 14)))
    }
    groups: dict[int, list[str]] = {}
    for account in uses:
        groups.setdefault(draw(st.sampled_from([0, 3, 7])), []).append(account)
    return uses, groups


def share_all(engine: DuckDBEngine) -> None:
    """All signals of two members are their operator's."""
    engine.create(
        "operator_signals",
        """
        SELECT m.operator, e.signal, count(*) AS members, any_value(e.accounts) - count(*) AS others
        FROM attributed m JOIN linking_edges e USING (account)
        GROUP BY m.operator, e.signal HAVING count(*) >= 2
        """,
    )


@given(population=grouped(), min_size=st.integers(2, 4))
@settings(max_examples=40, deadline=None)
def test_parts_are_connected_components(
    population: tuple[Uses, dict[int, list[str]]], min_size: int
) -> None:
    uses, groups = population
    engine = ready(uses, groups)
    share_all(engine)

    def parts(members: Sequence[str], mostly: float) -> list[set[str]]:
        """Members that a card, or an address, ties: a card if so many of its users are members."""
        graph = nx.Graph()
        for account in members:
            for signal in uses[account]:
                inside = sum(signal in uses[other] for other in members)
                users = sum(signal in of_any for of_any in uses.values())
                if signal[0] in TIES and inside > 1:
                    graph.add_node(account)
                    if inside >= mostly * users or (mostly < MOSTLY and signal[0] == "ip"):
                        graph.add_edge(account, signal)
        for whole in nx.connected_components(graph):
            for node in whole:
                rest = nx.connected_components(graph.subgraph(whole - {node}))
                hanging = [len(part & set(uses)) for part in rest]
                # what hangs on one node has tests of its own
                assume(not any(2 <= n <= len(whole & set(uses)) / 2 for n in hanging))
        found = [{a for a in part if a in uses} for part in nx.connected_components(graph)]
        return sorted(found, key=lambda part: (-len(part), min(part)))

    expected: set[frozenset[str]] = set()
    keep: dict[int, set[str]] = {}
    for operator, members in groups.items():
        found = []
        homes: set[str] = set()
        for whole in parts(members, 0):
            first, *more = [part for part in parts(members, MOSTLY) if part <= whole]
            alone = [part for part in more if len(part) >= min_size]
            main = next(part for part in parts(members, FOREIGN) if first <= part)
            homes = homes.union(*(p for p in more if 1 < len(p) < min_size and not p <= main))
            found += [whole.difference(*alone, homes), *alone]
        found.sort(key=lambda part: (-len(part), min(part)))
        # who is tied to nobody stays where the largest part does
        tied = homes.union(*found)
        keep[operator] = (set(members) - tied) | (found[0] if found else set())
        expected |= {frozenset(part) for part in [keep[operator], *found[1:]]}
    split(engine, min_size)
    found_now = operators(engine)
    assert {frozenset(members) for members in found_now.values()} == expected
    for operator, kept in keep.items():
        assert found_now[operator] == kept


FARM: Uses = {f"m{n}": [("ip", f"30.0.{n % 3}.1"), ("payment", f"c{n % 2}")] for n in range(6)}


def split_up(uses: Uses) -> list[set[str]]:
    """The operators of four accounts or more after `split`, if all were one."""
    engine = ready(uses, {1: list(uses)})
    share_all(engine)
    split(engine, 4)
    return sorted(operators(engine).values(), key=lambda members: (-len(members), min(members)))


def test_a_home_behind_one_exit_belongs_to_nobody() -> None:
    home = [("ip", "30.0.0.1"), ("device", "tablet"), ("payment", "family")]
    alone = {f"h{n}": home[1:] for n in range(2)}
    assert split_up({**FARM, "h9": home, **alone}) == [{f"m{n}" for n in range(6)}]


def test_firms_with_one_contractor_are_several() -> None:
    firms = {
        f"{firm}{n}": [("ip", f"40.{firm}.1.1"), ("payment", f"{firm}"), ("device", f"{firm}-pc")]
        for firm in (1, 2)
        for n in range(4)
    }
    contractor = [use for firm in (1, 2) for use in firms[f"{firm}0"][:2]]
    found = split_up({**firms, "contractor": contractor})
    assert sorted(len(part) for part in found) == [4, 5]
    assert {frozenset(p - {"contractor"}) for p in found} == {
        frozenset(f"{firm}{n}" for n in range(4)) for firm in (1, 2)
    }


def test_of_a_cards_users_who_come_by_an_exit_must_be_two() -> None:
    farm = {f"m{n}" for n in range(6)}
    card = {f"r{n}": [("payment", "shared")] for n in range(4)}
    one = {"r9": [("payment", "shared"), ("ip", "30.0.0.1")]}
    assert split_up({**FARM, **card, **one}) == [farm, {*card, *one}]
    two = {**one, "r8": [("payment", "shared"), ("ip", "30.0.1.1")]}
    assert split_up({**FARM, **card, **two}) == [{*farm, *card, *two}]


def two_people() -> Uses:
    """Four accounts each, and a phone that one sold to the other."""
    return {
        f"{who}{n}": [
            ("payment", f"card of {who}"),
            ("phone", f"phone of {who}"),
            *([("device", "sold")] if n < 2 else []),
        ]
        for who in ("ann", "bob")
        for n in range(4)
    }


def test_two_people_and_a_phone_are_nobody_in_the_end() -> None:
    uses = two_people()
    for settled, left in ((False, 8), (True, 0)):
        engine = ready(uses, {0: sorted(uses)})
        share_all(engine)
        split(engine, 5, settled=settled)
        # drop_small takes the rest
        assert sum(len(part) for part in operators(engine).values() if len(part) >= 5) == left


def test_one_card_for_all_is_no_slight_tie() -> None:
    """Two devices on three accounts each: a ring, though each three hang on the card."""
    uses: Uses = {f"r{n}": [("payment", "c"), ("device", f"d{n // 3}")] for n in range(6)}
    engine = ready(uses, {0: sorted(uses)})
    share_all(engine)
    split(engine, 5, settled=True)
    assert operators(engine) == {0: set(uses)}


def two_farms(own: Sequence[int], both: Sequence[int], crossed: bool = False) -> Uses:
    """Two dozens with cards and exits of their own, or in common, and templates: each its own, and
    some of both."""
    return {
        f"{name}{n:02}": [
            ("payment", f"card {'' if crossed else name} {n % 3}"),
            ("ip", f"30.{farm}.{n % 4}.1"),
            *[("prompt", f"{name} {t}") for t in own],
            *[("prompt", f"both {t}") for t in both],
        ]
        for farm, name in enumerate("ab")
        for n in range(12)
    }


def test_farms_that_only_texts_tie_are_several() -> None:
    for own, both, crossed, parts in (
        ((1, 2, 3), (1,), False, 2),
        # one set of templates, or one stock of cards, is one hand's
        ((1,), (1, 2, 3), False, 1),
        ((1, 2, 3), (1,), True, 1),
    ):
        uses = two_farms(own, both, crossed)
        engine = ready({**strangers(300), **uses}, {0: sorted(uses)})
        find_signals(engine)
        split(engine, 5, settled=True)
        assert sorted(map(len, operators(engine).values())) == [24 // parts] * parts


def test_farms_are_not_told_apart_by_texts_that_are_missing() -> None:
    uses = {
        account: [signal for signal in own if account[0] == "a" or signal[0] != "prompt"]
        for account, own in two_farms((), (1, 2, 3)).items()
    }
    uses["a00"] = [*uses["a00"], ("payment", "card b 0")]
    engine = ready({**strangers(300), **uses}, {0: sorted(uses)})
    find_signals(engine)
    split(engine, 5, settled=True)
    assert sorted(map(len, operators(engine).values())) == [24]


def test_who_lives_behind_an_exit_ties_no_farms() -> None:
    uses = {account: list(own) for account, own in two_farms((1, 2, 3), (1,)).items()}
    uses["b00"].append(("ip", "30.0.0.1"))
    engine = ready({**strangers(300), **uses}, {0: sorted(uses)})
    find_signals(engine)
    split(engine, 5, settled=True)
    assert sorted(map(len, operators(engine).values())) == [12, 12]


def wave(name: str, cards: Sequence[int], templates: Sequence[int]) -> Uses:
    """Twelve accounts that deal out these cards and templates."""
    return {
        f"{name}{n:02}": [
            ("payment", f"c{cards[n % len(cards)]}"),
            ("prompt", f"t{templates[n // 2 % len(templates)]}"),
        ]
        for n in range(12)
    }


def joined(uses: Uses, waves: str) -> list[set[str]]:
    """What becomes of operators that are a wave each."""
    engine = ready(
        uses, {n: [a for a in uses if a.startswith(name)] for n, name in enumerate(waves)}
    )
    join(engine, 5)
    return sorted(operators(engine).values(), key=min)


def test_waves_that_hand_on_half_of_their_stock_are_one() -> None:
    uses = {
        **wave("a", [0, 1, 2, 3], [0, 1]),
        **wave("b", [2, 3, 4, 5], [1, 2]),
        **wave("c", [4, 5, 6, 7], [2, 3]),
        **wave("d", [20, 21], [20, 21]),
    }
    found = joined(uses, "abcd")
    assert found == [{a for a in uses if a[0] != "d"}, {a for a in uses if a[0] == "d"}]


def test_one_family_of_kinds_ties_no_two_operators() -> None:
    """The same templates and other cards, or the same cards and other templates."""
    for cards, templates in (([10, 11], [0, 1]), ([0, 1], [10, 11])):
        uses = {**wave("a", [0, 1], [0, 1]), **wave("b", cards, templates)}
        assert len(joined(uses, "ab")) == 2


def test_what_few_have_or_others_use_ties_no_two_operators() -> None:
    one, other = wave("a", [0, 1], [0, 1]), wave("b", [10, 11], [10, 11])
    few = {**one, **other, "b00": [("payment", "c0"), ("prompt", "t0")]}
    assert len(joined(few, "ab")) == 2
    strangers = {f"x{n}": [("payment", "c5"), ("prompt", "t5")] for n in range(40)}
    popular = {**wave("a", [0, 5], [0, 5]), **wave("b", [10, 5], [10, 5]), **strangers}
    assert len(joined(popular, "ab")) == 2


def test_a_fault_of_the_export_ties_no_two_operators() -> None:
    """A mailbox of an import is on 200 of one; a few of each have something of both."""
    imported = {
        f"i{n:03}": [("email", "all@import.org"), ("payment", f"own-{n}")] for n in range(200)
    }
    fleet = {f"f{n:02}": [("payment", f"c{n % 4}"), ("prompt", f"t{n % 3}")] for n in range(60)}
    for n in range(8):
        imported[f"i{n:03}"] = [("email", "all@import.org"), ("payment", f"c{n % 4}")]
        fleet[f"f{n:02}"].append(("email", "all@import.org"))
    assert len(joined({**imported, **fleet}, "if")) == 2


def test_what_was_left_whole_is_looked_at_once() -> None:
    """Until its members or its signals change."""
    pairs = {f"a{n}": [("payment", f"c{n // 5}"), ("ip", "30.1.1.1")] for n in range(10)}
    uses = {**pairs, **{f"b{n}": [("payment", "b"), ("ip", "30.2.1.1")] for n in range(6)}}
    engine = ready({**uses, **strangers(100)}, {0: list(pairs), 1: [f"b{n}" for n in range(6)]})

    def looked_at() -> set[int]:
        find_signals(engine)
        split(engine, 5)
        return {operator for (operator,) in engine.rows("SELECT operator FROM unsplit")}

    assert looked_at() == {0, 1}
    assert looked_at() == set()
    engine.run("DELETE FROM attributed WHERE account = (SELECT max(account) FROM attributed)")
    assert looked_at() == {1}
    split(engine, 5, settled=True)
    assert engine.value("SELECT count(*) FROM unsplit") == 2
