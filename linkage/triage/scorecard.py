"""The scorecard: what speaks for sockpuppets and what against, item by item.

In: the facts of one operator. Out: for each item what was found, in words, and nats.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from linkage import words
from linkage.triage.domains import STAFF
from linkage.triage.facts import MOST, TIGHT, Facts, Shared
from linkage.triage.homes import FAMILY

PRIOR = -2.5
"""Nats before any item: most groups that share something are honest. Of 5,345 that runs on three
services by other authors found, 404 were operators (docs/method.md).

The items' weights are rounded from a logistic regression over the groups that runs on
simulated services found (docs/method.md); what they were fitted on is nobody's own data.
"""

STOCK = 3.0
"""Doublings of a stock that count: eight cards say as much as eight hundred."""
FIRM = 3
"""So many cards, and telephones, may be a firm's own, at its place."""
FURNITURE = 1 / 3
"""What a stock of machines counts under one roof, where desks and terminals are shared."""
SPONSORED = 1 / 3
"""What a stock of cards counts among people who meet nowhere: a network pays for its creators, a
campaign for its volunteers."""
MANY = 10
"""So many cards on two members each are a stock too; of fewer, couples may be the users."""

COVERT = 0.3
"""Nats of a stock, a mailbox or a pool under which there is nothing that one would hide."""

RANGES = 5
"""A proxy pool lies in so many ranges of addresses; a firm, a school or a data centre in few."""

SLIGHT = 0.1
"""Shares under this are not worth an item."""

STOCKED = {"payment": "cards", "device": "devices", "phone": "phones"}
"""Kinds of which honest people share one with those near them, never a stock of many."""
LENT = 0.25
"""So many of an operator's accounts may be real people's, lent, bought or taken over."""
SURE = 3.0
"""Nats (twenty to one) that homes count at most: all members may be real people who lend theirs."""

PLACE = 0.5
"""Where members share few addresses, one is a place if so many of them use it."""


Item = Callable[[Facts], tuple[str, float] | None]


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _of(part: int, whole: int, what: str = "members") -> str:
    """So many of so many, exactly: nothing is rounded up to all."""
    return f"{part:,} of {whole:,} {what}"


def _percent(share: float) -> str:
    """A share in words that are never "all" or "none" unless it is.

    >>> _percent(0.25), _percent(0.999), _percent(1), _percent(0.001)
    ('25%', 'over 99%', '100%', 'under 1%')
    """
    if 0.995 <= share < 1:
        return "over 99%"
    return "under 1%" if 0 < share < 0.005 else f"{share:.0%}"


def _outside(others: int) -> str:
    if not others:
        return ""
    return f" ({words.count(others, 'account')} outside use{'s' if others == 1 else ''} these, too)"


def _own(shared: Shared) -> float:
    """The share of the uses of what is shared that are members'."""
    return _share(shared.uses, shared.uses + shared.others)


def _stock(facts: Facts) -> tuple[str, float] | None:
    """A stock of cards, devices or phones that serves most members: nobody honest has one.

    The laboratory of a school has many devices and serves few of its students; who has a device of
    his own besides, as the users of a hosted notebook do, or pays with a card of his own, as those
    of a browser that hides them do, is served by none. Several offices have a card each, at an
    address each: those are no stock. What members share at one place while they have addresses of
    their own, too, belongs to the place: a café's computers, a firm's cards. Telephone numbers in
    a few blocks were bought as a stock, one for each: a box of SIM cards.
    """
    texts: dict[str, str] = {}
    total, own = 0.0, 1.0
    if place(facts):
        own -= min(_share(facts.elsewhere, facts.holders.get("ip", 0)), 1.0)
    for kind, noun in STOCKED.items():
        count, members = facts.of(kind).stock, facts.of(kind).stocked
        paired, in_pairs = facts.pairs.get(kind, (0, 0))
        if paired >= MANY and in_pairs > members:
            count, members = paired, in_pairs
        if count < 2:
            continue
        holders, others = facts.holders.get(kind, 0), facts.of(kind).others
        share = min(_share(members, holders), 1.0)
        texts[kind] = (
            f"{count:,} {noun} serve {_of(min(members, holders), holders)} with any, who have no "
            f"others{_outside(others)}"
        )
        total += _doublings(kind, count, facts) * (share * own) ** 2
    blocks, members = facts.blocks
    if blocks >= 2:
        holders = facts.holders.get("phone", 0)
        share = min(_share(members, holders), 1.0)
        texts["phone_range"] = (
            f"{blocks:,} blocks of a thousand numbers have the phones of "
            f"{_of(min(members, holders), holders)} with any"
        )
        total += min(math.log2(blocks), STOCK) * (share * own) ** 2
    if not texts:
        return None
    less = ""
    if shared_room(facts) and texts.keys() & STOCKED.keys():
        less = "; in one room, where things go from hand to hand"
    elif sponsored(facts) and "payment" in texts:
        where = "live in homes of their own" if living(facts) >= SURE else "meet nowhere"
        less = f"; they {where}: somebody may pay for them"
    return f"members share a stock: {' and '.join(texts.values())}{less}", 1.7 * min(total, STOCK)


