"""Honest people who belong to something: offices, agencies, campuses, classes, frameworks.

They share openly what operators share covertly, and so they are whom a method accuses first. Each
group is one function over a slice of rows.
"""

from __future__ import annotations

import numpy as np

from linkage.simulate.habits import HonestHabits
from linkage.simulate.network import DAY
from linkage.simulate.people import business_templates, group_templates, join, set_activity
from linkage.simulate.text import Ints
from linkage.simulate.world import CRON, DAYS, END, START, World, group_sizes, heavy


def offices(world: World, rows: Ints, habits: HonestHabits) -> None:
    """One static address (or two), a mail domain, often one card and a template of their own."""
    rng, a = world.rng, world.accounts
    sizes = group_sizes(rng, len(rows), 4, 250, 2.0)
    group, head = join(world, rows, sizes)
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
    group_templates(world, rows, group, count, habits.office_template, 0.65, (1, 4), 0.35)
    if habits.business_issuer:
        chosen = rows[(rng.random(count) < habits.business_issuer)[group] & (a.card[rows] >= 0)]
        cards, which = np.unique(a.card[chosen], return_inverse=True)
        bins = np.full(len(cards), world.business_bin)
        a.card[chosen] = world.new_cards(len(cards), bins)[which]
    if habits.business_template:
        chosen = rows[(rng.random(count) < habits.business_template)[group]]
        chosen = chosen[rng.random(len(chosen)) < 0.65]
        a.templates[chosen] = world.template_set(business_templates(world))
        a.template_share[chosen] = rng.beta(2, 3, len(chosen))


def agencies(world: World, rows: Ints, habits: HonestHabits) -> None:
    """One card pays for 10 to 100 clients, who are at home elsewhere and don't know each other."""
    rng, a = world.rng, world.accounts
    sizes = group_sizes(rng, len(rows), 10, 100, 1.6)
    group, _ = join(world, rows, sizes)
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
    group_templates(world, rows, group, count, habits.agency_template, 0.6, (2, 6), 0.4)


def campuses(world: World, rows: Ints, habits: HonestHabits) -> None:
    """Universities of 150 to 3,000 members."""
    rng = world.rng
    sizes = group_sizes(rng, len(rows), 150, 3_000, 1.8)
    group, _ = join(world, rows, sizes)
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


def classes(world: World, rows: Ints, habits: HonestHabits) -> None:
    """A course: sign-ups in two weeks, one template from the exercise sheet, the same weeks."""
    rng, a = world.rng, world.accounts
    sizes = group_sizes(rng, len(rows), 15, 60, 1.5)
    group, head = join(world, rows, sizes)
    count = len(sizes)
    schools = max(1, count // 4)
    _on_campus(world, rows, (group % schools), schools)
    begin = START + rng.integers(0, DAYS - 28, count) * DAY
    a.created[rows] = begin[group] + rng.integers(-3 * DAY, 11 * DAY, len(rows))
    a.active_from[rows] = np.maximum(a.created[rows], begin[group])
    a.active_to[rows] = begin[group] + rng.integers(21, 29, count)[group] * DAY
    a.zone[rows] = a.zone[head]
    group_templates(world, rows, group, count, 1.0, 0.92, (1, 3), 0.6)


def developers(world: World, rows: Ints, habits: HonestHabits) -> None:
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


def customers(world: World, rows: Ints, habits: HonestHabits) -> None:
    """A partner sells the service on, openly, to 20 to 400 customers.

    It sets each account up from its gateways and pays with a card for every 5 to 15 of them; the
    customers are at home and at work elsewhere, with mailboxes and prompts of their own.
    """
    rng, a = world.rng, world.accounts
    sizes = group_sizes(rng, len(rows), 20, 400, 1.6)
    group, _ = join(world, rows, sizes)
    count = len(sizes)
    per_card = rng.integers(5, 16, count)
    place = np.arange(len(rows)) - (np.cumsum(sizes) - sizes)[group]
    cards, which = np.unique(group * len(rows) + place // per_card[group], return_inverse=True)
    a.card[rows] = world.new_cards(len(cards))[which]
    own = rng.random(len(rows)) < 0.5
    a.domain[rows] = np.where(own, world.new_domains(len(rows)), a.domain[rows])
    lengths = rng.integers(2, 9, count)
    pools = world.hosting_pools[rng.integers(0, len(world.hosting_pools), count)]
    gateways = world.network.routes(world.network.lines(np.repeat(pools, lengths)), lengths)
    a.route[rows, 1] = gateways[group]
    a.route_share[rows, 1] = 0.15
