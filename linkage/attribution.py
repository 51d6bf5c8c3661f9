"""Which accounts belong to which operator, with what probability.

In: `communities` of signals, `signals`, `linking_edges`, `account_kinds`. Out: `attributed`
(account, operator, confidence, evidence, held_by) and `operator_signals` (operator, signal,
members, others, weight). A community proposes; the accounts decide. From the accounts that hold
two of its signals, the signals that these members share are found anew, every account is weighed
against them, and so on until nothing changes.

The weight of account a for operator o is a sum over families of kinds (an address and its range
are one family). A signal s of o that a has adds ln(theta_s / p_s): theta the share of o's members
with s, a left out, and p the share of all others. Within a family only the strongest signal counts
in full, since addresses come in lots and templates in sets. A family of which a has values, none
of them o's, adds ln((1 - u) / (1 - v)): u the share of members that hit o's signals of that
family, v the share of others. The prior odds are the operator's size over the rest.
"""

from __future__ import annotations

from linkage.config import AttributionConfig
from linkage.engine import Engine

FAMILIES = {"ip_range": "ip", "email_domain": "email", "bin": "payment"}
"""Coarser kind -> the kind whose family it belongs to."""

REPEATED = 0.25
"""Share of the weight of a family's further signals that counts beside the strongest."""

ROUNDS = 12


def attribute(engine: Engine, config: AttributionConfig) -> None:
    """Create `attributed` and `operator_signals` from `communities`."""
    _prepare(engine)
    for _ in range(2):
        _settle(engine, config)
        if not _merge(engine, config):
            break
    _settle(engine, config)


def _prepare(engine: Engine) -> None:
    kinds = [row[0] for row in engine.rows("SELECT kind FROM kinds")]
    engine.create(
        "families",
        "SELECT unnest(?) AS kind, unnest(?) AS family",
        [kinds, [FAMILIES.get(kind, kind) for kind in kinds]],
    )
    engine.create(
        "account_families",
        "SELECT DISTINCT a.account, f.family FROM account_kinds a JOIN families f USING (kind)",
    )
    engine.create(
        "family_totals",
        "SELECT family, count(*) AS holders FROM account_families GROUP BY family",
    )
    engine.create(
        "attributed",
        """
        SELECT e.account, c.community AS operator, 1.0 AS confidence, 0.0 AS evidence,
               CAST(count(*) AS INTEGER) AS held_by
        FROM linking_edges e JOIN communities c ON c.signal = e.signal
        GROUP BY e.account, c.community
        HAVING count(*) FILTER (e.personal) >= 1 AND count(*) >= 2
        """,
    )


def _settle(engine: Engine, config: AttributionConfig) -> None:
    """Weigh and attribute until the members stay the same."""
    seen = set()
    for _ in range(ROUNDS):
        _signals_of_operators(engine)
        _weigh(engine)
        _decide(engine, config)
        state = engine.rows("SELECT count(*), sum(hash(account, operator)) FROM attributed")[0]
        if state in seen:
            break
        seen.add(state)


def _signals_of_operators(engine: Engine) -> None:
    """`operator_signals`: what members share beyond what their number would by chance."""
    engine.create("sizes", "SELECT operator, count(*) AS size FROM attributed GROUP BY operator")
    engine.create(
        "family_members",
        """
        SELECT m.operator, f.family, count(*) AS holders
        FROM attributed m JOIN account_families f USING (account) GROUP BY m.operator, f.family
        """,
    )
    engine.create(
        "operator_signals",
        """
        WITH used AS (
            SELECT m.operator, e.signal, count(*) AS members
            FROM attributed m JOIN linking_edges e USING (account)
            GROUP BY m.operator, e.signal HAVING count(*) >= 2
        ),
        counted AS (
            SELECT u.operator, u.signal, s.kind, f.family, u.members, s.accounts - u.members AS others,
                   h.holders, t.holders - h.holders AS other_holders,
                   CAST(s.accounts AS DOUBLE) * h.holders / t.holders AS expected
            FROM used u JOIN signals s USING (signal) JOIN families f USING (kind)
            JOIN family_members h ON h.operator = u.operator AND h.family = f.family
            JOIN family_totals t ON t.family = f.family
        ),
        touched AS (SELECT operator, count(*) AS signals FROM used GROUP BY operator)
        SELECT c.operator, c.signal, c.kind, c.family, c.members, c.others, c.holders,
               c.other_holders
        FROM counted c JOIN touched t USING (operator)
        WHERE c.expected * 2 < c.members
          AND c.members * ln(c.members / c.expected) - (c.members - c.expected) > ln(t.signals)
        """,
    )


