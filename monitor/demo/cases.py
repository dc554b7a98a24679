"""How a planted case is written down before its lines are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from monitor.demo import company as made_up
from monitor.demo.application import Record, record
from monitor.demo.rhythm import OFFICE, VISITORS, Period

APPLICATION = "application.ndjson"
ACCESS = "access.log"
DATABASE = "database.ndjson"

Entry: TypeAlias = tuple[int, Record | str]
"""Microseconds since the epoch, and a JSON record or a finished line."""

Maker: TypeAlias = Callable[[Random, int], Record | str]


@dataclass(frozen=True, slots=True)
class Case:
    """A `Planted` with its entries; the fields have the same meaning."""

    rule: str
    kind: str
    file: str
    actor: str
    note: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Leak:
    """`count` events of the same making, spread over the period."""

    rule: str
    file: str
    actor: str
    note: str
    count: int
    make: Maker

    def spread(self, kind: str, seed: int, period: Period) -> Case:
        """The case of this leak; it depends on nothing but the arguments."""
        rng = made_up.seeded(seed, self.rule, self.actor)
        rhythm = OFFICE if self.file == DATABASE else VISITORS
        moments = sorted(period.moments(rng, self.count, rhythm))
        entries = tuple((when, self.make(rng, when)) for when in moments)
        return Case(self.rule, kind, self.file, self.actor, self.note, entries)


def app(service: str, action: str, message: str, **fields: Callable[[Random], object]) -> Maker:
    """A maker of application records whose further fields are drawn anew for each."""

    def make(rng: Random, when: int) -> Record:
        drawn = {name: draw(rng) for name, draw in fields.items()}
        return record(rng, when, service, action, message, **drawn)

    return make


def says(service: str, action: str, text: Callable[[Random], str]) -> Maker:
    """A maker of application records that differ in their message."""
    return lambda rng, when: record(rng, when, service, action, text(rng))
