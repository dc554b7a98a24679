"""The things that travel: positions, rejects, violations. All frozen, none holds a frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

MAX_SAMPLES = 10
"""Positions a violation keeps."""

MAX_SUBJECTS = 1024
"""Smallest hashes of distinct data subjects a violation keeps: exact below, an estimate above."""


FILTERED = "filtered"
"""Status of a violation that a filter hides: kept and counted, not shown, not alerted."""

WITHIN = {"application": frozenset({"webserver", "database"})}
"""Categories of records that a log of another category holds too: applications log requests and queries."""


@dataclass(frozen=True, slots=True)
class Logsource:
    """Where records come from, in Sigma's words; None means "not said", which routes to every rule."""

    category: str | None = None
    product: str | None = None
    service: str | None = None

    def admits(self, wanted: Logsource) -> bool:
        """Whether a rule written for `wanted` applies to events of this logsource.

        A rule for web servers or databases is asked of an application's log as well (decision 10): its fields
        say which records are its own.
        """
        if wanted.category in WITHIN.get(self.category or "", ()):
            wanted = Logsource(None, wanted.product, wanted.service)
        pairs = (
            (self.category, wanted.category),
            (self.product, wanted.product),
            (self.service, wanted.service),
        )
        return all(have is None or want is None or have == want for have, want in pairs)


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
        period: `2026-11-16` (UTC day) of an event rule, start of the episode for a correlation; `undated`.
        group: 32 hex digits of rule and identity, the same for all periods or episodes (releases before the
            outbox left it empty where the rule is no correlation).
        count: events.
        first, last: event times, microseconds UTC; None where no event had one.
        samples: the first positions, in order, at most `MAX_SAMPLES`.
        subjects: the smallest keyed hashes of distinct data subjects (see `monitor.engine.subjects`).
        value: for a correlation the largest value the condition saw, else None.
        start: for a correlation the start of the episode, microseconds UTC, else None.
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
    group: str
    count: int
    first: int | None
    last: int | None
    samples: tuple[Position, ...]
    evidence: Evidence
    subjects: tuple[int, ...] = ()
    value: float | None = None
    start: int | None = None


def merged(one: Violation, other: Violation) -> Violation:
    """Two parts of the same violation as one; commutative and associative.

    Counts add, times widen, the smallest positions and subject hashes stay; everything that describes the
    violation (evidence, rule text, level) comes with the smallest position.
    """
    lead = min(one, other, key=lambda v: (v.samples[:1], v.digest, v.level, v.evidence.extract))
    firsts = [v.first for v in (one, other) if v.first is not None]
    lasts = [v.last for v in (one, other) if v.last is not None]
    values = [v.value for v in (one, other) if v.value is not None]
    return replace(
        lead,
        count=one.count + other.count,
        first=min(firsts, default=None),
        last=max(lasts, default=None),
        samples=tuple(sorted({*one.samples, *other.samples})[:MAX_SAMPLES]),
        subjects=tuple(sorted({*one.subjects, *other.subjects})[:MAX_SUBJECTS]),
        value=max(values, default=None),
    )


@dataclass(frozen=True, slots=True)
class Part:
    """What one partition adds to a violation in one turn; the store merges parts by fingerprint.

    Merging is commutative: counts add, times widen, the smallest positions stay and bring their evidence.
    """

    partition: str
    violation: Violation


