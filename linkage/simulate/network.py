"""Addresses: lines, the pools they draw from, and who has which address when.

A line is a subscription, an exit or a server: something that has one address at a time. Lines
belong to a pool (a provider's block of addresses). In a static pool a line keeps its address; in a
dynamic one every lease shuffles the pool, so that addresses pass on from one home to another.
Whatever can be reached over several lines (a carrier's gateways, a VPN provider's exits, an
operator's proxies) is a route: a list of lines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from linkage.simulate.text import Ints, ends

DAY = 86_400
# first octets without private, shared, loopback, link-local, test and multicast ranges
_SKIPPED = {0, 10, 100, 127, 169, 172, 192, 198, 203}
_BLOCKS_PER_OCTET = 256


class Network:
    """All pools, lines and routes of a population, numbered from 0 each."""

    def __init__(self, rng: np.random.Generator) -> None:
        octets = [octet for octet in range(1, 224) if octet not in _SKIPPED]
        blocks = [octet * _BLOCKS_PER_OCTET + second for octet in octets for second in range(256)]
        self._blocks = rng.permutation(np.array(blocks, np.int64))
        self._next_block = 0
        self._base: list[int] = []
        self._bits: list[int] = []
        self._lease: list[int] = []
        self._ipv6: list[float] = []
        self._used: list[int] = []
        self._pool: list[Ints] = []
        self._slot: list[Ints] = []
        self._lines = 0
        self._route_lines: list[Ints] = []
        self._route_lengths: list[Ints] = []
        self._routes = 0
        self._salt = int(rng.integers(1, 2**31))

    def pool(self, bits: int, lease: int = 0, ipv6: float = 0.0) -> int:
        """A new pool of 2**bits addresses (at most a /16); lease in seconds, 0: static.

        The given share of its lines has a network of IPv6 as well, and mostly uses that.
        """
        self._base.append(int(self._blocks[self._next_block]) << 16)
        self._next_block += 1
        self._bits.append(bits)
        self._lease.append(lease)
        self._ipv6.append(ipv6)
        self._used.append(0)
        return len(self._base) - 1

    def exits(self, count: int) -> Ints:
        """So many static lines, scattered over half of a pool just large enough for them."""
        bits = max(8, int(count).bit_length() + 1)
        return self.lines(np.full(count, self.pool(bits)))

    def lines(self, pools: Ints) -> Ints:
        """A new line in each of the given pools; their numbers."""
        pools = np.asarray(pools, np.int64)
        order = np.argsort(pools, kind="stable")
        slots = np.empty(len(pools), np.int64)
        kinds, starts, counts = np.unique(pools[order], return_index=True, return_counts=True)
        for pool, start, count in zip(kinds, starts, counts, strict=True):
            used = self._used[pool]
            if used + count > 1 << self._bits[pool]:
                raise ValueError(f"pool {pool} of 2**{self._bits[pool]} addresses is full")
            slots[order[start : start + count]] = np.arange(used, used + count)
            self._used[pool] = used + int(count)
        self._pool.append(pools)
        self._slot.append(slots)
        self._lines += len(pools)
        return np.arange(self._lines - len(pools), self._lines)

    def route(self, lines: Ints) -> int:
        """A route over all the given lines; its number."""
        return int(self.routes(lines, np.array([len(lines)]))[0])

    def routes(self, lines: Ints, lengths: Ints | None = None) -> Ints:
        """Routes over consecutive runs of the given lines (without lengths: one line each)."""
        lengths = np.ones(len(lines), np.int64) if lengths is None else lengths
        self._route_lines.append(np.asarray(lines, np.int64))
        self._route_lengths.append(np.asarray(lengths, np.int64))
        self._routes += len(lengths)
        return np.arange(self._routes - len(lengths), self._routes)

    def finish(self) -> Addresses:
        """The network, ready to be asked."""
        return Addresses(
            base=np.array(self._base, np.int64),
            bits=np.array(self._bits, np.int64),
            lease=np.array(self._lease, np.int64),
            ipv6=np.array(self._ipv6),
            pool=np.concatenate(self._pool),
            slot=np.concatenate(self._slot),
            route_lines=np.concatenate(self._route_lines),
            route_offsets=ends(np.concatenate(self._route_lengths)),
            salt=self._salt,
        )


@dataclass(frozen=True)
class Addresses:
    """A finished network."""

    base: Ints
    bits: Ints
    lease: Ints
    ipv6: Ints
    pool: Ints
    slot: Ints
    route_lines: Ints
    route_offsets: Ints
    salt: int

    def pick(self, rng: np.random.Generator, routes: Ints) -> Ints:
        """A line of each route, those at its head more often."""
        start = self.route_offsets[routes]
        length = self.route_offsets[routes + 1] - start
        place = (rng.random(len(routes)) ** 1.3 * length).astype(np.int64)
        return np.asarray(self.route_lines[start + place])

    def at(self, lines: Ints, seconds: Ints) -> Ints:
        """The address that each line has at a time, as a number.

        A lease is a permutation of the pool: an odd factor and a shift, mixed twice, all of which
        can be undone; so two lines of a pool never have one address at one time.
        """
        pool = self.pool[lines]
        bits = self.bits[pool].astype(np.uint64)
        lease = self.lease[pool]
        epoch = np.where(lease > 0, seconds // np.maximum(lease, 1), 0)
        key = _mix((epoch * 1_000_003 + pool * 7_919 + self.salt).astype(np.uint64))
        mask = (np.uint64(1) << bits) - np.uint64(1)
        x = self.slot[lines].astype(np.uint64)
        for _ in range(2):
            x = (x * (key | np.uint64(1)) + (key >> np.uint64(17))) & mask
            x ^= x >> (bits // np.uint64(2) + np.uint64(1))
            key = _mix(key)
        return self.base[pool] + x.astype(np.int64)

    def text(self, lines: Ints, seconds: Ints, host: Ints) -> pa.Array:
        """The address of each line at a time, as text: of IPv4, or of IPv6 where the line has it.

        An IPv6 address is the line's network, which a lease changes as well, and 64 bits of the
        device's own: those change each day, as privacy extensions have it.
        """
        address = self.at(lines, seconds)
        key = _mix((lines + self.salt).astype(np.uint64))
        modern = (key % np.uint64(10_000)).astype(np.int64) < 10_000 * self.ipv6[self.pool[lines]]
        old = _mix((host * 131 + seconds // 3_600).astype(np.uint64)) % np.uint64(5) == 0
        chosen = np.flatnonzero(modern & ~old)
        pool = self.pool[lines[chosen]]
        network = np.stack(
            [0x2A00 + pool % 16, 0x100 + pool, (address - self.base[self.pool[lines]])[chosen]],
            axis=1,
        )
        day = seconds[chosen] // DAY
        interface = _mix((host[chosen] * 1_000_003 + day).astype(np.uint64))
        return _merge(to_text(address), chosen, _ipv6_text(network, interface))


def _mix(x: Ints) -> Ints:
    """SplitMix64's finaliser: spreads every bit over all."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


