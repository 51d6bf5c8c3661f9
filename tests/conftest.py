"""What several tests share: a command line in this process, and one small population."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from cases import Typed

from linkage import cli
from linkage.case import Case
from linkage.pipeline import run
from linkage.simulate import simulate

# set where tests run side by side; what is printed would be cut there
os.environ.pop("COLUMNS", None)


@dataclass(frozen=True)
class Population:
    """A simulated population: its files, who belongs to whom, and the case of a run over it."""

    folder: Path
    case: Path

    @property
    def inputs(self) -> list[Path]:
        return [self.folder / "accounts.csv", self.folder / "events.parquet"]

    @property
    def truth(self) -> Path:
        return self.folder / "truth.csv"


@pytest.fixture(scope="session")
def population(tmp_path_factory: pytest.TempPathFactory) -> Population:
    """1,500 accounts with three operators; nobody changes it."""
    folder = tmp_path_factory.mktemp("population")
    simulate(folder, "demo", 1_500, 1)
    made = Population(folder, folder / "case")
    run(made.inputs, made.case).close()
    return made


@pytest.fixture
def opened(population: Population) -> Case:
    """The case of that population."""
    return Case(population.case)


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Typed:
    """Run a command in this process; returns its exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = cli.run([str(a) for a in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
