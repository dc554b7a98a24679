"""The words a rule file may use, each in one place: keys and enumerations."""

from __future__ import annotations

STATUSES = ("stable", "test", "experimental", "deprecated", "unsupported")
LEVELS = ("informational", "low", "medium", "high", "critical")

HEADER_KEYS = frozenset(
    {"title", "id", "name", "related", "taxonomy", "status", "description", "license", "author", "references"}
    | {"date", "modified", "fields", "falsepositives", "level", "tags", "scope", "generate"}
    | {"regression_tests_path", "simulation"}
)
"""Keys any document may have; the last two are SigmaHQ's own. Those that change nothing here are accepted."""
RULE_KEYS = HEADER_KEYS | {"logsource", "detection", "x_privacy", "x_alert", "x_tests"}
CORRELATION_KEYS = HEADER_KEYS | {"correlation", "x_privacy", "x_alert", "x_window", "x_baseline", "x_tests"}
FILTER_KEYS = HEADER_KEYS | {"logsource", "filter", "x_owner", "x_reason", "x_expires", "x_reviewed_by"}

LATER_KEYS = {
    "x_timezone": "time-part modifiers",
    "x_parameters": "rule parameters",
}
"""Keys of the rule language that this release does not evaluate."""

LOGSOURCE_KEYS = frozenset({"category", "product", "service", "definition"})
CORRELATION_BODY = frozenset({"type", "rules", "group-by", "timespan", "condition", "aliases", "generate"})
CORRELATION_TYPES = (
    *("event_count", "value_count", "temporal", "temporal_ordered"),
    *("value_sum", "value_avg", "value_percentile", "value_median"),
    *("ratio", "new_value", "absence"),
)
OUR_TYPES = frozenset({"ratio", "new_value", "absence"})
"""Types that Sigma does not know."""
TEMPORAL = frozenset({"temporal", "temporal_ordered"})
"""Types that ask which rules matched; the others count or weigh events."""
TELLING = TEMPORAL | {"ratio", "absence"}
"""Types to which it matters which of the rules an event matched."""
DISTINCT = frozenset({"value_count", "new_value"})
"""Types that count distinct values of a field, or of several together."""
NEED_FIELD = DISTINCT | frozenset({"value_sum", "value_avg", "value_percentile", "value_median"})
BOUNDS = ("gt", "gte", "lt", "lte", "eq", "neq")

PRIVACY_KEYS = frozenset({"articles", "activity", "categories", "actor", "subject", "resource"})
ALERT_KEYS = frozenset({"fingerprint", "per", "realert", "tier"})
PERIODS = ("hour", "day", "week", "forever")
TIERS = ("page", "review")
WINDOW_KEYS = frozenset({"kind", "hop", "resolution", "lateness", "late"})
WINDOW_KINDS = ("sliding", "tumbling", "hopping", "session")
TEST_KEYS = frozenset({"name", "expect", "events", "format", "lookups"})
EVENT_KEYS = frozenset({"at", "every", "repeat", "set", "raw"})
EXPECTATIONS = ("match", "no_match")
TEST_FORMATS = ("json", "access")
BASELINE_KEYS = frozenset(
    {
        "history",
        "season",
        "method",
        "score",
        "peers",
        "min_history",
        "signals",
        "cap",
        "scale",
        "timezone",
        "unknown",
    }
)
HOURLY_SIGNALS = ("burst", "enumeration", "cap", "soft")
DAILY_SIGNALS = ("off_hours", "day", "drip", "novelty")
OF_PEOPLE = frozenset({"enumeration", "novelty"})
"""Signals that ask who people are; the others ask how many, or how much."""
BASELINE_TYPES = ("value_count", "event_count", "value_sum")
PEER_KEYS = frozenset({"field", "lookup"})
UNKNOWN = ("floor", "wait")
"""What decides while nothing is known of a group nor of its peers."""
SEASONS = ("hour_of_week",)
METHODS = ("mad",)
