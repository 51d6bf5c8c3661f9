"""What the scorecard looks at, counted for every operator at once.

In: `attributed`, `served`, `operator_signals` and the graph. Out: `Facts`, which are numbers only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from linkage.engine import Engine
from linkage.signals import HELD
from linkage.triage import domains, homes, households
from linkage.triage.domains import STAFF, TOGETHER, Dealt
from linkage.triage.homes import NOWHERE, Homes
from linkage.triage.households import FEW, ONE_OF

MOST = 0.8
"""An address that so many of the members use is where they are."""

MOSTLY = 0.7
"""Numbers of telephones of which so many are members' were bought together."""

TIGHT = 0.1
"""A gap between two sign-ups is tight when it holds under this share of the strangers expected."""


@dataclass(frozen=True)
class Shared:
    """What an operator's members share of one kind."""

    signals: int = 0
    """Signals that two or more members use."""
    stock: int = 0
    """Signals that three or more members use, without those of a place or a household."""
    members: int = 0
    """Members that use any of them."""
    covered: int = 0
    """Members that use any of the stock."""
    stocked: int = 0
    """Members that do, and use nothing of the kind, nor a card, of their own."""
    most: int = 0
    """Members that use the most used one."""
    others: int = 0
    """Accounts outside the operator that use any of them, summed over signals."""
    uses: int = 0
    """Members' uses, summed over signals."""


@dataclass(frozen=True)
class Facts:
    """What the scorecard looks at, for one operator."""

    size: int
    shared: dict[str, Shared] = field(default_factory=dict)
    holders: dict[str, int] = field(default_factory=dict)
    """Members that have any value of a kind."""
    pairs: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By kind: signals that two members or more use and nobody else, those of a place or a firm
    aside, and the members that do and have no other."""
    blocks: tuple[int, int] = (0, 0)
    """Thousands of telephone numbers of which members have three or more, and hardly others any;
    and the members that do."""
    elsewhere: int = 0
    """Members that also use an address that no other member uses: a life of their own."""
    rotating: int = 0
    """Members that use two addresses or more which other members use."""
    separate: int = 0
    """Members that have an address and a card, a device or a phone that no other member has."""
    staff: int = 0
    """Members with a mail domain that not anybody can have an address at, and `STAFF` have or half
    of the members with mail."""
    clients: int = 0
    """Members with such a domain that no other member has."""
    colleagues: int = 0
    """Members with the one of these domains that most have."""
    gaps: int = 0
    tight_gaps: int = 0
    served: int = 0
    """Accounts that were let go, since the operator merely serves them."""
    homes: Homes = NOWHERE
    dealt: Dealt = TOGETHER

    @property
    def mailing(self) -> int:
        """Members with mail. An export that has nothing but domains has none of free mail."""
        return self.holders.get("email") or (self.size if "email_domain" in self.holders else 0)

    def of(self, kind: str) -> Shared:
        """What is shared of `kind`; nothing, if nothing is."""
        return self.shared.get(kind, Shared())


def gather(engine: Engine, min_size: int) -> dict[int, Facts]:
    """The facts of each operator of `min_size` accounts or more."""
    sizes = dict(
        engine.rows(
            """
            SELECT operator, count(*) FROM attributed GROUP BY operator HAVING count(*) >= ?
            ORDER BY operator
            """,
            [min_size],
        )
    )
    engine.create(
        "shared_uses",
        """
        SELECT m.operator, m.account, s.kind, s.signal, s.members, s.others
        FROM attributed m JOIN linking_edges e USING (account)
        JOIN operator_signals s ON s.operator = m.operator AND s.signal = e.signal
        """,
    )
    households.find(engine, ("email", "email_alias", *HELD))
    engine.create("placed", _PLACED)
    engine.create("firms", _FIRMS)
    engine.create("with_own", _WITH_OWN)
    shared: dict[int, dict[str, Shared]] = {operator: {} for operator in sizes}
    holders: dict[int, dict[str, int]] = {operator: {} for operator in sizes}
    for operator, kind, *counts in engine.rows(
        """
        WITH used AS (
            SELECT u.*, members >= 3 AND p.signal IS NULL AS of_stock,
                   o.account IS NULL AND c.account IS NULL AS has_no_other
            FROM shared_uses u LEFT JOIN placed p USING (operator, signal)
            LEFT JOIN with_own o USING (operator, account, kind)
            LEFT JOIN with_own c
              ON c.operator = u.operator AND c.account = u.account AND c.kind = 'payment'
        )
        SELECT operator, kind, count(DISTINCT signal),
               count(DISTINCT signal) FILTER (of_stock), count(DISTINCT account),
               count(DISTINCT account) FILTER (of_stock),
               count(DISTINCT account) FILTER (of_stock AND has_no_other), max(members),
               round(sum(others / CAST(members AS DOUBLE))), count(*)
        FROM used GROUP BY operator, kind
        """
    ):
        if operator in shared:
            shared[operator][kind] = Shared(*(int(count) for count in counts))
    for operator, kind, accounts in engine.rows(
        """
        SELECT m.operator, k.kind, count(*) FROM attributed m JOIN holdings k USING (account)
        GROUP BY m.operator, k.kind
        """
    ):
        if operator in holders:
            holders[operator][kind] = accounts
    pairs: dict[int, dict[str, tuple[int, int]]] = {operator: {} for operator in sizes}
    for operator, kind, signals, members in engine.rows(_PAIRS):
        if operator in pairs:
            pairs[operator][kind] = (signals, members)
    blocks = {operator: (n, members) for operator, n, members in engine.rows(_BLOCKS)}
    elsewhere = dict(engine.rows(_ELSEWHERE))
    rotating = dict(engine.rows(_ROTATING))
    separate = dict(engine.rows(_SEPARATE))
    mail = {operator: (own, each, one) for operator, own, each, one in engine.rows(_DOMAINS)}
    served = dict(engine.rows(_SERVED))
    living = homes.find(engine)
    dealt = domains.find(engine)
    gaps = {operator: (n, tight) for operator, n, tight in engine.rows(_GAPS, [TIGHT])}
    return {
        operator: Facts(
            size,
            shared[operator],
            holders[operator],
            pairs[operator],
            blocks.get(operator, (0, 0)),
            elsewhere.get(operator, 0),
            rotating.get(operator, 0),
            separate.get(operator, 0),
            *mail.get(operator, (0, 0, 0)),
            *gaps.get(operator, (0, 0)),
            served.get(operator, 0),
            living.get(operator, NOWHERE),
            dealt.get(operator, TOGETHER),
        )
        for operator, size in sizes.items()
    }


# a home's, an office's, a shop's: its users are at one address, and who is there has hardly any
# other; or it is one of three places or more, with a few things of the kind each
_PLACED = f"""
    WITH located AS (
        SELECT m.operator, m.account, e.signal AS address
        FROM attributed m JOIN linking_edges e USING (account) WHERE e.kind = 'ip'
    ),
    there AS (
        SELECT a.operator, a.address, h.kind, count(*) AS n
        FROM located a JOIN holdings h USING (account)
        WHERE h.kind IN {HELD} GROUP BY a.operator, a.address, h.kind
    ),
    among AS (
        SELECT operator, address, count(*) <= {ONE_OF} * any_value(size) AS one_of_several
        FROM located JOIN (
            SELECT operator, count(*) AS size FROM attributed GROUP BY operator
        ) USING (operator) GROUP BY operator, address
    ),
    both_of AS (
        SELECT u.operator, u.kind, u.signal, a.address, count(*) AS n,
               count(*) OVER (PARTITION BY u.operator, u.kind, a.address) AS things
        FROM shared_uses u JOIN located a ON a.operator = u.operator AND a.account = u.account
        WHERE u.kind IN {HELD}
        GROUP BY u.operator, u.kind, u.signal, u.members, a.address
        HAVING count(*) >= {MOST} * u.members
    )
    SELECT DISTINCT b.operator, b.signal
    FROM both_of b
    JOIN there t ON t.operator = b.operator AND t.address = b.address AND t.kind = b.kind
    JOIN among o ON o.operator = b.operator AND o.address = b.address
    WHERE (o.one_of_several AND b.things <= {FEW}) OR b.n >= {MOST} * t.n
    UNION SELECT operator, signal FROM households
