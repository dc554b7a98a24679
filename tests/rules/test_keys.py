"""Header, logsource, correlations, filters and the typed `x_` keys."""

from dataclasses import replace

import pytest

from monitor.model import Logsource
from monitor.rules import tree
from monitor.rules.tree import AlertPolicy, Privacy, WindowPolicy
from tests.rules.checking import HEAD, check, codes, detection, rule_of, ruleset_of

BODY = "detection: {read: {event.action: read}, condition: read}\n"
BASE = (
    "title: A\nid: 3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c02\nname: customer_read\nlevel: low\n"
    "logsource: {category: application}\n" + BODY + "---\n"
)
COUNT_ID = "3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c03"
COUNT = "title: B\nid: 3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c03\nlevel: low\ncorrelation:\n"


def correlation(body, top=""):
    return BASE + top + COUNT + "".join(f"    {line}\n" for line in body.strip().split("\n"))


def counted(**changes):
    keys = {"type": "event_count", "rules": "[customer_read]", "timespan": "1h", "condition": "{gte: 5}"}
    keys |= {key.replace("_", "-"): value for key, value in changes.items()}
    return correlation("\n".join(f"{key}: {value}" for key, value in keys.items() if value is not None))


def correlation_of(**changes):
    return ruleset_of(counted(**changes)).correlations[0]


def found(text, code):
    return [
        f"{each.span.line}:{each.span.column} {each.message}" for each in check(text) if each.code == code
    ]


FULL_RULE = """
title: Customer record opened
id: 3F2C6F0A-9A51-4A0E-B0A5-0E3A8F0E1C01
name: customer_read
status: test
level: high
description: >-
    two
    lines
author: Privwatch
date: 2026-11-23
modified: 2026-11-24
references: [https://example.com/a]
tags: [privacy.gdpr]
fields: [user.name]
falsepositives: one
related: [{id: x, type: similar}]
license: Apache-2.0
logsource: {category: application, product: crm, service: api, definition: any}
detection: {read: {event.action: read}, condition: read}
"""


def test_a_header_is_read_whole():
    rule = ruleset_of(FULL_RULE).rules[0]
    header = rule.header
    assert header.id == "3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c01"
    assert (header.title, header.name, header.status, header.level) == (
        "Customer record opened",
        "customer_read",
        "test",
        "high",
    )
    assert (header.description, header.author) == ("two lines", "Privwatch")
    assert (header.date, header.modified) == ("2026-11-23", "2026-11-24")
    assert (header.references, header.tags) == (("https://example.com/a",), ("privacy.gdpr",))
    assert (header.fields, header.falsepositives) == (("user.name",), ("one",))
    assert rule.logsource == Logsource("application", "crm", "api")
    assert rule.reported
    assert len(header.digest) == 64


def test_defaults():
    rule = rule_of("read:\n    a: 1\ncondition: read")
    assert (rule.header.status, rule.header.name, rule.header.tags) == ("stable", "", ())
    assert (rule.privacy, rule.alert, rule.tests) == (Privacy(), AlertPolicy(), ())


def test_a_rule_without_an_id_gets_a_lasting_one():
    text = HEAD.replace("id: 3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c01\n", "") + BODY
    assert codes(text) == ["missing-id"]
    first, second = ruleset_of(text), ruleset_of("# moved\n" + text.replace("read", "view"))
    assert first.rules[0].header.id == second.rules[0].header.id


X_KEYS = """
x_privacy:
    articles: ["5(1)(f)", 32]
    activity: RoPA-017
    categories: contact
    actor: user.name
    subject: customer.id
    resource: db.table
x_alert: {fingerprint: [user.name], per: week, realert: 2d, tier: page}
x_tests:
    - name: fires
      expect: match
      events: [{at: 5s, every: 500ms, repeat: 3, set: {a: "{n}", b: [1]}}]
    - name: quiet
      expect: no_match
      format: access
      events:
          - raw: 'GET / HTTP/1.1'
"""


