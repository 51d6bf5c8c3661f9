"""What kind of hand an operator is: a scorecard, the verdict and the rank.

In: `attributed`, `served`, `operator_signals` and the graph. Out: `scorecard_items` (operator,
item, finding, weight) and `verdicts` (operator, verdict, score). One hand is not yet a fraud: an
organisation or a household shares openly, one address, one mail domain, one card for all, while
sockpuppets share covertly: pools of cards, devices and addresses in which each is used by a few,
free mail, sign-ups in waves. Every item says what it found and adds nats towards sockpuppets or
away from it; the sum, with the prior, gives the score.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from linkage.engine import Engine

PRIOR = -2.8
"""Nats before any item: most groups that share something are honest.

This and the items' weights are rounded from a logistic regression over the groups that runs on
simulated services found (docs/method.md); what they were fitted on is nobody's own data.
"""

BAR = 0.5
"""Score from which an operator is called sockpuppets."""

STOCKED = {"payment": "cards", "device": "devices", "phone": "phones"}
"""Kinds of which honest people share one with those near them, never a stock of many."""

STOCK = 3.0
"""Doublings of a stock that count: eight cards say as much as eight hundred."""
MANY = 10
"""So many cards on two members each are a stock too; of fewer, couples may be the users."""

SLIGHT = 0.1
"""Shares under this are not worth an item."""

FAMILY = 8
"""Up to this size a group may be a family."""

MOST = 0.8
PLACE = 0.5
"""An address that `MOST` of the members use is where they are; where they share few addresses,
`PLACE` is enough."""

STAFF = 4
"""A firm's mail domain is that of so many; of domains bought by the dozen, each serves a few."""

TIGHT = 0.1
"""A gap between two sign-ups is tight when it holds under this share of the strangers expected."""


@dataclass(frozen=True)
class Shared:
    """What an operator's members share of one kind."""

    signals: int = 0
    """Signals that two or more members use."""
    stock: int = 0
    """Signals that three or more members use, without those that belong to a place."""
    members: int = 0
    """Members that use any of them."""
    stocked: int = 0
    """Members that use any of the stock, and nothing of the kind that no other member uses."""
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
    """By kind: signals that two members or more use and nobody else, and the members that do and
    have no other."""
    elsewhere: int = 0
    """Members that also use an address that no other member uses: a life of their own."""
    staff: int = 0
    """Members with a mail domain that not anybody can have an address at, and `STAFF` have or half
    of the members with mail."""
    clients: int = 0
    """Members with such a domain that no other member has."""
    gaps: int = 0
    tight_gaps: int = 0
    served: int = 0
    """Accounts that were let go, since the operator merely serves them."""

    def of(self, kind: str) -> Shared:
        """What is shared of `kind`; nothing, if nothing is."""
        return self.shared.get(kind, Shared())


Item = Callable[[Facts], tuple[str, float] | None]


def judge(engine: Engine, min_size: int) -> None:
    """Create `scorecard_items` and `verdicts` for operators of `min_size` accounts or more."""
    items: list[tuple[int, str, str, float]] = []
    verdicts: list[tuple[int, str, float]] = []
    for operator, facts in _facts(engine, min_size).items():
        found = [(name, *result) for name, item in ITEMS.items() if (result := item(facts))]
        total = sum(weight for _, _, weight in found)
        score = 1 / (1 + math.exp(-total))
        items += [(operator, *row) for row in found]
        verdicts.append((operator, _verdict(facts, score), score))
    engine.put("scorecard_items", _table(items, ("operator", "item", "finding", "weight")))
    engine.put("verdicts", _table(verdicts, ("operator", "verdict", "score")))


def _table(rows: list[Any], names: tuple[str, ...]) -> pa.Table:
    types = {"operator": pa.int64(), "weight": pa.float64(), "score": pa.float64()}
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table(
        {
            name: pa.array(column, types.get(name, pa.string()))
            for name, column in zip(names, columns, strict=True)
        }
    )


