"""What the rules can see: fields that a source's events used to hold, and the rules that are blind without.

A few events of every source are looked at every second. A field has *vanished* from a source when it was
seen there, was not seen for `quiet_seconds`, and would have been expected in at least EXPECTED of the events
looked at since, going by the share of them that used to hold it. So a rare field is given more events than a
common one before its absence means something. A rule is *blind* on a source when no event without the
vanished fields can satisfy it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from threading import Lock

import polars as pl

from monitor.clock import Clock
from monitor.engine.coverage import asked_fields, blinded, blinded_correlation
from monitor.engine.plan import Plan
from monitor.frames import KEY, PATH, ROW, TEXT, EventBatch, RecordBatch
from monitor.model import FILTERED, FieldSeen, Logsource, Sightings, SourceSeen
from monitor.telemetry import source_of

EXPECTED = 20
"""Times a vanished field should have been seen by now; by chance that happens once in e^20 times."""

SAMPLE = 200
"""Events of a source that are looked at, at most once a second."""

EVERY_SECONDS = 1.0

SAVE_SECONDS = 10.0
"""Seconds between two turns that carry to the store what was seen; a crash forgets no more than that."""

FORGET_SECONDS = 30 * 86_400.0
"""A source that nobody has looked at for so long is forgotten."""

MAX_SOURCES = 100
"""Sources that are watched; others are read and evaluated all the same."""

Decode = Callable[[RecordBatch], EventBatch]


@dataclass(frozen=True, slots=True, order=True)
class Blind:
    """A rule that sees nothing on a source for lack of a field."""

    rule: str
    field: str
    source: str


@dataclass
class _Seen:
    """How often a field was seen, after how many events, and when last (seconds of the stopwatch)."""

    times: int
    events: int
    at: float
    stored: int = 0
    """`times` as the store has them."""


@dataclass
class _Watched:
    """What was looked at of one source."""

    logsource: Logsource
    events: int = 0
    looked: float = 0.0
    fields: dict[str, _Seen] = field(default_factory=dict)
    stored: int = 0
    """`events` as the store has them."""


class FieldWatch:
    """Remembers which fields the events of each source hold; turns carry what it has seen to the store.

    A restart forgets nothing, and the time nobody watched does not count as time a field was not seen.
    """

    def __init__(self, clock: Clock, quiet_seconds: float) -> None:
        self._clock = clock
        self._quiet = quiet_seconds
        self._plan: Plan | None = None
        self._sources: dict[str, _Watched] = {}
        self._guard = Lock()
        self._saved = clock.monotonic()
        self._leaving: list[tuple[_Watched, int, list[tuple[_Seen, int]]]] = []

    def restore(self, known: Iterable[SourceSeen]) -> None:
        """Go on from what the store holds; to be called before anything is looked at."""
        now, since = self._clock.monotonic(), self._since()
        recent = sorted((one for one in known if one.at >= since), key=lambda one: -one.at)
        with self._guard:
            for one in recent[:MAX_SOURCES]:
                fields = {
                    seen.name: _Seen(
                        seen.times, seen.events, now - max(0, one.at - seen.at) / 1e6, seen.times
                    )
                    for seen in one.fields
                }
                looked = now - EVERY_SECONDS  # the first events are looked at
                self._sources[one.source] = _Watched(one.logsource, one.events, looked, fields, one.events)

    def unsaved(self) -> Sightings | None:
        """What the turn at hand is to store; None where nothing is due. `saved` says that it is stored."""
        now, wall = self._clock.monotonic(), self._clock.now()
        if self._plan is None or now - self._saved < SAVE_SECONDS:
            return None
        found, self._leaving = [], []
        with self._guard:
            for name, watched in self._sources.items():
                if watched.events == watched.stored:
                    continue
                fresh = [(key, seen) for key, seen in watched.fields.items() if seen.times > seen.stored]
                self._leaving.append((watched, watched.events, [(seen, seen.times) for _, seen in fresh]))
                found.append(
                    SourceSeen(
                        name,
                        watched.logsource,
                        watched.events - watched.stored,
                        wall - round((now - watched.looked) * 1e6),
                        tuple(_seen_since(key, seen, watched.stored, now, wall) for key, seen in fresh),
                    )
                )
        return Sightings(self._plan.projection.fields, self._since(), tuple(found))

    def saved(self) -> None:
        """What `unsaved` gave is in the store."""
        with self._guard:
            for watched, events, fields in self._leaving:
                watched.stored = events
                for seen, times in fields:
                    seen.stored = times
        self._leaving = []
        self._saved = self._clock.monotonic()

    def _since(self) -> int:
        return self._clock.now() - round(FORGET_SECONDS * 1e6)

    def watched(self, plan: Plan, decode: Decode) -> Decode:
        """The same decoder, looked at over its shoulder; `plan` is what it decodes for."""
        self._plan = plan
        asked = set(plan.projection.fields)
        with self._guard:  # a field that nobody asks for is not looked for, so its absence says nothing
            for one in self._sources.values():
                one.fields = {name: seen for name, seen in one.fields.items() if name in asked}

        def decoded(batch: RecordBatch) -> EventBatch:
            events = decode(batch)
            self.look(plan, events)
            return events

        return decoded

    def look(self, plan: Plan, batch: EventBatch) -> None:
        """Look at some events of the batch, where the source was not looked at within the last second."""
        if batch.frame.is_empty() or (watched := self._due(batch)) is None:
            return
        step = -(-batch.frame.height // SAMPLE)
        rows = batch.frame[ROW].gather_every(step)
        held = present(batch.narrowed(rows), plan.projection.fields, dict(plan.projection.aliases))
        now = self._clock.monotonic()
        with self._guard:
            watched.events += len(rows)
            for name, times in held.items():
                seen = watched.fields.setdefault(name, _Seen(0, 0, now))
                seen.times += times
                seen.events, seen.at = watched.events, now

    def _due(self, batch: EventBatch) -> _Watched | None:
        name, now = source_of(batch.partition), self._clock.monotonic()
        with self._guard:
            known = self._sources.get(name)
            if known is None and len(self._sources) >= MAX_SOURCES:
                return None
            if known is not None and now - known.looked < EVERY_SECONDS:
                return None
            watched = self._sources.setdefault(name, _Watched(batch.logsource))
            watched.logsource, watched.looked = batch.logsource, now
            return watched

    def vanished(self) -> dict[str, tuple[Logsource, set[str]]]:
        """By source: what its records are, and the fields that vanished from them."""
        now = self._clock.monotonic()
        with self._guard:
            return {
                name: (
                    watched.logsource,
                    {one for one, seen in watched.fields.items() if self._gone(watched, seen, now)},
                )
                for name, watched in self._sources.items()
            }

    def _gone(self, watched: _Watched, seen: _Seen, now: float) -> bool:
        expected = seen.times / seen.events * (watched.events - seen.events)
        return now - seen.at >= self._quiet and expected >= EXPECTED

    def blind(self) -> tuple[Blind, ...]:
        """Every rule that is blind on some source, with each of its fields that vanished there."""
        plan = self._plan
        if plan is None:
            return ()
        found: set[Blind] = set()
        for source, (logsource, gone) in self.vanished().items():
            if gone:
                found.update(_blind_on(plan, source, logsource, gone))
        return tuple(sorted(found))


def _seen_since(name: str, seen: _Seen, stored: int, now: float, wall: int) -> FieldSeen:
    at = wall - round((now - seen.at) * 1e6)
    return FieldSeen(name, seen.times - seen.stored, seen.events - stored, at)


def present(batch: EventBatch, fields: Iterable[str], aliases: dict[str, tuple[str, ...]]) -> dict[str, int]:
    """How many events of the batch hold each field; fields that none of them holds are left out.

    Args:
        batch: with every projected field, see `EventBatch.narrowed`.
        fields: dotted paths.
        aliases: other paths that stand for a field.
    """
    wanted = list(fields)
    regular = batch.frame.filter(~batch.irregular)
    held = {name: len(regular) - regular[name].null_count() for name in wanted}
    tangled = batch.frame.filter(batch.irregular)[ROW]
    if len(tangled):
        leaves = batch.leaves(tangled).filter(pl.col(TEXT).is_not_null() & (pl.col(KEY) != ""))
        for name in wanted:
            held[name] += _rows_with(leaves, (name, *aliases.get(name, ())))
    return {name: times for name, times in held.items() if times}


def _rows_with(leaves: pl.DataFrame, names: Collection[str]) -> int:
    path = pl.col(PATH)
    here = [path.is_in(list(names)), *(path.str.starts_with(f"{name}.") for name in names)]
    return leaves.filter(pl.any_horizontal(here))[ROW].n_unique()


def _blind_on(plan: Plan, source: str, logsource: Logsource, gone: set[str]) -> Iterable[Blind]:
    routed = (p.rule for p in plan.rules if logsource.admits(p.rule.logsource))
    asked = {rule.header.id: rule for rule in routed if rule.header.status != FILTERED}
    blind = {name: rule for name, rule in asked.items() if blinded(rule, gone)}
    for name, rule in blind.items():
        for lacking in asked_fields(rule) & gone:
            yield Blind(name, lacking, source)
    for correlation in plan.correlations:
        counted = [asked[name] for name in correlation.events if name in asked]
        if counted and blinded_correlation(
            correlation, gone, {*blind, *(set(correlation.events) - set(asked))}
        ):
            fields = {name for rule in correlation.own for name in correlation.fields_of(rule)}
            for lacking in fields.union(*map(asked_fields, counted)) & gone:
                yield Blind(correlation.header.id, lacking, source)
