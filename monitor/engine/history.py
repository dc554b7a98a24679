"""Window state of one correlation while the daemon runs: what is remembered, what is let go.

Built from the store's segments, changed by each turn's panes, saved as segments again. What other instances
save of their partitions is absorbed, so that a group's events count wherever they were read. An event is late
when every window it falls in ended more than the allowed lateness before the watermark (see `watermark`):
below this horizon no window changes any more.

What is kept of a group: everything from its oldest episode that an event at the horizon could still join, or
from the horizon where there is none, and before that one window of settled panes, which later windows hold.
So no result depends on what was let go, nor on when: it is done now and then, with the panes of many batches
at once. The store lets go when segments are replaced; the horizon of that moment goes with them, in a segment
without panes.

Memory is bounded: where a correlation would hold more panes than it may, the groups with the fewest events
are forgotten, those with an episode last, and their events are counted.

Only groups that have an episode, or had one, are spoken of: thousands of others are touched by every turn.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from monitor.engine.bounds import episode_bounds
from monitor.engine.chain import plain, reach, remembered, settled, ticks
from monitor.engine.keys import Keyring
from monitor.engine.panes import (
    MICROS,
    compact,
    from_segment,
    resolution,
    schema,
    span_ticks,
    to_segment,
)
from monitor.engine.stacked import stacked
from monitor.engine.unanswered import WAITING, decided, latest, newest, pending, seen
from monitor.engine.windowed import able
from monitor.engine.windows import episodes, group_name
from monitor.model import Episodes, Segment, Violation
from monitor.rules.tree import Correlation

COMPACT_EVERY = 64
"""Turns with matches after which the segments in the store are replaced by one per partition."""

FOLD_PANES = 200_000
"""Panes of single batches that are kept beside the others before all are made one."""

MOST_PANES = 5_000_000
"""Panes that a correlation remembers unless told otherwise; some 200 bytes each."""

FOREVER = 2**62
"""Past every event time in microseconds."""


@dataclass(frozen=True, slots=True)
class State:
    """A history as it was; frames are never changed, so nothing is copied.

    Attributes:
        base: compact PANES.
        recent: compact PANES of what came since, see `stacked`.
        told: `group`, of those that have an episode in the panes; None: not worked out yet.
        waiting: `group`, `due` of what an absence waits for (`monitor.engine.unanswered`); as `told`.
        partitions: whose panes the store has.
        horizon: events of ticks below this are late.
        turns: with panes, since the store was opened.
    """

    base: pl.DataFrame
    recent: tuple[pl.DataFrame, ...]
    told: pl.DataFrame | None
    waiting: pl.DataFrame | None
    partitions: frozenset[str]
    horizon: int
    turns: int

    @property
    def frames(self) -> tuple[pl.DataFrame, ...]:
        """All panes."""
        return (self.base, *self.recent)


_HORIZON = ""
"""Stands for a partition in the segment that keeps the horizon."""


def keeping_horizon(empty: Segment, horizon: int) -> Segment:
    """A segment without rows, made the one that keeps the horizon (microseconds UTC)."""
    return replace(empty, partition=_HORIZON, first=horizon, last=horizon, replaces=True)


def kept_horizon(segment: Segment) -> int | None:
    """The horizon that a segment keeps, microseconds UTC; None if it is one of a partition."""
    return segment.first if segment.partition == _HORIZON else None


_MARKS = pl.DataFrame({"group": [0]}, schema={"group": pl.Int64})
"""The group of the marks of an absence."""


_NOBODY = pl.DataFrame(schema=WAITING)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a turn took in besides panes, times in microseconds UTC.

    Attributes:
        partition: of one of its batches; None where there was none.
        watermark: the furthest after any of them; None while it is held back.
        newest: for an absence, the newest event time of each of their partitions.
        now: for an absence, the watermark with partitions at other instances and before a restart.
    """

    partition: str | None
    watermark: int | None
    newest: Mapping[str, int]
    now: int | None

    def __bool__(self) -> bool:
        """Whether there was a batch."""
        return self.partition is not None

    def __add__(self, later: Taken) -> Taken:
        """Both."""
        newest = {**self.newest, **later.newest}
        for partition in self.newest.keys() & later.newest.keys():
            newest[partition] = max(self.newest[partition], later.newest[partition])
        return Taken(
            later.partition or self.partition,
            _furthest(self.watermark, later.watermark),
            newest,
            _furthest(self.now, later.now),
        )


