"""The runner. One turn is six steps, and the code below carries their numbers.

1. poll: read record batches from the source.
2. decode: records to events; what cannot be decoded is a reject with reason and position.
3. evaluate: events to matches, matches to parts of violations and to window state; once all batches of the
   turn are, correlations are advanced by them.
4. write: dead letters first, then violations, window state, rejects and positions, in one transaction.
5. alerts: what the turn has to say to people is put into the outbox, in that transaction.
6. commit: tell the source. Advisory; on start the positions in the store win.

A crash anywhere between 1 and 6 loses nothing and counts nothing twice: until 4 is done nothing has happened,
after it the store knows where to go on. A turn that could not be written, because a partition moved to
another instance or the store is away, is dropped, and reading goes on where the store says (`again`).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import inf

import polars as pl

from monitor.clock import Clock
from monitor.engine.keys import Keyring
from monitor.errors import FencedError, OutpacedError, PrivwatchError, Stopped
from monitor.frames import TIME, EventBatch
from monitor.model import Checkpoint, Part, Reject, Turn, TurnFacts, merged
from monitor.pipeline.again import Again
from monitor.pipeline.correlate import Windows
from monitor.pipeline.coverage import FieldWatch
from monitor.pipeline.deadletters import Patient
from monitor.pipeline.evaluation import Done, Evaluation, Polled
from monitor.pipeline.shares import RuleSeconds
from monitor.pipeline.ways import WayOf
from monitor.ports import Source, TurnStore
from monitor.telemetry import EVENTS, FENCED, LATE, RETRIED, UNWATCHED

log = logging.getLogger(__name__)

MAX_KEPT_REJECTS = 1000
"""Rejects of one partition and reason that a turn keeps with position and shape; all are counted."""

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


class Runner:
    """Drives records from a source through the engine into a store.

    Args:
        way: how the records of a partition are read and asked.
        batches: most record batches of a turn; more of them make fewer, larger transactions.
        gather_seconds: seconds after which a turn writes, although more batches are waiting.
        behind: asked, whenever a batch was read, for the partitions that still hold records.
        alerting: adds to a turn its alerts; without it nobody is told.
        observe: told of what was judged together, for metrics and progress.
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
        store: TurnStore,
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
        self._evaluation = self._evaluating()
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
    ) -> bool:
        """Take turns until told to stop or, for an archive, until everything is read and finished.

        `between` is called before every turn, at least twice a second: nothing is in flight then.

        Returns:
            Whether all that was read is stored; what is not is read again.
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
                if self._source.exhausted:
                    self._store.write(self._alerting(Turn(episodes=self._windows.finish())))
                    break
            except Stopped as stopped:
                log.warning("%s", stopped)
                break
        return not self._in_hand

    def adopt(
        self,
        way: WayOf,
        windows: Windows,
        alerting: Callable[[Turn], Turn],
    ) -> None:
        """Use other rules from the next turn on; to be called between turns, where nothing is in flight."""
        self._way, self._windows, self._alerting = way, windows, alerting
        self._evaluation = self._evaluating()

    def turn(self, poll_seconds: float) -> int:
        """One turn; returns the number of record batches it read.

        It waits for the first one only: what has come is written before anything is waited for.
        """
        pending = _Pending()
        read = 0
        for done in self._evaluation.done(self._polled(poll_seconds)):
            self._take(done, pending)
            read += done.read.batches
        if read:
            writing = self._write(pending)
            self._turned(self._clock.monotonic() - self._began, writing)
        return read

    def _polled(self, poll_seconds: float) -> Iterator[Polled]:
        """The batches of a turn."""
        read = 0
        until = inf
        while read < self._batches and (started := self._clock.monotonic()) < until:
            batch = self._source.poll(0 if read else poll_seconds)  # 1
            if batch is None:
                return
            polled = self._clock.monotonic()
            if not read:
                self._began = polled
                self._in_hand.clear()
            until = min(until, polled + self._gather_seconds)
            yield Polled(batch, self._behind(), polled - started)
            read += 1

    def _evaluating(self) -> Evaluation:
        return Evaluation(
            way=self._way,
            keep=self._bounds.keep,
            keyring=self._keyring,
            clock=self._clock,
            shares=self._shares,
        )

    def _take(self, done: Done, pending: _Pending) -> None:
        """Add what was read to what the turn will write."""
        read, batch = done.read, done.read.batch
        self._in_hand[batch.partition] += read.records
        self._windows.take(batch.partition, done.deltas, read.newest, read.behind)
        pending.add_parts(done.parts)
        pending.add_rejects(read.rejects)
        if self._dead_letters is not None:
            self._dead_letters.put(read.rejects)
        pending.facts.update({(batch.partition, name): n for name, n in read.facts.items() if n})
        # The earliest: a partition that was lost and came back within the turn is not to be written.
        pending.generations.setdefault(batch.partition, batch.generation)
        pending.checkpoints[batch.partition] = self._source.checkpoint(
            batch, self._way(batch.partition).digest
        )
        self._observe(_facts(done))

    def _write(self, pending: _Pending) -> float:
        """Steps 4 to 6, dead letters before them; returns the seconds of the transaction."""
        if self._dead_letters is not None:
            self._dead_letters.flush()
        turn = Turn(
            checkpoints=tuple(pending.checkpoints.items()),
            generations=tuple(pending.generations.items()),
            parts=tuple(pending.parts.values()),
            rejects=tuple(pending.rejects),
            reject_counts=tuple((*key, n) for key, n in pending.rejected.items()),
            event_counts=tuple((*key, n) for key, n in pending.facts.items()),
            sightings=None if self._fields is None else self._fields.unsaved(),
        )
        while (seconds := self._written(turn)) is None:
            log.debug("another instance wrote window state meanwhile; it is taken in")
        if turn.sightings is not None and self._fields is not None:
            self._fields.saved()
        self._source.commit({p: c.next_position for p, c in pending.checkpoints.items()})  # 6
        self._in_hand.clear()
        return seconds

    def _written(self, turn: Turn) -> float | None:
        """Seconds of the transaction; None where another instance wrote window state meanwhile."""
        began = self._clock.monotonic()
        drained = self._windows.drain()  # 3, of correlations
        correlated = self._clock.monotonic()
        partition = next((name for name, _ in turn.checkpoints), "")
        counts = [(name, LATE, n) for name, n in drained.late]
        if drained.unwatched:
            counts.append((partition, UNWATCHED, drained.unwatched))
        turn = replace(
            turn,
            episodes=drained.episodes,
            segments=drained.segments,
            seen=drained.seen,
            event_counts=(*turn.event_counts, *counts),
        )
        try:
            self._windows.wrote(self._store.write(self._alerting(turn)))  # 4, and 5 within it
        except OutpacedError:
            return None
        seconds = self._clock.monotonic() - correlated
        spent = (("correlate", correlated - began),)
        self._observe(TurnFacts(partition, seconds=spent, rule_seconds=drained.spent))
        for name, fact, n in counts:
            self._observe(TurnFacts(name, facts=((fact, n),)))
        return seconds

    def _drop(self, error: PrivwatchError) -> None:
        """Count the records of the turn, which nothing was written of."""
        fact = FENCED if isinstance(error, FencedError) else RETRIED
        for partition, records in self._in_hand.items():
            self._observe(TurnFacts(partition, facts=((fact, records),)))

    def _start_over(self) -> None:
        """Read again from where the store says, with the window state it holds."""
        self._source.rewind(self._store.checkpoints())
        if self._reopen is not None:
            self._windows = self._reopen()


def _facts(done: Done) -> TurnFacts:
    read = done.read
    violations = Counter((p.violation.rule, p.violation.level) for p in done.parts)
    return TurnFacts(
        partition=read.batch.partition,
        records=read.records,
        size=read.size,
        events=read.facts[EVENTS],
        next_position=read.batch.next_position,
        rejects=tuple(Counter(r.reason for r in read.rejects).items()),
        facts=tuple(read.facts.items()),
        matches=done.matches,
        violations=tuple((*key, n) for key, n in violations.items()),
        times=(read.times[0], read.newest) if read.times and read.newest is not None else None,
        seconds=tuple(read.seconds.items()),
        rule_seconds=tuple(read.rule_seconds.items()),
    )