def test_privacy_and_alert():
    text = HEAD + BODY + X_KEYS
    rule = ruleset_of(text).rules[0]
    assert rule.privacy == Privacy(
        ("5(1)(f)", "32"), "RoPA-017", ("contact",), "user.name", "customer.id", "db.table"
    )
    assert rule.alert == AlertPolicy(("user.name",), "week", 172_800, "page")
    fires, quiet = rule.tests
    assert fires.events == (tree.TestEvents(5.0, 0.5, 3, (("a", "{n}"), ("b", [1]))),)
    assert (fires.expect, fires.format, fires.span.line) == ("match", "json", 16)
    assert quiet.events == (tree.TestEvents(0.0, 1.0, 1, (), "GET / HTTP/1.1"),)
    assert (quiet.expect, quiet.format) == ("no_match", "access")


def test_a_correlation():
    bounds = "{field: customer.id, gt: 3, lte: 9.5}"
    one = correlation_of(type="value_count", group_by="[user.name]", condition=bounds)
    assert (one.type, one.group_by, one.timespan) == ("value_count", ("user.name",), 3600)
    assert one.threshold.bounds == (("gt", 3), ("lte", 9.5))
    assert one.threshold.field == "customer.id"
    assert one.rules == ("3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c02",)
    assert one.window == WindowPolicy()


SECOND = (
    BASE.replace("1c02", "1c09").replace("customer_read", "customer_write").replace("title: A", "title: C")
)


def temporal(**changes):
    changes = {"condition": "{gte: 2}", **changes}
    return ruleset_of(
        SECOND + counted(type="temporal", rules="[customer_read, customer_write]", **changes)
    ).correlations[0]


READ_ID, WRITE_ID = "3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c02", "3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c09"


def test_a_temporal_correlation_without_a_condition_asks_for_all_of_its_rules():
    one = temporal(condition=None)
    assert (one.rules, one.threshold.bounds, one.threshold.when) == ((READ_ID, WRITE_ID), (("gte", 2),), None)


def test_a_condition_in_words():
    one = temporal(condition="customer_read and not customer_write")
    assert one.threshold.when == tree.And((tree.Ref(READ_ID), tree.Not(tree.Ref(WRITE_ID))))
    assert one.threshold.bounds == ()


def test_a_condition_in_words_names_its_rules_by_itself():
    text = SECOND + counted(type="temporal_ordered", rules=None, condition="customer_write and customer_read")
    one = ruleset_of(text).correlations[0]
    assert (one.rules, one.threshold.when) == (
        (WRITE_ID, READ_ID),
        tree.And((tree.Ref(WRITE_ID), tree.Ref(READ_ID))),
    )
    assert not any(rule.reported for rule in ruleset_of(text).rules)


def test_aliases_name_the_fields_of_each_rule():
    one = temporal(aliases="{who: {customer_read: user.name, customer_write: actor}}", group_by="[who, site]")
    assert one.aliases == (tree.Alias("who", ((READ_ID, "user.name"), (WRITE_ID, "actor"))),)
    assert (one.fields_of(READ_ID), one.fields_of(WRITE_ID)) == (("user.name", "site"), ("actor", "site"))


def test_several_fields_are_counted_together():
    one = correlation_of(type="value_count", condition="{field: [a, b], gt: 1, neq: 7}")
    assert (one.threshold.fields, one.threshold.bounds) == (("a", "b"), (("gt", 1), ("neq", 7)))


OUTER = """---
title: D
id: 3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c0d
level: low
correlation: {{{body}, rules: [many], timespan: 1d}}
"""


def chained(body, **changes):
    inner = counted(group_by="[user]", **changes).replace("title: B", "title: B\nname: many")
    return inner + OUTER.format(body=body)


def test_a_correlation_over_another():
    ruleset = ruleset_of(chained("type: event_count, group-by: [user], condition: {gte: 2}"))
    inner, outer = ruleset.correlations
    assert outer.inner == (replace(inner, reported=True),)
    assert (outer.rules, outer.own, outer.events) == ((COUNT_ID,), (), (READ_ID,))
    assert (inner.reported, outer.reported) == (False, True)
    shown = ruleset_of(chained("type: event_count, group-by: [user], condition: {gte: 2}, generate: true"))
    assert shown.correlations[0].reported
    other = ruleset_of(chained("type: event_count, group-by: [user], condition: {gte: 2}", timespan="2h"))
    assert other.correlations[1].header.digest != outer.header.digest


