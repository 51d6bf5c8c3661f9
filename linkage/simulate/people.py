"""What people do, honest or not: names, phones, ways into the network, activity, templates.

Helpers of the groups (`honest`, `organisations`) and of `operators`: each fills or draws columns
of some rows of the accounts.
"""

from __future__ import annotations

import numpy as np

from linkage.simulate import words
from linkage.simulate.network import DAY
from linkage.simulate.text import Ints, ends
from linkage.simulate.world import END, START, World, heavy

LAST_NAMES = 9_000


def join(world: World, rows: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """The group of each row and the row of its group's first member."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    return group, rows[ends(sizes)[:-1]][group]


def group_templates(
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


def popular_sets(world: World, count: int) -> Ints:
    """Sets of one to three templates that blogs spread; readers by a heavy tail."""
    rng = world.rng
    sizes = rng.choice([1, 1, 1, 2, 3], 40 + count // 400)
    return np.array([world.template_set(world.book.make(rng, int(n))) for n in sizes])


def business_templates(world: World) -> Ints:
    """The templates that offices pass round, the same for whoever asks."""
    if not len(world.business):
        world.business = world.book.make(world.rng, 2)
    return world.business


def mobile_routes(world: World, count: int, phones_per_site: int) -> Ints:
    """Routes over carriers' sites: each site has a few addresses for thousands of phones."""
    rng = world.rng
    sites = max(2, count // phones_per_site)
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
