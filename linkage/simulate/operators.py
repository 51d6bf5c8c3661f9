"""Operators: one hand behind many accounts, with what that hand has to buy, share and hide.

`Operator` says what one looks like: each of its knobs is a way to evade. `plant` gives an operator
a slice of rows: cards, devices, addresses, mail, templates and sign-ups, a generation at a time (an
operator whose accounts are banned comes back with part of what it had).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linkage.simulate import words
from linkage.simulate.network import DAY
from linkage.simulate.people import business_templates, last_names, new_phones, set_events
from linkage.simulate.schedule import SCHEDULES
from linkage.simulate.text import Ints
from linkage.simulate.world import DAYS, END, START, World, heavy


@dataclass(frozen=True)
class Operator:
    """One operator. Sizes are accounts; shares lie in 0 to 1."""

    kind: str
    size: int
    scale: float = 1.0
    """How its size follows the population's: 1 in step, 0 not at all."""
    paying: float = 0.9
    per_card: tuple[int, int] = (5, 20)
    """Accounts on a card, from and to; (1, 1): a card each."""
    own_bins: int = 0
    """BINs its cards come from (virtual cards of one issuer); 0: as everybody's."""
    per_device: tuple[int, int] = (1, 1)
    agents: int = 0
    """User agents that its devices show; 0: as everybody's."""
    common_devices: float = 0.0
    """Share of accounts that show a fingerprint that thousands have."""
    network: str = "proxy"
    """`proxy` (homes' addresses), `hosting` (a data centre's), `gateway` (a pool of its own) or
    `vpn` (the exits that honest people use too)."""
    provider: str = ""
    """Proxy provider; operators that name the same one share its exits."""
    exits: int = 2_000
    """Addresses it can use."""
    exits_per_account: int = 8
    exit_homes: float = 0.5
    """Share of proxy exits in homes that have an account with the service too."""
    people_per_exit: float = 0.0
    """Honest accounts that use each exit now and then, besides those who live there."""
    templates: int = 20
    templates_per_account: int = 12
    wordings: int = 1
    """Wordings of each template."""
    rewording: float = 0.35
    """Share of words that differ between two wordings."""
    camouflage: float = 0.3
    """Share of events that look like anybody's."""
    mail: str = "free"
    """`free`, `domains` (a few catch-all domains), `plus` (one mailbox, many names) or `mixed`."""
    signup: str = "waves"
    """`waves`, `spread` or `aged`."""
    waves: int = 4
    schedule: str = "human"
    """`human`, `round-robin`, `sticky`, `rests`, `hybrid` or `release`."""
    mean_events: float = 25.0
    generations: int = 1
    inherited: float = 0.3
    """Share of a generation's infrastructure that comes from the one before."""
    referrals: float = 0.0
    """Share of accounts referred by another of the same operator."""
    phones: float = 0.1
    per_phone: int = 1
    business: bool = False
    """Cards of the issuer, and among others the templates, that offices have."""


def plant(world: World, operator: Operator, rows: Ints, name: str) -> None:
    """Make the given rows the operator's accounts, with all their sessions."""
    rng, a = world.rng, world.accounts
    world.operators.append(name)
    a.operator[rows] = len(world.operators) - 1
    a.kind[rows] = world.kind(operator.kind)
    generation = np.sort(rng.integers(0, operator.generations, len(rows)))
    _sign_up(world, operator, rows, generation)
    _names(world, operator, rows)
    _cards_and_devices(world, operator, rows, generation)
    _routes(world, operator, rows, generation)
    _templates(world, operator, rows)
    set_events(world, rows, operator.mean_events, 0.7)
    SCHEDULES[operator.schedule](world, rows)


