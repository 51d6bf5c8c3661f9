"""What the examples in docstrings start from."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pandas as pd  # noqa: TID251
import pytest

import linkage

# examples of the Spark engine need what it needs
collect_ignore_glob = (
    [] if find_spec("pyspark") and find_spec("sqlglot") else ["linkage/engine/spark*"]
)


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The case of the example at the top of `linkage`."""
    people = [(f"person-{n}", f"card-{n}", f"8.{n % 199}.{n % 7}.9") for n in range(400)]
    fleet = [(f"puppet-{n:02}", f"fleet-card-{n % 3}", f"9.9.9.{n % 4}") for n in range(12)]
    table = pd.DataFrame(people + fleet, columns=["account_id", "card_hash", "ip"])
    out = tmp_path_factory.mktemp("example") / "case"
    linkage.run([table], out=out).close()
    return out


@pytest.fixture(autouse=True)
def examples(
    request: pytest.FixtureRequest, doctest_namespace: dict[str, object], tmp_path: Path
) -> Iterator[None]:
    """In the examples of `linkage.case`, `case` is a copy of that case, and `operator` its one."""
    if not request.node.name.startswith("linkage.case."):
        yield
        return
    copy = shutil.copytree(request.getfixturevalue("example"), tmp_path / "case")
    with linkage.Case(copy) as case:
        doctest_namespace.update(case=case, operator=case.operators["operator_id"][0])
        yield
