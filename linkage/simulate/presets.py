"""Named populations: how many accounts, how much of which honest life, which operators.

Operators are written for the preset's own number of accounts; with another number, those that
follow the population (`scale` 1 or part of it) grow or shrink with it, none below five accounts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from linkage.simulate.cast import (
    AGED,
    BALANCER,
    CAMOUFLAGED,
    CAREFUL,
    CATCH_ALL,
    CHURNER,
    DATACENTRE,
    DEMO,
    HYDRA,
    PAIRS,
    PARAPHRASER,
    RESELLER,
    RINGS,
    SHARED,
    SWITCHER,
)
from linkage.simulate.habits import HonestHabits, HonestShares
from linkage.simulate.operators import Operator

SMALLEST = 5


@dataclass(frozen=True)
class Preset:
    """A named population."""

    about: str
    accounts: int = 100_000
    operators: tuple[Operator, ...] = ()
    shares: HonestShares = field(default_factory=HonestShares)
    habits: HonestHabits = field(default_factory=HonestHabits)

    def sized(self, accounts: int) -> tuple[Operator, ...]:
        """The operators as they are in a population of so many accounts, largest first."""
        ratio = accounts / self.accounts
        sized = []
        for operator in self.operators:
            factor = ratio**operator.scale
            size = max(SMALLEST, round(operator.size * factor))
            things = {}
            if operator.scale:
                things["exits"] = max(3, round(operator.exits * factor))
            sized.append(replace(operator, size=size, **things))
        return tuple(sorted(sized, key=lambda operator: -operator.size))


MIXED = (
    HYDRA,
    RESELLER,
    BALANCER,
    DATACENTRE,
    PAIRS,
    CHURNER,
    SHARED,
    PARAPHRASER,
    CAREFUL,
    replace(CAREFUL, size=90, camouflage=0.5, templates=8, scale=0.0),
    AGED,
    SWITCHER,
    CAMOUFLAGED,
    *RINGS,
)

HARD_SHARES = HonestShares(
    household=0.2,
    office=0.16,
    agency=0.05,
    campus=0.1,
    school_class=0.05,
    carrier=0.12,
    vpn=0.1,
    developer=0.1,
    friends=0.01,
    customer=0.02,
)

BUSINESS = HonestHabits(business_issuer=0.5, business_template=0.4)
B2B_SHARES = HonestShares(
    household=0.04,
    second_account=0.02,
    shared_account=0.02,
    office=0.42,
    agency=0.12,
    campus=0.03,
    school_class=0.01,
    carrier=0.03,
    vpn=0.04,
    developer=0.12,
    friends=0.005,
    customer=0.08,
)
YOUNG_SHARES = HonestShares(
    household=0.12, office=0.2, agency=0.03, campus=0.05, developer=0.12, friends=0.01
)
# a service of a hundred days, on which every operator is large; one copies offices
YOUNG = (
    replace(HYDRA, size=500, exits=700),
    replace(RESELLER, size=220, exits=280),
    replace(DATACENTRE, size=300, business=True),
    replace(BALANCER, size=180, exits=240, schedule="hybrid"),
    replace(SHARED, size=120, exits=700),
    replace(CATCH_ALL, size=140),
    replace(CAREFUL, size=60, exits=240),
    *RINGS[:4],
)
B2B = (
    replace(RESELLER, size=500, exits=600),
    replace(HYDRA, size=400, exits=600),
    replace(DATACENTRE, size=250, mail="mixed"),
    CATCH_ALL,
    replace(CATCH_ALL, size=60, exits=12, templates=5),
    replace(CHURNER, size=160, exits=300),
    *RINGS[:4],
)
NAT = (
    replace(HYDRA, size=600, exits=900),
    replace(RESELLER, size=300, exits=380),
    replace(BALANCER, size=250, exits=340),
    replace(SWITCHER, size=120),
    replace(PAIRS, size=150, exits=220),
    *RINGS[:6],
)

PRESETS: dict[str, Preset] = {
    "demo": Preset("three operators as reported, among all honest groups", 20_000, DEMO),
    "honest": Preset("the same honest groups and no operator", 20_000),
    "mixed": Preset("operators of every kind, sizes by a heavy tail", 100_000, MIXED),
    "honest-hard": Preset(
        "no operator; twice to five times the usual look-alikes", 20_000, shares=HARD_SHARES
    ),
    "hydra": Preset("one residential-proxy network", 50_000, (HYDRA,)),
    "reseller": Preset("customers' traffic: cards and gateways only", 50_000, (RESELLER,)),
    "careful": Preset(
        "own card and device each; two operators on one proxy provider",
        50_000,
        (CAREFUL, replace(CAREFUL, size=90, camouflage=0.5, templates=8)),
    ),
    "shared-proxy": Preset(
        "two operators with one provider, not to be merged", 50_000, (HYDRA, SHARED)
    ),
    "paraphraser": Preset("each template in twelve wordings", 50_000, (PARAPHRASER,)),
    "churner": Preset("banned and back with part of the old cards and exits", 50_000, (CHURNER,)),
    "pairs": Preset("cards shared in pairs, homes' addresses, no templates", 50_000, (PAIRS,)),
    "small-rings": Preset(
        "rings of 5 to 40 beside families of the same size",
        50_000,
        (*RINGS, *(replace(r, size=max(5, r.size - 2)) for r in RINGS), *RINGS[3:]),
    ),
    "young": Preset(
        "a service of a hundred days; every operator is large, one looks like an office",
        6_000,
        YOUNG,
        YOUNG_SHARES,
        replace(BUSINESS, age_days=60.0, oldest_days=100.0),
    ),
    "b2b": Preset(
        "many offices, agencies and partners' customers, and operators that copy them",
        30_000,
        B2B,
        B2B_SHARES,
        BUSINESS,
    ),
    "heavy-nat": Preset(
        "half of the people on phones, ten thousand behind a carrier's site",
        30_000,
        NAT,
        HonestShares(household=0.12, carrier=0.5, campus=0.03, vpn=0.05),
        HonestHabits(mobile=0.85, phones_per_site=10_000),
    ),
    "camouflage": Preset(
        "one operator at 10, 30, 50, 70 and 90% camouflage",
        50_000,
        tuple(
            replace(
                BALANCER,
                kind=f"camouflage-{percent}",
                size=200,
                exits=400,
                camouflage=percent / 100,
            )
            for percent in (10, 30, 50, 70, 90)
        ),
    ),
}
