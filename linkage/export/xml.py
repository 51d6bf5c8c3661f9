"""What GraphML and GEXF have in common: text that XML can hold, labels and colours.

Characters that XML 1.0 has no way to write (most control characters, lone surrogates, U+FFFE and
U+FFFF) are dropped; everything else is read back as it was.
"""

from __future__ import annotations

import re

from linkage.export.graph import TYPES
from linkage.schema import Column

# Okabe and Ito's palette, which the colour-blind tell apart
VERDICTS = {
    "sockpuppets": (213, 94, 0),
    "organisation": (0, 114, 178),
    "household": (0, 158, 115),
    "unclear": (120, 120, 120),
}
KINDS = {
    "payment": (230, 159, 0),
    "bin": (230, 159, 0),
    "ip": (86, 180, 233),
    "ip_range": (86, 180, 233),
    "prompt": (204, 121, 167),
    "email": (240, 228, 66),
    "email_domain": (240, 228, 66),
    "phone": (240, 228, 66),
}
OTHER = (60, 60, 60)

LABEL_WIDTH = 60

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPECIAL = re.compile("[&<>\"'\t\n\r]")


def escaped(value: str) -> str:
    """A text as it may stand in an element or an attribute.

    White space is written by number, since a reader turns it into spaces in an attribute.

    >>> escaped('a\\x00<b> & "c"\\r\\n')
    'a&#60;b&#62; &#38; &#34;c&#34;&#13;&#10;'
    """
    return _SPECIAL.sub(_numbered, legal(value))


def text(value: object) -> str:
    """A value as it may stand in an element or an attribute."""
    return escaped(value) if isinstance(value, str) else str(value)


def legal(value: str) -> str:
    """A text without the characters that XML can't hold.

    >>> legal("a\\x1b\\udc80\\ufffeb")
    'ab'
    """
    return _ILLEGAL.sub("", value)


def _numbered(match: re.Match[str]) -> str:
    return f"&#{ord(match.group())};"


def type_of(column: Column) -> str:
    """The name both formats have for a column's type; times are texts."""
    return TYPES.get(column.type, "string")


def label(account_id: str | None, value: str | None) -> str:
    """What stands beside a node."""
    whole = account_id if account_id is not None else value or ""
    return whole if len(whole) <= LABEL_WIDTH else whole[: LABEL_WIDTH - 1] + "…"


def colour(kind: str | None, verdict: str | None) -> tuple[int, int, int]:
    """Red, green and blue: of a signal by its kind, of an account by the verdict.

    >>> colour("ip", None), colour(None, "household")
    ((86, 180, 233), (0, 158, 115))
    """
    return KINDS.get(kind, OTHER) if kind is not None else VERDICTS.get(verdict or "", OTHER)
