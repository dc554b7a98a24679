"""Habits of one rule while the daemon runs, and every violation of an archive's.

As `monitor.engine.history` does for windows: built from the store's segments, changed by each turn, saved as
segments again. A day is judged anew whenever an event of it comes. Norms are made of the days before, so an
event of an earlier day, which only comes within the allowed lateness, has every group judged anew from the
next day on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from monitor.engine.baseline.facts import HOURS_A_DAY, Facts, facts
from monitor.engine.baseline.habits import (
    HABITS,
    compact,
    from_habit_segment,
    reads,
    the_baseline,
    to_habit_segment,
)
from monitor.engine.baseline.judge import Judge
from monitor.engine.baseline.known import Known
from monitor.engine.baseline.unusual import DAY, model_of, violations
from monitor.engine.history import (
    COMPACT_EVERY,
    FOLD_PANES,
    FOREVER,
    MOST_PANES,
    Taken,
    by_partition,
    keeping_horizon,
    kept_horizon,
    late_events,
)
from monitor.engine.keys import Keyring
from monitor.engine.panes import MICROS
from monitor.engine.stacked import stacked
from monitor.engine.windows import group_name
from monitor.model import Episodes, Segment, Violation
from monitor.rules.baseline import HOUR
from monitor.rules.tree import Correlation

FURTHEST_ZONE = 14
"""Hours."""

_DAY = pl.col("tick").floordiv(HOURS_A_DAY)


def every_violation(correlation: Correlation, frame: pl.DataFrame, keyring: Keyring) -> list[Violation]:
    """What there is to say of compact HABITS that hold everything."""
    days = frame.select(_DAY.unique()).to_series().to_list()
    model = model_of(correlation)
    known = facts(reads(frame), model.history, sums=model.sums)
    verdicts = Judge(model).verdicts(known, days, the_baseline(correlation).signals)
    return violations(correlation, verdicts, frame, keyring)


@dataclass(frozen=True, slots=True)
class HabitState:
    """A history as it was; frames are never changed, so nothing is copied.

    Attributes:
        base: compact HABITS.
        recent: compact HABITS of what came since, see `monitor.engine.stacked`.
        known: what was worked out of them.
        partitions: whose habits the store has.
        horizon: events of hours below this are late.
        turns: with habits, since the store was opened.
    """

    base: pl.DataFrame
    recent: tuple[pl.DataFrame, ...]
    known: Known
    partitions: frozenset[str]
    horizon: int
    turns: int

    @property
    def frames(self) -> tuple[pl.DataFrame, ...]:
        """All habits."""
        return (self.base, *self.recent)

    def of(self, groups: pl.DataFrame | None, since: int) -> pl.DataFrame:
        """HABITS of these groups (`group`; None: all) from that day on, not compact."""
        frames = [frame.filter(pl.col("tick") >= since * HOURS_A_DAY) for frame in self.frames]
        if groups is not None:
            frames = [frame.join(groups, on="group", how="semi") for frame in frames]
        return pl.concat(frames)


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
        nothing, known = pl.DataFrame(schema=HABITS), Known(self._model)
        self._state = HabitState(nothing, (), known, frozenset(), -FOREVER // (HOUR * MICROS), 0)
        self.absorb(segments)

    @property
    def horizon(self) -> int:
        """Events of hours below this are late."""
        return self._state.horizon

    def seen(self) -> dict[str, int]:
        """Nothing: no habit waits for a time."""
        return {}

    def size(self) -> int:
        """Bytes of the habits, and of what is known of them."""
        return self._state.known.size() + sum(int(one.estimated_size()) for one in self._state.frames)

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
        old, fresh = list(self._state.frames), list[pl.DataFrame]()
        partitions, horizon = self._state.partitions, self._state.horizon
        replaced = False
        for segment in segments:
            moved = kept_horizon(segment)
            if moved is not None:
                horizon = max(horizon, moved // (HOUR * MICROS))
                continue
            partitions |= {segment.partition}
            if segment.replaces:
                others = pl.col("partition") != segment.partition
                old, fresh = [f.filter(others) for f in old], [f.filter(others) for f in fresh]
                replaced = True
            fresh.append(from_habit_segment(segment))
        self._state = replace(self._state, partitions=partitions, horizon=horizon)
        if replaced or (fresh and not self._state.base.height):
            habits = compact([*old, *fresh])
            self._state = replace(self._state, base=habits, recent=(), known=Known(self._model))
        elif fresh:
            self._add(compact(fresh))

    def _add(self, delta: pl.DataFrame) -> None:
        """Keep the habits, and what is known in spite of them."""
        if delta.height:
            state = self._state
            known = state.known.after(delta.select("group").unique(), int(delta.select(_DAY.min()).item()))
            self._state = replace(state, recent=stacked(state.recent, delta, compact), known=known)

    def advance(
        self, deltas: Sequence[pl.DataFrame], taken: Taken
    ) -> tuple[tuple[Episodes, ...], tuple[Segment, ...], dict[str, int]]:
        """Take in the habits of one turn; as `monitor.engine.history.History.advance`."""
        delta = compact([self._state.base.clear(), *deltas])
        too_old = pl.col("tick") < self.horizon
        late = late_events(delta.filter(too_old))
        delta = delta.filter(~too_old)
        if delta.is_empty():
            return (), (), late
        self._add(delta)
        found = self._judged(delta)
        self._raise_horizon(taken.watermark)
        return found, self._segments(delta), late

    def _judged(self, delta: pl.DataFrame) -> tuple[Episodes, ...]:
        """What is said of the groups of the turn from its first day on, and of all from the next day on."""
        first = int(delta.select(_DAY.min()).item())
        touched = delta.select("group").unique()
        said = self._said(first, [first], touched)
        since = dict.fromkeys(touched["group"], first)
        later = pl.concat(
            [frame.filter(first < _DAY).select("group", _DAY.alias("day")) for frame in self._state.frames]
        ).unique()
        if later.height:
            said += self._said(first + 1, later["day"].unique().to_list(), None)
            since = dict.fromkeys(later["group"], first + 1) | since
        rule = self._correlation
        names = {group_name(rule, group, self._keyring): day for group, day in sorted(since.items())}
        found: dict[str, list[Violation]] = {name: [] for name in names}
        for violation in said:
            found[violation.group].append(violation)
        header = rule.header
        return tuple(
            Episodes(header.id, name, names[name] * DAY, FOREVER, tuple(those), header.digest)
            for name, those in found.items()
        )

    def _said(self, first: int, days: list[int], groups: pl.DataFrame | None) -> list[Violation]:
        """What there is to say of these groups (`group`; None: all) on these days, the earliest given."""
        rule, model, state = self._correlation, self._model, self._state
        back = first - model.drip_days - model.history

        def everybody() -> Facts:
            return state.known.everybody(lambda those: reads(state.of(those, -FOREVER // DAY)))

        asked = (
            everybody()
            if groups is None
            else facts(reads(state.of(groups, back)), model.history, sums=model.sums)
        )
        verdicts = state.known.judge.verdicts(asked, days, the_baseline(rule).signals, everybody)
        guilty = verdicts.select("group").unique()
        if guilty.is_empty():
            return []
        return violations(rule, verdicts, compact([state.of(guilty, first)]), self._keyring)

    def _raise_horizon(self, watermark: int | None) -> None:
        if watermark is not None:
            late = math.ceil(self._correlation.window.lateness / HOUR) + 1
            # The watermark is UTC; no clock is further from it than that.
            late += FURTHEST_ZONE if the_baseline(self._correlation).zone else 0
            horizon = max(self._state.horizon, watermark // (HOUR * MICROS) - late)
            self._state = replace(self._state, horizon=horizon)

    def _fold(self) -> None:
        """Make all habits one, without days that no day to come depends on.

        Nor the oldest where there are too many. Then facts are others, and nothing is known.
        """
        state, oldest_day = self._state, self.horizon // HOURS_A_DAY
        back = oldest_day - self._model.reach - self._model.history
        kept, known = compact([state.of(None, back)]), state.known.let_go(oldest_day)
        if kept.height > self._most:
            oldest = kept["tick"].sort(descending=True)[self._most * 3 // 4]
            few = kept.filter(pl.col("tick") > oldest)
            self._unwatched += int(kept["count"].sum()) - int(few["count"].sum())
            kept, known = few, Known(self._model)
        self._state = replace(state, base=kept, recent=(), known=known)

    def _segments(self, delta: pl.DataFrame) -> tuple[Segment, ...]:
        """What the turn adds; now and then all that is kept, of the partitions of other instances too."""
        fresh = by_partition(delta)
        turns, partitions = self._state.turns + 1, self._state.partitions | fresh.keys()
        self._state = replace(self._state, turns=turns, partitions=partitions)
        if turns % COMPACT_EVERY:
            if sum(frame.height for frame in self._state.recent) > max(FOLD_PANES, self._state.base.height):
                self._fold()
            return tuple(to_habit_segment(self._correlation, name, one) for name, one in fresh.items())
        self._fold()
        kept = by_partition(self._state.base)
        nothing = self._state.base.clear()
        return (
            *(
                to_habit_segment(self._correlation, name, kept.get(name, nothing), replaces=True)
                for name in sorted(partitions)
            ),
            keeping_horizon(
                to_habit_segment(self._correlation, "", nothing), self._state.horizon * HOUR * MICROS
            ),
        )
