"""The case as it is read: what is refused, what is answered."""

from __future__ import annotations

import json
import math
import os
from itertools import pairwise
from pathlib import Path

import duckdb
import networkx as nx
import pytest
from cases import OPERATORS, build, write
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.case import Case, chains
from linkage.case.views import Belonging, Chains
from linkage.engine import DuckDBEngine
from linkage.errors import CaseError, InputError


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return write(tmp_path / "case")


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case that nobody changes."""
    return write(tmp_path_factory.mktemp("lasting") / "case")


def beside(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.parent.iterdir())


class TestOpen:
    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(CaseError) as error:
            Case(tmp_path / "cse")
        assert str(error.value) == (
            f"{tmp_path}/cse: no such folder. A case is what a run writes: "
            f"linkage run INPUT... --out {tmp_path}/cse"
        )

    def test_no_case(self, tmp_path: Path) -> None:
        with pytest.raises(CaseError, match=r"is no case: there is no case\.duckdb in it"):
            Case.open(tmp_path)

    def test_truncated(self, out: Path) -> None:
        os.truncate(out / "case.duckdb", 5000)
        with pytest.raises(CaseError, match=r"case\.duckdb can't be read; .*Move it away"):
            Case(out)

    def test_a_table_is_missing(self, out: Path) -> None:
        with duckdb.connect(str(out / "case.duckdb")) as connection:
            connection.execute("DROP TABLE edges")
        with pytest.raises(CaseError, match="its table edges is missing or was changed"):
            Case(out)

    def test_another_version(self, out: Path) -> None:
        with duckdb.connect(str(out / "case.duckdb")) as connection:
            connection.execute("UPDATE meta SET value = '7' WHERE key = 'schema_version'")
        with pytest.raises(CaseError, match=r"version 7 of the case format.*reads versions 1 to 5"):
            Case(out)

    def test_somebody_elses_database(self, tmp_path: Path) -> None:
        with duckdb.connect(str(tmp_path / "case.duckdb")) as connection:
            connection.execute("CREATE TABLE t (x INTEGER)")
        with pytest.raises(CaseError, match=r"can't be read; .*meta"):
            Case(tmp_path)

    def test_no_permission(self, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        exists = Path.exists

        def denied(path: Path) -> bool:
            if path.name == "case.duckdb":
                raise PermissionError(13, "Permission denied")
            return exists(path)

        monkeypatch.setattr(Path, "exists", denied)
        with pytest.raises(CaseError, match=r"no permission\. A case is readable by its owner"):
            Case(out)

    def test_recovers_from_a_kill_between_two_renames(self, out: Path) -> None:
        out.rename(out.with_name(".case.old-abcd1234"))
        with Case(out) as opened:
            assert len(opened.operators) == 2
        assert beside(out) == ["case"]

    def test_the_run_is_that_of_what_was_opened(self, out: Path) -> None:
        with Case(out) as opened:
            write(out)
            assert opened.run["run"] == 1


class TestAnswers:
    @pytest.fixture
    def opened(self, lasting: Path):
        with Case(lasting) as opened:
            yield opened

    def test_frames(self, opened: Case) -> None:
        assert list(opened.operators["operator_id"]) == list(OPERATORS)
        assert list(opened.members["account_id"]) == ["ann", "bob", "cat", "dan", "eve"]
        assert list(opened.evidence("OP-AAA111")["value"]) == ["8.8.8.8", "8.8.8.0/24", "card-1"]
        assert list(opened.scorecard("OP-AAA111")["item"]) == ["cards", "mail"]
        assert list(opened.rejected["reason"]) == ["private address", "not an address"]

    def test_account(self, opened: Case) -> None:
        dan = opened.account("dan")
        assert dan.membership is not None
        assert dan.membership.operator_id == "OP-AAB222"
        assert [(s.kind, s.value, s.others) for s in dan.signals] == [
            ("device", "phone-7", 1),
            ("payment", "card-2", 1),
            ("prompt", "do <x>", 2),
        ]
        gus = opened.account("gus")
        assert gus.membership is None
        assert gus.signals[-1].ignored == "too common"
        cat = opened.account("cat")
        assert cat.alternative is not None
        assert cat.alternative.operator_id == "OP-AAB222"
        assert cat.alternative.signals == 1
        json.dumps(cat.as_dict(), default=str)

    def test_the_largest_first(self, tmp_path: Path) -> None:
        operators = {"OP-AAB222": OPERATORS["OP-AAB222"], "OP-AAA111": OPERATORS["OP-AAA111"]}
        with Case(write(tmp_path / "case", operators=operators)) as opened:
            for order, sizes in (("rank", [2, 3]), ("accounts", [3, 2])):
                assert [o.accounts for o in opened.list_operators(sort=order)] == sizes
            assert [o.accounts for o in opened.list_operators(top=1, sort="accounts")] == [3]

    def test_show(self, opened: Case) -> None:
        shown = opened.show("OP-AAA111", top=2)
        assert [m.account_id for m in shown.members] == ["ann", "bob"]
        assert shown.more_members == 1
        assert [e.kind for e in shown.evidence] == ["payment", "ip", "ip_range"]
        assert [(str(d.day), d.sign_ups, d.active, d.rows) for d in shown.timeline] == [
            ("2024-03-01", 3, 3, 6),
            ("2024-03-02", 0, 3, 3),
        ]

    @pytest.mark.parametrize("name", ["OP-AAA", "aaa", "AAA111", "op-aaa111", " OP-AAA111 "])
    def test_short_operator_ids(self, opened: Case, name: str) -> None:
        assert opened.show(name).operator.operator_id == "OP-AAA111"

    def test_unknown_operator(self, opened: Case, lasting: Path) -> None:
        with pytest.raises(InputError) as error:
            opened.show("AA")
        assert str(error.value) == (
            'operator "AA" could be any of OP-AAA111, OP-AAB222. Type more of it.'
        )
        with pytest.raises(InputError) as error:
            opened.show("OP-AAA112")
        assert str(error.value) == (
            f'no operator "OP-AAA112" in {lasting}. Did you mean "OP-AAA111"? '
            f"List them: linkage operators {lasting}"
        )
        for name in ("", "  ", "%", "'; DROP TABLE operators; --"):
            with pytest.raises(InputError, match="no operator"):
                opened.evidence(name)

    def test_unknown_account(self, opened: Case, lasting: Path) -> None:
        with pytest.raises(InputError) as error:
            opened.account("anne")
        assert str(error.value) == f'no account "anne" in {lasting}. Did you mean "ann"?'
        with pytest.raises(InputError) as error:
            opened.account("zzzzzz")
        assert str(error.value).endswith('Its accounts look like "ann" and "bob".')

    def test_belonging(self, opened: Case) -> None:
        why = opened.explain("cat")
        assert isinstance(why, Belonging)
        assert why.operator is not None
        assert why.operator.operator_id == "OP-AAA111"
        assert [(e.value, e.members, e.others) for e in why.evidence] == [("card-1", 3, 0)]
        nobody = opened.explain("gus")
        assert isinstance(nobody, Belonging)
        assert nobody.membership is None
        assert nobody.evidence == ()

    def test_direct_chain(self, opened: Case) -> None:
        found = opened.explain("ann", "bob")
        assert isinstance(found, Chains)
        assert found.same_operator == "OP-AAA111"
        links = [(c.links[0].kind, c.links[0].others) for c in found.chains]
        # the range says nothing that the address does not say
        assert links == [("ip", 0), ("payment", 1)]
        first = [c.links[0] for c in found.chains]
        inside = [(link.members, link.outsiders, link.weight) for link in first]
        assert inside == [(2, 0, 4.99), (3, 0, 4.97)]
        [link] = opened.chains("fay", "gus").chains[0].links
        assert (link.others, link.members, link.outsiders, link.weight) == (0, None, None, None)

    def test_the_strongest_of_each_kind_comes_first(self, tmp_path: Path) -> None:
        """Not what the fewest share: a hundred outsiders at an address, none at the templates."""
        own = [("prompt", f"do <{n}>") for n in range(5)] + [("ip", f"9.9.9.{n}") for n in range(3)]
        accounts = {f"in-{n}": own for n in range(9)}
        accounts |= {"in-0": [*own, ("payment", "card")], "in-1": [*own, ("payment", "card")]}
        accounts |= {f"out-{n}": [("ip", f"9.9.9.{n % 2}")] for n in range(6)}
        operator = [name for name in accounts if name.startswith("in")]
        with Case(write(tmp_path / "case", accounts, {"OP-AAA111": operator})) as opened:
            found = opened.chains("in-0", "in-1")
        assert [c.links[0].kind for c in found.chains] == ["ip", "payment", "prompt"]
        assert [c.links[0].value for c in found.chains] == ["9.9.9.2", "card", "do <0>"]
        assert (found.more, found.more_of) == (6, {"prompt": 4, "ip": 2})

    def test_longer_chains(self, opened: Case) -> None:
        found = opened.chains("ann", "dan")
        assert [(li.a, li.value, li.b) for li in found.chains[0].links] == [
            ("ann", "card-1", "cat"),
            ("cat", "do <x>", "dan"),
        ]
        assert found.same_operator is None
        far = opened.chains("cat", "gus").chains[0]
        assert [li.value for li in far.links] == ["do <x>", "phone-7", "card-3"]
        assert [li.b for li in far.links] == ["dan", "fay", "gus"]

    def test_ignored_signals_never_link(self, opened: Case) -> None:
        assert opened.chains("hal", "gus").chains == ()
        assert opened.chains("hal", "ann").chains == ()

    def test_an_account_and_itself(self, opened: Case) -> None:
        with pytest.raises(InputError, match='"ann" twice: a chain needs two accounts'):
            opened.explain("ann", "ann")

    def test_graphs(self, opened: Case) -> None:
        graph = opened.graph("OP-AAA111")
        assert nx.is_bipartite(graph)
        sides = nx.get_node_attributes(graph, "bipartite")
        assert sorted(n for n, side in sides.items() if side == 0) == ["ann", "bob", "cat"]
        assert graph.nodes[("payment", "card-1")] == {
            "bipartite": 1,
            "kind": "payment",
            "value": "card-1",
        }
        assert graph.degree[("payment", "card-1")] == 3
        assert graph["ann"][("payment", "card-1")] == {
            "n": 2,
            "first_seen": "2024-03-01T12:00:00",
            "last_seen": "2024-03-02T12:00:00",
        }
        assert ("prompt", "do <x>") in opened.graph("OP-AAA111", everything=True)
        other = opened.igraph("OP-AAA111")
        assert other.is_bipartite()
        assert other.vcount() == graph.number_of_nodes()
        assert other.ecount() == graph.number_of_edges()
        assert other.vs.select(account_id="ann")[0].degree() == graph.degree["ann"]
        assert set(other.es["n"]) == {2}


@st.composite
def small_graphs(draw) -> dict[str, list[tuple[str, str]]]:
    accounts = [f"a{i}" for i in range(draw(st.integers(2, 7)))]
    values = [("payment", f"v{i}") for i in range(draw(st.integers(1, 7)))]
    return {a: draw(st.lists(st.sampled_from(values), unique=True, max_size=4)) for a in accounts}


@given(accounts=small_graphs())
@settings(max_examples=40, deadline=None)
def test_the_strongest_chain_is_the_cheapest_path(accounts: dict[str, list]) -> None:
    """Dijkstra in networkx, over accounts that share a signal, is the oracle."""
    engine = build(DuckDBEngine(), accounts, {})
    graph = nx.Graph()
    graph.add_nodes_from(accounts)
    holders: dict[object, list[str]] = {}
    for account, used in accounts.items():
        for value in used:
            holders.setdefault(value, []).append(account)
    for value, sharing in holders.items():
        for a in sharing:
            for b in sharing:
                cost = math.log(len(sharing))
                if a < b and cost < graph.get_edge_data(a, b, {"cost": math.inf})["cost"]:
                    graph.add_edge(a, b, cost=cost, value=value)
    names = sorted(accounts)
    paths = [
        sum(graph[x][y]["cost"] for x, y in pairwise(path))
        for path in nx.all_simple_paths(graph, names[0], names[1], cutoff=3)
    ]
    found, _ = chains.find(engine.connection, 0, 1, 3)
    if graph.has_edge(names[0], names[1]):
        # direct links come first, even where a detour is cheaper
        assert found[0].cost == pytest.approx(graph[names[0]][names[1]]["cost"])
    elif paths:
        assert found[0].cost == pytest.approx(min(paths))
    else:
        assert found == ()
    for chain in found:
        ends = [chain.links[0].a, *(link.b for link in chain.links)]
        assert (ends[0], ends[-1]) == (names[0], names[1])
        assert len(set(ends)) == len(ends)
        for link in chain.links:
            sharing = holders[link.kind, link.value]
            assert link.a in sharing
            assert link.b in sharing
            assert link.others == len(sharing) - 2
    engine.close()
