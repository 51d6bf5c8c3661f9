"""Websites: host and path, however the address is written.

`http://www.dssg.org/`, `dssg.org` and `HTTPS://dssg.org` are one. The path stays, since on the
sites where anybody can have a page it is the path that says whose; what follows `?` or `#` goes.
"""

from __future__ import annotations

import re

from linkage.config import SignalsConfig
from linkage.signals.base import Cleaned, Rejected, Value
from linkage.signals.domain import host, unreal
from linkage.signals.text import tidy, unusable

NOT_A_WEBSITE = Rejected("not a website")
_FORM = re.compile(
    r"(?:(?:[a-z][a-z0-9+.-]*:)?//)?(?:[^/@]*@)?(?:www\.)*([^/:?#\s]+)(?::[0-9]*)?"
    r"(/[^?#]*)?(?:[?#].*)?",
    re.I,
).fullmatch


def clean(raw: str, config: SignalsConfig) -> Cleaned:
    """The website of one raw value.

    >>> clean("HTTP://www.Dssg.org:80/Team/?from=mail", SignalsConfig())
    (Value(kind='website', value='dssg.org/Team'),)
    """
    text = tidy(raw)
    problem = unusable(text)
    if problem:
        return problem
    match = _FORM(text)
    name = host(match[1]) if match else None
    if match is None or name is None:
        return NOT_A_WEBSITE
    return unreal(name) or (Value("website", name + (match[2] or "").rstrip("/ ")),)