def _doublings(kind: str, count: int, facts: Facts) -> float:
    """What a stock of so many counts: in a room that all share, desks go from hand to hand, and a
    firm has two or three cards; so do a school's laptops, with its mail addresses; and somebody
    pays for people who meet nowhere.
    """
    full = min(math.log2(count), STOCK)
    if kind == "device" and one_firm(facts) and facts.of("payment").stock <= FIRM:
        return full * FURNITURE
    if shared_room(facts):
        return full * FURNITURE if kind == "device" else max(math.log2(count / FIRM), 0.0)
    return full * SPONSORED if kind == "payment" and sponsored(facts) else full


def shared_room(facts: Facts) -> bool:
    """Whether members are under one roof; what its mail says of a firm is not said again."""
    return under_one_roof(facts) and not firm(facts)


def sponsored(facts: Facts) -> bool:
    """Whether those who share cards share no place, nor addresses that are theirs; or live in
    homes of their own."""
    return (1 - meeting(facts) >= MOST and not place(facts)) or living(facts) >= SURE


def living(facts: Facts) -> float:
    """Nats for members with lives of their own: homes in the number found, against the few that an
    operator's would be."""
    return _beyond(facts.homes.found, LENT * facts.homes.expected)


def _beyond(found: int, few: float) -> float:
    """Nats for as many as were found against a few, as Poisson's law has them."""
    return found * math.log(found / few) - (found - few) if 0 < few < found else 0.0


def _homes(facts: Facts) -> tuple[str, float] | None:
    """Members that come back for weeks to an address no other member uses, as people do."""
    nats = living(facts)
    if nats < SLIGHT:
        return None
    homes = facts.homes
    return (
        f"{words.count(homes.found, 'member')} come{'s' if homes.found == 1 else ''} back for days "
        f"to an address of their own, where {homes.expected:,.0f} would if they were anybody: "
        "homes",
        -min(nats, SURE),
    )


def _mailbox(facts: Facts) -> tuple[str, float] | None:
    """Several accounts behind one mailbox; told apart by tags and dots, it is nobody's slip.

    At a firm's own domain they are its test accounts; and where a few have a line and a device or a
    card each, somebody has signed others up: a carer, a club.
    """
    mailboxes, aliases = facts.of("email"), facts.of("email_alias")
    if not mailboxes.stock:
        return None
    one, holders = mailboxes.stock == 1, facts.mailing
    share = _share(mailboxes.covered, holders)
    return (
        f"{mailboxes.covered:,} members sign up with the same "
        f"{'mailbox' if one else f'{mailboxes.stock:,} mailboxes'}, "
        f"{aliases.covered:,} under other spellings of {'it' if one else 'one'}",
        2.0
        * (share + _share(aliases.covered, holders))
        * (1 - staff(facts))
        * (1 - _share(facts.separate, facts.size) * min(FAMILY / facts.size, 1) ** 2),
    )


def at_one_place(facts: Facts) -> bool:
    """Whether one address of the net serves nearly all."""
    ips = facts.of("ip")
    many = ips.most >= PLACE * facts.size or (
        # of those that share an address at all, nearly everybody
        ips.most >= MOST * ips.members and ips.most >= max(0.3 * facts.size, 3)
    )
    return ips.most >= MOST * facts.size or (many and ips.signals <= 3)


