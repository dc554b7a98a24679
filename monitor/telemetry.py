"""Every metric privwatch has about itself, and the facts it counts; `docs/metrics.md` says the same.

Names follow Prometheus: base units, `_total` for counters. No label ever holds what an event said: rule ids,
levels, reasons, facts and partitions of topics are the only labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

EVENTS: Final = "events"
UNTIMED: Final = "untimed"
LATE: Final = "late"
SKIPPED: Final = "skipped"
UTF8_REPLACED: Final = "utf8_replaced"
TOMBSTONES: Final = "tombstones"
LOST: Final = "lost"

FACTS: Final = {
    EVENTS: "Decoded log entries.",
    UNTIMED: "Events without an event time; they count, and belong to no window.",
    LATE: "Events that came after their window had closed; they count for event rules.",
    SKIPPED: "Events outside the times asked for.",
    UTF8_REPLACED: "Events with bytes that are not UTF-8, read with U+FFFD in their place.",
    TOMBSTONES: "Kafka records without a value, which say nothing and are left out on purpose.",
    LOST: "Offsets the broker no longer had when privwatch came to read them: raise the topic's retention.",
}
"""What is counted about events in the store and in `privwatch_facts_total`."""

STAGES: Final = ("poll", "decode", "evaluate")
"""Steps of a turn that are timed."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its name, `counter`, `gauge` or `histogram`, a sentence, and its labels."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()


RECORDS = Metric("privwatch_records_total", "counter", "Records read from the source.")
BYTES = Metric("privwatch_bytes_total", "counter", "Bytes of the records read, without keys and headers.")
DECODED = Metric("privwatch_events_total", "counter", "Records that became events.")
REJECTS = Metric(
    "privwatch_rejects_total",
    "counter",
    "Records that became no event, by reason; each is a gap.",
    ("reason",),
)
EVENT_FACTS = Metric(
    "privwatch_facts_total", "counter", "What else is known of records and events, by fact.", ("fact",)
)
MATCHES = Metric("privwatch_matches_total", "counter", "Events that satisfied a rule.", ("rule",))
VIOLATIONS = Metric(
    "privwatch_violations_total",
    "counter",
    "Violations found or grown, once a batch: a violation that many batches add to counts as often.",
    ("rule", "level"),
)
TURN_SECONDS = Metric(
    "privwatch_turn_seconds", "histogram", "Seconds a batch took, by step of the turn.", ("stage",)
)
LAG = Metric(
    "privwatch_lag_records", "gauge", "Records of the topic that are not yet evaluated.", ("partition",)
)
WATERMARK = Metric(
    "privwatch_watermark_seconds",
    "gauge",
    "Latest event time seen in a partition, seconds since the Unix epoch.",
    ("partition",),
)
BUILD_INFO = Metric("privwatch_build_info", "gauge", "Always 1; the version is its label.", ("version",))

METRICS: Final = (
    RECORDS,
    BYTES,
    DECODED,
    REJECTS,
    EVENT_FACTS,
    MATCHES,
    VIOLATIONS,
    TURN_SECONDS,
    LAG,
    WATERMARK,
    BUILD_INFO,
)
