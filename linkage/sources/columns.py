"""Which column means what: aliases, overruled by what the user maps.

Column names arrive, a use for each leaves: the kind of its values, or one of the roles (the
account, the two times, and the kind and value of a long table). Names are compared without case
and separators, so "Client IP" is `client_ip`. The same words name kinds in long tables.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from linkage.errors import ConfigError, shorten, suggestion
from linkage.words import kind_called, plain

ROLES = ("account", "created_at", "timestamp", "kind", "value")
PROMPT = "prompt"
IGNORE = "ignore"

NEAR = 0.8
"""How like a known kind (difflib's ratio) a word is that was meant for it: `devcie`, `emial`."""

BARE = "id"
"""The account, if a table names no other, and its values are not those of its rows."""

# the order within a line is the order of preference, where a table can have only one of them
ALIASES: dict[str, tuple[str, ...]] = {
    "account": (
        "account_id",
        "account",
        "user_id",
        "user",
        "uid",
        "customer_id",
        "customer",
        "acct_id",
        "acct",
        "member_id",
        "player_id",
        "profile_id",
        "subscriber_id",
        "worker_id",
        BARE,
    ),
    "created_at": (
        "created_at",
        "signup_at",
        "registered_at",
        "account_created_at",
        "account_created",
        "signed_up_at",
        "signup_time",
        "signup_ts",
        "signup_date",
        "registered_on",
        "registration_time",
        "registration_date",
        "reg_date",
        "date_registered",
        "joined_at",
        "join_date",
        "joined",
        "member_since",
        "date_joined",
        "created",
        "created_on",
        "created_time",
        "created_date",
        "creation_time",
        "creation_date",
        "date_created",
    ),
    "timestamp": (
        "timestamp",
        "ts",
        "time",
        "event_time",
        "occurred_at",
        "event_timestamp",
        "event_ts",
        "event_at",
        "datetime",
        "request_time",
        "requested_at",
        "login_time",
        "login_at",
        "logged_at",
        "sent_at",
        "posted_at",
        "session_start",
        "submitted_at",
        "date",
    ),
    "kind": ("kind",),
    "value": ("value",),
    "payment": (
        "payment_fingerprint",
        "card_fingerprint",
        "card_hash",
        "payment_id",
        "payment_method_id",
        "payment",
        "payment_hash",
        "payment_token",
        "payment_fp",
        "card_id",
        "card_token",
        "card_fp",
        "card_number",
        "iban",
        "iban_hash",
        "payout_iban",
        "bank_account",
        "bank_account_id",
        "bank_account_hash",
        "wallet_address",
    ),
    "bin": ("card_bin", "bin", "payment_bin"),
    "ip": (
        "ip",
        "ip_address",
        "client_ip",
        "remote_addr",
        "ip_addr",
        "remote_ip",
        "source_ip",
        "src_ip",
        "user_ip",
        "ipv4",
        "ipv6",
        "login_ip",
        "last_ip",
        "last_login_ip",
        "signup_ip",
        "registration_ip",
        "register_ip",
        "reg_ip",
        "creation_ip",
        "created_ip",
    ),
    "prompt": (
        "prompt",
        "message",
        "input",
        "text",
        "prompts",
        "messages",
        "prompt_text",
        "message_text",
        "user_message",
        "user_prompt",
        "content",
        "body",
        "comment_text",
        "review_text",
        "answer_text",
        "post_text",
    ),
    "email": (
        "email",
        "email_address",
        "mail",
        "user_email",
        "contact_email",
        "signup_email",
        "login_email",
    ),
    "email_domain": ("email_domain", "mail_domain"),
    "phone": (
        "phone",
        "phone_number",
        "mobile_number",
        "mobile_phone",
        "telephone",
        "telephone_number",
        "tel",
        "cell_phone",
        "msisdn",
        "contact_phone",
        "phone_e164",
    ),
    "device": (
        "device_id",
        "device",
        "fingerprint",
        "device_fingerprint",
        "device_hash",
        "device_fp",
        "device_uuid",
        "device_token",
        "device_serial",
        "browser_fingerprint",
        "browser_fp",
        "browser_id",
        "fingerprint_id",
        "fingerprint_hash",
        "visitor_id",
        "installation_id",
        "install_id",
        "hardware_id",
        "hwid",
        "imei",
        "android_id",
    ),
    "user_agent": ("user_agent", "ua", "http_user_agent", "browser_ua"),
    "address": (
        "address",
        "billing_address",
        "shipping_address",
        "delivery_address",
        "street_address",
        "postal_address",
        "mailing_address",
        "home_address",
    ),
    "name": (
        "name",
        "full_name",
        "legal_name",
        "real_name",
        "customer_name",
        "cardholder_name",
        "account_holder",
    ),
    "website": ("website", "homepage"),
    "ip_range": ("ip_range",),
    "phone_range": ("phone_range",),
    "referral": (
        "referred_by",
        "referrer_id",
        "invited_by",
        "referral",
        "inviter_id",
        "referred_by_id",
    ),
    "transfer": ("transfer_to", "transfer", "transferred_to"),
}
KINDS = tuple(kind for kind in ALIASES if kind not in ROLES)


_BY_NAME = {plain(alias): kind for kind, aliases in ALIASES.items() for alias in aliases}
_RANK = {plain(a): rank for aliases in ALIASES.values() for rank, a in enumerate(aliases)}


def rank(name: str) -> int:
    """How early among the aliases of its kind a name stands; the earlier, the likelier.

    >>> rank("prompt"), rank("Text"), rank("note")
    (0, 3, 99)
    """
    return _RANK.get(plain(name), 99)


@dataclass(frozen=True)
class Use:
    """What a column is used for: a kind or role, or nothing, and why nothing."""

    kind: str | None
    note: str = ""
    mapped: bool = False
    """Whether the user said so."""


def kind_of(word: str) -> str | None:
    """The kind that a long table's word names, or nothing if it names none.

    >>> kind_of("Card Fingerprint"), kind_of("Wallet-Hash"), kind_of("timestamp"), kind_of("7")
    ('payment', 'wallet_hash', None, None)
    """
    known = _BY_NAME.get(plain(word)) or kind_called(word, KINDS)
    if known is not None:
        return None if known in ROLES else known
    snake = re.sub(r"[^a-z0-9]+", "_", word.strip().lower()).strip("_")
    return snake if re.fullmatch(r"[a-z][a-z0-9_]*", snake) else None


def checked_rules(rules: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """The user's mapping with kinds resolved; `ConfigError` for a bad kind or an absent column.

    >>> checked_rules({"CC": "card_fingerprint"}, ["cc", "id"])
    {'CC': 'payment'}
    """
    present = sorted(set(names))
    found = set(present) | {plain(name) for name in present}
    resolved = {}
    for column, word in rules.items():
        if column not in found and plain(column) not in found:
            raise ConfigError(
                f"--map {column}={word}: no input has a column {shorten(column)}. "
                + suggestion(column, present)
            )
        resolved[column] = _mapped(column, word)
    return resolved


def _mapped(column: str, word: str) -> str:
    """The kind or role that the user's word for a column names."""
    known = (*ROLES, *KINDS, IGNORE)
    found = kind_called(word, known) or _BY_NAME.get(plain(word))
    if found is not None:
        return found
    kind = word.strip().lower()
    if not re.fullmatch(r"[a-z][a-z0-9_]*", kind):
        raise ConfigError(
            f"--map {column}={word}: a kind is a word of small letters, digits and _, "
            f"found {shorten(word)}. " + suggestion(word, known)
        )
    if near := difflib.get_close_matches(kind, known, n=1, cutoff=NEAR):
        raise ConfigError(
            f"--map {column}={word}: no kind {shorten(word)}. Did you mean {shorten(near[0])}? "
            "For a kind of your own, take a word that is less like it."
        )
    return kind


def uses(
    names: Sequence[str],
    rules: Mapping[str, str],
    shapes: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
) -> list[Use]:
    """The use of each column of one table.

    `rules` come from `checked_rules`; `shapes` says which columns hold "lists" or "records";
    `labels` tell columns of one name apart.

    >>> [use.kind for use in uses(["User ID", "Client IP", "notes"], {})]
    ['account', 'ip', None]
    >>> [use.kind for use in uses(["Id", "notes"], {"Id": "account", "notes": "phone"})]
    ['account', 'phone']
    >>> [use.kind for use in uses(["ip", "ip"], {"ip (2)": "ignore"}, labels=["ip", "ip (2)"])]
    ['ip', None]
    """
    labels = labels or names
    plain_rules = {
        plain(column): kind for column, kind in rules.items() if column not in {*names, *labels}
    }
    result: list[Use] = []
    for position, (name, label) in enumerate(zip(names, labels, strict=True)):
        said = (
            (rules, label),
            (plain_rules, plain(label)),
            (rules, name),
            (plain_rules, plain(name)),
        )
        rule = next((where[word] for where, word in said if word in where), None)
        kind = rule or _BY_NAME.get(plain(name))
        if rule == IGNORE:
            result.append(Use(None, "ignored"))
        elif kind is None:
            result.append(Use(None, "not recognised"))
        elif shapes and kind != PROMPT and not _fits(kind, shapes[position]):
            result.append(Use(None, f"not used as {kind}: holds {shapes[position]}"))
        else:
            result.append(Use(kind, mapped=rule is not None))
    for role in ROLES:
        _keep_one(role, names, result)
    kinds = {use.kind for use in result}
    for one, other in (("kind", "value"), ("value", "kind")):
        if one in kinds and other not in kinds:
            for i, use in enumerate(result):
                if use.kind == one:
                    result[i] = Use(None, f"not used: there is no column {other}")
    return result


def of_rows(uses: Sequence[Use]) -> list[Use]:
    """The uses of a table whose `created_at` turns out to be of its rows, not of its accounts.

    >>> [use.kind for use in of_rows(uses(["user", "created_at", "ip"], {}))]
    ['account', 'timestamp', 'ip']
    """
    return [replace(use, kind="timestamp") if use.kind == "created_at" else use for use in uses]


def _fits(kind: str, shape: str) -> bool:
    """Whether a column of this shape can be used so: a row has one account, and may list ips."""
    return not shape or (shape == "lists" and kind not in ROLES)


def _keep_one(role: str, names: Sequence[str], result: list[Use]) -> None:
    """Leave a role to the column that the user mapped, else to the first alias."""
    candidates = [i for i, use in enumerate(result) if use.kind == role]
    chosen_by_user = [i for i in candidates if result[i].mapped]
    if len({names[i] for i in chosen_by_user}) > 1:
        both = " and ".join(shorten(names[i]) for i in chosen_by_user)
        raise ConfigError(f"--map: {both} are both mapped to {role}; a table has one. Drop one.")
    if len(candidates) < 2:
        return
    best = min(candidates, key=lambda i: (not result[i].mapped, rank(names[i]), i))
    for i in candidates:
        if i != best:
            result[i] = Use(None, f"not used: {names[best]} is the {role}")
