"""Honest people: whom they live, work and learn with, and what that makes them share.

`populate` fills the first rows of the accounts with groups by their base rates (`HonestShares`;
`docs/simulate.md` gives the sources). Each group is one function over a slice of rows. What holds
for everybody (home lines, phones, VPNs now and then, popular templates) comes afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from linkage.simulate import words
from linkage.simulate.network import DAY
from linkage.simulate.text import Ints, ends
from linkage.simulate.world import CRON, DAYS, END, START, World, group_sizes, heavy

LAST_NAMES = 9_000


@dataclass(frozen=True)
class HonestShares:
    """Share of honest accounts in each group; the rest are single people."""

    household: float = 0.2
    second_account: float = 0.025
    shared_account: float = 0.01
    office: float = 0.08
    agency: float = 0.012
    campus: float = 0.06
    school_class: float = 0.012
    carrier: float = 0.12
    vpn: float = 0.08
    developer: float = 0.05


@dataclass(frozen=True)
class HonestHabits:
    """How often honest people share what."""

    paying: float = 0.36
    household_card: float = 0.23
    household_device: float = 0.75
    lent_card: float = 0.006
    lent_device: float = 0.02
    office_card: float = 0.3
    office_template: float = 0.4
    agency_template: float = 0.4
    agency_logs_in: float = 0.5
    common_device: float = 0.03
    mobile: float = 0.45
    vpn_now_and_then: float = 0.05
    popular_template: float = 0.12
    own_template: float = 0.08
    device_known: float = 0.72
    phone: float = 0.3
    referred: float = 0.07
    lines_without_account: float = 0.3
    addresses_per_line: int = 6
    ipv6: float = 0.5
    mean_events: float = 14.0


def populate(world: World, count: int, shares: HonestShares, habits: HonestHabits) -> None:
    """Fill rows 0 to `count` with honest people."""
    _everybody(world, count, habits)
    row = 0
    groups = {
        "household": _households,
        "second_account": _second_accounts,
        "shared_account": _shared_accounts,
        "office": _offices,
        "agency": _agencies,
        "campus": _campuses,
        "school_class": _classes,
        "carrier": _carrier_people,
        "vpn": _vpn_people,
        "developer": _developers,
    }
    for share in fields(HonestShares):
        rows = np.arange(row, row + round(getattr(shares, share.name) * count))
        row += len(rows)
        name = "class" if share.name == "school_class" else share.name.replace("_", "-")
        world.accounts.kind[rows] = world.kind(name)
        if len(rows):
            groups[share.name](world, rows, habits)
    world.accounts.kind[row:count] = world.kind("single")
    _habits(world, count, habits)
    # the first routes are those of the homes, in order
    used = np.unique(world.accounts.route[:count])
    world.lived_in = world.homes[used[(used >= 0) & (used < count)]]


def _everybody(world: World, count: int, habits: HonestHabits) -> None:
    """What every honest account has before its group changes it."""
    rng, a = world.rng, world.accounts
    people = slice(0, count)
    age = rng.exponential(260 * DAY, count) % (1_100 * DAY)
    a.created[people] = END - 3_600 - age.astype(np.int64)
    set_activity(world, np.arange(count))
    a.first_name[people] = heavy(rng, count, len(words.FIRST_NAMES), 0.7)
    a.last_name[people] = last_names(rng, count)
    a.domain[people] = world.free_domains(count)
    own = np.flatnonzero(rng.random(count) < 0.03)
    a.domain[own] = world.new_domains(len(own))
    a.zone[people] = rng.choice([-8, -5, -3, 0, 1, 2, 3, 5, 8, 9], count)
    paying = np.flatnonzero(rng.random(count) < habits.paying)
    a.card[paying] = world.new_cards(len(paying))
    a.device[people] = world.new_devices(count)
    second = np.flatnonzero(rng.random(count) < 0.45)
    a.second_device[second] = world.new_devices(len(second))
    common = np.flatnonzero(rng.random(count) < habits.common_device)
    a.device[common] = world.common_devices[heavy(rng, len(common), len(world.common_devices))]
    a.device_known[people] = rng.random(count) < habits.device_known
    phones = np.flatnonzero(rng.random(count) < habits.phone)
    a.phone[phones] = new_phones(rng, len(phones))
    set_events(world, np.arange(count), habits.mean_events, 1.15)
    a.events[:count][rng.random(count) < 0.03] = 0
    _homes(world, count, habits)


def _homes(world: World, count: int, habits: HonestHabits) -> None:
    """A line for every account and more besides, in pools with leases of a day to forever."""
    rng, a, network = world.rng, world.accounts, world.network
    total = int(count * (1 + habits.lines_without_account))
    providers = 14 + count // 20_000
    share = rng.dirichlet(np.full(providers, 2.0))
    lease = rng.choice(
        [0, DAY, 3 * DAY, 7 * DAY, 30 * DAY], providers, p=[0.3, 0.15, 0.15, 0.2, 0.2]
    )
    ipv6 = np.where(rng.random(providers) < 0.4, habits.ipv6, 0.0)
    pools, owners = [], []
    for provider in range(providers):
        needed = int(share[provider] * total) + 1
        # several pools where one /16 is too small for the provider
        parts = -(-needed * habits.addresses_per_line // 65_536)
        each = -(-needed // parts)
        bits = max(8, int(np.ceil(np.log2(each * habits.addresses_per_line))))
        for _ in range(parts):
            pools.append(network.pool(min(16, bits), int(lease[provider]), ipv6[provider]))
            owners.append(each)
    lines = network.lines(rng.permutation(np.repeat(pools, owners))[: max(total, count)])
    world.homes = lines
    a.route[:count, 0] = network.routes(lines[:count])
    a.route_share[:count, 0] = 1.0


def _join(world: World, rows: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """The group of each row and the row of its group's first member."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    return group, rows[ends(sizes)[:-1]][group]


