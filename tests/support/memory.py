"""In-memory twins of the runner's two ports: small enough to be obviously right."""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from monitor.errors import FencedError, OutpacedError
from monitor.frames import RecordBatch
from monitor.model import (
    MAX_SAMPLES,
    MAX_SUBJECTS,
    Checkpoint,
    Claim,
    Episodes,
    FieldSeen,
    Part,
    Reject,
    Segment,
    Sightings,
    SourceSeen,
    Turn,
    Violation,
)
from tests.support.memory_outbox import MemoryOutbox

KEPT_REJECTS = 1000


class MemoryStore:
    """Remembers every contribution as it came and works out the answer when asked.

    Made of another one it is a second instance with the same content.
    """

    def __init__(self, shared: "MemoryStore | None" = None) -> None:
        if shared is not None:
            self.__dict__ = shared.__dict__
            return
        self._checkpoints: dict[str, Checkpoint] = {}
        self._owners: dict[str, tuple[int, int]] = {}
        self._parts: list[Part] = []
        self._episodes: dict[str, Violation] = {}
        self._segments: list[tuple[int, Segment]] = []
        self._mark = 0
        self._rejects: list[Reject] = []
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._sightings: list[Sightings] = []
        self._outbox = MemoryOutbox(self._violation)

    def checkpoints(self) -> dict[str, Checkpoint]:
        return dict(self._checkpoints)

    def claim(self, partitions: Collection[str]) -> dict[str, Claim]:
        for name in partitions:
            owner, generation = self._owners.get(name, (0, 0))
            if owner != id(self):
                self._owners[name] = id(self), generation + 1
        return {name: Claim(self._owners[name][1], self._checkpoints.get(name)) for name in partitions}

    def write(self, turn: Turn) -> int:
        for name, generation in turn.generations:
            if self._owners.get(name, (0, 0))[1] != generation:
                raise FencedError(f"{name}: another instance took over")
        if turn.seen is not None and self._mark > turn.seen:
            raise OutpacedError("another instance wrote window state")
        self._parts += turn.parts
        for gone in turn.episodes:
            self._episodes = {key: one for key, one in self._episodes.items() if not superseded(one, gone)}
        for found in turn.episodes:
            self._episodes |= {one.fingerprint: one for one in found.violations}
        for fresh in turn.segments:
            if fresh.replaces:
                key = (fresh.rule, fresh.digest, fresh.partition)
                kept = [(n, one) for n, one in self._segments if (one.rule, one.digest, one.partition) != key]
                self._segments = kept
            self._mark += 1
            self._segments.append((self._mark, fresh))
        self._rejects += turn.rejects
        for partition, reason, count in turn.reject_counts:
            self._counts[partition, "reject", reason] += count
        for partition, fact, count in turn.event_counts:
            self._counts[partition, "event", fact] += count
        self._checkpoints |= dict(turn.checkpoints)
        self._outbox.take(turn.alerts)
        if turn.sightings is not None:
            self._sightings.append(turn.sightings)
        return self._mark

    def segments_after(self, mark: int) -> tuple[list[Segment], int]:
        found = [(n, one) for n, one in self._segments if n > mark]
        return [one for _, one in found], found[-1][0] if found else mark

    def forget(self, partition: str) -> None:
        self._checkpoints.pop(partition, None)
        self._parts = [part for part in self._parts if part.partition != partition]
        self._segments = [pair for pair in self._segments if pair[1].partition != partition]
        self._rejects = [one for one in self._rejects if one.partition != partition]
        self._counts = Counter({key: n for key, n in self._counts.items() if key[0] != partition})

    def segments(self, rule: str, digest: str, since: int, until: int) -> Iterator[Segment]:
        wanted = [one for _, one in self._segments if (one.rule, one.digest) == (rule, digest)]
        return iter([one for one in wanted if one.first <= until and one.last >= since])

    def violations(self) -> Iterator[Violation]:
        by_fingerprint: dict[str, list[Violation]] = {}
        for part in self._parts:
            by_fingerprint.setdefault(part.violation.fingerprint, []).append(part.violation)
        merged = [together(said) for said in by_fingerprint.values()]
        everything = [*merged, *self._episodes.values()]
        return iter(sorted(everything, key=lambda one: (one.rule, one.period, one.fingerprint)))

    def rejects(self) -> Iterator[Reject]:
        kept: Counter[tuple[str, str]] = Counter()
        result = []
        for reject in sorted(self._rejects, key=lambda one: (one.partition, one.offset)):
            kept[reject.partition, reject.reason] += 1
            if kept[reject.partition, reject.reason] <= KEPT_REJECTS:
                result.append(reject)
        return iter(result)

    def counts(self) -> dict[tuple[str, str, str], int]:
        return dict(self._counts)

    def sightings(self) -> tuple[SourceSeen, ...]:
        """Everything that was ever seen, told anew from the first turn on."""
        sources: dict[str, SourceSeen] = {}
        fields: dict[tuple[str, str], FieldSeen] = {}
        for turn in self._sightings:
            for one in turn.sources:
                known = sources.get(one.source, replace(one, events=0, fields=()))
                for field in one.fields:
                    was = fields.get((one.source, field.name), FieldSeen(field.name, 0, 0, 0))
                    fields[one.source, field.name] = FieldSeen(
                        field.name,
                        was.times + field.times,
                        known.events + field.events,
                        max(was.at, field.at),
                    )
                sources[one.source] = replace(
                    one, events=known.events + one.events, at=max(known.at, one.at), fields=()
                )
            sources = {name: one for name, one in sources.items() if one.at >= turn.since}
            fields = {k: one for k, one in fields.items() if k[0] in sources and k[1] in turn.asked}
        return tuple(
            replace(one, fields=tuple(fields[k] for k in sorted(fields) if k[0] == name))
            for name, one in sorted(sources.items())
        )

    def outbox(self) -> MemoryOutbox:
        return self._outbox

    def _violation(self, fingerprint: str) -> Violation | None:
        return next((one for one in self.violations() if one.fingerprint == fingerprint), None)

    def close(self) -> None:
        pass


