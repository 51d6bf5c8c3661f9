"""One input row by row, for whoever wants to know the template of each prompt and no more.

A relation arrives; the table `prompt_rows` leaves: row (from 0, in the order of the input), account
(a number; null: none is known) and raw (the prompt; null: none). Accounts are numbered in the
order of their names, so that the order of rows changes no number.
"""

from __future__ import annotations

from dataclasses import dataclass

from linkage.engine import DuckDBEngine
from linkage.errors import InputError, shorten, suggestion
from linkage.sources.columns import PROMPT, rank, uses
from linkage.sources.gather import account_of, as_text
from linkage.sources.relation import Reject, Relation, filled, reading, staged
from linkage.words import plain

TABLE = "prompt_rows"


@dataclass(frozen=True)
class Rows:
    """What was read: names of the columns, rows, accounts, and rows that could not be read."""

    prompt: str
    account: str
    rows: int
    accounts: int
    rejects: tuple[Reject, ...]


def put_rows(engine: DuckDBEngine, relation: Relation, prompt: str, account: str | None) -> Rows:
    """Make the table `prompt_rows` of a relation.

    `prompt` is the name of the prompts' column, or "prompt" for the first that is named like one;
    `account` likewise, None for one that is named like an account, "" for none.
    `InputError` if there is no such column.
    """
    at = _prompt(relation, prompt)
    by = _account(relation, account)
    wanted = [at] if by is None else [at, by]
    ready, rejects = staged(engine, relation, wanted, "_rows_staged")
    raw = filled(as_text(ready.columns[at], nested=True))
    who = "CAST(NULL AS VARCHAR)" if by is None else account_of(ready.columns[by])
    with reading(relation.name):
        engine.create(
            "_names",
            f"""SELECT name, CAST(row_number() OVER (ORDER BY name) - 1 AS INTEGER) AS account
            FROM (SELECT DISTINCT {who} AS name FROM {ready.source}) WHERE name IS NOT NULL""",
        )
        # the numbers are looked up for each text as it streams by, not the other way round
        engine.run("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        try:
            engine.create(
                TABLE,
                f"""SELECT row, account, raw FROM (
                    SELECT CAST({ready.row} AS BIGINT) AS row, {who} AS name, {raw} AS raw
                    FROM {ready.source}
                ) LEFT JOIN _names USING (name)""",
            )
        finally:
            engine.run("RESET disabled_optimizers")
    rows = engine.value(f"SELECT count(*) FROM {TABLE}")
    accounts = engine.value("SELECT count(*) FROM _names")
    engine.drop("_names", "_rows_staged")
    labels = relation.labels
    return Rows(labels[at], "" if by is None else labels[by], rows, accounts, tuple(rejects))


def _prompt(relation: Relation, wanted: str) -> int:
    names = [column.name for column in relation.columns]
    found = _named(names, wanted)
    if found is None and plain(wanted) == PROMPT:
        found = _used(relation, PROMPT)
    if found is None:
        raise InputError(
            f"{relation.name}: no column {shorten(wanted)}. {suggestion(wanted, names)}\n"
            "Say which column holds the prompts: --column COLUMN"
        )
    return found


def _account(relation: Relation, wanted: str | None) -> int | None:
    if wanted is None:
        return _used(relation, "account")
    if not wanted:
        return None
    names = [column.name for column in relation.columns]
    found = _named(names, wanted)
    if found is None:
        raise InputError(
            f"{relation.name}: no column {shorten(wanted)}. {suggestion(wanted, names)}\n"
            "Say which column is the account (--account COLUMN), or leave it out."
        )
    return found


def _named(names: list[str], wanted: str) -> int | None:
    """The column of this name, or of one that differs in case and separators."""
    if wanted in names:
        return names.index(wanted)
    alike = [plain(name) for name in names]
    return alike.index(plain(wanted)) if plain(wanted) in alike else None


def _used(relation: Relation, kind: str) -> int | None:
    """The column that is used for a kind; of several, the one with the likeliest name."""
    shapes = [column.shape for column in relation.columns]
    names = [column.name for column in relation.columns]
    found = [i for i, use in enumerate(uses(names, {}, shapes)) if use.kind == kind]
    return min(found, key=lambda i: (rank(names[i]), i), default=None)
