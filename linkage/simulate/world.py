"""What honest people and operators draw from: accounts' columns, cards, devices, domains, texts.

A population is a set of equally long columns (`Accounts`), filled a slice at a time: one slice a
group of honest people or an operator. Whatever is shared (a card, a device, a line, a template) is
a number in several rows; text and addresses come last. -1 stands for none throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from linkage.simulate import words
from linkage.simulate.network import DAY, Network
from linkage.simulate.templates import TemplateBook
from linkage.simulate.text import Ints, ends

START = 1_735_689_600 + 5 * DAY  # 2025-01-06, a Monday
DAYS = 84
END = START + DAYS * DAY
RELEASE = START + 58 * DAY + 17 * 3600  # a release, everybody's busiest hours
HUMAN, CRON = 0, 1
ROUTES = 3


class Accounts:
    """The columns of all accounts; a row is an account, a number stands for anything shared."""

    def __init__(self, count: int) -> None:
        def column(value: int, dtype: type = np.int64) -> Ints:
            return np.full(count, value, dtype)

        self.count = count
        self.kind = column(-1)
        self.operator = column(-1)
        self.created = column(0)
        self.card = column(-1)
        self.device = column(-1)
        self.second_device = column(-1)
        self.device_known = column(1, np.int8)
        self.domain = column(-1)
        self.mailbox = column(-1)
        self.first_name = column(-1)
        self.last_name = column(-1)
        self.phone = column(-1)
        self.referred_by = column(-1)
        self.route = np.full((count, ROUTES), -1, np.int64)
        self.route_share = np.zeros((count, ROUTES), np.float32)
        self.zone = column(0, np.int8)
        self.events = column(-1)
        self.active_from = column(0)
        self.active_to = column(0)
        self.pace = column(HUMAN, np.int8)
        self.templates = column(-1)
        self.template_share = np.zeros(count, np.float32)


@dataclass
class Sessions:
    """Sessions: an account at a time, with a number of events; one array each."""

    account: list[Ints] = field(default_factory=list)
    start: list[Ints] = field(default_factory=list)
    events: list[Ints] = field(default_factory=list)

    def add(self, account: Ints, start: Ints, events: Ints) -> None:
        """More sessions."""
        self.account.append(account)
        self.start.append(start)
        self.events.append(events)


class World:
    """All that is shared in a population."""

    def __init__(
        self,
        accounts: int,
        seed: int,
        templates_file: Path | None = None,
        prompts_file: Path | None = None,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.accounts = Accounts(accounts)
        self.network = Network(self.rng)
        self.book = TemplateBook(templates_file, prompts_file)
        self.sessions = Sessions()
        self.kinds: list[str] = []
        self.operators: list[str] = []
        self.domains = [*words.FREE_MAIL, *words.DISPOSABLE_MAIL]
        self._free = np.cumsum(list(words.FREE_MAIL.values()))
        self.agents = _agents(self.rng)
        self.bins = self.rng.permutation(np.arange(400_000, 559_999))[:1_500]
        self._card_bins: list[Ints] = []
        self._cards = 0
        self._device_agents: list[Ints] = []
        self._devices = 0
        self._template_sets: list[Ints] = []
        self.homes: Ints = np.empty(0, np.int64)
        self.lived_in: Ints = np.empty(0, np.int64)
        self.vpns: Ints = np.empty(0, np.int64)
        self.popular: Ints = np.empty(0, np.int64)
        self.business: Ints = np.empty(0, np.int64)
        self.people = 0
        self.providers: dict[str, Ints] = {}
        self.hosting_pools = np.array([self.network.pool(16) for _ in range(6)])
        self.business_pools = np.array(
            [self.network.pool(16) for _ in range(4 + accounts // 90_000)]
        )
        self.common_devices = self.new_devices(30)

    def kind(self, name: str) -> int:
        """The number of a kind of honest group or operator."""
        if name not in self.kinds:
            self.kinds.append(name)
        return self.kinds.index(name)

    def new_cards(self, count: int, bins: Ints | None = None) -> Ints:
        """New cards, of the given BINs or of BINs as everybody has them."""
        drawn = self.bins[heavy(self.rng, count, len(self.bins))] if bins is None else bins
        self._card_bins.append(np.asarray(drawn, np.int64))
        self._cards += count
        return np.arange(self._cards - count, self._cards)

    @property
    def business_bin(self) -> int:
        """The BIN of an issuer of business cards."""
        return int(self.bins[-1])

    def new_devices(self, count: int, agents: Ints | None = None) -> Ints:
        """New devices, with the given user agents or with those that everybody has."""
        drawn = heavy(self.rng, count, len(self.agents), 1.1) if agents is None else agents
        self._device_agents.append(np.asarray(drawn, np.int64))
        self._devices += count
        return np.arange(self._devices - count, self._devices)

    def new_domains(self, count: int) -> Ints:
        """New mail domains."""
        rng, first = self.rng, len(self.domains)
        known = set(self.domains)
        while len(self.domains) < first + count:
            stem = "".join(rng.choice(words.SYLLABLES, int(rng.integers(2, 4))))
            if rng.random() < 0.5:
                stem += ("-" if rng.random() < 0.4 else "") + str(rng.choice(words.NOUNS))
            name = f"{stem}.{rng.choice(words.TOP_LEVELS)}"
            if name not in known:
                known.add(name)
                self.domains.append(name)
        return np.arange(first, len(self.domains))

    def free_domains(self, count: int) -> Ints:
        """Free mail providers, drawn as everybody uses them; one in a hundred disposable."""
        free = np.searchsorted(self._free, self.rng.random(count) * self._free[-1])
        disposable = self.rng.integers(0, len(words.DISPOSABLE_MAIL), count)
        throw_away = self.rng.random(count) < 0.008
        return np.where(throw_away, len(words.FREE_MAIL) + disposable, free)

    def template_set(self, templates: Ints) -> int:
        """A set of templates that accounts use together; its number."""
        self._template_sets.append(np.asarray(templates, np.int64))
        return len(self._template_sets) - 1

    def card_bins(self) -> Ints:
        """The BIN of each card."""
        return np.concatenate([np.empty(0, np.int64), *self._card_bins])

    def device_agents(self) -> Ints:
        """The user agent of each device."""
        return np.concatenate(self._device_agents)

    def template_sets(self) -> tuple[Ints, Ints]:
        """All sets of templates: their members one after another, and where each set begins."""
        sizes = np.array([len(members) for members in self._template_sets], np.int64)
        return np.concatenate([np.empty(0, np.int64), *self._template_sets]), ends(sizes)


def heavy(rng: np.random.Generator, count: int, size: int, exponent: float = 1.0) -> Ints:
    """Numbers below `size` with a heavy tail: number i in proportion to (i + 3) ** -exponent."""
    weights = np.cumsum((np.arange(size) + 3.0) ** -exponent)
    return np.asarray(np.searchsorted(weights, rng.random(count) * weights[-1]))


def group_sizes(
    rng: np.random.Generator, total: int, low: int, high: int, exponent: float = 2.0
) -> Ints:
    """Sizes of groups of `low` to `high` by a power law, which add up to `total`.

    >>> int(group_sizes(np.random.default_rng(1), 100, 3, 20).sum())
    100
    """
    if total < low:
        return np.array([total] if total else [], np.int64)
    u = rng.random(total // low + 1)
    power = 1.0 - exponent
    sizes = (low**power + u * ((high + 1.0) ** power - low**power)) ** (1 / power)
    sizes = np.clip(sizes.astype(np.int64), low, high)
    kept = sizes[: int(np.searchsorted(np.cumsum(sizes), total)) + 1]
    kept[-1] -= kept.sum() - total
    if kept[-1] < low and len(kept) > 1:
        kept[-2] += kept[-1]
        kept = kept[:-1]
    return np.asarray(kept)


def _agents(rng: np.random.Generator) -> list[str]:
    """User agents, the commonest first: browsers on systems by version, and a tail of libraries."""
    systems = [
        "Windows NT 10.0; Win64; x64",
        "Macintosh; Intel Mac OS X 10_15_7",
        "iPhone; CPU iPhone OS 18_2 like Mac OS X",
        "Linux; Android 10; K",
        "X11; Linux x86_64",
        "iPad; CPU OS 18_2 like Mac OS X",
        "iPhone; CPU iPhone OS 17_6 like Mac OS X",
        "Windows NT 10.0; WOW64",
        "Linux; Android 14; SM-S918B",
        "Linux; Android 13; Pixel 7",
    ]
    agents = []
    for version in (132, 131, 133, 130, 129, 128, 126, 124, 122, 120, 118, 116, 109, 103):
        for system in systems:
            if "Mac OS X" in system and "Macintosh" not in system:
                engine = (
                    f"AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{version - 114}.2 Safari"
                )
            elif rng.random() < 0.2:
                engine = f"Gecko/20100101 Firefox/{version + 2}.0"
            else:
                engine = (
                    f"AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
                )
            agents.append(f"Mozilla/5.0 ({system}) {engine}")
    for build in range(1_400):
        system = systems[int(rng.integers(len(systems)))]
        patch = f"{rng.integers(100, 134)}.0.{rng.integers(4000, 7000)}.{rng.integers(20, 220)}"
        agents.append(f"Mozilla/5.0 ({system}) AppleWebKit/537.36 Chrome/{patch} build/{build}")
    return agents


API_AGENTS = (
    "python-requests/2.32.3",
    "python-httpx/0.28.1",
    "node-fetch/1.0",
    "okhttp/4.12.0",
    "Go-http-client/2.0",
    "aiohttp/3.11.11",
    "axios/1.7.9",
    "curl/8.5.0",
)
