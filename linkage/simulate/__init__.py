"""Populations with planted operators and honest sharing, and the truth about them.

A preset's name and a seed come in; `accounts.csv`, `events.parquet` and `truth.csv` leave. What is
known about the base rates of honest sharing, and each knob of an operator, is in
`docs/simulate.md`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from linkage.errors import InputError, shorten, suggestion
from linkage.simulate.clock import human_sessions
from linkage.simulate.habits import HonestHabits, HonestShares
from linkage.simulate.honest import populate
from linkage.simulate.operators import Operator, plant
from linkage.simulate.presets import PRESETS, Preset
from linkage.simulate.world import World
from linkage.simulate.write import check, write
from linkage.words import kind_called

__all__ = [
    "COLUMNS",
    "PRESETS",
    "HonestHabits",
    "HonestShares",
    "Operator",
    "Planted",
    "Population",
    "Preset",
    "simulate",
]

COLUMNS = {
    "payment": ("payment_fingerprint", "card_bin"),
    "ip": ("ip",),
    "prompt": ("prompt",),
    "email": ("email",),
    "phone": ("phone",),
    "device": ("device_id",),
    "user_agent": ("user_agent",),
    "name": ("name",),
    "referral": ("referred_by",),
}
"""The columns of each kind that a population may be written without."""
FEWEST = 1_000
MOST = 10_000_000


@dataclass(frozen=True)
class Planted:
    """An operator that was planted."""

    operator: str
    kind: str
    accounts: int


@dataclass(frozen=True)
class Population:
    """What was written: where, and how much of what."""

    folder: str
    preset: str
    seed: int
    accounts: int
    fraudulent: int
    events: int
    operators: tuple[Planted, ...]

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain values."""
        return asdict(self)


def simulate(
    folder: Path,
    preset: str | Preset = "demo",
    accounts: int | None = None,
    seed: int = 1,
    templates_file: Path | None = None,
    prompts_file: Path | None = None,
    without: Collection[str] = (),
) -> Population:
    """Write a population into a folder (made if need be): accounts, events and truth.

    Writes `accounts.csv`, `events.parquet` and `truth.csv` and returns what they hold. `preset` is
    one of `PRESETS`, by name, or a mixture of your own; `accounts` says how many, if not as many as
    the preset has.
    `templates_file` and `prompts_file` are JSON lines with a field `template` (slots as `{}`) and
    `prompt`: texts of life to be used beside those of the grammar. `without` names kinds
    (`COLUMNS`) whose columns are left out; the rest is what it would have been. Same arguments,
    same bytes. `InputError` for an unknown preset or kind, too few accounts for the operators,
    texts that can't be read, or a folder that can't be written or holds other things than a
    population that was written before.

    >>> import tempfile
    >>> population = simulate(Path(tempfile.mkdtemp()), "demo", accounts=1_000)
    >>> population.accounts, len(population.operators)
    (1000, 3)
    """
    chosen = _preset(preset)
    count = chosen.accounts if accounts is None else accounts
    if not FEWEST <= count <= MOST:
        raise InputError(f"A population has {FEWEST:,} to {MOST:,} accounts, found {count:,}.")
    operators = chosen.sized(count)
    fraudulent = sum(operator.size for operator in operators)
    if fraudulent > count // 2:
        raise InputError(
            f"The operators of this preset have {fraudulent:,} accounts, more than half of"
            f" {count:,}. Ask for more: --accounts {4 * fraudulent}."
        )
    left_out = frozenset(column for kind in without for column in _columns(kind))
    with _writing(folder):
        check(folder)
    world = World(count, seed, templates_file, prompts_file)
    honest = count - fraudulent
    populate(world, honest, chosen.shares, chosen.habits)
    human_sessions(world, np.arange(honest))
    row, planted = honest, []
    for number, operator in enumerate(operators, 1):
        rows = np.arange(row, row + operator.size)
        row += operator.size
        name = f"operator-{number:02}"
        plant(world, operator, rows, name)
        planted.append(Planted(name, operator.kind, operator.size))
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        events = write(world, folder, left_out)
    name = preset if isinstance(preset, str) else "custom"
    return Population(str(folder), name, seed, count, fraudulent, events, tuple(planted))


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{folder}: can't be written ({error.strerror}).") from None


def _columns(kind: str) -> tuple[str, ...]:
    found = kind_called(kind, COLUMNS)
    if found is None:
        raise InputError(f"No column of kind {shorten(kind)}. {suggestion(kind, COLUMNS)}")
    return COLUMNS[found]


def _preset(preset: str | Preset) -> Preset:
    if isinstance(preset, Preset):
        return preset
    if preset not in PRESETS:
        raise InputError(f"Unknown preset {shorten(preset)}. {suggestion(preset, PRESETS)}")
    return PRESETS[preset]
