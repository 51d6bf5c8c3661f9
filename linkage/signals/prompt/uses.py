"""Prompts of accounts to signals: which accounts use which templates.

The table `prompts` arrives, the table `template_uses` leaves. Each prompt tells of the template
that describes it best, and of what that stands in. What earlier searches found counts too.
"""

from __future__ import annotations

import pyarrow as pa

from linkage.engine import Engine
from linkage.progress import Progress, Quiet
from linkage.schema import KNOWN_USES, PROMPT_COUNTS, TEMPLATE_MODELS, TEMPLATE_USES
from linkage.signals.prompt.known import Known, from_bytes, to_bytes
from linkage.signals.prompt.model import Model
from linkage.signals.prompt.postings import TRIES
from linkage.signals.prompt.study import Tell, apply, study

AGAIN = 0.05
"""Share of a template's accounts that use it again, if they do not quote it (measured: operators'
ones are at 0.1 and mostly at 0.4 and above, quotations that single people repeat below 0.03)."""

RECENT = 5_000_000
"""Characters of prompts (25,000 of usual length) that are searched again with those that come."""

SETTLED_SHARE = 0.1
"""Beyond that, prompts are searched again until there are so many, as a share of all before: then
what they hold is known, and their texts are no longer kept."""

FEW = 300
"""Texts that nobody uses again, at most, of an account that tells by them: who has thousands has
any two by chance, and their pairs would fill a disk."""

TOGETHER = 5.0
"""Nats by which two texts have more accounts in common than chance gives, at least: two accounts of
six each among a thousand are 6, three among three hundred 7."""


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
    known = Known(models)

    def with_known(model: Model) -> Tell:
        known.add(model)
        return known.told

    model, characters = study(engine, "prompts", "_uses", with_known, progress, known.named)
    _name_uses(engine, known)
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


def recognise(engine: Engine, known: Known, progress: Progress) -> None:
    """Write `template_uses` from `prompts` by known templates."""
    apply(engine, "prompts", "_uses", known.told, progress)
    _name_uses(engine, known)


def _name_uses(engine: Engine, known: Known) -> None:
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

    Where most accounts quote, such a text is a quotation, unless half of its accounts, and three,
    share another such text with each other, beyond chance: each template once, and each account
    some of them, is how some operators work. Chance is what two independent audiences of these
    sizes have in common; the excess is a Poisson log-likelihood ratio. Who has more than `FEW` such
    texts is not asked.
    """
    uses = TEMPLATE_USES.name
    engine.run(
        f"""
        WITH sent AS (SELECT account, sum(n) AS prompts FROM prompts GROUP BY account),
        size AS (SELECT count(*) AS everybody FROM sent),
        once AS (
            -- by number: texts are long, and there are millions of pairs
            SELECT template, count(*) AS accounts, row_number() OVER (ORDER BY template) AS number
            FROM {uses} JOIN sent USING (account)
            GROUP BY template
            HAVING median(prompts) >= {TRIES} AND avg(CAST(n > 1 AS INTEGER)) < {AGAIN}
        ),
        quoted AS (SELECT account, number, accounts FROM {uses} JOIN once USING (template)),
        few AS (SELECT account FROM quoted GROUP BY account HAVING count(*) <= {FEW}),
        held AS (SELECT q.* FROM quoted q SEMI JOIN few f ON f.account = q.account),
        shared AS (
            SELECT one.number AS one, other.number AS other, count(*) AS c,
                one.accounts * other.accounts / everybody AS e
            FROM held one JOIN held other
              ON one.account = other.account AND one.number < other.number
            CROSS JOIN size
            GROUP BY one.number, other.number, one.accounts, other.accounts, everybody
        ),
        beyond AS (
            SELECT one, other FROM shared WHERE c >= 2 AND c * ln(c / e) - (c - e) >= {TOGETHER}
        ),
        together AS (
            SELECT held.number
            FROM (SELECT one, other FROM beyond UNION ALL SELECT other, one FROM beyond) b
            JOIN held ON held.number = b.one
            JOIN held AS too ON too.account = held.account AND too.number = b.other
            GROUP BY held.number, held.accounts
            HAVING count(DISTINCT held.account) >= greatest(3, held.accounts / 2)
        )
        DELETE FROM {uses}
        WHERE template IN (
            SELECT template FROM once WHERE number NOT IN (SELECT number FROM together)
        )
        """
    )
