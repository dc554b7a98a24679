"""The things that travel: records, rejects, violations. All frozen, none holds a frame."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_SAMPLES = 10


@dataclass(frozen=True, slots=True)
class Logsource:
    """Where records come from, in Sigma's words; None means "not said", which routes to every rule."""

    category: str | None = None
    product: str | None = None
    service: str | None = None

    def admits(self, wanted: Logsource) -> bool:
        """Whether a rule written for `wanted` applies to events of this logsource."""
        pairs = (
            (self.category, wanted.category),
            (self.product, wanted.product),
            (self.service, wanted.service),
        )
        return all(have is None or want is None or have == want for have, want in pairs)


@dataclass(frozen=True, slots=True)
class Lines:
    """Newline-separated records as one block of bytes, whole lines only; the last newline may be absent."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Values:
    """Records that may hold newlines themselves, one bytes object each."""

    items: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Records of one partition, as read.

    Attributes:
        partition: `topic-3` or a file's name; with an offset it names a record for good.
        offsets: offset of each record. A file's offset is its line number from 0, blank lines counted.
        next_position: offset of the record after the last one, where reading goes on.
        payload: the bytes, in one of two layouts.
        logsource: what the source's configuration or the format says of these records.
        broker_times: when the broker stored each record, microseconds UTC; None where there is no broker.
    """

    partition: str
    offsets: range | tuple[int, ...]
    next_position: int
    payload: Lines | Values
    logsource: Logsource = field(default_factory=Logsource)
    broker_times: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that could not be decoded: counted, kept by position, its content redacted.

    `reason` is one of `monitor.decode.reasons`; `sample` shows the shape of the first bytes, never text.
    """

    partition: str
    offset: int
    reason: str
    length: int
    sample: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """One record: partition and offset."""

    partition: str
    offset: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why, without what: never the value itself.

    Attributes:
        path: field path, array indices left out, redacted.
        test: the detector or the modifier that matched, for example `email` or `plaintext`.
        state: protection state of the value, empty where no detector looked.
        steps: decodings that uncovered it, joined by `>`, for example `percent>base64`.
        extract: masked extract of at most 80 characters.
    """

    path: str
    test: str
    state: str = ""
    steps: str = ""
    extract: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """Rule + group + window, durable and redacted. The same events give the same bytes in any batch split.

    Attributes:
        fingerprint: 32 hex digits, keyed; the identity for upsert.
        rule: id of the rule. `digest` says which text of the rule.
        actor: keyed pseudonym, empty where the rule names no actor.
        resource: redacted name of what was touched.
        path: redacted field path of the evidence, empty for correlations.
        period: `2026-11-16` (UTC day) of an event rule, start of the episode for a correlation.
        count: events.
        first, last: event times, microseconds UTC; None where no event had one.
        samples: the first positions, in order, at most `MAX_SAMPLES`.
        subjects: the smallest keyed hashes of distinct data subjects (see `monitor.engine.subjects`).
        value: for a correlation the largest value the condition saw, else None.
    """

    fingerprint: str
    rule: str
    digest: str
    level: str
    status: str
    kind: str
    actor: str
    resource: str
    path: str
    period: str
    count: int
    first: int | None
    last: int | None
    samples: tuple[Position, ...]
    evidence: Evidence
    subjects: tuple[int, ...] = ()
    value: float | None = None
