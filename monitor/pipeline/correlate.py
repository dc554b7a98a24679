"""How a run keeps its window state: live beside a stream, or by the store's segments for an archive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from monitor.engine.baseline import habits
from monitor.engine.baseline.history import HabitHistory, every_violation
from monitor.engine.history import FOREVER, MOST_PANES, NOTHING_TAKEN, History, Taken
from monitor.engine.keys import Keyring
from monitor.engine.panes import compact, from_segment, schema, to_segment
from monitor.engine.unanswered import decided
from monitor.engine.watermark import Watermark
from monitor.engine.windows import episodes
from monitor.model import Episodes, Segment, Violation
from monitor.ports import Store, TurnStore
from monitor.rules.tree import Correlation

AT_ONCE = 2
"""Correlations that are worked out at the same time."""

SHARD_PANES = 1_000_000
"""Panes held at once when an archive's episodes are worked out (about 150 bytes each)."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What a turn writes, and what is to be told of it.

    Attributes:
        episodes: what is said of groups.
        segments: what is added to the window state.
        seen: for `monitor.model.Turn`.
        late: of each partition the events that no window counts any more.
        unwatched: events that were forgotten before their time.
        spent: (rule id, seconds) that each correlation took; empty if nobody measures.
    """

    episodes: tuple[Episodes, ...] = ()
    segments: tuple[Segment, ...] = ()
    seen: int | None = None
    late: tuple[tuple[str, int], ...] = ()
    unwatched: int = 0
    spent: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class _Told:
    """What a history said when it was advanced, and (rule id, seconds) of that."""

    advanced: tuple[tuple[Episodes, ...], tuple[Segment, ...], dict[str, int]]
    spent: tuple[str, float]


class Windows(Protocol):
    """Turns matches into segments and episodes."""

    def take(
        self, partition: str, deltas: Sequence[pl.DataFrame], newest: int | None, behind: Collection[str]
    ) -> None:
        """Take in one batch.

        Args:
            partition: of the batch.
            deltas: for each correlation, in their order, the panes of its matches.
            newest: its newest event time, microseconds UTC.
            behind: partitions that held more records when the batch was read, see `monitor.engine.watermark`.
        """
        ...

    def drain(self) -> Drained:
        """What the turn's transaction must write of all that was taken in.

        Asked again where another instance wrote window state meanwhile, it takes account of that.
        """
        ...

    def wrote(self, mark: int) -> None:
        """What was drained is in the store, and `mark` the newest window state there."""
        ...

    def finish(self) -> tuple[Episodes, ...]:
        """What is left to write once the source is exhausted and everything drained is in the store."""
        ...


class LiveWindows:
    """State in memory, saved with every turn; episodes are known within the turn.

    Args:
        correlations: the rules.
        keyring: names groups.
        store: holds the state of former runs, and what other instances write.
        stopwatch: seconds, for what is said of time spent; without it nothing is measured.
        most: panes that each correlation remembers at most.

    The batches of a turn are gone through together when it is drained, whatever their partitions: it costs by
    the turn more than by the event. Several instances may each read some of the partitions. A turn is only
    written by who has seen all window state in the store, so that episodes are always those of everything
    stored. One that was outpaced goes back to where its turn began, absorbs what the others wrote, and works
    its own out again.
    """

    def __init__(
        self,
        correlations: Iterable[Correlation],
        keyring: Keyring,
        store: TurnStore,
        stopwatch: Callable[[], float] | None = None,
        most: int = MOST_PANES,
    ) -> None:
        self._store = store
        self._stopwatch = stopwatch or _standing
        self._watermark = Watermark()
        segments, self._mark = store.segments_after(0)
        known = _by_text(segments)
        self._histories = [
            (c, _history(c, keyring, known.get(_text(c), ()), most)) for c in correlations if c.reported
        ]
        self._waits = any(_waits(one) for one, _ in self._histories)
        self._times = Watermark()
        self._note_times()
        self._begin()

    def take(
        self, partition: str, deltas: Sequence[pl.DataFrame], newest: int | None, behind: Collection[str]
    ) -> None:
        """Keep the batch's panes, and how far it was read."""
        if newest is not None:
            self._watermark.observe(partition, newest)
            self._times.observe(partition, newest)
        for held, delta in zip(self._deltas, deltas, strict=True):
            if not delta.is_empty():
                held.append(delta)
        read = {} if newest is None else {partition: newest}
        self._taken += Taken(partition, self._watermark.reached(behind), read, self._times.reached(behind))

    @property
    def _anything(self) -> bool:
        """Whether the turn may tell a correlation something."""
        # A batch without matches or times may be the last of a partition that held the watermark back.
        return any(self._deltas) or (self._waits and bool(self._taken))

    def drain(self) -> Drained:
        """Every correlation, advanced by all that the turn took in."""
        if not self._anything:
            return Drained()
        self._catch_up()
        episodes, segments = list[Episodes](), list[Segment]()
        late, spent = Counter[str](), list[tuple[str, float]]()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="correlate") as pool:
            for told in pool.map(self._advanced, range(len(self._histories))):
                found, fresh, missed = told.advanced
                episodes += found
                segments += fresh
                late.update(missed)
                spent.append(told.spent)
        unwatched = sum(history.unwatched() for _, history in self._histories)
        return Drained(
            tuple(episodes),
            tuple(segments),
            self._mark,
            tuple(late.items()),
            unwatched,
            tuple((name, seconds) for name, seconds in spent if seconds),
        )

    def _advanced(self, index: int) -> _Told:
        (correlation, history), deltas = self._histories[index], self._deltas[index]
        began = self._stopwatch()
        nothing = not deltas and not _waits(correlation)
        advanced = ((), (), {}) if nothing else history.advance(deltas, self._taken)
        return _Told(advanced, (correlation.header.id, self._stopwatch() - began))

    def wrote(self, mark: int) -> None:
        """Begin the next turn."""
        if self._anything:
            self._mark = mark
        self._begin()

    def _begin(self) -> None:
        self._before = [history.state() for _, history in self._histories]
        self._deltas: list[list[pl.DataFrame]] = [[] for _ in self._histories]
        self._taken = NOTHING_TAKEN

    def _catch_up(self) -> None:
        """Go back to where the turn began, and absorb what other instances wrote since."""
        segments, self._mark = self._store.segments_after(self._mark)
        known = _by_text(segments)
        for (correlation, history), before in zip(self._histories, self._before, strict=True):
            history.restore(before)  # type: ignore[arg-type]  # each is given back its own
            if fresh := known.get(_text(correlation)):
                history.absorb(fresh)
        if segments:
            self._before = [history.state() for _, history in self._histories]
            self._note_times()

    def _note_times(self) -> None:
        """How far partitions were read before a restart, and at other instances."""
        for _, history in self._histories:
            for partition, newest in history.seen().items():
                self._times.observe(partition, newest)

    def size(self) -> int:
        """Bytes of what is remembered."""
        return sum(history.size() for _, history in self._histories)

    def finish(self) -> tuple[Episodes, ...]:
        """Nothing: every turn said what it knew."""
        return ()