"""

# a firm's card: its users have one mail domain, and who has that pays with hardly any other
_FIRMS = f"""
    WITH mailing AS (
        SELECT m.operator, m.account, e.signal AS domain
        FROM attributed m JOIN edges e USING (account) JOIN signals s USING (signal)
        WHERE s.kind = 'email_domain'
    ),
    paying AS (
        SELECT d.operator, d.domain, count(*) AS n
        FROM mailing d JOIN holdings h USING (account)
        WHERE h.kind = 'payment' GROUP BY d.operator, d.domain
    ),
    both_of AS (
        SELECT u.operator, u.signal, u.members, d.domain, count(*) AS n
        FROM shared_uses u JOIN mailing d ON d.operator = u.operator AND d.account = u.account
        WHERE u.kind = 'payment' GROUP BY u.operator, u.signal, u.members, d.domain
    )
    SELECT DISTINCT b.operator, b.signal
    FROM both_of b JOIN paying t ON t.operator = b.operator AND t.domain = b.domain
    WHERE b.n >= {MOST} * b.members AND b.n >= {MOST} * t.n
"""

# who has an address that no other member has, or a telephone beside the laboratory's
_WITH_OWN = f"""
    WITH used AS (
        SELECT m.operator, m.account, s.kind,
               count(*) OVER (PARTITION BY m.operator, e.signal) AS members
        FROM attributed m JOIN edges e USING (account) JOIN signals s USING (signal)
        WHERE s.kind IN {("ip", *HELD)}
    )
    SELECT DISTINCT operator, account, kind FROM used WHERE members = 1
