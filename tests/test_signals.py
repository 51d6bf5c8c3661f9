"""Signals of each kind: known answers, and what holds for any text."""

from __future__ import annotations

import hashlib
import ipaddress

import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from linkage.config import SignalsConfig
from linkage.errors import ConfigError
from linkage.signals import KINDS, Cleaned, Kind, Rejected, kind_of, phone
from linkage.signals.email import domain_class
from linkage.signals.payment import passes_luhn

SETTINGS = [SignalsConfig(), SignalsConfig(phone_region="US"), SignalsConfig(phone_region="DE")]


def cleaned(kind: str, raw: str, **config: str) -> str | list[str]:
    """The reason of a rejection, or values; a coarser one names its kind."""
    result: Cleaned = kind_of(kind).clean(raw, SignalsConfig(**config))
    if isinstance(result, Rejected):
        return result.reason
    return [v.value if v.kind == kind else f"{v.kind}={v.value}" for v in result]


# ------------------------------------------------------------------- any kind


HOSTILE = st.one_of(
    st.text(),
    st.text(alphabet="0123456789.:[]%/,+-()x ABCDEFabcdef*@"),
    st.text(alphabet="ab.+-_@ß İı\u0301\u200b\u00a0\ufb01\u2126'`mrdnosteax #0123456789"),
    st.sampled_from(["a@b.c", "1.2.3.4", "+49 30 1234", "4000 0000 0000 0002"]).flatmap(
        lambda text: st.tuples(st.text(max_size=3), st.just(text), st.text(max_size=3)).map("".join)
    ),
    st.from_regex(r"\A\+?[0-9]{6,18}\Z"),
    st.ip_addresses().map(str),
    st.emails(),
)


@pytest.mark.parametrize("kind", [*KINDS.values(), kind_of("tax_id")], ids=lambda kind: kind.name)
@given(raw=HOSTILE, config=st.sampled_from(SETTINGS))
@settings(max_examples=300, deadline=None)
@example(raw="+49009142119", config=SETTINGS[0])
@example(raw="no no 5 street", config=SETTINGS[0])
@example(raw="mr' \u0301", config=SETTINGS[0])
def test_cleaning_twice_equals_once(kind: Kind, raw: str, config: SignalsConfig) -> None:
    result = kind.clean(raw, config)
    if isinstance(result, Rejected):
        assert result.reason
        return
    assert result
    for i, (name, value) in enumerate(result):
        assert value
        assert value == value.strip()
        assert KINDS.get(name, kind).clean(value, config) == result[i:]


COMMON = ["", " ", "-", "--", "?", "N/A", "na", "none", "NULL", "nil", "undefined", "unknown"]
COMMON += ["nan", "[redacted]", "(unknown)", "********", "000", "xxx", "\u200b", "ｎ／ａ", "test"]


@pytest.mark.parametrize("kind", [*KINDS, "tax_id"])
@pytest.mark.parametrize("raw", COMMON)
def test_placeholders_never_link(kind: str, raw: str) -> None:
    if kind in ("referral", "transfer") and raw.isdigit():
        return  # "000" may be an account
    if kind in ("referral", "transfer") and not raw.isascii():
        return  # account ids are compared as they stand
    assert cleaned(kind, raw) == "placeholder"


@pytest.mark.parametrize("kind", [*KINDS, "tax_id"])
def test_values_beyond_any_length_are_refused(kind: str) -> None:
    for raw in ("ab1", "<a@b", "1.2.3.4, ", "a.b@c.d", "ß"):
        result = cleaned(kind, raw * 10_000)
        assert isinstance(result, list) == (kind == "prompt")


def test_an_unknown_kind_is_text_without_case() -> None:
    kind = kind_of("Site name")
    assert kind.personal
    assert kind.clean(" Tom  THUMB\n", SignalsConfig()) == (("Site name", "tom thumb"),)