class ArchiveWindows:
    """State goes to the store as it comes; episodes are worked out over all of it at the end.

    An archive is read file by file, each going through the whole time again, so no watermark could ever pass.
    """

    def __init__(self, correlations: Iterable[Correlation], keyring: Keyring, store: Store) -> None:
        self._correlations = tuple(one for one in correlations if one.reported)
        self._keyring = keyring
        self._store = store
        self._deltas: dict[tuple[int, str], list[pl.DataFrame]] = {}

    def take(
        self,
        partition: str,
        deltas: Sequence[pl.DataFrame],
        newest: int | None,
        behind: Collection[str],  # noqa: ARG002 - an archive has no watermark
    ) -> None:
        """Keep the batch's panes; in an archive nothing is late."""
        for index, (correlation, delta) in enumerate(zip(self._correlations, deltas, strict=True)):
            if not delta.is_empty():
                self._deltas.setdefault((index, partition), []).append(delta)
            if _waits(correlation) and newest is not None:
                marked = decided(correlation, partition, newest)
                self._deltas.setdefault((index, partition), []).append(marked)

    def drain(self) -> Drained:
        """The panes since the last drain as segments."""
        held, self._deltas = self._deltas, {}
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="segments") as pool:
            return Drained(segments=tuple(pool.map(self._segment, held.items())))

    def _segment(self, held: tuple[tuple[int, str], list[pl.DataFrame]]) -> Segment:
        (index, partition), frames = held
        return _segment(self._correlations[index], partition, frames)

    def wrote(self, mark: int) -> None:
        """Nothing: an archive's state is asked of the store at the end."""

    def finish(self) -> tuple[Episodes, ...]:
        """Every episode of every correlation, in place of what the store held.

        A correlation that is no longer among the rules goes with the last file that was read under it.
        """
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="episodes") as pool:
            every = pool.map(self._all_episodes, self._correlations)
            found = {c.header.id: tuple(e) for c, e in zip(self._correlations, every, strict=True)}
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
        if correlation.baseline is not None:
            # Peers are judged by one another: there is no part of them that could be judged alone.
            held = map(habits.from_habit_segment, self._segments(*_text(correlation)))
            return every_violation(correlation, habits.compact(held), self._keyring)
        total = sum(s.rows for s in self._segments(header.id, header.digest))
        shards = -(-total // SHARD_PANES)
        found: list[Violation] = []
        for shard in range(shards):
            found += episodes(correlation, self._shard(correlation, shard, shards), self._keyring)
        return found

    def _shard(self, correlation: Correlation, shard: int, shards: int) -> pl.DataFrame:
        header = correlation.header
        segments = self._segments(header.id, header.digest)
        mine = (pl.col("group") % shards == shard) | (pl.col("group") == 0)  # see `engine.unanswered`
        frames = [from_segment(s).filter(mine) for s in segments]
        # One segment alone is compact as it is.
        nothing = pl.DataFrame(schema=schema(correlation))
        return frames[0] if len(frames) == 1 else compact([nothing, *frames])


def _waits(correlation: Correlation) -> bool:
    """Whether time alone may tell it something."""
    return correlation.type == "absence"


def _standing() -> float:
    return 0.0


def _text(correlation: Correlation) -> tuple[str, str]:
    """Under which rule and digest the store keeps the window state: of habits that is what is counted."""
    said = correlation.baseline
    return correlation.header.id, correlation.header.digest if said is None else said.habit


def _history(
    correlation: Correlation, keyring: Keyring, segments: Iterable[Segment], most: int
) -> History | HabitHistory:
    kind = History if correlation.baseline is None else HabitHistory
    return kind(correlation, keyring, segments, most)


def _segment(correlation: Correlation, partition: str, frames: Iterable[pl.DataFrame]) -> Segment:
    if correlation.baseline is None:
        return to_segment(correlation, partition, compact(frames))
    return habits.to_habit_segment(correlation, partition, habits.compact(frames))


def _by_text(segments: Iterable[Segment]) -> dict[tuple[str, str], list[Segment]]:
    """Segments of each rule's text, in their order."""
    found: dict[tuple[str, str], list[Segment]] = {}
    for segment in segments:
        found.setdefault((segment.rule, segment.digest), []).append(segment)
    return found
