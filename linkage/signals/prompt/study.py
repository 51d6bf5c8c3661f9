"""What all templates of a table of prompts are, and which rows hold them, within a memory.

A table of the engine with the columns account and raw arrives; a table leaves that has, for each
template that a row holds, the row's other columns with the template's number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from linkage.engine import Engine
from linkage.progress import Progress
from linkage.signals.prompt.arrays import I64, U64
from linkage.signals.prompt.corpus import OWN, read, tokens_of
from linkage.signals.prompt.families import Families
from linkage.signals.prompt.model import Model, learn
from linkage.signals.prompt.postings import runs
from linkage.signals.prompt.text import Tokens

SHARE = 0.4
"""Of the engine's memory, what the search for templates may take while the engine waits."""
BYTES_OF_TOKEN = 50
"""Memory that the search for templates takes at most for each token, its text included."""
CHARACTERS_OF_TOKEN = 5
"""Characters that a token takes, with its space: what a sample is reckoned by."""

Tell: TypeAlias = Callable[[U64, I64], tuple[I64, I64]]
"""Prompts and numbers of the templates that they hold, by the runs that begin at each token, and
where the tokens of each prompt begin."""

_ORDER = "hash(raw, account)"
"""What a sample is taken by, so that it does not depend on the order of rows."""


def study(
    engine: Engine,
    table: str,
    into: str,
    tell: Callable[[Model], Tell],
    progress: Progress,
    named: Callable[[Families], dict[int, str]] | None = None,
) -> tuple[Model, int]:
    """Learn the templates of `table`, and write to `into` what `tell` makes of its prompts.

    Returns what was learned, and the characters that the table has. An account of null is one by
    itself. `named` gives the texts of templates that are known already.
    """
    characters = engine.value(f"SELECT coalesce(sum(length(raw)), 0) FROM {table}")
    with engine.lent(SHARE) as memory:
        progress.step("finding templates")
        texts, account = _sample(engine, table, memory, characters)
        # the engine waits, and what it holds of its file it can read again
        with engine.lent(1):
            model = learn(read(texts, account, engine.threads), named)
        apply(engine, table, into, tell(model), progress)
    return model, characters


def _sample(
    engine: Engine, table: str, memory: int, characters: int
) -> tuple[pa.ChunkedArray, I64]:
    """As many of the prompts as memory allows, and their accounts."""
    share = memory / BYTES_OF_TOKEN * CHARACTERS_OF_TOKEN / max(characters, 1)
    sampled = f"{_ORDER} < {int(share * 2**64)}" if share < 1 else "true"
    rows = engine.arrow(
        f"SELECT account, raw FROM {table} WHERE raw IS NOT NULL AND {sampled} "
        f"ORDER BY {_ORDER}, account"
    )
    return rows["raw"], rows["account"].fill_null(OWN).to_numpy().astype(np.int64)


def apply(engine: Engine, table: str, into: str, tell: Tell, progress: Progress) -> None:
    """Write to `into` what the prompts of `table` hold."""
    prompts = f"FROM {table} WHERE raw IS NOT NULL"
    total, done = engine.value(f"SELECT count(*) {prompts}"), 0
    nothing = engine.arrow(f"SELECT * EXCLUDE raw {prompts} LIMIT 0")
    threads = engine.threads

    def work(at: slice, tokens: Tokens) -> tuple[I64, I64]:
        prompt, template = tell(runs(tokens.hashes, tokens.first), tokens.first)
        return prompt + at.start, template

    def told(batch: pa.RecordBatch) -> pa.RecordBatch:
        found = list(tokens_of(pa.chunked_array([batch["raw"]]), work, threads))
        return _named(batch.drop_columns("raw"), found)

    def advance(rows: int) -> None:
        nonlocal done
        done += rows
        progress.advance(done, total, "prompts")

    engine.map_batches(f"SELECT * {prompts}", told, into, _named(nothing, []).schema, advance)


def _named(rows: pa.Table, found: list[tuple[I64, I64]]) -> pa.Table:
    """The rows that were found to hold a template, with its number."""
    nothing = np.zeros(0, dtype=np.int64)
    prompt = np.concatenate([nothing, *(p for p, _ in found)])
    template = np.concatenate([nothing, *(t for _, t in found)])
    return rows.take(pa.array(prompt)).append_column("template", pa.array(template, pa.int32()))
