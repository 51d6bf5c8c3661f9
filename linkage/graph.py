"""Observations -> the bipartite graph of accounts and signals.

In: `observations`, `cleaned` (raw value -> signals) and `template_uses`. Out: `signals`, numbered
in the order of kind and value, and `edges`, one for each account and signal it used. A referral
or transfer names another account: that account holds the signal too, so a direct link between
two accounts is an edge pair like any other.
"""

from __future__ import annotations

from linkage.engine import Engine

DIRECT_KINDS = ("referral", "transfer")


def build(engine: Engine) -> None:
    """Create `signals` and `edges` from `observations`, `cleaned` and `template_uses`.

    A signal that a single account uses is kept (it is part of what an account has) and marked
    as ignored: it links nobody.
    """
    direct = ", ".join(f"'{kind}'" for kind in DIRECT_KINDS)
    engine.create(
        "uses",
        f"""
        WITH used AS (
            SELECT o.account, c.signal_kind AS kind, c.value, o.first_seen, o.last_seen, o.n
            FROM observations o JOIN cleaned c ON c.kind = o.kind AND c.raw = o.raw
            UNION ALL
            SELECT account, 'prompt' AS kind, template AS value, first_seen, last_seen, n
            FROM template_uses
        ),
        direct AS (
            SELECT a.account, u.kind, u.value,
                   min(u.first_seen) AS first_seen, max(u.last_seen) AS last_seen, sum(u.n) AS n
            FROM used u JOIN accounts a ON a.account_id = u.value
            WHERE u.kind IN ({direct})
            GROUP BY a.account, u.kind, u.value
        )
        SELECT account, kind, value, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
               CAST(sum(n) AS BIGINT) AS n
        FROM (SELECT * FROM used UNION ALL SELECT * FROM direct) every
        GROUP BY account, kind, value
        """,
    )
    engine.create(
        "signals",
        """
        WITH degrees AS (
            SELECT kind, value, CAST(count(*) AS INTEGER) AS accounts FROM uses GROUP BY kind, value
        ),
        numbered AS (
            SELECT CAST(row_number() OVER (ORDER BY kind, value) - 1 AS INTEGER) AS signal,
                   kind, value, accounts
            FROM degrees
        ),
        parents AS (
            SELECT signal_kind, value, min(parent_kind) AS parent_kind, min(parent) AS parent
            FROM cleaned WHERE parent IS NOT NULL GROUP BY signal_kind, value
        )
        SELECT s.signal, s.kind, s.value, up.signal AS parent, s.accounts,
               CASE WHEN s.accounts = 1 THEN 'used by one account' END AS ignored
        FROM numbered s
        LEFT JOIN parents p ON p.signal_kind = s.kind AND p.value = s.value
        LEFT JOIN numbered up ON up.kind = p.parent_kind AND up.value = p.parent
        ORDER BY s.signal
        """,
    )
    engine.create(
        "edges",
        """
        SELECT u.account, s.signal, u.first_seen, u.last_seen, u.n
        FROM uses u JOIN signals s ON s.kind = u.kind AND s.value = u.value
        ORDER BY u.account, s.signal
        """,
    )
    engine.drop("uses")
