"""Every export is read back by the reader its users have, and says what the case says."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import cases
import duckdb
import networkx as nx
import pytest
import stix2
from cases import OPERATORS, Typed
from exports import READERS, read_cypher

from linkage import export
from linkage.case import Case
from linkage.errors import CaseError, InputError, MissingExtraError
from linkage.export import FORMATS
from linkage.export.graph import EDGES, NODES, Graph

DOCS = Path(__file__).parents[1] / "docs"
SUSPICIOUS, HONEST = OPERATORS
Named = dict[Any, dict[str, Any]]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cases.write(tmp_path_factory.mktemp("plain") / "case")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    accounts, operators = cases.hostile()
    return cases.write(tmp_path_factory.mktemp("hostile") / "case", accounts, operators)


def utc(time: Any) -> str:
    return str(time.isoformat()) + "Z"


def expected(case: Case, operators: list[str], everything: bool = False) -> tuple[Named, Named]:
    """Nodes and edges by name, from what the case answers to questions of its own."""
    nodes: Named = {}
    edges: Named = {}
    for operator in operators:
        graph = case.graph(operator, everything)
        weights = {(e.kind, e.value): e.weight for e in case.evidence(operator).itertuples()}
        for node, data in graph.nodes.items():
            if data["bipartite"] == 0:
                account = case.account(node)
                assert account.membership is not None
                nodes[node] = {
                    "bipartite": 0,
                    "account_id": node,
                    "confidence": data["confidence"],
                    "operator_id": operator,
                    "verdict": account.membership.verdict,
                    "weight": account.membership.evidence,
                    "signals": graph.degree(node),
                    "created_at": utc(account.created_at),
                    "first_seen": utc(account.first_seen),
                    "last_seen": utc(account.last_seen),
                    "n": account.rows,
                }
        for a, b, data in graph.edges(data=True):
            account_id, signal = (a, b) if isinstance(b, tuple) else (b, a)
            known = {"n": data["n"], "weight": weights.get(signal)}
            known |= {name: data[name] + "Z" for name in ("first_seen", "last_seen")}
            edges[account_id, signal] = {k: v for k, v in known.items() if v is not None}
    return nodes, edges


def written(
    case: Path, form: str, folder: Path, operator: str | None = None, **options: Any
) -> tuple[Named, Named, Named]:
    """What a format's reader finds: accounts, signals and edges, by what they stand for."""
    path = folder / "written"
    export.write(case, form, path, operator, **options)
    nodes, edges = READERS[form](path)
    names = {
        id_: n["account_id"] if "account_id" in n else (n["kind"], n["value"])
        for id_, n in nodes.items()
    }
    accounts = {names[i]: n for i, n in nodes.items() if "account_id" in n}
    signals = {names[i]: n for i, n in nodes.items() if "kind" in n}
    return accounts, signals, {(names[a], names[b]): d for (a, b), d in edges.items()}


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("operator", [None, SUSPICIOUS])
@pytest.mark.parametrize("everything", [False, True])
def test_reads_back(
    form: str, operator: str | None, everything: bool, out: Path, tmp_path: Path
) -> None:
    accounts, signals, edges = written(out, form, tmp_path, operator, everything=everything)
    with Case(out) as case:
        wanted = expected(case, [operator] if operator else list(OPERATORS), everything)
    left_out = {"key"} if form in ("cypher", "neo4j") else set()
    bare = {"bipartite"} if left_out else set()
    assert {n: {k: d[k] for k in d if k != "key"} for n, d in accounts.items()} == {
        n: {k: d[k] for k in d if k not in bare} for n, d in wanted[0].items()
    }
    assert edges == wanted[1]
    assert set(signals) == {signal for _, signal in wanted[1]}


@pytest.mark.parametrize("form", ["graphml", "gexf", "json", "csv", "parquet"])
def test_signals(form: str, out: Path, tmp_path: Path) -> None:
    _, signals, _ = written(out, form, tmp_path)
    card, template = signals["payment", "card-1"], signals["prompt", "do <x>"]
    assert (card["members"], card["accounts"]) == (3, 3)
    assert (card["operator_id"], card["verdict"]) == (SUSPICIOUS, "sockpuppets")
    # cat's operator has no other member that uses it, so it speaks for dan's and eve's alone
    assert (template["members"], template["accounts"]) == (2, 3)
    assert template["operator_id"] == HONEST
    assert template["n"] == 4
    assert template["bipartite"] == 1