@pytest.mark.parametrize(
    ("body", "changes", "message"),
    [
        (
            "type: value_sum, group-by: [user], condition: {field: user, gte: 2}",
            {},
            "'value_sum' measures events, and 'many' is a correlation.",
        ),
        (
            "type: event_count, group-by: [site], condition: {gte: 2}",
            {},
            "'many' does not group by 'site', so its violations do not say it.",
        ),
        (
            "type: value_count, condition: {field: site, gte: 2}",
            {},
            "'many' does not group by 'site', so its violations do not say it.",
        ),
    ],
)
def test_what_a_correlation_over_another_is_refused_for(body, changes, message):
    assert [each.message for each in check(chained(body, **changes)) if each.severity == "error"] == [message]


def test_no_windows_by_the_clock_are_counted():
    inner = counted(group_by="[user]").replace("title: B", "title: B\nname: many")
    text = inner + "x_window: {kind: tumbling}\nx_privacy: {articles: ['32']}\n" + TESTS
    text += OUTER.format(body="type: event_count, group-by: [user], condition: {gte: 2}")
    assert "'many' has tumbling windows, which no other correlation counts." in [
        e.message for e in check(text)
    ]


def test_it_goes_one_level_deep():
    text = chained("type: event_count, group-by: [user], condition: {gte: 2}").replace(
        "title: D", "title: D\nname: more"
    )
    text += (
        OUTER.replace("1c0d", "1c0e")
        .replace("many", "more")
        .format(body="type: event_count, condition: {gte: 2}")
    )
    assert "'more' is no rule, and no correlation over rules alone." in [e.message for e in check(text)]


def test_a_ratio_is_ours_alone():
    text = SECOND + counted(
        type="ratio", rules="[customer_read, customer_write]", condition="{gt: 0.5, events: 20}"
    )
    assert (ruleset_of(text).correlations[0].threshold.events, codes(text)[-1]) == (20, "not-portable")


def test_a_new_value_is_ours_alone_and_remembers_for_the_timespan_unless_told():
    one = correlation_of(type="new_value", condition="{field: [a, b], gte: 1}")
    assert (one.threshold.fields, one.history, one.threshold.min_history) == (("a", "b"), 3600, 0)
    told = counted(type="new_value", condition="{field: a, gte: 1, history: 90d, min_history: 14d}")
    assert codes(told)[-1] == "not-portable"
    one = ruleset_of(told).correlations[0]
    assert (one.history, one.threshold.min_history) == (90 * 86_400, 14 * 86_400)


def test_an_absence_needs_no_condition():
    text = SECOND + counted(type="absence", rules="[customer_read, customer_write]", condition=None)
    assert (ruleset_of(text).correlations[0].threshold.bounds, codes(text)[-1]) == (
        (("gte", 1),),
        "not-portable",
    )


def test_a_percentile():
    one = correlation_of(type="value_percentile", condition="{field: a, gt: 1, percentile: 95}")
    assert one.threshold.percentile == 95


def test_windows_of_other_kinds():
    text = counted() + "x_window: {kind: hopping, hop: 15m}\nx_privacy: {articles: ['32']}\n" + TESTS
    assert ruleset_of(text).correlations[0].window == WindowPolicy("hopping", hop=900)


def test_a_window():
    text = counted() + "x_window: {kind: sliding, resolution: 1m, lateness: 1h, late: revise}\n"
    text += "x_privacy: {articles: ['32']}\n" + TESTS
    assert ruleset_of(text).correlations[0].window == WindowPolicy("sliding", 60, 3600)


TESTS = (
    "x_tests:\n  - {name: a, expect: match, events: [{set: {a: 1}}]}\n"
    "  - {name: b, expect: no_match, events: [{set: {a: 1}}]}\n"
)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30s", 30),
        ("15m", 900),
        ("1h", 3600),
        ("2d", 172_800),
        ("1w", 604_800),
        ("1M", 2_629_746),
        ("1y", 31_556_952),
    ],
)
def test_timespans(written, seconds):
    assert correlation_of(timespan=written).timespan == seconds


def test_rules_that_are_only_counted_are_not_reported():
    assert not ruleset_of(counted()).rules[0].reported
    assert ruleset_of(counted(generate="true")).rules[0].reported
    assert ruleset_of(counted() + "generate: true\n").rules[0].reported
    assert (
        ruleset_of(counted().replace("level: low\nlogsource", "generate: true\nlevel: low\nlogsource"))
        .rules[0]
        .reported
    )


