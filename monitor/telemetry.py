"""Every metric privwatch has about itself, and the facts it counts; `docs/metrics.md` says the same.

Names follow Prometheus: base units, `_total` for counters. No label ever holds what an event said: rule ids,
levels, reasons, facts, partitions of topics and names of targets are the only labels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

EVENTS: Final = "events"
UNTIMED: Final = "untimed"
LATE: Final = "late"
UNWATCHED: Final = "unwatched"
SKIPPED: Final = "skipped"
UTF8_REPLACED: Final = "utf8_replaced"
SPREAD_JSON: Final = "spread_json"
TOMBSTONES: Final = "tombstones"
LOST: Final = "lost"
CUT: Final = "cut"
FENCED: Final = "fenced"
RETRIED: Final = "retried"

FACTS: Final = {
    EVENTS: "Decoded log entries.",
    UNTIMED: "Events without an event time; they count, and belong to no window.",
    LATE: "Events that came after their window had closed; they count for event rules.",
    UNWATCHED: "Events that windows forgot before their time, since limits.window_panes was reached.",
    SKIPPED: "Events outside the times asked for.",
    UTF8_REPLACED: "Events with bytes that are not UTF-8, read with U+FFFD in their place.",
    SPREAD_JSON: "Lines of files whose JSON goes over several lines; they are read as text, line by line.",
    TOMBSTONES: "Kafka records without a value, which say nothing and are left out on purpose.",
    FENCED: "Records dropped in hand when a partition moved to another instance; they are read again.",
    RETRIED: "Records dropped in hand since the store could not be written; they are read again.",
    LOST: "Offsets the broker no longer had when privwatch came to read them: raise the topic's retention.",
    CUT: "Followed files that were truncated before they were read to their end: rotate them by renaming.",
}
"""What is counted about events in the store and in `privwatch_facts_total`."""

STAGES: Final = ("poll", "decode", "evaluate", "correlate")
"""Steps of a turn that are timed, batch by batch."""

RELOAD_RESULTS: Final = ("success", "failure")
"""How an attempt to take changed rules into use can end."""

DEAD_LETTER_SINKS: Final = ("file", "topic")
"""Where dead letters can go."""

CLOCK_STATES: Final = ("running", "urgent", "over")
"""How a clock of Art. 33 that nobody has stopped can stand."""
RETENTION_KINDS: Final = ("open", "settled", "incident", "hidden", "cases", "alerts", "payloads")
"""What is removed when it is too old."""

_PARTITION: Final = re.compile(r"(stdin)#[0-9a-f]+|([a-z][a-z0-9_-]*):/.*#\d+|(.+)-\d+", re.DOTALL)


def source_of(partition: str) -> str:
    """What metrics call the source of a partition.

    The topic of one of a topic (`app-logs-3`), the name in the settings of that of a followed file
    (`nginx:/var/log/nginx/access.log#1`), `stdin` of standard input (`stdin#0f3a77c2`). Anything else, an
    archived file say, is its own source.
    """
    found = _PARTITION.fullmatch(partition)
    return partition if found is None else next(filter(None, found.groups()))


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
MATCHES = Metric(
    "privwatch_matches_total",
    "counter",
    "Events that satisfied a rule, by its id and level and the topic they came from.",
    ("rule", "level", "source"),
)
VIOLATIONS = Metric(
    "privwatch_violations_total",
    "counter",
    "Violations found or grown, once a batch: a violation that many batches add to counts as often.",
    ("rule", "level", "source"),
)
TURN_SECONDS = Metric(
    "privwatch_turn_seconds",
    "histogram",
    "Seconds of a turn, from its first batch to its results in the store.",
)
STAGE_SECONDS = Metric(
    "privwatch_stage_seconds", "histogram", "Seconds a batch took, by step of the turn.", ("stage",)
)
STORE_SECONDS = Metric(
    "privwatch_store_write_seconds", "histogram", "Seconds of a turn's one transaction in the store."
)
RULE_SECONDS = Metric(
    "privwatch_rule_seconds_total",
    "counter",
    "Seconds a rule took: of a correlation measured, of an event rule an estimated share of their pass.",
    ("rule",),
)
PASSED_OVER = Metric(
    "privwatch_allowed_total",
    "counter",
    "Looks at values that an allow-list of the settings kept back, by its id: once or twice a batch, however "
    "many records hold the value.",
    ("entry",),
)
LAG = Metric(
    "privwatch_lag_records",
    "gauge",
    "Records of the topic whose results are not yet in the store.",
    ("partition",),
)
LAG_BYTES = Metric(
    "privwatch_lag_bytes",
    "gauge",
    "Bytes of a followed file, or read from standard input, whose results are not yet in the store.",
    ("partition",),
)
SILENCE = Metric(
    "privwatch_partition_silence_seconds",
    "gauge",
    "Seconds since a partition last brought a record, or since this process has known of it.",
    ("partition",),
)
SOURCE_SILENCE = Metric(
    "privwatch_source_silence_seconds",
    "gauge",
    "The same for a whole topic (its partitions that are ours), a group of files, or standard input.",
    ("source",),
)
WATERMARK = Metric(
    "privwatch_watermark_seconds",
    "gauge",
    "Latest event time seen in a partition, seconds since the Unix epoch.",
    ("partition",),
)
ALERTS_WAITING = Metric(
    "privwatch_alerts_waiting",
    "gauge",
    "Alerts that a target has still to take in.",
    ("target",),
)
ALERTS_OLDEST = Metric(
    "privwatch_alerts_oldest_seconds",
    "gauge",
    "Seconds the oldest of those has waited, or 0.",
    ("target",),
)
ALERTS_SENT = Metric(
    "privwatch_alerts_sent_total",
    "counter",
    "Alerts a target took in, each time it was told, as `firing` or `resolved`.",
    ("target", "status"),
)
ALERTS_FAILED = Metric(
    "privwatch_alerts_failed_total",
    "counter",
    "Tries that a target did not take in; the alert stays in the outbox and is tried again.",
    ("target", "reason"),
)
WATERMARK_AGE = Metric(
    "privwatch_watermark_age_seconds",
    "gauge",
    "Seconds between the latest event time seen in a partition and now.",
    ("partition",),
)
RULES = Metric("privwatch_rules_loaded", "gauge", "Rules in use, by kind.", ("kind",))
RULES_INFO = Metric(
    "privwatch_rules_info", "gauge", "Always 1; the digest of the rules in use is its label.", ("digest",)
)
RULES_TIME = Metric(
    "privwatch_rules_loaded_timestamp_seconds",
    "gauge",
    "When the rules in use were taken into use, seconds since the Unix epoch.",
)
RELOADS = Metric(
    "privwatch_rule_reloads_total",
    "counter",
    "Attempts to take changed rules into use, by how they ended; after a failure the former rules stay.",
    ("result",),
)
RELOAD_OK = Metric(
    "privwatch_rules_last_reload_successful",
    "gauge",
    "1 where the rules in use are those of the files, 0 where the last attempt to take them failed.",
)
BLIND_RULES = Metric(
    "privwatch_blind_rules",
    "gauge",
    "Rules that can see nothing on a topic, since fields they need have vanished from its events.",
    ("source",),
)
RULE_BLIND = Metric(
    "privwatch_rule_blind",
    "gauge",
    "1 for each such rule and each of its fields that vanished; no series where all is well.",
    ("rule", "field", "source"),
)
DEAD_LETTERS = Metric("privwatch_dead_letters_total", "counter", "Dead letters written, by sink.", ("sink",))
DEAD_LETTER_FAILURES = Metric(
    "privwatch_dead_letter_failures_total",
    "counter",
    "Attempts to write dead letters that failed, by sink.",
    ("sink",),
)
DEAD_LETTERS_WAITING = Metric(
    "privwatch_dead_letters_waiting",
    "gauge",
    "1 while nothing is read on, since dead letters cannot be written.",
)
DEAD_LETTERS_DISCARDED = Metric(
    "privwatch_dead_letters_discarded_total",
    "counter",
    "Dead letters that went with a full file when it was the oldest.",
)
BREACH_DEADLINE = Metric(
    "privwatch_breach_deadline_seconds",
    "gauge",
    "Seconds left of the 72 hours of Art. 33 that end first, negative once they are over; no series where "
    "no clock runs.",
)
BREACH_CLOCKS = Metric(
    "privwatch_breach_clocks",
    "gauge",
    "Clocks of Art. 33 that nobody has stopped: `running`, `urgent` (less than 24 hours left), `over`.",
    ("state",),
)
REVIEW_CASES = Metric(
    "privwatch_review_cases",
    "gauge",
    "Cases of the review that are not settled, by tier and level of their rule and by state.",
    ("tier", "level", "state"),
)
REVIEW_OLDEST = Metric(
    "privwatch_review_oldest_seconds",
    "gauge",
    "Seconds since the first event of the oldest case that is new: nobody has decided anything about it.",
    ("tier", "level"),
)
SEALED = Metric(
    "privwatch_ledger_sealed_total",
    "counter",
    "Violations taken into the ledger between turns; no series where the daemon keeps none.",
)
REMOVED = Metric(
    "privwatch_retention_removed_total",
    "counter",
    "What was removed as too old, by kind; no series where the daemon keeps no ledger.",
    ("what",),
)
REPORTS = Metric(
    "privwatch_reports_total",
    "counter",
    "Tries to deliver the report of a week, by way and by result; what failed is tried again.",
    ("way", "result"),
)
BUILD_INFO = Metric(
    "privwatch_build_info",
    "gauge",
    "Always 1; the versions are its labels.",
    ("version", "python", "polars"),
)

METRICS: Final = (
    RECORDS,
    BYTES,
    DECODED,
    REJECTS,
    EVENT_FACTS,
    MATCHES,
    VIOLATIONS,
    TURN_SECONDS,
    STAGE_SECONDS,
    STORE_SECONDS,
    RULE_SECONDS,
    PASSED_OVER,
    LAG,
    LAG_BYTES,
    SILENCE,
    SOURCE_SILENCE,
    WATERMARK,
    ALERTS_WAITING,
    ALERTS_OLDEST,
    ALERTS_SENT,
    ALERTS_FAILED,
    WATERMARK_AGE,
    RULES,
    RULES_INFO,
    RULES_TIME,
    RELOADS,
    RELOAD_OK,
    BLIND_RULES,
    RULE_BLIND,
    DEAD_LETTERS,
    DEAD_LETTER_FAILURES,
    DEAD_LETTERS_WAITING,
    DEAD_LETTERS_DISCARDED,
    BREACH_DEADLINE,
    BREACH_CLOCKS,
    REVIEW_CASES,
    REVIEW_OLDEST,
    SEALED,
    REMOVED,
    REPORTS,
    BUILD_INFO,
)
