"""How long work says how far it is.

Stages are handed a `Progress` and tell it what they do; the command line draws it. A stage that
is handed none gets `Quiet`, so the library itself never prints.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Who is told how far the work is."""

    def stage(self, name: str) -> None:
        """A stage begins (and the one before has ended)."""

    def advance(self, done: int, total: int | None, unit: str = "rows") -> None:
        """So much of the stage is done; `total` is None where nobody knows."""

    def step(self, message: str) -> None:
        """What the stage is doing now."""


class Quiet:
    """Says nothing.

    >>> Quiet().stage("sources")
    """

    def stage(self, name: str) -> None:
        """Says nothing."""

    def advance(self, done: int, total: int | None, unit: str = "rows") -> None:
        """Says nothing."""

    def step(self, message: str) -> None:
        """Says nothing."""
