"""What a stage may ask of an engine.

Stages write SQL once, in the part of DuckDB's dialect that other engines can be given; anything
that SQL can't say goes through Arrow batches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pyarrow as pa


class Engine(Protocol):
    """Runs SQL and moves Arrow tables in and out."""

    threads: int
    """How many threads Python code that runs beside it may use."""

    def lent(self, share: float) -> AbstractContextManager[int]:
        """Do with less memory while the block runs; yields the bytes that others may use."""

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement; `?` in it stands for the parameters in order."""

    def arrow(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """The result of a query as an Arrow table (keep it small)."""

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The result of a query as tuples (keep it smaller still)."""

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The one value of a query that yields one row with one column."""

    def create(self, table: str, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Make (or replace) a table from a query."""

    def put(self, table: str, data: pa.Table) -> None:
        """Make (or replace) a table from an Arrow table."""

    def map_batches(
        self,
        sql: str,
        function: Callable[[pa.RecordBatch], pa.RecordBatch],
        table: str,
        schema: pa.Schema,
    ) -> None:
        """Run `function` over the result of a query, a batch at a time, into a table."""

    def drop(self, *tables: str) -> None:
        """Drop tables, if they exist."""
