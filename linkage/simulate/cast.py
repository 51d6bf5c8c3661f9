"""The operators of the presets: each is one way to run many accounts, and to hide it.

Sizes are those in the preset's own number of accounts; `docs/simulate.md` tells who they are.
"""

from __future__ import annotations

from dataclasses import replace

from linkage.simulate.operators import Operator

DEMO = (
    # three operators whose volumes differ a hundredfold, as reported
    Operator(
        kind="hydra",
        size=720,
        provider="north",
        exits=800,
        templates=30,
        templates_per_account=12,
        camouflage=0.35,
        waves=5,
        schedule="round-robin",
        mean_events=75,
    ),
    Operator(
        kind="balancer",
        size=210,
        per_card=(4, 12),
        own_bins=3,
        exits=300,
        templates=16,
        camouflage=0.25,
        mail="mixed",
        waves=3,
        schedule="sticky",
        mean_events=65,
    ),
    Operator(
        kind="ring",
        size=24,
        per_card=(8, 12),
        per_device=(3, 6),
        network="hosting",
        exits=4,
        exits_per_account=2,
        templates=4,
        camouflage=0.2,
        waves=1,
        mean_events=24,
        scale=0.0,
    ),
)

HYDRA = Operator(
    kind="hydra",
    size=2_000,
    provider="north",
    exits=3_000,
    templates=36,
    templates_per_account=12,
    camouflage=0.4,
    waves=8,
    schedule="round-robin",
    mean_events=40,
)
RESELLER = Operator(
    kind="reseller",
    size=1_000,
    per_card=(8, 12),
    network="gateway",
    exits=1_250,
    exits_per_account=12,
    templates=0,
    signup="spread",
    schedule="rests",
    mean_events=30,
)
CAREFUL = Operator(
    kind="careful",
    size=250,
    per_card=(1, 1),
    provider="south",
    exits=2_500,
    exits_per_account=4,
    templates=14,
    camouflage=0.6,
    signup="spread",
    scale=0.5,
)
SHARED = Operator(
    kind="shared-proxy",
    size=400,
    per_card=(5, 15),
    provider="north",
    exits=3_000,
    templates=18,
    camouflage=0.3,
    schedule="sticky",
    scale=0.5,
)
DATACENTRE = Operator(
    kind="datacentre",
    size=600,
    per_card=(20, 60),
    common_devices=0.2,
    agents=3,
    network="hosting",
    exits=24,
    exits_per_account=5,
    templates=10,
    camouflage=0.15,
    mail="domains",
    schedule="sticky",
    scale=0.5,
)
BALANCER = Operator(
    kind="balancer",
    size=900,
    per_card=(3, 10),
    own_bins=4,
    exits=1_200,
    templates=24,
    mail="mixed",
    schedule="rests",
)
PARAPHRASER = Operator(
    kind="paraphraser",
    size=300,
    per_card=(4, 10),
    exits=600,
    templates=12,
    wordings=12,
    camouflage=0.3,
    scale=0.5,
)
CHURNER = Operator(
    kind="churner",
    size=500,
    per_card=(4, 9),
    per_device=(2, 4),
    exits=900,
    exits_per_account=6,
    templates=14,
    camouflage=0.3,
    generations=4,
    waves=2,
    scale=0.5,
)
AGED = Operator(
    kind="aged",
    size=220,
    per_card=(3, 8),
    exits=500,
    exits_per_account=5,
    templates=12,
    signup="aged",
    camouflage=0.45,
    scale=0.5,
)
SWITCHER = Operator(
    kind="release-switcher",
    size=160,
    per_card=(3, 9),
    network="vpn",
    templates=10,
    schedule="release",
    scale=0.5,
)
PAIRS = Operator(
    kind="pairs",
    size=600,
    per_card=(2, 2),
    exits=700,
    exits_per_account=10,
    templates=0,
    signup="spread",
    scale=0.5,
)
CAMOUFLAGED = Operator(
    kind="camouflaged",
    size=130,
    per_card=(3, 6),
    exits=260,
    exits_per_account=5,
    templates=12,
    camouflage=0.9,
    scale=0.0,
)

# takes itself for a company: one mail domain that catches all, an issuer of business cards, and
# the templates that offices pass round among its own
CATCH_ALL = Operator(
    kind="catch-all",
    size=120,
    per_card=(3, 8),
    network="hosting",
    exits=30,
    exits_per_account=4,
    templates=8,
    camouflage=0.3,
    mail="domains",
    waves=3,
    schedule="hybrid",
    business=True,
    scale=0.5,
)


def ring(size: int, **changes: object) -> Operator:
    """A small ring: one or two cards, a device among some, one or two templates."""
    base = Operator(
        kind="ring",
        size=size,
        scale=0.0,
        per_card=(4, 8),
        per_device=(2, 5),
        exits=max(4, size),
        exits_per_account=3,
        templates=2,
        templates_per_account=2,
        waves=1,
        camouflage=0.4,
        mean_events=18,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


RINGS = (
    ring(40, per_card=(6, 12), templates=4, exits=60, schedule="sticky"),
    ring(26, network="hosting", exits=3, exits_per_account=2, mail="domains"),
    ring(18, mail="plus", referrals=0.8),
    ring(14),
    ring(12, templates=1, camouflage=0.3),
    ring(11, per_device=(1, 1), templates=3),
    ring(9, paying=0.0, per_device=(3, 5)),
    ring(7, per_card=(7, 7), per_phone=4, phones=0.8),
    ring(6),
    ring(5, per_card=(5, 5), templates=1),
)
