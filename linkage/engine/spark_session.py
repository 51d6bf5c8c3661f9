"""Sessions of Spark: started here or given, and set up so that SQL means what it does in DuckDB."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from linkage.config import EngineConfig
from linkage.engine.duckdb import BATCH_ROWS
from linkage.engine.spark_sql import HASH, ROUND
from linkage.errors import ConfigError, MissingExtraError, shorten

try:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.pandas.functions import arrow_udf
except ImportError:
    raise MissingExtraError(
        "The Spark engine needs the package pyspark, 4.1 or later, which is not installed. "
        "Install it: pip install 'linkage[spark]'"
    ) from None

# pandas is used by nothing here
warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)

__all__ = ["DataFrame", "SparkSession", "is_local", "prepared", "started"]

MEANING = {
    # times have no zone; what is formatted is UTC
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.session.timeZone": "UTC",
    # an overflow is an error, never another number
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH_ROWS),
}
"""Settings that decide what statements mean and how many rows a batch has."""

_LOGGING = Path(__file__).with_name("log4j2.properties")


def started(config: EngineConfig, memory: int) -> SparkSession:
    """A new session on `config.master`, or what Spark is set up with, or else this machine.

    With so many bytes of memory for its driver. `ConfigError` if there is no Java, or the master
    can't be reached.
    """
    home = os.environ.get("JAVA_HOME")
    java = Path(home) / "bin" / "java" if home else shutil.which("java")
    if java is None or not Path(java).exists():
        raise ConfigError(
            f"Spark runs on Java, 17 or later, and there is none{f' in {home}' if home else ''}. "
            "Install it (Debian, Ubuntu: apt-get install default-jre-headless; macOS: brew install "
            "openjdk@17), or say where it is with JAVA_HOME."
        )
    # workers on this machine are to have the packages that this process has
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = (
        SparkSession.builder.appName("linkage")
        .config("spark.driver.memory", f"{memory >> 20}m")
        .config("spark.driver.extraJavaOptions", f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}")
        .config("spark.driver.maxResultSize", "0")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
    )
    if config.master:
        builder = builder.master(config.master)
    interrupted = signal.getsignal(signal.SIGINT)
    try:
        session = builder.getOrCreate()
        # Spark answers Ctrl-C by failing what runs; here it ends the run, which then stops Spark
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, interrupted)
        return session
    except Exception as error:
        where = f" on {shorten(config.master)}" if config.master else ""
        # the first line of an error of Java's names a call, the second the error
        lines = [line.lstrip(": ") for line in str(error).splitlines() if line.strip()]
        named = str(error).startswith("An error occurred while calling") and len(lines) > 1
        line = lines[named] if lines else type(error).__name__
        raise ConfigError(
            f"Spark could not be started{where} ({line}). It needs Java 17 or later (see java "
            "-version), and a master that can be reached (engine.master in linkage.toml)."
        ) from error


def is_local(session: SparkSession) -> bool:
    """Whether all of a session runs on this machine."""
    return str(session.sparkContext.master).startswith("local")


def prepared(given: SparkSession) -> SparkSession:
    """A session beside the one given, with settings, views and functions of its own.

    `ConfigError` for a session that reaches its driver over the network (Spark Connect).
    """
    if not hasattr(given, "sparkContext") or not isinstance(given, SparkSession):
        raise ConfigError(
            "The Spark engine needs a classic session, not one of Spark Connect. On Databricks, "
            "use a cluster of one user rather than a shared or serverless one."
        )
    session = given.newSession()
    for setting, value in MEANING.items():
        session.conf.set(setting, value)
    if is_local(session):
        # 200 partitions are for many machines
        partitions = 4 * session.sparkContext.defaultParallelism
        session.conf.set("spark.sql.shuffle.partitions", str(partitions))
    for name, function, kind in ((HASH, hashed, "decimal(20, 0)"), (ROUND, rounded, "double")):
        session.udf.register(name, arrow_udf(function, kind))  # type: ignore[call-overload]
    return session


def hashed(*columns: pa.Array) -> pa.Array:
    """DuckDB's hash of each row: samples and shuffles are taken by it.

    >>> hashed(pa.array([1, 2], pa.int32()), pa.array(["a", None])).type
    Decimal128Type(decimal128(20, 0))
    """
    return _by_duckdb("CAST(hash({}) AS DECIMAL(20, 0))", columns)


def rounded(*columns: pa.Array) -> pa.Array:
    """Doubles, rounded as DuckDB does: by what they are exactly, not by how they are printed.

    >>> rounded(pa.array([1.7 * 0.5625]), pa.array([4], pa.int32())).to_pylist()
    [0.9562]
    """
    return _by_duckdb("round({})", columns)


def _by_duckdb(call: str, columns: Sequence[pa.Array]) -> pa.Array:
    """What a function of DuckDB's makes of columns."""
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        rows = pa.table({f"c{number}": column for number, column in enumerate(columns)})
        connection.register("given", rows)
        # a row stays where it is
        result = connection.sql(f"SELECT {call.format(', '.join(rows.column_names))} FROM given")
        return result.to_arrow_table()[0].combine_chunks()
