"""Correlations of every type and kind of window as a rule file, for runs of whole daemons."""

from __future__ import annotations

from pathlib import Path

_BASE = """title: {name}
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9d{number:02}
name: {name}
level: low
logsource: {{category: application}}
detection: {{one: {{service.name: {name}, user.name|exists: true}}, condition: one}}
---
"""

_COUNTED = """title: Correlation {number}
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9e{number:02}
name: correlation_{number}
level: low
correlation: {{group-by: [user.name], {body}}}
x_privacy: {{articles: ["32"], actor: user.name, subject: customer.id}}
x_window: {{lateness: {lateness}, {window}}}
x_tests:
    - {{name: a, expect: match, events: [{{set: {{a: 1}}}}]}}
    - {{name: b, expect: no_match, events: [{{set: {{a: 1}}}}]}}
"""

SERVICES = ("shop", "crm", "billing")

EVERY = (
    ("type: event_count, rules: [shop, crm], timespan: 20s, condition: {gte: 4}", "kind: sliding"),
    (
        "type: value_count, rules: [shop], timespan: 1m, condition: {field: customer.id, gt: 5}",
        "kind: tumbling",
    ),
    (
        "type: value_sum, rules: [crm], timespan: 1m, condition: {field: rows, gt: 200}",
        "kind: hopping, hop: 20s",
    ),
    ("type: value_avg, rules: [crm], timespan: 30s, condition: {field: rows, gt: 60}", "kind: sliding"),
    ("type: value_median, rules: [shop], timespan: 5s, condition: {field: rows, gt: 60}", "kind: session"),
    (
        "type: value_percentile, rules: shop, timespan: 30s, condition: {field: rows, lt: 9, percentile: 75}",
        "kind: sliding",
    ),
    (
        "type: ratio, rules: [shop, crm, billing], timespan: 1m, condition: {gt: 0.5, events: 9}",
        "kind: sliding",
    ),
    ("type: temporal, timespan: 20s, condition: shop and crm and not billing", "kind: sliding"),
    ("type: temporal_ordered, rules: [shop, crm, billing], timespan: 10s", "kind: sliding"),
    (
        "type: event_count, rules: correlation_0, timespan: 5m, condition: {gte: 2}, generate: true",
        "kind: sliding",
    ),
    (
        "type: temporal_ordered, rules: [correlation_3, crm], timespan: 1m, generate: true",
        "kind: session",
    ),
    ("type: absence, rules: [shop, crm], timespan: 5s, condition: {gte: 2}", "kind: session"),
    (
        "type: new_value, rules: shop, timespan: 9s, condition: {field: customer.id, gte: 2, history: 2m}",
        "kind: sliding",
    ),
)
"""Body of each correlation, and its window."""

LATENESS = {"absence": "25m"}
"""Type to the lateness of its windows, 2 h for the others. Of an absence it is also how long after the wait
it is certain that nothing came, and its windows close more than twice that after an event."""


def _type(body: str) -> str:
    return body.removeprefix("type: ").partition(",")[0]


def write_rules(folder: Path) -> Path:
    """The rule file; its inline tests are for the loader alone, nobody runs them."""
    bases = "".join(_BASE.format(name=name, number=number) for number, name in enumerate(SERVICES))
    counted = [
        _COUNTED.format(number=number, body=body, window=window, lateness=LATENESS.get(_type(body), "2h"))
        for number, (body, window) in enumerate(EVERY)
    ]
    path = folder / "every_correlation.yml"
    path.write_text(bases + "---\n".join(counted))
    return path
