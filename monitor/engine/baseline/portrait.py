"""A portrait: one group's normal on a day, what it did, and what it would have taken to be reported.

What it takes is asked of the signals themselves, with the group's day as it was but for the number that is
looked for; so a portrait says what the rule would, and knows no bound of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from monitor.engine.baseline.facts import HOURS_A_DAY, Facts, facts
from monitor.engine.baseline.habits import reads, the_baseline
from monitor.engine.baseline.judge import Judge
from monitor.engine.baseline.norms import EPOCH_WEEKDAY, WEEKEND
from monitor.engine.baseline.signals import SIGNALS, Today
from monitor.engine.baseline.unusual import clock_of, counted_in, model_of, told
from monitor.rules.tree import Correlation
from monitor.rules.vocabulary import DAILY_SIGNALS, HOURLY_SIGNALS

MOST = 10**9
"""People beyond which it is not asked what it would take."""


@dataclass(frozen=True, slots=True)
class Norm:
    """What is usual, in people: the centre, one scale below and above it, the most, and that of the peers."""

    usual: float
    low: float
    high: float
    most: float
    peers: float | None


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of the day (0 to 23): people read, what is usual then, what each signal takes (None: never)."""

    hour: int
    people: int
    norm: Norm | None
    takes: tuple[tuple[str, int | None], ...]

    @property
    def counting(self) -> tuple[tuple[str, int | None], ...]:
        """What those signals take that go by how many people there are; `enumeration` asks who they are."""
        return tuple(one for one in self.takes if one[0] != "enumeration")

    @property
    def least(self) -> int | None:
        """People from which on one of the signals speaks, whoever they are."""
        return min((n for _, n in self.counting if n is not None), default=None)


@dataclass(frozen=True, slots=True)
class Day:
    """A day since the epoch: people read, those read for the first time, and in off-hours."""

    day: int
    people: int
    new: int
    night: int


@dataclass(frozen=True, slots=True)
class Portrait:
    """One group on one day.

    Attributes:
        what: is counted: people, events, or the field that is added up; below it is called people.
        clock: the zone whose hours and days they are.
        day: since the epoch.
        peers: its role; empty where it has none.
        grown: whether its own norms are used; else those of its peers, doubled.
        enough: days of one kind that norms of that kind are made of; of fewer than that, all days make them.
        known: days of the history on which it read.
        hours: all 24 of them; without signals of hours, what each takes is empty.
        norm: of the day as a whole.
        takes: what each daily signal of the rule takes.
        history: the days before on which it read, and the day itself, in their order.
        said: what there is to say of the day, a pair of signal and words each.
    """

    what: str
    clock: str
    day: int
    peers: str
    grown: bool
    enough: int
    known: int
    hours: tuple[Hour, ...]
    norm: Norm | None
    takes: tuple[tuple[str, int | None], ...]
    history: tuple[Day, ...]
    said: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Supposing:
    """A group's facts, its day, and its peers then."""

    own: Facts
    group: int
    day: int
    peer: str

    def read(self, numbers: Sequence[int], *, night: int = 0) -> Facts:
        """The facts, had it read so many people in the hours, and the first number on the whole day."""
        before = pl.col("day") != self.day
        hours = pl.DataFrame(
            [(self.group, self.day, hour, n, n, n) for hour, n in enumerate(numbers)],
            schema=self.own.hours.select("group", "day", "hour", "people", "count", "steps").schema,
            orient="row",
        )
        days = pl.DataFrame(
            [(self.group, self.day, numbers[0], numbers[0], night, self.peer)],
            schema=self.own.days.select("group", "day", "people", "new", "night", "peer").schema,
            orient="row",
        )
        return Facts(
            pl.concat([self.own.hours.filter(before), hours.select(self.own.hours.columns)]),
            pl.concat([self.own.days.filter(before), days.select(self.own.days.columns)]).sort(
                "group", "day"
            ),
        )


def is_weekend(day: int) -> bool:
    """Whether a day since the epoch is of the weekend's class."""
    return (day + EPOCH_WEEKDAY) % 7 >= WEEKEND


