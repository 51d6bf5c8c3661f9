"""Postal addresses: the same words for the same place.

Case, punctuation and the usual abbreviations are evened out, word order is kept; that joins
`221 E. 51st St.` and `221 East 51st Street`. Nothing is looked up: a parser of addresses needs a
model for each country, and two spellings of one address that stay apart cost a link, not an error.
The house, its number and the first word of the street's name, is a coarser signal: lists leave out
the kind of street, the floor, the town.
"""

from __future__ import annotations

from linkage.config import SignalsConfig
from linkage.signals.base import Cleaned, Rejected, Value
from linkage.signals.text import PLACEHOLDER, is_placeholder, tidy, unusable, words

TOO_SHORT = Rejected("too short")
NO_HOUSE = Rejected("no house number")

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
_DIRECTIONS = frozenset(["n", "s", "e", "w", "ne", "nw", "se", "sw"])
_NUMBER_SIGNS = frozenset({"no", "nr", "num", "number"})


def clean(raw: str, config: SignalsConfig) -> Cleaned:
    """The address of one raw value.

    >>> clean("221 East 51st Street,\\nChicago", SignalsConfig())
    (Value(kind='address', value='221 e 51st st chicago'), Value(kind='house', value='221 51st'))
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
    house = _house(address.split())
    return (Value("address", address), *((Value("house", house),) if house else ()))


def clean_house(raw: str, config: SignalsConfig) -> Cleaned:
    """The house of one raw value: number and street.

    >>> clean_house("27 W. Hauptstr. 9", SignalsConfig())
    (Value(kind='house', value='27 hauptstr'),)
    """
    cleaned = clean(raw, config)
    if isinstance(cleaned, Rejected):
        return cleaned
    return cleaned[1:] or NO_HOUSE


def _house(parts: list[str]) -> str | None:
    """The first number and the first word of the street's name after it, or else before it."""
    number = next((i for i, w in enumerate(parts) if w[0].isdigit() and w.strip("0")), None)
    if number is None:
        return None
    before = parts[number - 1 : number] if number else []
    names = [w for w in parts[number + 1 :] + before if w not in _DIRECTIONS and _is_word(w)]
    return f"{parts[number]} {names[0]}" if names else None


def _is_word(text: str) -> bool:
    return len(text) > 1 and any(c.isalpha() for c in text)


def _short(word: str) -> str:
    if word.endswith("strasse") and word != "strasse":
        word = word.removesuffix("asse")
    return _SHORT.get(word, word)
