"""What a stage may ask of an engine.

Stages write SQL once, in the part of DuckDB's dialect that other engines can be given; anything
that SQL can't say goes through Arrow batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    from linkage.engine.duckdb import DuckDBEngine


class Engine(Protocol):
    """Runs SQL and moves Arrow tables in and out."""

    threads: int
    """How many threads Python code that runs beside it may use."""

    versions: dict[str, str]
    """What it is made of, by name, in which version."""

    @property
    def embedded(self) -> DuckDBEngine:
        """The DuckDB that reads inputs and earlier cases, and writes the case.

        A table that it has and this engine has not is there for this engine, too.
        """

    def readable(self, inputs: Sequence[Any]) -> list[Any]:
        """Inputs of a run as `embedded` can read them."""

    def hand_over(self, tables: Iterable[str]) -> DuckDBEngine:
        """The same, once it has those of `tables` that there are, as they are now."""

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

    def exists(self, table: str) -> bool:
        """Whether there is such a table."""

    def create(self, table: str, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Make (or replace) a table from a query."""

    def put(self, table: str, data: pa.Table) -> None:
        """Make (or replace) a table from an Arrow table."""

    def fold(self, table: str, *columns: str) -> None:
        """Columns of `table` have few different texts: keep them as is quickest to compare.

        What is made from them by a query is kept so, too. They are texts to every query.
        """

    def map_batches(
        self,
        sql: str,
        function: Callable[[pa.RecordBatch], pa.RecordBatch],
        table: str,
        schema: pa.Schema,
        done: Callable[[int], None] | None = None,
    ) -> None:
        """Run `function` over the result of a query, a batch at a time, into a table.

        It may run in another process, so that what it refers to is copied there. `done` is told how
        many rows each batch had, by engines that know.
        """

    def drop(self, *tables: str) -> None:
        """Drop tables, if they exist."""

    def close(self) -> None:
        """End a run: what it made is no longer there."""
