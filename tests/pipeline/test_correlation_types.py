"""Correlations of every type as rule files: their inline tests say what they find."""

import pytest

from monitor.engine.plan import compile_plan
from monitor.pipeline.cases import run_cases
from monitor.pipeline.explain import find_rule
from monitor.review.explained import rule_text
from tests.rules.checking import ruleset_of

BASES = """
title: Logged in
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c31
name: login
level: low
logsource: {category: application}
detection: {one: {act: login}, condition: one}
---
title: Read
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c32
name: read
level: low
logsource: {category: application}
detection: {one: {act: read}, condition: one}
---
title: Ticket
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c33
name: ticket
level: low
logsource: {category: application}
detection: {one: {act: ticket}, condition: one}
---
"""
HEAD = """title: Counted
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c39
name: counted
level: low
x_privacy: {articles: ["32"]}
"""
ALIASES = "aliases: {who: {login: user, read: whom}}"
UPPER_QUARTER = "condition: {field: rows, gte: 100, percentile: 75}"
FORGETFUL = "condition: {field: site, gte: 1, history: 100s}"
SETTLED = "condition: {field: site, gte: 2, history: 30d, min_history: 1h}"
LOGIN, READ, TICKET = ({"user": "ada", "act": act} for act in ("login", "read", "ticket"))


def at(second: int, event: dict[str, object], **more: object) -> str:
    fields = ", ".join(f"{name}: {value}" for name, value in {**event, **more}.items())
    return f"{{at: {second}s, set: {{{fields}}}}}"


CASES = [
    (
        "an order",
        "type: temporal_ordered, rules: [login, read], group-by: [user], timespan: 60s",
        "",
        [at(0, LOGIN), at(9, READ)],
        [at(0, READ), at(9, LOGIN)],
    ),
    (
        "an order within the timespan",
        "type: temporal_ordered, rules: [login, read], group-by: [user], timespan: 10s",
        "",
        [at(0, LOGIN), at(3, LOGIN), at(12, READ)],
        [at(0, LOGIN), at(12, READ)],
    ),
    (
        "a reading without a ticket",
        "type: temporal, group-by: [user], timespan: 60s, condition: read and not ticket",
        "",
        [at(0, TICKET), at(61, READ)],
        [at(0, TICKET), at(59, READ)],
    ),
    (
        "two of three",
        "type: temporal, rules: [login, read, ticket], group-by: [user], timespan: 60s, condition: {gte: 2}",
        "",
        [at(0, TICKET), at(5, READ)],
        [at(0, TICKET), at(5, READ, user="bo")],
    ),
    (
        "aliases",
        f"type: temporal, rules: [login, read], group-by: who, timespan: 1m, {ALIASES}",
        "",
        [at(0, LOGIN), at(5, READ, user="x", whom="ada")],
        [at(0, LOGIN), at(5, READ, user="ada", whom="x")],
    ),
    (
        "an average",
        "type: value_avg, rules: [read], group-by: [user], timespan: 60s, condition: {field: rows, gt: 10}",
        "",
        [at(0, READ, rows=1), at(1, READ, rows=20), at(2, READ)],
        [at(0, READ, rows=1), at(0, READ, rows=19), at(2, READ)],
    ),
    (
        "a median",
        "type: value_median, rules: [read], timespan: 60s, condition: {field: rows, gte: 10}",
        "",
        [at(0, READ, rows=1), at(0, READ, rows=11), at(0, READ, rows=12)],
        [at(0, READ, rows=1), at(0, READ, rows=9), at(0, READ, rows=900)],
    ),
    (
        "a percentile",
        f"type: value_percentile, rules: read, timespan: 1m, {UPPER_QUARTER}",
        "",
        [at(0, READ, rows=n) for n in (1, 2, 100, 200)],
        [at(0, READ, rows=n) for n in (1, 2, 3, 200)],
    ),
    (
        "a share",
        "type: ratio, rules: [read, login], group-by: user, timespan: 1m, condition: {gte: 0.75, events: 4}",
        "",
        [at(0, LOGIN), *(at(n, READ) for n in range(1, 4))],
        [at(1, READ), at(2, READ), at(3, READ), at(70, LOGIN), *(at(71, READ) for _ in range(2))],
    ),
    (
        "a value that is new",
        "type: new_value, rules: [login], group-by: [user], timespan: 1h, condition: {field: site, gte: 1}",
        "",
        [at(0, LOGIN, site="a"), at(5, LOGIN, site="b")],
        [at(0, LOGIN, site="a"), at(5, LOGIN, site="a"), at(5, LOGIN, user="bo", site="b")],
    ),
    (
        "a reading that no ticket followed",
        "type: absence, rules: [read, ticket], group-by: [user], timespan: 60s",
        "x_window: {lateness: 10s}\n",
        [at(0, READ), at(61, TICKET), at(71, LOGIN)],
        [at(0, READ), at(60, TICKET), at(71, LOGIN)],
    ),
    (
        "what is not certain yet",
        "type: absence, rules: [read, ticket], group-by: [user], timespan: 60s",
        "x_window: {lateness: 10s}\n",
        [at(0, READ), at(9, TICKET, user="bo"), at(71, LOGIN, user="cy")],
        [at(0, READ), at(70, LOGIN, user="cy")],
    ),
    (
        "a sign of life that stays away",
        "type: absence, rules: [login], group-by: [user], timespan: 60s",
        "x_window: {lateness: 0s}\n",
        [at(0, LOGIN), at(61, LOGIN), at(61, LOGIN, user="bo")],
        [at(0, LOGIN), at(60, LOGIN), at(60, LOGIN, user="bo"), at(120, READ)],
    ),
    (
        "several readings without a ticket",
        "type: absence, rules: [read, ticket], group-by: [user], timespan: 60s, condition: {gte: 2}",
        "x_window: {kind: tumbling, lateness: 0s}\n",
        [at(0, TICKET), at(1, READ), at(59, READ), at(120, LOGIN)],
        [at(0, READ), at(59, READ), at(60, TICKET), at(61, READ), at(200, LOGIN)],
    ),
    (
        "a value that was forgotten",
        f"type: new_value, rules: [login], group-by: [user], timespan: 1m, {FORGETFUL}",
        "",
        [at(0, LOGIN, site="a"), at(60, LOGIN, site="b"), at(101, LOGIN, site="a")],
        [at(0, LOGIN, site="a"), at(60, LOGIN), at(100, LOGIN, site="a")],
    ),
    (
        "several new values of somebody who is not new",
        f"type: new_value, rules: [login], group-by: [user], timespan: 1m, {SETTLED}",
        "",
        [at(0, LOGIN, site="a"), at(3600, LOGIN, site="b"), at(3659, LOGIN, site="c")],
        [at(0, LOGIN, site="a"), at(3599, LOGIN, site="b"), at(3640, LOGIN, site="c")],
    ),
    (
        "combinations",
        "type: value_count, rules: [read], timespan: 60s, condition: {field: [a, b], gte: 3}",
        "",
        [at(0, READ, a=1, b=1), at(1, READ, a=1, b=2), at(2, READ, a=2, b=1)],
        [at(0, READ, a=1, b=1), at(1, READ, a=1, b=2), at(2, READ, a=2), at(3, READ, a=1, b=1)],
    ),
    (
        "an hour on the clock",
        "type: event_count, rules: [read], group-by: [user], timespan: 1h, condition: {gte: 2}",
        "x_window: {kind: tumbling}\n",
        [at(0, READ), at(3599, READ)],
        [at(3599, READ), at(3600, READ)],
    ),
    (
        "every quarter of an hour",
        "type: event_count, rules: [read], group-by: [user], timespan: 1h, condition: {gte: 2}",
        "x_window: {kind: hopping, hop: 15m}\n",
        [at(3599, READ), at(3600, READ)],
        [at(0, READ), at(3600, READ)],
    ),
    (
        "a session",
        "type: event_count, rules: [read], group-by: [user], timespan: 60s, condition: {gte: 3}",
        "x_window: {kind: session}\n",
        [at(0, READ), at(60, READ), at(120, READ)],
        [at(0, READ), at(60, READ), at(121, READ)],
    ),
    (
        "an element of a list is a group",
        "type: event_count, rules: [read], group-by: [team], timespan: 60s, condition: {gte: 2}",
        "",
        [at(0, READ, team="[a, b]"), at(1, READ, team="b")],
        [at(0, READ, team="[a, a]"), at(1, READ, team="[b, c]")],
    ),
]


