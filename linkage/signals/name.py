"""Names of people and organisations: the same words, in the same order.

Case, punctuation and titles are dropped. Order stays: "Kim Lee" and "Lee Kim" are two people more
often than one. A first name alone is kept as it is; that many share it shows in the counts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from linkage.config import SignalsConfig
from linkage.signals.base import Cleaned, Levels, Value
from linkage.signals.text import (
    PLACEHOLDER,
    are_placeholders,
    is_placeholder,
    listed,
    tidy,
    unusable,
    words,
)

_TITLES = listed(
    """
    mr mrs ms miss mx dr prof professor sir madam herr frau dipl ing
    """
)
_MADE_UP = listed(
    """
    john doe, jane doe, johndoe, janedoe, max mustermann, erika mustermann, john q public,
    firstname lastname, first last, first name last name, your name, full name, first name, last
    name, name, no name, noname, name name, user, test user, test test, test account, user user,
    new user, a b, asdf asdf, qwe qwe, aaa aaa, admin, guest, customer
    """,
    ",",
)

_ORDINARY = "^[A-Za-z]{1,60}(?: [A-Za-z]{1,60}){1,6}$"
_TITLED = f"^(?:{'|'.join(sorted(_TITLES))}) "


def clean(raw: str, config: SignalsConfig) -> Cleaned:
    """The name of one raw value.

    >>> clean("Dr. Anne-Marie O'Brien", SignalsConfig())
    (Value(kind='name', value='anne marie obrien'),)
    >>> clean("Test User", SignalsConfig()).reason
    'placeholder'
    """
    problem = unusable(tidy(raw))
    if problem:
        return problem
    found = words(raw)
    while found and found[0] in _TITLES:
        found = found[1:]
    name = " ".join(found)
    if is_placeholder(name) or name in _MADE_UP:
        return PLACEHOLDER
    return (Value("name", name),)


def clean_many(raw: pa.Array) -> tuple[npt.NDArray[np.bool_], Levels]:
    """The names among an array that are a few words of ASCII letters."""
    name = pc.ascii_lower(raw)
    odd = pc.or_(
        pc.match_substring_regex(name, _TITLED),
        pc.or_(are_placeholders(name), pc.is_in(name, pa.array(sorted(_MADE_UP)))),
    )
    taken = pc.and_not(pc.match_substring_regex(raw, _ORDINARY), odd)
    return taken.to_numpy(zero_copy_only=False), [("name", name.filter(taken))]