def _households(world: World, rows: Ints, habits: HonestHabits) -> None:
    rng, a = world.rng, world.accounts
    sizes = group_sizes(rng, len(rows), 2, 6, 2.6)
    group, head = _join(world, rows, sizes)
    a.route[rows, 0] = a.route[head, 0]
    a.zone[rows] = a.zone[head]
    named = rng.random(len(rows)) < 0.8
    a.last_name[rows] = np.where(named, a.last_name[head], a.last_name[rows])
    shares_card = (rng.random(len(sizes)) < habits.household_card)[group] & (
        rng.random(len(rows)) < 0.9
    )
    cards = world.new_cards(len(sizes))
    a.card[rows] = np.where(shares_card, cards[group], a.card[rows])
    shares_device = (rng.random(len(sizes)) < habits.household_device)[group]
    tablets = world.new_devices(len(sizes))
    a.second_device[rows] = np.where(shares_device, tablets[group], a.second_device[rows])
    main = shares_device & (rng.random(len(rows)) < 0.35)
    a.device[rows] = np.where(main, tablets[group], a.device[rows])
    phone = (rng.random(len(sizes)) < 0.08)[group] & (a.phone[head] >= 0)
    a.phone[rows] = np.where(phone, a.phone[head], a.phone[rows])


def _second_accounts(world: World, rows: Ints, habits: HonestHabits) -> None:
    """One person with two accounts, for work and for home."""
    rng, a = world.rng, world.accounts
    rows = rows[: len(rows) // 2 * 2]
    first, second = rows[0::2], rows[1::2]
    for column in (a.first_name, a.last_name, a.zone):
        column[second] = column[first]
    a.route[second, 0] = a.route[first, 0]
    for shared, chance in ((a.card, 0.7), (a.device, 0.8), (a.phone, 0.4), (a.second_device, 0.6)):
        same = rng.random(len(first)) < chance
        shared[second] = np.where(same, shared[first], shared[second])


def _shared_accounts(world: World, rows: Ints, habits: HonestHabits) -> None:
    """Friends with one account among them: several homes and devices, many events."""
    rng, a = world.rng, world.accounts
    for place in (1, 2):
        a.route[rows, place] = world.network.routes(rng.choice(world.homes, len(rows)))
        a.route_share[rows, place] = rng.random(len(rows)) * (0.9 if place == 1 else 0.4)
    a.second_device[rows] = world.new_devices(len(rows))
    a.events[rows] *= 2


def _offices(world: World, rows: Ints, habits: HonestHabits) -> None:
    """One static address (or two), a mail domain, often one card and a template of their own."""
    rng, a = world.rng, world.accounts
    sizes = group_sizes(rng, len(rows), 4, 250, 2.0)
    group, head = _join(world, rows, sizes)
    count = len(sizes)
    pools = world.business_pools[rng.integers(0, len(world.business_pools), count)]
    lengths = np.where(rng.random(count) < 0.2, 2, 1)
    office = world.network.routes(world.network.lines(np.repeat(pools, lengths)), lengths)
    remote = rng.random(len(rows)) < 0.6
    a.route[rows, 1] = np.where(remote, a.route[rows, 0], -1)
    a.route_share[rows, 1] = np.where(remote, rng.random(len(rows)), 0)
    a.route[rows, 0] = office[group]
    mail = (rng.random(count) < 0.85)[group] & (rng.random(len(rows)) < 0.96)
    a.domain[rows] = np.where(mail, world.new_domains(count)[group], a.domain[rows])
    one_card = (rng.random(count) < habits.office_card)[group]
    a.card[rows] = np.where(one_card, world.new_cards(count)[group], a.card[rows])
    a.zone[rows] = a.zone[head]
    # some roll the service out in a week, others join one after another
    rollout = (rng.random(count) < 0.35)[group]
    spread = a.created[head] + rng.integers(0, 6 * DAY, len(rows))
    a.created[rows] = np.where(rollout, np.minimum(spread, END - 7_200), a.created[rows])
    set_activity(world, rows)
    _group_templates(world, rows, group, count, habits.office_template, 0.65, (1, 4), 0.35)


def _agencies(world: World, rows: Ints, habits: HonestHabits) -> None:
    """One card pays for 10 to 100 clients, who are at home elsewhere and don't know each other."""
    rng, a = world.rng, world.accounts
    sizes = group_sizes(rng, len(rows), 10, 100, 1.6)
    group, _ = _join(world, rows, sizes)
    count = len(sizes)
    a.card[rows] = world.new_cards(count)[group]
    own = rng.random(len(rows)) < 0.6
    a.domain[rows] = np.where(own, world.new_domains(len(rows)), a.domain[rows])
    pools = world.business_pools[rng.integers(0, len(world.business_pools), count)]
    agency = world.network.routes(world.network.lines(pools))
    desks = world.new_devices(count)
    visits = (rng.random(count) < habits.agency_logs_in)[group] & (rng.random(len(rows)) < 0.6)
    a.route[rows, 1] = np.where(visits, agency[group], -1)
    a.route_share[rows, 1] = np.where(visits, 0.25, 0)
    a.second_device[rows] = np.where(visits, desks[group], a.second_device[rows])
    _group_templates(world, rows, group, count, habits.agency_template, 0.6, (2, 6), 0.4)


def _campuses(world: World, rows: Ints, habits: HonestHabits) -> None:
    rng = world.rng
    sizes = group_sizes(rng, len(rows), 150, 3_000, 1.8)
    group, _ = _join(world, rows, sizes)
    _on_campus(world, rows, group, len(sizes))


def _on_campus(world: World, rows: Ints, group: Ints, count: int) -> None:
    """One /24 with all its addresses, a university's mail domain, home lines in the evening."""
    rng, a = world.rng, world.accounts
    routes = np.empty(count, np.int64)
    for campus in range(count):
        pool = world.network.pool(8)
        routes[campus] = world.network.route(
            world.network.lines(np.full(int(rng.integers(8, 200)), pool))
        )
    a.route[rows, 1] = a.route[rows, 0]
    a.route_share[rows, 1] = rng.random(len(rows))
    a.route[rows, 0] = routes[group]
    mail = rng.random(len(rows)) < 0.7
    a.domain[rows] = np.where(mail, world.new_domains(count)[group], a.domain[rows])


def _classes(world: World, rows: Ints, habits: HonestHabits) -> None:
    """A course: sign-ups in two weeks, one template from the exercise sheet, the same weeks."""
    rng, a = world.rng, world.accounts
    sizes = group_sizes(rng, len(rows), 15, 60, 1.5)
    group, head = _join(world, rows, sizes)
    count = len(sizes)
    schools = max(1, count // 4)
    _on_campus(world, rows, (group % schools), schools)
    begin = START + rng.integers(0, DAYS - 28, count) * DAY
    a.created[rows] = begin[group] + rng.integers(-3 * DAY, 11 * DAY, len(rows))
    a.active_from[rows] = np.maximum(a.created[rows], begin[group])
    a.active_to[rows] = begin[group] + rng.integers(21, 29, count)[group] * DAY
    a.zone[rows] = a.zone[head]
    _group_templates(world, rows, group, count, 1.0, 0.92, (1, 3), 0.6)


def _carrier_people(world: World, rows: Ints, habits: HonestHabits) -> None:
    """Only ever on a phone."""
    a = world.accounts
    a.route[rows, 0] = mobile_routes(world, len(rows))
    a.second_device[rows] = -1


def _vpn_people(world: World, rows: Ints, habits: HonestHabits) -> None:
    """Always behind a VPN, or nearly."""
    rng, a = world.rng, world.accounts
    slip = rng.random(len(rows)) < 0.5
    a.route[rows, 1] = np.where(slip, a.route[rows, 0], -1)
    a.route_share[rows, 1] = np.where(slip, 0.2, 0)
    a.route[rows, 0] = vpn_routes(world, len(rows))


def _developers(world: World, rows: Ints, habits: HonestHabits) -> None:
    """Frameworks' sets of templates, servers of their own, jobs on the hour."""
    rng, a = world.rng, world.accounts
    frameworks = 4 + len(rows) // 400
    sets = np.array(
        [world.template_set(world.book.make(rng, int(n))) for n in rng.integers(4, 13, frameworks)]
    )
    uses = rng.random(len(rows)) < 0.7
    a.templates[rows] = np.where(uses, sets[heavy(rng, len(rows), frameworks)], -1)
    a.template_share[rows] = np.where(uses, rng.beta(3, 2, len(rows)), 0)
    hosted = rng.random(len(rows)) < 0.5
    servers = world.network.lines(world.hosting_pools[rng.integers(0, 6, len(rows))])
    a.route[rows, 1] = np.where(hosted, world.network.routes(servers), -1)
    a.route_share[rows, 1] = np.where(hosted, 3.0, 0)
    a.pace[rows[rng.random(len(rows)) < 0.35]] = CRON
    a.events[rows] = (a.events[rows] * 2.5).astype(np.int64)


def _group_templates(
    world: World,
    rows: Ints,
    group: Ints,
    count: int,
    groups_share: float,
    members_share: float,
    number: tuple[int, int],
    use: float,
) -> None:
    """Templates of a group's own: some groups have some, most of their members use them."""
    rng, a = world.rng, world.accounts
    sets = np.full(count, -1)
    for g in np.flatnonzero(rng.random(count) < groups_share):
        sets[g] = world.template_set(world.book.make(rng, int(rng.integers(*number))))
    users = (sets[group] >= 0) & (rng.random(len(rows)) < members_share)
    a.templates[rows] = np.where(users, sets[group], a.templates[rows])
    share = rng.beta(4 * use, 4 * (1 - use), len(rows))
    a.template_share[rows] = np.where(users, share, a.template_share[rows])


def _habits(world: World, count: int, habits: HonestHabits) -> None:
    """Phones, VPNs now and then, popular templates, templates of one's own, referrals."""
    rng, a = world.rng, world.accounts
    for shared, chance in ((a.card, habits.lent_card), (a.second_device, habits.lent_device)):
        having = np.flatnonzero(shared[:count] >= 0)
        borrowers = np.flatnonzero(rng.random(count) < chance)
        shared[borrowers] = shared[rng.choice(having, len(borrowers))]
    free = np.flatnonzero(a.route[:count, 1] < 0)
    mobile = free[rng.random(len(free)) < habits.mobile]
    a.route[mobile, 1] = mobile_routes(world, len(mobile))
    a.route_share[mobile, 1] = rng.beta(1, 2, len(mobile)) * 1.5
    hidden = np.flatnonzero(rng.random(count) < habits.vpn_now_and_then)
    a.route[hidden, 2] = vpn_routes(world, len(hidden))
    a.route_share[hidden, 2] = 0.3
    without = np.flatnonzero(a.templates[:count] < 0)
    u = rng.random(len(without))
    world.popular = popular_sets(world, count)
    readers = without[u < habits.popular_template]
    a.templates[readers] = world.popular[heavy(rng, len(readers), len(world.popular), 1.05)]
    a.template_share[readers] = rng.beta(1, 3, len(readers))
    own = without[u > 1 - habits.own_template]
    templates = world.book.make(rng, len(own))
    a.templates[own] = [world.template_set(templates[i : i + 1]) for i in range(len(own))]
    a.template_share[own] = rng.beta(1, 2, len(own))
    referred = np.flatnonzero(rng.random(count) < habits.referred)
    # half by somebody of the same group (the rows beside), half by anybody
    near = np.maximum(referred - rng.integers(1, 6, len(referred)), 0)
    by = np.where(rng.random(len(referred)) < 0.5, near, rng.integers(0, count, len(referred)))
    older = a.created[by] < a.created[referred]
    a.referred_by[referred[older]] = by[older]


def popular_sets(world: World, count: int) -> Ints:
    """Sets of one to three templates that blogs spread; readers by a heavy tail."""
    rng = world.rng
    sizes = rng.choice([1, 1, 1, 2, 3], 40 + count // 400)
    return np.array([world.template_set(world.book.make(rng, int(n))) for n in sizes])


def mobile_routes(world: World, count: int) -> Ints:
    """Routes over carriers' sites: each site has a few addresses for thousands of phones."""
    rng = world.rng
    sites = max(2, count // 1_800)
    routes = []
    for _ in range(sites):
        pool = world.network.pool(8)
        routes.append(
            world.network.route(world.network.lines(np.full(int(rng.integers(4, 17)), pool)))
        )
    return np.array(routes)[rng.integers(0, sites, count)]


def vpn_routes(world: World, count: int) -> Ints:
    """Routes over VPN providers: some hundred customers an exit, each of whom sees many exits."""
    rng = world.rng
    if not len(world.vpns):
        exits = max(3, world.accounts.count // 1_200) * rng.dirichlet(np.full(4, 1.5))
        world.vpns = np.array([world.network.route(world.network.exits(2 + int(n))) for n in exits])
    share = np.array([0.4, 0.3, 0.2, 0.1])
    return rng.choice(world.vpns, count, p=share)


def set_activity(world: World, rows: Ints) -> None:
    """When the accounts are in use: from sign-up or the export's start on, most for some weeks."""
    a = world.accounts
    a.active_from[rows] = np.clip(a.created[rows], START, END - 3_600)
    stay = world.rng.exponential(70 * DAY, len(rows)).astype(np.int64) + 600
    a.active_to[rows] = np.minimum(a.active_from[rows] + stay, END)


def set_events(world: World, rows: Ints, mean: float, sigma: float) -> None:
    """A heavy-tailed number of events for each account (log-normal, one to 3,000)."""
    drawn = world.rng.lognormal(np.log(mean) - sigma**2 / 2, sigma, len(rows))
    world.accounts.events[rows] = np.clip(np.round(drawn), 1, 3_000)


def last_names(rng: np.random.Generator, count: int) -> Ints:
    """Last names: two thirds common ones, the rest of a long tail."""
    common = heavy(rng, count, len(words.LAST_NAMES), 0.6)
    rare = len(words.LAST_NAMES) + rng.integers(0, LAST_NAMES, count)
    return np.where(rng.random(count) < 0.65, common, rare)


def new_phones(rng: np.random.Generator, count: int) -> Ints:
    """Phone numbers with their country code, as numbers."""
    us = 10_000_000_000 + rng.choice(_US_AREAS, count) * 10_000_000
    us += rng.integers(200, 1_000, count) * 10_000 + rng.integers(0, 10_000, count)
    uk = 447_700_000_000 + rng.integers(0, 200_000_000, count)
    germany = 4_915_100_000_000 + rng.integers(0, 100_000_000, count)
    france = 33_600_000_000 + rng.integers(0, 100_000_000, count)
    return np.choose(rng.choice(4, count, p=[0.5, 0.2, 0.15, 0.15]), [us, uk, germany, france])


_US_AREAS = np.array(
    [201, 202, 205, 206, 212, 213, 214, 303, 305, 310, 312, 404, 408, 415, 503, 512]
)
