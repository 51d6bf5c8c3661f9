"""Sessions of Spark: started here or given, and set up so that SQL means what it does in DuckDB."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import pyarrow as pa

from linkage.config import EngineConfig
from linkage.engine.duckdb import BATCH_ROWS
from linkage.engine.spark_sql import HASH
from linkage.errors import ConfigError, MissingExtraError, shorten

try:
    from pyspark.errors import PySparkException
    from pyspark.sql import DataFrame, SparkSession
except ImportError:
    raise MissingExtraError(
        "The Spark engine needs the package pyspark, which is not installed. "
        "Install it: pip install 'linkage[spark]'"
    ) from None

__all__ = ["DataFrame", "SparkSession", "local_cores", "prepared", "started"]

JAVA = (
    "Spark runs on Java, 17 or later, which {found}. Install it (Debian, Ubuntu: apt-get install "
    "default-jre-headless; macOS: brew install openjdk@17), or say where it is: JAVA_HOME=…"
)

MEANING = {
    # times have no zone; what is formatted is UTC
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.session.timeZone": "UTC",
    # an overflow is an error, never another number
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH_ROWS),
}
"""What statements mean by Spark's own settings."""


def local_cores() -> int:
    """The cores of this machine."""
    return os.cpu_count() or 1


def started(config: EngineConfig) -> SparkSession:
    """A new session, on `config.master`, or what Spark is set up with, or this machine.

    `ConfigError` if there is no Java, or the master can't be reached.
    """
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") is None and not (home and (Path(home) / "bin" / "java").exists()):
        raise ConfigError(JAVA.format(found="is not installed"))
    # workers on this machine are to have the packages that this process has
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.appName("linkage")
    if config.master:
        builder = builder.master(config.master)
    for setting, value in OWN.items():
        builder = builder.config(setting, value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return builder.getOrCreate()
    except (PySparkException, OSError) as error:
        raise ConfigError(str(error)) from None


OWN = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def prepared(given: SparkSession | None) -> SparkSession:
    """A session beside the one given, with settings, views and functions of its own."""
    assert given is not None
    session = given.newSession()
    for setting, value in MEANING.items():
        session.conf.set(setting, value)
    from pyspark.sql.functions import arrow_udf

    session.udf.register(HASH, arrow_udf(hashed, "decimal(20, 0)"))
    return session


def hashed(*columns: pa.Array) -> pa.Array:
    """DuckDB's hash of rows, by DuckDB: samples and shuffles are taken by it."""
    import duckdb

    connection = duckdb.connect(config={"threads": 1})
    rows = pa.table({f"c{number}": column for number, column in enumerate(columns)})
    call = f"SELECT CAST(hash({', '.join(rows.column_names)}) AS DECIMAL(20, 0)) AS hash FROM rows"
    found = connection.sql(call).to_arrow_table()["hash"].combine_chunks()
    return found