def test_a_burst_of_logins_and_then_a_reading() -> None:
    inner = "title: Burst\nid: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c38\nname: burst\nlevel: low\n"
    inner += "correlation: {type: event_count, rules: [login], group-by: [user, site], timespan: 10s"
    body = "type: temporal_ordered, rules: [burst, read], group-by: [user], timespan: 1m"
    logins = [at(second, LOGIN, site="x") for second in range(3)]
    match, other = [*logins, at(40, READ)], [*logins[:2], at(40, READ)]
    rules = document(body, "", match, other).replace(BASES, BASES + inner + ", condition: {gte: 3}}\n---\n")
    ruleset = ruleset_of(rules)
    assert [outcome.message for outcome in run_cases(ruleset)] == ["", ""]
    assert [one.reported for one in ruleset.correlations] == [False, True]
    text = rule_text(find_rule(compile_plan(ruleset), "counted"))
    assert "          through burst: at least 3, in any 10 s, each as one event\n" in text


def document(body: str, more: str, match: list[str], other: list[str]) -> str:
    tests = f"x_tests:\n  - {{name: a, expect: match, events: [{', '.join(match)}]}}\n"
    tests += f"  - {{name: b, expect: no_match, events: [{', '.join(other)}]}}\n"
    return BASES + HEAD + f"correlation: {{{body}}}\n" + more + tests


@pytest.mark.parametrize(("name", "body", "more", "match", "other"), CASES, ids=[case[0] for case in CASES])
def test_what_it_finds(name: str, body: str, more: str, match: list[str], other: list[str]) -> None:
    ruleset = ruleset_of(document(body, more, match, other))
    outcomes = run_cases(ruleset)
    assert [outcome.message for outcome in outcomes] == ["", ""], name
    assert "counts    " in rule_text(find_rule(compile_plan(ruleset), "counted"))
