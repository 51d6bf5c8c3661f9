"""How much an account's signals speak for an operator, in nats.

In: `attributed` (account, operator), `linking_edges`, `signals`, `kinds`, `holdings`. Out:
`operator_signals` (operator, signal, kind, members, others, holders, all_holders), what members
share beyond chance, and `weighed` (account, operator, evidence, corroboration, held_by, exclusive,
identified, log_odds) for every account that has one of them.

Of each kind of which account a has anything, with theta_s the share of the operator's members that
have signal s, a left out, and p_s the share of everybody:

- it has s of the operator's: ln(theta_s / p_s), the strongest in full and the others at a quarter,
  since addresses come in lots and templates in sets; where the kind comes in sets, minus a quarter
  of what lacking the others says, ln((1 - theta_s) / (1 - p_s)): a framework's users have some;
- it has none of them: ln((1 - u) / (1 - v)), u the share of members that have one, v of everybody.

Kinds that imply each other (an address and its range) are a family: its weight is the strongest
hit and the absences of the others, so that a card's issuer does not stand in for the card. The
weights of families add up to the evidence; with the operator's share of the service as the prior,
they give the odds. What is left without the strongest family is the corroboration.

p counts the members too. Held against the others alone, a group of all users of anything would be
certain of itself; so it gains ln(N / size) nats at most from one family, what the prior takes.
"""

from __future__ import annotations

import math

from linkage.engine import Engine

REPEATED = 0.25
"""Share of the weight of a kind's further signals that counts beside the strongest."""

SETS = ("prompt",)
"""Kinds of which an account has a set: which of the operator's it lacks counts by as much."""

SLACK = 3.0
"""Nats short of even odds at which an account is weighed in full: what an investigator's word is
worth, which may be added later."""

OWN = 0.1
"""A signal belongs to an operator only if at least this share of its users are members, and only if
it has half of the nats that a signal used by members alone would have (a share of at least the
root of the operator's share of the service). Popular signals would let a group drift from what it
shares to what everybody around it shares."""

MOSTLY = 0.7
HELD = 5
"""A personal signal is an operator's own if `HELD` members use it or more (of few members, half),
and at least `MOSTLY` of its users are members."""

AMBIENT = ("user_agent",)
"""Families that come with others (a framework's templates with its client), so corroborate none."""

HABIT = 0.5
STOCK = 5
"""Sharing is an operator's habit if this share of its holders of the kind share, and in so many
groups: a family has a card and a tablet."""

HABITS = f"""
    SELECT r.operator, r.kind FROM kind_rates r
    WHERE r.hits >= {HABIT} * r.holders
      AND (SELECT count(*) FROM operator_signals o
           WHERE o.operator = r.operator AND o.kind = r.kind) >= {STOCK}
"""
"""The kinds of which sharing is an operator's habit."""

FEW = 4
"""Users of a signal that may be companions; what more people use forms pairs of its own."""

ABSENCE = 3.0
"""The most that a kind without a hit speaks against in the end (twenty to one): members were chosen
by what they have, so how rarely one of them lacks it is not known any better."""


