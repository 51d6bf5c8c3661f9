"""Cases, tables of members and truth, as they are read.

A case folder, a folder that holds members.csv and operators.csv, or a table of members that any
tool wrote come in; three Arrow tables of known columns leave.
"""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pyarrow as pa

from linkage.case import DATABASE, Case
from linkage.errors import CaseError, InputError, shorten
from linkage.writing import FORMULA

NOTHING = pa.table(
    {"operator_id": pa.array([], pa.string()), "q_value": pa.array([], pa.float64())}
)


def read_members(path: Path) -> tuple[pa.Table, pa.Table]:
    """The members and operators of a case folder, or of a table of members.

    A table of members has columns account_id and operator_id (empty: in none), and perhaps verdict
    (without it, all are taken for sockpuppets) and confidence.
    """
    if path.is_file():
        return _any_members(_table(path), str(path)), NOTHING
    if not path.exists():
        raise CaseError(
            f"{path}: no such case, and no such table of members (account_id, operator_id)."
            " Name a case folder or a file."
        )
    if (path / DATABASE).exists():
        with Case(path) as opened:
            return opened.arrow("members"), opened.arrow("operators")
    for name in ("members.csv", "operators.csv"):
        if not (path / name).is_file():
            raise CaseError(
                f"{path}: expected a case ({DATABASE}, or members.csv and operators.csv) or a table"
                f" of members (account_id, operator_id), found no {name}."
                f" Make one: linkage run INPUT... --out {path}"
            )
    return _table(path / "members.csv"), _table(path / "operators.csv")


def read_truth(path: Path) -> pa.Table:
    """A truth file as a table of text columns."""
    if not path.is_file():
        raise InputError(
            f"{path}: no such file. Truth is a table with columns account_id and operator."
        )
    return _table(path)


def _any_members(table: pa.Table, where: str) -> pa.Table:
    """Members with all their columns, from a table that may lack verdict and confidence."""
    table = table.rename_columns([name.strip().lower() for name in table.column_names])
    expect(table, where, ["account_id", "operator_id"])
    if "verdict" not in table.column_names:
        table = table.append_column("verdict", pa.array(["sockpuppets"] * len(table), pa.string()))
    if "confidence" not in table.column_names:
        table = table.append_column("confidence", pa.nulls(len(table), pa.float64()))
    return table.select(["account_id", "operator_id", "verdict", "confidence"])


def expect(table: pa.Table, name: str, columns: list[str]) -> None:
    """Refuse a table that lacks a column."""
    missing = [column for column in columns if column not in table.column_names]
    if missing:
        found = ", ".join(table.column_names) or "none"
        raise InputError(
            f"{name}: expected columns {', '.join(columns)}; {missing[0]} is missing"
            f" (found: {shorten(found, 120)}). Rename the column, or name the right file."
        )


def _table(path: Path) -> pa.Table:
    """A Parquet table, or a csv table of text without the quotes that hide formulas."""
    with duckdb.connect() as connection:
        if path.suffix == ".parquet":
            try:
                return connection.read_parquet(str(path)).to_arrow_table()
            except duckdb.Error as error:
                raise InputError(
                    f"{path}: not a readable Parquet file ({_first(error)})."
                ) from None
        try:
            relation = connection.read_csv(str(path), all_varchar=True, header=True)
            plain = f"regexp_replace(COLUMNS(*), '^''([{re.escape(FORMULA)}])', '\\1')"
            return relation.project(plain).to_arrow_table().rename_columns(relation.columns)
        except (duckdb.Error, UnicodeDecodeError) as error:
            raise InputError(
                f"{path}: expected a CSV table with a header ({_first(error)})."
            ) from None


def _first(error: Exception) -> str:
    return shorten(str(error).splitlines()[0], 120)
