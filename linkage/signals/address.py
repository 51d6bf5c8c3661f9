"""Postal addresses: the same words for the same place.

Case, punctuation and the usual abbreviations are evened out, word order is kept; that joins
`221 E. 51st St.` and `221 East 51st Street`. Nothing is looked up: a parser of addresses needs a
model for each country, and two spellings of one address that stay apart cost a link, not an error.
"""

from __future__ import annotations

from linkage.config import SignalsConfig
from linkage.signals.base import Cleaned, Rejected, Value
from linkage.signals.text import PLACEHOLDER, is_placeholder, tidy, unusable, words

TOO_SHORT = Rejected("too short")

_SHORT = {
    long: short
    for short, names in {
        "st": "street str strasse",
        "ave": "avenue av avn aven",
        "rd": "road",
        "blvd": "boulevard boul bd",
        "dr": "drive drv",
        "ln": "lane",
        "ct": "court",
        "pl": "place",
        "plz": "plaza",
        "sq": "square",
        "hwy": "highway",
        "pkwy": "parkway pky",
        "expy": "expressway",
        "ter": "terrace terr",
        "cir": "circle",
        "trl": "trail",
        "aly": "alley",
        "n": "north",
        "s": "south",
        "e": "east",
        "w": "west",
        "ne": "northeast",
        "nw": "northwest",
        "se": "southeast",
        "sw": "southwest",
        "apt": "apartment",
        "ste": "suite",
        "bldg": "building",
        "fl": "floor flr",
        "rm": "room",
        "mt": "mount",
        "ft": "fort",
    }.items()
    for long in names.split()
}
_NUMBER_SIGNS = frozenset({"no", "nr", "num", "number"})


def clean(raw: str, config: SignalsConfig) -> Cleaned:
    """The address of one raw value.

    >>> clean("221 East 51st Street,\\nChicago", SignalsConfig())
    (Value(kind='address', value='221 e 51st st chicago'),)
    >>> clean("60653", SignalsConfig()).reason
    'too short'
    """
    problem = unusable(tidy(raw))
    if problem:
        return problem
    found: list[str] = []
    for word in reversed(words(raw)):
        if not (word in _NUMBER_SIGNS and found and found[-1][0].isdigit()):
            found.append(_short(word))
    address = " ".join(reversed(found))
    if is_placeholder(address):
        return PLACEHOLDER
    # a postcode, or one short word: a place, not an address
    if address.replace(" ", "").isdigit() or (len(found) == 1 and len(address) < 8):
        return TOO_SHORT
    return (Value("address", address),)


def _short(word: str) -> str:
    if word.endswith("strasse") and word != "strasse":
        word = word.removesuffix("asse")
    return _SHORT.get(word, word)