def test_what_strangers_share_is_not_personal() -> None:
    assert {k.name for k in KINDS.values() if not k.personal} == {
        "ip",
        "ip_range",
        "user_agent",
        "bin",
        "phone_range",
    }


# ------------------------------------------------------------------------- ip


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("84.12.7.9", ["84.12.7.9", "ip_range=84.12.7.0/24"]),
        (" 84.12.7.9:5678 ", ["84.12.7.9", "ip_range=84.12.7.0/24"]),
        ("84.12.7.9/32", ["84.12.7.9", "ip_range=84.12.7.0/24"]),
        ("::ffff:84.12.7.9", ["84.12.7.9", "ip_range=84.12.7.0/24"]),
        ("64:ff9b::540c:709", ["84.12.7.9", "ip_range=84.12.7.0/24"]),
        ("2002:540c:0709:1::1", ["84.12.7.9", "ip_range=84.12.7.0/24"]),
        ("2001:0:4136:e378:8000:63bf:abf3:f8f6", ["84.12.7.9", "ip_range=84.12.7.0/24"]),
        ("10.1.1.1, 84.12.7.9, 84.12.7.10", ["84.12.7.9", "ip_range=84.12.7.0/24"]),
        ('for="[2a02:8071::7]:80";by=10.0.0.1', ["2a02:8071::7", "ip_range=2a02:8071::/64"]),
        ("2A02:8071:0:1:0:0:0:7", ["2a02:8071:0:1::7", "ip_range=2a02:8071:0:1::/64"]),
        ("[2a02:8071:0:1::7]:443", ["2a02:8071:0:1::7", "ip_range=2a02:8071:0:1::/64"]),
        ("2a02:8071:0:1::7%eth0", ["2a02:8071:0:1::7", "ip_range=2a02:8071:0:1::/64"]),
        ("0.0.0.0", "unspecified address"),
        ("::", "unspecified address"),
        ("10.255.0.1", "private address"),
        ("172.31.255.255", "private address"),
        ("192.168.0.1:80", "private address"),
        ("fd00::1", "private address"),
        ("::ffff:192.168.1.1", "private address"),
        ("100.64.0.1", "carrier-grade NAT address"),
        ("100.127.255.255", "carrier-grade NAT address"),
        ("127.0.0.1", "loopback address"),
        ("::1", "loopback address"),
        ("169.254.1.1", "link-local address"),
        ("fe80::1%en0", "link-local address"),
        ("192.0.2.7", "documentation address"),
        ("198.51.100.7", "documentation address"),
        ("203.0.113.7", "documentation address"),
        ("2001:db8::7", "documentation address"),
        ("3fff::1", "documentation address"),
        ("198.19.255.255", "benchmark address"),
        ("239.1.1.1", "multicast address"),
        ("ff02::1", "multicast address"),
        ("255.255.255.255", "reserved address"),
        ("4000::1", "reserved address"),
        ("084.12.7.9", "not an address"),
        ("84.12.7", "not an address"),
        ("84.12.7.256", "not an address"),
        ("84.12.7.0/24", "not an address"),
        ("1:2:3", "not an address"),
        ("anna", "not an address"),
    ],
)
def test_ip(raw: str, expected: str | list[str]) -> None:
    assert cleaned("ip", raw) == expected


def test_neighbours_of_special_ranges_are_public() -> None:
    for raw in ("9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.32.0.0"):
        assert cleaned("ip", raw)[0] == raw


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_an_ipv4_address_is_public_where_the_standard_library_says_so(number: int) -> None:
    address = ipaddress.IPv4Address(number)
    public = isinstance(cleaned("ip", str(address)), list)
    # the library counts multicast as global, and the old relays of 6to4
    relay = address in ipaddress.ip_network("192.88.99.0/24")
    # single hosts of 192.0.0.0/24 have become global; nobody's client is one
    special = address in ipaddress.ip_network("192.0.0.0/24")
    assert public == (address.is_global and not (address.is_multicast or relay or special))


