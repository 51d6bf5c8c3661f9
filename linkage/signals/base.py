"""The contract of a kind: a raw value goes in, a signal comes out, or a reason why none does.

A file of this package holds one kind. Its function gets the raw text and returns `Value`s from
fine to coarse, each implied by the one before (an address, then its range), or `Rejected`.
Cleaning is a pure function of the text and the settings, and never raises: inputs are hostile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from linkage.config import SignalsConfig


class Value(NamedTuple):
    """A signal: its kind and its normalised value."""

    kind: str
    value: str


class Rejected(NamedTuple):
    """Why a value is no signal: a short phrase, fit for a table.

    A phrase that starts with "not a" says that the value is malformed: not of this kind at all.
    Many of those mean that a column was mapped to the wrong kind.
    """

    reason: str

    @property
    def malformed(self) -> bool:
        """Whether the value is not of this kind at all."""
        return self.reason.startswith("not a")


Cleaned = tuple[Value, ...] | Rejected
Clean = Callable[[str, SignalsConfig], Cleaned]
Levels = list[tuple[str | pa.Array, pa.Array]]
CleanMany = Callable[[pa.Array], tuple[npt.NDArray[np.bool_], Levels]]


@dataclass(frozen=True)
class Kind:
    """A kind of value.

    `personal` says that strangers don't normally share its values, so that two of its signals
    going together is evidence. `clean_many`, where a kind has millions of values, cleans the
    ordinary ones of an array at once: it returns which those are and, from fine to coarse, the
    kind (or kinds) and the values of their signals, null where one has no more. What it leaves
    goes through `clean`, and for what it takes, both must agree.
    """

    name: str
    clean: Clean
    personal: bool
    meaning: str
    clean_many: CleanMany | None = None
