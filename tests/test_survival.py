"""Whatever happens to a run, an update or a judgement: the case is the old one or the new one."""

from __future__ import annotations

import resource
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import fleets
import pytest
from cases import Typed

from linkage import Case, CaseError, case, run, update

KILLS = 50


@pytest.fixture
def path(tmp_path: Path) -> Path:
    run([fleets.table(fleets.rows(people=250))], tmp_path / "case").close()
    return tmp_path / "case"


def test_killed_at_random_moments(tmp_path: Path, path: Path) -> None:
    """Forked where everything is imported, so that moments fall into the work itself."""
    fleets.table(fleets.rows(people=250)).to_csv(tmp_path / "first.csv", index=False)
    fleets.table(fleets.rows({"new": 9}, people=0)).to_csv(tmp_path / "more.csv", index=False)
    code = textwrap.dedent(
        f"""
        import os, random, signal, sys, time
        import linkage, linkage.pipeline, linkage.case.case, pandas
        from linkage.config import Config, EngineConfig
        path, first, more = {str(path)!r}, {str(tmp_path / "first.csv")!r}, {str(tmp_path)!r}

        def run(turn):
            linkage.run([first], path, Config(engine=EngineConfig(threads=1)))

        def add(turn):
            text = open(more + "/more.csv").read().replace("new-", f"new{{turn}}-")
            open(more + f"/more{{turn}}.csv", "w").write(text)
            linkage.update(path, [more + f"/more{{turn}}.csv"])

        def judge(turn):
            linkage.Case(path).apart("red-00", f"red-{{1 + turn % 11:02}}")

        def state(turn):
            case = linkage.Case(path)
            lines = open(path + "/members.csv").read().splitlines()
            assert len(lines) == 1 + len(case.members), "members.csv is of another run"
            [(runs, last)] = case.rows("SELECT count(*), max(run) FROM runs")
            assert runs == last == case.run["run"]
            import json
            assert json.load(open(path + "/run.json"))["run"] == last
            assert os.path.exists(path + "/report/index.html")
            for name in ("accounts", "edges", "observations", "evidence", "row_hashes"):
                case.arrow(name)
            judged = case.rows("SELECT count(*) FROM judgements")[0][0]
            open(more + "/state", "w").write(f"{{last}} {{judged}}")

        def child(work, turn, limit=None):
            pid = os.fork()
            if pid == 0:
                try:
                    work(turn)
                except BaseException as error:
                    print(type(error).__name__, error, file=sys.stderr, flush=True)
                    os._exit(1)
                os._exit(0)
            if limit is not None:
                time.sleep(limit)
                os.kill(pid, signal.SIGKILL)
            return os.waitpid(pid, 0)[1]

        def known():
            assert child(state, 0) == 0
            return tuple(map(int, open(more + "/state").read().split()))

        rng = random.Random(1)
        took = {{}}
        for work in (run, add, judge):
            start = time.monotonic()
            assert child(work, 90) == 0
            took[work] = time.monotonic() - start
        before, killed, changed = known(), 0, 0
        for turn in range({KILLS}):
            work = (add, run, judge)[turn % 3]
            status = child(work, turn, rng.uniform(0, 1.1 * took[work]))
            killed += os.WIFSIGNALED(status)
            after = known()
            steps = after[0] - before[0], after[1] - before[1]
            assert steps in ((0, 0), (0, 1) if work is judge else (1, 0)), (work, before, after)
            changed += steps != (0, 0)
            before = after
        print(killed, changed)
        """
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    killed, _ = map(int, done.stdout.split())
    assert killed >= KILLS // 2
    # whoever comes next clears up what was left
    update(path, with_report=False).close()
    assert [p.name for p in path.parent.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("size", [50_000, 400_000, 2_000_000])
def test_full_disk(path: Path, size: int) -> None:
    """No file may grow beyond `size`: each way to change a case fails, or is done in full."""
    before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    more = fleets.table(fleets.rows({"new": 9}, people=3_000))

    def judge() -> None:
        with Case(path) as opened:
            opened.apart("red-00", "red-01")

    for work in (lambda: update(path, [more]).close(), judge):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        said = None
        try:
            work()
        except CaseError as error:
            said = str(error)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        if said is None:
            assert size == 2_000_000
        else:
            assert "What was there before is unchanged" in said
            assert {p: p.read_bytes() for p in path.rglob("*") if p.is_file()} == before
        assert [p.name for p in path.parent.iterdir()] == ["case"]
        Case(path).close()


def test_two_commands_at_once(path: Path, typed: Typed) -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with case.lock(path):
            held.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)
    try:
        with Case(path) as opened:
            operator = str(opened.operators["operator_id"][0])
        for command in (
            ["update", path],
            ["judge", path, operator, "confirmed"],
            ["allow", path, "ip", "9.9.9.9"],
            ["forget", path, "red-00"],
        ):
            code, out, err = typed(*command)
            assert (code, out) == (2, "")
            assert "is in use: process" in err
            assert "Wait until it has ended" in err
        # looking is always possible
        assert typed("operators", path)[0] == 0
    finally:
        done.set()
        thread.join()