@given(st.integers(0, 2**125 - 1))
@settings(deadline=None)
def test_ipv6_in_its_canonical_form(low: int) -> None:
    address = ipaddress.IPv6Address((1 << 125) + low)
    result = cleaned("ip", address.exploded)
    if isinstance(result, list) and ":" in result[0]:
        network = ipaddress.ip_network((int(address) >> 64 << 64, 64))
        assert result == [str(address), f"ip_range={network}"]
    else:
        carried = address.sixtofour or (address.teredo and address.teredo[1])
        assert carried or not address.is_global or address in ipaddress.ip_network("3fff::/20")


IDS = st.one_of(
    st.uuids().map(str),
    st.text("0f-", min_size=12, max_size=18),
    st.from_regex(r"\A(pm|tok|xx)_[0a1xX]{1,12}\Z"),
)
ADDRESSES = st.one_of(
    st.ip_addresses().map(str),
    st.from_regex(r"\A(2001|2002|2a00|3ffe)(:(0|1|db8|1db8)){7}\Z"),
)
NAMES = st.from_regex(r"\A(dr|Anna|John|Doe|x|Test|name) (ms|Bell|doe|x|User|Name)\Z")
MAILBOXES = st.from_regex(
    r"\A[abc._]{1,5}@(gmail\.com|pm\.me|web\.de|dssg\.org|a\.dssg\.co\.uk|test\.com|abc\.de|local)\Z"
)
NUMBERS = st.builds(
    lambda country, digits: f"+{country}{digits}",
    st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)),
    st.text("0123456789", min_size=5, max_size=12),
)


@given(st.lists(st.one_of(HOSTILE, ADDRESSES, IDS, NAMES, MAILBOXES, NUMBERS)))
@settings(deadline=None)
@example(["noreply@dssg.org", "test1@gmail.com", "t.e.s.t@gmail.com", ".@gmail.com", "a.b-c@pm.me"])
@example(["+13122859902", "+12015550123", "+447412337001", "+441800207412", "+3612345678"])
@example(["pm_card_visa", "btok_visa", "tok_000", "pm_1JxTabXXQ", "ANNA bell", "Mr Bell", "X x"])
@example(["84.12.7.9", "084.12.7.9", "10.0.0.1", "84.12.7.9\n", "255.0.0.1", "0.1.2.3"])
@example(["0123456789abcdef", "0123-4567-89ab-cdef", "00000000000000", "f--0f00000000f0", "a" * 65])
def test_many_at_once_equal_one_by_one(values: list[str]) -> None:
    for kind in KINDS.values():
        if kind.clean_many is None:
            continue
        taken, levels = kind.clean_many(pa.array(values, pa.string()))
        quick: list[list[tuple[str, str]]] = [[] for _ in range(taken.sum())]
        for kinds, column in levels:
            names = [kinds] * len(column) if isinstance(kinds, str) else kinds.to_pylist()
            for found, name, value in zip(quick, names, column.to_pylist(), strict=True):
                found += [] if value is None else [(name, value)]
        one_by_one = [kind.clean(raw, SignalsConfig()) for raw in values]
        assert quick == [
            list(result) for result, is_taken in zip(one_by_one, taken, strict=True) if is_taken
        ]


def test_ip_range() -> None:
    assert cleaned("ip_range", "84.12.7.9") == ["84.12.7.0/24"]
    assert cleaned("ip_range", "84.12.7.9/20") == ["84.12.0.0/20"]
    assert cleaned("ip_range", "2A02:8071:1::/48") == ["2a02:8071:1::/48"]
    assert cleaned("ip_range", "10.0.0.0/8") == "private address"
    assert cleaned("ip_range", "84.12.7.0/33") == "not an address"


# -------------------------------------------------------------- payment and bin