def test_a_rule_is_named_by_id_too():
    one = correlation_of(rules="3F2C6F0A-9A51-4A0E-B0A5-0E3A8F0E1C02")
    assert one.rules == ("3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c02",)


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"type": "count"}, "invalid-value", "'count' is no type."),
        ({"type": None}, "missing-key", "'correlation' has no 'type'."),
        ({"rules": None}, "missing-key", "'correlation' has no 'rules'."),
        ({"rules": "[]"}, "empty-list", "The correlation counts no rule."),
        ({"rules": "[{}]"}, "wrong-type", "'rules' of 'correlation' is a map."),
        ({"rules": "[custmer_read]"}, "unknown-rule", "No rule has the id or name 'custmer_read'."),
        (
            {"rules": f"[{COUNT_ID}]"},
            "correlation-unsupported",
            f"'{COUNT_ID}' is no rule, and no correlation over rules alone.",
        ),
        ({"timespan": None}, "missing-key", "'correlation' has no 'timespan'."),
        ({"timespan": "0s"}, "invalid-value", "'0s' is no timespan."),
        ({"timespan": "60"}, "invalid-value", "'60' is no timespan."),
        ({"timespan": "2y"}, "invalid-value", "'2y' is no timespan."),
        ({"timespan": "1M"}, "timespan-approximate", "'1M' is taken as 2629746 seconds."),
        ({"condition": None}, "missing-key", "'correlation' has no 'condition'."),
        ({"condition": "a and b"}, "wrong-type", "'condition' of 'correlation' is a value."),
        ({"condition": "{}"}, "missing-key", "The condition has no bound."),
        ({"condition": "{field: a}"}, "missing-key", "The condition has no bound."),
        ({"condition": "{gte: many}"}, "invalid-value", "'gte' takes a number."),
        ({"condition": "{gte: [1]}"}, "invalid-value", "'gte' takes a number."),
        ({"condition": "{gte: .inf}"}, "invalid-value", "'gte' takes a number."),
        ({"condition": "{ge: 1}"}, "unknown-key", "The condition of a correlation has no 'ge'."),
        (
            {"type": "value_sum", "condition": "{field: [a, b], gte: 1}"},
            "invalid-value",
            "'value_sum' reads one field.",
        ),
        (
            {"type": "value_percentile", "condition": "{field: a, gte: 1}"},
            "missing-key",
            "'condition' has no 'percentile'.",
        ),
        (
            {"type": "value_percentile", "condition": "{field: a, gte: 1, percentile: 0}"},
            "invalid-value",
            "'0' is no percentile.",
        ),
        (
            {"type": "ratio"},
            "invalid-value",
            "Of the events of 'customer_read' all match 'customer_read'.",
        ),
        (
            {"type": "ratio", "rules": "[customer_read, b]", "condition": "{gt: 0.5, events: 0}"},
            "invalid-value",
            "'0' is no number of events.",
        ),
        (
            {"type": "new_value"},
            "missing-key",
            "'new_value' does not say which field it reads.",
        ),
        (
            {"type": "new_value", "condition": "{field: a, gte: 1, history: 500d}"},
            "invalid-value",
            "'history' cannot be that long.",
        ),
        (
            {"type": "new_value", "condition": "{field: a, gte: 1, history: 5d, min_history: 6d}"},
            "invalid-value",
            "'min_history' cannot be that long.",
        ),
        (
            {"type": "value_count", "condition": "{field: a, gte: 1, history: 5d}"},
            "unknown-key",
            "The condition of a correlation has no 'history'.",
        ),
        (
            {"condition": "{gt: 5, events: 2}"},
            "unknown-key",
            "The condition of a correlation has no 'events'.",
        ),
        (
            {"rules": "[customer_read, 3F2C6F0A-9A51-4A0E-B0A5-0E3A8F0E1C02]"},
            "invalid-value",
            "'3F2C6F0A-9A51-4A0E-B0A5-0E3A8F0E1C02' is the same rule as one named before it.",
        ),
        (
            {"type": "temporal", "condition": "{gte: 2}"},
            "invalid-value",
            "The correlation counts 1 rules; 'gte: 2' can never hold.",
        ),
        ({"type": "temporal", "rules": None}, "missing-key", "'correlation' has no 'rules'."),
        (
            {"type": "temporal", "condition": "customer_read and customer_write"},
            "unknown-selection",
            "The correlation names no rule 'customer_write'.",
        ),
        (
            {"type": "temporal", "condition": "customer_read and"},
            "condition-syntax",
            "The condition ends too early.",
        ),
        (
            {"type": "temporal", "rules": "[customer_read, b]", "condition": "customer_read"},
            "invalid-value",
            "The condition does not say what 'b' is there for.",
        ),
        (
            {"type": "temporal_ordered", "condition": "not customer_read"},
            "invalid-value",
            "An order is only told of rules that all have to match.",
        ),
        (
            {"type": "temporal", "rules": f"[{', '.join(f'rule_{n}' for n in range(21))}]"},
            "invalid-value",
            "The correlation names 21 rules; one of 'temporal' has at most 20.",
        ),
        ({"type": "value_sum"}, "missing-key", "'value_sum' does not say which field it reads."),
        ({"aliases": "{a: {other: b}}"}, "unknown-key", "'a' has no key 'other'."),
        ({"aliases": "{a: b}"}, "wrong-type", "'a' of 'aliases' is a value."),
        ({"grup_by": "[a]"}, "unknown-key", "'correlation' has no key 'grup-by'."),
        ({"generate": "maybe"}, "wrong-type", "'generate' of 'correlation' is a value."),
    ],
)
def test_what_a_correlation_is_refused_for(changes, code, message):
    assert [each.split(" ", 1)[1] for each in found(counted(**changes), code)] == [message]