def superseded(one: Violation, by: Episodes) -> bool:
    """Whether freshly computed episodes take the place of this one."""
    same = one.rule == by.rule and by.group in ("", one.group) and by.digest in ("", one.digest)
    return same and by.since <= (one.start or 0) <= by.until


def together(said: list[Violation]) -> Violation:
    """The violation that all these contributions make, written out field by field."""
    samples = sorted({sample for one in said for sample in one.samples})[:MAX_SAMPLES]
    subjects = sorted({subject for one in said for subject in one.subjects})[:MAX_SUBJECTS]
    # Whoever brought the smallest position brings the words.
    lead = next(one for one in said if not samples or one.samples[:1] == (samples[0],))
    return Violation(
        fingerprint=lead.fingerprint,
        rule=lead.rule,
        digest=lead.digest,
        level=lead.level,
        status=lead.status,
        kind=lead.kind,
        actor=lead.actor,
        resource=lead.resource,
        path=lead.path,
        period=lead.period,
        group=lead.group,
        count=sum(one.count for one in said),
        first=min((one.first for one in said if one.first is not None), default=None),
        last=max((one.last for one in said if one.last is not None), default=None),
        samples=tuple(samples),
        evidence=lead.evidence,
        subjects=tuple(subjects),
        value=max((one.value for one in said if one.value is not None), default=None),
    )


class MemorySource:
    """Hands out the batches it was given, from the positions the store says."""

    def __init__(self, batches: Iterable[RecordBatch], *, endless: bool = False) -> None:
        self._all = tuple(batches)
        self._pending: deque[RecordBatch] = deque()
        self._endless = endless
        self.committed: dict[str, int] = {}
        self.rewound = 0
        self.closed = False

    def start(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        done = {partition: one.next_position for partition, one in checkpoints.items()}
        self._pending = deque(
            batch for batch in self._all if batch.next_position > done.get(batch.partition, -1)
        )

    def poll(self, timeout: float) -> RecordBatch | None:
        return self._pending.popleft() if self._pending else None

    @property
    def exhausted(self) -> bool:
        return not self._pending and not self._endless

    def checkpoint(self, batch: RecordBatch, plan: str) -> Checkpoint:
        return Checkpoint(batch.next_position, plan)

    def commit(self, positions: Mapping[str, int]) -> None:
        self.committed |= positions

    def rewind(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        self.rewound += 1
        self.start(checkpoints)

    def close(self) -> None:
        self.closed = True
