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

import math

import igraph
import numpy as np
import pyarrow as pa

from linkage.config import AttributionConfig
from linkage.engine import Engine

REPEATED = 0.25
"""Share of the weight of a family's further signals that counts beside the strongest."""

OWN = 0.1
"""A signal belongs to an operator only if at least this share of its users are members, and only if
it has half of the nats that a signal used by members alone would have (a share of at least the
root of the operator's share of the service). Popular signals would let a group drift from what it
shares to what everybody around it shares."""

MOSTLY = 0.7
HELD = 5
"""A personal signal is an operator's own if at least `HELD` members use it, and at least `MOSTLY` of
its users are members."""

AMBIENT = ("user_agent",)
"""Families that come with others (a framework's templates with its client), so corroborate none."""

ABSENCE = 3.0
"""The most that a family without a hit speaks against in the end (twenty to one): members were
chosen by what they have, so how rarely one of them lacks it is not known any better."""

EXTENSIONS = 3
"""How often those who joined in the end may bring others."""

CORROBORATED = 3.0
"""Nats (twenty to one) a member must have on average beside its strongest family of kinds. A set of templates that
come with one framework, or the addresses of one carrier, tie strangers; two kinds that agree don't.
"""

ROUNDS = 20
SETTLED = 0.001
"""Rounds end when at most this share of the members changes, or after so many."""


def propose(engine: Engine, config: AttributionConfig) -> None:
    """Create `attributed` from `communities`: the accounts that hold two signals of one."""
    engine.create("kind_totals", "SELECT kind, count(*) AS holders FROM holdings GROUP BY kind")
    engine.create(
        "attributed",
        """
        SELECT e.account, c.community AS operator, 1.0 AS confidence, 0.0 AS evidence,
               CAST(NULL AS DOUBLE) AS corroboration, CAST(count(*) AS INTEGER) AS held_by
        FROM linking_edges e JOIN communities c ON c.signal = e.signal
        GROUP BY e.account, c.community
        HAVING count(*) FILTER (e.personal OR e.sharing) >= 1 AND count(*) >= 2
        """,
    )
    _drop_small(engine, config)


def settle(engine: Engine, config: AttributionConfig) -> None:
    """Weigh the accounts against the operators of `attributed` until its members stay the same."""
    for _ in range(ROUNDS):
        engine.create("before", "SELECT account, operator FROM attributed")
        _find_signals(engine)
        _weigh(engine)
        _decide(engine, config)
        merged = _merge(engine)
        split = _split(engine)
        _drop_small(engine, config)
        _drop_uncorroborated(engine)
        if not merged and not split and _changed(engine) <= SETTLED:
            break
    _find_signals(engine)


def _changed(engine: Engine) -> float:
    """The share of members that are not where they were."""
    changed, members = engine.rows(
        """
        SELECT count(*) FILTER (a.account IS NULL OR b.account IS NULL), count(a.account)
        FROM attributed a FULL JOIN before b ON b.account = a.account AND b.operator = a.operator
        """
    )[0]
    return float(changed) / max(members, 1)


def extend(engine: Engine, config: AttributionConfig) -> None:
    """Add to `attributed` accounts that hold what belongs to an operator and lack the rest.

    While operators settle, a member must have evidence of two kinds; otherwise a group drifts. Now
    that it is known what an operator's own signals are, an account of nobody that holds a personal
    one used mostly by members joins if its odds are good with every absence counted at `ABSENCE`
    nats at most. Those who join may bring a few more; nobody leaves.
    """
    for _ in range(EXTENSIONS):
        before = engine.value("SELECT count(*) FROM attributed")
        _weigh(engine, settled=True)
        engine.run(
            """
            INSERT INTO attributed BY NAME
            WITH joining AS (
                SELECT w.*, 1 / (1 + exp(-log_odds)) AS confidence, row_number() OVER (
                           PARTITION BY w.account ORDER BY w.log_odds DESC, w.operator
                       ) AS place
                FROM weighed w ANTI JOIN attributed a ON a.account = w.account
                WHERE w.exclusive
            )
            SELECT account, operator, confidence, evidence, corroboration, held_by
            FROM joining WHERE place = 1 AND confidence >= ?
            """,
            [config.min_confidence],
        )
        _find_signals(engine)
        if engine.value("SELECT count(*) FROM attributed") == before:
            break


