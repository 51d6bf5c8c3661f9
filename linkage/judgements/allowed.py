"""Signals that were allowed: they stay in the graph, and are evidence of nothing.

`judged_signals_allowed` and `cleaned` arrive; `allowed_signals` leaves, and `cleaned` without what
allowed signals imply, until the graph is built.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Iterable

import pyarrow as pa

from linkage.engine import Engine
from linkage.schema import JUDGEMENT_NOTES

RESEMBLES = 0.9
"""Likeness from which a template is one that was allowed, found with other words at its ends."""


def allow(engine: Engine) -> None:
    """Create `allowed_signals` (kind, value, reason), and take from `cleaned` what they imply.

    An account whose addresses of a range are all allowed does not use the range either.
    """
    allowed = engine.rows("SELECT kind, value, note FROM judged_signals_allowed ORDER BY judgement")
    found: dict[tuple[str, str], str] = {}
    for kind, value, note in allowed:
        reason = f"allowed: {note}" if note else "allowed"
        for signal in _signals(engine, kind, value):
            found[signal] = reason
    engine.put(
        "allowed_signals",
        pa.table(
            {
                "kind": pa.array([kind for kind, _ in found], pa.string()),
                "value": pa.array([value for _, value in found], pa.string()),
                "reason": pa.array(found.values(), pa.string()),
            }
        ),
    )
    engine.create(
        "withheld",
        """
        SELECT c.* FROM cleaned c WHERE EXISTS (
            SELECT 1 FROM cleaned fine JOIN allowed_signals a
              ON a.kind = fine.signal_kind AND a.value = fine.value
            WHERE fine.kind = c.kind AND fine.raw = c.raw
              AND fine.parent_kind = c.signal_kind AND fine.parent = c.value
        )
        """,
    )
    engine.run(
        "DELETE FROM cleaned WHERE EXISTS (SELECT 1 FROM withheld w WHERE w.kind = cleaned.kind "
        "AND w.raw = cleaned.raw AND w.signal_kind = cleaned.signal_kind)"
    )
    _note_unseen(engine)


def restore(engine: Engine) -> None:
    """Give `cleaned` back what `allow` took, once the graph is built: it may be withdrawn."""
    engine.run("INSERT INTO cleaned SELECT * FROM withheld")
    engine.drop("withheld")


def _signals(engine: Engine, kind: str, value: str) -> Iterable[tuple[str, str]]:
    """The signals that an allowed value stands for: itself, or those in a network."""
    if kind in ("ip", "ip_range") and "/" in value:
        network = ipaddress.ip_network(value)
        yield ("ip_range", value)
        for signal_kind, text in engine.rows(
            "SELECT DISTINCT signal_kind, value FROM cleaned WHERE signal_kind IN ('ip', "
            "'ip_range') ORDER BY ALL"
        ):
            if is_within(text, network):
                yield (signal_kind, text)
        return
    yield (kind, value)
    if kind == "prompt":
        for (text,) in engine.rows("SELECT DISTINCT template FROM template_uses ORDER BY template"):
            if _resembles(text, value):
                yield (kind, text)


def is_within(text: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    """Whether an address or a range, as signals have it, is of a network.

    >>> campus = ipaddress.ip_network("9.9.0.0/16")
    >>> [is_within(text, campus) for text in ("9.9.1.2", "9.8.0.0/15", "2001:db8::/64")]
    [True, False, False]
    """
    inside = ipaddress.ip_network(text)
    return inside.version == network.version and inside.subnet_of(network)  # type: ignore[arg-type]


def _resembles(text: str, other: str) -> bool:
    matcher = difflib.SequenceMatcher(None, text, other, autojunk=False)
    return matcher.real_quick_ratio() >= RESEMBLES and (
        matcher.quick_ratio() >= RESEMBLES and matcher.ratio() >= RESEMBLES
    )


def _note_unseen(engine: Engine) -> None:
    engine.create(
        JUDGEMENT_NOTES.name,
        """
        SELECT j.judgement, CAST(NULL AS VARCHAR) AS operator_id, CAST(NULL AS BIGINT) AS operator,
               'allowed ' || j.kind || ' ' || j.value || ': nobody uses it' AS note
        FROM judged_signals_allowed j
        WHERE j.kind NOT IN ('ip', 'ip_range', 'prompt') AND NOT EXISTS (
            SELECT 1 FROM cleaned c WHERE c.signal_kind = j.kind AND c.value = j.value
        )
        """,
    )
