"""Who is found and who is accused, over seeds, in every regime, and with parts of the data gone.

Every population is made, read and scored with the default settings.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from populations import evaluated, full, prepare

from linkage.errors import InputError
from linkage.simulate import COLUMNS

Unit = Callable[[Path], list[dict[str, Any]]]
REGIMES = ("young", "b2b", "heavy-nat", "honest-hard", "small-rings", "shared-proxy", "careful")
GONE: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "addresses": ("ip",),
    "payments": ("payment",),
    "prompts": ("prompt",),
    "devices": ("device", "user_agent"),
    "mail and phones": ("email", "phone", "name", "referral"),
    "payments and prompts": ("payment", "prompt"),
    "all but addresses": tuple(kind for kind in COLUMNS if kind != "ip"),
    "all but prompts": tuple(kind for kind in COLUMNS if kind != "prompt"),
    "all but payments": tuple(kind for kind in COLUMNS if kind != "payment"),
    "all but times": tuple(COLUMNS),
}
"""What the export lacks, and the kinds of columns that go."""


def quality(quick: bool) -> dict[str, Unit]:
    """`mixed` and `honest` at 100,000 accounts."""
    accounts, seeds = (10_000, 1) if quick else (100_000, 5)
    return _grid("quality", ("mixed", "honest"), accounts, seeds)


def regimes(quick: bool) -> dict[str, Unit]:
    """Every other kind of service, at its own size."""
    if quick:
        return _grid("regimes", ("young",), None, 1)
    return _grid("regimes", REGIMES, None, 2)


def ablations(quick: bool) -> dict[str, Unit]:
    """`mixed` without some of its columns."""
    accounts, seeds = (10_000, 1) if quick else (20_000, 2)
    gone = list(GONE)[:4] if quick else list(GONE)
    return {
        f"ablations/{name}/{seed}": partial(one, "mixed", accounts, seed, name)
        for name in gone
        for seed in range(1, seeds + 1)
    }


def _grid(part: str, presets: tuple[str, ...], accounts: int | None, seeds: int) -> dict[str, Unit]:
    return {
        f"{part}/{preset}/{seed}": partial(one, preset, accounts, seed, "nothing")
        for preset in presets
        for seed in range(1, seeds + 1)
    }


def one(
    preset: str, accounts: int | None, seed: int, gone: str, scratch: Path
) -> list[dict[str, Any]]:
    name = f"{preset}-{accounts}-{seed}" + (f"-{gone.replace(' ', '-')}" if GONE[gone] else "")
    about = {"preset": preset, "seed": seed, "without": gone}
    try:
        prepared = prepare(scratch, name, preset, accounts, seed, GONE[gone])
    except InputError as error:
        return [{**about, "refused": str(error).split(":")[0]}]
    return [{**about, **prepared.facts, **full(evaluated(prepared))}]
