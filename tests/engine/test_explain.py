"""What explain says of an event is what the engine does with it, line by line."""

import json
from collections.abc import Mapping

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.decode import decoder
from monitor.engine.explain import EventVerdict, describe, explain_events, explain_rule
from monitor.engine.plan import compile_plan
from monitor.frames import Lines, RecordBatch
from monitor.model import Logsource
from monitor.rules.tree import And, Condition, EventRule, Not, Or, Ref, RuleSet
from tests.properties.test_engine_and_reference import events, rules
from tests.rules.checking import HEAD, ruleset_of
from tests.support.golden import assert_golden

RULE = """\
name: made_up
detection:
    address:
        message|pii: email
        user.name|startswith: [k., 'K\\*']
    readable:
        '*.iban|plaintext': true
    outside:
        - source.ip|cidr: 10.0.0.0/8
        - bytes|gte: 1000
          status: [200, null]
    words:
        - refund
    quiet:
        message|re|i: ^health
        user.name|neq: bot
        debug|exists: true
    condition: (address or readable or outside or words) and not quiet
"""
ANY = Logsource()
ASKED = (
    {"message": "order of k.fischgrund@acme-hospital.org", "user": {"name": "k.fischgrund"}},
    {"message": "HEALTH is fine", "user.name": "ada", "debug": 1, "source": {"ip": "10.1.2.3"}},
    {"items": [{"iban": "DE89 3704 0044 0532 0130 00"}, {"iban": "tok_4f9a"}], "bytes": "1200"},
    {"note": "a refund of 12 for 4711", "users": {"someone@acme-hospital.org": {"k": 1}}},
    {},
)


def verdicts(rule: EventRule, some: list[object], *, logsource: Logsource = ANY) -> list[EventVerdict]:
    plan = compile_plan(ruleset_with(rule))
    data = "\n".join(json.dumps(e) for e in some).encode()
    batch = RecordBatch("p", range(len(some)), len(some), Lines(data), logsource=logsource)
    decoded = decoder("json", plan.projection).decode(batch)
    return list(explain_events(plan, plan.rules[0], decoded))


def ruleset_with(rule: EventRule) -> RuleSet:
    return RuleSet((rule,), (), (), "")


def decided(condition: Condition, selections: Mapping[str, bool]) -> bool:
    match condition:
        case Ref(name):
            return selections[name]
        case Not(operand):
            return not decided(operand, selections)
        case And(operands):
            return all(decided(o, selections) for o in operands)
        case Or(operands):
            return any(decided(o, selections) for o in operands)


@given(rules, st.lists(events, min_size=1, max_size=4))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_the_selections_decide_as_the_engine_does(rule: EventRule, some: list[object]) -> None:
    found = verdicts(rule, some)
    assert [v.offset for v in found] == list(range(len(some)))
    for verdict in found:
        holds = {s.name: s.holds for s in verdict.selections}
        assert verdict.matched == any(decided(c, holds) for c in rule.conditions)
        for selection, tree in zip(verdict.selections, rule.selections, strict=True):
            lines = iter(selection.items)
            alternatives = [[next(lines).holds for _ in items] for items in tree.alternatives]
            assert selection.holds == any(all(items) for items in alternatives)


def test_a_rule_for_other_logs_is_not_asked() -> None:
    rule = ruleset_of(HEAD + RULE).rules[0]
    (verdict,) = verdicts(rule, [ASKED[0]], logsource=Logsource(category="webserver"))
    assert (verdict.routed, verdict.matched) == (False, False)
    assert [s.holds for s in verdict.selections] == [True, False, False, False, False]


def test_what_a_person_reads() -> None:
    rule = ruleset_of(HEAD + RULE).rules[0]
    plan = compile_plan(ruleset_with(rule)).rules[0]
    lines = [f"fields: {', '.join(explain_rule(plan).fields)}", ""]
    for asked, verdict in zip(ASKED, verdicts(rule, list(ASKED)), strict=True):
        lines.append(f"{json.dumps(asked)}\n  {'match' if verdict.matched else 'no match'}")
        for selection in verdict.selections:
            lines.append(f"  {selection.name}: {'yes' if selection.holds else 'no'}")
            for item in selection.items:
                lines.append(f"    {'yes' if item.holds else 'no'}  {item.text}")
                lines += [f"         {found}" for found in item.found]
        lines.append("")
    assert_golden("explain.txt", "\n".join(lines))


def test_every_line_of_a_rule_has_words() -> None:
    rule = ruleset_of(HEAD + RULE).rules[0]
    items = [i for s in rule.selections for alternative in s.alternatives for i in alternative]
    assert all(describe(item).strip() for item in items)
