"""The tables. `migrations/` builds them step by step; a test holds the two equal.

Every table starts with the namespace: two replays of one archive into two namespaces never meet. Times are
microseconds UTC. Rows of `violation` are what people read; for event rules they are the merge of the rows of
`violation_part`, one per partition, so that what a partition contributed can be taken back.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

HEAD = "0001"
"""The revision this code reads and writes; the newest step in `migrations/versions`."""

metadata = MetaData()


def _violation_columns() -> list[Column[object]]:
    """What a violation and a partition's part of it have in common; see `monitor.model.Violation`."""
    return [
        Column("rule", String, nullable=False),
        Column("digest", String, nullable=False),
        Column("level", String, nullable=False),
        Column("status", String, nullable=False),
        Column("kind", String, nullable=False),
        Column("actor", String, nullable=False),
        Column("resource", Text, nullable=False),
        Column("path", Text, nullable=False),
        Column("period", String, nullable=False),
        Column("group_key", String, nullable=False),
        Column("events", BigInteger, nullable=False),
        Column("first_seen", BigInteger),
        Column("last_seen", BigInteger),
        Column("samples", Text, nullable=False),
        Column("evidence", Text, nullable=False),
        Column("subjects", LargeBinary, nullable=False),
        Column("value", Float),
        # Start of a correlation's episode; null for event rules.
        Column("episode_start", BigInteger),
    ]


violation = Table(
    "violation",
    metadata,
    Column("namespace", String, primary_key=True),
    Column("fingerprint", String, primary_key=True),
    *_violation_columns(),
    Index("violation_by_period", "namespace", "rule", "period", "fingerprint"),
    Index("violation_by_episode", "namespace", "rule", "group_key", "episode_start"),
)

violation_part = Table(
    "violation_part",
    metadata,
    Column("namespace", String, primary_key=True),
    Column("fingerprint", String, primary_key=True),
    Column("partition", String, primary_key=True),
    *_violation_columns(),
    ForeignKeyConstraint(["namespace", "fingerprint"], ["violation.namespace", "violation.fingerprint"]),
    Index("violation_part_by_partition", "namespace", "partition"),
)

window_segment = Table(
    "window_segment",
    metadata,
    # BigInteger would not become SQLite's row id.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("namespace", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("partition", String, nullable=False),
    Column("first_tick", BigInteger, nullable=False),
    Column("last_tick", BigInteger, nullable=False),
    Column("panes", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index("window_segment_by_rule", "namespace", "rule", "digest", "last_tick"),
    Index("window_segment_by_partition", "namespace", "partition"),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("namespace", String, primary_key=True),
    Column("partition", String, primary_key=True),
    Column("next_position", BigInteger, nullable=False),
    Column("plan", String, nullable=False),
    Column("head", String, nullable=False),
    Column("size", BigInteger, nullable=False),
)

reject = Table(
    "reject",
    metadata,
    Column("namespace", String, primary_key=True),
    Column("partition", String, primary_key=True),
    Column("record_offset", BigInteger, primary_key=True),
    Column("reason", String, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("sample", Text, nullable=False),
)

tally = Table(
    "tally",
    metadata,
    Column("namespace", String, primary_key=True),
    Column("partition", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("events", BigInteger, nullable=False),
)
