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
from linkage.signals.prompt.corpus import OWN, Corpus, in_pieces, read, tokens_of
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
    engine: Engine, table: str, into: str, tell: Callable[[Model], Tell], progress: Progress
) -> tuple[Model, int]:
    """Learn the templates of `table`, and write to `into` what `tell` makes of its prompts.

    Returns what was learned, and the characters that the table has. An account of null is one by
    itself. Rows of the sample that is searched are not read again.
    """
    characters = engine.value(f"SELECT coalesce(sum(length(raw)), 0) FROM {table}")
    with engine.lent(SHARE) as memory:
        share = memory / BYTES_OF_TOKEN * CHARACTERS_OF_TOKEN / max(characters, 1)
        sampled = f"{_ORDER} < {int(share * 2**64)}" if share < 1 else "true"
        rows = engine.arrow(
            f"SELECT * FROM {table} WHERE raw IS NOT NULL AND {sampled} ORDER BY {_ORDER}, account"
        )
        progress.step("finding templates")
        account = rows["account"].fill_null(OWN).to_numpy().astype(np.int64)
        corpus = read(rows["raw"], account, engine.threads)
        model = learn(corpus)
        rows, told = rows.drop_columns("raw"), tell(model)
        apply(engine, table, into, told, progress, f"NOT ({sampled})", rows.num_rows)
        found = _in_sample(corpus, told, engine.threads)
        engine.put("_in_sample", _named(rows, found))
        engine.run(f"INSERT INTO {into} SELECT * FROM _in_sample")
        engine.drop("_in_sample")
    return model, characters


def apply(
    engine: Engine,
    table: str,
    into: str,
    tell: Tell,
    progress: Progress,
    which: str = "true",
    done: int = 0,
) -> None:
    """Write to `into` what the prompts of `table` hold; `done` others were done before."""
    wanted = f"FROM {table} WHERE raw IS NOT NULL AND {which}"
    total = done + engine.value(f"SELECT count(*) {wanted}")
    nothing = engine.arrow(f"SELECT * EXCLUDE raw {wanted} LIMIT 0")
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

    engine.map_batches(f"SELECT * {wanted}", told, into, _named(nothing, []).schema, advance)


def _in_sample(corpus: Corpus, tell: Tell, threads: int) -> list[tuple[I64, I64]]:
    first = corpus.first

    def work(at: slice) -> tuple[I64, I64]:
        run = corpus.run[first[at.start] : first[at.stop]]
        prompt, template = tell(run, first[at.start : at.stop + 1] - first[at.start])
        return prompt + at.start, template

    return list(in_pieces(np.diff(first), work, threads))


def _named(rows: pa.Table, found: list[tuple[I64, I64]]) -> pa.Table:
    """The rows that were found to hold a template, with its number."""
    nothing = np.zeros(0, dtype=np.int64)
    prompt = np.concatenate([nothing, *(p for p, _ in found)])
    template = np.concatenate([nothing, *(t for _, t in found)])
    return rows.take(pa.array(prompt)).append_column("template", pa.array(template, pa.int32()))
