"""Steps 2 and 3 of a turn, in threads: batches are decoded and screened one by one, then judged together.

Most events are done with when they were screened. What is left of several batches of a source is judged at
once, whatever their partitions: it costs by the query more than by the event.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import polars as pl

from monitor.clock import Clock
from monitor.engine.deltas import delta
from monitor.engine.group import parts
from monitor.engine.history import by_partition
from monitor.engine.keys import Keyring
from monitor.engine.match import Matches, judge, screen
from monitor.frames import RAW, TIME, EventBatch, Lines, RecordBatch, Table, Values, joined
from monitor.model import Part, Reject
from monitor.pipeline.shares import RuleSeconds
from monitor.pipeline.ways import Way, WayOf
from monitor.telemetry import EVENTS, SKIPPED, UNTIMED

WORKERS = 2
"""Batches decoded and evaluated at once; polars lets go of the interpreter while it works."""

TOGETHER_BYTES = 8 << 20
"""Text of the events that are judged at once."""

TOGETHER_BATCHES = 16

ENOUGH_BYTES = 1 << 20
"""Of so much a judging costs more by the event than by the query: where nobody judges, it is not put off."""

DAY = 86_400_000_000
"""Microseconds."""

Keep = Callable[[EventBatch], tuple[EventBatch, int]]


@dataclass(frozen=True)
class Polled:
    """One batch as read, in so many seconds. `behind` is for `Windows.take`."""

    batch: RecordBatch
    behind: Collection[str]
    seconds: float


@dataclass(frozen=True)
class Read:
    """What was read: of one batch, or of several of one partition, without their records.

    `batch` is the last of them; `times` are the oldest and newest event time, `newest` what `newest_event`
    says; `seconds` are those of each stage, `rule_seconds` of each rule.
    """

    batch: RecordBatch
    behind: Collection[str]
    batches: int
    records: int
    size: int
    rejects: tuple[Reject, ...]
    facts: Counter[str]
    times: tuple[int, int] | None
    newest: int | None
    seconds: dict[str, float]
    rule_seconds: dict[str, float]

    def __add__(self, later: Read) -> Read:
        """Both, one after the other."""
        times = [one.times for one in (self, later) if one.times]
        return Read(
            batch=later.batch,
            behind=later.behind,
            batches=self.batches + later.batches,
            records=self.records + later.records,
            size=self.size + later.size,
            rejects=self.rejects + later.rejects,
            facts=self.facts + later.facts,
            times=(min(t[0] for t in times), max(t[1] for t in times)) if times else None,
            newest=max((n for n in (self.newest, later.newest) if n is not None), default=None),
            seconds=_summed(self.seconds, later.seconds),
            rule_seconds=_summed(self.rule_seconds, later.rule_seconds),
        )

    def spent(self, seconds: Mapping[str, float], rule_seconds: Mapping[str, float]) -> Read:
        """The same with more seconds."""
        return replace(
            self,
            seconds=_summed(self.seconds, seconds),
            rule_seconds=_summed(self.rule_seconds, rule_seconds),
        )


def _summed(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in {**one, **other}}


@dataclass(frozen=True)
class _Screened:
    way: Way
    read: Read
    suspects: EventBatch
    size: int
    """Bytes of the suspects' text; 0 where they were read already."""


@dataclass(frozen=True)
class Done:
    """What was read of a partition, and what that says by itself.

    `matches` are (rule id, level, events); `deltas` are for `Windows.take`.
    """

    read: Read
    matches: tuple[tuple[str, str, int], ...]
    parts: list[Part]
    deltas: Sequence[pl.DataFrame]


@dataclass(frozen=True)
class _Judged:
    """What is said of events of several partitions; of each correlation its deltas; seconds of that."""

    matches: Matches
    parts: Sequence[Part]
    deltas: Sequence[Mapping[str, pl.DataFrame]]
    seconds: Mapping[str, float]
    rule_seconds: Mapping[str, float]


