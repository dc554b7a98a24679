"""The tables. `migrations/` builds them step by step; a test holds the two equal.

Every table starts with the namespace: two replays of one archive into two namespaces never meet. Times are
microseconds UTC. Rows of `violation` are what people read; for event rules they are the merge of the rows of
`violation_part`, one per partition, so that what a partition contributed can be taken back.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    false,
)

HEAD = "0008"
"""The revision this code reads and writes; the newest step in `migrations/versions`."""

metadata = MetaData()

_Word = String().with_variant(String(collation="C"), "postgresql")
"""Short text that is ordered and compared byte by byte, whatever language the database was made for."""


def _violation_columns() -> list[Column[object]]:
    """What a violation and a partition's part of it have in common; see `monitor.model.Violation`."""
    return [
        Column("rule", _Word, nullable=False),
        Column("digest", _Word, nullable=False),
        Column("level", _Word, nullable=False),
        Column("status", _Word, nullable=False),
        Column("kind", _Word, nullable=False),
        Column("actor", _Word, nullable=False),
        Column("resource", Text, nullable=False),
        Column("path", Text, nullable=False),
        Column("period", _Word, nullable=False),
        Column("group_key", _Word, nullable=False),
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
    Column("namespace", _Word, primary_key=True),
    Column("fingerprint", _Word, primary_key=True),
    *_violation_columns(),
    # Grows with every transaction that writes violations: who reads on asks for what is beyond a mark.
    Column("mark", BigInteger, nullable=False, server_default="1"),
    Index("violation_by_period", "namespace", "rule", "period", "fingerprint"),
    Index("violation_by_episode", "namespace", "rule", "group_key", "episode_start"),
    Index("violation_by_mark", "namespace", "mark", "fingerprint"),
)

violation_gone = Table(
    "violation_gone",
    metadata,
    # Taken back, and not yet read by `review_cursor`.
    Column("namespace", _Word, primary_key=True),
    Column("fingerprint", _Word, primary_key=True),
    Column("rule", _Word, nullable=False),
    Column("group_key", _Word, nullable=False),
    Column("period", _Word, nullable=False),
    Column("mark", BigInteger, nullable=False),
)

violation_part = Table(
    "violation_part",
    metadata,
    Column("namespace", _Word, primary_key=True),
    Column("fingerprint", _Word, primary_key=True),
    Column("partition", _Word, primary_key=True),
    *_violation_columns(),
    ForeignKeyConstraint(["namespace", "fingerprint"], ["violation.namespace", "violation.fingerprint"]),
    Index("violation_part_by_partition", "namespace", "partition"),
)

