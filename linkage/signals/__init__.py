"""Signals: what kinds there are, and how a raw value of each becomes one.

Raw values of observations arrive, normalised values leave, from fine to coarse. To add a kind,
write one file with a `clean` function and add one line here.
"""

from __future__ import annotations

from linkage.config import SignalsConfig
from linkage.engine import Engine
from linkage.signals import (
    account,
    address,
    device,
    domain,
    email,
    generic,
    ip,
    name,
    payment,
    phone,
    table,
    user_agent,
    website,
)
from linkage.signals import bin as bins
from linkage.signals.base import Clean, Cleaned, Kind, Rejected, Value

__all__ = [
    "ACQUAINTED",
    "DIRECT_KINDS",
    "KINDS",
    "Clean",
    "Cleaned",
    "Kind",
    "Rejected",
    "Value",
    "clean",
    "kind_of",
]

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "payment",
            payment.clean,
            True,
            "a payment method: fingerprint of a card or account",
            payment.clean_many,
        ),
        Kind("bin", bins.clean, False, "the issuer of a card: its first six to eight digits"),
        Kind("ip", ip.clean, False, "a public IPv4 or IPv6 address", ip.clean_many),
        Kind("ip_range", ip.clean_range, False, "a /24 of IPv4 or a /64 of IPv6"),
        Kind("prompt", generic.clean_prompt, True, "a prompt template"),
        Kind("email", email.clean, True, "a mailbox", email.clean_many),
        Kind(
            "email_alias", email.clean_alias, True, "a mailbox under other spellings: tags and dots"
        ),
        Kind("email_domain", domain.clean, True, "a mail domain where not anybody gets an address"),
        Kind("phone", phone.clean, True, "a phone number", phone.clean_many),
        Kind("phone_range", phone.clean_range, False, "a thousand phone numbers in sequence"),
        Kind(
            "device",
            device.clean,
            True,
            "a device or browser fingerprint, an installation",
            device.clean_many,
        ),
        Kind("user_agent", user_agent.clean, False, "what a program says it is"),
        Kind("address", address.clean, True, "a postal address"),
        Kind("house", address.clean_house, True, "a house: number and street"),
        Kind("name", name.clean, True, "a name of a person or organisation", name.clean_many),
        Kind("website", website.clean, True, "a website"),
        Kind("referral", account.cleaner("referral"), True, "the account that invited this one"),
        Kind("transfer", account.cleaner("transfer"), True, "an account that got something"),
    )
}

DIRECT_KINDS = ("referral", "transfer")
"""Kinds whose values are other accounts. Printed, a tuple is what SQL's IN takes."""

HELD = ("payment", "device", "phone")
"""Things that one has, and that others use only by leave."""

ACQUAINTED = ("name", *DIRECT_KINDS)
"""Personal kinds that tie namesakes, and people who know each other."""


def kind_of(name: str) -> Kind:
    """The kind of a name; one that is not known is text, compared without case.

    >>> kind_of("ip").personal, kind_of("tax_id").meaning
    (False, 'tax_id')
    """
    return KINDS.get(name) or Kind(name, generic.cleaner(name), True, name)


def clean(engine: Engine, config: SignalsConfig) -> None:
    """Make `cleaned` from `observations`: each distinct raw value once, with all its signals.

    What is no signal goes to `rejected`, counted by kind and reason. `InputError` if most values
    of a kind are not of that kind at all: then a column was taken for something else.
    """
    phone.check(config)
    table.clean(engine, config, kind_of)
