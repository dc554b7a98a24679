"""Violations and turns to write, made by hand and by Hypothesis."""

import hashlib
from dataclasses import replace

from hypothesis import strategies as st

from monitor.model import (
    MAX_SAMPLES,
    Checkpoint,
    Episodes,
    Evidence,
    FieldSeen,
    Logsource,
    Part,
    Position,
    Reject,
    Segment,
    Sightings,
    SourceSeen,
    Turn,
    Violation,
)

NOON = 1_794_830_400_000_000
"""2026-11-16T12:00:00Z in microseconds."""
EVENT = Violation(
    fingerprint="00000000000000000000000000000001",
    rule="rule-a",
    digest="d1",
    level="high",
    status="stable",
    kind="event",
    actor="psn_1",
    resource="/customers/{id}",
    path="user.mail",
    period="2026-11-16",
    group="",
    count=1,
    first=1_000,
    last=1_000,
    samples=(Position("logs-0", 7),),
    evidence=Evidence("user.mail", "email", "raw", "", "a***@nordwind-shop.de"),
    subjects=(5,),
)


def event(name: str = "1", **changes) -> Violation:
    """A violation of an event rule; `name` makes its fingerprint."""
    return replace(EVENT, fingerprint=hashlib.md5(name.encode()).hexdigest(), **changes)


def episode(second: int, group: str = "g1", rule: str = "bulk", **changes) -> Violation:
    """A violation of a correlation whose episode starts `second` seconds after noon of a day."""
    start = f"2026-11-16T12:{second // 60:02}:{second % 60:02}+00:00"
    name = f"{rule}|{group}|{second}"
    words = {"kind": "correlation", "period": start, "group": group, "rule": rule, "value": 60.0, "path": ""}
    words["start"] = NOON + second * 1_000_000
    return event(name, **(words | changes))


def merged_by_offset(partition: str, offsets: list[int], name: str) -> Part:
    """What a partition says after the events at these offsets; every word is a function of the offset."""
    first = min(offsets)
    return Part(
        partition,
        event(
            name,
            count=len(offsets),
            first=min(offsets) * 10,
            last=max(offsets) * 10,
            samples=tuple(Position(partition, offset) for offset in sorted(offsets))[:MAX_SAMPLES],
            subjects=tuple(sorted({offset % 5 for offset in offsets})),
            evidence=Evidence("mail", "email", extract=f"{partition}:{first}"),
            value=None if first % 2 else float(max(offsets)),
        ),
    )


PARTITIONS = ("logs-0", "logs-1", "a.ndjson")


@st.composite
def turns(draw) -> list[Turn]:
    """A history of turns over a few partitions and violations, offsets rising as they do."""
    next_offset = dict.fromkeys(PARTITIONS, 0)
    history = []
    for _ in range(draw(st.integers(1, 6))):
        partition = draw(st.sampled_from(PARTITIONS))
        by_name: dict[str, list[int]] = {}
        for _ in range(draw(st.integers(0, 15))):
            by_name.setdefault(draw(st.sampled_from("abc")), []).append(next_offset[partition])
            next_offset[partition] += draw(st.integers(1, 3))
        offset = next_offset[partition]
        next_offset[partition] += 1
        history.append(
            Turn(
                checkpoints=((partition, Checkpoint(offset + 1, draw(st.sampled_from(["p1", "p2"])))),),
                parts=tuple(merged_by_offset(partition, offsets, name) for name, offsets in by_name.items()),
                episodes=draw(st.lists(episodes(), max_size=2).map(tuple)),
                segments=draw(st.lists(segments(partition), max_size=2).map(tuple)),
                rejects=(Reject(partition, offset, draw(st.sampled_from(["blank", "json"])), 3, "{..}"),),
                reject_counts=((partition, "blank", draw(st.integers(1, 9))),),
                event_counts=((partition, "events", draw(st.integers(0, 9))), (partition, "events", 1)),
            )
        )
    return history


@st.composite
def episodes(draw) -> Episodes:
    """Episodes of one group, all within the range they replace."""
    since = draw(st.integers(0, 300))
    until = draw(st.integers(since, 600))
    group = draw(st.sampled_from(["g1", "g2", ""]))
    starts = draw(st.sets(st.integers(since, until), max_size=3))
    text = draw(st.sampled_from(["d0", "d1"]))
    violations = tuple(episode(at, group or f"g{at % 3}", digest=text) for at in sorted(starts))
    digest = draw(st.sampled_from(["", "d0", "d1"]))
    return Episodes("bulk", group, NOON + since * 1_000_000, NOON + until * 1_000_000, violations, digest)


@st.composite
def sightings(draw) -> Sightings:
    """What was seen of some sources."""
    asked = draw(st.sampled_from([("a", "b"), ("a",), ("a", "b", "c")]))
    sources = []
    for name in draw(st.sets(st.sampled_from(["logs", "audit"]))):
        events = draw(st.integers(1, 50))
        fields = tuple(
            FieldSeen(
                field, draw(st.integers(1, events)), draw(st.integers(1, events)), draw(st.integers(0, 99))
            )
            for field in sorted(draw(st.sets(st.sampled_from(asked))))
        )
        logsource = Logsource("application", draw(st.none() | st.just("shop")))
        sources.append(SourceSeen(name, logsource, events, draw(st.integers(0, 99)), fields))
    return Sightings(asked, draw(st.integers(0, 60)), tuple(sources))


def segments(partition: str) -> st.SearchStrategy[Segment]:
    """Window state of one of two rules."""
    return st.builds(
        lambda rule, digest, first, length, data, replaces: Segment(
            rule, digest, partition, first, first + length, 1, data, replaces=replaces
        ),
        st.sampled_from(["bulk", "other"]),
        st.sampled_from("de"),
        st.integers(0, 50),
        st.integers(0, 20),
        st.binary(max_size=20),
        st.booleans(),
    )
