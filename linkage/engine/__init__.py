"""Where the SQL runs: one small interface, and the DuckDB engine that is the default."""

from linkage.engine.base import Engine
from linkage.engine.duckdb import DuckDBEngine, interrupt, interruptible

__all__ = ["DuckDBEngine", "Engine", "interrupt", "interruptible"]
