"""A finished population as files: accounts.csv, events.parquet and truth.csv.

Accounts come out in the order of their random ids, events in the order of their times, so that the
order of rows says nothing. Events are made and written a batch at a time, each with a random
generator of its own: memory doesn't grow with the text, and two threads give the same bytes as one.
The files take their places when all are finished, and only where no file of somebody else lies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from linkage.errors import InputError, shorten
from linkage.simulate import words
from linkage.simulate.network import Addresses
from linkage.simulate.people import LAST_NAMES
from linkage.simulate.text import Ints
from linkage.simulate.world import API_AGENTS, CRON, World

FILES = ("accounts.csv", "events.parquet", "truth.csv")
BATCH = 131_072
THREADS = 2
EVENTS = pa.schema(
    [
        ("account_id", pa.string()),
        ("timestamp", pa.timestamp("ms")),
        ("ip", pa.string()),
        ("user_agent", pa.string()),
        ("device_id", pa.string()),
        ("prompt", pa.string()),
    ]
)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_T = TypeVar("_T")
_R = TypeVar("_R")


def random_ids(rng: np.random.Generator, count: int, prefix: str, digits: int = 14) -> pa.Array:
    """Random names, all different, without any order.

    >>> len(set(random_ids(np.random.default_rng(1), 1000, "x-").to_pylist()))
    1000
    """
    numbers = np.unique(rng.integers(0, 1 << 4 * digits, count))
    while len(numbers) < count:
        numbers = np.unique(np.append(numbers, rng.integers(0, 1 << 4 * digits, count)))
    numbers = rng.permutation(numbers)[:count]
    width = len(prefix) + digits
    text = np.empty((count, width), np.uint8)
    text[:, : len(prefix)] = np.frombuffer(prefix.encode(), np.uint8)
    for place in range(digits):
        text[:, width - 1 - place] = _HEX[(numbers >> 4 * place) & 15]
    offsets = np.arange(count + 1, dtype=np.int64) * width
    large = pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))
    return large.cast(pa.string())


def check(folder: Path) -> None:
    """`InputError` if a folder holds anything, unless it has a population written here before."""
    names = sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []
    if names and not _is_population(folder):
        raise InputError(
            f"{folder} is a folder with other things in it (first: {shorten(names[0])}) and not a "
            "population that was simulated, so nothing was written. "
            f"Name a new folder: linkage simulate {folder / 'population'}"
        )


def _is_population(folder: Path) -> bool:
    accounts, events, truth = (folder / name for name in FILES)
    # no other program writes all three just so
    headers = (
        (accounts, b'"account_id","created_at"'),
        (truth, b'"account_id","operator","kind"\n'),
    )
    try:
        for path, header in headers:
            with path.open("rb") as file:
                if file.read(len(header)) != header:
                    return False
        found = pyarrow.parquet.read_schema(events)
    except (OSError, pa.ArrowException):
        return False
    return bool(found.equals(pa.schema([f for f in EVENTS if f.name in found.names])))


def write(world: World, folder: Path, without: frozenset[str] = frozenset()) -> int:
    """Write the three files; the number of events. `without` names columns that are left out."""
    rng, a = world.rng, world.accounts
    ids = random_ids(rng, a.count, "u")
    devices = random_ids(rng, len(world.device_agents()), "")
    order = np.argsort(ids.to_numpy(zero_copy_only=False))
    with TemporaryDirectory(prefix=".population-", dir=folder) as name:
        scratch = Path(name)
        _write_accounts(world, scratch, ids, devices, order, without)
        _write_truth(world, scratch, ids, order)
        events = _write_events(world, scratch, ids, devices, without)
        for file in FILES:
            (scratch / file).replace(folder / file)
    return events


def _optional(values: pa.Array, numbers: Ints) -> pa.Array:
    """The values at the given numbers, null where the number is -1."""
    return values.take(pa.array(numbers, mask=numbers < 0))


def _write_accounts(
    world: World,
    folder: Path,
    ids: pa.Array,
    devices: pa.Array,
    order: Ints,
    without: frozenset[str],
) -> None:
    a = world.accounts
    card_bins = world.card_bins()
    cards = random_ids(world.rng, len(card_bins), "pm_", 12)
    bins = pa.array(card_bins.astype(str).tolist(), pa.string())
    names = _names(world)
    table = pa.table(
        {
            "account_id": ids,
            "created_at": pa.array(a.created, pa.timestamp("s")),
            "email": pa.array(_emails(world)),
            "phone": pa.array([None if p < 0 else f"+{p}" for p in a.phone.tolist()], pa.string()),
            "payment_fingerprint": _optional(cards, a.card),
            "card_bin": _optional(bins, a.card),
            "device_id": _optional(devices, np.where(a.device_known == 1, a.device, -1)),
            "name": pa.array([f"{first} {last}" for first, last in names]),
            "referred_by": _optional(ids, a.referred_by),
        }
    )
    kept = table.select([name for name in table.column_names if name not in without])
    _write_csv(kept.take(pa.array(order)), folder / "accounts.csv")


def _write_truth(world: World, folder: Path, ids: pa.Array, order: Ints) -> None:
    a = world.accounts
    table = pa.table(
        {
            "account_id": ids,
            "operator": _optional(pa.array(world.operators, pa.string()), a.operator),
            "kind": pa.array(world.kinds).take(pa.array(a.kind)),
        }
    )
    _write_csv(table.take(pa.array(order)), folder / "truth.csv")


def _write_csv(table: pa.Table, path: Path) -> None:
    options = pyarrow.csv.WriteOptions(quoting_style="needed")
    pyarrow.csv.write_csv(table, path, write_options=options)


def _names(world: World) -> list[tuple[str, str]]:
    a = world.accounts
    rng = np.random.default_rng(4)  # names are language: the same in every population
    made = ["".join(rng.choice(words.SYLLABLES, 3)).capitalize() for _ in range(LAST_NAMES)]
    last_names = words.LAST_NAMES + made
    pairs = zip(a.first_name.tolist(), a.last_name.tolist(), strict=True)
    return [(words.FIRST_NAMES[first], last_names[last]) for first, last in pairs]


def _emails(world: World) -> list[str]:
    """An address for every account: no two alike, however a mailbox's dots are read."""
    a, rng = world.accounts, world.rng
    style = rng.integers(0, 8, a.count).tolist()
    number = rng.integers(1, 2_000, a.count).tolist()
    year = rng.integers(1960, 2009, a.count).tolist()
    noun = rng.integers(0, len(words.NOUNS), a.count).tolist()
    taken: set[tuple[str, int]] = set()
    found: list[str] = []
    mailboxes = a.mailbox.tolist()
    domains = a.domain.tolist()
    for row, (first, last) in enumerate(_names(world)):
        first, last = first.lower(), last.lower().replace("ü", "ue")
        local = (
            f"{first}.{last}",
            f"{first}{last}{number[row]}",
            f"{first[0]}{last}",
            f"{first}.{last}{year[row]}",
            f"{words.NOUNS[noun[row]]}{first}{number[row]}",
            f"{last}.{first}{number[row] % 100}",
            f"{first}_{last}",
            f"{first[0]}.{last}{year[row] % 100}",
        )[style[row]]
        domain = domains[row]
        if mailboxes[row] >= 0 and mailboxes[row] != row:
            mailbox = found[mailboxes[row]].split("@")[0]
            found.append(f"{mailbox}+{local}@{world.domains[domain]}")
            continue
        key = (local.replace(".", ""), domain)
        while key in taken:
            local += str(number[row] % 90 + 10)
            number[row] = number[row] * 7 + 3
            key = (local.replace(".", ""), domain)
        taken.add(key)
        found.append(f"{local}@{world.domains[domain]}")
    return found


