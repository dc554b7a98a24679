"""Clocks of the law: from when they run, until when, and how they are told."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

HOUR = 3_600_000_000
"""Microseconds."""

NOTIFY_HOURS = 72
"""GDPR Art. 33(1): not later than 72 hours after having become aware of the breach."""

WARN_HOURS = 24
"""What is left when a clock turns urgent."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """One clock. Times are microseconds UTC; `met` is when it was stopped, None while it runs."""

    aware: int
    met: int | None = None

    @property
    def due(self) -> int:
        """When 72 hours are over; they are hours, whatever the calendar says (Regulation 1182/71, Art. 3)."""
        return self.aware + NOTIFY_HOURS * HOUR

    def left(self, now: int) -> int:
        """Microseconds until it is over, negative after that; what was left where it was stopped."""
        return self.due - (now if self.met is None else self.met)

    def state(self, now: int) -> str:
        """`met`, `late` (stopped too late), `over`, `urgent` or `running`."""
        left = self.left(now)
        if self.met is not None:
            return "met" if left >= 0 else "late"
        if left < 0:
            return "over"
        return "urgent" if left < WARN_HOURS * HOUR else "running"


def state_of(due: int, now: int) -> str:
    """State of a clock that nobody has stopped: `running`, `urgent` or `over`."""
    return Deadline(due - NOTIFY_HOURS * HOUR).state(now)


def told(left: int) -> str:
    """A span as people say it: `2 d 5 h`, `5 h 10 min`, `3 h over`."""
    minutes, over = divmod(abs(left) // 60_000_000, 60), left < 0
    hours, rest = minutes
    days, hours_left = divmod(hours, 24)
    text = f"{days} d {hours_left} h" if days else f"{hours} h {rest} min"
    return f"{text} over" if over else text


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FIRST = dt.datetime.min.replace(tzinfo=dt.UTC) - _EPOCH
_LAST = dt.datetime.max.replace(tzinfo=dt.UTC) - _EPOCH


def moment(micros: int) -> dt.datetime:
    """A time in UTC; the first or last of the calendar where it lies beyond: logs can claim any time."""
    return _EPOCH + min(max(dt.timedelta(microseconds=micros), _FIRST), _LAST)


def micros(at: dt.datetime) -> int:
    """The same the other way round."""
    return round(at.timestamp() * 1_000_000)
