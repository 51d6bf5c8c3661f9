"""What a case keeps of its inputs, so that an update need not read them again.

The tables that `sources` made of new inputs arrive (or none), and a case; the tables of both
together leave, as if all inputs had been read now. Accounts are numbered anew in the order of their
ids, as a run numbers them, so that nothing after this knows that there were two portions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from linkage.case.database import as_declared, attached
from linkage.case.place import DATABASE
from linkage.case.read import CaseReader
from linkage.engine import Engine
from linkage.schema import (
    ACCOUNTS,
    ACTIVITY,
    BEGINNINGS,
    INPUTS,
    OBSERVATIONS,
    PROMPTS,
    READ,
    RECENT_PROMPTS,
    REJECTED,
    ROW_HASHES,
    Table,
)
from linkage.signals import DIRECT_KINDS

MERGED = {
    OBSERVATIONS.name: ("account, kind, raw", "first_seen, last_seen, n"),
    ACTIVITY.name: ("account, hour", "n"),
    PROMPTS.name: ("account, raw", "first_seen, last_seen, n"),
}
"""Tables that both have rows of: what tells rows apart, and what is added up."""

OLD_ONLY = ("prompt_counts", "known_uses")
"""Tables with accounts that only the case has rows of."""

_SUMS = {
    "first_seen": "least(e.first_seen, n.first_seen) AS first_seen",
    "last_seen": "greatest(e.last_seen, n.last_seen) AS last_seen",
    "n": "coalesce(e.n, 0) + coalesce(n.n, 0) AS n",
}


def known_inputs(case: CaseReader) -> dict[tuple[str, str], str]:
    """The inputs that were read: hash and table -> name."""
    return {
        (sha256, name.partition("::")[2]): name
        for name, sha256 in case.rows("SELECT name, sha256 FROM inputs ORDER BY input")
    }


def take_known_rows(engine: Engine, case: CaseReader) -> str | None:
    """Create `known_rows`; a sentence if rows can't be compared with those read before."""
    versions: dict[str, Any] = case.run.get("versions", {})
    written = versions.get("duckdb")
    if written != duckdb.__version__:
        engine.run("CREATE OR REPLACE TABLE known_rows (hash UBIGINT)")
        return (
            f"rows were last read with DuckDB {written}, this is {duckdb.__version__}: rows that "
            "are in both are counted twice"
        )
    with attached(engine, case.path.resolve() / DATABASE, "earlier"):
        engine.create("known_rows", "SELECT hash FROM earlier.row_hashes")
    return None


def empty(engine: Engine) -> None:
    """Create the tables that `sources` makes, without rows."""
    for table in (ACCOUNTS, OBSERVATIONS, ACTIVITY, PROMPTS, REJECTED, INPUTS, ROW_HASHES):
        engine.run(table.ddl("CREATE OR REPLACE TABLE"))


def take_read(engine: Engine, place: Path, without: str | None = None) -> None:
    """Add what the case in `place` holds of its inputs to the tables of `READ`.

    The account `without`, and whatever names it, is left out.
    """
    with attached(engine, place / DATABASE, "earlier"):
        kept = "SELECT * FROM earlier.accounts"
        parameters = []
        if without is not None:
            kept += " WHERE account_id <> ?"
            parameters = [without]
        engine.create("earlier_accounts", kept, parameters)
        _number(engine)
        for name, (keys, sums) in MERGED.items():
            old = "earlier." + (RECENT_PROMPTS.name if name == PROMPTS.name else name)
            _merge(engine, name, old, keys, sums)
        for name in OLD_ONLY:
            engine.create(name, _renumbered(f"earlier.{name}", "earlier_numbers", name))
        engine.create(
            ROW_HASHES.name,
            _renumbered(f"earlier.{ROW_HASHES.name}", "earlier_numbers", ROW_HASHES.name)
            + " UNION ALL "
            + _renumbered(ROW_HASHES.name, "new_numbers", ROW_HASHES.name),
        )
        if without is None and as_declared(engine, BEGINNINGS, "earlier") is None:
            name = BEGINNINGS.name
            engine.create(name, _renumbered(f"earlier.{name}", "earlier_numbers", name))
        for name in ("cleaned", "template_models", "decoys"):
            engine.create(name, f"SELECT * FROM earlier.{name}")
        example = "example AS example" if without is None else "'' AS example"
        engine.run(
            f"INSERT INTO rejected SELECT * REPLACE ({example}) FROM earlier.rejected "
            "WHERE source <> ''"
        )
        engine.create(
            INPUTS.name,
            "SELECT CAST(row_number() OVER (ORDER BY portion, input) - 1 AS INTEGER) AS input, "
            "* EXCLUDE (input, portion) FROM (SELECT 0 AS portion, * FROM earlier.inputs "
            "UNION ALL SELECT 1, * FROM inputs)",
        )
    if without is not None:
        _forget_values(engine, without)
    engine.drop("earlier_accounts", "earlier_numbers", "new_numbers", "known_rows")


def _forget_values(engine: Engine, account_id: str) -> None:
    """Leave out what others have that names the account, and values that nobody has any more."""
    engine.run(
        f"""
        DELETE FROM observations WHERE kind IN {DIRECT_KINDS} AND (
            raw = ? OR raw IN (SELECT raw FROM cleaned WHERE value = ?)
        )
        """,
        [account_id, account_id],
    )
    engine.run(
        "DELETE FROM cleaned WHERE (kind, raw) NOT IN (SELECT (kind, raw) FROM observations)"
    )


def _number(engine: Engine) -> None:
    """Make `accounts` of both, and their numbers before -> now."""
    engine.create("new_accounts", "SELECT * FROM accounts")
    engine.create(
        ACCOUNTS.name,
        """
        SELECT CAST(row_number() OVER (ORDER BY account_id) - 1 AS INTEGER) AS account, account_id,
            min(created_at) AS created_at, min(first_seen) AS first_seen,
            max(last_seen) AS last_seen, CAST(sum(rows) AS BIGINT) AS rows
        FROM (SELECT * FROM new_accounts UNION ALL SELECT * FROM earlier_accounts)
        GROUP BY account_id ORDER BY account
        """,
    )
    for portion in ("new", "earlier"):
        engine.create(
            f"{portion}_numbers",
            f"SELECT x.account AS before, a.account FROM {portion}_accounts x "
            "JOIN accounts a USING (account_id)",
        )
    engine.drop("new_accounts")


_TABLES: dict[str, Table] = {table.name: table for table in (*READ, PROMPTS)}


def _renumbered(source: str, numbers: str, name: str) -> str:
    columns = ", ".join(
        "m.account" if c.name == "account" else f"t.{c.name}" for c in _TABLES[name].columns
    )
    return f"SELECT {columns} FROM {source} t JOIN {numbers} m ON m.before = t.account"


def _merge(engine: Engine, name: str, old: str, keys: str, sums: str) -> None:
    """Add to the table `name` the rows of `old`; of what both have, one row."""
    # each has a row once, so that nothing need be grouped
    earlier = _renumbered(old, "earlier_numbers", name)
    new = _renumbered(name, "new_numbers", name)
    added = ", ".join(_SUMS[column] for column in sums.split(", "))
    engine.create(
        name, f"SELECT {keys}, {added} FROM ({earlier}) e FULL JOIN ({new}) n USING ({keys})"
    )