def _facts(engine: Engine, min_size: int) -> dict[int, Facts]:
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
    engine.create("placed", _PLACED)
    engine.create("with_own", _WITH_OWN)
    shared: dict[int, dict[str, Shared]] = {operator: {} for operator in sizes}
    holders: dict[int, dict[str, int]] = {operator: {} for operator in sizes}
    for operator, kind, *counts in engine.rows(
        """
        WITH used AS (
            SELECT u.*, members >= 3 AND p.signal IS NULL AS of_stock,
                   o.account IS NULL AS has_no_other
            FROM shared_uses u LEFT JOIN placed p USING (operator, signal)
            LEFT JOIN with_own o USING (operator, account, kind)
        )
        SELECT operator, kind, count(DISTINCT signal),
               count(DISTINCT signal) FILTER (of_stock), count(DISTINCT account),
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
    elsewhere = dict(engine.rows(_ELSEWHERE))
    domains = {operator: counts for operator, *counts in engine.rows(_DOMAINS)}
    served = dict(engine.rows(_SERVED))
    gaps = {operator: (n, tight) for operator, n, tight in engine.rows(_GAPS, [TIGHT])}
    return {
        operator: Facts(
            size,
            shared[operator],
            holders[operator],
            pairs[operator],
            elsewhere.get(operator, 0),
            *domains.get(operator, (0, 0)),
            *gaps.get(operator, (0, 0)),
            served.get(operator, 0),
        )
        for operator, size in sizes.items()
    }


# an office's card: its users are at one address, and who is there has hardly any other
_PLACED = f"""
    WITH located AS (
        SELECT m.operator, m.account, e.signal AS address
        FROM attributed m JOIN linking_edges e USING (account) WHERE e.kind = 'ip'
    ),
    there AS (
        SELECT a.operator, a.address, h.kind, count(*) AS n
        FROM located a JOIN holdings h USING (account)
        WHERE h.kind IN {tuple(STOCKED)} GROUP BY a.operator, a.address, h.kind
    ),
    both_of AS (
        SELECT u.operator, u.kind, u.signal, u.members, a.address, count(*) AS n
        FROM shared_uses u JOIN located a ON a.operator = u.operator AND a.account = u.account
        WHERE u.kind IN {tuple(STOCKED)}
        GROUP BY u.operator, u.kind, u.signal, u.members, a.address
    )
    SELECT DISTINCT b.operator, b.signal
    FROM both_of b
    JOIN there t ON t.operator = b.operator AND t.address = b.address AND t.kind = b.kind
    WHERE b.n >= {MOST} * b.members AND b.n >= {MOST} * t.n
"""

# who has a telephone of his own beside the laboratory's
_WITH_OWN = f"""
    WITH used AS (
        SELECT m.operator, m.account, s.kind,
               count(*) OVER (PARTITION BY m.operator, e.signal) AS members
        FROM attributed m JOIN edges e USING (account) JOIN signals s USING (signal)
        WHERE s.kind IN {tuple(STOCKED)}
    )
    SELECT DISTINCT operator, account, kind FROM used WHERE members = 1
"""

_PAIRS = f"""
    WITH used AS (
        SELECT m.operator, e.kind, e.signal, e.accounts, m.account,
               count(*) OVER (PARTITION BY m.operator, e.signal) AS members
        FROM attributed m JOIN linking_edges e USING (account)
        WHERE e.kind IN {tuple(STOCKED)}
    )
    SELECT u.operator, u.kind, count(DISTINCT u.signal),
           count(DISTINCT u.account) FILTER (o.account IS NULL)
    FROM used u LEFT JOIN with_own o USING (operator, account, kind)
    WHERE members >= 2 AND members = accounts GROUP BY u.operator, u.kind
"""

_ELSEWHERE = """
    WITH used AS (
        SELECT m.operator, m.account, count(*) OVER (PARTITION BY m.operator, e.signal) AS members
        FROM attributed m JOIN edges e USING (account) JOIN signals s USING (signal)
        WHERE s.kind = 'ip'
    )
    SELECT operator, count(DISTINCT account) FROM used WHERE members = 1 GROUP BY operator
"""

_DOMAINS = f"""
    WITH mailing AS (
        SELECT m.operator, count(*) AS members
        FROM attributed m JOIN holdings h ON h.account = m.account AND h.kind = 'email'
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
           count(*) FILTER (d.members = 1)
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


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _stock(facts: Facts) -> tuple[str, float] | None:
    """A stock of cards, devices or phones that serves most members: nobody honest has one.

    The laboratory of a school has many devices and serves few of its students; who has a device of
    his own besides, as the users of a hosted notebook do, is served by none. Several offices have
    a card each, at an address each: those are no stock. What members share at one place while they
    have addresses of their own, too, belongs to the place: a café's computers, a firm's cards.
    """
    texts, total = [], 0.0
    own = 1.0
    if _place(facts):
        own -= min(_share(facts.elsewhere, facts.holders.get("ip", 0)), 1.0)
    for kind, noun in STOCKED.items():
        count, members = facts.of(kind).stock, facts.of(kind).stocked
        paired, in_pairs = facts.pairs.get(kind, (0, 0))
        if paired >= MANY and in_pairs > members:
            count, members = paired, in_pairs
        if count < 2:
            continue
        share = min(_share(members, facts.holders.get(kind, 0)), 1.0)
        texts.append(f"{count:,} {noun} are all that {share:.0%} of those with any have")
        total += min(math.log2(count), STOCK) * (share * own) ** 2
    if not texts:
        return None
    return f"members share a stock: {' and '.join(texts)}", 1.7 * min(total, STOCK)


def _mailbox(facts: Facts) -> tuple[str, float] | None:
    """Several accounts behind one mailbox; told apart by tags and dots, it is nobody's slip.

    At a firm's own domain they are its test accounts.
    """
    mailboxes, aliases = facts.of("email"), facts.of("email_alias")
    if not mailboxes.stock:
        return None
    one, holders = mailboxes.signals == 1, facts.holders.get("email", 0)
    share = _share(mailboxes.members, holders)
    return (
        f"{mailboxes.members:,} members sign up with the same "
        f"{'mailbox' if one else f'{mailboxes.signals:,} mailboxes'}, "
        f"{aliases.members:,} under other spellings of {'it' if one else 'one'}",
        2.0 * (share + _share(aliases.members, holders)) * (1 - _staff(facts)),
    )


def _at_one_place(facts: Facts) -> bool:
    ips = facts.of("ip")
    many = ips.most >= PLACE * facts.size or (
        # of those that share an address at all, nearly everybody
        ips.most >= MOST * ips.members and ips.most >= 0.3 * facts.size
    )
    return ips.most >= MOST * facts.size or (many and ips.signals <= 3)


def _place(facts: Facts) -> tuple[str, float] | None:
    """Nearly all at one address, of the net or of a street: a home, an office, a school."""
    if _at_one_place(facts):
        most = facts.of("ip").most
        return f"one address serves {most:,} of {facts.size:,} members: a place", -2.0
    most, givers = facts.of("address").most, facts.holders.get("address", 0)
    if most >= MOST * givers and most >= PLACE * facts.size:
        return f"{most:,} of {givers:,} members with a postal address give one: a place", -2.0
    return None


def _addresses(facts: Facts) -> tuple[str, float] | None:
    """A pool of addresses that members rotate over, and hardly anybody else uses."""
    ranges, ips = facts.of("ip_range"), facts.of("ip")
    if ips.signals < 5 or ips.most >= MOST * facts.size:
        return None
    share = _share(ips.members, facts.holders.get("ip", 0))
    own = _share(ips.uses, ips.uses + ips.others)
    # a proxy pool lies in many ranges; a school or a data centre in few
    spread = 1.0 if ranges.signals >= 5 else 0.5
    return (
        f"{share:.0%} of members rotate over {ips.signals:,} addresses in {ranges.signals:,} "
        f"ranges; {own:.0%} of the users there are members",
        0.2 * min(math.log2(ips.signals) * spread * share * own, 6.0),
    )


def _far_apart(facts: Facts) -> float:
    """The share of members with addresses that have none in common with another member."""
    holders = facts.holders.get("ip", 0)
    return 1 - _share(facts.of("ip").members, holders) if holders else 0.0


def _apart(facts: Facts) -> tuple[str, float] | None:
    """Members that come from addresses of their own: many people, or much care."""
    share = _far_apart(facts)
    if share < SLIGHT:
        return None
    return f"{share:.0%} of members share no address with another one", -1.5 * share


def _templates(facts: Facts) -> tuple[str, float] | None:
    """The same prompt templates, used by hardly anybody else."""
    prompts = facts.of("prompt")
    if not prompts.signals:
        return None
    share = _share(prompts.members, facts.holders.get("prompt", 0))
    own = _share(prompts.uses, prompts.uses + prompts.others)
    return (
        f"{share:.0%} of members with prompts use the same {prompts.signals:,} templates; "
        f"{own:.0%} of the users of these are members",
        2.2 * share * own,
    )


def _sign_ups(facts: Facts) -> tuple[str, float] | None:
    """Sign-ups closer together than the service's rhythm explains."""
    if facts.gaps < 3:
        return None
    expected = 1 - math.exp(-TIGHT)
    share = facts.tight_gaps / facts.gaps
    if share <= expected:
        return "sign-ups are spread like everybody's", 0.0
    return (
        f"{share:.0%} of sign-ups follow another member's at once ({expected:.0%} by chance)",
        1.7 * (share - expected) / (1 - expected),
    )


def _staff(facts: Facts) -> float:
    """The share of members with mail that have a firm's domain."""
    return min(_share(facts.staff, facts.holders.get("email", 0)), 1.0)


def _clients(facts: Facts) -> float:
    """The share of members with mail that have a domain each."""
    return _share(facts.clients, facts.holders.get("email", 0)) if facts.clients >= 3 else 0.0


def _mail(facts: Facts) -> tuple[str, float] | None:
    """A mail domain of its own for most, or one each for several firms: organisations; or many: an
    agency's clients.

    Each domain is registered and paid for by somebody. Free mail says little, and so do domains of
    two or three members each: they come cheap by the dozen.
    """
    staff, clients = _staff(facts), _clients(facts)
    if max(staff, clients) < SLIGHT:
        return None
    return (
        f"{staff:.0%} of members with mail have a domain of their own with others"
        if staff >= clients
        else f"{facts.clients:,} of {facts.holders['email']:,} members with mail have a domain "
        "each: clients or partners",
        -3.5 * min(2 * max(staff, clients), 1.0),
    )


def _payer(facts: Facts) -> tuple[str, float] | None:
    """One card that pays for all: open sharing."""
    cards, payers = facts.of("payment"), facts.holders.get("payment", 0)
    if not cards.signals or cards.most < 0.8 * payers or cards.stock > 1:
        return None
    return f"one card pays for {cards.most:,} of {payers:,} paying members", -0.5


def _customers(facts: Facts) -> tuple[str, float] | None:
    """Whom it serves: not counted, and so no evidence either."""
    if not facts.served:
        return None
    return (
        f"{facts.served:,} more accounts use its cards, exits or devices, but ask other things and "
        "come from elsewhere, or never come where its members do: customers, not counted",
        0.0,
    )


def _size(facts: Facts) -> tuple[str, float] | None:
    """Few members: families are that large too."""
    if facts.size > FAMILY:
        return None
    return f"{facts.size} members: a family can be as large", -0.2 * (FAMILY + 1 - facts.size)


def _prior(facts: Facts) -> tuple[str, float]:
    """Before anything is looked at."""
    return "most groups that share something are honest", PRIOR


ITEMS: dict[str, Item] = {
    "prior": _prior,
    "stock": _stock,
    "mailbox": _mailbox,
    "place": _place,
    "addresses": _addresses,
    "apart": _apart,
    "templates": _templates,
    "sign-ups": _sign_ups,
    "mail": _mail,
    "payer": _payer,
    "customers": _customers,
    "size": _size,
}


def _verdict(facts: Facts, score: float) -> str:
    if score >= BAR:
        return "sockpuppets"
    domain = _staff(facts) >= 0.5
    if facts.size <= FAMILY and not domain and (_at_one_place(facts) or facts.of("address").most):
        return "household"
    # who pays for people that share nothing else may as well sell accounts
    pays = _payer(facts) and _far_apart(facts) < MOST
    if domain or _clients(facts) >= 0.5 or pays or _place(facts):
        return "organisation"
    return "unclear"
