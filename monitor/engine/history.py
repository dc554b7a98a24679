"""Window state of one correlation while the daemon runs: what is remembered, what is let go.

Built from the store's segments, changed by each turn's panes, saved as segments again. Panes are let go once
the watermark (the slowest partition's newest tick) is two windows and the allowed lateness past them, unless
an episode that is still going on needs them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import polars as pl

from monitor.engine.keys import Keyring
from monitor.engine.panes import MICROS, PANES, compact, from_segment, resolution, span_ticks, to_segment
from monitor.engine.windows import episode_bounds, episodes, group_name
from monitor.model import Episodes, Segment, Violation
from monitor.rules.tree import Correlation

COMPACT_EVERY = 64
"""Turns with matches after which the segments in the store are replaced by one per partition."""

FOREVER = 2**62
"""Past every event time in microseconds."""


class History:
    """Panes of one correlation that a later event could still matter to."""

    def __init__(self, correlation: Correlation, keyring: Keyring, segments: Iterable[Segment]) -> None:
        self._correlation = correlation
        self._keyring = keyring
        self._panes = compact([pl.DataFrame(schema=PANES), *(from_segment(s) for s in segments)])
        self._turns = 0
        self._newest: dict[str, int] = dict(
            self._panes.group_by("partition").agg(pl.col("tick").max()).iter_rows()
        )
        step = resolution(correlation)
        self._horizon = 2 * span_ticks(correlation) + math.ceil(correlation.window.lateness / step)

    @property
    def horizon(self) -> int:
        """Ticks below this are forgotten; events that fall there are late."""
        return min(self._newest.values(), default=0) - self._horizon

    def advance(
        self, partition: str, delta: pl.DataFrame
    ) -> tuple[tuple[Episodes, ...], tuple[Segment, ...], int]:
        """Take in one turn's panes.

        Returns:
            The episodes of the touched groups, the segments to store, and the number of late events, which
            no window counts any more.
        """
        late = int(delta.filter(pl.col("tick") < self.horizon)["count"].sum())
        delta = delta.filter(pl.col("tick") >= self.horizon)
        if delta.is_empty():
            return (), (), late
        newest = delta["tick"].max()
        self._newest[partition] = max(
            self._newest.get(partition, 0), newest if isinstance(newest, int) else 0
        )
        self._panes = compact([self._panes, delta])
        touched = self._panes.join(delta.select("group").unique(), on="group", how="semi")
        found = self._touched_episodes(touched)
        self._forget()
        return found, self._segments(partition, delta), late

    def _touched_episodes(self, touched: pl.DataFrame) -> tuple[Episodes, ...]:
        floor = self.horizon * resolution(self._correlation) * MICROS
        found: dict[str, list[Violation]] = {
            group_name(self._correlation, g, self._keyring): [] for g in touched["group"].unique().sort()
        }
        for violation in episodes(self._correlation, touched, self._keyring):
            found[violation.group].append(violation)
        rule = self._correlation.header.id
        return tuple(
            Episodes(
                rule,
                name,
                min([floor, *(v.start for v in those if v.start is not None)]),
                FOREVER,
                tuple(those),
            )
            for name, those in found.items()
        )

    def _forget(self) -> None:
        """Let go of panes below the horizon, except those of an episode that reaches past it."""
        ongoing = (
            episode_bounds(self._correlation, self._panes)
            .filter(pl.col("end") >= self.horizon)
            .group_by("group")
            .agg((pl.col("start").min() - span_ticks(self._correlation)).alias("keep"))
        )
        keep = pl.min_horizontal(pl.col("keep"), pl.lit(self.horizon))
        self._panes = (
            self._panes.join(ongoing, on="group", how="left")
            .filter(pl.col("tick") >= keep)
            .select(list(PANES))
        )

    def _segments(self, partition: str, delta: pl.DataFrame) -> tuple[Segment, ...]:
        self._turns += 1
        if self._turns % COMPACT_EVERY:
            return (to_segment(self._correlation, partition, delta),)
        return tuple(
            to_segment(self._correlation, str(name), frame, replaces=True)
            for (name,), frame in self._panes.partition_by("partition", as_dict=True).items()
        )
