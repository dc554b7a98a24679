"""Freed memory is given back to the system: the C library by itself keeps what lies between pieces in use.

Records of a peak are freed piece by piece, and a few that live longer stay among them. So every peak left
some more pages behind, most of them free (figures: docs/operations.md). Asked for it, the library gives
back every page that is wholly free, wherever it lies.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Final

from monitor.clock import Clock

EVERY_SECONDS: Final = 30.0
"""It takes some milliseconds."""


class Trimming:
    """Gives back what is free, now and then. To be called often; does nothing where the library cannot.

    Args:
        clock: for the time between.
        trim: gives back what is free.
    """

    def __init__(self, clock: Clock, trim: Callable[[], object] | None = None) -> None:
        self._clock = clock
        self._trim = trim or _glibc()
        self._last = clock.monotonic()

    def between(self) -> None:
        """Give back what is free, unless that was done a while ago."""
        now = self._clock.monotonic()
        if now - self._last >= EVERY_SECONDS:
            self._last = now
            self._trim()


def _glibc() -> Callable[[], object]:
    """`malloc_trim` of the GNU C library, malloc_trim(3); elsewhere nothing."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return lambda: None
    return lambda: trim(0)
