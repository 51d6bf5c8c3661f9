"""Referral and transfer: another account, named by its id.

Account ids are compared as they stand, here as everywhere: "007" is not "7". Only what says that
there is no other account is refused, so that short and numeric ids keep working.
"""

from __future__ import annotations

from functools import partial

from linkage.config import SignalsConfig
from linkage.signals.base import Clean, Cleaned, Value
from linkage.signals.text import MAX_LENGTH, PLACEHOLDER, TOO_LONG, is_placeholder


def cleaner(kind: str) -> Clean:
    """What cleans the account ids of a kind of this name.

    >>> cleaner("referral")(" 007 ", SignalsConfig())
    (Value(kind='referral', value='007'),)
    """
    return partial(_clean, kind)


def _clean(kind: str, raw: str, config: SignalsConfig) -> Cleaned:
    text = raw.strip()
    if len(text) > MAX_LENGTH:
        return TOO_LONG
    # a single letter or digit is an id in a small service, but 0 says "nobody" in most exports
    stands_for_one = text.isalnum() and text != "0" and (len(text) == 1 or text.isdigit())
    return PLACEHOLDER if is_placeholder(text) and not stands_for_one else (Value(kind, text),)
