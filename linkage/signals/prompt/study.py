"""What all templates of a table of prompts are, read from an engine within its memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from linkage.engine import Engine
from linkage.progress import Progress
from linkage.signals.prompt.corpus import OWN, Reader
from linkage.signals.prompt.model import Model, learn

SHARE = 0.4
"""Of the engine's memory, what the search for templates may take while the engine waits."""

_NOTHING = pa.schema([("nothing", pa.bool_())])


@dataclass(frozen=True)
class Study:
    """What was found, and how much was read for it."""

    model: Model
    characters: int
    done: int
    """Prompts that `progress` was told of,"""
    total: int
    """and those it has been told are to come in all: each again, to be recognised."""


def study(engine: Engine, table: str, progress: Progress) -> Study:
    """Learn the templates of `table` (account, raw); an account of null is one by itself."""
    known = f"FROM {table} WHERE raw IS NOT NULL"
    rows = engine.rows(f"SELECT count(*), coalesce(sum(length(raw)), 0) {known}")
    total, characters = map(int, rows[0])
    done = 0
    with engine.lent(SHARE) as memory:
        reader = Reader(characters, memory, engine.threads)

        def read(batch: pa.RecordBatch) -> pa.RecordBatch:
            nonlocal done
            accounts = batch["account"].fill_null(OWN).to_numpy(zero_copy_only=False)
            reader.add(batch["raw"].to_pylist(), accounts.astype(np.int64))
            done += len(batch)
            progress.advance(done, 2 * total, "prompts")
            return pa.RecordBatch.from_pylist([], _NOTHING)

        engine.map_batches(f"SELECT account, raw {known}", read, "_prompts_read", _NOTHING)
        engine.drop("_prompts_read")
        progress.step("finding templates")
        return Study(learn(reader.corpus()), characters, done, 2 * total)
