"""How an operator spreads its jobs over its accounts and the clock.

Each schedule turns the accounts' numbers of events into sessions. Together the accounts work off
one stream of jobs; the schedules differ in which account takes the next: in turn (round-robin), the
same one for a while (sticky), whoever isn't resting, or everybody like people, one by one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from linkage.simulate.clock import human_sessions, moments
from linkage.simulate.network import DAY
from linkage.simulate.text import Ints
from linkage.simulate.world import END, RELEASE, START, World


def human(world: World, rows: Ints) -> None:
    """Every account on its own, as people are active."""
    human_sessions(world, rows)


def round_robin(world: World, rows: Ints) -> None:
    """Job after job to account after account, in one order."""
    jobs = _jobs(world, rows)
    order = world.rng.permutation(rows)
    _hand_out(world, order[np.arange(len(jobs)) % len(rows)], jobs, 1)


def sticky(world: World, rows: Ints) -> None:
    """Runs of some twenty jobs to one account, then to the next."""
    jobs = _jobs(world, rows)
    runs = np.cumsum(world.rng.random(len(jobs)) < 1 / 20)
    order = world.rng.permutation(rows)
    _hand_out(world, order[runs % len(rows)], jobs, 1)


def rests(world: World, rows: Ints) -> None:
    """Any account that has its working day: three days on, some days off."""
    jobs = _jobs(world, rows)
    _hand_out(world, _awake(world.rng, rows, jobs), jobs, 1)


def hybrid(world: World, rows: Ints) -> None:
    """Runs of some twenty jobs to one account that has its working day, then to another."""
    jobs = _jobs(world, rows)
    rng = world.rng
    starts = np.concatenate([[True], rng.random(max(0, len(jobs) - 1)) < 1 / 20])[: len(jobs)]
    chosen = _awake(rng, rows, jobs[starts])
    _hand_out(world, chosen[np.cumsum(starts) - 1], jobs, 1)


def release(world: World, rows: Ints) -> None:
    """Quiet until the release, and then everything at once to the new model."""
    a, rng = world.accounts, world.rng
    late = np.flatnonzero(a.active_to[rows] > RELEASE)
    share = 0.75
    events = a.events[rows]
    moved = np.zeros(len(rows), np.int64)
    moved[late] = np.round(events[late] * share)
    a.events[rows] = np.maximum(events - moved, 1)
    human_sessions(world, rows)
    account = np.repeat(rows, moved)
    since = rng.exponential(14 * 3_600, len(account)).astype(np.int64)
    start = np.maximum(RELEASE + since, a.created[account] + 60)
    _hand_out(world, account, np.minimum(start, END - 1), 1)
    a.events[rows] += moved


SCHEDULES: dict[str, Callable[[World, Ints], None]] = {
    "human": human,
    "round-robin": round_robin,
    "sticky": sticky,
    "rests": rests,
    "hybrid": hybrid,
    "release": release,
}


def _awake(rng: np.random.Generator, rows: Ints, moments: Ints) -> Ints:
    """For each moment an account that has its working day: three days on, six off."""
    phase = rng.integers(0, 9, len(rows))
    tries = rng.integers(0, len(rows), (len(moments), 8))
    awake = ((moments // DAY)[:, None] + phase[tries]) % 9 < 3
    return np.asarray(rows[tries[np.arange(len(moments)), np.argmax(awake, axis=1)]])


def _jobs(world: World, rows: Ints) -> Ints:
    """The moments of all the accounts' events together, in order."""
    a, rng = world.accounts, world.rng
    count = int(a.events[rows].sum())
    start = np.full(count, max(START, int(np.quantile(a.active_from[rows], 0.3))))
    stop = np.full(count, int(a.active_to[rows].max()))
    # machines don't sleep: the zone is drawn anew for each job
    zone = rng.integers(-11, 12, count)
    return np.sort(moments(rng, start, stop, zone))


def _hand_out(world: World, account: Ints, moment: Ints, events: int) -> None:
    """Sessions of the given number of events; jobs outside an account's life are dropped."""
    a = world.accounts
    alive = (moment >= a.active_from[account]) & (moment < a.active_to[account])
    account, moment = account[alive], moment[alive]
    world.sessions.add(account, moment, np.full(len(account), events))