@pytest.mark.parametrize(
    ("said", "changes", "message"),
    [
        ("{signals: [brst]}", {}, "'brst' is no signal."),
        ("{signals: drip}", {}, "With a timespan of 1h there is no drip."),
        ("{}", {"timespan": "5m"}, "A baseline is of an hour or of a day."),
        ("{}", {"type": "value_avg"}, "There is no baseline of a 'value_avg'."),
        (
            "{signals: [enumeration, burst]}",
            {"type": "value_sum"},
            "'value_sum' does not tell people apart, as enumeration has to.",
        ),
        ("{timezone: Mars/Olympus}", {}, "There is no time zone 'Mars/Olympus'."),
        ("{}", {"condition": "{field: a, gte: 2, lt: 9}"}, "The floor of a baseline has no 'lt'."),
        ("{history: 3d}", {}, "That is no length of a history."),
        ("{history: 36h}", {}, "'history' is no whole number of days."),
        ("{score: high}", {}, "'score' takes a number above 0."),
        ("{method: sigma}", {}, "'sigma' is no method."),
        ("{unknown: page}", {}, "'page' is no unknown."),
    ],
)
def test_what_a_baseline_is_refused_for(said, changes, message):
    base = {"type": "value_count", "timespan": "1h", "condition": "{field: a, gte: 2}", "group-by": "[a]"}
    text = counted(**(base | changes)) + f"x_baseline: {said}\n"
    assert [each.split(" ", 1)[1] for each in found(text, "invalid-value")] == [message]


