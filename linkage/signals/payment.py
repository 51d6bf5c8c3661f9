"""Payment methods: fingerprints from a payment provider, and cards.

A fingerprint is compared as it stands, but for the case of hexadecimal. A column that holds card
numbers is a mishap; the number is replaced by a hash and its issuer's BIN, so that equal cards
still match and the number itself stands nowhere. (Card numbers are few enough to be guessed from
a hash by trying: a hash keeps them out of sight, not out of reach. Export fingerprints instead.)
"""

from __future__ import annotations

import hashlib
import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from linkage.config import SignalsConfig
from linkage.signals import bin as bins
from linkage.signals.base import Cleaned, Levels, Rejected, Value
from linkage.signals.text import listed, tidy, unusable

TEST_CARD = Rejected("test card")
LONGEST_CARD = 60
"""Characters of the longest text that may be a card: 19 digits, spaced and padded."""
MASKED = Rejected("masked number")

# what issuers use, so that a number of another sort is not taken for a card: Visa, Mastercard,
# American Express, Discover, Diners, JCB, UnionPay, Maestro, Mir
_CARD = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})|5[1-5][0-9]{14}|2(?:2[2-9]|[3-6][0-9]|7[01])[0-9]{13}"
    r"|3[47][0-9]{13}|6(?:011|4[4-9][0-9]|5[0-9]{2})[0-9]{12}|3(?:0[0-5]|[68][0-9])[0-9]{11}"
    r"|35[0-9]{14}|62[0-9]{14,17}|(?:50|5[6-9]|6[0-9])[0-9]{10,17}|220[0-4][0-9]{12}"
).fullmatch
_GROUPED = re.compile(r"[0-9][0-9 .\-]*").fullmatch
_HIDDEN = re.compile(r"([0-9]{6,8})?[x*•·.# -]*[x*•·#][x*•·.# -]*([0-9]{2,4})?", re.I).fullmatch
_HASHED = re.compile(r"pan:([0-9]{6}):[0-9a-f]{16}").fullmatch
_HEXADECIMAL = re.compile(r"(?:0x)?[0-9A-Fa-f-]+").fullmatch
# as published by the providers for trying things out
_TEST_CARDS = listed(
    """
    4242424242424242 4000056655665556 4111111111111111 4012888888881881 4222222222222
    4000000000000002 4000000000000077 4000000000003220 4000000000009995 4000002500003155
    4000002760003184 4000000000000341 4000008260000000 4917610000000000 4917484589897107
    4444333322221111 4988438843884305 4166676667666746 4646464646464644 4009348888881881
    4217651111111119 4500600000000061 4005519200000004 4012000033330026 4012000077777777
    5555555555554444 5105105105105100 5200828282828210 5454545454545454 5424000000000015
    5555341244441115 5136333333333335 5577000055770004 5555555555554445 2223003122003222
    2223000048400011 2222400070000005 2222420000001113 2720990000000007 378282246310005
    371449635398431 378734493671000 370000000000002 341111111111111 6011111111111117
    6011000990139424 6011981111111113 6011000400000000 6445644564456445 3056930009020004
    30569309025904 38520000023237 36227206271667 36006666333344 3566002020360505
    3530111333300000 6200000000000005 6205500000000000004 6304000000000000 5018000000000009
    6759649826438453 5000550000000029 4000000000000010 4000000000000028 4000000000000069
    4000000000000119 4000000000000127 4000000000000259
    """
)
# a prefix that says whose it is, as Stripe and others have it; and a digit, as no test token has
_ORDINARY = "^[a-z]{2,10}_[0-9A-Za-z]{0,40}[1-9][0-9A-Za-z]{0,40}$"
_TEST_TOKEN = re.compile(r"(?:tok|pm_card|btok)_[a-z]+(?:_[A-Za-z]+)*").fullmatch


def clean(raw: str, config: SignalsConfig) -> Cleaned:
    """The payment method of one raw value; for cards also their BIN.

    >>> clean(" pm_1JxTabXXQ ", SignalsConfig())
    (Value(kind='payment', value='pm_1JxTabXXQ'),)
    >>> clean("4242 4242 4242 4242", SignalsConfig()).reason
    'test card'
    """
    text = tidy(raw)
    problem = unusable(text)
    if problem:
        return problem
    plain = Value("payment", text.lower() if _HEXADECIMAL(text) else text)
    return _as_card(text) or (plain,)


def clean_many(raw: pa.Array) -> tuple[npt.NDArray[np.bool_], Levels]:
    """The fingerprints of providers among an array, which stand as they are."""
    taken = pc.match_substring_regex(raw, _ORDINARY)
    return taken.to_numpy(zero_copy_only=False), [("payment", raw.filter(taken))]


def passes_luhn(number: str) -> bool:
    """Whether the last of some digits checks the others, as on every card.

    >>> passes_luhn("4242424242424242"), passes_luhn("4242424242424243")
    (True, False)
    """
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (sum(map(int, number[::-2])) + sum(doubled)) % 10 == 0


def _as_card(text: str) -> Cleaned | None:
    """What a card number yields, in any of its forms; None if the text is none."""
    if len(text) > LONGEST_CARD:
        return None
    if text[0].isdigit() and _GROUPED(text):
        number = re.sub(r"[^0-9]", "", text)
        if _CARD(number) and passes_luhn(number):
            return TEST_CARD if number in _TEST_CARDS else _card(number)
    hashed = _HASHED(text)
    if hashed:
        return (Value("payment", text), Value("bin", hashed[1]))
    hidden = _HIDDEN(text)
    if hidden and hidden[1] and hidden[2]:
        shown = f"{hidden[1]}*{hidden[2]}"
        return (Value("payment", shown), Value("bin", hidden[1][: bins.DIGITS]))
    if hidden:  # the last digits alone are shared by one card in ten thousand
        return MASKED
    return TEST_CARD if _TEST_TOKEN(text) else None


def _card(number: str) -> Cleaned:
    digest = hashlib.sha256(b"linkage card " + number.encode()).hexdigest()
    start = number[: bins.DIGITS]
    return (Value("payment", f"pan:{start}:{digest[:16]}"), Value("bin", start))