NOTHING_TAKEN = Taken(None, None, {}, None)


def _furthest(one: int | None, other: int | None) -> int | None:
    return max((t for t in (one, other) if t is not None), default=None)


def _marks(correlation: Correlation, taken: Taken) -> list[pl.DataFrame]:
    read = [seen(correlation, partition, newest) for partition, newest in taken.newest.items()]
    if taken.now is None or taken.partition is None:
        return read
    return [*read, decided(correlation, taken.partition, taken.now)]


def late_events(panes: pl.DataFrame) -> dict[str, int]:
    """Of each partition the events in these panes, where there are any."""
    counted = panes.group_by("partition", maintain_order=True).agg(pl.col("count").sum())
    return {name: count for name, count in counted.iter_rows() if count}


def by_partition(panes: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The panes of each partition."""
    return {str(name): one for (name,), one in panes.partition_by("partition", as_dict=True).items()}


class History:
    """Panes of one correlation that a later event could still matter to.

    Args:
        correlation: the rule.
        keyring: names groups.
        segments: what the store holds.
        most: panes to remember at most.
    """

    def __init__(
        self, correlation: Correlation, keyring: Keyring, segments: Iterable[Segment], most: int = MOST_PANES
    ) -> None:
        self._most = most
        self._unwatched = 0
        self._correlation = correlation
        self._keyring = keyring
        self._tick = resolution(correlation) * MICROS
        nothing = pl.DataFrame(schema=schema(correlation))
        self._state = State(nothing, (), None, None, frozenset(), -FOREVER // self._tick, 0)
        self._forgot: int | None = None
        self.absorb(segments)

    @property
    def horizon(self) -> int:
        """Events of ticks below this are late."""
        return self._state.horizon

    def size(self) -> int:
        """Bytes of the panes."""
        return sum(int(frame.estimated_size()) for frame in self._state.frames)

    def unwatched(self) -> int:
        """Events of groups that were forgotten for want of room since this was last asked."""
        found, self._unwatched = self._unwatched, 0
        return found

    def state(self) -> State:
        """What `restore` goes back to."""
        return self._state

    def restore(self, state: State) -> None:
        """Go back to what was known then."""
        self._state = state
        self._forgot = None

    def absorb(self, segments: Iterable[Segment]) -> None:
        """Take in window state from the store, in the order written.

        Where its writer let go of something the horizon follows: what is known here is what the store holds.
        """
        old, fresh = list(self._state.frames), list[pl.DataFrame]()
        partitions, horizon = self._state.partitions, self._state.horizon
        replaced = False
        for segment in segments:
            moved = kept_horizon(segment)
            if moved is not None:
                horizon = max(horizon, moved // self._tick)
                continue
            partitions |= {segment.partition}
            if segment.replaces:
                others = pl.col("partition") != segment.partition
                old, fresh = [f.filter(others) for f in old], [f.filter(others) for f in fresh]
                fresh.append(from_segment(segment))
                replaced = True
            else:
                # Below the horizon others may still count what is late here; it only fills later windows.
                below = ticks(self._correlation) < horizon
                fresh.append(from_segment(segment).with_columns(pl.col("^settled|passed$") | below))
        self._state = replace(self._state, partitions=partitions, horizon=horizon)
        self._forgot = None
        if replaced or not self._state.base.height:
            panes = compact([*old, *fresh])
            self._state = replace(self._state, base=panes, recent=(), told=None, waiting=None)
        elif fresh:
            self._add(compact(fresh))

    def _add(self, delta: pl.DataFrame) -> pl.DataFrame:
        """Keep the panes; returns all panes of those of their groups that may have or had an episode."""
        told, waiting = self._told(), self._waiting()
        groups = self._over(delta, waiting)
        self._state = replace(self._state, recent=stacked(self._state.recent, delta, compact))
        every = pl.concat([frame.join(groups, on="group", how="semi") for frame in self._state.frames])
        if not self._correlation.inner:
            asked = pl.concat([able(self._correlation, every).select("group"), told]).unique()
            every = every.join(asked, on="group", how="semi")
        touched = compact([every])
        told = pl.concat([told.join(groups, on="group", how="anti"), self._having(touched)])
        waiting = pl.concat([waiting.join(groups, on="group", how="anti"), self._waits(touched)])
        self._state = replace(self._state, told=told, waiting=waiting)
        return touched

    def _over(self, delta: pl.DataFrame, waiting: pl.DataFrame) -> pl.DataFrame:
        """`group`, of those of the panes; of an absence also those that waited long enough by now."""
        groups = delta.select("group").unique()
        if self._correlation.type != "absence":
            return groups
        now = latest(pl.concat([*self._state.frames, delta]))
        over = waiting.filter(pl.col("due") < now) if now is not None else waiting.clear()
        return pl.concat([groups, over.select("group"), _MARKS]).unique()

    def _told(self) -> pl.DataFrame:
        """`group`, of those that have an episode."""
        told = self._state.told
        if told is None:
            told = self._having(compact(self._state.frames))
            self._state = replace(self._state, told=told)
        return told

    def _having(self, panes: pl.DataFrame) -> pl.DataFrame:
        """`group`, of those of the panes that have an episode."""
        counted = plain(self._correlation, panes)
        having = episode_bounds(self._correlation, counted).select("group").unique()
        return having if self._correlation.type != "absence" else pl.concat([having, _MARKS])

    def _waiting(self) -> pl.DataFrame:
        """`group` and `due`, of those that wait."""
        waiting = self._state.waiting
        if self._correlation.type != "absence":
            return _NOBODY
        if waiting is None:
            waiting = self._waits(compact(self._state.frames))
            self._state = replace(self._state, waiting=waiting)
        return waiting

    def _waits(self, panes: pl.DataFrame) -> pl.DataFrame:
        """`group` and `due`, of those of the panes that wait."""
        return pending(self._correlation, panes) if self._correlation.type == "absence" else _NOBODY

    def seen(self) -> dict[str, int]:
        """How far each partition was read, as far as an absence noted it: event times in microseconds UTC."""
        return newest(self._state.frames) if self._correlation.type == "absence" else {}

    def _raise_horizon(self, watermark: int | None) -> None:
        """Follow the watermark; where it goes back nothing that was let go is called back."""
        if watermark is not None:
            lateness = math.ceil(self._correlation.window.lateness / resolution(self._correlation))
            over = reach(self._correlation) + lateness
            horizon = max(self._state.horizon, watermark // self._tick - over)
            self._state = replace(self._state, horizon=horizon)

    def advance(
        self, deltas: Sequence[pl.DataFrame], taken: Taken
    ) -> tuple[tuple[Episodes, ...], tuple[Segment, ...], dict[str, int]]:
        """Take in the panes of one turn.

        Args:
            deltas: PANES of its batches, of any partitions.
            taken: what else it took in. An absence takes every turn in, with panes or without.

        Returns:
            The episodes of the touched groups, the segments to store, and by partition the number of late
            events, which no window counts any more.
        """
        delta = compact([self._state.base.clear(), *deltas])
        too_old = ticks(self._correlation) < self.horizon
        late = late_events(delta.filter(too_old))
        delta = delta.filter(~too_old)
        if self._correlation.type == "absence":
            delta = pl.concat([delta, *_marks(self._correlation, taken)])
        if delta.is_empty():
            return (), (), late
        before = self._told()
        touched = self._add(delta)
        spoken = pl.concat([before, self._told()]).unique()
        touched = touched.join(spoken, on="group", how="semi")
        found = self._touched_episodes(touched)  # before the horizon moves: they may start where it was
        self._raise_horizon(taken.watermark)
        return found, self._segments(delta), late

    def _touched_episodes(self, touched: pl.DataFrame) -> tuple[Episodes, ...]:
        """What is said of the touched groups, in place of every episode their windows may be of."""
        if touched.is_empty():
            return ()
        still = touched.filter(~settled(self._correlation))
        still = still.filter(pl.col("group") != 0)
        unsettled = still.group_by("group").agg(ticks(self._correlation).min().alias("tick"))
        sliding = self._correlation.window.kind == "sliding"
        back = 0 if sliding else span_ticks(self._correlation) - 1
        since = {
            group_name(self._correlation, group, self._keyring): min(tick, self.horizon) - back
            for group, tick in unsettled.sort("group").iter_rows()
        }
        found: dict[str, list[Violation]] = {name: [] for name in since}
        for violation in episodes(self._correlation, touched, self._keyring):
            found[violation.group].append(violation)
        header = self._correlation.header
        return tuple(
            Episodes(header.id, name, since[name] * self._tick, FOREVER, tuple(those), header.digest)
            for name, those in found.items()
        )

    def _fold(self) -> None:
        """Make all panes one, and let go of what no later event could matter to."""
        panes = compact(self._state.frames)
        if self._state.horizon != self._forgot:
            # Where it did not move, what came since lies above it, and nothing more can be let go of.
            panes = remembered(self._correlation, panes, self._state.horizon)
            self._forgot = self._state.horizon
        panes = self._bounded(panes)
        known = panes.select("group").unique()
        told, waiting = (one.join(known, on="group", how="semi") for one in (self._told(), self._waiting()))
        self._state = replace(self._state, base=panes, recent=(), told=told, waiting=waiting)

    def _bounded(self, panes: pl.DataFrame) -> pl.DataFrame:
        """The panes, without those of the groups with the fewest events where there are too many.

        A quarter of the room is made at once, so that this is not done for every batch. The marks of an
        absence stay: without them nothing that it decided would hold.
        """
        if panes.height <= self._most:
            return panes
        told = self._told().with_columns(told=pl.lit(value=True))
        first = pl.col("group") == 0, pl.col("told").fill_null(value=False)
        kept = (
            panes.group_by("group")
            .agg(pl.len().alias("panes"), pl.col("count").sum())
            .join(told, on="group", how="left")
            .sort(*first, "count", "group", descending=True)
            .filter(pl.col("panes").cum_sum() <= self._most * 3 // 4)
        )
        self._unwatched += int(panes["count"].sum()) - int(kept["count"].sum())
        return panes.join(kept, on="group", how="semi", maintain_order="left")

    def _segments(self, delta: pl.DataFrame) -> tuple[Segment, ...]:
        """What the turn adds; now and then all that is kept, of the partitions of other instances too."""
        fresh = by_partition(delta)
        turns, partitions = self._state.turns + 1, self._state.partitions | fresh.keys()
        self._state = replace(self._state, turns=turns, partitions=partitions)
        if turns % COMPACT_EVERY:
            recent = sum(frame.height for frame in self._state.recent)
            base = self._state.base.height
            if recent > max(FOLD_PANES, base) or recent + base > self._most:
                self._fold()
            return tuple(to_segment(self._correlation, name, one) for name, one in fresh.items())
        self._fold()
        nothing = self._state.base.clear()
        horizon = self._state.horizon * self._tick
        kept = by_partition(self._state.base)
        return (
            *(
                to_segment(self._correlation, name, kept.get(name, nothing), replaces=True)
                for name in sorted(partitions)
            ),
            keeping_horizon(to_segment(self._correlation, "", nothing), horizon),
        )