class Evaluation:
    """Decodes and evaluates; what it remembers between batches never changes a result."""

    def __init__(
        self, *, way: WayOf, keep: Keep, keyring: Keyring, clock: Clock, shares: RuleSeconds | None = None
    ) -> None:
        self._way = way
        self._keep = keep
        self._keyring = keyring
        self._clock = clock
        self._shares = shares

    def done(self, polled: Iterable[Polled]) -> Iterator[Done]:
        """All of them, of each partition in the order they were read; those at work at once are bounded."""
        judging: deque[tuple[Future[list[Done]], bool]] = deque()
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="evaluate") as pool:

            def nobody() -> bool:
                return all(one.done() for one, _ in judging)

            for together in _together(self._screened(pool, polled), nobody):
                judging.append((pool.submit(self._judge, together), _whole(together)))
                while judging and (judging[0][0].done() or _many(judging)):
                    yield from judging.popleft()[0].result()
            while judging:
                yield from judging.popleft()[0].result()

    def _screened(self, pool: ThreadPoolExecutor, polled: Iterable[Polled]) -> Iterator[_Screened]:
        waiting: deque[Future[_Screened]] = deque()
        ahead = WORKERS
        for one in polled:
            waiting.append(pool.submit(self._screen, one))
            while len(waiting) > ahead:
                screened = waiting.popleft().result()
                # A batch that is held as a whole is large, and was screened in no time.
                ahead = WORKERS if screened.size else 0
                yield screened
        while waiting:
            yield waiting.popleft().result()

    def _screen(self, polled: Polled) -> _Screened:
        batch, way = polled.batch, self._way(polled.batch.partition)
        started = self._clock.monotonic()
        decoded, skipped = self._keep(way.decode(batch))  # 2
        read = self._clock.monotonic()
        suspects = screen(way.plan, decoded, way.gate)  # 3
        done = self._clock.monotonic()
        shares = () if self._shares is None else self._shares.of(way.plan, decoded, done - read)
        facts = Counter(
            {EVENTS: decoded.frame.height, UNTIMED: decoded.frame[TIME].null_count(), SKIPPED: skipped}
        )
        for name, count in (*batch.facts, *decoded.facts):
            facts[name] += count
        told = Read(
            # What waits to be written holds no records, so that memory is that of the batches at work.
            batch=replace(batch, payload=Values(()), offsets=()),
            behind=polled.behind,
            batches=1,
            records=len(batch.offsets),
            size=_size(batch),
            rejects=decoded.rejects,
            facts=facts,
            times=_times(decoded),
            newest=newest_event(batch, decoded),
            seconds={"poll": polled.seconds, "decode": read - started, "evaluate": done - read},
            rule_seconds=dict(shares),
        )
        return _Screened(way, told, suspects, _text_bytes(suspects))

    def _judge(self, screened: Sequence[_Screened]) -> list[Done]:
        """One of each partition; what judging took is told of the first."""
        started = self._clock.monotonic()
        plan = screened[0].way.plan
        suspects = joined([one.suspects for one in screened])
        matches = judge(plan, suspects).placed(_places(screened))  # 3
        took = self._clock.monotonic() - started
        rule_seconds = {} if self._shares is None else dict(self._shares.shared(suspects.logsource, took))
        found = parts(matches, self._keyring)
        ended = grouped = self._clock.monotonic()
        deltas: list[Mapping[str, pl.DataFrame]] = []
        for correlation in (one for one in plan.correlations if one.reported):
            mine = delta(correlation, matches, self._keyring)
            deltas.append(defaultdict(mine.clear, by_partition(mine)))
            began, ended = ended, self._clock.monotonic()
            if self._shares is not None:
                name = correlation.header.id
                rule_seconds[name] = rule_seconds.get(name, 0.0) + ended - began
        seconds = {"evaluate": grouped - started, "correlate": ended - grouped}
        return list(_told(screened, _Judged(matches, found, deltas, seconds, rule_seconds)))


