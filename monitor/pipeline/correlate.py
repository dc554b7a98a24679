"""How a run keeps its window state: live beside a stream, or by the store's segments for an archive."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Protocol

import polars as pl

from monitor.engine.history import FOREVER, History
from monitor.engine.keys import Keyring
from monitor.engine.match import Matches
from monitor.engine.panes import PANES, compact, from_segment, panes, to_segment
from monitor.engine.watermark import Watermark
from monitor.engine.windows import episodes
from monitor.model import Episodes, Segment, Violation
from monitor.ports import Store
from monitor.rules.tree import Correlation

SHARD_PANES = 1_000_000
"""Panes held at once when an archive's episodes are worked out (about 150 bytes each)."""


class Windows(Protocol):
    """Turns matches into segments and episodes."""

    def take(self, partition: str, matches: Matches, newest: int | None, behind: Collection[str]) -> int:
        """Take in one batch.

        Args:
            partition: of the batch.
            matches: in it.
            newest: its newest event time, microseconds UTC.
            behind: partitions that held more records when the batch was read, see `monitor.engine.watermark`.

        Returns:
            How many events were late.
        """
        ...

    def drain(self) -> tuple[tuple[Episodes, ...], tuple[Segment, ...]]:
        """What the turn's transaction must write of it."""
        ...

    def finish(self) -> tuple[Episodes, ...]:
        """What is left to write once the source is exhausted and everything drained is in the store."""
        ...


class LiveWindows:
    """State in memory, saved with every turn; episodes are known within the turn."""

    def __init__(self, correlations: Iterable[Correlation], keyring: Keyring, store: Store) -> None:
        self._keyring = keyring
        self._watermark = Watermark()
        self._histories = [
            (c, History(c, keyring, store.segments(c.header.id, c.header.digest, -FOREVER, FOREVER)))
            for c in correlations
        ]
        self._episodes: dict[tuple[str, str], Episodes] = {}
        self._segments: list[Segment] = []

    def take(self, partition: str, matches: Matches, newest: int | None, behind: Collection[str]) -> int:
        """Advance every correlation by one batch."""
        if newest is not None:
            self._watermark.observe(partition, newest)
        reached = self._watermark.reached(behind)
        late = 0
        for correlation, history in self._histories:
            delta = panes(partition, correlation, matches, self._keyring)
            if delta.is_empty():
                continue
            found, segments, missed = history.advance(partition, delta, reached)
            self._episodes |= {(e.rule, e.group): self._widened(e) for e in found}
            self._segments += segments
            late += missed
        return late

    def drain(self) -> tuple[tuple[Episodes, ...], tuple[Segment, ...]]:
        """Episodes and segments since the last drain."""
        drained = tuple(self._episodes.values()), tuple(self._segments)
        self._episodes, self._segments = {}, []
        return drained

    def _widened(self, found: Episodes) -> Episodes:
        """The newest word on a group: it takes the place of what the turn said before of the same times."""
        before = self._episodes.get((found.rule, found.group), found)
        kept = tuple(v for v in before.violations if v.start is not None and v.start < found.since)
        return replace(found, since=min(found.since, before.since), violations=kept + found.violations)

    def finish(self) -> tuple[Episodes, ...]:
        """Nothing: every turn said what it knew."""
        return ()


class ArchiveWindows:
    """State goes to the store as it comes; episodes are worked out over all of it at the end.

    An archive is read file by file, each going through the whole time again, so no watermark could ever pass.
    """

    def __init__(self, correlations: Iterable[Correlation], keyring: Keyring, store: Store) -> None:
        self._correlations = tuple(correlations)
        self._keyring = keyring
        self._store = store
        self._deltas: dict[tuple[int, str], list[pl.DataFrame]] = {}

    def take(
        self,
        partition: str,
        matches: Matches,
        newest: int | None,  # noqa: ARG002 - an archive has no watermark
        behind: Collection[str],  # noqa: ARG002 - as above
    ) -> int:
        """Keep the batch's panes; in an archive nothing is late."""
        for index, correlation in enumerate(self._correlations):
            delta = panes(partition, correlation, matches, self._keyring)
            if not delta.is_empty():
                self._deltas.setdefault((index, partition), []).append(delta)
        return 0

    def drain(self) -> tuple[tuple[Episodes, ...], tuple[Segment, ...]]:
        """The panes since the last drain as segments."""
        segments = [
            to_segment(self._correlations[index], partition, compact(frames))
            for (index, partition), frames in self._deltas.items()
        ]
        self._deltas = {}
        return (), tuple(segments)

    def finish(self) -> tuple[Episodes, ...]:
        """Every episode of every correlation, in place of what the store held.

        A correlation that is no longer among the rules goes with the last file that was read under it.
        """
        found = {c.header.id: tuple(self._all_episodes(c)) for c in self._correlations}
        held = {(v.rule, v.digest) for v in self._store.violations() if v.start is not None}
        orphaned = {
            rule: ()
            for rule, digest in sorted(held)
            if rule not in found and next(iter(self._segments(rule, digest)), None) is None
        }
        return tuple(
            Episodes(rule, "", -FOREVER, FOREVER, violations)
            for rule, violations in {**found, **orphaned}.items()
        )

    def _segments(self, rule: str, digest: str) -> Iterable[Segment]:
        return self._store.segments(rule, digest, -FOREVER, FOREVER)

    def _all_episodes(self, correlation: Correlation) -> list[Violation]:
        header = correlation.header
        total = sum(s.rows for s in self._segments(header.id, header.digest))
        shards = -(-total // SHARD_PANES)
        found: list[Violation] = []
        for shard in range(shards):
            found += episodes(correlation, self._shard(correlation, shard, shards), self._keyring)
        return found

    def _shard(self, correlation: Correlation, shard: int, shards: int) -> pl.DataFrame:
        header = correlation.header
        segments = self._segments(header.id, header.digest)
        mine = pl.col("group") % shards == shard
        return compact([pl.DataFrame(schema=PANES), *(from_segment(s).filter(mine) for s in segments)])
