"""The command line: what is printed where, with which exit code."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from cases import DETAILS, HOSTILE, Typed, build, hostile, write
from rich.cells import cell_len

from linkage import case, pipeline
from linkage.case import Case
from linkage.cli import look, output
from linkage.cli.progress import Lines, Live
from linkage.config import Config
from linkage.engine import DuckDBEngine

COMMAND = [sys.executable, "-c", "import linkage.cli; linkage.cli.main()"]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("plain") / "case")


@pytest.fixture(scope="module")
def hostile_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    accounts, operators = hostile()
    folder = tmp_path_factory.mktemp("hostile") / "case"
    return write(folder, accounts, operators, typed=HOSTILE)


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


class TestLooking:
    def test_operators(self, typed: Typed, out: Path) -> None:
        code, text, errors = typed("operators", out)
        assert (code, errors) == (0, "")
        assert lines(text) == [
            "operator verdict accounts score q from (UTC) to (UTC)",
            "OP-AAA111 sockpuppets 3 0.900 0.010 2024-03-01 2024-03-03",
            "3 accounts, few cards",
            "OP-AAB222 organisation 2 0.800 0.010 2024-03-01 2024-03-03",
            "2 accounts, few cards",
        ]
        assert "OP-AAB222" not in typed("operators", out, "--top", 1)[1]
        assert "OP-AAA111" not in typed("operators", out, "--verdict", "organisation")[1]
        largest = typed("operators", out, "--sort", "accounts", "--json")[1]
        assert [o["accounts"] for o in json.loads(largest)] == [3, 2]
        assert typed("operators", out, "--sort", "acounts")[2] == (
            'no order "acounts". Did you mean "accounts"?\n'
        )
        household = typed("operators", out, "--verdict", "household")
        assert household == (0, "No operators with verdict household.\n", "")
        assert typed("operators", out, "--verdict", "bot") == (
            2,
            "",
            'no verdict "bot"; an operator\'s is one of: '
            "sockpuppets, organisation, household, unclear.\n",
        )

    def test_show(self, typed: Typed, out: Path) -> None:
        code, text, _ = typed("show", out, "aaa", "--top", 2)
        assert code == 0
        shown = lines(text)
        for line in (
            "+2.50 cards few",
            "-1.00 mail own",
            "Evidence: payment card",
            "3 0 card-1",
            "ann 0.990 9.50 2",
            "and 1 more, in members.csv",
        ):
            assert any(line in found for found in shown), line
        assert any(line.startswith("2024-03-01 3 3 6") for line in shown)

    def test_explain(self, typed: Typed, out: Path) -> None:
        code, text, _ = typed("explain", out, "cat")
        assert code == 0
        assert "cat belongs to OP-AAA111 (sockpuppets), confidence 0.970" in text
        assert "+4.97 3 0 card card-1" in lines(text)
        assert "The nearest other operator is OP-AAB222 (organisation): 1 signal," in text
        text = typed("explain", out, "cat", "gus")[1]
        assert lines(text)[1:] == [
            "1. through two accounts",
            "cat",
            "both use prompt template do <x> (1 other account does)",
            "dan",
            "both use device phone-7 (nobody else does)",
            "fay",
            "both use payment card card-3 (nobody else does)",
            "gus",
        ]
        assert lines(typed("explain", out, "ann", "bob", "--top", 1)[1]) == [
            "Both belong to OP-AAA111.",
            "",
            "1. shared directly, +4.99 nats",
            "ann",
            "both use IP address 8.8.8.8 (2 members, 0 others)",
            "bob",
            "",
            "and 1 more shared signal: 1 of payment card",
        ]
        assert "Nothing links hal and gus" in typed("explain", out, "hal", "gus")[1]
        assert "gus belongs to no operator." in typed("explain", out, "gus")[1]

    def test_account(self, typed: Typed, out: Path) -> None:
        code, text, _ = typed("account", out, "gus")
        assert code == 0
        assert "In no operator." in text
        assert "kind other accounts rows not used because value" in lines(text)
        assert "user agent 2 2 too common curl" in lines(text)

    @pytest.mark.parametrize(
        "command",
        [
            ("operators",),
            ("show", "OP-AAA111"),
            ("explain", "ann"),
            ("explain", "ann", "dan"),
            ("account", "ann"),
        ],
    )
    def test_json(self, typed: Typed, out: Path, command: tuple[str, ...]) -> None:
        name, *rest = command
        code, text, errors = typed(name, out, *rest, "--json")
        assert (code, errors) == (0, "")
        json.loads(text)

    def test_json_holds_what_is_known(self, typed: Typed, out: Path) -> None:
        found = json.loads(typed("account", out, "cat", "--json")[1])
        assert found["membership"]["operator_id"] == "OP-AAA111"
        assert found["created_at"] == "2024-03-01T14:00:00Z"
        assert found["alternative"]["signals"] == 1
        found = json.loads(typed("show", out, "OP-AAA111", "--json")[1])
        assert found["timeline"][0]["day"] == "2024-03-01"


class TestHostile:
    """Nothing that was typed by somebody acts on the terminal."""

    @staticmethod
    def commands(folder: Path) -> list[list[str]]:
        accounts = list(hostile()[0])
        return [
            ["operators", str(folder)],
            ["show", str(folder), "OP-AAA111"],
            ["explain", str(folder), accounts[0]],
            ["explain", str(folder), accounts[0], accounts[3]],
            ["account", str(folder), accounts[0]],
            ["account", str(folder), "nobody" + HOSTILE],
            ["show", str(folder), HOSTILE],
            ["operators", str(folder) + HOSTILE.replace("\0", "")],
        ]

    @pytest.mark.parametrize("number", range(8))
    @pytest.mark.parametrize("as_json", [False, True])
    def test_no_control_characters(
        self, typed: Typed, hostile_case: Path, number: int, as_json: bool
    ) -> None:
        command = self.commands(hostile_case)[number]
        code, text, errors = typed(*command, *(["--json"] if as_json else []))
        assert code == (0 if number < 5 else 2)
        for c in (text + errors).replace("\n", ""):
            assert unicodedata.category(c) not in {"Cc", "Cf", "Zl", "Zp", "Cs"}, repr(c)

    def test_no_markup(self, typed: Typed, hostile_case: Path) -> None:
        assert "[bold]x[/bold]" in typed("operators", hostile_case)[1]

    @pytest.mark.parametrize("number", range(5))
    def test_eighty_columns(
        self, typed: Typed, hostile_case: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        text = typed(*self.commands(hostile_case)[number])[1]
        assert max(cell_len(line) for line in text.splitlines()) <= 80

    def test_findings_are_whole(self, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
        finding = "members share a stock, " * 10 + "but an office of three is a place, too"
        rows = [("+5.10", finding), ("-2.80", "few are")]
        for columns, expected in ((80, None), (1_000, 3)):
            monkeypatch.setenv("COLUMNS", str(columns))
            output.table(["weight", "finding"], rows, right=["weight"], whole=["finding"])
            text = capsys.readouterr().out
            assert f"weight finding +5.10 {finding} -2.80 few are" == " ".join(text.split())
            assert max(cell_len(line) for line in text.splitlines()) <= columns
            assert expected in (None, len(text.splitlines()))

    def test_visible(self) -> None:
        assert output.visible("\x1b]0;title\x07\x9b31m\u200d\ufeff\u00a0x") == (
            "␛]0;title␇<U+009B>31m<U+200D><U+FEFF> x"
        )


class TestEnds:
    """Exit codes and messages."""

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["operators"], "Missing argument 'CASE'"),
            (["shwo", "x"], "No such command 'shwo'"),
            (["operators", "x", "--frob"], "No such option: --frob"),
            (["operators", "x", "--top", "many"], "Invalid value for '--top'"),
            (["operators", "no-such-case"], "no-such-case: no such folder. A case is what"),
            (["run", "x.csv"], "Missing option '--out'"),
        ],
    )
    def test_usage(self, typed: Typed, arguments: list[str], message: str) -> None:
        code, text, errors = typed(*arguments)
        assert code == 2
        assert text == ""
        assert message in errors
        assert "Traceback" not in errors

    def test_help(self, typed: Typed) -> None:
        assert typed() == typed("--help")
        assert typed("--version")[:2] == (0, "linkage 0.1.0\n")

    def test_a_bug(self, typed: Typed, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(self: Case, *_: Any) -> None:
            raise ZeroDivisionError("a\nb")

        monkeypatch.setattr(Case, "show", broken)
        code, text, errors = typed("show", out, "aaa")
        log = out / "linkage.log"
        assert (code, text) == (1, "")
        assert errors == (
            "This is a bug in linkage, not in your data: ZeroDivisionError: a. "
            f"The trace is in {log}\n"
        )
        assert "in broken" in log.read_text()
        assert stat.S_IMODE(log.stat().st_mode) == 0o600

    def test_a_bug_without_a_case(self, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: Any) -> None:
            raise OSError(5, "broken")

        monkeypatch.setattr(Case, "__init__", broken)
        code, _, errors = typed("show", "x", "aaa")
        log = Path(errors.strip().rpartition(" ")[2])
        assert code == 1
        assert "Traceback" in log.read_text()
        log.unlink()

    def test_interrupted(self, typed: Typed, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Case, "__init__", interrupted)
        assert typed("operators", out) == (130, "", "")

    def test_interrupted_in_a_query(self, out: Path) -> None:
        """DuckDB makes an error of its own of it."""
        code = (
            "import os, signal, threading, linkage.cli\n"
            "from linkage.case import Case\n"
            "def slow(self, *_):\n"
            "    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
            "    self.rows('SELECT sum(a.range * b.range) FROM range(10000000) AS a, "
            "range(10000000) AS b')\n"
            "Case.list_operators = slow\n"
            f"linkage.cli.main(['operators', {str(out)!r}])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")

    def test_broken_pipe(self, out: Path) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [*COMMAND, "operators", str(out)], stdout=writing, stderr=subprocess.PIPE, check=False
        )
        os.close(writing)
        assert (done.returncode, done.stderr) == (0, b"")

    def test_a_terminal_without_unicode(self, hostile_case: Path) -> None:
        done = subprocess.run(
            [*COMMAND, "operators", str(hostile_case)],
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")


class TestRun:
    """What `linkage run` makes of its options, and what it prints."""

    @pytest.fixture
    def seen(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
        monkeypatch.chdir(tmp_path)
        seen: dict[str, Any] = {}

        def run(inputs: Any, out: Path, config: Config, progress: Any, report: bool) -> Case:
            seen.update(inputs=inputs, config=config, report=report)
            progress.stage("sources")
            progress.step("odd\x1b")
            details = {
                **DETAILS,
                "inputs": [{"name": "events.csv", "rows": 12345}],
                "counts": {"accounts": 9, "signals": 9},
                "rejected": [
                    {"source": "", "kind": "ip", "reason": "private", "count": 2, "rows": 1234}
                    | {"example": "10.0.0.1"}
                ],
                "peak_memory_mb": 100.0,
            }
            engine = build(DuckDBEngine())
            case.write(engine, out, details)
            return Case(out)

        monkeypatch.setattr(pipeline, "run", run)
        return seen

    def test_summary(self, typed: Typed, seen: dict[str, Any]) -> None:
        code, text, errors = typed("run", "events.csv", "--out", "case")
        assert code == 0
        shown = lines(text)
        for line in (
            "events.csv 12,345",
            "9 accounts, 9 signals",
            "1,234 2 ip private 10.0.0.1",
            "Operators: sockpuppets 1, organisation 1",
            "OP-AAA111 sockpuppets 3 0.900 0.010 2024-03-01 2024-03-03",
            "case case",
            "next linkage show case OP-AAA111",
        ):
            assert line in shown, line
        assert errors.startswith("sources: done in ")
        assert seen["config"] == Config()
        assert seen["report"]

    def test_what_very_many_have_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        crowded = [{"kind": "ip", "value": "8.8.8.8", "accounts": 610}] * 6
        crowded[1] = {"kind": "device", "value": "\x1b[31mid", "accounts": 300}
        look.print_crowded(crowded, 1000, top=5)
        shown = capsys.readouterr().out
        assert "\x1b" not in shown
        assert "610 61% IP address 8.8.8.8" in lines(shown)
        assert lines(shown)[-1] == "and 1 more"
        look.print_crowded([], 1000, top=5)
        assert capsys.readouterr().out == ""

    def test_who_has_too_much_in_common_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        busy = [{"account_id": "\x1b[31mgateway", "signals": 108_746}] * 6
        look.print_busy(busy, top=5)
        shown = capsys.readouterr().out
        assert "\x1b" not in shown
        assert any(line.endswith("gateway 108,746") for line in lines(shown))
        assert lines(shown)[-1] == "and 1 more"
        look.print_busy([], top=5)
        assert capsys.readouterr().out == ""

    def test_json(self, typed: Typed, seen: dict[str, Any]) -> None:
        summary = json.loads(typed("run", "events.csv", "--out", "case", "--json")[1])
        assert summary["case"] == "case"
        assert summary["report"] is None
        assert [o["operator_id"] for o in summary["operators"]] == ["OP-AAA111", "OP-AAB222"]
        assert summary["run"] == 1
        assert summary["crowded"] == []
        assert summary["busy"] == []

    def test_options(self, typed: Typed, seen: dict[str, Any], tmp_path: Path) -> None:
        (tmp_path / "linkage.toml").write_text(
            "seed = 3\n[attribution]\nmin_size = 7\n[sources.map]\na = 'ip'\n"
        )
        options = ["--map", "b=c=email", "--map", "x=ignore", "--memory", "1GB", "--no-report"]
        assert typed("run", "a", "b", "--out", "case", "--min-size", "3", *options)[0] == 0
        config: Config = seen["config"]
        assert seen["inputs"] == ["a", "b"]
        assert config.seed == 3
        assert config.attribution.min_size == 3
        assert config.engine.memory == "1GB"
        assert config.sources.map == {"a": "ip", "b=c": "email", "x": "ignore"}
        assert not seen["report"]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--engine", "sparc"], '--engine: no engine "sparc". Did you mean "spark"?'),
            (["--map", "ip"], '--map "ip": expected COLUMN=KIND, such as --map client=ip'),
            (["--map", "=ip"], '--map "=ip": expected COLUMN=KIND'),
            (["--min-size", "1"], "--min-size must lie in 2–1,000,000,000, found 1."),
            (["--memory", "4XB"], '--memory must be a size such as 4GB or 500MB, found "4XB".'),
            (["--config", "no.toml"], "no.toml: no such file. Leave out --config"),
        ],
    )
    def test_wrong_options(
        self, typed: Typed, seen: dict[str, Any], options: list[str], message: str
    ) -> None:
        code, _, errors = typed("run", "events.csv", "--out", "case", *options)
        assert code == 2
        assert errors.startswith(message)
        assert not Path("case").exists()

    def test_unknown_settings(self, typed: Typed, seen: dict[str, Any], tmp_path: Path) -> None:
        (tmp_path / "linkage.toml").write_text("sed = 3\n")
        code, _, errors = typed("run", "events.csv", "--out", "case")
        assert (code, errors) == (2, 'linkage.toml: unknown setting "sed". Did you mean "seed"?\n')

    def test_settings_of_a_file_go_by_their_names(
        self, typed: Typed, seen: dict[str, Any], tmp_path: Path
    ) -> None:
        for text, message in (
            ("[attribution]\nmin_size = 1\n", "linkage.toml: attribution.min_size must lie in 2–"),
            ("[engine]\nmemory = 'much'\n", "linkage.toml: engine.memory must be a size such as"),
        ):
            (tmp_path / "linkage.toml").write_text(text)
            assert typed("run", "events.csv", "--out", "case")[2].startswith(message)

    def test_no_operators(self, typed: Typed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        def run(inputs: Any, out: Path, *_: Any) -> Case:
            return Case(write(out, operators={}))

        monkeypatch.setattr(pipeline, "run", run)
        code, text, _ = typed("run", "x", "--out", tmp_path / "case")
        assert code == 0
        assert "No operators: no accounts share more than chance allows." in text


class TestProgress:
    def test_lines(self, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
        now = iter(range(0, 1000, 6))
        monkeypatch.setattr("linkage.cli.progress.time.monotonic", lambda: next(now))
        with Lines() as progress:
            progress.stage("sources")
            progress.advance(1_000, 4_000)
            # what came before the first count says nothing of the pace
            progress.advance(2_500, 4_000)
            progress.advance(2_000, None, "files")
            progress.step("odd\x1b")
            progress.stage("graph")
            progress.stage("case")
        assert capsys.readouterr().err.splitlines() == [
            "sources: 1,000 of 4,000 rows",
            "sources: 2,500 of 4,000 rows, 12 s left",
            "sources: 2,000 files",
            "sources: odd␛",
            "sources: done in 48.0 s",
            "graph: done in 6.0 s",
            "case: done in 6.0 s",
        ]

    def test_nothing_is_done_that_failed(self, capsys: pytest.CaptureFixture[str]) -> None:
        def fail() -> None:
            with Lines() as progress:
                progress.stage("sources")
                raise ValueError("x")

        with pytest.raises(ValueError, match="x"):
            fail()
        assert capsys.readouterr().err == ""

    def test_live(self, capsys: pytest.CaptureFixture[str]) -> None:
        with Live() as progress:
            progress.stage("sources")
            progress.advance(1_000, 4_000)
            progress.step("odd\x1b[31m")
            assert progress._bars.tasks[0].description == "sources: odd␛[31m"
            progress.stage("graph")
        text = capsys.readouterr().err
        assert "sources" in text
        assert "\x1b[31m" not in text
