"""Honest people: whom they live, work and learn with, and what that makes them share.

`populate` fills the first rows of the accounts with groups by their base rates (`HonestShares`;
`docs/simulate.md` gives the sources). Each group is one function over a slice of rows. What holds
for everybody (home lines, phones, VPNs now and then, popular templates) comes afterwards.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from linkage.simulate import words
from linkage.simulate.habits import HonestHabits, HonestShares
from linkage.simulate.network import DAY
from linkage.simulate.organisations import (
    agencies,
    campuses,
    classes,
    customers,
    developers,
    offices,
)
from linkage.simulate.people import (
    group_templates,
    join,
    last_names,
    mobile_routes,
    new_phones,
    popular_sets,
    set_activity,
    set_events,
    vpn_routes,
)
from linkage.simulate.text import Ints
from linkage.simulate.world import END, World, group_sizes, heavy


def populate(world: World, count: int, shares: HonestShares, habits: HonestHabits) -> None:
    """Fill rows 0 to `count` with honest people."""
    _everybody(world, count, habits)
    row = 0
    groups = {
        "household": _households,
        "second_account": _second_accounts,
        "shared_account": _shared_accounts,
        "office": offices,
        "agency": agencies,
        "campus": campuses,
        "school_class": classes,
        "carrier": _carrier_people,
        "vpn": _vpn_people,
        "developer": developers,
        "friends": _friends,
        "customer": customers,
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
    world.people = count
    # the first routes are those of the homes, in order
    used = np.unique(world.accounts.route[:count])
    world.lived_in = world.homes[used[(used >= 0) & (used < count)]]


def _everybody(world: World, count: int, habits: HonestHabits) -> None:
    """What every honest account has before its group changes it."""
    rng, a = world.rng, world.accounts
    people = slice(0, count)
    age = rng.exponential(habits.age_days * DAY, count) % (habits.oldest_days * DAY)
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


def _households(world: World, rows: Ints, habits: HonestHabits) -> None:
    rng, a = world.rng, world.accounts
    sizes = group_sizes(rng, len(rows), 2, 6, 2.6)
    group, head = join(world, rows, sizes)
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


def _friends(world: World, rows: Ints, habits: HonestHabits) -> None:
    """Three to eight friends in homes of their own; one pays, asks the others in and is visited."""
    rng, a = world.rng, world.accounts
    sizes = group_sizes(rng, len(rows), 3, 8, 2.0)
    group, head = join(world, rows, sizes)
    count = len(sizes)
    one_card = (rng.random(count) < 0.7)[group] & (rng.random(len(rows)) < 0.9)
    a.card[rows] = np.where(one_card, world.new_cards(count)[group], a.card[rows])
    a.zone[rows] = a.zone[head]
    visits = (rng.random(len(rows)) < 0.5) & (rows != head)
    a.route[rows, 1] = np.where(visits, a.route[head, 0], a.route[rows, 1])
    a.route_share[rows, 1] = np.where(visits, 0.2, a.route_share[rows, 1])
    together = (rng.random(count) < 0.6)[group] & (rows != head)
    soon = a.created[head] + rng.integers(3_600, 30 * DAY, len(rows))
    a.created[rows] = np.where(together, np.minimum(soon, END - 7_200), a.created[rows])
    asked = together & (rng.random(len(rows)) < 0.6)
    a.referred_by[rows[asked]] = head[asked]
    set_activity(world, rows)
    group_templates(world, rows, group, count, 0.6, 0.8, (1, 3), 0.35)


def _carrier_people(world: World, rows: Ints, habits: HonestHabits) -> None:
    """Only ever on a phone."""
    a = world.accounts
    a.route[rows, 0] = mobile_routes(world, len(rows), habits.phones_per_site)
    a.second_device[rows] = -1


def _vpn_people(world: World, rows: Ints, habits: HonestHabits) -> None:
    """Always behind a VPN, or nearly."""
    rng, a = world.rng, world.accounts
    slip = rng.random(len(rows)) < 0.5
    a.route[rows, 1] = np.where(slip, a.route[rows, 0], -1)
    a.route_share[rows, 1] = np.where(slip, 0.2, 0)
    a.route[rows, 0] = vpn_routes(world, len(rows))


def _habits(world: World, count: int, habits: HonestHabits) -> None:
    """Phones, VPNs now and then, popular templates, templates of one's own, referrals."""
    rng, a = world.rng, world.accounts
    for shared, chance in ((a.card, habits.lent_card), (a.second_device, habits.lent_device)):
        having = np.flatnonzero(shared[:count] >= 0)
        borrowers = np.flatnonzero(rng.random(count) < chance)
        shared[borrowers] = shared[rng.choice(having, len(borrowers))]
    free = np.flatnonzero(a.route[:count, 1] < 0)
    mobile = free[rng.random(len(free)) < habits.mobile]
    a.route[mobile, 1] = mobile_routes(world, len(mobile), habits.phones_per_site)
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
