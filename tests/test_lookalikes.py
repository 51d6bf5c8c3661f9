"""Honest people who look like operators are accused of nothing; operators among them are found.

Two towns: one with look-alikes alone, one with look-alikes and operators.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from town import Person, Town

import linkage

PEOPLE = 4_000
DAY = 24 * 60
RENTED = [f"28.9.{n % 30}.{n // 30 + 1}" for n in range(60)]
"""A provider's proxies, which several operators use."""


Group = Callable[[Town], list[Person]]


def members(town: Town, count: int) -> list[Person]:
    return [town.person() for _ in range(count)]


# ------------------------------------------------------------------ look-alikes


def office(town: Town) -> list[Person]:
    """One address, one mail domain, one card."""
    (ip,) = town.addresses(1, ranges=1)
    people = members(town, 30)
    for number, person in enumerate(people):
        person.ips = [ip, *person.ips[:1]]
        person.mail = f"name{number}@bakery-and-sons.com"
        person.card = "office-card"
    return people


def household(town: Town) -> list[Person]:
    """Seven at one address with one card and two tablets."""
    (home,) = town.addresses(1, ranges=1)
    people = members(town, 7)
    for number, person in enumerate(people):
        person.ips = [home, *person.ips[1:]]
        person.card, person.device = "family-card", f"tablet-{number % 2}"
    return people


def agency(town: Town) -> list[Person]:
    """One card that pays for many clients, each with an address and a domain of its own."""
    people = members(town, 40)
    for number, person in enumerate(people):
        person.card = "agency-card"
        person.mail = f"owner@client-{number}.com"
    return people


def school_class(town: Town) -> list[Person]:
    """A campus address, the teacher's template, sign-ups within the lesson."""
    (ip,) = town.addresses(1, ranges=1)
    exercise = town.template()
    people = members(town, 60)
    for person in people:
        person.ips = [ip, *person.ips[:1]]
        person.templates = [exercise]
        person.minute = 30 * DAY + int(town.rng.integers(50))
    return people


def developers(town: Town) -> list[Person]:
    """The templates and the client that a framework brings, nothing else."""
    brought = [town.template() for _ in range(5)]
    people = members(town, 80)
    for person in people:
        person.templates = brought
        person.user_agent = "framework/1.4"
    return people


