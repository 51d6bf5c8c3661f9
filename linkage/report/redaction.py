"""Masks for `--redact`: what names a person becomes a keyed hash, so that equal values still match.

The key is drawn anew for each report and kept nowhere: two values can be compared within one
report, and nobody can try a list of addresses against it. Every kind is masked unless it is known
to name nobody, so a kind that nobody thought of is masked too. Account ids stay, since a report
is about accounts, unless they are an e-mail, a phone number or an address themselves. Notes of
investigators are free text, in which no pattern finds a name: they are left out unless asked for.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

from linkage.graph import SIGN_UP_KINDS
from linkage.signals import DIRECT_KINDS
from linkage.words import SHARING

# what these hold is no person's; addresses and numbers inside them are masked all the same
OPEN_KINDS = {"prompt", "user_agent", "created_at", "timestamp", *SIGN_UP_KINDS}

EMAIL = r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+"
IPV4 = r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?![\w.]*\w)"
IPV6 = r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?:/\d{1,3})?(?![\w:])"
DOMAIN = r"(?<![\w.])(?:[\w-]+\.)+[a-z]{2,}(?!\w)"
NUMBER = r"(?<![\w.])(?<!masked-)(?!\d{4}-\d\d-\d\d)\+?\d[\d ().-]{7,}\d(?!\w)"
PHONE = r"^\+\d[\d ().-]{6,}\d$"

IN_IDS = re.compile("|".join((EMAIL, IPV4, IPV6, PHONE)))
IN_TEXTS = re.compile("|".join((EMAIL, IPV4, IPV6, NUMBER)))
IN_SENTENCES = re.compile("|".join((EMAIL, IPV4, IPV6, NUMBER, DOMAIN)))
# the sentences in which a case repeats who judged and what was noted
JUDGED = re.compile(
    r"(confirmed as \S+ by |resembles \S+, which )(.*?)"
    r"((?: confirmed as \S+)? on \d{4}-\d\d-\d\d)(.*)",
    re.DOTALL,
)
ALLOWED = re.compile(r"\A(allowed): .*", re.DOTALL)


def unmasked(notes: bool) -> str:
    """What a redacted report shows all the same, for whoever is about to send it."""
    kept = (
        "Investigators\u2019 notes are kept, masked by pattern only: read them first."
        if notes
        else "Investigators\u2019 notes are left out."
    )
    return (
        "Not masked: account ids, times, user agents, names of columns, and the fixed text of "
        f"templates, which may hold names. {kept}"
    )


class Redaction:
    """Masks values with a key of its own; with `active` false it hands everything back as it is.

    >>> redaction = Redaction(True, key=b"example")
    >>> redaction.value("ip", "8.8.8.8")
    'masked-b3f53fcf30'
    >>> redaction.value("prompt", "Translate ⟨…⟩ for ann@example.com")
    'Translate ⟨…⟩ for masked-26d1297ce8'
    """

    def __init__(self, active: bool, notes: bool = False, key: bytes | None = None) -> None:
        self.active, self.notes = active, notes or not active
        self._key = key or secrets.token_bytes(32)

    def value(self, kind: str, value: str) -> str:
        """A value of one kind, masked unless the kind names nobody."""
        if not self.active or not value:
            return value
        if kind in DIRECT_KINDS:
            return self.account(value)
        named = kind not in OPEN_KINDS and not kind.endswith(SHARING)
        return self._mask(value) if named else IN_TEXTS.sub(self._found, value)

    def account(self, account_id: str) -> str:
        """An account id, with addresses and phone numbers in it masked."""
        return IN_IDS.sub(self._found, account_id) if self.active else account_id

    def note(self, text: str, known: Iterable[str] = ()) -> str:
        """A note of an investigator as a sentence, or nothing unless notes were asked for."""
        return self.sentence(text, known) if self.notes else ""

    def sentence(self, text: str, known: Iterable[str] = ()) -> str:
        """A sentence of ours, with the `known` values and whatever looks like one masked."""
        if not self.active:
            return text
        text = JUDGED.sub(self._judged, text)
        if not self.notes:
            text = ALLOWED.sub(r"\1", text)
        for value in sorted({v for v in known if v and v in text}, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", self._found, text)
        return IN_SENTENCES.sub(self._found, text)

    def _found(self, match: re.Match[str]) -> str:
        return self._mask(match.group())

    def _judged(self, match: re.Match[str]) -> str:
        before, name, day, note = match.groups()
        return f"{before}{self._mask(name)}{day}{note if self.notes else ''}"

    def _mask(self, value: str) -> str:
        digest = hmac.new(self._key, value.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return f"masked-{digest.hexdigest()[:10]}"