def _find_signals(engine: Engine) -> None:
    """`operator_signals`: what members share beyond what their number would by chance."""
    engine.create("sizes", "SELECT operator, count(*) AS size FROM attributed GROUP BY operator")
    engine.create(
        "kind_members",
        """
        SELECT m.operator, h.kind, count(*) AS holders
        FROM attributed m JOIN holdings h USING (account) GROUP BY m.operator, h.kind
        """,
    )
    engine.create(
        "operator_signals",
        f"""
        WITH used AS (
            SELECT m.operator, e.signal, count(*) AS members
            FROM attributed m JOIN linking_edges e USING (account)
            GROUP BY m.operator, e.signal HAVING count(*) >= 2
        ),
        counted AS (
            SELECT u.operator, u.signal, s.kind, u.members, s.accounts - u.members AS others,
                   h.holders, t.holders AS all_holders,
                   CAST(s.accounts AS DOUBLE) * h.holders / t.holders AS expected
            FROM used u JOIN signals s USING (signal)
            JOIN kind_members h ON h.operator = u.operator AND h.kind = s.kind
            JOIN kind_totals t ON t.kind = s.kind
        ),
        touched AS (SELECT operator, count(*) AS signals FROM used GROUP BY operator)
        SELECT c.operator, c.signal, c.kind, c.members, c.others, c.holders, c.all_holders
        FROM counted c JOIN touched t USING (operator)
        WHERE c.members >= greatest({OWN}, sqrt(CAST(c.holders AS DOUBLE) / c.all_holders))
                           * (c.members + c.others)
          AND c.members * ln(c.members / c.expected) - (c.members - c.expected) > ln(t.signals)
        """,
    )