def test_a_signal_of_several_operators_is_of_none(out: Path, tmp_path: Path) -> None:
    _, signals, edges = written(out, "json", tmp_path, everything=True)
    assert "operator_id" not in signals["prompt", "do <x>"]
    assert "weight" not in edges["cat", ("prompt", "do <x>")]
    assert "weight" in edges["dan", ("prompt", "do <x>")]


@pytest.mark.parametrize("form", ["json", "csv", "parquet", "cypher", "neo4j"])
def test_hostile_values_read_back(form: str, hostile: Path, tmp_path: Path) -> None:
    accounts, _, edges = written(hostile, form, tmp_path)
    with Case(hostile) as case:
        wanted = expected(case, list(OPERATORS))
    assert set(accounts) == set(wanted[0])
    assert edges == wanted[1]


def test_no_cell_is_a_formula(hostile: Path, tmp_path: Path) -> None:
    import csv

    export.write(hostile, "csv", tmp_path / "out")
    with (tmp_path / "out" / "nodes.csv").open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    assert any(cell.startswith("'=") for row in rows for cell in row)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for r in rows for cell in r)


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_case_gives_the_same_bytes(form: str, out: Path, tmp_path: Path) -> None:
    first = export.write(out, form, tmp_path / "first", SUSPICIOUS)
    second = export.write(out, form, tmp_path / "second", SUSPICIOUS)
    for one, other in zip(first.files, second.files, strict=True):
        assert Path(one).read_bytes() == Path(other).read_bytes()


def test_gephi_gets_a_drawing(out: Path, tmp_path: Path) -> None:
    export.write(out, "gexf", tmp_path / "out")
    nodes = nx.read_gexf(tmp_path / "out").nodes
    places = {(d["viz"]["position"]["x"], d["viz"]["position"]["y"]) for d in nodes.values()}
    assert len(places) == len(nodes)
    colours = {}
    for data in nodes.values():
        side = data["verdict"] if data["bipartite"] == 0 else data["kind"]
        colours.setdefault(side, set()).add(tuple(data["viz"]["color"].values()))
        assert data["viz"]["size"] > 0
        assert data["label"] == data.get("account_id", data.get("value"))
    assert all(len(found) == 1 for found in colours.values())
    assert colours["sockpuppets"] != colours["organisation"]
    assert colours["payment"] != colours["ip"]

    export.write(out, "graphml", tmp_path / "out")
    drawn = nx.read_graphml(tmp_path / "out").nodes
    assert {(d["x"], d["y"]) for d in drawn.values()} == places
    assert all(0 <= d[c] <= 255 for d in drawn.values() for c in "rgb")


def test_operators_are_drawn_apart(opened: Case, tmp_path: Path) -> None:
    export.write(opened, "gexf", tmp_path / "out")
    nodes = nx.read_gexf(tmp_path / "out").nodes
    boxes: dict[str, list[tuple[float, float]]] = {}
    for data in nodes.values():
        if data["bipartite"] == 0:
            at = data["viz"]["position"]
            boxes.setdefault(data["operator_id"], []).append((at["x"], at["y"]))
    assert len(boxes) > 5
    places = [place for own in boxes.values() for place in own]
    assert len(set(places)) == len(places) == len(opened.members)
    edges = [
        (min(x), min(y), max(x), max(y))
        for x, y in (zip(*own, strict=True) for own in boxes.values())
    ]
    for number, (left, low, right, high) in enumerate(edges):
        for other in edges[number + 1 :]:
            assert right < other[0] or other[2] < left or high < other[1] or other[3] < low


