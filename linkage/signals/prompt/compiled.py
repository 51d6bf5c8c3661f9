"""Loops over bytes and hashes as machine code: numba compiles them when they are first called.

What was compiled is kept for the next process: beside the source, or in the user's cache where that
can't be written. Where neither can, each process compiles for itself, which takes some seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """A function of arrays and numbers as machine code, during which other threads run.

    >>> compiled(lambda number: number + 1)(2)
    3
    """
    try:
        made: F = numba.njit(function, nogil=True, cache=True)
    except RuntimeError:
        # no folder that numba can write
        made = numba.njit(function, nogil=True)
    return made
