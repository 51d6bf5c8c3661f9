"""Which account or operator is meant: an id, the start of one, or one that is no longer used.

What was typed arrives, and `ask`, which runs a query over the case in the folder `path`; the one
that is meant leaves, or an `InputError` that names what is like it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from linkage.case.views import Operator
from linkage.errors import InputError, shorten

Ask = Callable[..., list[tuple[Any, ...]]]


def find_account(ask: Ask, path: Path, account_id: str) -> tuple[Any, ...]:
    """The account of an id: account, account_id, created_at, first_seen, last_seen, rows."""
    found = ask(
        "SELECT account, account_id, created_at, first_seen, last_seen, rows FROM accounts "
        "WHERE account_id = $id",
        id=account_id,
    )
    if found:
        return found[0]
    near = ask(
        "SELECT account_id, jaro_winkler_similarity(substr(account_id, 1, 64), $id) AS score "
        "FROM accounts WHERE score > 0.85 ORDER BY score DESC, account_id LIMIT 3",
        id=account_id[:64],
    )
    some = ask("SELECT account_id FROM accounts ORDER BY account_id LIMIT 2")
    like = " and ".join(shorten(row[0]) for row in some)
    hint = _suggest(near) or f"Its accounts look like {like}."
    raise InputError(f"no account {shorten(account_id)} in {path}. {hint.strip()}")


def find_operator(ask: Ask, path: Path, operator_id: str) -> Operator:
    """The operator of an id, of the start of one, or of an id that is an alias of its own."""
    wanted = operator_id.strip().upper()
    found = [
        Operator(*row)
        for row in ask(
            "SELECT * FROM operators WHERE operator_id = $exact "
            "OR starts_with(operator_id, $full) "
            "ORDER BY operator_id <> $exact, operator_id LIMIT 4",
            exact=operator_id.strip(),
            full=_full(wanted),
        )
    ]
    if wanted and found:
        if found[0].operator_id == operator_id.strip() or len(found) == 1:
            return found[0]
        names = ", ".join(o.operator_id for o in found[:3]) + ("…" if len(found) > 3 else "")
        raise InputError(
            f"operator {shorten(operator_id)} could be any of {names}. Type more of it."
        )
    if wanted and (name := earlier_id(ask, wanted)):
        present = ask("SELECT * FROM operators WHERE operator_id = $name", name=name)
        if present:
            return Operator(*present[0])
        [(run,)] = ask("SELECT max(run) FROM run_operators WHERE operator_id = $name", name=name)
        if run is not None:
            raise InputError(
                f"{name} is no operator any more: run {run:,} was the last to find it. "
                f"What became of it: linkage history {path} --operator {name}"
            )
    near = ask(
        "SELECT operator_id, jaro_winkler_similarity(operator_id, $id) AS score "
        "FROM operators WHERE score > 0.8 ORDER BY score DESC, operator_id LIMIT 3",
        id=wanted[:64],
    )
    raise InputError(
        f"no operator {shorten(operator_id)} in {path}. {_suggest(near)}"
        f"List them: linkage operators {path}"
    )


def earlier_id(ask: Ask, operator_id: str) -> str | None:
    """The id of today, or the last one, of an operator of some run; None if that is not clear."""
    full = _full(operator_id.strip().upper())
    found = ask(
        "SELECT operator_id FROM (SELECT operator_id FROM run_operators "
        "UNION SELECT alias FROM aliases) WHERE starts_with(operator_id, $full) "
        "ORDER BY operator_id <> $full, operator_id LIMIT 2",
        full=full,
    )
    if not found or (len(found) == 2 and found[0][0] != full):
        return None
    alias = ask("SELECT operator_id FROM aliases WHERE alias = $name", name=found[0][0])
    return str(alias[0][0] if alias else found[0][0])


def _full(wanted: str) -> str:
    return "OP-" + wanted.removeprefix("OP-")


def _suggest(near: list[tuple[Any, ...]]) -> str:
    names = " or ".join(shorten(row[0]) for row in near)
    return f"Did you mean {names}? " if near else ""
