"""The case folder: what is written, what is kept, what is answered, what survives."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import duckdb
import pytest
from cases import DETAILS, HOSTILE, build, hostile, write
from hypothesis import given
from hypothesis import strategies as st

from linkage import case, writing
from linkage.case import Case
from linkage.case.ids import match
from linkage.engine import DuckDBEngine
from linkage.errors import CaseError
from linkage.schema import TABLES


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
        assert json.loads((out / "run.json").read_text()) == {**DETAILS, "run": 1, "judgements": []}

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
        assert meta["schema_version"] == "5"

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

    def test_what_came_into_it_meanwhile_stays(self, tmp_path: Path) -> None:
        (tmp_path / "case").mkdir()

        def meanwhile(_: Path) -> None:
            (tmp_path / "case" / "notes.txt").write_text("mine")

        case.write(build(DuckDBEngine()), tmp_path / "case", DETAILS, meanwhile)
        assert {"case.duckdb", "notes.txt"} <= {p.name for p in (tmp_path / "case").iterdir()}

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
                "INSERT INTO judgements VALUES (1, now(), 'me', 'operator', 'OP-AAA111', NULL, "
                "'confirmed', 'sure', 1)"
            )
        fresh = {"OP-NEW333": ["dan", "eve", "fay"], "OP-NEW444": ["ann", "bob"]}
        write(out, operators=fresh)
        with Case(out) as opened:
            kept = dict(
                zip(opened.operators["operator_id"], opened.operators["accounts"], strict=True)
            )
            assert kept == {"OP-AAB222": 3, "OP-AAA111": 2}
            for table in ("members", "evidence", "scorecard"):
                names = opened.rows(f"SELECT DISTINCT operator_id FROM {table} ORDER BY 1")
                assert names == [("OP-AAA111",), ("OP-AAB222",)]
            assert opened.rows("SELECT run FROM runs ORDER BY run") == [(1,), (2,)]
            assert opened.rows("SELECT a, note FROM judgements") == [("OP-AAA111", "sure")]
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


def test_a_read_only_case_is_replaced_without_a_trace(tmp_path: Path) -> None:
    """As somebody whom the modes of files bind, which root is not."""
    bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root is not bound by the modes of files")
    out = write(tmp_path / "case")
    (out / "report").mkdir()
    (out / "report" / "index.html").write_text("")
    for folder in (out / "report", out):
        folder.chmod(0o555)
    code = "import sys; from linkage import Case; Case(sys.argv[1]).judge('OP-AAA111', 'confirmed')"
    command = [sys.executable, "-c", code, str(out)]
    subprocess.run([*(bound if os.geteuid() == 0 else []), *command], check=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["case"]
    assert len(Case(out).judgements()) == 1


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
            from linkage import case, writing
            from linkage import writing
            from linkage.engine import DuckDBEngine
            engine = build(DuckDBEngine())
            at, count = int(sys.argv[1]), 0
            if sys.argv[2] == "renames":
                writing.exchange = lambda one, other: False

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
                assert opened.rows("SELECT max(run) FROM runs") == [(runs,)]
        assert runs > 2
        write(out)
        assert beside(out) == ["case"]
        assert contents(out).keys() == before.keys()

    @pytest.mark.parametrize("size", [1_000, 300_000, 2_000_000])
    def test_disk_full_while_working(self, out: Path, size: int) -> None:
        before = contents(out)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)

        def work() -> None:
            with case.workspace(out) as scratch:
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
                engine = DuckDBEngine(scratch / "work.duckdb")
                try:
                    engine.create("t", "SELECT md5(i::VARCHAR) AS x FROM range(300000) AS t(i)")
                    engine.run("CHECKPOINT")
                finally:
                    engine.close()

        try:
            with pytest.raises(CaseError, match=r"can't write the case .* Make room on that disk"):
                work()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert contents(out) == before
        assert beside(out) == ["case"]

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


def test_without_exchange(out: Path, monkeypatch) -> None:
    monkeypatch.setattr(writing, "exchange", lambda one, other: False)
    write(out)
    assert beside(out) == ["case"]
    with Case(out) as opened:
        assert opened.run["run"] == 2
