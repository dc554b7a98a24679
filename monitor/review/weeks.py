"""Weeks as the calendar of ISO 8601 has them, and what was found in one beside those before."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.casebook import RuleDay
from monitor.engine.subjects import distinct
from monitor.errors import PrivwatchError
from monitor.model import MAX_SUBJECTS
from monitor.review.catalogue import Card, Catalogue
from monitor.review.clocks import micros, moment
from monitor.review.summary import LEVELS

SHOWN_WEEKS = 8
"""Weeks of a trend, the one that is looked at last."""

_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")
_YEARS = range(1900, 9999)
"""Years of weeks that are shown: those beside them can be reckoned too. Logs can claim any year."""


class WeekError(PrivwatchError):
    """Something is no week."""


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """A week from Monday to Sunday, UTC."""

    monday: dt.date

    def __str__(self) -> str:
        """As in `2026-W47`."""
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02}"

    @property
    def days(self) -> tuple[str, ...]:
        """Its seven days, `2026-11-16`."""
        return tuple((self.monday + dt.timedelta(days=n)).isoformat() for n in range(7))

    @property
    def sunday(self) -> dt.date:
        """Its last day."""
        return self.monday + dt.timedelta(days=6)

    @property
    def since(self) -> int:
        """Its first moment, microseconds UTC."""
        return micros(dt.datetime.combine(self.monday, dt.time(), dt.UTC))

    @property
    def until(self) -> int:
        """The first moment after it."""
        return self.moved(1).since

    def moved(self, weeks: int) -> Week:
        """The week that many weeks later."""
        return Week(self.monday + dt.timedelta(weeks=weeks))


def week(text: str) -> Week:
    """The week that `2026-W47` names.

    Raises:
        WeekError: it names none.
    """
    found = _WEEK.fullmatch(text)
    try:
        assert found is not None  # noqa: S101 - for the type checker; the handler says what is wrong
        assert int(found[1]) in _YEARS  # noqa: S101 - as above
        return Week(dt.date.fromisocalendar(int(found[1]), int(found[2]), 1))
    except (AssertionError, ValueError):
        raise WeekError("that is no week; write it as 2026-W47") from None


def week_at(now: int) -> Week:
    """The week of a moment, microseconds UTC; the first or last that is shown where it lies beyond those."""
    day = moment(now).date()
    day = min(max(day, dt.date(_YEARS[0], 1, 1)), dt.date(_YEARS[-1], 12, 31))
    return Week(day - dt.timedelta(days=day.weekday()))


@dataclass(frozen=True, slots=True)
class RuleLine:
    """What a rule found in the week; `trend` are its violations in each of the shown weeks, oldest first."""

    card: Card
    level: str
    violations: int
    events: int
    people: int
    trend: tuple[int, ...]

    @property
    def news(self) -> str:
        """`new` where the weeks before had none, `gone` where this one has none, else empty."""
        if not self.violations:
            return "gone"
        return "" if any(self.trend[:-1]) else "new"


@dataclass(frozen=True, slots=True)
class Overview:
    """A week beside those before.

    Attributes:
        weeks: the shown weeks, oldest first.
        levels: by level, worst first: its violations in each shown week.
        days: by day of the week: violations by level.
        rules: what each rule found, worst first.
    """

    week: Week
    weeks: tuple[Week, ...]
    levels: tuple[tuple[str, tuple[int, ...]], ...]
    days: tuple[tuple[str, tuple[int, ...]], ...]
    rules: tuple[RuleLine, ...]
    violations: int
    events: int
    people: int
    before: int
    """Violations of the week before."""


def overview(week: Week, found: Sequence[RuleDay], rules: Catalogue) -> Overview:
    """The week and those before it, out of what was found on all of their days."""
    weeks = tuple(week.moved(n - SHOWN_WEEKS + 1) for n in range(SHOWN_WEEKS))
    number = {day: i for i, one in enumerate(weeks) for day in one.days}
    levels = {level: [0] * SHOWN_WEEKS for level in LEVELS}
    for one in found:
        levels[one.level][number[one.day]] += one.violations
    here = [one for one in found if number[one.day] == SHOWN_WEEKS - 1]
    days = tuple(
        (day, tuple(sum(o.violations for o in here if (o.day, o.level) == (day, level)) for level in LEVELS))
        for day in week.days
    )
    return Overview(
        week=week,
        weeks=weeks,
        levels=tuple((level, tuple(counts)) for level, counts in levels.items()),
        days=days,
        rules=tuple(_lines(found, number, rules)),
        violations=sum(one.violations for one in here),
        events=sum(one.events for one in here),
        people=people(here),
        before=sum(counts[-2] for counts in levels.values()),
    )


def people(found: Iterable[RuleDay]) -> int:
    """Distinct data subjects behind all of this, an estimate where they are many."""
    hashes = {one for day in found for one in day.subjects}
    return distinct(sorted(hashes)[:MAX_SUBJECTS])


def _lines(found: Sequence[RuleDay], number: dict[str, int], rules: Catalogue) -> list[RuleLine]:
    by_rule: dict[str, list[RuleDay]] = {}
    for one in found:
        by_rule.setdefault(one.rule, []).append(one)
    lines = []
    for rule, said in by_rule.items():
        trend = [0] * SHOWN_WEEKS
        for one in said:
            trend[number[one.day]] += one.violations
        here = [one for one in said if number[one.day] == SHOWN_WEEKS - 1]
        if not here and not trend[-2]:
            continue  # neither now nor the week before: no news
        newest = max(said, key=lambda one: one.day)
        total = (sum(one.violations for one in here), sum(one.events for one in here))
        lines.append(RuleLine(rules.card(rule), newest.level, *total, people(here), tuple(trend)))
    return sorted(lines, key=lambda line: (LEVELS.index(line.level), -line.violations, line.card.title))
