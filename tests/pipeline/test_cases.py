"""Tests inside rules: what an event is made of, and what the outcome says."""

import pytest

from monitor.pipeline.cases import BEGIN, event_of, instant_micros, run_cases
from tests.rules.checking import HEAD, ruleset_of

RULE = """\
detection:
    sel:
        user.name: ada
    condition: sel
x_tests:
"""


def outcomes(body: str, detection: str = RULE, category: str = "application") -> list[tuple[str, bool, str]]:
    text = HEAD.replace("application", category) + detection + body
    return [(o.name, o.passed, o.message) for o in run_cases(ruleset_of(text))]


def test_an_outcome_says_what_was_expected_and_what_was_found() -> None:
    found = outcomes(
        """\
    - {name: right, expect: match, events: [{set: {user.name: ada}}]}
    - {name: right not, expect: no_match, events: [{set: {user.name: bo}}]}
    - {name: wrong, expect: match, events: [{set: {user.name: bo}}]}
    - {name: wrong not, expect: no_match, events: [{set: {user.name: bo}}, {set: {user.name: ada}}]}
"""
    )
    assert found == [
        ("right", True, ""),
        ("right not", True, ""),
        ("wrong", False, "Expected match, but the rule did not match."),
        ("wrong not", False, "Expected no_match, but the rule matched."),
    ]


def test_a_raw_line_is_read_in_the_format_of_the_test() -> None:
    line = '192.0.2.1 - ada [05/Jan/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5'
    found = outcomes(
        f"""\
    - {{name: access, expect: match, format: access, events: [{{raw: '{line}'}}]}}
    - {{name: json, expect: no_match, events: [{{raw: '{{"user.name": "bo"}}'}}]}}
    - {{name: cut short, expect: no_match, events: [{{raw: '{{"user.name": "a'}}]}}
""",
        category="webserver",
    )
    assert [(name, passed) for name, passed, _ in found] == [
        ("access", True),
        ("json", True),
        ("cut short", False),
    ]
    assert found[2][2] == "1 of its events could not be decoded as json."


def test_a_raw_record_may_hold_line_breaks() -> None:
    found = outcomes(
        r"""
    - {name: one, expect: match, events: [{raw: "{\"user.name\":\n \"ada\"}"}]}
    - {name: two in one, expect: no_match, events: [{raw: "{\"user.name\": \"ada\"}\n{}"}]}
"""
    )
    assert found[0] == ("one", True, "")
    assert found[1] == ("two in one", False, "1 of its events could not be decoded as json.")


CORRELATION = """\
---
title: B
id: 3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c02
level: low
correlation:
    type: event_count
    rules: [base]
    group-by: [user.name]
    timespan: 1m
    condition: {gte: 3}
x_tests:
    - {name: in time, expect: match, events: [{set: {user.name: ada}, at: 5s, repeat: 3, every: 1s}]}
    - {name: too few, expect: no_match, events: [{set: {user.name: ada}, at: 5s, repeat: 2, every: 1s}]}
    - {name: too far apart, expect: no_match, events: [{set: {user.name: ada}, repeat: 3, every: 31s}]}
    - name: two people
      expect: no_match
      events: [{set: {user.name: ada}, repeat: 2}, {set: {user.name: "ada{n}"}, at: 9s, repeat: 2}]
"""


def test_a_correlation_sees_offsets_and_repetitions() -> None:
    detection = "name: base\n" + RULE.replace("ada", "ada*").replace("x_tests:\n", "")
    assert [(name, passed) for name, passed, _ in outcomes(CORRELATION, detection)] == [
        ("in time", True),
        ("too few", True),
        ("too far apart", True),
        ("two people", True),
    ]


@pytest.mark.parametrize(
    ("values", "event"),
    [
        ([("a.b", 1), ("a.c", 2)], {"a": {"b": 1, "c": 2}}),
        ([("a", 1), ("a.b", 2)], {"a": 1, "a.b": 2}),
        ([("a.b", 2), ("a", 1)], {"a": 1, "a.b": 2}),
        ([("a", "user {n}")], {"a": "user 7"}),
        ([("a", ["{n}", {"b": "{n}"}, 1, None])], {"a": ["7", {"b": "7"}, 1, None]}),
    ],
)
def test_dotted_fields_become_nested_objects(
    values: list[tuple[str, object]], event: dict[str, object]
) -> None:
    assert event_of(values, 7) == event


def test_tests_begin_on_a_monday_morning() -> None:
    assert instant_micros(BEGIN) == "2026-01-05T09:00:00.000000Z"
    assert instant_micros(BEGIN + 1) == "2026-01-05T09:00:00.000001Z"
    assert instant_micros(-1) == "1969-12-31T23:59:59.999999Z"
