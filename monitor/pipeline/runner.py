"""The runner. One turn is six steps, and the code below carries their numbers.

1. poll: read record batches from the source.
2. decode: records to events; what cannot be decoded is a reject with reason and position.
3. evaluate: events to matches, matches to parts of violations and to window state.
4. write: violations, window state, rejects and positions, in one transaction.
5. alerts: handed to the outbox in that transaction. (The outbox is the daemon's next release.)
6. commit: tell the source. Advisory; on start the positions in the store win.

A crash anywhere between 1 and 6 loses nothing and counts nothing twice: until 4 is done nothing has happened,
after it the store knows where to go on.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from math import inf

import polars as pl

from monitor.clock import Clock
from monitor.engine.group import parts
from monitor.engine.keys import Keyring
from monitor.engine.match import Matches, evaluate
from monitor.engine.plan import Plan
from monitor.frames import TIME, EventBatch, Lines, RecordBatch, Table, Values
from monitor.model import Checkpoint, Part, Reject, Turn, TurnFacts, merged
from monitor.pipeline.correlate import Windows
from monitor.ports import Source, Store
from monitor.telemetry import EVENTS, LATE, SKIPPED, UNTIMED

MAX_KEPT_REJECTS = 1000
"""Rejects of one partition and reason that a turn keeps with position and shape; all are counted."""

DAY = 86_400_000_000
"""Microseconds."""

WORKERS = 2
"""Batches decoded and evaluated at once; polars lets go of the interpreter while it works."""

Decode = Callable[[RecordBatch], EventBatch]
Observe = Callable[[TurnFacts], None]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Event times to look at, microseconds UTC, `since` included and `until` not; None is open.

    Events without an event time are looked at in any case: nothing says that they lie outside.
    """

    since: int | None = None
    until: int | None = None

    def keep(self, batch: EventBatch) -> tuple[EventBatch, int]:
        """The batch without events outside, and how many those were."""
        if self.since is None and self.until is None:
            return batch, 0
        time = batch.frame[TIME]
        inside = pl.Series([True]).new_from_index(0, len(time))
        if self.since is not None:
            inside &= (time >= self.since).fill_null(value=True)
        if self.until is not None:
            inside &= (time < self.until).fill_null(value=True)
        frame = batch.frame.filter(inside)
        kept = replace(batch, frame=frame, irregular=batch.irregular.filter(inside))
        return kept, len(time) - frame.height


@dataclass
class _Pending:
    """What a turn has gathered and not yet written."""

    parts: dict[tuple[str, str], Part] = field(default_factory=dict)
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    facts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add_parts(self, found: Iterable[Part]) -> None:
        for part in found:
            key = part.partition, part.violation.fingerprint
            known = self.parts.get(key)
            self.parts[key] = (
                part if known is None else Part(part.partition, merged(known.violation, part.violation))
            )

    def add_rejects(self, rejects: Iterable[Reject]) -> None:
        for reject in rejects:
            key = reject.partition, reject.reason
            self.rejected[key] += 1
            if self.rejected[key] <= MAX_KEPT_REJECTS:
                self.rejects.append(reject)


@dataclass(frozen=True)
class _Polled:
    """One batch as read, in so many seconds."""

    batch: RecordBatch
    behind: Collection[str]
    seconds: float


@dataclass(frozen=True)
class _Done:
    """One batch, decoded and evaluated; `seconds` is (stage, seconds), `behind` is for `Windows.take`."""

    batch: RecordBatch
    behind: Collection[str]
    decoded: EventBatch
    skipped: int
    matches: Matches
    parts: list[Part]
    seconds: tuple[tuple[str, float], ...]


