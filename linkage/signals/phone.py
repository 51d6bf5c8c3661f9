"""Phone numbers, in the international form (E.164) where it can be known.

A number without a country code needs a region, which is never guessed: it is a setting. Without
one, or if the number is too short for its region, the digits are compared as they stand: local
numbers are what many records hold, and two of them meet all the same. Extensions are dropped,
numbers set aside for fiction and those that fingers type for nothing are refused.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

from linkage.config import SignalsConfig
from linkage.errors import ConfigError, shorten, suggestion
from linkage.signals.base import Cleaned, Levels, Rejected, Value
from linkage.signals.text import PLACEHOLDER, tidy, unusable

NOT_A_NUMBER = Rejected("not a phone number")
MIN_DIGITS, MAX_DIGITS = 7, 15
LONGEST = 100
"""Characters of the longest text that is looked at: several numbers, extensions, spaces."""
FICTIONAL = Rejected("fictional number")

_EXTENSION = re.compile(r"[\s,;.]*(?:(?:extension|extn|ext|x)[.:=\s]*|#\s*)[0-9]{1,7}$", re.I)
_ANOTHER = re.compile(r"\s*(?:/|;|,|\||\bor\b|\band\b)\s*", re.I)
_FORM = re.compile(r"(?:tel:)?[\s(\[]*\+?[\s()\[\]\-./0-9\u2010-\u2015\u2212]+", re.I).fullmatch
# the North American 555-0100 to 555-0199, the numbers that Twilio's tests call, and the ranges that
# Ofcom keeps for drama
_FICTION = re.compile(
    r"(?:\+?1?[2-9][0-9]{2})?55501[0-9]{2}|\+?15005550[0-9]{3}"
    r"|\+44(?:7700900|2079460|1632960)[0-9]{3}"
)
_ASCENDING, _DESCENDING = "01234567890123456789", "98765432109876543210"
_COUNTRY = re.compile(r"\+[0-9]{1,3}")
# long enough to be among a thousand
_PLAIN = r"^\+[1-9][0-9]{8,14}$"
_IN_A_ROW = [
    row[i : i + 4]
    for row in (_ASCENDING, _DESCENDING, *(5 * digit for digit in "0123456789"))
    for i in range(len(row) - 3)
]
"""Last digits of all numbers of one digit, or of digits in sequence, and of some others."""

# a thousand numbers: what carriers are given, and what stands in front of the last three digits
_RANGE = re.compile(r"\+[0-9]{6,12}xxx").fullmatch


def check(config: SignalsConfig) -> None:
    """`ConfigError` if the region of phone numbers is none."""
    region = config.phone_region
    if region and region.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise ConfigError(
            f"signals.phone_region must be a two-letter region such as US, found "
            f"{shorten(region)}. {suggestion(region.upper(), phonenumbers.SUPPORTED_REGIONS)}"
        )


def clean(raw: str, config: SignalsConfig) -> Cleaned:
    """The phone number of one raw value, and the thousand numbers among which it is.

    >>> for value in clean("(312) 285-9902 ext. 7", SignalsConfig(phone_region="US")):
    ...     print(value)
    Value(kind='phone', value='+13122859902')
    Value(kind='phone_range', value='+13122859xxx')
    >>> clean("285-9902", SignalsConfig())
    (Value(kind='phone', value='2859902'),)
    """
    text = tidy(raw)
    problem = unusable(text)
    if problem:
        return problem
    if len(text) > LONGEST:
        return NOT_A_NUMBER
    for part in [text, *_ANOTHER.split(text)[:1]]:
        result = _number(_EXTENSION.sub("", part).strip(), config.phone_region.upper())
        if result is not NOT_A_NUMBER:
            break
    return result


def clean_many(raw: pa.Array) -> tuple[npt.NDArray[np.bool_], Levels]:
    """The numbers among an array that are a plus and digits, and that lose none of them."""
    form = pc.match_substring_regex(raw, _PLAIN)
    some = raw.filter(form)
    start, size = pc.utf8_slice_codeunits(some, 1, 5), pc.utf8_length(some).cast(pa.string())
    kind = pc.binary_join_element_wise(start, size, " ").dictionary_encode()
    stands = [
        _stands(digits, int(length) - 1)
        for digits, length in map(str.split, kind.dictionary.to_pylist())
    ]
    odd = pc.or_(
        pc.match_substring_regex(some, f"^(?:{_FICTION.pattern})$"),
        pc.is_in(pc.utf8_slice_codeunits(some, -4), pa.array(_IN_A_ROW)),
    )
    usual = pc.and_not(pa.array(stands, pa.bool_()).take(kind.indices), odd)
    kept = some.filter(usual)
    taken = form.to_numpy(zero_copy_only=False)
    taken[taken] = usual.to_numpy(zero_copy_only=False)
    return taken, [
        ("phone", kept),
        ("phone_range", pc.replace_substring_regex(kept, "...$", "xxx")),
    ]


def clean_range(raw: str, config: SignalsConfig) -> Cleaned:
    """The thousand numbers among which one is, or such a range as it stands.

    >>> clean_range("+13122859902", SignalsConfig())
    (Value(kind='phone_range', value='+13122859xxx'),)
    """
    text = tidy(raw)
    if _RANGE(text):
        return (Value("phone_range", text),)
    found = clean(raw, config)
    if isinstance(found, Rejected):
        return found
    return found[1:] or NOT_A_NUMBER


def _number(text: str, region: str) -> Cleaned:
    if not text.isascii():  # digits of other scripts
        text = "".join(str(unicodedata.decimal(c, c)) for c in text)
    if not _FORM(text):
        return NOT_A_NUMBER
    digits = re.sub(r"[^0-9]", "", text)
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS + len("00"):
        return NOT_A_NUMBER
    plus = "+" if "+" in text else ""
    international = plus or digits.startswith("00")
    if international or region:
        spelled = "+" + digits.removeprefix("00") if international else digits
        number = _e164(spelled, None if international else region)
        # one prefix may hide another: until nothing is dropped
        while number and number != spelled:
            spelled, number = number, _e164(number, None)
        if number:
            return _checked(number) if len(number) > MIN_DIGITS else NOT_A_NUMBER
    return _checked(plus + digits) if len(digits) <= MAX_DIGITS else NOT_A_NUMBER


def _stands(start: str, size: int) -> bool:
    """Whether a number of so many digits, of which the first four are given, surely stays as it is.

    >>> _stands("4474", 12), _stands("4407", 13)
    (True, False)
    """
    for digits in (1, 2, 3):
        dropped = _dropped(int(start[:digits]), size - digits)
        if dropped:
            return start[digits] not in {prefix[0] for prefix in dropped}
    return False


@lru_cache(maxsize=1 << 12)
def _dropped(country: int, length: int) -> tuple[str, ...]:
    """What a number of a country with so many digits may lose, where it begins with that.

    Nothing if that is no country, it has no such numbers, or it takes more to tell what is lost.
    """
    region = phonenumbers.region_code_for_country_code(country)
    rules = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    number = phonenumbers.PhoneNumber(country_code=country, national_number=10 ** (length - 1))
    possible = phonenumbers.is_possible_number_with_reason(number)
    if rules is None or possible != phonenumbers.ValidationResult.IS_POSSIBLE:
        return ()
    prefixes = ("0", *(rules.national_prefix_for_parsing or "0").split("|"))
    return prefixes if all(map(str.isdigit, prefixes)) else ()


def _e164(text: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    # the alternative is a number that only works locally, without its area code
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _checked(number: str) -> Cleaned:
    if _FICTION.fullmatch(number):
        return FICTIONAL
    # the country code is right even in a made-up number
    for digits in (number.lstrip("+"), _COUNTRY.sub("", number), number[-10:], number[-7:]):
        if len(set(digits)) == 1 or digits in _ASCENDING or digits in _DESCENDING:
            return PLACEHOLDER
    found = Value("phone", number)
    block = f"{number[:-3]}xxx"
    return (found, Value("phone_range", block)) if _RANGE(block) else (found,)
