"""How much of which honest life there is: the shares of groups and the rates of habits.

Values alone: what the groups do is in `honest`, `organisations` and `people`; where the figures
come from is in `docs/simulate.md`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HonestShares:
    """Share of honest accounts in each group; the rest are single people."""

    household: float = 0.2
    second_account: float = 0.025
    shared_account: float = 0.01
    office: float = 0.08
    agency: float = 0.012
    campus: float = 0.06
    school_class: float = 0.012
    carrier: float = 0.12
    vpn: float = 0.08
    developer: float = 0.05
    friends: float = 0.0
    customer: float = 0.0


@dataclass(frozen=True)
class HonestHabits:
    """How often honest people share what."""

    paying: float = 0.36
    household_card: float = 0.23
    household_device: float = 0.75
    lent_card: float = 0.006
    lent_device: float = 0.02
    office_card: float = 0.3
    office_template: float = 0.4
    agency_template: float = 0.4
    agency_logs_in: float = 0.5
    common_device: float = 0.03
    mobile: float = 0.45
    vpn_now_and_then: float = 0.05
    popular_template: float = 0.12
    own_template: float = 0.08
    device_known: float = 0.72
    phone: float = 0.3
    referred: float = 0.07
    lines_without_account: float = 0.3
    addresses_per_line: int = 6
    ipv6: float = 0.5
    mean_events: float = 14.0
    age_days: float = 260.0
    """Mean age of an account; a young service has none older than `oldest_days`."""
    oldest_days: float = 1_100.0
    phones_per_site: int = 1_800
    """Phones behind a carrier's site of 4 to 16 addresses."""
    business_issuer: float = 0.0
    """Share of offices whose cards come from one issuer of business cards."""
    business_template: float = 0.0
    """Share of offices that use a template that offices pass round."""
