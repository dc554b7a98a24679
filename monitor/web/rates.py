"""How often somebody may ask: a bucket for each, which fills again with time."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

KEPT = 10_000
"""Askers that are remembered; the oldest go first."""


class Rates:
    """So many requests a minute for each asker, `burst` of them at once."""

    def __init__(self, a_minute: int, burst: int) -> None:
        self._each = a_minute / 60
        self._burst = float(burst)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._guard = Lock()

    def take(self, key: str, now: float) -> float:
        """Take one; returns 0, or the seconds until there is one again. `now` is a stopwatch's."""
        with self._guard:
            left, at = self._left.pop(key, (self._burst, now))
            left = min(self._burst, left + (now - at) * self._each)
            wait = 0.0 if left >= 1 else (1 - left) / self._each
            self._left[key] = (left if wait else left - 1, now)
            while len(self._left) > KEPT:
                self._left.popitem(last=False)
            return wait