def test_payment() -> None:
    assert cleaned("payment", " pm_1JxTabXXQ ") == ["pm_1JxTabXXQ"]
    assert cleaned("payment", "AB12ef") == ["ab12ef"]
    assert cleaned("payment", "AB12xy") == ["AB12xy"]
    assert cleaned("payment", "4242-4242-4242-4242") == "test card"
    assert cleaned("payment", "4111111111111111") == "test card"
    assert cleaned("payment", "pm_card_visa") == "test card"
    assert cleaned("payment", "**** **** **** 9182") == "masked number"
    assert cleaned("payment", "457173******9182") == ["457173*9182", "bin=457173"]


def test_a_card_number_is_never_kept() -> None:
    number = "4571736012345674"
    assert passes_luhn(number)
    digest = hashlib.sha256(b"linkage card " + number.encode()).hexdigest()[:16]
    for raw in (number, "4571 7360 1234 5674", "4571-7360-1234-5674"):
        assert cleaned("payment", raw) == [f"pan:457173:{digest}", "bin=457173"]
    # one digit changed: no card, so the text stands for itself
    assert cleaned("payment", "4571736012345675") == ["4571736012345675"]


@given(st.text(alphabet="0123456789", min_size=2, max_size=20))
@settings(deadline=None)
def test_luhn_finds_any_single_wrong_digit(number: str) -> None:
    checks = [passes_luhn(number[:-1] + digit) for digit in "0123456789"]
    assert sum(checks) == 1


def test_bin() -> None:
    assert cleaned("bin", "457173") == ["457173"]
    assert cleaned("bin", "4571 7360") == ["45717360", "457173"]
    assert cleaned("bin", "457173.0") == ["457173"]
    assert cleaned("bin", "45717") == "not a BIN"
    assert cleaned("bin", "000000") == "placeholder"


# ----------------------------------------------------------------------- email


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (" Anna@Dssg.ORG ", ["anna@dssg.org", "email_domain=dssg.org"]),
        (
            "anna+shop@dssg.org",
            ["email_alias=anna@dssg.org", "anna@dssg.org", "email_domain=dssg.org"],
        ),
        ("anna@a1.mail.dssg.co.uk", ["anna@a1.mail.dssg.co.uk", "email_domain=dssg.co.uk"]),
        ("an.na@dssg.org.", ["an.na@dssg.org", "email_domain=dssg.org"]),
        ("Anna Bell <anna@dssg.org>", ["anna@dssg.org", "email_domain=dssg.org"]),
        ("mailto:anna@dssg.org?subject=x", ["anna@dssg.org", "email_domain=dssg.org"]),
        ("anna@bücher.de", ["anna@xn--bcher-kva.de", "email_domain=xn--bcher-kva.de"]),
        ("anna@XN--BCHER-KVA.de", ["anna@xn--bcher-kva.de", "email_domain=xn--bcher-kva.de"]),
        ("A.n.n.a+x@googlemail.com", ["email_alias=anna@gmail.com", "anna@gmail.com"]),
        ("an.na+x@outlook.com", ["email_alias=an.na@outlook.com", "an.na@outlook.com"]),
        ("anna+x@fastmail.com", ["email_alias=anna@fastmail.com", "anna@fastmail.com"]),
        ("an_n.a+x@protonmail.com", ["email_alias=anna@proton.me", "anna@proton.me"]),
        ("an.na+x@me.com", ["email_alias=an.na@icloud.com", "an.na@icloud.com"]),
        ("anna-shop@yahoo.co.uk", ["email_alias=anna@yahoo.co.uk", "anna@yahoo.co.uk"]),
        ("anna-maria@outlook.com", ["anna-maria@outlook.com"]),
        ("anna@mailinator.com", ["anna@mailinator.com"]),
        ("anna@x.mailinator.com", ["anna@x.mailinator.com"]),
        ("5D41402ABC4B2A76B9719D911017C592", ["5d41402abc4b2a76b9719d911017c592"]),
        ("test@test.com", "placeholder"),
        ("test+1@gmail.com", "placeholder"),
        ("none@dssg.org", "placeholder"),
        ("a@a.com", "placeholder"),
        ("No-Reply@dssg.org", "no-reply address"),
        ("anna@example.com", "reserved domain"),
        ("anna@mail.example.org", "reserved domain"),
        ("anna@dssg.test", "reserved domain"),
        ("anna@localhost", "reserved domain"),
        ("anna@", "not an e-mail address"),
        ("@dssg.org", "not an e-mail address"),
        ("anna@dssg", "not an e-mail address"),
        ("anna bell@dssg.org", "not an e-mail address"),
        ("anna@84.12.7.9", "not an e-mail address"),
        ("...@gmail.com", "placeholder"),
        ("Anna", "not an e-mail address"),
    ],
)
def test_email(raw: str, expected: str | list[str]) -> None:
    assert cleaned("email", raw) == expected


