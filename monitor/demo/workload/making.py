"""A workload: the reads of everybody over some weeks, and which of them are an attack.

Nothing is hidden in it: ordinary work is as uneven as people are. Rates differ between people of a role,
from week to week, from day to day and from hour to hour; somebody is on holiday, works late, has a campaign
to run; accounts closes the month. The same arguments give the same reads.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import polars as pl

from monitor.demo.company import seeded
from monitor.demo.rhythm import DAY, HOUR
from monitor.demo.workload.attacks import Attack, plan_attacks
from monitor.demo.workload.calendar import Calendar
from monitor.demo.workload.workforce import SUBJECTS, Member, workforce

READS: dict[str, pl.DataType] = {
    "actor": pl.String(),
    "at": pl.Int64(),
    "subject": pl.Int64(),
    "attack": pl.Boolean(),
}
"""One row per record read. `at` is microseconds UTC, `subject` the number of the person it is about."""

MONDAY = dt.date(2026, 9, 7)
QUIET = 28
"""Days at the start in which nobody attacks: what a baseline learns from."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What was made: `reads` in the order of actors and times, who is who, and what was planted."""

    calendar: Calendar
    members: tuple[Member, ...]
    attacks: tuple[Attack, ...]
    reads: pl.DataFrame

    @property
    def start(self) -> int:
        """Midnight UTC of the first day, microseconds."""
        return (self.calendar.first - dt.date(1970, 1, 1)).days * DAY


def make_workload(
    seed: int, *, people: int = 180, services: int = 20, weeks: int = 8, quiet: int = QUIET
) -> Workload:
    """The reads of `weeks` weeks from `MONDAY` on; attacks begin after `quiet` days.

    With the arguments' defaults some 1.7 million rows, made in about ten seconds.
    """
    calendar = Calendar(MONDAY, weeks * 7)
    members = workforce(seeded(seed, "workforce"), people, services, calendar.days)
    attacks = plan_attacks(seeded(seed, "attacks"), members, calendar, quiet)
    by_actor = {attack.actor: attack for attack in attacks}
    columns: tuple[list[str], list[int], list[int], list[bool]] = ([], [], [], [])
    start = (calendar.first - dt.date(1970, 1, 1)).days * DAY
    for member in members:
        week = _Work(seeded(seed, "work", member.name), member, calendar)
        for hour, people_read, planted in _reads(seed, week, by_actor.get(member.name)):
            moments = _moments(week.rng, start + hour * HOUR, len(people_read))
            columns[0].extend([member.name] * len(people_read))
            columns[1].extend(moments)
            columns[2].extend(people_read)
            columns[3].extend([planted] * len(people_read))
    frame = pl.DataFrame(dict(zip(READS, columns, strict=True)), schema=READS).sort("actor", "at", "subject")
    return Workload(calendar, tuple(members), tuple(attacks), frame)


def _reads(seed: int, work: _Work, attack: Attack | None) -> Iterator[tuple[int, list[int], bool]]:
    """(hour since the start, subjects, whether it is the attack) of one member."""
    for day in range(work.calendar.days):
        for hour, count in work.day(day):
            yield day * 24 + hour, work.subjects(count), False
    if attack is not None:
        rng = seeded(seed, "attack", attack.actor)
        for hour, subjects in attack.reads(rng, work.member, work.usual):
            yield hour, subjects, True


def _moments(rng: Random, start: int, count: int) -> list[int]:
    """Ascending moments within an hour, whole milliseconds."""
    return sorted(start + int(rng.random() * 3_600_000) * 1000 for _ in range(count))


class _Work:
    """The ordinary work of one member."""

    def __init__(self, rng: Random, member: Member, calendar: Calendar) -> None:
        self.rng = rng
        self.member = member
        self.calendar = calendar
        busiest = sorted(member.rhythm.hours)[-8:]
        mean = sum(busiest) / len(busiest)
        shift = member.late
        self._hours = [member.rhythm.hours[(hour - shift) % 24] / mean for hour in range(24)]
        self._level = 1.0
        self._campaign = 0

    def usual(self, hour: int) -> float:
        """Data subjects an hour that the member reads at this hour of a working day."""
        return self.member.rate * self._hours[hour]

    def day(self, day: int) -> Iterator[tuple[int, int]]:
        """(hour, data subjects) of a day."""
        if day % 7 == 0:
            self._level *= self.rng.lognormvariate(0, 0.08)
        if self.member.kind != "person":
            yield from self._machine_day(day)
            return
        factor = self._factor(day)
        if not factor:
            return
        night = self.member.nights and self.rng.random() < 0.15
        late = self.rng.random() < 0.02
        for hour in range(24):
            usual = self.member.rate * self._weight(hour, night=night, late=late)
            count = _uneven(self.rng, usual * factor * self._level, self.member.rough)
            if count:
                yield hour, count

    def _weight(self, hour: int, *, night: bool, late: bool) -> float:
        if night:
            return 0.5 if hour >= 22 or hour < 6 else 0.0
        if late and 18 <= hour < 22:
            return 0.6
        weight = self._hours[hour]
        # Who does not work at night is not there, whatever the clinic as a whole does.
        return 0.0 if self.member.rhythm.hours[2] and (hour < 6 or hour >= 21) else weight

    def _factor(self, day: int) -> float:
        """How much of an ordinary working day this day is; 0 where the member does not work."""
        member, rng = self.member, self.rng
        if day < member.begins or day in member.away:
            return 0.0
        share = member.rhythm.weekdays[self.calendar.weekday(day)]
        if self.calendar.holiday(day):
            share = min(share, 0.05)
        if self.calendar.weekday(day) == member.free or rng.random() > min(1.0, share):
            return 0.0
        if self._campaign:
            self._campaign -= 1
        elif rng.random() < 0.006:
            self._campaign = rng.randint(1, 3)
        factor = 2.0 if 0 <= member.more <= day else 1.0
        factor *= rng.lognormvariate(0, 0.3) * (rng.uniform(1.6, 2.6) if self._campaign else 1.0)
        return factor * (member.month_end if self.calendar.month_end(day) else 1.0)

    def _machine_day(self, day: int) -> Iterator[tuple[int, int]]:
        member = self.member
        factor = self.rng.lognormvariate(0, 0.08) * self._level
        factor *= member.rhythm.weekdays[self.calendar.weekday(day)] if not member.scheduled else 1.0
        for hour in member.scheduled or range(24):
            weight = 1.0 if member.scheduled else self._hours[hour]
            count = _uneven(self.rng, member.rate * weight * factor, member.rough)
            if count:
                yield hour, count

    def subjects(self, count: int) -> list[int]:
        """Distinct people, as far as there are enough: some known to the member, the others anybody."""
        rng, member = self.rng, self.member
        known = member.known
        drawn = {
            rng.randrange(SUBJECTS) if rng.random() < member.new else known[int(rng.random() * len(known))]
            for _ in range(count)
        }
        return list(drawn)


def _uneven(rng: Random, mean: float, shape: float) -> int:
    """A whole number around `mean`: Poisson, its rate drawn from a gamma distribution."""
    if mean <= 0:
        return 0
    rate = rng.gammavariate(shape, mean / shape)
    if rate > 50:
        return max(0, round(rng.gauss(rate, math.sqrt(rate))))
    limit, product, count = math.exp(-rate), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
