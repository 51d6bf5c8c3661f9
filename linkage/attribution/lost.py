"""What a merge lost: groups that went into a larger operator, and did not stay.

In and out: `attributed`. At first a large candidate knows little of what is its own, and explains
whoever has an hour and an address of it; a ring goes into it whole. The better it knows itself, the
more of them leave: what was theirs is hardly anything among thousands. Such a group comes back, and
is judged by itself.
"""

from __future__ import annotations

from linkage import bipartite
from linkage.engine import Engine

MOST = 0.5
"""A group is lost if this share of it is nobody's in the end."""


def forget(engine: Engine) -> None:
    """Nothing was merged yet."""
    engine.create("merged_away", "SELECT 0 AS account, CAST(0 AS BIGINT) AS part LIMIT 0")


def remember(engine: Engine, operators: list[int]) -> None:
    """Keep who is in these operators, before they go into others."""
    engine.run(
        f"""
        INSERT INTO merged_away
        SELECT account, dense_rank() OVER (ORDER BY operator)
                        + (SELECT coalesce(max(part), 0) FROM merged_away) AS part
        FROM attributed WHERE operator IN ({", ".join(map(str, operators))})
        """
    )


def restore(engine: Engine, min_size: int) -> bool:
    """Propose again, from groups that were merged, the accounts that belong to nobody now; tell if
    there are any. A group comes back once."""
    engine.create(
        "lost",
        """
        WITH now AS (
            SELECT w.part, w.account, a.account IS NULL AS gone
            FROM merged_away w LEFT JOIN attributed a ON a.account = w.account
        )
        SELECT part AS community, account FROM now WHERE gone AND part IN (
            SELECT part FROM now GROUP BY part
            HAVING count(*) FILTER (gone) >= greatest(?, ? * count(*))
        )
        """,
        [min_size, MOST],
    )
    engine.run("DELETE FROM merged_away WHERE part IN (SELECT community FROM lost)")
    bipartite.propose(engine, "lost")
    return bool(engine.value("SELECT count(*) FROM lost"))