def at_one_street_address(facts: Facts) -> bool:
    """Whether nearly all with a postal address, and half of all members, give the same."""
    most, givers = facts.of("address").most, facts.holders.get("address", 0)
    return most >= MOST * givers and most >= PLACE * facts.size


def under_one_roof(facts: Facts) -> bool:
    """Whether there is no doubt of the place: nearly all come from it or from the few addresses
    beside it, or give it as their own, or one card pays for all that are there.
    """
    few = at_one_place(facts)
    return (
        facts.of("ip").most >= MOST * facts.size
        or (few and facts.of("ip_range").most >= MOST * facts.size)
        or at_one_street_address(facts)
        or (few and payer(facts) is not None)
    )


def place(facts: Facts) -> tuple[str, float] | None:
    """Nearly all at one address, of the net or of a street: a home, an office, a school."""
    if at_one_place(facts):
        ips = facts.of("ip")
        whom = (
            _of(ips.most, facts.size)
            if ips.most >= PLACE * facts.size
            else _of(ips.most, ips.members, "members that share one")
        )
        return f"one address serves {whom}: a place", -2.0
    if at_one_street_address(facts):
        most, givers = facts.of("address").most, facts.holders["address"]
        return f"{most:,} of {givers:,} members with a postal address give one: a place", -2.0
    return None


def _addresses(facts: Facts) -> tuple[str, float] | None:
    """A pool of addresses that members rotate over, and hardly anybody else uses."""
    ranges, ips = facts.of("ip_range"), facts.of("ip")
    if ips.signals < 5 or ips.most >= MOST * facts.size:
        return None
    share = _share(facts.rotating, facts.holders.get("ip", 0))
    own = _own(ips)
    spread = 1.0 if ranges.signals >= RANGES else 0.5
    lying = ""
    if 0 < ranges.signals <= ips.signals:
        lying = f" in {words.count(ranges.signals, 'range')}"
    return (
        f"{_percent(share)} of members rotate over {ips.signals:,} addresses{lying}; "
        f"{_percent(own)} of the users there are members",
        0.2 * min(math.log2(ips.signals) * spread * share * own, 6.0),
    )


def meeting(facts: Facts) -> float:
    """The share of members with addresses that meet on some, as far as these are theirs alone: of
    two phones behind one carrier it says nothing.
    """
    holders, ips = facts.holders.get("ip", 0), facts.of("ip")
    return _share(ips.members, holders) * _own(ips) if holders else 1.0


def far_apart(facts: Facts) -> float:
    """The share of members with addresses that have none in common with another member."""
    holders = facts.holders.get("ip", 0)
    return 1 - _share(facts.of("ip").members, holders) if holders else 0.0


def _apart(facts: Facts) -> tuple[str, float] | None:
    """Members that come from addresses of their own: many people, or much care."""
    share = far_apart(facts)
    if share < SLIGHT:
        return None
    return f"{_percent(share)} of members share no address with another one", -1.5 * share


def _templates(facts: Facts) -> tuple[str, float] | None:
    """The same prompt templates, used by hardly anybody else."""
    prompts = facts.of("prompt")
    if not prompts.signals:
        return None
    share = _share(prompts.members, facts.holders.get("prompt", 0))
    return (
        f"{_percent(share)} of members with prompts share "
        f"{words.count(prompts.signals, 'template')}; {_percent(_own(prompts))} of the users are "
        "members",
        2.2 * own_texts(facts),
    )


def own_texts(facts: Facts) -> float:
    """The share of members with prompts that share templates, as far as these are theirs alone."""
    prompts = facts.of("prompt")
    return _share(prompts.members, facts.holders.get("prompt", 0)) * _own(prompts)


def _sign_ups(facts: Facts) -> tuple[str, float] | None:
    """Sign-ups closer together than the service's rhythm explains.

    A firm signs its staff up on one day: where nearly all have one domain, and no pool of
    addresses in many ranges, they count as far as members have texts of their own in common.
    """
    if facts.gaps < 3:
        return None
    expected = 1 - math.exp(-TIGHT)
    share = facts.tight_gaps / facts.gaps
    if share <= expected:
        return "sign-ups are spread like everybody's", 0.0
    staffed = one_firm(facts) and facts.of("ip_range").signals < RANGES
    return (
        f"after {_of(facts.tight_gaps, facts.gaps, 'sign-ups')} the next member's comes before "
        f"hardly a stranger's ({expected * facts.gaps:,.0f} by chance)"
        + ("; a firm signs its staff up together" if staffed else ""),
        1.7 * (share - expected) / (1 - expected) * (own_texts(facts) ** 2 if staffed else 1),
    )


