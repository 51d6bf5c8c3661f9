"""E-mail addresses: one mailbox, one value, and its domain if that says something.

Providers let one mailbox have many addresses (tags after a plus, dots anywhere, several domains);
that is the cheapest way to many accounts, so the rules of the large ones are known here. A tag
after a plus is dropped everywhere, since it means the same nearly everywhere. Hashed addresses
are taken as they are.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from linkage.config import SignalsConfig
from linkage.signals.base import Cleaned, Levels, Rejected, Value
from linkage.signals.domain import domain_class, host, registered, unreal
from linkage.signals.text import PLACEHOLDER, fold, listed, tidy, unusable

__all__ = ["clean", "domain_class"]

NOT_AN_EMAIL = Rejected("not an e-mail address")
NO_REPLY = Rejected("no-reply address")


class _Rule(NamedTuple):
    """How a provider reads an address: its main domain, what starts a tag, what it skips."""

    domain: str = ""
    tag: str = "+"
    skipped: str = ""


_RULES = {
    name: rule
    for rule, names in (
        (_Rule("gmail.com", "+", "."), "gmail.com googlemail.com"),
        (_Rule("proton.me", "+", "._-"), "proton.me protonmail.com protonmail.ch pm.me"),
        (_Rule("icloud.com"), "icloud.com me.com mac.com"),
        (
            _Rule("yandex.ru"),
            "yandex.ru yandex.com yandex.ua yandex.by yandex.kz yandex.com.tr ya.ru",
        ),
        (_Rule(tag="-"), "ymail.com rocketmail.com myyahoo.com"),
    )
    for name in names.split()
}
_YAHOO = _Rule(tag="-")
_ORDINARY = _Rule()

_PLAIN = r"^[a-z0-9._]{1,64}@[a-z0-9.-]{1,254}$"
_LOCAL = re.compile(r"[^\s@\"(),:;<>\[\]\\]{1,64}").fullmatch
_HASH = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})").fullmatch
_NO_REPLY = frozenset({"noreply", "no-reply", "no_reply", "donotreply", "do-not-reply"})
_NOBODY = listed(
    """
    test tester testing test1 test123 testuser none null nil na n/a nan unknown undefined
    noemail no-email no.email nomail noone nobody nothing asdf asdfasdf qwerty fake fakeemail
    example xxx foo foobar aaa abc123 redacted anonymous
    """
)


def clean(raw: str, config: SignalsConfig) -> Cleaned:
    """The mailbox of one raw value, and its domain as registered unless anybody gets one there.

    That it was reached by another spelling than its plain one is a signal of its own: an alias.

    >>> for value in clean("Anna.Bell+shop@GoogleMail.com", SignalsConfig()):
    ...     print(value)
    Value(kind='email_alias', value='annabell@gmail.com')
    Value(kind='email', value='annabell@gmail.com')
    >>> clean("mailto:anna@dssg.org", SignalsConfig())
    (Value(kind='email', value='anna@dssg.org'), Value(kind='email_domain', value='dssg.org'))
    """
    text = tidy(raw)
    if "@" not in text:
        return _without_at(text)
    if len(text) > 400:  # twice what an address with a display name takes
        return unusable(text) or NOT_AN_EMAIL
    if "<" in text:
        text = text.rpartition("<")[2].partition(">")[0].strip()
    if text[:7].lower() == "mailto:":
        text = text[7:].partition("?")[0].strip()
    local, _, domain = text.rpartition("@")
    at = _at(domain)
    if isinstance(at, Rejected):
        return at
    local = local.lower() if local.isascii() else fold(local)
    if not _LOCAL(local):
        return NOT_AN_EMAIL
    rule, name, coarser = at
    mailbox = local.partition(rule.tag)[0] or local
    if rule.skipped:
        mailbox = mailbox.translate({ord(c): None for c in rule.skipped})
    if mailbox in _NO_REPLY:
        return NO_REPLY
    if not mailbox or mailbox in _NOBODY or (len(mailbox) < 4 and name.startswith(mailbox + ".")):
        return PLACEHOLDER
    found = (Value("email", f"{mailbox}@{name}"), *coarser)
    return found if mailbox == local else _as_alias(found)


def clean_many(raw: pa.Array) -> tuple[npt.NDArray[np.bool_], Levels]:
    """The mailboxes among an array that are written plainly: in lower case, without a tag."""
    form = pc.match_substring_regex(raw, _PLAIN)
    parts = pc.split_pattern(raw.filter(form), "@")
    local, domain = (pc.list_element(parts, i) for i in (0, 1))
    domain = domain.dictionary_encode()
    # a rejected domain leaves null
    at = [None if isinstance(a := _at(d), Rejected) else a for d in domain.dictionary.to_pylist()]
    skipped, name, coarser = (
        pa.array(column, pa.string()).take(domain.indices)
        for column in (
            [a and a[0].skipped for a in at],
            [a and a[1] for a in at],
            [a[2][0].value if a and a[2] else None for a in at],
        )
    )
    mailbox = local
    for characters in sorted({a[0].skipped for a in at if a and a[0].skipped}):
        bare = pc.replace_substring_regex(local, f"[{characters}]", "")
        mailbox = pc.if_else(pc.equal(skipped, characters), bare, mailbox)
    odd = pc.or_(
        pc.less(pc.binary_length(mailbox), 4),
        pc.is_in(mailbox, pa.array(sorted(_NO_REPLY | _NOBODY))),
    )
    usual = pc.and_not(name.is_valid(), odd.fill_null(True))
    local, mailbox, name, coarser = (c.filter(usual) for c in (local, mailbox, name, coarser))
    address = pc.binary_join_element_wise(mailbox, name, "@")
    alias = pc.not_equal(mailbox, local)
    taken = form.to_numpy(zero_copy_only=False)
    taken[taken] = usual.to_numpy(zero_copy_only=False)
    return taken, [
        (pc.if_else(alias, "email_alias", "email"), address),
        (pc.if_else(alias, "email", "email_domain"), pc.if_else(alias, address, coarser)),
        ("email_domain", pc.if_else(alias, coarser, pa.scalar(None, pa.string()))),
    ]


def clean_alias(raw: str, config: SignalsConfig) -> Cleaned:
    """The mailbox of an address that is known to be an alias.

    >>> clean_alias("annabell@gmail.com", SignalsConfig())[0]
    Value(kind='email_alias', value='annabell@gmail.com')
    """
    found = clean(raw, config)
    if isinstance(found, Rejected) or found[0].kind == "email_alias":
        return found
    return _as_alias(found)


def _as_alias(found: tuple[Value, ...]) -> tuple[Value, ...]:
    return (Value("email_alias", found[0].value), *found)


def _without_at(text: str) -> Cleaned:
    problem = unusable(text)
    if problem:
        return problem
    digest = text.lower()
    return (Value("email", digest),) if _HASH(digest) else NOT_AN_EMAIL


@lru_cache(maxsize=1 << 16)
def _at(domain: str) -> tuple[_Rule, str, tuple[Value, ...]] | Rejected:
    """What holds for all addresses at a domain: the rule, its main name, coarser signals."""
    name = host(domain)
    if name is None:
        # "localhost" and the like have no dot
        return unreal(domain.lower()) or NOT_AN_EMAIL
    problem = unreal(name)
    if problem:
        return problem
    whose = domain_class(name)
    rule = _RULES.get(name, _YAHOO if name.startswith("yahoo.") else _ORDINARY)
    coarser = (Value("email_domain", registered(name)),) if whose == "own" else ()
    return rule, rule.domain or name, coarser