_OCTETS = pa.array([f"{n}." for n in range(256)] + [str(n) for n in range(256)], pa.string())


def to_text(addresses: Ints) -> pa.Array:
    """Addresses as dotted text.

    >>> to_text(np.array([16909060])).to_pylist()
    ['1.2.3.4']
    """
    octets = np.empty((len(addresses), 4), np.int64)
    for place in range(4):
        octets[:, place] = (addresses >> (24 - 8 * place)) & 255
    octets[:, 3] += 256
    _, starts, data = _OCTETS.take(pa.array(octets.ravel())).buffers()
    offsets = np.frombuffer(starts, np.int32)[: 4 * len(addresses) + 1 : 4].copy()
    return pa.StringArray.from_buffers(len(addresses), pa.py_buffer(offsets), data)


_GROUPS = pa.array([f"{n:x}:" for n in range(65_536)] + [f"{n:x}" for n in range(65_536)])


def _ipv6_text(network: Ints, interface: Ints) -> pa.Array:
    """Addresses of IPv6 from three groups of the network (the fourth is 0) and the interface."""
    groups = np.zeros((len(network), 8), np.int64)
    groups[:, :3] = network
    for place in range(4):
        groups[:, 4 + place] = (interface >> np.uint64(16 * place)).astype(np.int64) & 0xFFFF
    groups[:, 7] += 65_536
    _, starts, data = _GROUPS.take(pa.array(groups.ravel())).buffers()
    offsets = np.frombuffer(starts, np.int32)[: 8 * len(network) + 1 : 8].copy()
    return pa.StringArray.from_buffers(len(network), pa.py_buffer(offsets), data)


def _merge(texts: pa.Array, places: Ints, others: pa.Array) -> pa.Array:
    """The texts, with others at the given (rising) places."""
    mask = np.zeros(len(texts), bool)
    mask[places] = True
    return pc.replace_with_mask(texts, mask, others) if len(places) else texts