window_segment = Table(
    "window_segment",
    metadata,
    # BigInteger would not become SQLite's row id.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("namespace", _Word, nullable=False),
    Column("rule", _Word, nullable=False),
    Column("digest", _Word, nullable=False),
    Column("partition", _Word, nullable=False),
    Column("first_tick", BigInteger, nullable=False),
    Column("last_tick", BigInteger, nullable=False),
    Column("panes", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    # Stands for everything its rule text and partition had before, see monitor.model.Segment.
    Column("replaces", Boolean, nullable=False, server_default=false()),
    Index("window_segment_by_rule", "namespace", "rule", "digest", "last_tick"),
    Index("window_segment_by_partition", "namespace", "partition"),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("namespace", _Word, primary_key=True),
    Column("partition", _Word, primary_key=True),
    Column("next_position", BigInteger, nullable=False),
    Column("plan", _Word, nullable=False),
    Column("head", _Word, nullable=False),
    Column("size", BigInteger, nullable=False),
)

ownership = Table(
    "ownership",
    metadata,
    Column("namespace", _Word, primary_key=True),
    Column("partition", _Word, primary_key=True),
    # An instance, for as long as it runs.
    Column("owner", _Word, nullable=False),
    # How often the partition changed hands; a turn read under an earlier one is not written.
    Column("generation", BigInteger, nullable=False),
)

key_mark = Table(
    "key_mark",
    metadata,
    Column("namespace", _Word, primary_key=True),
    # Of the key, see `monitor.engine.keys`; another key would name the same people anew.
    Column("mark", _Word, nullable=False),
)

reject = Table(
    "reject",
    metadata,
    Column("namespace", _Word, primary_key=True),
    Column("partition", _Word, primary_key=True),
    Column("record_offset", BigInteger, primary_key=True),
    Column("reason", _Word, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("sample", Text, nullable=False),
)

tally = Table(
    "tally",
    metadata,
    Column("namespace", _Word, primary_key=True),
    Column("partition", _Word, primary_key=True),
    Column("kind", _Word, primary_key=True),
    Column("name", _Word, primary_key=True),
    Column("events", BigInteger, nullable=False),
)

source_seen = Table(
    "source_seen",
    metadata,
    Column("namespace", _Word, primary_key=True),
    Column("source", _Word, primary_key=True),
    Column("category", _Word),
    Column("product", _Word),
    Column("service", _Word),
    # Looked at, and when the last ones were.
    Column("events", BigInteger, nullable=False),
    Column("looked_at", BigInteger, nullable=False),
)

field_seen = Table(
    "field_seen",
    metadata,
    Column("namespace", _Word, primary_key=True),
    Column("source", _Word, primary_key=True),
    Column("field", _Word, primary_key=True),
    Column("times", BigInteger, nullable=False),
    # Events of the source that had been looked at when it was last seen, and when that was.
    Column("events", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

alert = Table(
    "alert",
    metadata,
    Column("namespace", String, primary_key=True),
    Column("alert_key", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    # Of the violation it was raised for, which receivers know it by; and of the one it speaks of now.
    Column("fingerprint", String, nullable=False),
    Column("violation", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("level", String, nullable=False),
    Column("tier", String, nullable=False),
    Column("facts", Text, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("raised_at", BigInteger, nullable=False),
    Column("told_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("newest", BigInteger, nullable=False),
    Column("tellings", Integer, nullable=False),
    # Turns that spoke of another period or episode while nothing more was to be said.
    Column("repeats", Integer, nullable=False),
    # 1: raised beyond what a rule may raise in an hour, and told of together with others.
    Column("held", Integer, nullable=False),
    Index("alert_by_rule", "namespace", "rule", "held", "raised_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("namespace", String, primary_key=True),
    Column("target", String, primary_key=True),
    Column("alert_key", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("due_at", BigInteger, nullable=False),
    # Null while the target knows all there is to know.
    Column("waiting_since", BigInteger),
    Column("wanted", Integer, nullable=False),
    Column("told", Integer, nullable=False),
    Column("told_at", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("error", String, nullable=False),
    ForeignKeyConstraint(
        ["namespace", "alert_key", "number"], ["alert.namespace", "alert.alert_key", "alert.number"]
    ),
    Index("outbox_by_due", "namespace", "target", "due_at"),
    Index("outbox_by_wait", "namespace", "target", "waiting_since"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("namespace", _Word, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", _Word, nullable=False),
    Column("ref", _Word, nullable=False),
    Column("who", _Word, nullable=False),
    Column("commitment", _Word, nullable=False),
    Column("previous", _Word, nullable=False),
    Column("hash", _Word, nullable=False),
    Column("signature", _Word, nullable=False),
    Index("ledger_by_ref", "namespace", "ref", "seq"),
)

ledger_payload = Table(
    "ledger_payload",
    metadata,
    # Beside the ledger, so that it can be erased and the ledger still holds.
    Column("namespace", _Word, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("salt", _Word, nullable=False),
    Column("body", Text, nullable=False),
)

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("namespace", _Word, primary_key=True),
    Column("origin", _Word, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("hash", _Word, nullable=False),
    Column("public_key", _Word, nullable=False),
)

review_cursor = Table(
    "review_cursor",
    metadata,
    # How far the violations were gathered into cases and sealed.
    Column("namespace", _Word, primary_key=True),
    Column("mark", BigInteger, nullable=False),
    Column("fingerprint", _Word, nullable=False),
)

review_case = Table(
    "review_case",
    metadata,
    Column("namespace", _Word, primary_key=True),
    # The group of its violations.
    Column("case_key", _Word, primary_key=True),
    Column("rule", _Word, nullable=False),
    Column("level", _Word, nullable=False),
    # Of the level, worst highest.
    Column("severity", Integer, nullable=False),
    Column("kind", _Word, nullable=False),
    Column("actor", _Word, nullable=False),
    Column("resource", _Word, nullable=False),
    Column("path", _Word, nullable=False),
    Column("violations", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("subjects", LargeBinary, nullable=False),
    Column("first_seen", BigInteger),
    # Its last event; 0 where none has a time.
    Column("newest", BigInteger, nullable=False),
    Column("state", _Word, nullable=False),
    # 1: somebody has still something to do with it.
    Column("unsettled", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
    # What people decided, as JSON of `monitor.review`.
    Column("facts", Text, nullable=False),
    Column("due_at", BigInteger),
    Column("expires_at", BigInteger),
    Index("review_case_by_severity", "namespace", "unsettled", "severity", "newest", "case_key"),
    Index("review_case_by_newest", "namespace", "newest", "case_key"),
    Index("review_case_by_level", "namespace", "level", "newest", "case_key"),
    Index("review_case_by_state", "namespace", "state", "severity", "newest", "case_key"),
    Index("review_case_by_rule", "namespace", "rule", "newest", "case_key"),
    Index("review_case_by_actor", "namespace", "actor"),
    Index("review_case_by_resource", "namespace", "resource"),
    Index("review_case_by_path", "namespace", "path"),
    Index("review_case_by_due", "namespace", "due_at"),
    Index("review_case_by_expiry", "namespace", "expires_at"),
)

rule_day = Table(
    "rule_day",
    metadata,
    Column("namespace", _Word, primary_key=True),
    # UTC, `2026-11-16`, or `undated`.
    Column("day", _Word, primary_key=True),
    Column("rule", _Word, primary_key=True),
    Column("level", _Word, nullable=False),
    Column("violations", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("subjects", LargeBinary, nullable=False),
)

account = Table(
    "account",
    metadata,
    Column("namespace", _Word, primary_key=True),
    Column("name", _Word, primary_key=True),
    Column("role", _Word, nullable=False),
    # Hash of the password (argon2id); empty where somebody else lets this account in.
    Column("password", _Word, nullable=False),
    Column("active", Integer, nullable=False),
)

web_session = Table(
    "web_session",
    metadata,
    Column("namespace", _Word, primary_key=True),
    # SHA-256 of what the browser holds.
    Column("token", _Word, primary_key=True),
    Column("account", _Word, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

api_token = Table(
    "api_token",
    metadata,
    Column("namespace", _Word, primary_key=True),
    # The public part of the token.
    Column("id", _Word, primary_key=True),
    Column("account", _Word, nullable=False),
    Column("label", _Word, nullable=False),
    # Separated by blanks.
    Column("scopes", _Word, nullable=False),
    # SHA-256 of the whole token.
    Column("hash", _Word, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("revoked_at", BigInteger),
)

errand = Table(
    "errand",
    metadata,
    # Something to be done once, whichever instance does it.
    Column("namespace", _Word, primary_key=True),
    Column("name", _Word, primary_key=True),
    Column("attempts", BigInteger, nullable=False),
    # Until then somebody has it, or nobody is to try again.
    Column("free_at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
)