def _write_events(
    world: World, folder: Path, ids: pa.Array, devices: pa.Array, without: frozenset[str]
) -> int:
    rng, a = world.rng, world.accounts
    account = np.concatenate(world.sessions.account)
    start = np.concatenate(world.sessions.start)
    counts = np.concatenate(world.sessions.events)
    addresses = world.network.finish()
    ip, device = _session_places(rng, world, addresses, account, start)
    session = np.repeat(np.arange(len(account), dtype=np.int32), counts)
    seconds = start[session] * 1_000
    # within a session prompts follow each other after some minutes
    seconds += (rng.exponential(240_000, len(session)) * rng.integers(0, 4, len(session))).astype(
        np.int64
    )
    order = np.argsort(seconds, kind="stable")
    session, seconds = session[order], seconds[order]
    del order
    members, begins = world.template_sets()
    agents = pa.array([*world.agents, *API_AGENTS], pa.string())
    device_agents = world.device_agents()
    prompter = world.book.finish()
    seeds = np.random.SeedSequence(int(rng.integers(2**62))).spawn(len(session) // BATCH + 1)

    schema = pa.schema([column for column in EVENTS if column.name not in without])

    def batch(number: int) -> pa.Table:
        part = slice(number * BATCH, (number + 1) * BATCH)
        draw = np.random.default_rng(seeds[number])
        rows = session[part]
        who = account[rows]
        sets = a.templates[who]
        uses = (sets >= 0) & (draw.random(len(who), np.float32) < a.template_share[who])
        begin = begins[sets]
        member = begin + (draw.random(len(who)) ** 1.5 * (begins[sets + 1] - begin)).astype(
            np.int64
        )
        templates = np.full(len(who), -1, np.int64)
        templates[uses] = members[member[uses]]
        used = device[rows]
        api = len(world.agents) + who % len(API_AGENTS)
        agent = np.where(used >= 0, device_agents[used], api)
        columns: dict[str, Callable[[], pa.Array]] = {
            "account_id": lambda: ids.take(pa.array(who)),
            "timestamp": lambda: pa.array(seconds[part], pa.timestamp("ms")),
            "ip": lambda: ip.take(pa.array(rows)),
            "user_agent": lambda: agents.take(pa.array(agent)),
            "device_id": lambda: _optional(devices, used),
            "prompt": lambda: prompter.render(draw, templates),
        }
        return pa.table([columns[name]() for name in schema.names], schema=schema)

    path = folder / "events.parquet"
    dictionaries = [name for name in ("ip", "user_agent") if name in schema.names]
    with pyarrow.parquet.ParquetWriter(
        path, schema, compression="zstd", compression_level=1, use_dictionary=dictionaries
    ) as writer:
        for table in _in_order(batch, range(len(seeds))):
            writer.write_table(table)
    return len(session)


def _session_places(
    rng: np.random.Generator, world: World, addresses: Addresses, account: Ints, start: Ints
) -> tuple[pa.Array, Ints]:
    """The address and the device of each session (-1: none, a program)."""
    a = world.accounts
    shares = a.route_share[account]
    level = np.cumsum(shares, axis=1)
    place = (rng.random(len(account), np.float32)[:, None] * level[:, -1:] >= level).sum(axis=1)
    place = np.minimum(place, shares.shape[1] - 1)
    route = a.route[account, place]
    second = (a.second_device[account] >= 0) & (rng.random(len(account)) < 0.35)
    device = np.where(second, a.second_device[account], a.device[account])
    program = (a.pace[account] == CRON) | (rng.random(len(account)) < 0.02)
    line = addresses.pick(rng, route)
    return addresses.text(line, start, device), np.where(program, -1, device)


def _in_order(function: Callable[[_T], _R], items: range) -> Iterator[_R]:
    """Results of a function over some items, in order, a few threads ahead."""
    with ThreadPoolExecutor(THREADS) as threads:
        waiting = [threads.submit(function, item) for item in items[: THREADS + 1]]  # type: ignore[arg-type]
        for item in range(len(items)):
            result = waiting[item].result()
            ahead = item + THREADS + 1
            if ahead < len(items):
                waiting.append(threads.submit(function, items[ahead]))  # type: ignore[arg-type]
            waiting[item] = None  # type: ignore[call-overload]
            yield result
