"""The case folder: what is written, what is kept, what is answered, what survives."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path

import duckdb
import networkx as nx
import pytest
from cases import HOSTILE, OPERATORS, PLAIN, build, hostile
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import case
from linkage.case import Case, chains, place
from linkage.case.ids import match
from linkage.case.views import Belonging, Chains
from linkage.engine import DuckDBEngine
from linkage.errors import CaseError, InputError
from linkage.schema import TABLES

DETAILS = {"seed": 1, "inputs": [], "versions": {"linkage": "x"}}


def write(out: Path, accounts=PLAIN, operators=OPERATORS, add=None, **options) -> Path:
    engine = build(DuckDBEngine(), accounts, operators, **options)
    case.write(engine, out, dict(DETAILS), add)
    engine.close()
    return out


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return write(tmp_path / "case")


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def beside(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.parent.iterdir())


def contents(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


class TestWrite:
    def test_files(self, out: Path) -> None:
        assert beside(out) == ["case"]
        assert sorted(p.name for p in out.iterdir()) == [
            "case.duckdb",
            "members.csv",
            "operators.csv",
            "run.json",
        ]
        assert json.loads((out / "run.json").read_text()) == {**DETAILS, "run": 1}

    def test_lists(self, out: Path) -> None:
        seen = ["2024-03-01T12:00:00Z", "2024-03-03T12:00:00Z"]
        kinds, why = "payment prompt", "{} accounts, few cards"
        columns = "operator_id,verdict,score,accounts,q_value,kinds,first_seen,last_seen,why"
        assert rows(out / "operators.csv") == [
            columns.split(","),
            ["OP-AAA111", "sockpuppets", "0.9", "3", "0.01", kinds, *seen, why.format(3)],
            ["OP-AAB222", "organisation", "0.8", "2", "0.01", kinds, *seen, why.format(2)],
        ]
        assert rows(out / "members.csv") == [
            ["account_id", "operator_id", "verdict", "confidence"],
            ["ann", "OP-AAA111", "sockpuppets", "0.99"],
            ["bob", "OP-AAA111", "sockpuppets", "0.98"],
            ["cat", "OP-AAA111", "sockpuppets", "0.97"],
            ["dan", "OP-AAB222", "organisation", "0.99"],
            ["eve", "OP-AAB222", "organisation", "0.98"],
        ]

    def test_tables_are_those_of_the_schema(self, out: Path) -> None:
        with duckdb.connect(str(out / "case.duckdb"), read_only=True) as connection:
            found = {r[0] for r in connection.execute("SHOW TABLES").fetchall()}
            assert found == {t.name for t in TABLES.values() if t.kept} | {"meta"}
            meta = dict(connection.execute("FROM meta").fetchall())
        assert meta["schema_version"] == "1"

    def test_readable_by_its_owner_only(self, tmp_path: Path) -> None:
        def add(folder: Path) -> None:
            (folder / "report").mkdir(mode=0o777)
            (folder / "report" / "index.html").write_text("report")

        out = write(tmp_path / "case", add=add)
        modes = {stat.S_IMODE(p.stat().st_mode) for p in [out, out / "report"]}
        assert modes == {0o700}
        assert {stat.S_IMODE(p.stat().st_mode) for p in out.rglob("*") if p.is_file()} == {0o600}

    def test_hostile_cells_are_text(self, tmp_path: Path) -> None:
        accounts, operators = hostile()
        out = write(tmp_path / "case", accounts, operators, typed=HOSTILE)
        cells = [row[0] for row in rows(out / "members.csv")[1:]]
        ids = [account for members in operators.values() for account in members]
        assert cells == ["'" + i if i[0] in "=+-@\t\r" else i for i in ids]
        # a lone carriage return must not end a row for readers that take it for one
        assert len(rows(out / "members.csv")) == 6
        # nothing is lost inside
        with Case(out) as opened:
            assert list(opened.members["account_id"]) == ids

    def test_row_order_changes_nothing(self, tmp_path: Path) -> None:
        texts = []
        for seed in (1, 2):
            engine = build(DuckDBEngine())
            for table in TABLES.values():
                engine.create(
                    table.name, f"SELECT * FROM {table.name} ORDER BY hash(rowid + {seed})"
                )
            case.write(engine, tmp_path / str(seed), DETAILS)
            with duckdb.connect(str(tmp_path / str(seed) / "case.duckdb")) as stored:
                tables = {
                    name: stored.execute(f"FROM {name}").fetchall()
                    for name, table in TABLES.items()
                    if table.kept and name != "runs"
                }
            lists = [
                (tmp_path / str(seed) / f"{n}.csv").read_bytes() for n in ("operators", "members")
            ]
            texts.append((tables, lists))
        assert texts[0] == texts[1]

    def test_other_files_of_the_earlier_case_move_along(self, out: Path) -> None:
        (out / "notes.txt").write_text("mine")
        (out / "mine").mkdir()
        (out / "mine" / "a.txt").write_text("also")
        (out / "report").mkdir()
        (out / "report" / "index.html").write_text("of the earlier run")
        write(out)
        assert (out / "notes.txt").read_text() == "mine"
        assert (out / "mine" / "a.txt").read_text() == "also"
        assert not (out / "report").exists()

    def test_an_empty_folder_is_fine(self, tmp_path: Path) -> None:
        (tmp_path / "case").mkdir()
        assert write(tmp_path / "case").joinpath("case.duckdb").exists()

    def test_missing_parents_are_made(self, tmp_path: Path) -> None:
        assert write(tmp_path / "a" / "b" / "case").joinpath("run.json").exists()

    def test_through_a_link(self, tmp_path: Path) -> None:
        write(tmp_path / "real")
        (tmp_path / "link").symlink_to("real")
        write(tmp_path / "link")
        assert (tmp_path / "link").is_symlink()
        with Case(tmp_path / "real") as opened:
            assert opened.run["run"] == 2

    @pytest.mark.parametrize("name", ["it's", 'a "b"', "a [x] *", "ünï", "-x", "$HOME; ls"])
    def test_odd_names(self, tmp_path: Path, name: str) -> None:
        write(tmp_path / name)
        write(tmp_path / name)
        with Case(tmp_path / name) as opened:
            assert opened.run["run"] == 2
        assert beside(tmp_path / name) == [name]


class TestRefusals:
    def test_a_folder_that_is_no_case(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.tex").write_text("years of work")
        with pytest.raises(CaseError) as error:
            case.check_writable(tmp_path)
        assert str(error.value) == (
            f'{tmp_path} is a folder with other things in it (first: "thesis.tex") and not a '
            f"case, so nothing was written. Name a new folder: --out {tmp_path}/case"
        )
        with pytest.raises(CaseError):
            write(tmp_path)
        assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]

    def test_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("")
        with pytest.raises(CaseError, match=r"is a file; a case is a folder. Name another"):
            case.check_writable(tmp_path / "x")
        with pytest.raises(CaseError, match=r"can't write beside .*: (File exists|Not a dir)"):
            case.check_writable(tmp_path / "x" / "case")

    def test_the_folder_one_is_in(self, tmp_path: Path, monkeypatch) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(CaseError, match=r"is the folder you are in.*--out case"):
            case.check_writable(".")

    def test_a_damaged_earlier_case_is_left_alone(self, out: Path) -> None:
        (out / "case.duckdb").write_bytes(b"not a database" * 1000)
        with pytest.raises(CaseError, match="Move it away and write the case again"):
            case.check_writable(out)

    def test_in_use(self, tmp_path: Path) -> None:
        code = (
            "import sys, time; from linkage import case\n"
            f"with case.lock({str(tmp_path / 'case')!r}):\n"
            "    print('held', flush=True); time.sleep(60)"
        )
        holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            with pytest.raises(CaseError, match=f"is in use: process {holder.pid} is writing it"):
                case.check_writable(tmp_path / "case")
        finally:
            holder.kill()
            holder.wait()
        # the lock of a dead process is free, and leaves nothing
        case.check_writable(tmp_path / "case")
        assert list(tmp_path.iterdir()) == []

    def test_the_holder_may_write(self, tmp_path: Path) -> None:
        with case.workspace(tmp_path / "case") as scratch:
            (scratch / "work").write_text("")
            write(tmp_path / "case")
            assert scratch.exists()
        assert beside(tmp_path / "case") == ["case"]

    def test_leftovers_of_killed_runs_are_removed(self, tmp_path: Path) -> None:
        (tmp_path / ".case.new-abcd1234").mkdir()
        (tmp_path / ".case.newest").mkdir()
        (tmp_path / ".other.new-abcd1234").mkdir()
        write(tmp_path / "case")
        assert beside(tmp_path / "case") == [".case.newest", ".other.new-abcd1234", "case"]


class TestEarlierCase:
    def test_ids_runs_and_judgements_are_kept(self, out: Path) -> None:
        with duckdb.connect(str(out / "case.duckdb")) as connection:
            connection.execute(
                "INSERT INTO judgements VALUES (now(), 'me', 'operator', 'OP-AAA111', NULL, "
                "'confirmed', 'sure')"
            )
        fresh = {"OP-NEW333": ["dan", "eve", "fay"], "OP-NEW444": ["ann", "bob"]}
        write(out, operators=fresh)
        with Case(out) as opened:
            kept = dict(
                zip(opened.operators["operator_id"], opened.operators["accounts"], strict=True)
            )
            assert kept == {"OP-AAB222": 3, "OP-AAA111": 2}
            for table in ("members", "evidence", "scorecard"):
                names = opened._rows(f"SELECT DISTINCT operator_id FROM {table} ORDER BY 1")
                assert names == [("OP-AAA111",), ("OP-AAB222",)]
            assert opened._rows("SELECT run FROM runs ORDER BY run") == [(1,), (2,)]
            assert opened._rows("SELECT a, note FROM judgements") == [("OP-AAA111", "sure")]
            assert opened.run["run"] == 2

    def test_the_same_run_again_changes_no_id(self, out: Path) -> None:
        before = (out / "members.csv").read_bytes()
        write(out)
        assert (out / "members.csv").read_bytes() == before

    def test_an_id_that_stood_for_others_is_not_used_again(self, out: Path) -> None:
        write(out, operators={"OP-AAA111": ["gus", "hal", "ivy"], "OP-X": ["ann", "bob", "cat"]})
        with Case(out) as opened:
            of = dict(zip(opened.members["account_id"], opened.members["operator_id"], strict=True))
        assert of["ann"] == "OP-AAA111"
        assert of["gus"] not in ("OP-AAA111", "OP-AAB222", "OP-X")
        assert of["gus"].startswith("OP-")

    @given(
        sizes=st.lists(st.integers(2, 9), min_size=1, max_size=5),
        seed=st.integers(0, 99),
    )
    def test_matching_is_one_to_one_and_ignores_order(self, sizes: list[int], seed: int) -> None:
        fresh = [f"N{i}" for i in range(len(sizes))]
        overlaps = [
            (new, f"E{j}", (i * 7 + j * 3) % 5 + 1, size + 5, 9)
            for i, (new, size) in enumerate(zip(fresh, sizes, strict=True))
            for j in range(3)
        ]
        shuffled = overlaps[:]
        random.Random(seed).shuffle(shuffled)
        names = match(fresh, overlaps, {"E0", "E1", "E2"})
        assert names == match(fresh[::-1], shuffled, {"E0", "E1", "E2"})
        assert sorted(names) == sorted(fresh)
        assert len(set(names.values())) == len(fresh)

    def test_open_reader_keeps_what_it_opened(self, out: Path) -> None:
        with Case(out) as earlier:
            write(out, operators={"OP-AAA111": ["ann", "bob"]})
            with Case(out) as later:
                assert len(earlier.operators) == 2
                assert len(later.operators) == 1


class TestSurvival:
    """Whatever happens while a case is written, an earlier one is whole."""

    def test_an_error_in_add(self, out: Path) -> None:
        before = contents(out)

        def add(folder: Path) -> None:
            raise RuntimeError("the report failed")

        with pytest.raises(RuntimeError):
            write(out, add=add)
        assert contents(out) == before
        assert beside(out) == ["case"]

    def test_killed(self, out: Path) -> None:
        """SIGKILL at points all over the writing, seen from where it opens, syncs and renames."""
        before = contents(out)
        code = textwrap.dedent(
            f"""
            import os, signal, sys
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            from cases import build
            from linkage import case
            from linkage.case import place
            from linkage.engine import DuckDBEngine
            engine = build(DuckDBEngine())
            at, count = int(sys.argv[1]), 0
            if sys.argv[2] == "renames":
                place._exchange = lambda one, other: False

            def hook(event, arguments):
                global count
                if event in {"open", "os.rename", "os.chmod", "os.mkdir", "shutil.rmtree"}:
                    count += 1
                    if count == at:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(hook)
            case.write(engine, {str(out)!r}, {{"seed": 2}})
            print(count)
            """
        )

        def attempt(at: int, how: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-c", code, str(at), how]
            return subprocess.run(command, capture_output=True, text=True, check=False)

        total = int(attempt(-1, "exchange").stdout)
        assert total > 15
        with Case(out) as opened:
            assert opened.run["run"] == 2
        runs = 2
        # every third moment, and all of the last ones, where folders change places
        moments = [(at, "exchange") for at in range(1, total - 8, 4)]
        moments += [(at, how) for at in range(total - 6, total) for how in ("exchange", "renames")]
        for at, how in moments:
            done = attempt(at, how)
            assert done.returncode == -signal.SIGKILL
            with Case(out) as opened:
                assert opened.run["run"] in (runs, runs + 1)
                runs = opened.run["run"]
                assert len(opened.operators) == 2
                assert opened._rows("SELECT max(run) FROM runs") == [(runs,)]
        assert runs > 2
        write(out)
        assert beside(out) == ["case"]
        assert contents(out).keys() == before.keys()

    def test_disk_full(self, out: Path) -> None:
        before = contents(out)
        engine = build(DuckDBEngine())
        engine.create(
            "observations",
            "SELECT CAST(i AS INTEGER) AS account, 'ip' AS kind, md5(i::VARCHAR) AS raw, "
            "NULL AS first_seen, NULL AS last_seen, 1 AS n FROM range(200000) AS t(i)",
        )
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, limits[1]))
        try:
            with pytest.raises(CaseError, match=r"can't write the case .* Make room on that disk"):
                case.write(engine, out, dict(DETAILS))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert contents(out) == before
        assert beside(out) == ["case"]


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
        with pytest.raises(CaseError, match=r"case\.duckdb can't be read: .*Move it away"):
            Case(out)

    def test_a_table_is_missing(self, out: Path) -> None:
        with duckdb.connect(str(out / "case.duckdb")) as connection:
            connection.execute("DROP TABLE edges")
        with pytest.raises(CaseError, match="its table edges is missing or was changed"):
            Case(out)

    def test_another_version(self, out: Path) -> None:
        with duckdb.connect(str(out / "case.duckdb")) as connection:
            connection.execute("UPDATE meta SET value = '7' WHERE key = 'schema_version'")
        with pytest.raises(CaseError, match=r"version 7 of the case format.*reads version 1"):
            Case(out)

    def test_somebody_elses_database(self, tmp_path: Path) -> None:
        with duckdb.connect(str(tmp_path / "case.duckdb")) as connection:
            connection.execute("CREATE TABLE t (x INTEGER)")
        with pytest.raises(CaseError, match=r"can't be read: .*meta"):
            Case(tmp_path)

    def test_recovers_from_a_kill_between_two_renames(self, out: Path) -> None:
        out.rename(out.with_name(".case.old-abcd1234"))
        with Case(out) as opened:
            assert len(opened.operators) == 2
        assert beside(out) == ["case"]


class TestAnswers:
    @pytest.fixture
    def opened(self, out: Path):
        with Case(out) as opened:
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

    def test_show(self, opened: Case) -> None:
        shown = opened.show("OP-AAA111", top=2)
        assert [m.account_id for m in shown.members] == ["ann", "bob"]
        assert shown.more_members == 1
        assert [e.kind for e in shown.evidence] == ["ip", "ip_range", "payment"]
        assert [(str(d.day), d.sign_ups, d.active, d.rows) for d in shown.timeline] == [
            ("2024-03-01", 3, 3, 6),
            ("2024-03-02", 0, 3, 3),
        ]

    @pytest.mark.parametrize("name", ["OP-AAA", "aaa", "AAA111", "op-aaa111", " OP-AAA111 "])
    def test_short_operator_ids(self, opened: Case, name: str) -> None:
        assert opened.show(name).operator.operator_id == "OP-AAA111"

    def test_unknown_operator(self, opened: Case, out: Path) -> None:
        with pytest.raises(InputError) as error:
            opened.show("AA")
        assert str(error.value) == (
            'operator "AA" could be any of OP-AAA111, OP-AAB222. Type more of it.'
        )
        with pytest.raises(InputError) as error:
            opened.show("OP-AAA112")
        assert str(error.value) == (
            f'no operator "OP-AAA112" in {out}. Did you mean "OP-AAA111"? '
            f"List them: linkage operators {out}"
        )
        for name in ("", "  ", "%", "'; DROP TABLE operators; --"):
            with pytest.raises(InputError, match="no operator"):
                opened.evidence(name)

    def test_unknown_account(self, opened: Case, out: Path) -> None:
        with pytest.raises(InputError) as error:
            opened.account("anne")
        assert str(error.value) == f'no account "anne" in {out}. Did you mean "ann"?'
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


def test_exchange_where_the_system_can(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if place._exchange(tmp_path / "one", tmp_path / "two"):
        assert (tmp_path / "one" / "two").exists()
    assert not place._exchange(tmp_path / "one", tmp_path / "missing")


def test_without_exchange(out: Path, monkeypatch) -> None:
    monkeypatch.setattr(place, "_exchange", lambda one, other: False)
    write(out)
    assert beside(out) == ["case"]
    with Case(out) as opened:
        assert opened.run["run"] == 2
