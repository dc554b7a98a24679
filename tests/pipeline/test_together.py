"""What is left of several partitions is judged at once: each is told what it would be told alone."""

import json
from collections.abc import Sequence
from itertools import groupby

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.clock import ManualClock
from monitor.decode import decoder
from monitor.engine.keys import Keyring
from monitor.engine.plan import compile_plan
from monitor.frames import RecordBatch, Values
from monitor.pipeline import evaluation
from monitor.pipeline.evaluation import Done, Evaluation, Polled
from monitor.pipeline.ways import Way, everywhere
from tests.rules.checking import ruleset_of

KEYRING = Keyring(b"k" * 32)

RULES = """
title: Somebody's address
id: 6f3f6f8a-6f0c-4c53-a8b4-0f5b5d2b8f01
status: stable
description: An address in a message.
logsource: {category: application}
detection:
  found: {message|pii: email}
  condition: found
level: high
---
title: A patient was read
id: 6f3f6f8a-6f0c-4c53-a8b4-0f5b5d2b8f02
status: stable
description: A patient was read.
logsource: {category: application}
detection:
  read: {action: read, patient|exists: true}
  condition: read
level: low
---
title: Patients read by one person
id: 6f3f6f8a-6f0c-4c53-a8b4-0f5b5d2b8f03
status: stable
description: Many patients.
correlation:
  type: value_count
  rules: [6f3f6f8a-6f0c-4c53-a8b4-0f5b5d2b8f02]
  group-by: [user]
  timespan: 1h
  condition: {field: patient, gte: 3}
level: medium
"""

events = st.fixed_dictionaries(
    {
        "@timestamp": st.integers(0, 59).map(lambda s: f"2026-11-23T08:00:{s:02}Z"),
        "message": st.sampled_from(["all well", "sent to ada@acme-hospital.org", "kept 3 of 4"]),
        "user": st.sampled_from(["ada", "bo"]) | st.lists(st.sampled_from(["ada", "cy"]), max_size=2),
        "action": st.sampled_from(["read", "browse"]),
    },
    optional={"patient": st.sampled_from(["P1", "P2", "P3"])},
)


@pytest.fixture(scope="module")
def way() -> Way:
    plan = compile_plan(ruleset_of(RULES))
    return Way(plan, "p", decoder("json", plan.projection).decode)


def evaluated(way: Way, batches: Sequence[RecordBatch]) -> list[Done]:
    one = Evaluation(way=everywhere(way), keep=lambda batch: (batch, 0), keyring=KEYRING, clock=ManualClock())
    return list(one.done(Polled(batch, (), 0.0) for batch in batches))


def batch(partition: str, start: int, records: Sequence[dict[str, object]]) -> RecordBatch:
    values = tuple(json.dumps(record).encode() for record in records)
    end = start + len(values)
    return RecordBatch(partition, range(start, end), end, Values(values), format="json", generation=1)


def told(found: Sequence[Done], partition: str) -> tuple[object, ...]:
    mine = [done for done in found if done.read.batch.partition == partition]
    frames = [pl.concat(frames) for frames in zip(*(done.deltas for done in mine), strict=True)]
    return (
        sum(done.read.records for done in mine),
        mine[-1].read.batch.next_position,
        sorted(str(part) for done in mine for part in done.parts),
        [frame.sort("group", "first", "value", "samples").rows() for frame in frames],
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(events, min_size=1, max_size=4)), min_size=2))
def test_a_partition_is_told_what_it_would_be_told_alone(way, read):
    batches, next_offset = [], dict.fromkeys("abc", 0)
    for partition, records in read:
        batches.append(batch(partition, next_offset[partition], records))
        next_offset[partition] += len(records)
    together = evaluated(way, batches)
    for partition, mine in groupby(sorted(batches, key=lambda b: b.partition), lambda b: b.partition):
        alone = [done for one in mine for done in evaluated(way, [one])]
        # Alone each batch has its own parts; only where it has one they are the same things.
        if len(alone) == 1:
            assert told(together, partition) == told(alone, partition)
        assert told(together, partition)[:2] == told(alone, partition)[:2]
        assert told(together, partition)[3] == told(alone, partition)[3]


def test_several_partitions_are_judged_in_one_pass(way, monkeypatch):
    passes = []
    judge = evaluation.judge
    monkeypatch.setattr(evaluation, "judge", lambda *asked: passes.append(0) or judge(*asked))
    record = {"@timestamp": "2026-11-23T08:00:00Z", "message": "sent to ada@acme-hospital.org"}
    found = evaluated(way, [batch(name, 0, [record]) for name in "abc"])
    assert [done.read.batch.partition for done in found] == ["a", "b", "c"]
    assert [len(done.parts) for done in found] == [1, 1, 1]
    assert len(passes) == 1
