"""`linkage run` on inputs that are wrong, on a full disk and when it is killed.

Through the command line: the exit code, what is said, and that nothing is left behind.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cases import Typed

from conftest import Population
from linkage.case import Case

COMMAND = [sys.executable, "-c", "import linkage.cli; linkage.cli.main()"]

HEADER = "account_id,ip,note\n"
ROWS = [f"user-{n},9.9.{n % 250}.1,hello {n}\n" for n in range(1_000)]
GOOD = HEADER + "".join(ROWS)


def parquet() -> bytes:
    sink = pa.BufferOutputStream()
    columns = {"account_id": [str(n) for n in range(5_000)], "ip": ["9.9.9.9"] * 5_000}
    pq.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue())


def beside(folder: Path) -> list[str]:
    """All that lies in a folder, hidden or not."""
    return sorted(entry.name for entry in folder.iterdir())


def contents(case: Path) -> dict[str, bytes]:
    """Every file of a case."""
    return {
        str(path.relative_to(case)): path.read_bytes() for path in case.rglob("*") if path.is_file()
    }


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


BAD: dict[str, tuple[bytes | str, list[str], str]] = {
    "empty": ("", [], "in.csv: the file is empty; rows were expected. Export it again."),
    "header alone": (HEADER, [], "in.csv: a header and no rows"),
    "cut gzip": (
        gzip.compress(GOOD.encode())[:-500],
        [],
        "in.csv: packed with gzip, but damaged or cut short",
    ),
    "cut parquet": (parquet()[:-100], [], "in.csv: can't be read; it seems damaged or cut short"),
    "binary": (
        bytes(n * 37 % 256 for n in range(10_000)),
        [],
        "in.csv: neither text nor a known binary format",
    ),
    "workbook": (b"PK\x03\x04" + bytes(500), [], "in.csv: a zip archive or an Excel workbook"),
    "mostly broken": (
        GOOD + "nothing\n" * 2_000,
        [],
        "in.csv: 2,000 of 3,000 rows do not have the 3 fields of the header",
    ),
    "no account column": (
        "a,ip\n1,9.9.9.9\n",
        [],
        "in.csv: no account column. Expected one named account_id, ",
    ),
    "no account at all": (
        "account_id,ip\n,9.9.9.9\nnull,9.9.9.9\n",
        [],
        "in.csv: none of its 2 rows names an account",
    ),
    "no signal column": (
        "account_id,note\n1,x\n",
        [],
        "No input has a column of signals, such as ip or email: in.csv has ",
    ),
    "wrongly mapped": (
        GOOD,
        ["--map", "note=ip", "--map", "ip=ignore"],
        'in.csv, column "note": 1,000 of 1,000 values are not addresses (such as "hello 0").\n'
        "If this column is something else, map it: linkage run in.csv --map note=ignore",
    ),
    "unknown column": (
        GOOD,
        ["--map", "nte=ip"],
        '--map nte=ip: no input has a column "nte". Did you mean "note"?',
    ),
    "memory": (GOOD, ["--memory", "lots"], "--memory must be a size such as 4GB"),
    "too little memory": (GOOD, ["--memory", "1MB"], "case: more memory is needed"),
    "no such zone": (GOOD, ["--config", "zone.toml"], 'sources.timezone: no time zone "Mars"'),
    "unknown setting": (
        GOOD,
        ["--config", "key.toml"],
        'key.toml: unknown setting "attribution.min_sise". Did you mean "min_size"?',
    ),
    "unknown section": (GOOD, ["--config", "section.toml"], "section.toml: unknown setting"),
    "a setting's type": (GOOD, ["--config", "type.toml"], "type.toml: seed must be int, found str"),
    "no TOML": (GOOD, ["--config", "broken.toml"], "broken.toml: not valid TOML"),
}
SETTINGS = {
    "zone.toml": '[sources]\ntimezone = "Mars"\n',
    "key.toml": "[attribution]\nmin_sise = 3\n",
    "section.toml": "[atribution]\nmin_size = 3\n",
    "type.toml": 'seed = "one"\n',
    "broken.toml": "seed =\n",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(typed: Typed, here: Path, name: str) -> None:
    content, options, message = BAD[name]
    Path("in.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    for file, text in SETTINGS.items():
        if file in options:
            Path(file).write_text(text)
    before = beside(here)
    code, text, errors = typed("run", "in.csv", "--out", "case", *options)
    assert (code, text) == (2, "")
    assert errors.startswith(message) or f"\n{message}" in errors, errors
    assert "Traceback" not in errors
    assert beside(here) == before


def test_a_missing_file_is_refused(typed: Typed, here: Path) -> None:
    Path("accounts.csv").write_text(GOOD)
    code, _, errors = typed("run", "acounts.csv", "--out", "case")
    assert (code, errors) == (
        2,
        "acounts.csv: no such file. The folder holds: accounts.csv.\n",
    )
    assert beside(here) == ["accounts.csv"]


def test_one_bad_file_among_good_ones_stops_all(typed: Typed, here: Path) -> None:
    Path("good.csv").write_text(GOOD)
    Path("bad.csv").write_text("")
    code, _, errors = typed("run", "good.csv", "bad.csv", "--out", "case")
    assert code == 2
    assert "bad.csv: the file is empty" in errors
    assert beside(here) == ["bad.csv", "good.csv"]


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("in.csv", "in.csv is a file; a case is a folder."),
        (".", ". is the folder you are in"),
        ("notes", "notes is a folder with other things in it"),
    ],
)
def test_a_place_that_is_no_case_is_left_alone(
    typed: Typed, here: Path, out: str, message: str
) -> None:
    Path("in.csv").write_text(GOOD)
    Path("notes").mkdir()
    Path("notes", "mine.txt").write_text("mine")
    code, _, errors = typed("run", "in.csv", "--out", out)
    assert code == 2
    assert errors.startswith(message)
    assert beside(here) == ["in.csv", "notes"]
    assert beside(here / "notes") == ["mine.txt"]
    assert Path("in.csv").read_text() == GOOD


def test_a_partly_bad_file_is_read_and_says_what_was_left_out(typed: Typed, here: Path) -> None:
    rows = [*ROWS, "short\n", "user-x,10.0.0.1,private\n", ",9.9.9.9,nobody\n", "user-y,?,none\n"]
    Path("in.csv").write_text(HEADER + "".join(rows))
    code, text, _ = typed("run", "in.csv", "--out", "case", "--no-report")
    assert code == 0
    shown = [" ".join(line.split()) for line in text.splitlines()]
    for line in (
        "in.csv 1,003",
        "1 1 ip placeholder ?",
        "1 1 ip private address 10.0.0.1",
        "1 1 row no account",
        "1 1 row too few fields row 1002: short",
    ):
        assert line in shown, line
    reasons = {r["reason"] for r in json.loads(Path("case", "run.json").read_text())["rejected"]}
    assert reasons == {"placeholder", "private address", "no account", "too few fields"}


def test_suspects_alone_are_told_nothing(typed: Typed, here: Path) -> None:
    """Sixty accounts with one address, and nobody beside them: how common it is, nobody knows."""
    Path("in.csv").write_text("account_id,ip\n" + "".join(f"u{n},9.9.9.9\n" for n in range(60)))
    text = typed("run", "in.csv", "--out", "case", "--no-report")[1]
    assert "No operators" in text
    assert "Nearly all of 60 accounts share a value: IP address 9.9.9.9 (60)." in text
    assert "read them together with the rest of the service" in text


@pytest.mark.parametrize("value", ["", "n/a", "0.0.0.0"])
def test_a_column_of_nothing_links_nobody(typed: Typed, here: Path, value: str) -> None:
    Path("in.csv").write_text("account_id,ip\n" + "".join(f"u{n},{value}\n" for n in range(3_000)))
    code, text, _ = typed("run", "in.csv", "--out", "case", "--no-report")
    assert code == 0
    assert "No operators: no accounts share more than chance allows." in text
    assert "Nearly all" not in text
    with Case("case") as opened:
        assert opened.members.empty
        assert opened.arrow("pairs").num_rows == 0


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_case_that_was_cut_short(
    typed: Typed, here: Path, population: Population, share: float
) -> None:
    case = Path(shutil.copytree(population.case, here / "case"))
    os.truncate(case / "case.duckdb", int((case / "case.duckdb").stat().st_size * share))
    commands = [
        ("operators", case),
        ("evaluate", case, "--truth", population.truth),
        ("run", *population.inputs, "--out", case),
    ]
    for command in commands:
        code, _, errors = typed(*command)
        # what is cut off may be a part that is not needed
        assert code in (0, 2), errors
        if code:
            assert "can't be read; it seems damaged (" in errors
            assert "Move it away and write the case again" in errors
    assert beside(here) == ["case"]


class TestAnEarlierCase:
    """Whatever happens to a later run, it stays as it was."""

    @pytest.fixture
    def case(self, here: Path, population: Population) -> Path:
        return Path(shutil.copytree(population.case, here / "case"))

    def test_bad_input(self, typed: Typed, here: Path, case: Path) -> None:
        before = contents(case)
        assert typed("run", "none.csv", "--out", "case")[0] == 2
        assert contents(case) == before
        assert beside(here) == ["case"]

    @pytest.mark.parametrize("size", [50_000, 800_000, 2_500_000])
    def test_a_full_disk(self, here: Path, case: Path, population: Population, size: int) -> None:
        before = contents(case)
        done = run_limited(population, lambda: limit_files(size))
        text = done.stderr.decode()
        assert done.returncode == 2, text
        assert "can't write the case case: " in text
        assert "Make room on that disk" in text
        assert "damaged" not in text
        assert contents(case) == before
        assert beside(here) == ["case"]

    @pytest.mark.parametrize("stage", ["signals", "attribution", "case"])
    def test_a_kill(self, here: Path, case: Path, population: Population, stage: str) -> None:
        before = contents(case)
        code = (
            "import os, signal, sys, linkage.cli, linkage.cli.progress as progress\n"
            "class Killed(progress.Lines):\n"
            "    def stage(self, name):\n"
            f"        if name == {stage!r}:\n"
            "            os.kill(os.getpid(), signal.SIGKILL)\n"
            "progress.shown = Killed\n"
            "linkage.cli.main(sys.argv[1:])"
        )
        arguments = ["run", *map(str, population.inputs), "--out", "case", "--no-report"]
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True)
        assert done.returncode == -signal.SIGKILL
        assert contents(case) == before
        with Case(case) as opened:
            assert opened.run["run"] == 1
        # the next one who writes there tidies up
        assert len(beside(here)) > 1
        Path("later.csv").write_text(GOOD)
        after = subprocess.run(
            [*COMMAND, "run", "later.csv", "--out", "case", "--no-report"], capture_output=True
        )
        assert after.returncode == 0, after.stderr
        assert beside(here) == ["case", "later.csv"]


def run_limited(
    population: Population, limit: Callable[[], None]
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, "run", *map(str, population.inputs), "--out", "case"],
        capture_output=True,
        preexec_fn=limit,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def limit_files(size: int) -> None:
    """No file may grow beyond `size`: what a full disk is to the program."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