def test_domain_class() -> None:
    free = ["gmail.com", "qq.com", "web.de", "tutanota.com", "privaterelay.appleid.com"]
    assert {domain_class(domain) for domain in free} == {"free"}
    disposable = ["mailinator.com", "a.b.mailinator.com", "YOPMAIL.com"]
    assert {domain_class(domain) for domain in disposable} == {"disposable"}
    assert {domain_class(domain) for domain in ["dssg.org", "mit.edu", "com"]} == {"own"}


def test_email_domain() -> None:
    assert cleaned("email_domain", "@Dssg.org") == ["dssg.org"]
    assert cleaned("email_domain", "mail.dssg.org") == ["dssg.org"]
    # as good as free: anybody gets a name there
    assert cleaned("email_domain", "somebody.github.io") == ["github.io"]
    assert cleaned("email_domain", "gmail.com") == "free mail domain"
    assert cleaned("email_domain", "x.mailinator.com") == "disposable mail domain"
    assert cleaned("email_domain", "example.com") == "reserved domain"
    assert cleaned("email_domain", "Anna Bell") == "not a domain"


# ----------------------------------------------------------------------- phone


@pytest.mark.parametrize(
    ("raw", "region", "expected"),
    [
        ("+1 (312) 285-9902", "", ["+13122859902", "phone_range=+13122859xxx"]),
        ("+44 (0)20 7219 4272", "", ["+442072194272", "phone_range=+442072194xxx"]),
        ("0044 20 7219 4272", "", ["+442072194272", "phone_range=+442072194xxx"]),
        ("tel:+1-312-285-9902;ext=7", "", ["+13122859902", "phone_range=+13122859xxx"]),
        ("(312) 285-9902", "US", ["+13122859902", "phone_range=+13122859xxx"]),
        ("(312) 285-9902 x12", "US", ["+13122859902", "phone_range=+13122859xxx"]),
        ("312.285.9902 ext. 12", "us", ["+13122859902", "phone_range=+13122859xxx"]),
        ("030 901820", "DE", ["+4930901820", "phone_range=+4930901xxx"]),
        ("(312)\n285-9902", "", ["3122859902"]),
        ("2859902", "", ["2859902"]),
        ("285-9902", "US", ["2859902"]),
        ("312 285 9902 / 312 285 9903", "US", ["+13122859902", "phone_range=+13122859xxx"]),
        ("٣١٢٢٨٥٩٩٠٢", "US", ["+13122859902", "phone_range=+13122859xxx"]),
        ("+1 312 555 0123", "", "fictional number"),
        ("555-0123", "", "fictional number"),
        ("+1 500 555 0006", "", "fictional number"),
        ("+44 7700 900123", "", "fictional number"),
        ("0000000", "", "placeholder"),
        ("1111111111", "", "placeholder"),
        ("+1 222 222 2222", "", "placeholder"),
        ("1234567", "", "placeholder"),
        ("0123456789", "DE", "placeholder"),
        ("123456", "", "not a phone number"),
        ("1234567890123456789", "", "not a phone number"),
        ("anna", "", "not a phone number"),
        ("2.34a+567", "", "not a phone number"),
    ],
)
def test_phone(raw: str, region: str, expected: str | list[str]) -> None:
    assert cleaned("phone", raw, phone_region=region) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("+44 7412 337 001", ["+447412337xxx"]),
        ("+447412337xxx", ["+447412337xxx"]),
        ("2859902", "not a phone number"),
        ("+1 222 222 2222", "placeholder"),
    ],
)
def test_phone_range(raw: str, expected: str | list[str]) -> None:
    assert cleaned("phone_range", raw) == expected


