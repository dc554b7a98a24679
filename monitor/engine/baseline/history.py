"""Habits of one rule while the daemon runs, and every violation of an archive's.

As `monitor.engine.history` does for windows: built from the store's segments, changed by each batch, saved as
segments again. A day is judged anew whenever an event of it comes. Norms are made of the days before, so an
event of an earlier day, which only comes within the allowed lateness, has every group judged anew from the
next day on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import polars as pl

from monitor.engine.baseline.facts import HOURS_A_DAY, facts
from monitor.engine.baseline.habits import (
    HABITS,
    compact,
    from_habit_segment,
    reads,
    the_baseline,
    to_habit_segment,
)
from monitor.engine.baseline.judge import Judge
from monitor.engine.baseline.unusual import DAY, model_of, violations
from monitor.engine.history import COMPACT_EVERY, FOREVER, MOST_PANES, keeping_horizon, kept_horizon
from monitor.engine.keys import Keyring
from monitor.engine.panes import MICROS
from monitor.engine.windows import group_name
from monitor.model import Episodes, Segment, Violation
from monitor.rules.baseline import HOUR
from monitor.rules.tree import Correlation


def every_violation(correlation: Correlation, frame: pl.DataFrame, keyring: Keyring) -> list[Violation]:
    """What there is to say of compact HABITS that hold everything."""
    days = (
        frame.select(pl.col("tick").floordiv(HOURS_A_DAY).unique().sort()).to_series()
        if frame.height
        else pl.Series([], dtype=pl.Int64)
    )
    return _violations(correlation, frame, days.to_list(), None, keyring)


def _violations(
    correlation: Correlation,
    frame: pl.DataFrame,
    days: list[int],
    groups: pl.Series | None,
    keyring: Keyring,
) -> list[Violation]:
    if not days:
        return []
    model = model_of(correlation)
    known = facts(reads(frame), model.history)
    verdicts = Judge(model).verdicts(known, days, the_baseline(correlation).signals, groups)
    return violations(correlation, verdicts, frame, keyring)


@dataclass(frozen=True, slots=True)
class HabitState:
    """A history as it was; frames are never changed, so nothing is copied."""

    habits: pl.DataFrame
    partitions: frozenset[str]
    horizon: int
    batches: int


class HabitHistory:
    """Habits of one rule that a later event could still matter to.

    Args:
        correlation: a rule with a baseline.
        keyring: names groups.
        segments: what the store holds.
        most: rows to remember at most; beyond them the oldest days are forgotten.
    """

    def __init__(
        self, correlation: Correlation, keyring: Keyring, segments: Iterable[Segment], most: int = MOST_PANES
    ) -> None:
        self._correlation = correlation
        self._keyring = keyring
        self._most = most
        self._unwatched = 0
        self._model = model_of(correlation)
        self._state = HabitState(pl.DataFrame(schema=HABITS), frozenset(), -FOREVER // (HOUR * MICROS), 0)
        self.absorb(segments)

    @property
    def horizon(self) -> int:
        """Events of hours below this are late."""
        return self._state.horizon

    def size(self) -> int:
        """Bytes of the habits."""
        return int(self._state.habits.estimated_size())

    def unwatched(self) -> int:
        """Events that were forgotten for want of room since this was last asked."""
        found, self._unwatched = self._unwatched, 0
        return found

    def state(self) -> HabitState:
        """What `restore` goes back to."""
        return self._state

    def restore(self, state: HabitState) -> None:
        """Go back to what was known then."""
        self._state = state

    def absorb(self, segments: Iterable[Segment]) -> None:
        """Take in habits from the store, in the order written; the horizon follows what was let go."""
        frames, partitions = [self._state.habits], self._state.partitions
        horizon = self._state.horizon
        for segment in segments:
            moved = kept_horizon(segment)
            if moved is not None:
                horizon = max(horizon, moved // (HOUR * MICROS))
                continue
            partitions |= {segment.partition}
            if segment.replaces:
                frames = [frame.filter(pl.col("partition") != segment.partition) for frame in frames]
            frames.append(from_habit_segment(segment))
        self._state = replace(self._state, habits=compact(frames), partitions=partitions, horizon=horizon)

    def advance(
        self, partition: str, delta: pl.DataFrame, watermark: int | None
    ) -> tuple[tuple[Episodes, ...], tuple[Segment, ...], int]:
        """Take in the habits of one batch; as `monitor.engine.history.History.advance`."""
        late = int(delta.filter(pl.col("tick") < self.horizon)["count"].sum())
        delta = compact([delta.filter(pl.col("tick") >= self.horizon)])
        if delta.is_empty():
            return (), (), late
        self._state = replace(self._state, habits=compact([self._state.habits, delta]))
        found = self._judged(delta)
        self._raise_horizon(watermark)
        return found, self._segments(partition, delta), late

    def _judged(self, delta: pl.DataFrame) -> tuple[Episodes, ...]:
        """What is said of the groups of the batch from its first day on, and of all from the next day on."""
        habits, day = self._state.habits, pl.col("tick").floordiv(HOURS_A_DAY)
        first = int(delta.select(day.min()).item())
        days = habits.filter(day >= first).select(day.unique().sort()).to_series().to_list()
        touched = delta["group"].unique()
        others = habits.filter(day > first)["group"].unique() if days[-1] > first else touched
        recent = habits.filter(day >= first - self._model.reach - self._model.history)
        rule = self._correlation
        said = _violations(rule, recent, [first], touched, self._keyring)
        said += _violations(rule, recent, days[1:], None, self._keyring)
        names = {
            group: group_name(rule, group, self._keyring)
            for group in pl.concat([touched, others]).unique().sort()
        }
        those = set(touched)
        return tuple(
            Episodes(
                rule.header.id,
                name,
                (first if group in those else first + 1) * DAY,
                FOREVER,
                tuple(one for one in said if one.group == name),
                rule.header.digest,
            )
            for group, name in names.items()
        )

    def _raise_horizon(self, watermark: int | None) -> None:
        if watermark is not None:
            late = math.ceil(self._correlation.window.lateness / HOUR) + 1
            horizon = max(self._state.horizon, watermark // (HOUR * MICROS) - late)
            self._state = replace(self._state, horizon=horizon)

    def _remembered(self) -> pl.DataFrame:
        """Without days that no day to come depends on, nor the oldest where there are too many."""
        habits, reach = self._state.habits, self._model.reach + self._model.history
        kept = habits.filter(pl.col("tick") >= (self.horizon // HOURS_A_DAY - reach) * HOURS_A_DAY)
        if kept.height > self._most:
            oldest = kept["tick"].sort(descending=True)[self._most * 3 // 4]
            few = kept.filter(pl.col("tick") > oldest)
            self._unwatched += int(kept["count"].sum()) - int(few["count"].sum())
            kept = few
        return kept

    def _segments(self, partition: str, delta: pl.DataFrame) -> tuple[Segment, ...]:
        """What the batch adds; now and then all that is kept, of the partitions of other instances too."""
        batches, partitions = self._state.batches + 1, self._state.partitions | {partition}
        self._state = replace(self._state, batches=batches, partitions=partitions)
        if batches % COMPACT_EVERY:
            return (to_habit_segment(self._correlation, partition, delta),)
        self._state = replace(self._state, habits=self._remembered())
        kept = self._state.habits.partition_by("partition", as_dict=True)
        nothing = self._state.habits.clear()
        return (
            *(
                to_habit_segment(self._correlation, name, kept.get((name,), nothing), replaces=True)
                for name in sorted(partitions)
            ),
            keeping_horizon(
                to_habit_segment(self._correlation, "", nothing), self._state.horizon * HOUR * MICROS
            ),
        )
