"""Phone numbers, in the international form (E.164) where it can be known.

A number without a country code needs a region, which is never guessed: it is a setting. Without
one, or if the number is too short for its region, the digits are compared as they stand: local
numbers are what many records hold, and two of them meet all the same. Extensions are dropped,
numbers set aside for fiction and those that fingers type for nothing are refused.
"""

from __future__ import annotations

import re

import phonenumbers

from linkage.config import SignalsConfig
from linkage.errors import ConfigError, shorten, suggestion
from linkage.signals.base import Cleaned, Rejected, Value
from linkage.signals.text import PLACEHOLDER, tidy, unusable

NOT_A_NUMBER = Rejected("not a phone number")
FICTIONAL = Rejected("fictional number")

_EXTENSION = re.compile(r"[\s,;.]*(?:(?:extension|extn|ext|x)\b[.:=\s]*|#\s*)[0-9]{1,7}$", re.I)
_ANOTHER = re.compile(r"\s*(?:/|;|,|\||\bor\b|\band\b)\s*", re.I)
_FORM = re.compile(r"(?:tel:)?[\s+()\[\]\-./0-9\u2010-\u2015\u2212]+", re.I).fullmatch
# the North American plan has one length and no prefix to drop: no need to ask phonenumbers
_PLAIN = re.compile(r"\+1[2-9][0-9]{9}").fullmatch
# the North American 555-0100 to 555-0199, and the ranges that Ofcom keeps for drama
_FICTION = re.compile(
    r"(?:\+?1?[2-9][0-9]{2})?55501[0-9]{2}|\+44(?:7700900|2079460|1632960)[0-9]{3}"
)
_ASCENDING, _DESCENDING = "01234567890123456789", "98765432109876543210"
_COUNTRY = re.compile(r"\+[0-9]{1,3}")


def check(config: SignalsConfig) -> None:
    """`ConfigError` if the region of phone numbers is none."""
    region = config.phone_region
    if region and region.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise ConfigError(
            f"signals.phone_region must be a two-letter region such as US, found "
            f"{shorten(region)}. {suggestion(region.upper(), phonenumbers.SUPPORTED_REGIONS)}"
        )


def clean(raw: str, config: SignalsConfig) -> Cleaned:
    """The phone number of one raw value.

    >>> clean("(312) 285-9902 ext. 7", SignalsConfig(phone_region="US"))
    (Value(kind='phone', value='+13122859902'),)
    >>> clean("285-9902", SignalsConfig())
    (Value(kind='phone', value='2859902'),)
    """
    text = tidy(raw)
    if _PLAIN(text):
        return _checked(text)
    problem = unusable(text)
    if problem:
        return problem
    for part in [text, *_ANOTHER.split(text)[:1]]:
        result = _number(_EXTENSION.sub("", part).strip(), config.phone_region.upper())
        if result is not NOT_A_NUMBER:
            break
    return result


def _number(text: str, region: str) -> Cleaned:
    text = re.sub(r"\.0$", "", text)  # a column that was read as numbers
    if not _FORM(text):
        return NOT_A_NUMBER
    international = "+" in text or text.startswith("00")
    digits = re.sub(r"[^0-9]", "", text)
    if not 7 <= len(digits) <= 17:
        return NOT_A_NUMBER
    if not any(c in "123456789" for c in digits):
        return PLACEHOLDER
    if international or region:
        spelled = "+" + digits[2:] if text.startswith("00") else text
        try:
            number = phonenumbers.parse(spelled, None if international else region)
        except phonenumbers.NumberParseException:
            number = None
        if number and phonenumbers.is_possible_number(number):
            form = phonenumbers.PhoneNumberFormat.E164
            return _checked(phonenumbers.format_number(number, form))
    return _checked(digits) if len(digits) <= 15 else NOT_A_NUMBER


def _checked(number: str) -> Cleaned:
    if _FICTION.fullmatch(number):
        return FICTIONAL
    # the country code is right even in a made-up number
    for digits in (number.lstrip("+"), _COUNTRY.sub("", number), number[-10:], number[-7:]):
        if len(set(digits)) == 1 or digits in _ASCENDING or digits in _DESCENDING:
            return PLACEHOLDER
    return (Value("phone", number),)