def test_a_script_can_be_run_again_and_cases_meet(
    out: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # another case, in which the same card has another number
    accounts = {**cases.PLAIN, "aaa": [("payment", "card-1"), ("device", "a-first")]}
    operators = {"OP-NEW333": ["aaa", "ann"]}
    other = cases.write(tmp_path_factory.mktemp("other") / "case", accounts, operators)
    export.write(out, "cypher", tmp_path / "one")
    export.write(other, "cypher", tmp_path / "two")
    once, edges = read_cypher(tmp_path / "one")
    assert read_cypher(tmp_path / "one", tmp_path / "one") == (once, edges)
    both, met = read_cypher(tmp_path / "one", tmp_path / "two")
    cards = [key for key, n in both.items() if n.get("value") == "card-1"]
    assert len(cards) == 1
    users = {both[a]["account_id"] for a, s in met if s == cards[0]}
    assert users == {"aaa", "ann", "bob", "cat"}


class TestStix:
    def bundle(self, case: Path, folder: Path, **options: Any) -> Any:
        export.write(case, "stix", folder / "out", **options)
        return stix2.parse((folder / "out").read_text(encoding="utf-8"))

    def of(self, bundle: Any, kind: str) -> list[Any]:
        return [thing for thing in bundle.objects if thing.type == kind]

    def test_accounts_belong_with_their_confidence(self, out: Path, tmp_path: Path) -> None:
        bundle = self.bundle(out, tmp_path)
        ids = {thing.user_id: thing.id for thing in self.of(bundle, "user-account")}
        assert set(ids) == {name for own in OPERATORS.values() for name in own}
        # as the standard says an account's id is made, by another's hand
        assert ids["ann"] == stix2.v21.UserAccount(user_id="ann").id
        [hand] = self.of(bundle, "intrusion-set")
        related = {
            thing.source_ref: thing.confidence
            for thing in self.of(bundle, "relationship")
            if thing.relationship_type == "related-to"
        }
        assert related == {ids["ann"]: 99, ids["bob"]: 98, ids["cat"]: 97}
        groups = {thing.name: thing for thing in self.of(bundle, "grouping")}
        assert groups[SUSPICIOUS].context == "suspicious-activity"
        assert {hand.id, *related} < set(groups[SUSPICIOUS].object_refs)
        present = {thing.id for thing in bundle.objects}
        assert len(present) == len(bundle.objects)
        for group in groups.values():
            assert set(group.object_refs) <= present

    def test_indicators(self, out: Path, tmp_path: Path) -> None:
        indicators = self.of(self.bundle(out, tmp_path), "indicator")
        assert {i.pattern for i in indicators} == {
            "[ipv4-addr:value = '8.8.8.8']",
            "[ipv4-addr:value = '8.8.8.0/24']",
            "[x-linkage-signal:kind = 'payment' AND x-linkage-signal:value = 'card-1']",
        }
        assert {i.confidence for i in indicators} == {100}

    def test_nobody_but_sockpuppets_is_indicated(self, out: Path, tmp_path: Path) -> None:
        bundle = self.bundle(out, tmp_path, operator=HONEST)
        assert {thing.type for thing in bundle.objects} == {"identity", "user-account", "grouping"}
        assert self.of(bundle, "grouping")[0].context == "unspecified"

    def test_what_others_use_more_is_not_indicated(self, tmp_path: Path) -> None:
        operators = {"OP-AAA111": ["ann", "bob"], "OP-AAB222": ["dan", "eve"]}
        accounts = {name: [("payment", "shared")] for name in cases.PLAIN}
        case = cases.write(tmp_path / "case", accounts, operators)
        assert not self.of(self.bundle(case, tmp_path), "indicator")

    def test_hashed(self, out: Path, tmp_path: Path) -> None:
        key = b"a secret of sixteen"
        things = self.bundle(out, tmp_path, key=key).objects
        text = json.dumps([dict(thing) for thing in things], default=str)
        for value in ("card-1", "8.8.8.8", "ann"):
            assert f"'{value}'" not in text
            digest = hmac.new(key, value.encode(), hashlib.sha256).hexdigest()
            assert digest in text

    def test_missing(self, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "stix2", None)
        monkeypatch.delitem(sys.modules, "linkage.export.stix", raising=False)
        with pytest.raises(MissingExtraError, match=r"pip install 'linkage\[stix\]'"):
            export.write(out, "stix", tmp_path / "out")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", [name for name in FORMATS if name != "html"])
def test_no_raw_value_is_in_a_hashed_export(form: str, opened: Case, tmp_path: Path) -> None:
    import gzip

    key = b"a secret of sixteen"
    done = export.write(opened, form, tmp_path / "out", key=key)
    data = b""
    for name in done.files:
        found = Path(name).read_bytes()
        data += gzip.decompress(found) if name.endswith(".gz") else found
    account = opened.members["account_id"][0]
    evidence = opened.arrow("evidence").to_pylist()
    values = {row["value"] for row in evidence if row["kind"] in ("ip", "payment", "prompt")}
    assert len(values) > 50
    if form != "parquet":
        assert hmac.new(key, account.encode(), hashlib.sha256).hexdigest().encode() in data
    assert not [v for v in {account, *values} if v.encode() in data]
    for value in values:
        plain = hashlib.sha256(f"ip\0{value}".encode()).hexdigest()[:32]
        assert plain.encode() not in data


def test_html_is_about_one_operator(out: Path, tmp_path: Path) -> None:
    export.write(out, "html", tmp_path / "one.html", SUSPICIOUS)
    text = (tmp_path / "one.html").read_text(encoding="utf-8")
    assert SUSPICIOUS in text
    assert '"cat"' in text
    for other in (HONEST, '"dan"', "phone-7", "card-2", "10.0.0.1"):
        assert other not in text
    with pytest.raises(InputError, match="Name it with --operator"):
        export.write(out, "html", tmp_path / "all.html")


class TestPlace:
    def test_only_the_owner_can_read_it(self, out: Path, tmp_path: Path) -> None:
        done = export.write(out, "csv", tmp_path / "deep" / "out")
        assert stat.S_IMODE((tmp_path / "deep" / "out").stat().st_mode) == 0o700
        assert {stat.S_IMODE(Path(file).stat().st_mode) for file in done.files} == {0o600}

    @pytest.mark.parametrize("form", ["graphml", "csv"])
    def test_whole_or_not_at_all(
        self, form: str, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = export.write(out, form, tmp_path / "out", SUSPICIOUS)
        before = {file: Path(file).read_bytes() for file in first.files}

        def full(*_: object, **__: object) -> Any:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Graph, "edges", full)
        with pytest.raises(InputError, match=r"No space left on device\. What was there before"):
            export.write(out, form, tmp_path / "out")
        assert {file: Path(file).read_bytes() for file in first.files} == before
        assert [entry.name for entry in tmp_path.iterdir()] == ["out"]

    @pytest.mark.parametrize("form", ["json", "parquet"])
    def test_an_earlier_export_is_replaced(self, form: str, out: Path, tmp_path: Path) -> None:
        export.write(out, form, tmp_path / "out", HONEST)
        again = export.write(out, form, tmp_path / "out")
        assert again.accounts == 5
        assert len(READERS[form](tmp_path / "out")[0]) == again.accounts + again.signals
        assert [entry.name for entry in tmp_path.iterdir()] == ["out"]

    def test_nothing_else_is_replaced(self, out: Path, tmp_path: Path) -> None:
        (tmp_path / "notes").mkdir()
        (tmp_path / "notes" / "note.txt").write_text("mine")
        (tmp_path / "file").write_text("mine")
        for form, place, says in (
            ("csv", tmp_path / "notes", 'other things in it \\(first: "note.txt"\\)'),
            ("csv", tmp_path / "file", "is a file, and a folder is to be written"),
            ("json", tmp_path / "notes", "is a folder, and a file is to be written"),
            ("csv", out, "belongs to the case itself"),
            ("json", out / "case.duckdb", "belongs to the case itself"),
            ("json", out / "report" / "index.html", "belongs to the case itself"),
        ):
            with pytest.raises(InputError, match=says):
                export.write(out, form, place)
        assert (tmp_path / "notes" / "note.txt").read_text() == "mine"
        Case(out).close()

    def test_a_link_stays_a_link(self, out: Path, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "there")
        export.write(out, "json", tmp_path / "link")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "there").is_file()

    def test_neither_file_nor_folder(self, out: Path) -> None:
        with pytest.raises(InputError, match="neither a file nor a folder"):
            export.write(out, "json", Path("/dev/null"))

    def test_no_room_to_spill(
        self, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object, **__: object) -> Any:
            raise duckdb.OutOfMemoryException("Out of Memory Error: failed to offload data\nmore")

        monkeypatch.setattr(Graph, "edges", full)
        with pytest.raises(InputError, match=r"failed to offload data\. .* Make room"):
            export.write(out, "json", tmp_path / "out")
        assert list(tmp_path.iterdir()) == []

    def test_a_damaged_case(self, tmp_path: Path) -> None:
        case = cases.write(tmp_path / "case")
        os.truncate(case / "case.duckdb", 5000)
        with pytest.raises(CaseError, match="can't be read"):
            export.write(case, "json", tmp_path / "out")

    def test_a_case_that_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(CaseError, match="no such folder"):
            export.write(tmp_path / "case", "json", tmp_path / "out")
        assert list(tmp_path.iterdir()) == []


