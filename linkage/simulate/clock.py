"""When things happen: the service's busy and quiet hours, and the sessions of honest people.

One curve for everybody, an hour a point: growth, weekdays, the time of day and the days after a
release. A moment is drawn by turning a uniform number through the curve's running sum.
"""

from __future__ import annotations

import numpy as np

from linkage.simulate.network import DAY
from linkage.simulate.text import Ints, ends
from linkage.simulate.world import CRON, DAYS, RELEASE, START, World

EVENTS_PER_SESSION = 3.0
# share of a day's activity by local hour, from midnight on
HOURS = np.array(
    [2, 1, 1, 1, 1, 1, 2, 3, 5, 7, 8, 8, 7, 7, 8, 8, 7, 6, 6, 6, 6, 6, 5, 3], np.float64
)


def _curve(surge: float) -> tuple[Ints, Ints]:
    hours = np.arange(DAYS * 24)
    day = hours // 24
    level = HOURS[hours % 24] * (1 + 0.3 * day / DAYS)
    level *= np.where(day % 7 >= 5, 0.6, 1.0)
    since = hours * 3_600 + START - RELEASE
    level *= np.where((since >= 0) & (since < 10 * DAY), 1 + surge * np.exp(-since / (2 * DAY)), 1)
    times = START + np.arange(DAYS * 24 + 1) * 3_600
    return times.astype(np.float64), np.concatenate([[0], np.cumsum(level)])


TIMES, LEVELS = _curve(2.0)
FLAT_TIMES, FLAT_LEVELS = _curve(0.0)


def moments(rng: np.random.Generator, start: Ints, stop: Ints, zone: Ints) -> Ints:
    """A moment between each start and stop, busy hours (of the time zone) more often."""
    shift = zone.astype(np.int64) * 3_600
    low = np.interp(start + shift, TIMES, LEVELS)
    high = np.interp(stop + shift, TIMES, LEVELS)
    drawn = np.interp(low + rng.random(len(start)) * (high - low), LEVELS, TIMES)
    return np.asarray(np.clip(drawn.astype(np.int64) - shift, start, np.maximum(stop - 1, start)))


def human_sessions(world: World, rows: Ints, per_session: float = EVENTS_PER_SESSION) -> None:
    """Sessions of the given accounts as people have them; cron jobs start on the hour."""
    rng, a = world.rng, world.accounts
    events = a.events[rows]
    count = np.where(events > 0, np.ceil(events / per_session), 0).astype(np.int64)
    offsets = ends(count)
    account = np.repeat(rows, count)
    start = moments(rng, a.active_from[account], a.active_to[account], a.zone[account])
    cron = a.pace[account] == CRON
    on_the_hour = start // 3_600 * 3_600 + rng.integers(0, 40, len(start))
    start = np.where(cron, np.maximum(on_the_hour, a.active_from[account]), start)
    position = np.repeat(np.arange(len(rows)), events)
    session = offsets[position] + (rng.random(len(position)) * count[position]).astype(np.int64)
    filled = np.bincount(session, minlength=len(account))
    some = filled > 0
    world.sessions.add(account[some], start[some], filled[some])
