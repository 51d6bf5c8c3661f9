"""One Spark session for all tests that need one, and what is to be the same with both engines."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from linkage.case import Case
from linkage.schema import TABLES

JAVA = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:MetaspaceSize=256m "
    # one compiler alone gets a fifth of it, which all tests in one session fill
    "-XX:ReservedCodeCacheSize=240m"
)
"""It ends before thorough compiling pays."""

# of each run another, and of no use in comparing two
APART = ("runs", "inputs")


def missing() -> str:
    """What Spark's tests need and is not there; empty: they can run."""
    try:
        import pyspark  # noqa: F401
        import sqlglot  # noqa: F401
    except ImportError as error:
        return f"{error.name} is not installed: pip install 'linkage[spark]'"
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        return "there is no Java: apt-get install default-jre-headless"
    return ""


@pytest.fixture(scope="session")
def session() -> Iterator[Any]:
    """A small session on this machine, which a `SparkEngine` without one finds, too."""
    if why := missing():
        # where all changes are tested, nothing is left out
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.extraJavaOptions", JAVA)
        .getOrCreate()
    )
    yield session
    session.stop()


def tables(case: Case) -> dict[str, list[tuple[Any, ...]]]:
    """What a case keeps, with figures as exact as sums in any order are."""
    found = {}
    for name, table in TABLES.items():
        if table.kept and name not in APART:
            rows = case.arrow(name).select([c.name for c in table.columns]).to_pylist()
            found[name] = sorted(
                (tuple(_rounded(value) for value in row.values()) for row in rows), key=repr
            )
    return found


def _rounded(value: Any) -> Any:
    return float(f"{value:.9g}") if isinstance(value, float) else value


def lists(case: Case) -> dict[str, bytes]:
    """The bytes of the two lists."""
    return {name: (case.path / name).read_bytes() for name in ("operators.csv", "members.csv")}