def _weigh(engine: Engine, settled: bool = False) -> None:
    """`weighed`: nats for every account that has a signal of an operator.

    While operators settle, p is the share of all accounts that use a signal, members included, so
    that no group proves itself by its own size; once they have settled, an operator's own signals
    are held against the others alone.
    """
    absence = ABSENCE if settled else math.inf
    outside = f"exclusive AND own = 0 AND {settled}"
    engine.create(
        "hits",
        f"""
        WITH hit AS (
            SELECT e.account, s.operator, s.kind,
                   CASE WHEN m.account IS NULL THEN 0 ELSE 1 END AS own,
                   s.members, s.others, s.holders, s.all_holders,
                   e.personal AND s.members >= {HELD}
                       AND s.members >= {MOSTLY} * (s.members + s.others) AS exclusive
            FROM linking_edges e JOIN operator_signals s ON s.signal = e.signal
            LEFT JOIN attributed m ON m.account = e.account AND m.operator = s.operator
        ),
        rated AS (
            SELECT account, operator, kind, own, exclusive, members - own AS members,
                   holders - own AS holders,
                   CASE WHEN {outside} THEN (others - 0.5) / (all_holders - holders)
                        ELSE (members + others - own + 0.5) / (all_holders - own + 1.0) END AS p
            FROM hit
        ),
        weights AS (
            SELECT account, operator, kind, own, exclusive,
                   ln((members + p) / (holders + 1.0) / p) AS weight
            FROM rated
        )
        SELECT account, operator, kind, own, CAST(count(*) AS INTEGER) AS signals,
               bool_or(exclusive) AS exclusive,
               max(weight) + {REPEATED} * (sum(greatest(weight, 0)) - greatest(max(weight), 0))
                   AS weight
        FROM weights GROUP BY account, operator, kind, own
        """,
    )
    engine.create(
        "kind_rates",
        """
        SELECT h.operator, h.kind, any_value(m.holders) AS holders,
               any_value(t.holders) AS all_holders, sum(h.own) AS hits, count(*) AS all_hits
        FROM hits h JOIN kind_totals t ON t.kind = h.kind
        JOIN kind_members m ON m.operator = h.operator AND m.kind = h.kind
        GROUP BY h.operator, h.kind
        """,
    )
    # a kind of which the account has values, none of them the operator's, speaks against; so a
    # coarse hit (the card's issuer) without the fine one that members have (the card) counts little
    engine.create(
        "family_weights",
        """
        WITH candidates AS (
            SELECT account, operator, max(own) AS own FROM hits GROUP BY account, operator
        ),
        by_kind AS (
            SELECT c.account, c.operator, k.family, h.weight AS hit, h.signals, h.exclusive,
                   CASE WHEN h.account IS NULL THEN greatest(
                       ln((r.holders - c.own - r.hits + 0.5) / (r.holders - c.own + 1.0))
                           - ln((r.all_holders - r.all_hits + 0.5) / (r.all_holders + 1.0)),
                       -CAST(? AS DOUBLE)) END AS absence
            FROM candidates c
            JOIN holdings a ON a.account = c.account
            JOIN kind_rates r ON r.operator = c.operator AND r.kind = a.kind
            JOIN kinds k ON k.kind = a.kind
            LEFT JOIN hits h ON h.account = c.account AND h.operator = c.operator
                            AND h.kind = a.kind
        )
        SELECT account, operator, family,
               CASE WHEN max(hit) IS NULL THEN min(absence)
                    ELSE max(hit) + coalesce(sum(absence), 0) END AS weight,
               coalesce(max(signals), 0) AS signals, coalesce(bool_or(exclusive), false) AS exclusive
        FROM by_kind GROUP BY account, operator, family
        """,
        [absence],
    )
    ambient = ", ".join(f"'{family}'" for family in AMBIENT)
    engine.create(
        "weighed",
        f"""
        WITH total AS (SELECT count(*) AS accounts FROM accounts),
        summed AS (
            SELECT account, operator, sum(weight) AS evidence,
                   coalesce(sum(weight) FILTER (family NOT IN ({ambient})), 0)
                       - greatest(coalesce(max(weight) FILTER (family NOT IN ({ambient})), 0), 0)
                       AS corroboration,
                   CAST(sum(signals) AS INTEGER) AS held_by, bool_or(exclusive) AS exclusive
            FROM family_weights GROUP BY account, operator
        )
        SELECT w.*, w.evidence + ln(s.size / (total.accounts - s.size + 1.0)) AS log_odds
        FROM summed w JOIN sizes s USING (operator) CROSS JOIN total
        """,
    )


def _decide(engine: Engine, config: AttributionConfig) -> None:
    """`attributed`: each account with the operator that explains it best, if well enough.

    Candidates that are one operator hold the same accounts, and so take nothing from an account's
    odds: `_merge` makes them one.
    """
    engine.create(
        "attributed",
        """
        WITH ranked AS (
            SELECT account, operator, held_by, evidence, corroboration,
                   1 / (1 + exp(-log_odds)) AS confidence,
                   row_number() OVER (PARTITION BY account ORDER BY log_odds DESC, operator) AS place
            FROM weighed WHERE corroboration > 0
        )
        SELECT account, operator, confidence, evidence, corroboration, held_by
        FROM ranked WHERE place = 1 AND confidence >= ?
        """,
        [config.min_confidence],
    )


def _drop_uncorroborated(engine: Engine) -> None:
    engine.run(
        """
        DELETE FROM attributed WHERE operator IN (
            SELECT operator FROM attributed GROUP BY operator HAVING avg(corroboration) < ?
        )
        """,
        [CORROBORATED],
    )


def _drop_small(engine: Engine, config: AttributionConfig) -> None:
    engine.run(
        """
        DELETE FROM attributed WHERE operator IN (
            SELECT operator FROM attributed GROUP BY operator HAVING count(*) < ?
        )
        """,
        [config.min_size],
    )


