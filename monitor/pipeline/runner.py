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

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
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


class Runner:
    """Drives records from a source through the engine into a store.

    Args:
        batches: most record batches of a turn; more of them make fewer, larger transactions.
        gather_seconds: seconds after which a turn writes, although more batches are waiting.
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
        until = inf
        while read < self._batches and (started := self._clock.monotonic()) < until:
            batch = self._source.poll(0 if read else poll_seconds)  # 1
            if batch is None:
                break
            polled = self._clock.monotonic()
            until = min(until, polled + self._gather_seconds)
            self._take(batch, pending, polled - started)
            read += 1
        if read:
            self._write(pending)
        return read

    def _take(self, batch: RecordBatch, pending: _Pending, polled: float) -> None:
        marks = [self._clock.monotonic()]
        decoded, skipped = self._bounds.keep(self._decode(batch))  # 2
        marks.append(self._clock.monotonic())
        matches = evaluate(self._plan, decoded)  # 3
        found = parts(batch.partition, matches, self._keyring)
        late = self._windows.take(batch.partition, matches)
        marks.append(self._clock.monotonic())
        facts = Counter(
            {
                EVENTS: decoded.frame.height,
                UNTIMED: decoded.frame[TIME].null_count(),
                SKIPPED: skipped,
                LATE: late,
            }
        )
        for name, count in (*batch.facts, *decoded.facts):
            facts[name] += count
        pending.add_parts(found)
        pending.add_rejects(decoded.rejects)
        pending.facts.update({(batch.partition, name): n for name, n in facts.items() if n})
        pending.checkpoints[batch.partition] = self._source.checkpoint(batch, self._digest)
        stages = ("poll", polled), ("decode", marks[1] - marks[0]), ("evaluate", marks[2] - marks[1])
        self._observe(_facts(batch, decoded, matches, found=found, facts=facts, seconds=stages))

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


def _facts(
    batch: RecordBatch,
    decoded: EventBatch,
    matches: Matches,
    *,
    found: list[Part],
    facts: Mapping[str, int],
    seconds: tuple[tuple[str, float], ...],
) -> TurnFacts:
    violations = Counter((p.violation.rule, p.violation.level) for p in found)
    asked = zip(matches.rules, matches.rows, strict=True)
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
        seconds=seconds,
    )


def _size(batch: RecordBatch) -> int:
    match batch.payload:
        case Values(items):
            return sum(len(i) for i in items)
        case Lines(data):
            return len(data)
        case Table(frame):
            return int(frame.estimated_size())