"""

_PAIRS = f"""
    WITH used AS (
        SELECT m.operator, e.kind, e.signal, e.accounts, m.account,
               count(*) OVER (PARTITION BY m.operator, e.signal) AS members
        FROM attributed m JOIN linking_edges e USING (account)
        WHERE e.kind IN {HELD}
    )
    SELECT u.operator, u.kind, count(DISTINCT u.signal),
           count(DISTINCT u.account) FILTER (o.account IS NULL)
    FROM used u LEFT JOIN with_own o USING (operator, account, kind)
    LEFT JOIN placed p ON p.operator = u.operator AND p.signal = u.signal
    LEFT JOIN firms f ON f.operator = u.operator AND f.signal = u.signal
    WHERE members >= 2 AND members = accounts AND p.signal IS NULL AND f.signal IS NULL
    GROUP BY u.operator, u.kind
"""

# an export of nothing but blocks has a number for each account
_BLOCKS = f"""
    WITH numbers AS (
        SELECT e.account, e.signal, s.parent AS block
        FROM edges e JOIN signals s ON s.signal = e.signal WHERE s.kind = 'phone'
    ),
    used AS (
        SELECT m.operator, m.account, e.signal AS block,
               coalesce(n.signal, -1 - m.account) AS number
        FROM attributed m JOIN edges e ON e.account = m.account
        JOIN operator_signals s ON s.operator = m.operator AND s.signal = e.signal
        LEFT JOIN numbers n ON n.account = m.account AND n.block = e.signal
        WHERE s.kind = 'phone_range' AND s.members >= {MOSTLY} * (s.members + s.others)
    ),
    blocks AS (
        SELECT operator, block FROM used GROUP BY operator, block
        HAVING count(DISTINCT number) >= 3
    )
    SELECT u.operator, count(DISTINCT u.block), count(DISTINCT u.account)
    FROM used u JOIN blocks b ON b.operator = u.operator AND b.block = u.block
    GROUP BY u.operator
"""

_ELSEWHERE = "SELECT operator, count(*) FROM with_own WHERE kind = 'ip' GROUP BY operator"

_ROTATING = """
    SELECT operator, count(*) FROM (
        SELECT operator, account FROM shared_uses WHERE kind = 'ip'
        GROUP BY operator, account HAVING count(*) >= 2
    ) GROUP BY operator
"""

_SEPARATE = """
    SELECT operator, count(*) FROM (
        SELECT operator, account FROM with_own GROUP BY operator, account
        HAVING bool_or(kind = 'ip') AND bool_or(kind <> 'ip')
    ) GROUP BY operator
"""

_DOMAINS = f"""
    WITH mailing AS (
        SELECT m.operator, coalesce(nullif(count(h.account), 0), count(*)) AS members
        FROM attributed m LEFT JOIN holdings h ON h.account = m.account AND h.kind = 'email'
        GROUP BY m.operator
    ),
    domains AS (
        SELECT m.operator, e.signal, count(*) AS members
        FROM attributed m JOIN edges e USING (account) JOIN signals s USING (signal)
        WHERE s.kind = 'email_domain' GROUP BY m.operator, e.signal
    )
    SELECT d.operator,
           coalesce(sum(d.members) FILTER (
               d.members >= {STAFF} OR (d.members >= 3 AND d.members >= 0.5 * m.members)
           ), 0),
           count(*) FILTER (d.members = 1), max(d.members)
    FROM domains d JOIN mailing m ON m.operator = d.operator GROUP BY d.operator
"""

_SERVED = """
    SELECT operator, count(DISTINCT account) FROM served
    ANTI JOIN attributed USING (account, operator) GROUP BY operator
"""

# strangers that signed up between a member and the next, against the number expected if
# members had signed up at random among them: a rate that follows the service's own rhythm
_GAPS = """
    WITH ordered AS (
        SELECT a.account, m.operator,
               row_number() OVER (ORDER BY a.created_at, a.account) AS place
        FROM accounts a LEFT JOIN attributed m USING (account) WHERE a.created_at IS NOT NULL
    ),
    members AS (
        SELECT operator, place,
               place - row_number() OVER (PARTITION BY operator ORDER BY place) AS strangers,
               count(*) OVER (PARTITION BY operator) AS n
        FROM ordered WHERE operator IS NOT NULL
    ),
    gaps AS (
        SELECT operator, n,
               strangers - lag(strangers) OVER (PARTITION BY operator ORDER BY place) AS gap
        FROM members
    )
    SELECT operator, count(gap),
           count(*) FILTER (gap < ? * ((SELECT count(*) FROM ordered) - n) / (n + 1.0))
    FROM gaps GROUP BY operator
"""