class Runner:
    """Drives records from a source through the engine into a store.

    Args:
        batches: most record batches of a turn; more of them make fewer, larger transactions.
        gather_seconds: seconds after which a turn writes, although more batches are waiting.
        behind: asked, whenever a batch was read, for the partitions that still hold records.
        observe: told of every batch, for metrics and progress.
    """

    def __init__(
        self,
        *,
        source: Source,
        store: Store,
        plan: Plan,
        plan_digest: str,
        decode: Decode,
        keyring: Keyring,
        windows: Windows,
        clock: Clock,
        observe: Observe,
        bounds: Bounds = Bounds(),
        batches: int = 1,
        gather_seconds: float = inf,
        behind: Callable[[], Collection[str]] = frozenset,
    ) -> None:
        self._source = source
        self._store = store
        self._plan = plan
        self._digest = plan_digest
        self._decode = decode
        self._keyring = keyring
        self._windows = windows
        self._clock = clock
        self._observe = observe
        self._bounds = bounds
        self._batches = batches
        self._gather_seconds = gather_seconds
        self._behind = behind

    def run(self, stop: Callable[[], bool], poll_seconds: float = 0.5) -> None:
        """Take turns until told to stop or, for an archive, until everything is read and finished."""
        while not stop():
            self.turn(poll_seconds)
            if self._source.exhausted:
                self._store.write(Turn(episodes=self._windows.finish()))
                return

    def turn(self, poll_seconds: float) -> int:
        """One turn; returns the number of record batches it read.

        It waits for the first one only: what has come is written before anything is waited for.
        """
        pending = _Pending()
        read = 0
        for done in self._evaluated(self._polled(poll_seconds)):
            self._take(done, pending)
            read += 1
        if read:
            self._write(pending)
        return read

    def _polled(self, poll_seconds: float) -> Iterator[_Polled]:
        """The batches of a turn."""
        read = 0
        until = inf
        while read < self._batches and (started := self._clock.monotonic()) < until:
            batch = self._source.poll(0 if read else poll_seconds)  # 1
            if batch is None:
                return
            polled = self._clock.monotonic()
            until = min(until, polled + self._gather_seconds)
            yield _Polled(batch, self._behind(), polled - started)
            read += 1

    def _evaluated(self, polled: Iterable[_Polled]) -> Iterator[_Done]:
        """Steps 2 and 3 in threads, a few batches at a time, given back in the order they were read."""
        waiting: deque[Future[_Done]] = deque()
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="evaluate") as pool:
            for one in polled:
                waiting.append(pool.submit(self._evaluate, one))
                if len(waiting) > WORKERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _evaluate(self, polled: _Polled) -> _Done:
        """What a batch says by itself, whatever came before it."""
        batch = polled.batch
        started = self._clock.monotonic()
        decoded, skipped = self._bounds.keep(self._decode(batch))  # 2
        read = self._clock.monotonic()
        matches = evaluate(self._plan, decoded)  # 3
        found = parts(batch.partition, matches, self._keyring)
        done = self._clock.monotonic()
        stages = ("poll", polled.seconds), ("decode", read - started), ("evaluate", done - read)
        return _Done(batch, polled.behind, decoded, skipped, matches, found, stages)

    def _take(self, done: _Done, pending: _Pending) -> None:
        """Add a batch to what the turn will write."""
        batch, decoded = done.batch, done.decoded
        late = self._windows.take(batch.partition, done.matches, newest_event(batch, decoded), done.behind)
        facts = Counter(
            {
                EVENTS: decoded.frame.height,
                UNTIMED: decoded.frame[TIME].null_count(),
                SKIPPED: done.skipped,
                LATE: late,
            }
        )
        for name, count in (*batch.facts, *decoded.facts):
            facts[name] += count
        pending.add_parts(done.parts)
        pending.add_rejects(decoded.rejects)
        pending.facts.update({(batch.partition, name): n for name, n in facts.items() if n})
        pending.checkpoints[batch.partition] = self._source.checkpoint(batch, self._digest)
        self._observe(_facts(done, facts))

    def _write(self, pending: _Pending) -> None:
        episodes, segments = self._windows.drain()
        self._store.write(  # 4, and 5 within it
            Turn(
                checkpoints=tuple(pending.checkpoints.items()),
                parts=tuple(pending.parts.values()),
                episodes=episodes,
                segments=segments,
                rejects=tuple(pending.rejects),
                reject_counts=tuple((*key, n) for key, n in pending.rejected.items()),
                event_counts=tuple((*key, n) for key, n in pending.facts.items()),
            )
        )
        self._source.commit({p: c.next_position for p, c in pending.checkpoints.items()})  # 6


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


def _facts(done: _Done, facts: Mapping[str, int]) -> TurnFacts:
    batch, decoded = done.batch, done.decoded
    violations = Counter((p.violation.rule, p.violation.level) for p in done.parts)
    asked = zip(done.matches.rules, done.matches.rows, strict=True)
    least, greatest = decoded.frame[TIME].min(), decoded.frame[TIME].max()
    known = isinstance(least, int) and isinstance(greatest, int)
    return TurnFacts(
        partition=batch.partition,
        records=len(batch.offsets),
        size=_size(batch),
        events=decoded.frame.height,
        next_position=batch.next_position,
        rejects=tuple(Counter(r.reason for r in decoded.rejects).items()),
        facts=tuple(facts.items()),
        matches=tuple((p.rule.header.id, p.rule.header.level, len(rows)) for p, rows in asked if len(rows)),
        violations=tuple((*key, n) for key, n in violations.items()),
        times=(int(str(least)), int(str(greatest))) if known else None,
        seconds=done.seconds,
    )


def _size(batch: RecordBatch) -> int:
    match batch.payload:
        case Values(items):
            return sum(len(i) for i in items)
        case Lines(data):
            return len(data)
        case Table(frame):
            return int(frame.estimated_size())