def _places(screened: Sequence[_Screened]) -> str | pl.Series:
    """The partition of the suspects, or of each by the ROW that `joined` gives it."""
    names = {one.read.batch.partition for one in screened}
    if len(names) == 1:
        return names.pop()
    each = (
        pl.Series([one.read.batch.partition]).new_from_index(0, one.suspects.frame.height) for one in screened
    )
    return pl.concat(list(each))


def _told(screened: Iterable[_Screened], judged: _Judged) -> Iterator[Done]:
    """What is said of each partition; the seconds are the first one's."""
    reads: dict[str, Read] = {}
    for one in screened:
        name = one.read.batch.partition
        reads[name] = reads[name] + one.read if name in reads else one.read
    counts = judged.matches.counted()
    parts_of: dict[str, list[Part]] = {name: [] for name in reads}
    for part in judged.parts:
        parts_of[part.partition].append(part)
    seconds, rule_seconds = judged.seconds, judged.rule_seconds
    for name, read in reads.items():
        own = [of[name] for of in judged.deltas]
        yield Done(read.spent(seconds, rule_seconds), counts.get(name, ()), parts_of[name], own)
        seconds, rule_seconds = {}, {}


def _text_bytes(suspects: EventBatch) -> int:
    if suspects.detail is None or suspects.cells is not None:
        return 0
    return int(suspects.frame[RAW].str.len_bytes().sum()) + 1


def _together(screened: Iterable[_Screened], nobody: Callable[[], bool]) -> Iterator[list[_Screened]]:
    """What is judged together; `nobody` tells whether nothing is being judged."""
    together: list[_Screened] = []
    for one in screened:
        if together and not _fits(together, one):
            yield together
            together = []
        together.append(one)
        if _whole(together) or (sum(s.size for s in together) >= ENOUGH_BYTES and nobody()):
            yield together
            together = []
    if together:
        yield together


def _whole(together: Sequence[_Screened]) -> bool:
    """Whether it holds all of its batch: it is of a format without a cheap look."""
    return not together[0].size


def _many(judging: Iterable[tuple[object, bool]]) -> bool:
    """Whether no more should be judged at once."""
    wholes = [whole for _, whole in judging]
    return len(wholes) > 2 * WORKERS or sum(wholes) >= WORKERS


def _fits(together: Sequence[_Screened], one: _Screened) -> bool:
    """Whether it can be judged with those before it."""
    first, mine = together[0].read.batch, one.read.batch
    held = {other.read.batch.partition: other.read.batch.generation for other in together}
    return (
        bool(one.size and together[0].size)
        and together[0].way is one.way
        and first.format == mine.format
        and held.get(mine.partition, mine.generation) == mine.generation
        and together[0].suspects.logsource == one.suspects.logsource
        and len(together) < TOGETHER_BATCHES
        and sum(s.size for s in together) + one.size <= TOGETHER_BYTES
    )


def newest_event(batch: RecordBatch, decoded: EventBatch) -> int | None:
    """Newest event time of the batch, microseconds UTC, as far as it can be believed.

    Where the broker's clock is known no event is newer than that, and one that claims to be by more than a
    day is not asked: a single wrong clock must not close everybody's windows.
    """
    times = decoded.frame[TIME].drop_nulls()
    if batch.broker_times:
        now = max(batch.broker_times)
        times = times.filter(times <= now + DAY).clip(upper_bound=now)
    newest = times.max()
    return newest if isinstance(newest, int) else None


def _times(decoded: EventBatch) -> tuple[int, int] | None:
    least, greatest = decoded.frame[TIME].min(), decoded.frame[TIME].max()
    known = isinstance(least, int) and isinstance(greatest, int)
    return (int(str(least)), int(str(greatest))) if known else None


def _size(batch: RecordBatch) -> int:
    match batch.payload:
        case Values(items):
            return sum(len(i) for i in items)
        case Lines(data):
            return len(data)
        case Table(frame):
            return int(frame.estimated_size())
