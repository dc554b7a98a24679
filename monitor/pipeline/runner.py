"""The runner. One turn is six steps, and the code below carries their numbers.

1. poll: read record batches from the source.
2. decode: records to events; what cannot be decoded is a reject with reason and position.
3. evaluate: events to matches, matches to parts of violations and to window state.
4. write: dead letters first, then violations, window state, rejects and positions, in one transaction.
5. alerts: what the turn has to say to people is put into the outbox, in that transaction.
6. commit: tell the source. Advisory; on start the positions in the store win.

A crash anywhere between 1 and 6 loses nothing and counts nothing twice: until 4 is done nothing has happened,
after it the store knows where to go on. A turn that could not be written, because a partition moved to
another instance or the store is away, is dropped, and reading goes on where the store says (`again`).
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
from monitor.errors import FencedError, OutpacedError, PrivwatchError, Stopped
from monitor.frames import TIME, EventBatch, Lines, RecordBatch, Table, Values
from monitor.model import Checkpoint, Part, Reject, Turn, TurnFacts, merged
from monitor.pipeline.again import Again
from monitor.pipeline.correlate import Windows
from monitor.pipeline.coverage import FieldWatch
from monitor.pipeline.deadletters import Patient
from monitor.pipeline.shares import RuleSeconds
from monitor.pipeline.ways import WayOf
from monitor.ports import Source, Store
from monitor.telemetry import EVENTS, FENCED, LATE, RETRIED, SKIPPED, UNTIMED

MAX_KEPT_REJECTS = 1000
"""Rejects of one partition and reason that a turn keeps with position and shape; all are counted."""

DAY = 86_400_000_000
"""Microseconds."""

WORKERS = 2
"""Batches decoded and evaluated at once; polars lets go of the interpreter while it works."""

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
    generations: dict[str, int] = field(default_factory=dict)
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
    """One batch, decoded and evaluated, without its records.

    `times` are the oldest and newest event time, `newest` what `newest_event` says; `seconds` is
    (stage, seconds), `behind` is for `Windows.take`.
    """

    batch: RecordBatch
    behind: Collection[str]
    records: int
    size: int
    rejects: tuple[Reject, ...]
    facts: Counter[str]
    times: tuple[int, int] | None
    newest: int | None
    matches: Matches
    parts: list[Part]
    seconds: tuple[tuple[str, float], ...]
    rule_seconds: tuple[tuple[str, float], ...]


class Runner:
    """Drives records from a source through the engine into a store.

    Args:
        way: how the records of a partition are read and asked.
        batches: most record batches of a turn; more of them make fewer, larger transactions.
        gather_seconds: seconds after which a turn writes, although more batches are waiting.
        behind: asked, whenever a batch was read, for the partitions that still hold records.
        alerting: adds to a turn its alerts; without it nobody is told.
        observe: told of every batch, for metrics and progress.
        dead_letters: where rejects go before the positions move past them.
        turned: told after every turn its seconds from the first batch on, and those of the store's write.
        shares: works out what each rule takes; without it nobody knows.
        fields: what coverage has seen, stored with the turns now and then.
        reopen: makes the windows anew from the store when a turn could not be written, after which it is read
            again; None: the run ends with that error.
    """

    def __init__(
        self,
        *,
        source: Source,
        store: Store,
        way: WayOf,
        keyring: Keyring,
        windows: Windows,
        clock: Clock,
        observe: Observe,
        bounds: Bounds = Bounds(),
        batches: int = 1,
        gather_seconds: float = inf,
        behind: Callable[[], Collection[str]] = frozenset,
        alerting: Callable[[Turn], Turn] = lambda turn: turn,
        turned: Callable[[float, float], None] = lambda *_: None,
        dead_letters: Patient | None = None,
        shares: RuleSeconds | None = None,
        fields: FieldWatch | None = None,
        reopen: Callable[[], Windows] | None = None,
    ) -> None:
        self._source = source
        self._store = store
        self._way = way
        self._keyring = keyring
        self._windows = windows
        self._clock = clock
        self._observe = observe
        self._bounds = bounds
        self._batches = batches
        self._gather_seconds = gather_seconds
        self._behind = behind
        self._alerting = alerting
        self._turned = turned
        self._dead_letters = dead_letters
        self._shares = shares
        self._fields = fields
        self._began = 0.0
        self._reopen = reopen
        self._in_hand: Counter[str] = Counter()

    def run(
        self,
        stop: Callable[[], bool],
        poll_seconds: float = 0.5,
        *,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        """Take turns until told to stop or, for an archive, until everything is read and finished.

        `between` is called before every turn, at least twice a second: nothing is in flight then.
        """
        take: Callable[[float], object] = self.turn
        if self._reopen is not None:
            again = Again(
                turn=self.turn,
                drop=self._drop,
                start_over=self._start_over,
                stop=stop,
                exhausted=lambda: self._source.exhausted,
                between=between,
                clock=self._clock,
            )
            take = again.until_written
        while not stop():
            try:
                between()
                take(poll_seconds)
            except Stopped:
                return
            if self._source.exhausted:
                self._store.write(self._alerting(Turn(episodes=self._windows.finish())))
                return

    def adopt(
        self,
        way: WayOf,
        windows: Windows,
        alerting: Callable[[Turn], Turn],
    ) -> None:
        """Use other rules from the next turn on; to be called between turns, where nothing is in flight."""
        self._way, self._windows, self._alerting = way, windows, alerting

    def turn(self, poll_seconds: float) -> int:
        """One turn; returns the number of record batches it read.

        It waits for the first one only: what has come is written before anything is waited for.
        """
        pending = _Pending()
        self._in_hand.clear()
        read = 0
        for done in self._evaluated(self._polled(poll_seconds)):
            self._take(done, pending)
            read += 1
        if read:
            writing = self._write(pending)
            self._turned(self._clock.monotonic() - self._began, writing)
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
            self._began = self._began if read else polled
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
        batch, way = polled.batch, self._way(polled.batch.partition)
        started = self._clock.monotonic()
        decoded, skipped = self._bounds.keep(way.decode(batch))  # 2
        read = self._clock.monotonic()
        matches = evaluate(way.plan, decoded, way.gate)  # 3
        found = parts(batch.partition, matches, self._keyring)
        done = self._clock.monotonic()
        stages = ("poll", polled.seconds), ("decode", read - started), ("evaluate", done - read)
        facts = Counter(
            {EVENTS: decoded.frame.height, UNTIMED: decoded.frame[TIME].null_count(), SKIPPED: skipped}
        )
        for name, count in (*batch.facts, *decoded.facts):
            facts[name] += count
        return _Done(
            # What waits to be written holds no records, so that memory is that of the batches at work.
            batch=replace(batch, payload=Values(()), offsets=()),
            behind=polled.behind,
            records=len(batch.offsets),
            size=_size(batch),
            rejects=decoded.rejects,
            facts=facts,
            times=_times(decoded),
            newest=newest_event(batch, decoded),
            matches=matches,
            parts=found,
            seconds=stages,
            rule_seconds=() if self._shares is None else self._shares.of(way.plan, decoded, done - read),
        )

    def _take(self, done: _Done, pending: _Pending) -> None:
        """Add a batch to what the turn will write."""
        batch = done.batch
        self._in_hand[batch.partition] += done.records
        began = self._clock.monotonic()
        late = self._windows.take(batch.partition, done.matches, done.newest, done.behind)
        took = self._clock.monotonic() - began
        done = replace(
            done,
            seconds=(*done.seconds, ("correlate", took)),
            rule_seconds=(*done.rule_seconds, *self._windows.spent()),
        )
        facts = done.facts + Counter({LATE: late})
        pending.add_parts(done.parts)
        pending.add_rejects(done.rejects)
        if self._dead_letters is not None:
            self._dead_letters.put(done.rejects)
        pending.facts.update({(batch.partition, name): n for name, n in facts.items() if n})
        # The earliest: a partition that was lost and came back within the turn is not to be written.
        pending.generations.setdefault(batch.partition, batch.generation)
        pending.checkpoints[batch.partition] = self._source.checkpoint(
            batch, self._way(batch.partition).digest
        )
        self._observe(_facts(done, facts))

    def _write(self, pending: _Pending) -> float:
        """Steps 4 to 6, dead letters before them; returns the seconds of the transaction."""
        if self._dead_letters is not None:
            self._dead_letters.flush()
        started = self._clock.monotonic()
        turn = Turn(
            checkpoints=tuple(pending.checkpoints.items()),
            generations=tuple(pending.generations.items()),
            parts=tuple(pending.parts.values()),
            rejects=tuple(pending.rejects),
            reject_counts=tuple((*key, n) for key, n in pending.rejected.items()),
            event_counts=tuple((*key, n) for key, n in pending.facts.items()),
            sightings=None if self._fields is None else self._fields.unsaved(),
        )
        while not self._written(turn):  # 4, and 5 within it
            late = self._windows.catch_up()
            turn = replace(
                turn, event_counts=(*turn.event_counts, *((name, LATE, n) for name, n in late.items()))
            )
            for name, n in late.items():
                self._observe(TurnFacts(name, facts=((LATE, n),)))
        if turn.sightings is not None and self._fields is not None:
            self._fields.saved()
        seconds = self._clock.monotonic() - started
        self._source.commit({p: c.next_position for p, c in pending.checkpoints.items()})  # 6
        return seconds

    def _written(self, turn: Turn) -> bool:
        """Whether the turn is stored; not so where another instance wrote window state meanwhile."""
        windows = self._windows.drain()
        turn = replace(turn, episodes=windows.episodes, segments=windows.segments, seen=windows.seen)
        try:
            self._windows.wrote(self._store.write(self._alerting(turn)))
        except OutpacedError:
            return False
        return True

    def _drop(self, error: PrivwatchError) -> None:
        """Count the records of the turn, which nothing was written of."""
        fact = FENCED if isinstance(error, FencedError) else RETRIED
        for partition, records in self._in_hand.items():
            self._observe(TurnFacts(partition, facts=((fact, records),)))
        self._in_hand.clear()

    def _start_over(self) -> None:
        """Read again from where the store says, with the window state it holds."""
        self._source.rewind(self._store.checkpoints())
        if self._reopen is not None:
            self._windows = self._reopen()


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
    violations = Counter((p.violation.rule, p.violation.level) for p in done.parts)
    asked = zip(done.matches.rules, done.matches.rows, strict=True)
    return TurnFacts(
        partition=done.batch.partition,
        records=done.records,
        size=done.size,
        events=facts[EVENTS],
        next_position=done.batch.next_position,
        rejects=tuple(Counter(r.reason for r in done.rejects).items()),
        facts=tuple(facts.items()),
        matches=tuple((p.rule.header.id, p.rule.header.level, len(rows)) for p, rows in asked if len(rows)),
        violations=tuple((*key, n) for key, n in violations.items()),
        times=(done.times[0], done.newest) if done.times and done.newest is not None else None,
        seconds=done.seconds,
        rule_seconds=done.rule_seconds,
    )


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
