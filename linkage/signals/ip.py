"""Addresses: IPv4, IPv6, and the ways logs write them.

An address comes with a port, a zone, brackets, or as one of a list of proxies, of which the first
public one is the client. IPv4 implies its /24. IPv6 implies its /64: the rest is chosen by the
device and changes daily. An IPv6 address that carries an IPv4 address (mapped, NAT64, 6to4,
Teredo) stands for that one. What is not routed on the public internet is the same for everybody,
and never links.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from bisect import bisect_right
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from linkage.config import SignalsConfig
from linkage.signals.base import Cleaned, Levels, Rejected, Value
from linkage.signals.text import MAX_LENGTH, PLACEHOLDER, TOO_LONG, is_placeholder, tidy

NOT_AN_ADDRESS = Rejected("not an address")
LONGEST = 80
"""Characters of the longest address: 45, brackets, a port and the name of a zone."""
_RESERVED = Rejected("reserved address")

# IANA's special-purpose address registries, and RFC 9637 (3fff::/20)
_SPECIAL = {
    "unspecified address": ["0.0.0.0/8", "::/128"],
    "private address": [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "64:ff9b:1::/48",
        "fc00::/7",
        "fec0::/10",
    ],
    "carrier-grade NAT address": ["100.64.0.0/10"],
    "loopback address": ["127.0.0.0/8", "::1/128"],
    "link-local address": ["169.254.0.0/16", "fe80::/10"],
    "documentation address": [
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "2001:db8::/32",
        "3fff::/20",
    ],
    "benchmark address": ["198.18.0.0/15", "2001:2::/48"],
    "multicast address": ["224.0.0.0/4", "ff00::/8"],
    "reserved address": [
        "192.0.0.0/24",
        "192.88.99.0/24",
        "240.0.0.0/4",
        "100::/64",
        "2001:10::/28",
        "2001:20::/28",
    ],
}


class _Ranges:
    """Disjoint ranges of numbers, each with a reason."""

    def __init__(self, version: int) -> None:
        found = sorted(
            (int(net.network_address), int(net.broadcast_address), reason)
            for reason, texts in _SPECIAL.items()
            for net in map(ipaddress.ip_network, texts)
            if net.version == version
        )
        self.starts = [start for start, _, _ in found]
        self.ends = [end for _, end, _ in found]
        self.reasons = [Rejected(reason) for _, _, reason in found]

    def reason(self, number: int) -> Rejected | None:
        """The reason of the range that a number lies in."""
        i = bisect_right(self.starts, number) - 1
        return self.reasons[i] if i >= 0 and number <= self.ends[i] else None


_V4, _V6 = _Ranges(4), _Ranges(6)
_STARTS, _ENDS = np.array(_V4.starts), np.array(_V4.ends)

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_V4_TEXT = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_V4_FORM = re.compile(rf"({_V4_TEXT})(?::[0-9]{{1,5}}|/32)?").fullmatch
# in canonical form: of 2000::/3 what carries no address of IPv4 and is not set aside, all numbers
_NUMBER = "(?:0|[1-9a-f][0-9a-f]{0,3})"
_V6_START = "2(?:00[3-9a-f]|0[1-9a-f][0-9a-f]|[1-9a-f][0-9a-f]{2})|3[0-9a-e][0-9a-f]{2}"
_V6_TEXT = f"(?:(?:{_V6_START}):{_NUMBER}|2001:[1-9a-f][0-9a-f]{{3}})(?::{_NUMBER}){{6}}"
_V6_FORM = re.compile(
    r"\[?([0-9a-f:]*:[0-9a-f:.]*)(?:%[^\]\s/]*)?(?:\](?::[0-9]{1,5})?|/128)?", re.I
).fullmatch


def clean(raw: str, config: SignalsConfig) -> Cleaned:
    """The address of one raw value, and its range.

    >>> clean("[2A02:8071:0:1::7]:443", SignalsConfig())
    (Value(kind='ip', value='2a02:8071:0:1::7'), Value(kind='ip_range', value='2a02:8071:0:1::/64'))
    >>> clean("10.0.0.7, 84.12.7.9:5678", SignalsConfig())
    (Value(kind='ip', value='84.12.7.9'), Value(kind='ip_range', value='84.12.7.0/24'))
    >>> clean("192.168.0.1", SignalsConfig()).reason
    'private address'
    """
    if len(raw) > MAX_LENGTH:
        return TOO_LONG
    text = tidy(raw)
    result = _address(text)
    if result is not NOT_AN_ADDRESS:
        return result
    if is_placeholder(text):
        return PLACEHOLDER
    reason: Rejected = NOT_AN_ADDRESS
    for part in _parts(text):
        result = _address(part)
        if not isinstance(result, Rejected):
            return result
        if reason is NOT_AN_ADDRESS:
            reason = result
    return reason


def clean_many(raw: pa.Array) -> tuple[npt.NDArray[np.bool_], Levels]:
    """The public addresses in plain form among an array, and their ranges."""
    plain = pc.match_substring_regex(raw, f"^{_V4_TEXT}$")
    ordinary = plain.to_numpy(zero_copy_only=False)
    octets = pc.split_pattern(raw.filter(plain), ".").flatten().cast(pa.int64()).to_numpy()
    numbers = octets.reshape(-1, 4) @ np.array([1 << 24, 1 << 16, 1 << 8, 1])
    at = np.searchsorted(_STARTS, numbers, side="right") - 1
    ordinary[ordinary] = numbers > _ENDS[at]
    # two zeros in a row are written shorter
    short = pc.match_substring_regex(raw, ":0:0(?::|$)")
    six = pc.and_not(pc.match_substring_regex(raw, f"^{_V6_TEXT}$"), short)
    ordinary |= six.to_numpy(zero_copy_only=False)
    kept = ranges = raw.filter(pa.array(ordinary))
    for pattern, text in (
        (r"\.[0-9]+$", ".0/24"),
        (r"^((?:[0-9a-f]+:){3})0:.*$", r"\1:/64"),
        (r"^((?:[0-9a-f]+:){4}).*$", r"\1:/64"),
    ):
        ranges = pc.replace_substring_regex(ranges, pattern, text)
    return ordinary, [("ip", kept), ("ip_range", ranges)]


def clean_range(raw: str, config: SignalsConfig) -> Cleaned:
    """A network as it is, or the range of an address.

    >>> clean_range("84.12.7.9/24", SignalsConfig())
    (Value(kind='ip_range', value='84.12.7.0/24'),)
    """
    result = clean(raw, config)
    if not isinstance(result, Rejected):
        return result[1:]
    if result is not NOT_AN_ADDRESS:
        return result
    try:
        network = ipaddress.ip_network(tidy(raw).lower(), strict=False)
    except ValueError:
        return NOT_AN_ADDRESS
    inside = _address(str(network.network_address))
    return inside if isinstance(inside, Rejected) else (Value("ip_range", str(network)),)


def _parts(text: str) -> Iterable[str]:
    """The members of an X-Forwarded-For or Forwarded header."""
    for part in re.split(r"[,;\s]+", text):
        yield re.sub(r"^for=", "", part, flags=re.I).strip("\"'")


def _address(text: str) -> Cleaned:
    match = _V4_FORM(text)
    if match:
        plain = match[1]
        a, b, c, d = plain.split(".")
        reason = _V4.reason(int(a) << 24 | int(b) << 16 | int(c) << 8 | int(d))
        return reason or (Value("ip", plain), Value("ip_range", f"{a}.{b}.{c}.0/24"))
    packed = _packed(text) if len(text) <= LONGEST else None
    if packed is None:
        return NOT_AN_ADDRESS
    inner = _carried(packed)
    if inner is not None:
        return _address(".".join(map(str, inner)))
    reason = _V6.reason(int.from_bytes(packed))
    if reason is None and packed[0] >> 5 != 1:  # all that is routed lies in 2000::/3
        reason = _RESERVED
    return reason or (
        Value("ip", socket.inet_ntop(socket.AF_INET6, packed)),
        Value("ip_range", socket.inet_ntop(socket.AF_INET6, packed[:8] + bytes(8)) + "/64"),
    )


def _packed(text: str) -> bytes | None:
    """The 16 bytes of an IPv6 address, with or without brackets, port and zone."""
    try:  # most addresses are plain, and this is quicker than looking at the form first
        return socket.inet_pton(socket.AF_INET6, text)
    except (OSError, ValueError):
        match = _V6_FORM(text)
        return _packed(match[1]) if match and match[1] != text else None


_MAPPED = bytes(10) + b"\xff\xff"
_NAT64 = b"\x00\x64\xff\x9b" + bytes(8)


def _carried(packed: bytes) -> bytes | None:
    """The IPv4 address that an IPv6 address carries."""
    if packed[:12] in (_MAPPED, _NAT64):
        return packed[12:]
    if packed[:2] == b"\x20\x02":  # 6to4
        return packed[2:6]
    if packed[:4] == b"\x20\x01\x00\x00":  # Teredo: the client's address, inverted
        return bytes(byte ^ 0xFF for byte in packed[12:])
    return None