def _sign_up(world: World, operator: Operator, rows: Ints, generation: Ints) -> None:
    rng, a = world.rng, world.accounts
    count = len(rows)
    if operator.signup == "waves":
        span = DAYS * DAY // operator.generations
        begin = START - 20 * DAY + generation * span
        waves = rng.integers(0, span - 5 * DAY, (operator.generations, operator.waves))
        wave = waves[generation, heavy(rng, count, operator.waves, 0.5)]
        width = rng.exponential(1.2 * DAY, count).astype(np.int64)
        created = begin + wave + width
    elif operator.signup == "aged":
        # made long before, a few a day, and left alone until they are needed
        created = START - rng.integers(150, 520, count) * DAY + rng.integers(0, DAY, count)
    else:
        age = rng.exponential(200 * DAY, count) % (900 * DAY)
        created = END - 2 * DAY - age.astype(np.int64)
    a.created[rows] = np.minimum(created, END - DAY)
    a.active_from[rows] = np.maximum(a.created[rows], START)
    a.active_to[rows] = END
    if operator.signup == "aged":
        a.active_from[rows] = START + int(rng.integers(20, 45)) * DAY
    if operator.generations > 1:
        # a generation lives until it is banned
        until = START + (generation + 1) * (DAYS * DAY // operator.generations)
        a.active_to[rows] = np.maximum(until, a.active_from[rows] + 2 * DAY)
        a.active_to[rows] = np.minimum(a.active_to[rows], END)


def _names(world: World, operator: Operator, rows: Ints) -> None:
    rng, a = world.rng, world.accounts
    count = len(rows)
    a.first_name[rows] = heavy(rng, count, len(words.FIRST_NAMES), 0.5)
    a.last_name[rows] = last_names(rng, count)
    a.zone[rows] = rng.choice([-8, -5, 0, 1, 8], count)
    a.domain[rows] = world.free_domains(count)
    if operator.mail in ("domains", "mixed"):
        domains = world.new_domains(1 + count // 150)
        caught = rng.random(count) < (1.0 if operator.mail == "domains" else 0.4)
        a.domain[rows] = np.where(caught, rng.choice(domains, count), a.domain[rows])
    if operator.mail == "plus":
        a.domain[rows] = 0
        a.mailbox[rows] = rows[0]
    known = np.flatnonzero(rng.random(count) < operator.phones)
    numbers = new_phones(rng, len(known) // operator.per_phone + 1)
    a.phone[rows[known]] = numbers[np.arange(len(known)) // operator.per_phone]
    referred = rows[1:][rng.random(count - 1) < operator.referrals]
    by = rng.integers(rows[0], rows[-1], len(referred))
    a.referred_by[referred] = np.where(by == referred, rows[-1], by)
    a.referred_by[referred[by == referred]] = rows[0]


def _pooled(
    rng: np.random.Generator, span: tuple[int, int], generation: Ints, inherited: float
) -> tuple[Ints, int]:
    """Which of some shared things (cards, devices) each account gets, and how many there are.

    A thing serves `span` accounts. Each generation has new things, but for an inherited share
    that the generation before had.
    """
    which = np.empty(len(generation), np.int64)
    first, before = 0, np.empty(0, np.int64)
    for g in np.unique(generation):
        members = np.flatnonzero(generation == g)
        sizes = rng.integers(span[0], span[1] + 1, len(members) // span[0] + 1)
        needed = int(np.searchsorted(np.cumsum(sizes), len(members))) + 1
        things = first + np.arange(needed)
        first += needed
        if len(before):
            old = rng.random(needed) < inherited
            things = np.where(old, rng.choice(before, needed), things)
        dealt = np.repeat(things, sizes[:needed])[: len(members)]
        which[members] = rng.permutation(dealt)
        before = things
    return which, first


def _cards_and_devices(world: World, operator: Operator, rows: Ints, generation: Ints) -> None:
    rng, a = world.rng, world.accounts
    paying = np.flatnonzero(rng.random(len(rows)) < operator.paying)
    if len(paying):
        which, count = _pooled(rng, operator.per_card, generation[paying], operator.inherited)
        bins = None
        if operator.own_bins:
            bins = rng.choice(rng.choice(world.bins, operator.own_bins), count)
        if operator.business:
            bins = np.full(count, world.business_bin)
        a.card[rows[paying]] = world.new_cards(count, bins)[which]
    which, count = _pooled(rng, operator.per_device, generation, operator.inherited)
    agents = None
    if operator.agents:
        agents = rng.choice(heavy(rng, operator.agents, len(world.agents)), count)
    a.device[rows] = world.new_devices(count, agents)[which]
    common = rng.random(len(rows)) < operator.common_devices
    popular = world.common_devices[heavy(rng, len(rows), len(world.common_devices))]
    a.device[rows] = np.where(common, popular, a.device[rows])
    a.device_known[rows] = rng.random(len(rows)) < 0.72


def _routes(world: World, operator: Operator, rows: Ints, generation: Ints) -> None:
    """Each account has some exits of the operator's; a generation has its own part of them."""
    rng, a = world.rng, world.accounts
    if operator.network == "vpn":
        a.route[rows, 0] = rng.choice(world.vpns)
        a.route_share[rows, 0] = 1.0
        return
    pool = rng.permutation(_exits(world, operator))
    each = min(operator.exits_per_account, len(pool))
    part = len(pool) // operator.generations
    start = generation * int(part * (1 - operator.inherited)) if operator.generations > 1 else 0
    drawn = rng.random((len(rows), each)) * (part if operator.generations > 1 else len(pool))
    lines = pool[(np.reshape(start, (-1, 1)) + drawn.astype(np.int64)) % len(pool)]
    a.route[rows, 0] = world.network.routes(lines.ravel(), np.full(len(rows), each))
    a.route_share[rows, 0] = 1.0


def _exits(world: World, operator: Operator) -> Ints:
    rng, network = world.rng, world.network
    if operator.provider and operator.provider in world.providers:
        return world.providers[operator.provider]
    if operator.network == "hosting":
        exits = network.exits(operator.exits)
    elif operator.network == "gateway":
        parts = [network.exits(operator.exits // 3 + 1) for _ in range(3)]
        exits = np.concatenate(parts)[: operator.exits]
    else:
        lived_in = rng.random(operator.exits) < operator.exit_homes
        customers = rng.choice(world.lived_in, operator.exits)
        others = rng.choice(world.homes, operator.exits)
        exits = np.unique(np.where(lived_in, customers, others))
    if operator.people_per_exit:
        _strangers(world, np.repeat(exits, _whole(rng, operator.people_per_exit, len(exits))))
    if operator.provider:
        world.providers[operator.provider] = exits
    return exits


def _whole(rng: np.random.Generator, mean: float, count: int) -> Ints:
    """Whole numbers with the given mean, the two beside it."""
    return np.floor(mean + rng.random(count)).astype(np.int64)


def _strangers(world: World, exits: Ints) -> None:
    """Honest people who now and then come over one of the exits (each at most over one)."""
    rng, a = world.rng, world.accounts
    free = rng.permutation(np.flatnonzero(a.route[: world.people, 2] < 0))
    chosen = free[: len(exits)]
    a.route[chosen, 2] = world.network.routes(rng.permutation(exits)[: len(chosen)])
    a.route_share[chosen, 2] = 0.5


def _templates(world: World, operator: Operator, rows: Ints) -> None:
    rng, a = world.rng, world.accounts
    if not operator.templates:
        # customers' traffic: some of them read the same blogs as everybody
        u = rng.random(len(rows))
        readers = rows[u < 0.4]
        a.templates[readers] = rng.choice(world.popular, len(readers))
        a.template_share[readers] = 0.2
        return
    templates = world.book.make(rng, operator.templates)
    table = world.book.reword(rng, templates, operator.wordings, operator.rewording)
    each = min(operator.templates_per_account, operator.templates)
    # accounts share a limited number of sets, so that sets stay few
    sets = []
    for _ in range(min(len(rows), 300)):
        chosen = rng.permutation(operator.templates)[:each]
        wording = rng.integers(0, operator.wordings, (each, min(operator.wordings, 3)))
        used = table[chosen[:, None], wording].ravel()
        if operator.business:
            used = np.append(used, business_templates(world))
        sets.append(world.template_set(used))
    a.templates[rows] = rng.choice(sets, len(rows))
    spread = 12.0
    use = np.clip(1 - operator.camouflage, 0.02, 0.98)
    a.template_share[rows] = rng.beta(spread * use, spread * (1 - use), len(rows))
