"""The only place that reads a clock. Everything else takes time as a parameter."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Wall time and a stopwatch."""

    def now(self) -> int:
        """Microseconds since the Unix epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Microseconds since the Unix epoch, UTC."""
        return time.time_ns() // 1000  # noqa: TID251 - this is the clock

    def monotonic(self) -> float:
        """Seconds from an arbitrary start."""
        return time.monotonic()  # noqa: TID251 - this is the clock

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass
class ManualClock:
    """A clock that moves when told; sleeping moves it."""

    micros: int = 0

    def now(self) -> int:
        """Microseconds since the Unix epoch, UTC."""
        return self.micros

    def monotonic(self) -> float:
        """Seconds since the Unix epoch of this clock."""
        return self.micros / 1e6

    def sleep(self, seconds: float) -> None:
        """Move on by that many seconds."""
        self.micros += round(seconds * 1e6)