def _weigh(engine: Engine) -> None:
    """`weighed`: nats for every account that has a signal of an operator."""
    engine.create(
        "hits",
        f"""
        WITH hit AS (
            SELECT e.account, s.operator, s.family, s.kind, e.signal,
                   CASE WHEN m.account IS NULL THEN 0 ELSE 1 END AS own,
                   s.members, s.others, s.holders, s.other_holders
            FROM linking_edges e JOIN operator_signals s ON s.signal = e.signal
            LEFT JOIN attributed m ON m.account = e.account AND m.operator = s.operator
        ),
        rated AS (
            SELECT account, operator, family, kind, own,
                   (others - (1 - own) + 0.5) / (other_holders - (1 - own) + 1.0) AS p,
                   members - own AS members, holders - own AS holders
            FROM hit
        ),
        weights AS (
            SELECT account, operator, family, kind, own,
                   ln((members + p) / (holders + 1.0) / p) AS weight
            FROM rated
        ),
        by_kind AS (
            SELECT account, operator, family, kind, own, count(*) AS signals,
                   max(weight) AS best, sum(greatest(weight, 0)) - greatest(max(weight), 0) AS rest
            FROM weights GROUP BY account, operator, family, kind, own
        )
        SELECT account, operator, family, own, CAST(max(signals) AS INTEGER) AS signals,
               max(best + {REPEATED} * rest) AS weight
        FROM by_kind GROUP BY account, operator, family, own
        """,
    )
    engine.create(
        "family_rates",
        """
        SELECT f.operator, f.family, f.holders, t.holders - f.holders AS other_holders,
               count(h.account) FILTER (h.own = 1) AS hits,
               count(h.account) FILTER (h.own = 0) AS other_hits
        FROM family_members f JOIN family_totals t USING (family)
        LEFT JOIN hits h ON h.operator = f.operator AND h.family = f.family
        GROUP BY f.operator, f.family, f.holders, t.holders
        """,
    )
    engine.create(
        "weighed",
        """
        WITH candidates AS (
            SELECT account, operator, max(own) AS own, sum(weight) AS weight,
                   CAST(sum(signals) AS INTEGER) AS held_by
            FROM hits GROUP BY account, operator
        ),
        missing AS (
            SELECT c.account, c.operator,
                   sum(ln((r.holders - c.own - r.hits + 0.5) / (r.holders - c.own + 1.0))
                     - ln((r.other_holders - r.other_hits + 0.5) / (r.other_holders + 1.0))) AS weight
            FROM candidates c
            JOIN account_families a ON a.account = c.account
            JOIN family_rates r ON r.operator = c.operator AND r.family = a.family
            LEFT JOIN hits h ON h.account = c.account AND h.operator = c.operator
                            AND h.family = a.family
            WHERE h.account IS NULL
            GROUP BY c.account, c.operator
        ),
        total AS (SELECT count(*) AS accounts FROM accounts)
        SELECT c.account, c.operator, c.held_by, c.weight + coalesce(m.weight, 0) AS evidence,
               c.weight + coalesce(m.weight, 0)
                   + ln(s.size / (total.accounts - s.size + 1.0)) AS log_odds
        FROM candidates c JOIN sizes s USING (operator) CROSS JOIN total
        LEFT JOIN missing m ON m.account = c.account AND m.operator = c.operator
        """,
    )


def _decide(engine: Engine, config: AttributionConfig) -> None:
    """`attributed`: each account with the operator that explains it best, if well enough."""
    engine.create(
        "attributed",
        """
        WITH topped AS (
            SELECT *, greatest(max(log_odds) OVER (PARTITION BY account), 0) AS top FROM weighed
        ),
        shares AS (
            SELECT account, operator, held_by, evidence,
                   exp(log_odds - top)
                       / (exp(-top) + sum(exp(log_odds - top)) OVER (PARTITION BY account)) AS share
            FROM topped
        ),
        ranked AS (
            SELECT *, row_number() OVER (PARTITION BY account ORDER BY share DESC, operator) AS place
            FROM shares
        ),
        kept AS (SELECT * FROM ranked WHERE place = 1 AND share >= ?)
        SELECT account, operator, share AS confidence, evidence, held_by
        FROM kept
        WHERE operator IN (SELECT operator FROM kept GROUP BY operator HAVING count(*) >= 2)
        """,
        [config.min_confidence],
    )


def _merge(engine: Engine, config: AttributionConfig) -> bool:
    return False
