"""Slows down who guesses passwords: so many tries, then a wait that grows."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

FREE = 5
"""Tries in vain before anybody has to wait."""

FIRST_SECONDS = 30.0
LONGEST_SECONDS = 900.0
FORGOTTEN_SECONDS = 3600.0
KEPT = 10_000
"""Names and addresses that are remembered; the oldest go first."""


class Throttle:
    """Counts tries in vain by any key: an account's name, an address."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._guard = Lock()

    def wait(self, keys: tuple[str, ...], now: float) -> float:
        """Seconds until another try is taken for all of these keys; 0: at once. `now` is a stopwatch's."""
        with self._guard:
            return max((self._wait(key, now) for key in keys), default=0.0)

    def failed(self, keys: tuple[str, ...], now: float) -> None:
        """A try was in vain."""
        with self._guard:
            for key in keys:
                count, at = self._failed.pop(key, (0, now))
                self._failed[key] = (1 if now - at > FORGOTTEN_SECONDS else count + 1, now)
            while len(self._failed) > KEPT:
                self._failed.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """The right person came: their name is free again. The address is not, it may be many people's."""
        with self._guard:
            self._failed.pop(key, None)

    def _wait(self, key: str, now: float) -> float:
        count, at = self._failed.get(key, (0, now))
        if count < FREE:
            return 0.0
        pause = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(count - FREE, 10))
        return max(0.0, at + pause - now)
