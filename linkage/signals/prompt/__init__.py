"""Prompt templates: long fixed text that prompts of different accounts share.

The table `prompts` arrives, the table `template_uses` leaves. What counts is containment, not
similarity: fixed text counts wherever it stands and however long the slots around it are, since an
operator's slots are anything from a number to ten pages. Runs of four words that several accounts
share (`corpus`) are put together by the prompts they occur in (`families`), and each family gets a
readable skeleton (`skeleton`). A template that nests in another, such as an operator's text in a
framework's wrapper, comes out beside it. What people merely quote is told from it (`postings`).

New templates are looked for in a sample of bounded size; all prompts are compared with those found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
import pyarrow as pa

from linkage.engine import Engine
from linkage.progress import Progress, Quiet
from linkage.schema import TEMPLATE_USES
from linkage.signals.prompt.arrays import I64
from linkage.signals.prompt.corpus import Reader, pieces
from linkage.signals.prompt.model import Model, learn
from linkage.signals.prompt.postings import TRIES

__all__ = ["mine", "templates"]

AGAIN = 0.05
"""Share of a template's accounts that use it again, if they do not quote it (measured: operators'
ones are at 0.1 and mostly at 0.4 and above, quotations that single people repeat below 0.03)."""

_NOTHING = pa.schema([("nothing", pa.bool_())])
_USES = pa.schema(
    [
        ("account", pa.int32()),
        ("template", pa.int32()),
        ("first_seen", pa.timestamp("us")),
        ("last_seen", pa.timestamp("us")),
        ("n", pa.int64()),
    ]
)


def mine(engine: Engine, progress: Progress | None = None) -> None:
    """Write `template_uses` from `prompts`: of each the template it holds, and what that is in."""
    progress = progress or Quiet()
    total, characters = engine.rows(
        "SELECT count(*), coalesce(sum(length(raw)), 0) FROM prompts WHERE raw IS NOT NULL"
    )[0]
    reader = Reader(characters)
    done = 0

    def read(batch: pa.RecordBatch) -> pa.RecordBatch:
        nonlocal done
        accounts = batch["account"].to_numpy().astype(np.int64)
        reader.add(batch["raw"].to_pylist(), accounts)
        done += len(accounts)
        progress.advance(done, 2 * total, "prompts")
        return pa.RecordBatch.from_pylist([], _NOTHING)

    known = "FROM prompts WHERE raw IS NOT NULL"
    engine.map_batches(f"SELECT account, raw {known}", read, "_prompts_read", _NOTHING)
    model = learn(reader.corpus())
    reader = Reader(0)

    def recognise(batch: pa.RecordBatch) -> pa.RecordBatch:
        nonlocal done
        at, family = _held(model, batch["raw"].to_pylist())
        done += len(batch)
        progress.advance(done, 2 * total, "prompts")
        used = batch.take(pa.array(at))
        columns = [used["account"], pa.array(family, pa.int32())]
        columns += [used[name] for name in ("first_seen", "last_seen", "n")]
        return pa.RecordBatch.from_arrays(
            [c.cast(t) for c, t in zip(columns, _USES.types, strict=True)], schema=_USES
        )

    engine.map_batches(
        f"SELECT account, raw, first_seen, last_seen, n {known}", recognise, "_uses", _USES
    )
    number = [i for i, text in enumerate(model.skeletons) if text]
    texts = [model.skeletons[i] for i in number]
    engine.put(
        "_skeletons",
        pa.table({"template": pa.array(number, pa.int32()), "text": pa.array(texts, pa.string())}),
    )
    engine.create(
        TEMPLATE_USES.name,
        """
        SELECT account, text AS template,
               min(first_seen) AS first_seen, max(last_seen) AS last_seen,
               CAST(sum(n) AS BIGINT) AS n
        FROM _uses JOIN _skeletons USING (template)
        GROUP BY account, text
        """,
    )
    if model.quoting:
        _forget_quotations(engine)
    engine.drop("_prompts_read", "_uses", "_skeletons")


def _forget_quotations(engine: Engine) -> None:
    """Delete templates that hardly any account uses again, though it could.

    Where most accounts quote, such a text is a quotation, unless half of its accounts use another
    such text too: each template once, in every account, is how some operators work.
    """
    uses = TEMPLATE_USES.name
    engine.run(
        f"""
        WITH sent AS (SELECT account, sum(n) AS prompts FROM prompts GROUP BY account),
        once AS (
            SELECT template, count(*) AS accounts FROM {uses} JOIN sent USING (account)
            GROUP BY template
            HAVING median(prompts) >= {TRIES} AND avg(CAST(n > 1 AS INTEGER)) < {AGAIN}
        ),
        held AS (SELECT account, template, accounts FROM {uses} JOIN once USING (template)),
        together AS (
            SELECT one.template
            FROM held one JOIN held other
              ON one.account = other.account AND one.template <> other.template
            GROUP BY one.template, other.template, one.accounts
            HAVING count(*) >= greatest(3, one.accounts / 2)
        )
        DELETE FROM {uses}
        WHERE template IN (SELECT template FROM once)
          AND template NOT IN (SELECT template FROM together)
        """
    )


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
    number = np.array(_numbered(texts, accounts and [accounts[i] for i in rows]), dtype=np.int64)
    reader = Reader(sum(map(len, texts)))
    reader.add(texts, number)
    model = learn(reader.corpus())
    found: list[str | None] = [None] * len(prompts)
    users: defaultdict[str, set[int]] = defaultdict(set)
    for part, best in pieces(texts, model.best):
        for prompt, family in zip(*map(np.ndarray.tolist, best), strict=True):
            row = part.start + prompt
            found[rows[row]] = model.skeletons[family]
            users[model.skeletons[family]].add(int(number[row]))
    return [t if t is not None and len(users[t]) > 1 else None for t in found]


def _numbered(texts: Sequence[str], accounts: Sequence[Hashable] | None) -> list[int]:
    """Numbers of accounts that don't depend on the order of rows."""
    if accounts is not None:
        number = {a: i for i, a in enumerate(sorted(set(accounts), key=repr))}
        return [number[a] for a in accounts]
    order = sorted(range(len(texts)), key=texts.__getitem__)
    place = [0] * len(texts)
    for i, row in enumerate(order):
        place[row] = i
    return place


def _held(model: Model, texts: Sequence[str]) -> tuple[I64, I64]:
    prompts, families = [], []
    for part, (prompt, family) in pieces(texts, model.told):
        prompts.append(prompt + part.start)
        families.append(family)
    if not prompts:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate(prompts), np.concatenate(families)