def _merge(engine: Engine) -> bool:
    """Merge an operator into a larger one that explains most of its members; tell if any were.

    Explains: their odds for the larger one are better than even, though all that ties them to
    their own is counted among everybody's. Two operators that rent from one provider share its
    addresses, and lack each other's cards and templates, which speaks against.
    """
    rows = engine.rows(
        """
        WITH now AS (SELECT operator, count(*) AS size FROM attributed GROUP BY operator)
        SELECT m.operator AS q, w.operator AS o, avg(w.log_odds) AS log_odds
        FROM attributed m JOIN weighed w ON w.account = m.account AND w.operator <> m.operator
        JOIN now s ON s.operator = w.operator JOIN now t ON t.operator = m.operator
        WHERE w.log_odds > 0 AND (s.size, -s.operator) > (t.size, -t.operator)
        GROUP BY m.operator, w.operator, t.size HAVING count(*) >= 0.5 * t.size
        ORDER BY q, log_odds DESC, o
        """
    )
    if not rows:
        return False
    into: dict[int, int] = {}
    for q, o, _ in rows:
        into.setdefault(q, o)
    engine.put(
        "merged",
        pa.table(
            {"q": list(into), "o": [_last(into, q) for q in into]},
            schema=pa.schema([("q", pa.int64()), ("o", pa.int64())]),
        ),
    )
    engine.create(
        "attributed",
        """
        SELECT m.account, coalesce(g.o, m.operator) AS operator, max(m.confidence) AS confidence,
               max(m.evidence) AS evidence,
               max(m.corroboration) AS corroboration, max(m.held_by) AS held_by
        FROM attributed m LEFT JOIN merged g ON g.q = m.operator
        GROUP BY m.account, coalesce(g.o, m.operator)
        """,
    )
    return True


def _last(into: dict[int, int], operator: int) -> int:
    """Where a chain of merges ends (each goes into a larger one, so it ends)."""
    while operator in into:
        operator = into[operator]
    return operator


def _split(engine: Engine) -> bool:
    """Give each part of an operator that nothing personal and no address ties to the rest a
    number of its own; tell whether any operator fell apart.

    The largest part keeps the number. Parts are connected components of members and the
    operator's signals, those aside that strangers have alike: sign-up times, issuers, habits.
    """
    ties = engine.arrow(
        """
        SELECT m.account, m.operator, e.signal
        FROM attributed m JOIN linking_edges e ON e.account = m.account
        JOIN operator_signals s ON s.operator = m.operator AND s.signal = e.signal
        WHERE e.personal OR e.kind = 'ip'
        ORDER BY m.operator, m.account, e.signal
        """
    )
    if not ties.num_rows:
        return False
    # a signal ties only members of one operator: its nodes are (operator, signal)
    operator = ties["operator"].to_numpy().astype(np.int64)
    accounts, account = np.unique(ties["account"].to_numpy(), return_inverse=True)
    pairs = np.column_stack([operator, ties["signal"].to_numpy()])
    signals, signal = np.unique(pairs, axis=0, return_inverse=True)
    graph = igraph.Graph(n=len(accounts) + len(signals))
    graph.add_edges(np.column_stack([account, signal.ravel() + len(accounts)]).tolist())
    part = np.asarray(graph.connected_components().membership)[: len(accounts)]
    of_account = np.empty(len(accounts), dtype=np.int64)
    of_account[account] = operator
    engine.put("parts", pa.table({"account": accounts, "operator": of_account, "part": part}))
    engine.create(
        "split_off",
        """
        WITH counted AS (
            SELECT operator, part, count(*) AS accounts, min(account) AS first
            FROM parts GROUP BY operator, part
        ),
        ranked AS (
            SELECT operator, part, row_number() OVER (
                       PARTITION BY operator ORDER BY accounts DESC, first
                   ) AS place
            FROM counted
        )
        SELECT operator, part, row_number() OVER (ORDER BY operator, place)
                   + (SELECT max(operator) FROM attributed) AS number
        FROM ranked WHERE place > 1
        """,
    )
    if not engine.value("SELECT count(*) FROM split_off"):
        return False
    engine.run(
        """
        UPDATE attributed SET operator = o.number
        FROM parts p JOIN split_off o ON o.operator = p.operator AND o.part = p.part
        WHERE p.account = attributed.account AND p.operator = attributed.operator
        """
    )
    return True
