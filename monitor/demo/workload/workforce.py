"""Who reads records: people by role, services, batch jobs; how much, when, and of whom."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from monitor.demo.rhythm import CLINIC, OFFICE, VISITORS, Rhythm

WEEKS_BEFORE_JOINING = (3, 6)
"""Joiners begin in one of these weeks, the last one not included."""


@dataclass(frozen=True, slots=True)
class Role:
    """What the people of a role have in common.

    Attributes:
        share: of all people.
        rate: data subjects an hour of ordinary work.
        new: share of them who are nobody the person knows.
        month_end: factor on the last two and the first working day of a month.
        rough: how unequal the hours are, as the shape of a gamma distribution; smaller is rougher.
        nights: share of the people who sometimes work at night.
    """

    name: str
    share: float
    rate: float
    new: float
    month_end: float = 1.0
    rough: float = 4.0
    nights: float = 0.0
    rhythm: Rhythm = OFFICE


ROLES = (
    Role("agent", 0.40, 14.0, 0.85, rough=2.5),
    Role("clinician", 0.22, 6.0, 0.30, rough=2.5, nights=0.3, rhythm=CLINIC),
    Role("accountant", 0.16, 8.0, 0.50, month_end=2.5, rough=2.0),
    Role("analyst", 0.10, 9.0, 0.70, rough=0.9),
    Role("personnel", 0.06, 4.0, 0.30, month_end=2.0, rough=2.5),
    Role("engineer", 0.06, 1.5, 0.60, rough=0.8),
)

SUBJECTS = 40_000
"""People whose records there are."""


@dataclass(frozen=True, slots=True)
class Member:
    """One account.

    Attributes:
        kind: `person`, `service` or `batch`.
        rate: data subjects in an hour of ordinary work.
        begins: first day of work, counted from the start; above 0 for joiners.
        away: days on which the member does not work.
        free: a weekday that is always free, or -1.
        nights: whether the member sometimes works at night.
        scheduled: hours of a batch job; empty for everybody else.
        late: hours by which the working day is shifted.
        more: a day from which on the member has twice as much to do, for good and for a good reason; or -1.
    """

    name: str
    role: str
    kind: str
    rate: float
    new: float
    known: tuple[int, ...]
    rhythm: Rhythm
    month_end: float = 1.0
    rough: float = 4.0
    begins: int = 0
    away: frozenset[int] = frozenset()
    free: int = -1
    nights: bool = False
    scheduled: tuple[int, ...] = ()
    late: int = 0
    more: int = -1


def workforce(rng: Random, people: int, services: int, days: int) -> list[Member]:
    """Everybody, people first, in an order that does not depend on chance."""
    members: list[Member] = []
    for role in ROLES:
        numbers = range(round(people * role.share))
        members += [_person(rng, role, f"{role.name}-{number:03d}", days) for number in numbers]
    return [*members, *(_machine(rng, number, services) for number in range(services))]


def _known(rng: Random, count: int) -> tuple[int, ...]:
    return tuple(rng.randrange(SUBJECTS) for _ in range(count))


def _person(rng: Random, role: Role, name: str, days: int) -> Member:
    away: frozenset[int] = frozenset()
    if rng.random() < 0.3:
        first, length = rng.randrange(days), rng.choice((5, 7, 14))
        away = frozenset(range(first, first + length))
    joined = rng.random() < 0.06
    return Member(
        name=name,
        role=role.name,
        kind="person",
        rate=role.rate * rng.lognormvariate(0, 0.45),
        new=role.new,
        known=_known(rng, rng.randint(60, 300)),
        rhythm=role.rhythm,
        month_end=role.month_end,
        rough=role.rough,
        begins=7 * rng.randrange(*WEEKS_BEFORE_JOINING) if joined else 0,
        away=away,
        free=rng.randrange(5) if rng.random() < 0.2 else -1,
        nights=rng.random() < role.nights,
        late=rng.choice((-1, 0, 0, 0, 1)),
        more=rng.randrange(days) if rng.random() < 0.05 else -1,
    )


def _machine(rng: Random, number: int, services: int) -> Member:
    """Two thirds answer requests around the clock, the others run at night."""
    if number < services * 2 // 3:
        return Member(
            name=f"svc-web-{number:02d}",
            role="service",
            kind="service",
            rate=rng.uniform(30, 200),
            new=0.9,
            known=_known(rng, 300),
            rhythm=VISITORS,
            rough=25.0,
        )
    hour = rng.randrange(1, 4)
    return Member(
        name=f"svc-batch-{number:02d}",
        role="batch",
        kind="batch",
        rate=rng.uniform(200, 800),
        new=0.5,
        known=_known(rng, 3000),
        rhythm=VISITORS,
        rough=60.0,
        scheduled=(hour, hour + 1),
    )
