"""What kinds are called where people read them: one table for the command line and the report.

A kind has a name by itself (`IP address`), a short one for crowded tables, and a noun that can be
counted in a sentence, where "12 addresses" are read as addresses of the network. Whoever types a
kind may type any of these. A test holds that the report's pages have the same words.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

SHARING = "_sharing"
"""How the name of a kind ends that says how widely another kind's signals are shared."""


class Words(NamedTuple):
    """The words of a kind: by itself, in a crowded table, counted in a sentence."""

    name: str
    short: str
    noun: str


WORDS = {
    "payment": Words("payment card", "card", "card"),
    "bin": Words("card's first digits", "card's first digits", "card issuer"),
    "ip": Words("IP address", "IP", "address"),
    "ip_range": Words("address range", "address range", "address range"),
    "prompt": Words("prompt template", "template", "prompt template"),
    "email": Words("e-mail", "e-mail", "mailbox"),
    "email_alias": Words("email alias", "email alias", "mail alias"),
    "email_domain": Words("e-mail domain", "e-mail domain", "mail domain"),
    "address": Words("postal address", "address", "postal address"),
    "sign_up": Words("hour of sign-up (UTC)", "sign-up hour", "sign-up hour"),
    "sign_up_day": Words("day of sign-up (UTC)", "sign-up day", "sign-up day"),
    "referral": Words("invited by", "invited by", "referral"),
    "transfer": Words("transfer to", "transfer to", "transfer"),
}
"""Other kinds have their own name, with spaces."""


def name(kind: str) -> str:
    """What a kind is called by itself.

    >>> name("ip_range"), name("user_agent"), name("payment_sharing")
    ('address range', 'user agent', 'how widely the payment card is shared')
    """
    if kind.endswith(SHARING):
        return f"how widely the {name(kind.removesuffix(SHARING))} is shared"
    return WORDS[kind].name if kind in WORDS else kind.replace("_", " ")


def short(kind: str) -> str:
    """What a kind is called in a crowded table.

    >>> short("ip"), short("user_agent"), short("payment_sharing")
    ('IP', 'user agent', 'card sharing')
    """
    if kind.endswith(SHARING):
        return f"{short(kind.removesuffix(SHARING))} sharing"
    return WORDS[kind].short if kind in WORDS else kind.replace("_", " ")


def name_sql(column: str) -> str:
    """SQL of what the kind in a column is called by itself.

    >>> name_sql("kind").split(" WHEN ")[:2]
    ['CASE kind', "'payment' THEN 'payment card'"]
    """
    cases = " ".join(
        "WHEN '{}' THEN '{}'".format(kind, each.name.replace("'", "''"))
        for kind, each in WORDS.items()
    )
    return f"CASE {column} {cases} ELSE replace({column}, '_', ' ') END"


def count(number: int, noun: str) -> str:
    """A number of things.

    >>> count(1, "signal"), count(1200, "signal")
    ('1 signal', '1,200 signals')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def kind_called(word: str, kinds: Collection[str]) -> str | None:
    """Which of the `kinds` a word names, in whatever case and with whatever separators, or None.

    >>> kinds = ["ip", "ip_range", "address", "payment"]
    >>> kind_called("IP range", kinds), kind_called("address range", kinds)
    ('ip_range', 'ip_range')
    >>> kind_called("address", kinds), kind_called("Card", kinds), kind_called("fax", kinds)
    ('address', 'payment', None)
    """
    wanted = plain(word)
    for kind in kinds:
        if plain(kind) == wanted:
            return kind
    for kind in kinds:
        if any(plain(text) == wanted for text in WORDS.get(kind, ())):
            return kind
    return None


def plain(text: str) -> str:
    """A text without case and separators.

    >>> plain("Client IP"), plain("client_ip")
    ('clientip', 'clientip')
    """
    return "".join(c for c in text.casefold() if c.isalnum())