def dealing(facts: Facts) -> float:
    """How sure it is, from 0 to 1, that mail domains are dealt across what members share: a quarter
    of a firm's things may pass to another. Of one domain and a few strays it can't be said; nor of
    people with addresses of their own, by nothing but cards: an agency's pay for all its clients.
    """
    dealt = facts.dealt
    nats = _beyond(dealt.across, LENT * dealt.expected)
    several = min(2 * _share(dealt.expected, dealt.things), 1.0)
    paid = not facts.of("device").signals and not facts.of("phone").signals
    return min(nats / SURE, 1.0) * several * (1 - far_apart(facts) if paid else 1.0)


def staff(facts: Facts) -> float:
    """The share of members with mail that have a firm's domain."""
    return min(_share(facts.staff, facts.mailing), 1.0) * (1 - dealing(facts))


def firm(facts: Facts) -> bool:
    """Whether it is a firm by its mail."""
    return staff(facts) >= 0.5


def one_firm(facts: Facts) -> bool:
    """Whether nearly all with mail have one domain of their own."""
    return facts.colleagues >= max(MOST * facts.mailing, STAFF)


def clients(facts: Facts) -> float:
    """The share of members with mail that have a domain each."""
    return _share(facts.clients, facts.mailing) if facts.clients >= 3 else 0.0


def _mail(facts: Facts) -> tuple[str, float] | None:
    """A mail domain of its own for most, or one each for several firms: organisations; or many: an
    agency's clients.

    Each domain is registered and paid for by somebody. Free mail says little, and so do domains of
    two or three members each: they come cheap by the dozen.
    """
    own, each = staff(facts), clients(facts)
    dealt = facts.dealt
    if dealing(facts) > SLIGHT:
        finding = (
            f"{_of(dealt.across, dealt.things, 'cards, devices and phones')} are shared across "
            f"mail domains, as {dealt.expected:,.0f} would be if these were dealt out: not firms'"
        )
    elif max(own, each) < SLIGHT:
        return None
    elif own >= each:
        finding = f"{_percent(own)} of members with mail have a domain of their own with others"
    else:
        mailing = _of(facts.clients, facts.mailing, "members with mail")
        finding = f"{mailing} have a domain each: clients or partners"
    return finding, -3.5 * min(2 * max(own, each), 1.0)


def payer(facts: Facts) -> tuple[str, float] | None:
    """One card that pays for all: open sharing."""
    cards, payers = facts.of("payment"), facts.holders.get("payment", 0)
    if not cards.signals or cards.most < 0.8 * payers or cards.stock > 1:
        return None
    return f"one card pays for {cards.most:,} of {payers:,} paying members", -0.5


def _event(facts: Facts) -> tuple[str, float] | None:
    """Texts and hours in common, nobody who pays, and nothing that one would hide: a class, a day
    for all. Where there is a pool but sign-ups are spread like everybody's, it is a product's: a
    cloud's runners, an extension's servers.
    """
    if payer(facts) or not facts.of("prompt").signals or _weighs(facts, _stock, _mailbox):
        return None
    if not _weighs(facts, _addresses):
        return "members share texts, and no card, stock or pool: a class, an event", -1.5
    if _sign_ups(facts) and not _weighs(facts, _sign_ups):
        return "members share texts and a pool, and nothing of their own: a product's users", -1.5
    return None


def _weighs(facts: Facts, *items: Item) -> bool:
    """Whether any of these items speaks for something that one would hide."""
    return any((found := item(facts)) and found[1] >= COVERT for item in items)


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
    "place": place,
    "addresses": _addresses,
    "apart": _apart,
    "homes": _homes,
    "templates": _templates,
    "sign-ups": _sign_ups,
    "mail": _mail,
    "payer": payer,
    "event": _event,
    "customers": _customers,
    "size": _size,
}
