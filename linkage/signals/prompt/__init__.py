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
from linkage.schema import KNOWN_USES, PROMPT_COUNTS, TEMPLATE_MODELS, TEMPLATE_USES
from linkage.signals.prompt.corpus import Reader, pieces
from linkage.signals.prompt.known import Known, from_bytes, to_bytes
from linkage.signals.prompt.model import Model, learn
from linkage.signals.prompt.postings import TRIES

__all__ = ["Known", "from_bytes", "mine", "recognise", "templates", "to_bytes"]

AGAIN = 0.05
"""Share of a template's accounts that use it again, if they do not quote it (measured: operators'
ones are at 0.1 and mostly at 0.4 and above, quotations that single people repeat below 0.03)."""

RECENT = 5_000_000
"""Characters of prompts (25,000 of usual length) that are searched again with those that come."""

SETTLED_SHARE = 0.1
"""Beyond that, prompts are searched again until there are so many, as a share of all before: then
what they hold is known, and their texts are no longer kept."""

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
    """Write `template_uses` from `prompts`: of each the template it holds, and what that is in.

    What earlier searches found (`template_models`, `known_uses`, `prompt_counts`), if these are
    there, counts too; and they are left as the next search needs them, with `recent_prompts`.
    """
    progress = progress or Quiet()
    for table in (TEMPLATE_MODELS, KNOWN_USES, PROMPT_COUNTS):
        engine.run(table.ddl().replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))
    engine.run("DELETE FROM template_models WHERE NOT settled")
    kept = engine.rows("SELECT content, characters FROM template_models ORDER BY number")
    models = [model for content, _ in kept if (model := from_bytes(content)) is not None]
    model, characters, done, total = _search(engine, progress)
    known = Known([*models, model])

    recognise(engine, known, progress, done, 2 * total)
    engine.create(
        TEMPLATE_USES.name,
        """
        SELECT account, template, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
               CAST(sum(n) AS BIGINT) AS n
        FROM (
            SELECT * FROM template_uses UNION ALL SELECT * FROM known_uses
        )
        GROUP BY account, template
        """,
    )
    _keep(engine, model, len(kept), characters, sum(row[1] for row in kept))
    if known.quoting:
        _forget_quotations(engine)


def recognise(
    engine: Engine, known: Known, progress: Progress, done: int = 0, total: int = 0
) -> None:
    """Write `template_uses` from `prompts` by known templates; `done` of `total` is done before."""

    def told(batch: pa.RecordBatch) -> pa.RecordBatch:
        nonlocal done
        at, number = known.told(batch["raw"].to_pylist())
        done += len(batch)
        progress.advance(done, total, "prompts")
        used = batch.take(pa.array(at))
        columns = [used["account"], pa.array(number, pa.int32())]
        columns += [used[name] for name in ("first_seen", "last_seen", "n")]
        return pa.RecordBatch.from_arrays(
            [c.cast(t) for c, t in zip(columns, _USES.types, strict=True)], schema=_USES
        )

    engine.map_batches(
        "SELECT account, raw, first_seen, last_seen, n FROM prompts WHERE raw IS NOT NULL",
        told,
        "_uses",
        _USES,
    )
    engine.put(
        "_skeletons",
        pa.table(
            {
                "template": pa.array(range(len(known.texts)), pa.int32()),
                "text": pa.array(known.texts, pa.string()),
            }
        ),
    )
    engine.create(
        TEMPLATE_USES.name,
        """
        SELECT account, text AS template, min(first_seen) AS first_seen,
               max(last_seen) AS last_seen, CAST(sum(n) AS BIGINT) AS n
        FROM _uses JOIN _skeletons USING (template) GROUP BY account, text
        """,
    )
    engine.drop("_uses", "_skeletons")


def _search(engine: Engine, progress: Progress) -> tuple[Model, int, int, int]:
    """The templates of `prompts`; their characters, prompts read, and prompts."""
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
    engine.drop("_prompts_read")
    return learn(reader.corpus()), int(characters), done, int(total)


def _keep(engine: Engine, model: Model, number: int, characters: int, before: int) -> None:
    """Leave what the next search needs: the prompts that it goes over again, or their templates.

    `prompts` no longer has texts afterwards, but every account that ever sent one.
    """
    settled = characters > max(RECENT, SETTLED_SHARE * before)
    engine.create(
        "recent_prompts", f"SELECT * FROM prompts WHERE raw IS NOT NULL AND {not settled}"
    )
    if settled:
        engine.create(KNOWN_USES.name, f"SELECT * FROM {TEMPLATE_USES.name}")
    engine.run(
        "INSERT INTO template_models VALUES (?, ?, ?, ?)",
        [number, settled, characters, to_bytes(model)],
    )
    counted = "SELECT account, n FROM prompt_counts UNION ALL SELECT account, n FROM prompts"
    engine.create(
        "_counts", f"SELECT account, CAST(sum(n) AS BIGINT) AS n FROM ({counted}) GROUP BY account"
    )
    if settled:
        engine.create(PROMPT_COUNTS.name, "SELECT * FROM _counts")
    engine.create(
        "prompts",
        "SELECT account, CAST(NULL AS VARCHAR) AS raw, CAST(NULL AS TIMESTAMP) AS first_seen, "
        "CAST(NULL AS TIMESTAMP) AS last_seen, n FROM _counts",
    )
    engine.drop("_counts")


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
