"""A STIX 2.1 bundle: what other providers need to recognise an operator that comes to them.

An operator is a grouping of its accounts (`user-account`) and of its addresses, mailboxes and
domains. Only if its verdict is sockpuppets is it an intrusion set too, with its accounts related to
it by their confidence, and indicators for the signals that more members than others use; those of
kinds STIX has no object for are patterns over `x-linkage-signal`. Whoever is an organisation or a
household is not indicated for sharing an address. Ids are hashes of what they name and times those
of the run, so the same case gives the same bundle.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from linkage.errors import MissingExtraError
from linkage.export.graph import Graph
from linkage.graph import SIGN_UP_KINDS
from linkage.words import SHARING

try:
    import stix2
except ImportError:
    raise MissingExtraError(
        "STIX needs the package stix2, which is not installed. "
        "Install it: pip install 'linkage[stix]'"
    ) from None

NAMESPACE = uuid.UUID("5d1f1c0e-8f5b-4f0b-9a53-5b0a4f6c8b11")
DOMAINS = {"email_domain", "website"}
ADDRESSES = {"ip", "ip_range"}
SIGNAL = "x-linkage-signal"
"""What patterns call a signal of a kind that STIX has no object for."""
HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def _id(kind: str, *names: str) -> str:
    return f"{kind}--{uuid.uuid5(NAMESPACE, chr(0).join((kind, *names)))}"


AUTHOR = _id("identity", "linkage")


def write(graph: Graph, path: Path) -> None:
    """Write the graph as a STIX bundle."""
    bundle = _id("bundle", *(operator["operator_id"] for operator in graph.operators()))
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'{{"type": "bundle", "id": "{bundle}", "objects": [')
        separator = "\n"
        written: set[str] = set()
        for thing in _objects(graph):
            # two operators may have a signal in common
            if thing.id not in written:
                written.add(thing.id)
                file.write(separator + thing.serialize(ensure_ascii=True))
                separator = ",\n"
        file.write("\n]}\n")


def _objects(graph: Graph) -> Iterator[Any]:
    made = _time(graph.rows('SELECT max(finished_at) FROM "case".runs')[0][0])
    common: dict[str, Any] = {"created": made, "modified": made}
    yield stix2.v21.Identity(id=AUTHOR, name="linkage", identity_class="system", **common)
    common["created_by_ref"] = AUTHOR
    for operator in graph.operators():
        yield from _operator(graph, operator, common)


def _operator(graph: Graph, operator: dict[str, Any], common: dict[str, Any]) -> Iterator[Any]:
    name, suspicious = operator["operator_id"], operator["verdict"] == "sockpuppets"
    accounts = f"{operator['accounts']:,} accounts"
    about = f"{accounts} behind which linkage sees one hand; verdict {operator['verdict']}."
    references = []
    hand = None
    if suspicious:
        hand = stix2.v21.IntrusionSet(
            id=_id("intrusion-set", name),
            name=name,
            description=about,
            **_spanned(operator["first_seen"], operator["last_seen"]),
            **common,
        )
        references.append(hand.id)
        yield hand
    for thing in (*_accounts(graph, name, hand, common), *_signals(graph, name, hand, common)):
        references.append(thing.id)
        yield thing
    yield stix2.v21.Grouping(
        id=_id("grouping", name),
        name=name,
        description=about,
        context="suspicious-activity" if suspicious else "unspecified",
        object_refs=list(dict.fromkeys(references)),
        **common,
    )


ACCOUNTS = """
SELECT account_id, created_at, confidence FROM memory.nodes
WHERE bipartite = 0 AND operator_id = $operator ORDER BY number
"""


def _accounts(graph: Graph, operator: str, hand: Any, common: dict[str, Any]) -> Iterator[Any]:
    for account_id, made, confidence in graph.rows(ACCOUNTS, operator=operator):
        known = {} if made is None else {"account_created": _time(made)}
        account = stix2.v21.UserAccount(user_id=account_id, **known)
        yield account
        if hand is not None:
            yield stix2.v21.Relationship(
                id=_id("relationship", account.id, hand.id),
                source_ref=account.id,
                relationship_type="related-to",
                target_ref=hand.id,
                confidence=round(100 * (confidence or 0)),
                **common,
            )


SIGNALS = """
SELECT n.kind, n.value, v.members, v.others, v.weight, u.first_seen
FROM memory.nodes AS n JOIN (
    SELECT signal, min(first_seen) AS first_seen FROM memory.used
    WHERE operator_id = $operator GROUP BY signal
) AS u ON u.signal = n.number
LEFT JOIN "case".evidence AS v ON v.signal = n.number AND v.operator_id = $operator
WHERE n.bipartite = 1 ORDER BY n.number
"""


def _signals(graph: Graph, operator: str, hand: Any, common: dict[str, Any]) -> Iterator[Any]:
    for kind, value, members, others, weight, first_seen in graph.rows(SIGNALS, operator=operator):
        # when an account was made, and how widely a thing is shared, mean nothing to anybody else
        if kind in SIGN_UP_KINDS or kind.endswith(SHARING):
            continue
        observable = None if graph.hashed else _observable(kind, value)
        if observable is not None:
            yield observable
        if hand is None or members is None or members <= others:
            continue
        pattern = _pattern(kind, value, observable)
        indicator = stix2.v21.Indicator(
            id=_id("indicator", operator, pattern),
            name=f"{kind} of {operator}",
            description=(
                f"Used by {members:,} of its accounts and {others:,} others; "
                f"adds {weight:.2f} nats to the case of an account."
            ),
            indicator_types=["attribution"],
            pattern=pattern,
            pattern_type="stix",
            valid_from=_time(first_seen) if first_seen is not None else common["created"],
            confidence=round(100 * members / (members + others)),
            **common,
        )
        yield indicator
        yield stix2.v21.Relationship(
            id=_id("relationship", indicator.id, hand.id),
            source_ref=indicator.id,
            relationship_type="indicates",
            target_ref=hand.id,
            **common,
        )


def _observable(kind: str, value: str) -> Any:
    """The object STIX has for a value, or None; a value need not be what its kind says."""
    with suppress(ValueError):
        if kind in ADDRESSES:
            network = ipaddress.ip_network(value)
            return (stix2.v21.IPv4Address, stix2.v21.IPv6Address)[network.version == 6](value=value)
        if kind == "email":
            return stix2.v21.EmailAddress(value=value)
        if kind in DOMAINS and HOST.fullmatch(value):
            return stix2.v21.DomainName(value=value)
    return None


def _pattern(kind: str, value: str, observable: Any) -> str:
    if observable is not None:
        return f"[{observable.type}:value = {literal(value)}]"
    return f"[{SIGNAL}:kind = {literal(kind)} AND {SIGNAL}:value = {literal(value)}]"


def literal(value: str) -> str:
    """A text as a string of a STIX pattern.

    >>> print(literal("it's \\\\"))
    'it\\'s \\\\'
    """
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _spanned(first: datetime | None, last: datetime | None) -> dict[str, datetime]:
    times = {"first_seen": first, "last_seen": last}
    return {name: _time(time) for name, time in times.items() if time is not None}


def _time(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC)
