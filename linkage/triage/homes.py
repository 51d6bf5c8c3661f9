"""Whether an operator's members live somewhere: in homes of their own.

In: `attributed`, `edges`, `signals`. People come back to where they live and work for weeks; the
accounts of one hand take turns on its addresses, or never see one twice. How many members have an
address (or a network, since lines get new addresses) that they return to, and that no other member
uses, is held against how many would if they were anybody: the share of all accounts that are as
active. A carrier's customers, users of relays and those who came twice have none either, and so
say nothing: having none is no evidence, having one is. Proxies are rented by the block: where a
member comes from the same network, there is no home. And an operator's exits are homes, too, of
which an account may be the only one to use this or that: for each member that comes back to one
which others use, one home of a member's own is taken for such an exit.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import fsum

from linkage.engine import Engine

TIMES = 3
DAYS = 3
"""So often, and for so long, one is seen at a place that one comes back to."""

ENOUGH = 30
"""Others of whom a rate is taken, at least."""

FAMILY = 8
"""Up to this size a group may be a family; an address or network of more accounts is no home."""


@dataclass(frozen=True)
class Homes:
    """Members with homes of their own, and how many would have one if they were anybody."""

    found: int = 0
    """Members with a home that no other member uses, less those with one that others do."""
    expected: float = 0.0


NOWHERE = Homes()


def find(engine: Engine) -> dict[int, Homes]:
    """The homes of each operator's members; without addresses or times, none are expected."""
    engine.create("homes", _HOMES)
    engine.create("active", _ACTIVE)
    everybody = {active: (n, at_home) for active, n, at_home in engine.rows(_RATES)}
    members: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for operator, *counts in engine.rows(_MEMBERS):
        members[operator].append(tuple(counts))
    return {
        operator: Homes(
            max(sum(own - in_common for _, _, _, own, in_common in counts), 0),
            _expected(counts, everybody),
        )
        for operator, counts in members.items()
    }


def _expected(counts: list[tuple[int, ...]], everybody: dict[int, tuple[int, int]]) -> float:
    """Members that would have a home if they were anybody else as active; where those are too few,
    the less active speak for them, who have homes less often."""
    own = {active: (n, at_home) for active, n, at_home, _, _ in counts}
    total = []
    for active, (n, _) in own.items():
        others = at_home = 0
        for one in sorted((a for a in everybody if a <= active), reverse=True):
            others += everybody[one][0] - own.get(one, (0, 0))[0]
            at_home += everybody[one][1] - own.get(one, (0, 0))[1]
            if others >= ENOUGH:
                break
        total.append(n * at_home / others if others else 0.0)
    return fsum(total)


_HOMES = f"""
    SELECT e.account, e.signal, coalesce(s.parent, s.signal) AS network
    FROM edges e JOIN signals s ON s.signal = e.signal
    WHERE s.kind IN ('ip', 'ip_range') AND e.n >= {TIMES} AND s.accounts <= {FAMILY}
      AND e.last_seen >= e.first_seen + INTERVAL {DAYS} DAY
"""

# as active as each other: within a factor of the root of two
_ACTIVE = """
    SELECT e.account, CAST(floor(2 * log2(sum(e.n))) AS INTEGER) AS active
    FROM edges e JOIN signals s ON s.signal = e.signal
    WHERE s.kind = 'ip_range' GROUP BY e.account
"""

_RATES = """
    SELECT a.active, count(*), count(h.account)
    FROM active a LEFT JOIN (SELECT DISTINCT account FROM homes) h ON h.account = a.account
    GROUP BY a.active
"""

_MEMBERS = """
    WITH used AS (
        SELECT m.operator, e.signal, count(*) AS members
        FROM attributed m JOIN edges e ON e.account = m.account
        WHERE e.signal IN (SELECT signal FROM homes UNION SELECT network FROM homes)
        GROUP BY m.operator, e.signal
    ),
    living AS (
        SELECT m.operator, m.account, bool_or(n.members = 1) AS own,
               bool_or(u.members > 1) AS in_common
        FROM attributed m JOIN homes h ON h.account = m.account
        JOIN used u ON u.operator = m.operator AND u.signal = h.signal
        JOIN used n ON n.operator = m.operator AND n.signal = h.network
        GROUP BY m.operator, m.account
    )
    SELECT m.operator, a.active, count(*), count(l.account), count(l.account) FILTER (l.own),
           count(l.account) FILTER (l.in_common)
    FROM attributed m JOIN active a ON a.account = m.account
    LEFT JOIN living l ON l.account = m.account AND l.operator = m.operator
    GROUP BY m.operator, a.active ORDER BY m.operator, a.active
"""