@dataclass(frozen=True, slots=True)
class Episodes:
    """All violations of one correlation group whose episode starts in [since, until], microseconds UTC.

    They replace what the store holds of that group and range: a correlation is recomputed, never patched.
    An empty `group` means every group of the rule. With a `digest` only what that text of the rule found is
    replaced: whoever has the state of one text cannot speak for another.
    """

    rule: str
    group: str
    since: int
    until: int
    violations: tuple[Violation, ...]
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """Window state of one correlation from one partition: panes as Arrow IPC, opaque to the store.

    `first` and `last` are the event-time ticks it spans, in microseconds UTC, inclusive. One that `replaces`
    stands for every earlier segment of the same rule text and partition, which the store then drops.
    """

    rule: str
    digest: str
    partition: str
    first: int
    last: int
    rows: int
    data: bytes
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a partition was read. `plan` is the digest of rules and decoding it was read under.

    `head` and `size` identify an archive file's content (empty and 0 for Kafka).
    """

    next_position: int
    plan: str
    head: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Alert:
    """What a turn has to say to people of one violation; the store decides whether it is due to be said.

    Attributes:
        key: what makes alerts one: rule and identity without the period, 32 hex digits.
        violation: fingerprint of the violation.
        tier: `page` or `review`.
        facts: what explains it, redacted, as JSON (see `monitor.pipeline.alerts`).
        starts: its first event, or `at` where none has a time; microseconds UTC, as all times here.
        ends: end of its period or episode, as far as is known.
        newest: its last event for an episode, else `at`: no alert is raised again over nothing new.
        at: processing time.
        realert: microseconds in which nothing more is said under the same key.
        burst: alerts of one rule in an hour, beyond which they are held back and told of together.
        targets: names of those to be told.
    """

    key: str
    violation: str
    rule: str
    level: str
    tier: str
    facts: str
    starts: int
    ends: int
    newest: int
    at: int
    realert: int
    burst: int
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldSeen:
    """A field of the rules in the events of a source that were looked at.

    Attributes:
        name: its dotted path.
        times: in how many of them.
        events: how many had been looked at when it was last seen.
        at: when that was, microseconds UTC of processing time.
    """

    name: str
    times: int
    events: int
    at: int


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """What was looked at of a source, for coverage: `events` of them, the last ones at `at`."""

    source: str
    logsource: Logsource
    events: int
    at: int
    fields: tuple[FieldSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class Sightings:
    """What coverage has seen since it was last written; the store adds it to what it holds.

    Attributes:
        asked: every field that is looked for; what the store holds of others is forgotten.
        since: microseconds UTC; sources that nobody has looked at since then are forgotten.
    """

    asked: tuple[str, ...]
    since: int
    sources: tuple[SourceSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """A partition in the hands of one instance.

    `generation` counts how often it changed hands; `read` says how far it was read by then, None: never.
    """

    generation: int
    read: Checkpoint | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """Everything one turn of the runner writes, in one transaction."""

    checkpoints: tuple[tuple[str, Checkpoint], ...] = ()
    parts: tuple[Part, ...] = ()
    episodes: tuple[Episodes, ...] = ()
    segments: tuple[Segment, ...] = ()
    rejects: tuple[Reject, ...] = ()
    reject_counts: tuple[tuple[str, str, int], ...] = ()
    """(partition, reason, count), all rejects, also those whose rows were not kept."""
    event_counts: tuple[tuple[str, str, int], ...] = ()
    """(partition, fact, count) of `monitor.telemetry` facts: events, untimed, late, skipped."""
    alerts: tuple[Alert, ...] = ()
    """At most one for each key."""
    generations: tuple[tuple[str, int], ...] = ()
    """(partition, generation it was read under); where the store has another by now, nothing is written."""
    seen: int | None = None
    """Mark of the newest window state the episodes take account of; None: nobody else writes any."""
    sightings: Sightings | None = None


@dataclass(frozen=True, slots=True)
class TurnFacts:
    """What a turn did, for metrics and progress. Nothing in it names a person.

    `matches` and `violations` are (rule id, level, count); `seconds` is (stage, seconds), `rule_seconds` is
    (rule id, seconds); `times` the least and greatest event time of the turn in microseconds UTC, the latter
    as far as it can be believed.
    """

    partition: str
    records: int = 0
    size: int = 0
    events: int = 0
    next_position: int = 0
    rejects: tuple[tuple[str, int], ...] = ()
    facts: tuple[tuple[str, int], ...] = ()
    matches: tuple[tuple[str, str, int], ...] = ()
    violations: tuple[tuple[str, str, int], ...] = ()
    times: tuple[int, int] | None = None
    seconds: tuple[tuple[str, float], ...] = ()
    rule_seconds: tuple[tuple[str, float], ...] = ()