class TestCommand:
    def test_json(self, out: Path, tmp_path: Path, typed: Typed) -> None:
        place = tmp_path / "out"
        code, printed, complaints = typed(
            *("export", out, "--format", "csv", "--out", place, "--operator", "AAA", "--json")
        )
        assert (code, complaints) == (0, "")
        assert json.loads(printed) == {
            "format": "csv",
            "operator_id": SUSPICIOUS,
            "path": str(place),
            "files": {
                str(place / name): (place / name).stat().st_size
                for name in ("nodes.csv", "edges.csv")
            },
            "accounts": 3,
            "signals": 3,
            "edges": 7,
        }

    def test_text(self, out: Path, tmp_path: Path, typed: Typed) -> None:
        code, printed, _ = typed("export", out, "--format", "gexf", "--out", tmp_path / "x.gexf")
        assert code == 0
        assert printed.splitlines()[0] == "5 accounts, 5 signals, 11 edges"
        assert str(tmp_path / "x.gexf") in printed

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["--format", "gexff"], 'no format "gexff". Did you mean "gexf"?'),
            (["--format", "dot"], "Known: csv, cypher, gexf, graphml, html, json"),
            (["--format", "csv", "--operator", "OP-AAA112"], 'Did you mean "OP-AAA111"'),
            (["--format", "html"], "Name it with --operator"),
            (["--format", "csv", "--key", "k"], "--key is the secret of --hash-values"),
            (["--format", "csv", "--hash-values", "--key", "no-such"], "No such file"),
        ],
    )
    def test_wrong(
        self, arguments: list[str], says: str, out: Path, tmp_path: Path, typed: Typed
    ) -> None:
        code, printed, complaint = typed("export", out, "--out", tmp_path / "out", *arguments)
        assert (code, printed) == (2, "")
        assert says in complaint
        assert list(tmp_path.iterdir()) == []

    def test_a_key_that_can_be_guessed(self, out: Path, tmp_path: Path, typed: Typed) -> None:
        (tmp_path / "key").write_text("secret\n")
        arguments = ("--format", "stix", "--out", tmp_path / "out", "--key", tmp_path / "key")
        code, _, complaint = typed("export", out, *arguments, "--hash-values")
        assert code == 2
        assert "6 bytes are too easy to guess" in complaint


