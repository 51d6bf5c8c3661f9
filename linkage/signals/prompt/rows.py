"""Prompts to the template of each, for use alone: no accounts needed, no signals made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
import pyarrow as pa

from linkage.engine import Engine
from linkage.progress import Progress, Quiet
from linkage.signals.prompt.corpus import OWN, Reader, pieces
from linkage.signals.prompt.model import learn
from linkage.signals.prompt.study import study

_FOUND = pa.schema([("row", pa.int64()), ("template", pa.int32())])


def label(engine: Engine, table: str, progress: Progress | None = None) -> None:
    """Write `row_templates` (row, template) from `table` (row, account, raw).

    `template` is a skeleton; rows without one are left out. An account of null is one by itself.
    """
    progress = progress or Quiet()
    learned = study(engine, table, progress)
    model, done = learned.model, learned.done

    def recognise(batch: pa.RecordBatch) -> pa.RecordBatch:
        nonlocal done
        rows, families = [], []
        for part, (prompt, family) in pieces(batch["raw"].to_pylist(), model.best, engine.threads):
            rows.append(prompt + part.start)
            families.append(family)
        done += len(batch)
        progress.advance(done, learned.total, "prompts")
        at = pa.array(np.concatenate(rows) if rows else [], pa.int64())
        family = pa.array(np.concatenate(families) if rows else [], pa.int32())
        return pa.RecordBatch.from_arrays([batch["row"].take(at), family], schema=_FOUND)

    engine.map_batches(
        f"SELECT CAST(row AS BIGINT) AS row, raw FROM {table} WHERE raw IS NOT NULL",
        recognise,
        "_found",
        _FOUND,
    )
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
    rows = [i for i, prompt in enumerate(prompts) if prompt]
    texts = [str(prompts[i]) for i in rows]
    number = np.full(len(rows), OWN)
    if accounts is not None:
        numbered = {a: i for i, a in enumerate(sorted(set(accounts), key=repr))}
        number = np.array([numbered[accounts[i]] for i in rows], dtype=np.int64)
    reader = Reader(sum(map(len, texts)))
    reader.add(texts, number)
    model = learn(reader.corpus())
    found: list[str | None] = [None] * len(prompts)
    users: defaultdict[str, set[int]] = defaultdict(set)
    for part, best in pieces(texts, model.best):
        for prompt, family in zip(*map(np.ndarray.tolist, best), strict=True):
            row = part.start + prompt
            found[rows[row]] = model.skeletons[family]
            who = int(number[row])
            users[model.skeletons[family]].add(-1 - row if who == OWN else who)
    return [t if t is not None and len(users[t]) > 1 else None for t in found]
