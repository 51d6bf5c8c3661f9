"""BINs: the first six or eight digits of a card, which name its issuer.

Millions of strangers share an issuer, but an operator's cards often come from one that few
others use. Issuers with eight digits imply the six they begin with, so that both forms meet.
"""

from __future__ import annotations

import re

from linkage.config import SignalsConfig
from linkage.signals.base import Cleaned, Rejected, Value
from linkage.signals.text import tidy, unusable

DIGITS = 6
NOT_A_BIN = Rejected("not a BIN")
_FORM = re.compile(r"([0-9]{6,8})(?:\.0)?").fullmatch


def clean(raw: str, config: SignalsConfig) -> Cleaned:
    """The BIN of one raw value.

    >>> clean("457173", SignalsConfig())
    (Value(kind='bin', value='457173'),)
    >>> clean("4571 7360", SignalsConfig())
    (Value(kind='bin', value='45717360'), Value(kind='bin', value='457173'))
    """
    text = tidy(raw)
    problem = unusable(text)
    if problem:
        return problem
    match = _FORM(re.sub(r"[ -]", "", text))
    if not match:
        return NOT_A_BIN
    number = match[1]
    short = Value("bin", number[:DIGITS])
    return (short,) if number == short.value else (Value("bin", number), short)