def find_signals(engine: Engine, members: str = "attributed") -> None:
    """`operator_signals`: what members share beyond what their number would by chance."""
    engine.create("sizes", f"SELECT operator, count(*) AS size FROM {members} GROUP BY operator")
    engine.create(
        "kind_members",
        f"""
        SELECT m.operator, h.kind, count(*) AS holders
        FROM {members} m JOIN holdings h USING (account) GROUP BY m.operator, h.kind
        """,
    )
    engine.create(
        "operator_signals",
        f"""
        WITH used AS (
            SELECT m.operator, e.signal, count(*) AS members
            FROM {members} m JOIN linking_edges e USING (account)
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


def weigh(
    engine: Engine,
    settled: bool = False,
    service: int | None = None,
    sets: bool = True,
    members: str = "attributed",
    slack: float = SLACK,
) -> None:
    """`weighed`: nats for every account that has a signal of an operator of the table `members`.

    With `service`, the accounts are strangers to a service of that many, whose `kind_rates` are
    known; otherwise they are the service, and when operators have settled those only are weighed
    who may still join or are `asked` about: most of a service has nothing but a range in common
    with somebody.

    While operators settle, p is the share of all accounts that use a signal, members included, so
    that no group proves itself by its own size; once they have settled, an operator's own signals
    are held against the others alone. Without `sets`, nothing is made of which templates of a set
    an account lacks: a candidate may be a part of an operator that uses a part of the set. An
    account that is `slack` nats short of even odds, whatever it lacks, is left out until they have
    settled.
    """
    absence = ABSENCE if settled else math.inf
    outside = f"exclusive AND own = 0 AND {settled}"
    in_sets = ", ".join(f"'{kind}'" for kind in SETS)
    engine.create(
        "hits",
        f"""
        WITH hit AS (
            SELECT e.account, s.operator, s.kind, e.sharing,
                   CASE WHEN m.account IS NULL THEN 0 ELSE 1 END AS own,
                   s.members, s.others, s.holders, s.all_holders,
                   e.personal AND s.members >= {MOSTLY} * (s.members + s.others) AS owned,
                   owned AND s.members >= least({HELD}, ceil(s.holders / 2.0)) AS exclusive
            FROM linking_edges e JOIN operator_signals s ON s.signal = e.signal
            LEFT JOIN {members} m ON m.account = e.account AND m.operator = s.operator
        ),
        rated AS (
            SELECT account, operator, kind, sharing, own, owned, exclusive,
                   members - own AS members,
                   holders - own AS holders,
                   CASE WHEN {outside} THEN (others - 0.5) / (all_holders - holders)
                        ELSE (members + others - own + 0.5) / (all_holders - own + 1.0) END AS p
            FROM hit
        ),
        weights AS (
            SELECT account, operator, kind, sharing, own, owned, exclusive,
                   ln((members + p) / (holders + 1.0) / p) AS weight,
                   ln((holders + 1.0 - members - p) / (holders + 1.0) / (1 - p)) AS lack
            FROM rated
        ),
        all_lacks AS (
            SELECT operator, kind, sum(
                       ln((holders + 1.0 - members) / (holders + 1.0))
                       - ln((all_holders + 1.0 - members - others) / (all_holders + 1.0))
                   ) AS lack
            FROM operator_signals WHERE {sets} AND kind IN ({in_sets}) GROUP BY operator, kind
        ),
        gathered AS (
            SELECT account, operator, kind, sharing, own, count(*) AS signals,
                   bool_or(owned) AS owned, bool_or(exclusive) AS exclusive,
                   max(weight) AS strongest,
                   sum(greatest(weight, 0)) - greatest(max(weight), 0) AS further,
                   sum(lack) AS lack
            FROM weights GROUP BY account, operator, kind, sharing, own
        ),
        things AS (SELECT * FROM gathered WHERE NOT sharing),
        -- a habit alone makes nobody a candidate
        kept AS (
            SELECT * FROM things
            UNION ALL
            SELECT g.* FROM gathered g SEMI JOIN things t
              ON t.account = g.account AND t.operator = g.operator
            WHERE g.sharing
        )
        SELECT g.account, g.operator, g.kind, g.own, CAST(g.signals AS INTEGER) AS signals,
               g.owned, g.exclusive,
               greatest({REPEATED} * least(coalesce(a.lack - g.lack, 0), 0),
                        -CAST(? AS DOUBLE)) AS lacking,
               g.strongest + {REPEATED} * g.further + lacking AS weight
        FROM kept g LEFT JOIN all_lacks a ON a.operator = g.operator AND a.kind = g.kind
        """,
        [absence],
    )
    some = "hits"
    if service is None:
        _rate_kinds(engine)
        service = engine.value("SELECT count(*) FROM accounts")
        if settled:
            _find_joining(engine)
            some = """(SELECT h.* FROM hits h SEMI JOIN may_join j
                       ON j.account = h.account AND j.operator = h.operator)"""
    _add_up(engine, settled, service, slack, some)


def _rate_kinds(engine: Engine) -> None:
    engine.create(
        "kind_rates",
        """
        WITH habits AS (
            -- an account has one habit of a kind, and those of no candidate were left out
            SELECT s.operator, s.kind, sum(s.members) AS hits, sum(s.members + s.others) AS all_hits
            FROM operator_signals s JOIN kinds k ON k.kind = s.kind
            WHERE k.sharing GROUP BY s.operator, s.kind
        )
        SELECT h.operator, h.kind, any_value(m.holders) AS holders,
               any_value(t.holders) AS all_holders,
               coalesce(any_value(b.hits), sum(h.own)) AS hits,
               coalesce(any_value(b.all_hits), count(*)) AS all_hits
        FROM hits h JOIN kind_totals t ON t.kind = h.kind
        JOIN kind_members m ON m.operator = h.operator AND m.kind = h.kind
        LEFT JOIN habits b ON b.operator = h.operator AND b.kind = h.kind
        GROUP BY h.operator, h.kind
        """,
    )


def _find_joining(engine: Engine) -> None:
    """`may_join` (account, operator): whom it is worth weighing once operators have settled.

    Members, who has what is mostly used by members, who shares with a few others a thing that the
    operator is in the habit of sharing (`companions`), and whoever is asked about.
    """
    engine.create(
        "may_join",
        f"""
        WITH habits AS ({HABITS})
        SELECT account, operator FROM hits WHERE own = 1 OR owned
        UNION
        SELECT h.account, h.operator FROM hits h SEMI JOIN asked a ON a.account = h.account
        UNION
        SELECT h.account, h.operator FROM hits h JOIN habits k ON k.operator = h.operator
        JOIN linking_edges e ON e.account = h.account AND e.kind = k.kind
        WHERE e.personal AND e.kind <> 'prompt' AND e.accounts <= {FEW}
        """,
    )


def _add_up(engine: Engine, settled: bool, service: int, slack: float, some: str) -> None:
    # a kind of which the account has values, none of them the operator's, speaks against; so a
    # coarse hit (the card's issuer) without the fine one that members have (the card) counts little
    families = f"""
        WITH candidates AS (
            -- absences only take away: who has too little without them is out already
            SELECT h.account, h.operator, max(h.own) AS own
            FROM {some} h JOIN sizes s ON s.operator = h.operator
            GROUP BY h.account, h.operator, s.size
            HAVING {settled} OR sum(greatest(h.weight - h.lacking, 0)) + {slack}
                   > ln(({service} - s.size + 1.0) / s.size)
        ),
        by_kind AS (
            SELECT c.account, c.operator, k.family, h.weight AS hit, h.lacking, h.signals,
                   h.exclusive,
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
               coalesce(sum(lacking), 0) AS lacking,
               coalesce(max(signals), 0) AS signals,
               coalesce(bool_or(exclusive), false) AS exclusive
        FROM by_kind GROUP BY account, operator, family
    """
    parameters: list[float] = [ABSENCE if settled else math.inf]
    if settled:
        # what is asked for by family, too
        engine.create("family_weights", families, parameters)
        families, parameters = "SELECT * FROM family_weights", []
    ambient = ", ".join(f"'{family}'" for family in AMBIENT)
    engine.create(
        "weighed",
        f"""
        WITH summed AS (
            SELECT account, operator, sum(weight) AS evidence, sum(lacking) AS lacking,
                   coalesce(sum(weight) FILTER (family NOT IN ({ambient})), 0)
                       - greatest(coalesce(max(weight) FILTER (family NOT IN ({ambient})), 0), 0)
                       AS corroboration,
                   CAST(sum(signals) AS INTEGER) AS held_by, bool_or(exclusive) AS exclusive,
                   bool_or(exclusive AND family <> 'prompt') AS identified
            FROM ({families}) f GROUP BY account, operator
        )
        SELECT w.*, w.evidence + ln(s.size / (? - s.size + 1.0)) AS log_odds
        FROM summed w JOIN sizes s ON s.operator = w.operator
        """,
        [*parameters, service],
    )


def rate_operators(engine: Engine) -> None:
    """`operator_kinds` and `kind_holders`: what it takes to weigh strangers in the end.

    For each operator and kind of its evidence, `kind_rates` by its last members and signals.
    """
    engine.create(
        "operator_kinds",
        """
        WITH hits AS (
            SELECT DISTINCT s.operator, s.kind, e.account
            FROM linking_edges e JOIN operator_signals s USING (signal)
        ),
        counted AS (
            SELECT h.operator, h.kind, count(m.account) AS hits, count(*) AS all_hits
            FROM hits h LEFT JOIN attributed m
              ON m.account = h.account AND m.operator = h.operator
            GROUP BY h.operator, h.kind
        )
        SELECT c.operator, c.kind, m.holders, t.holders AS all_holders, c.hits, c.all_hits
        FROM counted c JOIN kind_members m ON m.operator = c.operator AND m.kind = c.kind
        JOIN kind_totals t ON t.kind = c.kind
        """,
    )
    engine.create(
        "kind_holders",
        """
        SELECT k.kind, k.family, k.personal, k.sharing, k.address, coalesce(t.holders, 0) AS holders
        FROM kinds k LEFT JOIN kind_totals t USING (kind)
        """,
    )
