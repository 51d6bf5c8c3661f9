"""Any kind that has no file of its own: text, compared without case.

Case is dropped for ids as well, though they may depend on it: two ids of any length that differ
in nothing else are one id typed twice far more often than two.
"""

from __future__ import annotations

from functools import partial

from linkage.config import SignalsConfig
from linkage.signals.base import Clean, Cleaned, Value
from linkage.signals.text import PLACEHOLDER, fold, is_placeholder, unusable


def cleaner(kind: str) -> Clean:
    """What cleans the values of a kind of this name.

    >>> cleaner("fax")("  Room 7,  West ", SignalsConfig())
    (Value(kind='fax', value='room 7, west'),)
    """
    return partial(_clean, kind)


def clean_prompt(raw: str, config: SignalsConfig) -> Cleaned:
    """A prompt or template, which may be of any length."""
    text = fold(raw)
    return PLACEHOLDER if is_placeholder(text) else (Value("prompt", text),)


def _clean(kind: str, raw: str, config: SignalsConfig) -> Cleaned:
    text = fold(raw)
    return unusable(text) or (Value(kind, text),)
