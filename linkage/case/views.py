"""What a case answers with: frozen values that print, compare and become JSON."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


class View:
    """What all answers can do."""

    def as_dict(self) -> dict[str, Any]:
        """The answer as nested plain values, for JSON."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class Operator(View):
    """A row of the table operators."""

    operator_id: str
    verdict: str
    score: float
    accounts: int
    q_value: float | None
    kinds: str
    first_seen: datetime | None
    last_seen: datetime | None
    why: str


@dataclass(frozen=True)
class Membership(View):
    """That an account is attributed to an operator."""

    operator_id: str
    verdict: str
    confidence: float
    evidence: float
    held_by: int


@dataclass(frozen=True)
class Alternative(View):
    """The operator that an account is nearest to, its own aside.

    `nats` is the strongest evidence of each kind, summed; `signals` how many of that operator's
    signals the account has.
    """

    operator_id: str
    verdict: str
    nats: float
    signals: int


@dataclass(frozen=True)
class UsedSignal(View):
    """A signal that an account uses; `others` do too; `ignored` says why it is no evidence."""

    kind: str
    value: str
    others: int
    ignored: str | None
    first_seen: datetime | None
    last_seen: datetime | None
    n: int


@dataclass(frozen=True)
class Account(View):
    """All that a case knows of an account."""

    account_id: str
    created_at: datetime | None
    first_seen: datetime | None
    last_seen: datetime | None
    rows: int
    signals: tuple[UsedSignal, ...]
    membership: Membership | None
    alternative: Alternative | None


@dataclass(frozen=True)
class Item(View):
    """An item of a scorecard; a positive weight (nats) speaks for sockpuppets."""

    item: str
    finding: str
    weight: float


@dataclass(frozen=True)
class Evidence(View):
    """A signal that speaks for an operator, with the nats that it adds to an account's case."""

    kind: str
    value: str
    members: int
    others: int
    weight: float


@dataclass(frozen=True)
class EvidenceOfKind(View):
    """The strongest evidence of one kind, and how much `more` there is."""

    kind: str
    top: tuple[Evidence, ...]
    more: int


@dataclass(frozen=True)
class Member(View):
    """An account of an operator, with the probability that it belongs."""

    account_id: str
    confidence: float
    evidence: float
    held_by: int


@dataclass(frozen=True)
class Day(View):
    """A day (UTC) in an operator's life: accounts made, accounts active, rows."""

    day: date
    sign_ups: int
    active: int
    rows: int


@dataclass(frozen=True)
class Judgement(View):
    """A row of the table judgements."""

    judgement: int
    made_at: datetime
    made_by: str
    subject: str
    a: str
    b: str | None
    decision: str | None
    note: str | None
    run: int | None = None

    @property
    def decided(self) -> str | None:
        """The decision; of an operator that was confirmed, as what."""
        if self.decision == "confirmed" and self.b:
            return f"confirmed as {self.b}"
        return self.decision

    def text(self) -> str:
        """The judgement as a sentence."""
        what = {
            "operator": f"{self.a} {self.decided}",
            "together": f"{self.a} and {self.b} judged together",
            "apart": f"{self.a} and {self.b} judged apart",
            "allow": f"{self.a} {self.b} allowed",
        }[self.subject]
        if self.subject != "operator" and self.decision:
            what += f": {self.decision}"
        note = f": {self.note}" if self.note else ""
        return f"{what} by {self.made_by} on {self.made_at:%Y-%m-%d}{note}"


@dataclass(frozen=True)
class OperatorView(View):
    """An operator in full; `more_members` are left out of `members`."""

    operator: Operator
    scorecard: tuple[Item, ...]
    evidence: tuple[EvidenceOfKind, ...]
    members: tuple[Member, ...]
    more_members: int
    timeline: tuple[Day, ...]
    judgements: tuple[Judgement, ...] = ()


@dataclass(frozen=True)
class Belonging(View):
    """Why an account belongs to its operator: the operator's evidence that the account has."""

    account_id: str
    membership: Membership | None
    operator: Operator | None
    evidence: tuple[Evidence, ...]
    alternative: Alternative | None
    judgements: tuple[Judgement, ...] = ()


@dataclass(frozen=True)
class Link(View):
    """One step of a chain: both accounts use the signal, and so do `others` besides them.

    If the ends of the chain belong to one operator: so many of its `members` use it, and so many
    `outsiders`, and its `weight` there in nats, if it is evidence.
    """

    a: str
    b: str
    kind: str
    value: str
    others: int
    members: int | None = None
    outsiders: int | None = None
    weight: float | None = None


@dataclass(frozen=True)
class Chain(View):
    """Links from one account to another.

    `cost` is the sum over the links of ln(accounts that share the signal): rare signals make a
    strong chain of several links. `like_it` more chains go over the same signals through other
    accounts.
    """

    links: tuple[Link, ...]
    cost: float
    like_it: int = 0


@dataclass(frozen=True)
class Chains(View):
    """The strongest chains between two accounts, strongest first; none if nothing links them.

    `more` direct links are left out, and of which kinds says `more_of`.
    """

    a: str
    b: str
    same_operator: str | None
    chains: tuple[Chain, ...]
    more: int = 0
    more_of: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Match(View):
    """That an account the case does not hold belongs to one of its operators."""

    account_id: str
    operator_id: str
    confidence: float
    why: str


@dataclass(frozen=True)
class Traced(View):
    """An account that hangs on known ones: after how many steps, and by what.

    `likely` says that it is likelier than not of the same hand, by two families that agree.
    """

    account_id: str
    nats: float
    step: int
    likely: bool
    operator_id: str | None
    why: str | None


@dataclass(frozen=True)
class TracedSignal(View):
    """A signal that accounts hang together by: `known` and likely accounts that use it."""

    kind: str
    value: str
    known: int
    others: int
    weight: float


@dataclass(frozen=True)
class TracedOperator(View):
    """An operator that has known accounts among its members."""

    operator_id: str
    verdict: str
    accounts: int
    known: int


@dataclass(frozen=True)
class Trace(View):
    """What hangs on known accounts; `likely` accounts in all, and `more` than are listed."""

    known: int
    missing: tuple[str, ...]
    operators: tuple[TracedOperator, ...]
    signals: tuple[TracedSignal, ...]
    accounts: tuple[Traced, ...]
    likely: int
    more: int


@dataclass(frozen=True)
class Change(View):
    """What became of an operator from one run to another.

    `change` is new, gone, grown, shrunk, changed (as many came as left), merged, split or verdict;
    `other` is the operator that it went into, or was a part of. `gained` and `lost` are accounts.
    """

    operator_id: str
    change: str
    before: int
    after: int
    gained: int
    lost: int
    verdict_before: str | None
    verdict: str | None
    other: str | None
    text: str


@dataclass(frozen=True)
class Difference(View):
    """What changed between two runs; `same` operators did not."""

    earlier: int
    later: int
    changes: tuple[Change, ...]
    same: int


@dataclass(frozen=True)
class Event(View):
    """A run or a judgement, with when and what in words; `number` is that of the run or it."""

    at: datetime
    what: str
    number: int
    text: str
    details: tuple[str, ...] = ()
