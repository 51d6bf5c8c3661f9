"""Whose the mail domains of an operator's members are: firms', or dealt out like everything else.

In: `attributed`, `shared_uses`, `edges`, `signals`. Who works for a firm shares its card and its
machines with colleagues, who have the same mail domain. An operator registers domains, too, and
deals them across its cards, machines and telephones: who pays with one card has mail at several.
How many of the things that members share are shared across domains is held against how many would
be if domains were dealt at random. A thing that many members use (an agency's card, a reseller's)
is not asked, nor is a domain of a few members: clients have one each, and what an agency has in
common.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import fsum

from linkage.engine import Engine
from linkage.signals import HELD
from linkage.triage.households import ONE_OF

STAFF = 4
"""A firm's mail domain is that of so many; of domains bought by the dozen, each serves a few."""


@dataclass(frozen=True)
class Dealt:
    """What members with mail domains of several members share."""

    things: int = 0
    """Those with several users that have such a mail domain."""
    across: int = 0
    """Those whose users have several domains."""
    expected: float = 0.0
    """As many would, if domains were dealt at random."""


TOGETHER = Dealt()


def find(engine: Engine) -> dict[int, Dealt]:
    """Of each operator, what members with such mail domains share."""
    engine.create("mail_domains", _MAIL_DOMAINS)
    domains: dict[int, list[int]] = defaultdict(list)
    for operator, members in engine.rows(
        """
        SELECT operator, count(*) AS members FROM mail_domains GROUP BY operator, domain
        ORDER BY operator, domain
        """
    ):
        domains[operator].append(members)
    things: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for operator, users, n, across in engine.rows(_THINGS):
        things[operator].append((users, n, across))
    return {
        operator: Dealt(
            sum(n for _, n, _ in found),
            sum(across for _, _, across in found),
            fsum(n * _mixed(domains[operator], users) for users, n, _ in found),
        )
        for operator, found in things.items()
    }


def _mixed(members: list[int], users: int) -> float:
    """The chance that so many users, drawn from members of these domains, have several."""
    total = sum(members)
    return 1 - fsum((n / total) ** users for n in members)


_MAIL_DOMAINS = f"""
    WITH named AS (
        SELECT m.operator, m.account, min(e.signal) AS domain
        FROM attributed m JOIN edges e ON e.account = m.account
        JOIN signals s ON s.signal = e.signal
        WHERE s.kind = 'email_domain' GROUP BY m.operator, m.account
    ),
    counted AS (SELECT *, count(*) OVER (PARTITION BY operator, domain) AS members FROM named)
    SELECT operator, account, domain FROM counted WHERE members >= {STAFF}
"""

_THINGS = f"""
    WITH sizes AS (SELECT operator, count(*) AS size FROM attributed GROUP BY operator),
    things AS (
        SELECT u.operator, u.signal, count(*) AS users, count(DISTINCT d.domain) AS domains
        FROM shared_uses u JOIN mail_domains d ON d.operator = u.operator AND d.account = u.account
        JOIN sizes s ON s.operator = u.operator
        WHERE u.kind IN {HELD} AND u.members <= {ONE_OF} * s.size
        GROUP BY u.operator, u.signal HAVING count(*) >= 2
    )
    SELECT operator, users, count(*), count(*) FILTER (domains > 1)
    FROM things GROUP BY operator, users ORDER BY operator, users
"""