def customers_of_a_framework(town: Town) -> list[Person]:
    """Offices of sixteen, each with its card and address, and developers; all use one framework."""
    brought = [town.template() for _ in range(5)]
    people = members(town, 150)
    for number, person in enumerate(people):
        if number < 96:
            person.card = f"company-card-{number // 16}"
            person.ips = [f"29.4.{number // 16}.1", *person.ips[:1]]
            person.minute = (number // 16) * 7 * DAY + int(town.rng.integers(DAY))
        person.templates, person.user_agent = brought, "otherframework/2.0"
    return people


def carrier_fans(town: Town) -> list[Person]:
    """A popular template behind a carrier's addresses."""
    people = members(town, 200)
    for person in people:
        person.ips = town.some(town.carrier, 3)
        person.templates = [town.popular[0]]
    return people


def workshop(town: Town) -> list[Person]:
    """Twelve people at one address, on one card; the boss made their accounts with tags."""
    people = members(town, 12)
    for number, person in enumerate(people):
        person.mail = f"workshop.otley+{number}@gmail.com"
        person.card, person.ips = "workshop-card", ["31.7.7.1", *person.ips[:1]]
    return people


LOOKALIKES: dict[str, Group] = {
    "office": office,
    "workshop": workshop,
    "household": household,
    "agency": agency,
    "class": school_class,
    "developers": developers,
    "customers of a framework": customers_of_a_framework,
    "carrier and popular template": carrier_fans,
}


# -------------------------------------------------------------------- operators


def farm(town: Town) -> list[Person]:
    """A data centre: eight addresses in one range, six devices, twelve cards, three templates."""
    ips = town.addresses(8, ranges=1)
    work = [town.template() for _ in range(3)]
    people = members(town, 60)
    for number, person in enumerate(people):
        person.ips = town.some(ips, 3)
        person.card, person.device = f"farm-card-{number % 12}", f"farm-device-{number % 6}"
        person.templates = work
    return people


def hydra(town: Town) -> list[Person]:
    """Residential proxies: addresses where others live; six accounts a card, six templates."""
    homes = [person.ips[0] for person in town.people[:1_000]]
    work = [town.template() for _ in range(6)]
    people = members(town, 120)
    for number, person in enumerate(people):
        person.ips = town.some(homes, 4)
        person.card = f"hydra-card-{number % 20}"
        person.templates = [work[n] for n in town.rng.choice(6, 3, replace=False)]
    return people


def reseller(town: Town) -> list[Person]:
    """Ten accounts a card, behind a pool of proxies; customers bring their own prompts."""
    pool = town.addresses(40, ranges=20)
    people = members(town, 100)
    for number, person in enumerate(people):
        person.ips = town.some(pool, 4)
        person.card = f"reseller-card-{number // 10}"
    return people


def one_mailbox(town: Town) -> list[Person]:
    """Thirty accounts in two waves, nothing in common but a mailbox under thirty spellings."""
    people = members(town, 30)
    for number, person in enumerate(people):
        person.mail = f"marlow.fenn+{number * 37 % 101}@gmail.com"
        person.minute = (number % 2) * 9 * DAY + number
    return people


def tenant(name: str) -> Group:
    """One of several operators that rent from the same proxy provider."""

    def tenants(town: Town) -> list[Person]:
        work = [town.template() for _ in range(3)]
        people = members(town, 80)
        for number, person in enumerate(people):
            person.ips = town.some(RENTED, 4)
            person.card = f"{name}-card-{number % 10}"
            person.templates = work
        return people

    return tenants


def ring(town: Town) -> list[Person]:
    """Twelve accounts that share four phones, three cards and six proxies."""
    pool = town.addresses(6, ranges=6)
    people = members(town, 12)
    for number, person in enumerate(people):
        person.ips = town.some(pool, 2)
        person.device, person.card = f"ring-device-{number % 4}", f"ring-card-{number % 3}"
    return people


OPERATORS: dict[str, Group] = {
    "one mailbox": one_mailbox,
    "farm": farm,
    "hydra": hydra,
    "reseller": reseller,
    "tenant": tenant("tenant"),
    "other tenant": tenant("other"),
    "ring": ring,
}


# ---------------------------------------------------------------------- verdicts


@dataclass(frozen=True)
class Outcome:
    """Who is in which group, and who was found to be in which operator."""

    groups: dict[str, set[str]]
    members: pd.DataFrame

    def accused(self) -> set[str]:
        return set(self.members.query("verdict == 'sockpuppets'")["account_id"])

    def verdicts(self, group: str) -> set[str]:
        """What the members of a group are told to be, if anything."""
        found = self.members["account_id"].isin(self.groups[group])
        return set(self.members[found]["verdict"])

    def best_match(self, group: str) -> tuple[str, float, float]:
        """The operator called sockpuppets that has most of a group; its precision and recall."""
        named = self.members.query("verdict == 'sockpuppets'")
        inside = named[named["account_id"].isin(self.groups[group])]["operator_id"].value_counts()
        if inside.empty:
            return "", 0.0, 0.0
        size = (named["operator_id"] == inside.index[0]).sum()
        return inside.index[0], inside.iloc[0] / size, inside.iloc[0] / len(self.groups[group])


def outcome(seed: int, groups: dict[str, Group], folder: Path) -> Outcome:
    town = Town(seed)
    town.settle(PEOPLE)
    for name, group in groups.items():
        town.add(name, group(town))
    with linkage.run(town.inputs(), folder / "case", with_report=False) as case:
        return Outcome({name: set(ids) for name, ids in town.groups.items()}, case.members)


SEEDS = (1, 2)


@pytest.fixture(scope="module", params=SEEDS)
def honest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return outcome(request.param, LOOKALIKES, tmp_path_factory.mktemp("honest"))


@pytest.fixture(scope="module", params=SEEDS)
def mixed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    groups = {**LOOKALIKES, **OPERATORS}
    return outcome(request.param, groups, tmp_path_factory.mktemp("mixed"))


@pytest.mark.parametrize("group", ["people", *LOOKALIKES])
class TestLookAlikes:
    def test_nobody_is_accused_where_all_are_honest(self, honest: Outcome, group: str) -> None:
        assert honest.groups[group]
        assert honest.accused() & honest.groups[group] == set()

    def test_nobody_is_accused_beside_operators(self, mixed: Outcome, group: str) -> None:
        assert mixed.accused() & mixed.groups[group] == set()


class TestOperators:
    @pytest.mark.parametrize("group", OPERATORS)
    def test_it_is_found(self, mixed: Outcome, group: str) -> None:
        _, precision, recall = mixed.best_match(group)
        assert precision >= 0.9
        assert recall >= 0.8

    def test_two_that_rent_from_one_provider_stay_two(self, mixed: Outcome) -> None:
        one, other = (mixed.best_match(group)[0] for group in ("tenant", "other tenant"))
        assert one != other
        belongs = mixed.members.set_index("account_id")["operator_id"]
        for found, rival in ((one, "other tenant"), (other, "tenant")):
            assert not belongs[belongs == found].index.isin(mixed.groups[rival]).any()

    def test_organisations_and_homes_are_told_from_them(self, mixed: Outcome) -> None:
        groups = ("office", "class", "household")
        verdicts = {group: mixed.verdicts(group) for group in groups}
        assert verdicts == {
            "office": {"organisation"},
            "class": {"organisation"},
            "household": {"household"},
        }
