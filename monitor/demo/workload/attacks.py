"""Attacks of a workload: somebody, or somebody else under that account, reads what is not theirs to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from monitor.demo.workload.calendar import Calendar
from monitor.demo.workload.workforce import SUBJECTS, Member

Hours: TypeAlias = Iterator[tuple[int, list[int]]]
"""Hour since the start, and the subjects read in it."""

Usual: TypeAlias = Callable[[int], float]
"""Data subjects the member reads at an hour of the day."""

COUNTS = {
    "spike": 8,
    "night": 6,
    "day": 8,
    "drip": 8,
    "slow_drip": 8,
    "trickle": 6,
    "enumeration": 6,
    "takeover": 5,
}
"""Attacks of each kind among 200 accounts; with fewer accounts accordingly fewer, one at least."""

KINDS = tuple(COUNTS)


@dataclass(frozen=True, slots=True)
class Attack:
    """One account that is misused.

    Attributes:
        kind: spike (20 times the usual in one hour) · night (500 in an hour of the night) · day (six times
            the usual all day) · drip (twice the usual every day) · slow_drip (half as much again) · trickle
            (some twenty every night) · enumeration (90 an hour, one number after the other) · takeover (an
            account of a service, used by somebody for three hours).
        hours: the hours since the start in which it happens, ascending.
        days: first and last day.
    """

    actor: str
    kind: str
    hours: tuple[int, ...]

    @property
    def days(self) -> tuple[int, int]:
        """The first and the last day of the attack, counted from the start."""
        return self.hours[0] // 24, self.hours[-1] // 24

    def reads(self, rng: Random, member: Member, usual: Usual) -> Hours:
        """What is read beyond the ordinary."""
        begin = rng.randrange(SUBJECTS)
        for number, hour in enumerate(self.hours):
            count = round(_EXTRA[self.kind](rng, member, usual(hour % 24)))
            if self.kind == "enumeration":
                first = begin + number * count
                yield hour, [(first + each) % SUBJECTS for each in range(count)]
            elif count:
                yield hour, list({rng.randrange(SUBJECTS) for _ in range(count)})


_EXTRA: dict[str, Callable[[Random, Member, float], float]] = {
    "spike": lambda _rng, member, usual: 19 * max(usual, member.rate / 2),
    "night": lambda _rng, _member, _usual: 500,
    "day": lambda rng, _member, usual: 5 * usual * rng.uniform(0.8, 1.2),
    "drip": lambda rng, _member, usual: usual * rng.uniform(0.7, 1.3),
    "slow_drip": lambda rng, _member, usual: 0.5 * usual * rng.uniform(0.6, 1.4),
    "trickle": lambda rng, _member, _usual: rng.randint(15, 25),
    "enumeration": lambda _rng, _member, _usual: 90,
    "takeover": lambda rng, member, _usual: member.rate * rng.uniform(2, 4) + 100,
}


def plan_attacks(rng: Random, members: Sequence[Member], calendar: Calendar, quiet: int) -> list[Attack]:
    """One attack at most for each account, from day `quiet` on; who joined lately is left alone."""
    people = [m for m in members if m.kind == "person" and m.begins + 14 <= quiet]
    machines = [m for m in members if m.kind == "service"]
    rng.shuffle(people)
    rng.shuffle(machines)
    attacks = []
    for kind, count in COUNTS.items():
        for _ in range(max(1, round(count * len(members) / 200))):
            pool = machines if kind == "takeover" else people
            if pool:
                attacks.append(_attack(rng, kind, pool.pop(), calendar, quiet))
    return attacks


def _attack(rng: Random, kind: str, member: Member, calendar: Calendar, quiet: int) -> Attack:
    working = [
        day
        for day in range(quiet, calendar.days)
        if calendar.working(day) and day not in member.away and calendar.weekday(day) != member.free
    ]
    day = rng.choice(working[: max(1, len(working) * 3 // 4)])
    office = range(8 + member.late, 17 + member.late)
    hours: list[int]
    match kind:
        case "spike":
            hours = [day * 24 + rng.randrange(9, 16)]
        case "night":
            hours = [day * 24 + rng.randrange(1, 4)]
        case "day":
            hours = [day * 24 + hour for hour in office]
        case "drip" | "slow_drip":
            begin = rng.choice(working[:5])
            hours = [one * 24 + hour for one in working if one >= begin for hour in office]
        case "trickle":
            hours = [one * 24 + rng.randrange(0, 5) for one in range(day, min(day + 10, calendar.days))]
        case "enumeration":
            first = rng.randrange(9, 15)
            hours = [day * 24 + first, day * 24 + first + 1]
        case _:
            first = rng.randrange(8, 20)
            hours = [day * 24 + first + each for each in range(3)]
    return Attack(member.name, kind, tuple(hours))
