"""The days of a workload: weekends, public holidays, ends of months."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

HOLIDAYS = frozenset({(10, 3), (10, 31), (11, 1), (12, 25), (12, 26), (1, 1), (5, 1)})
"""Month and day of days on which nearly nobody works."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """`days` days from midnight UTC of `first`."""

    first: dt.date
    days: int

    def date(self, day: int) -> dt.date:
        """The date of a day, counted from 0."""
        return self.first + dt.timedelta(days=day)

    def weekday(self, day: int) -> int:
        """Monday is 0."""
        return self.date(day).weekday()

    def holiday(self, day: int) -> bool:
        """Whether it is a public holiday."""
        date = self.date(day)
        return (date.month, date.day) in HOLIDAYS

    def month_end(self, day: int) -> bool:
        """The last two days of a month and the first of the next one, weekends left out."""
        date = self.date(day)
        return date.day == 1 or (date + dt.timedelta(days=2)).month != date.month

    def working(self, day: int) -> bool:
        """Neither weekend nor holiday."""
        return self.weekday(day) < 5 and not self.holiday(day)
