"""User agents: what a program says it is.

Strangers share the common ones by the million; rare ones, and those of scripts, tell more. They
are compared as they stand, since case and version are part of what makes one rare.
"""

from __future__ import annotations

from linkage.config import SignalsConfig
from linkage.signals.base import Cleaned, Value
from linkage.signals.text import tidy, unusable


def clean(raw: str, config: SignalsConfig) -> Cleaned:
    """The user agent of one raw value.

    >>> clean("python-requests/2.31  ", SignalsConfig())
    (Value(kind='user_agent', value='python-requests/2.31'),)
    >>> clean("-", SignalsConfig()).reason
    'placeholder'
    """
    text = tidy(raw)
    return unusable(text) or (Value("user_agent", text),)
