"""When things happen: hours of the day, days of the week, and the clock formats of the three logs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from random import Random

HOUR = 3_600_000_000
DAY = 24 * HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Relative weights: 24 hours of a day (UTC) and 7 days of a week, Monday first."""

    hours: tuple[int, ...]
    weekdays: tuple[float, ...]


OFFICE = Rhythm(
    (*(0,) * 6, 1, 4, 9, 10, 10, 9, 5, 8, 9, 9, 8, 5, 2, 1, *(0,) * 4), (1, 1, 1, 1, 0.9, 0.05, 0.02)
)
CLINIC = Rhythm(
    (*(1,) * 6, 3, 8, 10, 10, 9, 9, 5, 7, 9, 9, 8, 6, 4, 3, 2, 2, 1, 1), (1, 1, 1, 1, 1, 0.4, 0.3)
)
VISITORS = Rhythm(
    (2, 1, 1, 1, 1, 1, 2, 4, 6, 7, 8, 8, 9, 8, 8, 8, 9, 10, 12, 14, 15, 14, 9, 5),
    (1, 0.95, 0.95, 1, 1.1, 1.2, 1.25),
)
MACHINES = Rhythm((1,) * 24, (1,) * 7)


@dataclass(frozen=True, slots=True)
class Period:
    """Some whole days from midnight UTC of `first`."""

    first: date
    days: int

    @property
    def start(self) -> int:
        """Microseconds since the epoch."""
        return (self.first - _EPOCH.date()).days * DAY

    def at(self, day: int, hour: float) -> int:
        """A moment in microseconds; a day beyond the period falls on its last one."""
        return self.start + min(day, self.days - 1) * DAY + round(hour * HOUR)

    def moments(self, rng: Random, count: int, rhythm: Rhythm) -> list[int]:
        """`count` moments in the period, unordered, microseconds in whole milliseconds."""
        weekday = self.first.weekday()
        weights = [
            hour * rhythm.weekdays[(weekday + day) % 7] for day in range(self.days) for hour in rhythm.hours
        ]
        slots = rng.choices(range(len(weights)), cum_weights=list(accumulate(weights)), k=count)
        return [self.start + slot * HOUR + int(rng.random() * 3_600_000) * 1000 for slot in slots]


def _when(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def iso(micros: int) -> str:
    """`2026-11-16T08:13:22.481Z`."""
    return _when(micros).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clf(micros: int) -> str:
    """`16/Nov/2026:08:13:22 +0000`, the time of an access log; month names are English in any locale."""
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    when = _when(micros)
    return f"{when:%d}/{months[when.month - 1]}/{when:%Y:%H:%M:%S} +0000"
