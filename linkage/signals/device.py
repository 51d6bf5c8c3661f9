"""Devices: fingerprints, installation ids, advertising ids, IMEIs.

Hexadecimal and UUIDs are compared without case and braces, all else as it stands. Values that
makers and systems hand out instead of an id (all zeros, a well-known bug's id) are shared by
millions, and never link.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from linkage.config import SignalsConfig
from linkage.signals.base import Cleaned, Levels, Value
from linkage.signals.text import PLACEHOLDER, listed, tidy, unusable

_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+(?:[-:.][0-9A-Fa-f]+)*").fullmatch
_SHARED = listed(
    """
    9774d56d682e549c 020000000000 004999010640000 012345678912345 012345678901234
    123456789012345 123456789012347 358240051111110 dead00beef deadbeef
    00000000000000000000000000000001 0123456789abcdef 0123456789abcdef0123456789abcdef
    """
)
_ORDINARY = "^[0-9a-f][0-9a-f-]{12,62}[0-9a-f]$"
"""Hexadecimal in lower case, longer than any word of no value that could be spelled so."""
_ONE_DIGIT = "^(?:" + "|".join(f"[{c}-]+" for c in "0123456789abcdef") + ")$"


def clean(raw: str, config: SignalsConfig) -> Cleaned:
    """The device of one raw value.

    >>> clean("{6F9619FF-8B86-D011-B42D-00C04FC964FF}", SignalsConfig())
    (Value(kind='device', value='6f9619ff-8b86-d011-b42d-00c04fc964ff'),)
    >>> clean("00000000-0000-0000-0000-000000000000", SignalsConfig()).reason
    'placeholder'
    """
    text = tidy(raw)
    problem = unusable(text)
    if problem:
        return problem
    bare = text.strip("{}")
    if not _HEXADECIMAL(bare):
        return (Value("device", text),)
    digits = re.sub(r"[-:.]", "", bare).lower()
    if digits in _SHARED or len(digits) == 1 or (len(digits) > 3 and len(set(digits)) == 1):
        return PLACEHOLDER
    return (Value("device", bare.lower()),)


def clean_many(raw: pa.Array) -> tuple[npt.NDArray[np.bool_], Levels]:
    """The ordinary ids among an array: hexadecimal in lower case, and not handed out to all."""
    usual = pc.match_substring_regex(raw, _ORDINARY)
    odd = pc.or_(
        pc.match_substring_regex(raw, _ONE_DIGIT),
        pc.or_(
            pc.match_substring(raw, "--"),
            pc.is_in(pc.replace_substring(raw, "-", ""), pa.array(sorted(_SHARED))),
        ),
    )
    taken = pc.and_not(usual, odd)
    return taken.to_numpy(zero_copy_only=False), [("device", raw.filter(taken))]