class Portrayer:
    """Makes portraits of the groups of one rule.

    Args:
        correlation: a rule with a baseline.
        habits: compact HABITS of everybody.
    """

    def __init__(self, correlation: Correlation, habits: pl.DataFrame) -> None:
        self._correlation = correlation
        self._signals = the_baseline(correlation).signals
        self._model = model_of(correlation)
        self._everybody = facts(reads(habits), self._model.history, sums=self._model.sums)
        self._judge = Judge(self._model)

    def _all(self) -> Facts:
        return self._everybody

    def latest(self, group: int) -> int | None:
        """The last day on which a group read; None: it never did."""
        found = self._everybody.days.filter(pl.col("group") == group)["day"].max()
        return found if isinstance(found, int) else None

    def portrait(self, group: int, day: int) -> Portrait:
        """The portrait of a group that read at some time."""
        mine = pl.col("group") == group
        own = Facts(self._everybody.hours.filter(mine), self._everybody.days.filter(mine))
        before = own.days.filter(pl.col("day") <= day).tail(1)
        peer = (before if before.height else own.days.head(1))["peer"].item()
        ask = _Supposing(own, group, day, peer)
        norms = self._judge.today(ask.read([1] * HOURS_A_DAY), day, tuple(SIGNALS), self._all)
        verdicts = self._judge.verdicts(own, [day], self._signals, self._all)
        return Portrait(
            what=counted_in(self._correlation),
            clock=clock_of(self._correlation),
            day=day,
            peers=peer,
            grown=bool(norms.days["grown"].item()),
            enough=self._model.enough,
            known=own.days.filter(pl.col("day").is_between(day - self._model.history, day - 1)).height,
            hours=self._hours(norms, own.hours.filter(pl.col("day") == day), ask),
            norm=_norm(norms.days.row(0, named=True), "peer_day"),
            takes=tuple(
                (name, self._least(ask, name, 1)[0]) for name in DAILY_SIGNALS if name in self._signals
            ),
            history=tuple(
                Day(*row)
                for row in own.days.filter(pl.col("day").is_between(day - self._model.history, day))
                .select("day", "people", "new", "night")
                .iter_rows()
            ),
            said=tuple(
                (row["signal"], told(self._correlation, row)) for row in verdicts.iter_rows(named=True)
            ),
        )

    def _hours(self, norms: Today, seen: pl.DataFrame, ask: _Supposing) -> tuple[Hour, ...]:
        people = dict(seen.select("hour", "people").iter_rows())
        takes = {
            name: self._least(ask, name, HOURS_A_DAY) for name in HOURLY_SIGNALS if name in self._signals
        }
        return tuple(
            Hour(
                row["hour"],
                people.get(row["hour"], 0),
                _norm(row, "peer_top"),
                tuple((name, least[row["hour"]]) for name, least in takes.items()),
            )
            for row in norms.hours.iter_rows(named=True)
        )

    def _least(self, ask: _Supposing, signal: str, many: int) -> list[int | None]:
        """The fewest people from which on the signal speaks, of so many hours or of the day."""
        low, high = [0] * many, [MOST] * many
        ever = self._says(ask, signal, high)
        while any(above - below > 1 for below, above in zip(low, high, strict=True)):
            middle = [(below + above) // 2 for below, above in zip(low, high, strict=True)]
            says = self._says(ask, signal, middle)
            high = [n if yes else above for n, yes, above in zip(middle, says, high, strict=True)]
            low = [below if yes else n for n, yes, below in zip(middle, says, low, strict=True)]
        return [n if yes else None for n, yes in zip(high, ever, strict=True)]

    def _says(self, ask: _Supposing, signal: str, numbers: list[int]) -> list[bool]:
        supposed = ask.read(numbers, night=numbers[0] if signal == "off_hours" else 0)
        today = self._judge.today(supposed, ask.day, (signal,), self._all)
        found = SIGNALS[signal](today, self._model)
        if signal in DAILY_SIGNALS:
            return [bool(found.height)]
        hours = set(found["hour"])
        return [hour in hours for hour in range(len(numbers))]


def _norm(row: dict[str, float | None], peers: str) -> Norm | None:
    centre, scale, most, others = (row[name] for name in ("centre", "scale", "top", peers))
    if centre is None or scale is None or most is None:
        return None
    return Norm(
        usual=_people(centre),
        low=_people(centre - scale),
        high=_people(centre + scale),
        most=_people(most),
        peers=None if others is None else _people(others),
    )


def _people(x: float) -> float:
    return max(0.0, math.expm1(x))