@pytest.mark.parametrize("table", [NODES, EDGES], ids=lambda table: table.name)
def test_every_column_is_documented(table: Any) -> None:
    text = (DOCS / "exports.md").read_text(encoding="utf-8")
    for column in table.columns:
        assert f"| `{column.name}` | {column.type.lower()} | {column.meaning} |" in text


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_documented(form: str) -> None:
    assert f"`{form}`" in (DOCS / "exports.md").read_text(encoding="utf-8")


def test_no_operators(tmp_path: Path) -> None:
    case = cases.write(tmp_path / "case", operators={})
    for form, reader in READERS.items():
        done = export.write(case, form, tmp_path / form)
        assert (done.accounts, done.edges) == (0, 0)
        assert reader(tmp_path / form) == ({}, {})
    export.write(case, "stix", tmp_path / "stix")
    assert len(stix2.parse((tmp_path / "stix").read_text()).objects) == 1


def test_addresses_of_both_versions(tmp_path: Path) -> None:
    from linkage.export import stix

    for value in ("2001:db8::/64", "2001:db8::1", "192.0.2.0/24", "192.0.2.1"):
        kind = f"ipv{ipaddress.ip_network(value).version}-addr"
        assert stix._observable("ip", value).type == kind
    assert stix._observable("ip", "n/a") is None
    assert stix._observable("website", "exa mple.org") is None
