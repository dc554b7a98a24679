"""Window state of one correlation while the daemon runs: what is remembered, what is let go.

Built from the store's segments, changed by each batch's panes, saved as segments again. What other instances
save of their partitions is absorbed, so that a group's events count wherever they were read. An event is late
when every window it falls in ended more than the allowed lateness before the watermark (see `watermark`):
below this horizon no window changes any more.

What is kept of a group: everything from its oldest episode that an event at the horizon could still join, or
from the horizon where there is none, and before that one window of settled panes, which later windows hold.
So no result depends on what was let go. The store lets go when segments are replaced; the horizon of that
moment goes with them, in a segment without panes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from monitor.engine.keys import Keyring
from monitor.engine.panes import (
    MICROS,
    PANES,
    compact,
    from_segment,
    resolution,
    span_ticks,
    to_segment,
)
from monitor.engine.windows import episodes, group_name, open_since
from monitor.model import Episodes, Segment, Violation
from monitor.rules.tree import Correlation

COMPACT_EVERY = 64
"""Batches with matches after which the segments in the store are replaced by one per partition."""

FOREVER = 2**62
"""Past every event time in microseconds."""

State = tuple[pl.DataFrame, frozenset[str], int, int]
"""A history as it was: panes, partitions, horizon, batches."""

_HORIZON = ""
"""Stands for a partition in the segment that keeps the horizon."""


class History:
    """Panes of one correlation that a later event could still matter to."""

    def __init__(self, correlation: Correlation, keyring: Keyring, segments: Iterable[Segment]) -> None:
        self._correlation = correlation
        self._keyring = keyring
        self._batches = 0
        self._tick = resolution(correlation) * MICROS
        self._horizon = -FOREVER // self._tick
        self._partitions: frozenset[str] = frozenset()
        self._panes = pl.DataFrame(schema=PANES)
        self._forgot: int | None = None
        self.absorb(segments)

    @property
    def horizon(self) -> int:
        """Events of ticks below this are late."""
        return self._horizon

    def state(self) -> State:
        """What `restore` goes back to; nothing is copied."""
        return self._panes, self._partitions, self._horizon, self._batches

    def restore(self, state: State) -> None:
        """Go back to what was known then."""
        self._panes, self._partitions, self._horizon, self._batches = state
        self._forgot = None

    def absorb(self, segments: Iterable[Segment]) -> None:
        """Take in window state from the store, in the order written.

        Where its writer let go of something the horizon follows: what is known here is what the store holds.
        """
        frames = [self._panes]
        for segment in segments:
            if segment.partition == _HORIZON:
                self._horizon = max(self._horizon, segment.first // self._tick)
                continue
            self._partitions |= {segment.partition}
            if segment.replaces:
                frames = [frame.filter(pl.col("partition") != segment.partition) for frame in frames]
                frames.append(from_segment(segment))
            else:
                # Below the horizon others may still count what is late here; it only fills later windows.
                below = pl.col("tick") < self._horizon
                frames.append(from_segment(segment).with_columns(settled=pl.col("settled") | below))
        self._panes = compact(frames)
        self._forgot = None

    def _raise_horizon(self, watermark: int | None) -> None:
        """Follow the watermark; where it goes back nothing that was let go is called back."""
        if watermark is not None:
            lateness = math.ceil(self._correlation.window.lateness / resolution(self._correlation))
            reach = span_ticks(self._correlation) + lateness
            self._horizon = max(self._horizon, watermark // self._tick - reach)

    def advance(
        self, partition: str, delta: pl.DataFrame, watermark: int | None
    ) -> tuple[tuple[Episodes, ...], tuple[Segment, ...], int]:
        """Take in the panes of one batch.

        Args:
            partition: of the batch.
            delta: its PANES.
            watermark: after the batch, microseconds UTC; None while it is held back.

        Returns:
            The episodes of the touched groups, the segments to store, and the number of late events, which
            no window counts any more.
        """
        late = int(delta.filter(pl.col("tick") < self._horizon)["count"].sum())
        delta = compact([delta.filter(pl.col("tick") >= self._horizon)])
        if delta.is_empty():
            return (), (), late
        self._panes = compact([self._panes, delta])
        touched = self._panes.join(delta.select("group").unique(), on="group", how="semi")
        found = self._touched_episodes(touched)  # before the horizon moves: they may start where it was
        self._raise_horizon(watermark)
        if self._horizon != self._forgot:
            # Where it did not move, what came since lies above it, and nothing more can be let go of.
            self._forget()
            self._forgot = self._horizon
        return found, self._segments(partition, delta), late

    def _touched_episodes(self, touched: pl.DataFrame) -> tuple[Episodes, ...]:
        """What is said of the touched groups, in place of every episode their windows may be of."""
        unsettled = touched.filter(~pl.col("settled")).group_by("group").agg(pl.col("tick").min())
        sliding = self._correlation.window.kind == "sliding"
        back = 0 if sliding else span_ticks(self._correlation) - 1
        since = {
            group_name(self._correlation, group, self._keyring): min(tick, self._horizon) - back
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

    def _forget(self) -> None:
        """Let go of what no later event could matter to."""
        span = span_ticks(self._correlation)
        joinable = open_since(self._correlation, self._panes, self._horizon)
        since = pl.min_horizontal(pl.col("open"), pl.lit(self._horizon))
        self._panes = (
            self._panes.join(joinable, on="group", how="left")
            .filter(pl.col("tick") > since - span)
            .with_columns(settled=pl.col("settled") | (pl.col("tick") < since))
            .select(list(PANES))
        )

    def _segments(self, partition: str, delta: pl.DataFrame) -> tuple[Segment, ...]:
        """What the batch adds; now and then all that is kept, of the partitions of other instances too."""
        self._batches += 1
        self._partitions |= {partition}
        if self._batches % COMPACT_EVERY:
            return (to_segment(self._correlation, partition, delta),)
        nothing = self._panes.clear()
        horizon = self._horizon * self._tick
        kept = self._panes.partition_by("partition", as_dict=True)
        return (
            *(
                to_segment(self._correlation, name, kept.get((name,), nothing), replaces=True)
                for name in sorted(self._partitions)
            ),
            replace(
                to_segment(self._correlation, _HORIZON, nothing, replaces=True), first=horizon, last=horizon
            ),
        )
