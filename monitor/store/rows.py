"""Between the frozen things of `monitor.model` and rows: plain dicts in, row objects out."""

from __future__ import annotations

import json
import struct
from typing import Any

from sqlalchemy import Row

from monitor.model import Checkpoint, Evidence, Position, Reject, Segment, Violation

_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _without_nul(text: str) -> str:
    """PostgreSQL keeps no NUL in a text."""
    return text.replace("\0", "\ufffd")


def violation_row(namespace: str, violation: Violation) -> dict[str, Any]:
    """The columns that `violation` and `violation_part` share, the two keys included."""
    evidence = violation.evidence
    return {
        "namespace": namespace,
        "fingerprint": violation.fingerprint,
        "rule": violation.rule,
        "digest": violation.digest,
        "level": violation.level,
        "status": violation.status,
        "kind": violation.kind,
        "actor": violation.actor,
        "resource": _without_nul(violation.resource),
        "path": _without_nul(violation.path),
        "period": violation.period,
        "group_key": violation.group,
        "events": violation.count,
        "first_seen": violation.first,
        "last_seen": violation.last,
        "samples": _text([[sample.partition, sample.offset] for sample in violation.samples]),
        "evidence": _text(
            [evidence.path, evidence.test, evidence.state, evidence.steps, evidence.extract],
        ),
        # Eight bytes each, little endian.
        "subjects": struct.pack(f"<{len(violation.subjects)}Q", *violation.subjects),
        "value": violation.value,
        "episode_start": violation.start,
    }


def violation_of(row: Row[Any]) -> Violation:
    """The violation, or the part of one, that a row holds."""
    return Violation(
        fingerprint=row.fingerprint,
        rule=row.rule,
        digest=row.digest,
        level=row.level,
        status=row.status,
        kind=row.kind,
        actor=row.actor,
        resource=row.resource,
        path=row.path,
        period=row.period,
        group=row.group_key,
        count=row.events,
        first=row.first_seen,
        last=row.last_seen,
        samples=tuple(Position(partition, offset) for partition, offset in json.loads(row.samples)),
        evidence=Evidence(*json.loads(row.evidence)),
        subjects=sketch(row.subjects),
        value=row.value,
        start=row.episode_start,
    )


def sketch(packed: bytes) -> tuple[int, ...]:
    """Hashes of subjects, as they are kept: eight bytes each, little endian."""
    return struct.unpack(f"<{len(packed) // 8}Q", packed)


def segment_row(namespace: str, segment: Segment) -> dict[str, Any]:
    """The row of one piece of window state."""
    return {
        "namespace": namespace,
        "rule": segment.rule,
        "digest": segment.digest,
        "partition": segment.partition,
        "first_tick": segment.first,
        "last_tick": segment.last,
        "panes": segment.rows,
        "data": segment.data,
        "replaces": segment.replaces,
    }


def segment_of(row: Row[Any]) -> Segment:
    """The piece of window state that a row holds."""
    return Segment(
        row.rule,
        row.digest,
        row.partition,
        row.first_tick,
        row.last_tick,
        row.panes,
        bytes(row.data),
        bool(row.replaces),
    )


def checkpoint_row(namespace: str, partition: str, checkpoint: Checkpoint) -> dict[str, Any]:
    """The row that says how far a partition was read."""
    return {
        "namespace": namespace,
        "partition": partition,
        "next_position": checkpoint.next_position,
        "plan": checkpoint.plan,
        "head": checkpoint.head,
        "size": checkpoint.size,
    }


def checkpoint_of(row: Row[Any]) -> Checkpoint:
    """How far a partition was read."""
    return Checkpoint(row.next_position, row.plan, row.head, row.size)


def reject_row(namespace: str, reject: Reject) -> dict[str, Any]:
    """The row of one refused record."""
    return {
        "namespace": namespace,
        "partition": reject.partition,
        "record_offset": reject.offset,
        "reason": reject.reason,
        "length": reject.length,
        "sample": _without_nul(reject.sample),
    }


def reject_of(row: Row[Any]) -> Reject:
    """The refused record that a row holds."""
    return Reject(row.partition, row.record_offset, row.reason, row.length, row.sample)
