"""Prompts to the template of each, for use alone: no accounts needed, no signals made."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pyarrow as pa

from linkage.engine import DuckDBEngine, Engine
from linkage.progress import Progress, Quiet
from linkage.signals.prompt.study import study


def label(engine: Engine, table: str, progress: Progress | None = None) -> None:
    """Write `row_templates` (row, template) from `table` (row, account, raw).

    `template` is a skeleton; rows without one are left out. An account of null is one by itself.
    """
    model, _ = study(engine, table, "_found", lambda model: model.best, progress or Quiet())
    engine.put("_skeletons", model.table())
    engine.create(
        "row_templates",
        f"""
        WITH named AS (SELECT row, text FROM _found JOIN _skeletons USING (template)),
        shared AS (
            SELECT text FROM named JOIN {table} USING (row) GROUP BY text
            HAVING count(DISTINCT coalesce(account, -1 - row)) > 1
        )
        SELECT row, text AS template FROM named WHERE text IN (SELECT text FROM shared)
        """,
    )
    engine.drop("_found", "_skeletons")


def templates(
    prompts: Sequence[str | None], accounts: Sequence[Hashable] | None = None
) -> list[str | None]:
    """For each prompt the skeleton of the template that describes it best, or None.

    Without accounts, every prompt counts as an account of its own.

    >>> orders = [f"Translate the letter below into formal French, keeping all names: {x}"
    ...           for x in ("Dear Ann, hello", "To whom it may concern", "Hi Bob, see you soon")]
    >>> templates([*orders, "What is the capital of Peru?"])[2:]
    ['Translate the letter below into formal French, keeping all names: ⟨…⟩', None]
    """
    if accounts is not None and len(accounts) != len(prompts):
        raise ValueError(f"{len(prompts)} prompts, but {len(accounts)} accounts: one each, please.")
    owners: list[int | None] = [None] * len(prompts)
    if accounts is not None:
        numbered = {a: i for i, a in enumerate(sorted(set(accounts), key=repr))}
        owners = [numbered[a] for a in accounts]
    rows = {
        "row": pa.array(range(len(prompts)), pa.int64()),
        "account": pa.array(owners, pa.int64()),
        "raw": pa.array([_clean(p) for p in prompts], pa.string()),
    }
    engine = DuckDBEngine()
    engine.put("prompts", pa.table(rows))
    label(engine, "prompts")
    found: list[str | None] = [None] * len(prompts)
    for row, template in engine.rows("SELECT row, template FROM row_templates"):
        found[row] = template
    engine.close()
    return found


def _clean(prompt: str | None) -> str | None:
    """A prompt without what is no character (halves of surrogate pairs), or None if it is empty."""
    return str(prompt).encode("utf-8", "ignore").decode() if prompt else None