def test_an_unknown_region_is_refused() -> None:
    with pytest.raises(ConfigError) as error:
        phone.check(SignalsConfig(phone_region="USA"))
    assert str(error.value) == (
        'signals.phone_region must be a two-letter region such as US, found "USA". '
        'Did you mean "US"?'
    )


# ----------------------------------------------------------- the remaining kinds


def test_device() -> None:
    uuid = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
    assert cleaned("device", "{" + uuid.upper() + "}") == [uuid]
    assert cleaned("device", "AB:CD:12:34:56:78") == ["ab:cd:12:34:56:78"]
    assert cleaned("device", "Fp_aZ") == ["Fp_aZ"]
    zeros = "00000000-0000-0000-0000-000000000000"
    for raw in (zeros, zeros.replace("0", "F"), "0" * 15, "9774D56D682E549C", "02:00:00:00:00:00"):
        assert cleaned("device", raw) == "placeholder"


def test_user_agent() -> None:
    assert cleaned("user_agent", " Mozilla/5.0  (X11)\t") == ["Mozilla/5.0 (X11)"]
    assert cleaned("user_agent", "curl/8.1") == ["curl/8.1"]


def test_address() -> None:
    same = ["221 E. 51st St. ", "221 East 51st Street", "221 e 51ST st", "#221, E 51st St"]
    assert {tuple(cleaned("address", raw)) for raw in same} == {("221 e 51st st", "house=221 51st")}
    assert cleaned("address", "723-725 E 75TH St.") == cleaned("address", "723 725 E 75TH STREET")
    assert cleaned("address", "Hauptstraße 5") == cleaned("address", "Hauptstr. 5")
    assert cleaned("address", "Suite No. 7, 5 Oak Avenue") == ["ste 7 5 oak ave", "house=7 oak"]
    assert cleaned("address", "60653-1234") == "too short"
    assert cleaned("address", "Chicago") == "too short"
    assert cleaned("address", "हिन्दी मार्ग 5") == ["हिन्दी मार्ग 5", "house=5 मार्ग"]


def test_name() -> None:
    assert cleaned("name", "Dr. Anne-Marie O’Brien") == ["anne marie obrien"]
    assert cleaned("name", "MS. BLANTON & MS. JOHNSON") == ["blanton ms johnson"]
    assert cleaned("name", "Kim Lee") != cleaned("name", "Lee Kim")
    assert cleaned("name", "Anna") == ["anna"]
    for raw in ("John Doe", "Jane DOE", "Test User", "asdf", "Mr."):
        assert cleaned("name", raw) == "placeholder"


def test_website() -> None:
    same = ["dssg.org", "http://www.dssg.org/", "HTTPS://DSSG.org:443", "//dssg.org?x#y"]
    assert {tuple(cleaned("website", raw)) for raw in same} == {("dssg.org",)}
    assert cleaned("website", "https://x.com/Anna/") == ["x.com/Anna"]
    assert cleaned("website", "Anna") == "not a website"


@pytest.mark.parametrize("kind", ["referral", "transfer"])
def test_another_account_keeps_its_id(kind: str) -> None:
    for account in ("007", "7", "Acc-1", "a  b", "000", "x"):
        assert cleaned(kind, f" {account}\n") == [account]
    for nobody in ("0", "none", "NULL", "-", ""):
        assert cleaned(kind, nobody) == "placeholder"
