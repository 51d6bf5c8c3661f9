"""A town of ordinary people, to which tests add groups: who has which card, address and text.

What is here is what everybody does: a card, a device and a mailbox of one's own; a home's address,
a carrier's or a VPN's; one's own prompts and now and then a popular template; families at home.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from linkage.simulate.words import NOUNS

START = datetime(2025, 1, 6)
MINUTES = 84 * 24 * 60
FREE = ("gmail.com", "outlook.com", "yahoo.com", "proton.me")
PROMPTS = 6
"""Prompts of an account; all but one follow its templates, if it has any."""

Template = tuple[str, ...]
"""Words, and gaps (empty) that every use fills anew."""


@dataclass
class Person:
    """An account and what it has."""

    account: str
    minute: int
    mail: str
    card: str | None
    device: str
    user_agent: str
    ips: Sequence[str]
    templates: Sequence[Template] = ()


class Town:
    """People, by group, and what new ones are given."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.people: list[Person] = []
        self.groups: dict[str, list[str]] = {}
        self.networks = self.born = 0
        self.carrier = self.addresses(30, ranges=2)
        self.vpn = self.addresses(10, ranges=10)
        self.user_agents = [f"Mozilla/5.0 ({word})" for word in NOUNS[:25]]
        self.popular = [self.template() for _ in range(6)]

    def addresses(self, count: int, ranges: int) -> list[str]:
        """Addresses of nobody so far, in so many ranges."""
        self.networks += 1
        return [f"{30 + self.networks}.7.{n % ranges}.{n // ranges + 1}" for n in range(count)]

    def template(self) -> Template:
        words = [str(word) for word in self.rng.choice(NOUNS, 16)]
        return (*words[:8], "", *words[8:], "")

    def some(self, values: Sequence[str], count: int) -> list[str]:
        return [values[n] for n in self.rng.choice(len(values), count, replace=False)]

    def person(self) -> Person:
        """A person like any other, who has not moved in yet."""
        rng = self.rng
        self.born += 1
        a, b, c = (int(number) for number in rng.integers(1, 255, 3))
        home = f"{130 + a % 30}.{a}.{b}.{c}"
        where = rng.random()
        if where < 0.25:
            ips = [*self.some(self.carrier, 3), *([home] if where < 0.15 else [])]
        else:
            ips = [home, *(self.some(self.vpn, 2) if where < 0.35 else [])]
        return Person(
            account=f"u{rng.integers(10**9):09}{self.born}",
            minute=int(rng.integers(MINUTES)),
            mail=f"m{rng.integers(10**9)}{self.born}@{FREE[rng.integers(len(FREE))]}",
            card=f"card-{self.born}" if rng.random() < 0.5 else None,
            device=f"device-{self.born}",
            user_agent=self.user_agents[min(int(rng.exponential(5)), 24)],
            ips=ips,
            templates=[self.popular[rng.integers(6)]] if rng.random() < 0.15 else (),
        )

    def family(self, size: int) -> list[Person]:
        """People at one address, some of them with the same card or tablet."""
        first, *others = family = [self.person() for _ in range(size)]
        for person in others:
            person.ips = [first.ips[0], *person.ips[1:]]
            person.card = first.card if self.rng.random() < 0.3 else person.card
            person.device = first.device if self.rng.random() < 0.3 else person.device
        return family

    def settle(self, count: int) -> None:
        """Ordinary people, a fifth of them in families."""
        while len(self.people) < count:
            self.add(
                "people", self.family(self.rng.choice([1, 2, 3, 4], p=[0.92, 0.04, 0.03, 0.01]))
            )

    def add(self, group: str, people: Sequence[Person]) -> None:
        self.people += people
        self.groups.setdefault(group, []).extend(person.account for person in people)

    def inputs(self) -> list[pa.Table]:
        """The table of accounts and that of events."""
        accounts = {
            "account_id": [p.account for p in self.people],
            "created_at": [START + timedelta(minutes=p.minute) for p in self.people],
            "email": [p.mail for p in self.people],
            "payment_fingerprint": pa.array([p.card for p in self.people], pa.string()),
            "device_id": [p.device for p in self.people],
        }
        events = [
            {"account_id": p.account, "ip": ip, "user_agent": p.user_agent, "prompt": text}
            for p in self.people
            for ip, text in [
                *((ip, None) for ip in p.ips),
                *((p.ips[0], t) for t in self._texts(p)),
            ]
        ]
        return [pa.table(accounts), pa.Table.from_pylist(events)]

    def _texts(self, person: Person) -> list[str]:
        texts = [self._words(12)]
        for number in range(1, PROMPTS):
            if person.templates:
                template = person.templates[number % len(person.templates)]
                texts.append(" ".join(word or self._words(3) for word in template))
            else:
                texts.append(self._words(12))
        return texts

    def _words(self, count: int) -> str:
        return " ".join(self.rng.choice(NOUNS, count))
