"""Slows down who guesses passwords: so many tries, then a wait that grows."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

FREE = 5
"""Tries in vain before anybody has to wait."""

FIRST_SECONDS = 30.0
LONGEST_SECONDS = 900.0
FORGOTTEN_SECONDS = 3600.0
LONGEST_NAME = 65
"""Characters of a name that are remembered, one more than an account can have."""
KEPT = 10_000
"""Names and addresses that are remembered; the oldest go first."""


class Throttle:
    """Counts tries in vain by any key: an account's name, an address."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._guard = Lock()

    def begin(self, name: str, address: str, now: float) -> float:
        """Seconds until a try is taken for this name from this address; 0: this one is.

        `now` is a stopwatch's. One that is taken counts as in vain from the start, so that many at once are
        not taken together.
        """
        keys = _keys(name, address)
        with self._guard:
            wait = max(self._wait(key, now) for key in keys)
            if not wait:
                for key in keys:
                    count, at = self._failed.pop(key, (0, now))
                    self._failed[key] = (1 if now - at > FORGOTTEN_SECONDS else count + 1, now)
                while len(self._failed) > KEPT:
                    self._failed.popitem(last=False)
            return wait

    def succeeded(self, name: str, address: str) -> None:
        """The right person came: their name is free again. The address is that of many, maybe."""
        ours, theirs = _keys(name, address)
        with self._guard:
            self._failed.pop(ours, None)
            count, at = self._failed.pop(theirs, (0, 0.0))
            if count > 1:
                self._failed[theirs] = (count - 1, at)

    def _wait(self, key: str, now: float) -> float:
        count, at = self._failed.get(key, (0, now))
        if count < FREE:
            return 0.0
        pause = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(count - FREE, 10))
        return max(0.0, at + pause - now)


def _keys(name: str, address: str) -> tuple[str, str]:
    """What is counted; names that are too long for an account are one."""
    return f"account {name[:LONGEST_NAME]}", f"address {address}"