def test_a_baseline_needs_a_group():
    said = {"type": "value_count", "timespan": "1h", "condition": "{field: a, gte: 2}"}
    message = "A baseline is of nobody in particular."
    assert message in " ".join(found(counted(**said) + "x_baseline: {}\n", "missing-key"))


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("x_privcy: {}", "unknown-key", "The rule has no key 'x_privcy'."),
        ("x_window: {}", "unknown-key", "The rule has no key 'x_window'."),
        (
            "x_parameters: {}",
            "key-unsupported",
            "'x_parameters' (rule parameters) is not evaluated in this release.",
        ),
        ("x_baseline: {}", "unknown-key", "The rule has no key 'x_baseline'."),
        ("x_privacy: {article: a}", "unknown-key", "'x_privacy' has no key 'article'."),
        ("x_privacy: contact", "wrong-type", "'x_privacy' of the rule is a value."),
        ("x_privacy: {articles: [null]}", "wrong-type", "'articles' of 'x_privacy' is null."),
        ("x_alert: {per: month}", "invalid-value", "'month' is no per."),
        ("x_alert: {tier: pager}", "invalid-value", "'pager' is no tier."),
        ("x_alert: {realert: soon}", "invalid-value", "'soon' is no duration."),
        ("x_tests: [a]", "wrong-type", "'x_tests' of the rule is a value."),
        ("x_tests: [{name: a, expect: match}]", "missing-key", "An entry of x_tests has no 'events'."),
        ("x_tests: [{name: a, expect: match, events: []}]", "empty-list", "The test has no events."),
        ("x_tests: [{name: a, expect: no, events: [{raw: a}]}]", "invalid-value", "'no' is no expect."),
        (
            "x_tests: [{name: a, expect: match, events: [{}]}]",
            "missing-key",
            "An event has either 'set' or 'raw'.",
        ),
        (
            "x_tests: [{name: a, expect: match, events: [{set: {a: 1}, repeat: 0}]}]",
            "invalid-value",
            "'repeat' is no count.",
        ),
        (
            "x_tests: [{name: a, expect: match, format: access, events: [{set: {a: 1}}]}]",
            "invalid-value",
            "'set' makes JSON events, and the test's format is access.",
        ),
        ("status: beta", "invalid-value", "'beta' is no status."),
        ("title: [a]", "duplicate-key", "The key 'title' is already there in line 1."),
        ("description: [a]", "wrong-type", "'description' of the rule is a list."),
    ],
)
def test_what_a_rule_is_refused_for(line, code, message):
    assert [each.split(" ", 1)[1] for each in found(HEAD + BODY + line + "\n", code)] == [message]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x_window: {kind: hopping}", "'x_window' has no 'hop'."),
        (
            "x_window: {kind: hopping, hop: 2h}",
            "A hop of 7200 s does not go with a timespan of 3600 s and ticks of 1 s.",
        ),
        (
            "x_window: {kind: hopping, resolution: 1m, hop: 90s}",
            "A hop of 90 s does not go with a timespan of 3600 s and ticks of 60 s.",
        ),
        (
            "x_window: {kind: tumbling, resolution: 7m}",
            "A timespan of 3600 s is no whole number of ticks of 420 s.",
        ),
        ("x_window: {resolution: 2d}", "A tick is at least one second."),
        ("x_window: {kind: round}", "'round' is no kind."),
        ("x_window: {late: drop}", "'drop' is no late."),
        ("x_window: {resolution: 10ms}", "A tick is at least one second."),
        ("x_window: {resolution: 1.5s}", "A tick is at least one second."),
    ],
)
def test_what_a_window_is_refused_for(line, message):
    assert message in [each.message for each in check(counted() + line + "\n")]


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("title: A\n", "", "missing-key", "The rule has no 'title'."),
        ("title: A\n", "title:\n", "wrong-type", "'title' of the rule is null."),
        ("id: 3f", "id: zz", "invalid-value", "'zz2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c01' is no UUID."),
        ("{category: application}", "{}", "missing-key", "'logsource' says no source."),
        ("{category: application}", "{categry: a}", "unknown-key", "'logsource' has no key 'categry'."),
        ("{category: application}", "application", "wrong-type", "'logsource' of the rule is a value."),
        ("condition: read", "", "missing-key", "'detection' has no 'condition'."),
        ("condition: read", "condition: []", "empty-list", "There is no condition."),
        ("condition: read", "condition: {a: b}", "wrong-type", "'condition' of 'detection' is a map."),
        ("read: {event.action: read}, ", "", "missing-key", "'detection' has no selection."),
        (
            "{read: {event.action: read}, condition: read}",
            "[a]",
            "wrong-type",
            "'detection' of the rule is a list.",
        ),
    ],
)
def test_what_is_missing_is_said(old, new, code, message):
    assert message in [each.split(" ", 1)[1] for each in found((HEAD + BODY).replace(old, new, 1), code)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "The document is no map of keys."),
        ("title: A\n", "The document has no detection, correlation or filter."),
        (HEAD + BODY + "filter: {}\n", "The document has detection and filter."),
    ],
)
def test_what_is_no_rule(text, message):
    assert [each.split(" ", 1)[1] for each in found(text, "not-a-rule")] == [message]


def test_several_conditions_are_alternatives():
    rule = rule_of("a:\n    x: 1\nb:\n    x: 2\ncondition: [a, b]")
    assert len(rule.conditions) == 2


def test_a_place_inside_a_folded_text_is_where_the_text_starts():
    text = detection("read:\n    a: 1\ncondition: >-\n    read and\n    rea")
    assert found(text, "unknown-selection") == ["8:16 The rule has no selection 'rea'."]
