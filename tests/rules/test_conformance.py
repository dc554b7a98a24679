"""The oracle for reading Sigma: over SigmaHQ's rules our tree is pySigma's.

Both trees are brought to one shape first: conditions with their selections written in, And and Or flattened
and without order, one leaf for each value of a field. What differs by design is undone here and nowhere else:
our keywords carry the wildcards that make them searches, and `|neq` is a Not.
"""

from collections import Counter
from functools import cache

import pytest
import yaml
from sigma import conditions as sc
from sigma import types as st
from sigma.rule import SigmaRule

from monitor.rules import tree
from monitor.rules.pattern import contains
from monitor.rules.ruleset import load
from tests.rules.checking import TODAY
from tests.support.fixtures import fixtures_dir, needs_fixtures

pytestmark = needs_fixtures

WILD = {st.SpecialChars.WILDCARD_MULTI: tree.Wild.MANY, st.SpecialChars.WILDCARD_SINGLE: tree.Wild.ONE}
FLAGS = {
    st.SigmaRegularExpressionFlag.IGNORECASE: "i",
    st.SigmaRegularExpressionFlag.MULTILINE: "m",
    st.SigmaRegularExpressionFlag.DOTALL: "s",
}


def joined(kind, operands):
    """And and Or without nesting, order or repetition."""
    flat = set()
    for each in operands:
        flat |= each[1] if each[0] == kind else {each}
    return next(iter(flat)) if len(flat) == 1 else (kind, frozenset(flat))


def ours(rule):
    selections = {selection.name: selection for selection in rule.selections}
    return [our_condition(condition, selections) for condition in rule.conditions]


def our_condition(condition, selections):
    match condition:
        case tree.Ref(name):
            alternatives = selections[name].alternatives
            return joined("or", [joined("and", map(our_item, items)) for items in alternatives])
        case tree.Not(operand):
            return ("not", our_condition(operand, selections))
        case tree.And(operands):
            return joined("and", [our_condition(each, selections) for each in operands])
        case tree.Or(operands):
            return joined("or", [our_condition(each, selections) for each in operands])


def our_item(item):
    leaves = joined("and" if item.every else "or", [("leaf", item.field, test) for test in item.tests])
    return ("not", leaves) if item.negated else leaves


def theirs(rule):
    return [their_condition(condition.parsed) for condition in rule.detection.parsed_condition]


def their_condition(condition):
    match condition:
        case sc.ConditionAND():
            return joined("and", map(their_condition, condition.args))
        case sc.ConditionOR():
            return joined("or", map(their_condition, condition.args))
        case sc.ConditionNOT():
            return ("not", their_condition(condition.args[0]))
        case sc.ConditionFieldEqualsValueExpression():
            return ("leaf", condition.field, their_test(condition.value))
        case sc.ConditionValueExpression():
            return ("leaf", None, keyword(condition.value))


def keyword(value):
    if isinstance(value, st.SigmaRegularExpression):
        return their_test(value)
    pattern = pattern_of(value if isinstance(value, st.SigmaString) else st.SigmaString(str(value)))
    return tree.TextTest(contains(pattern), isinstance(value, st.SigmaCasedString))


def pattern_of(value):
    return tree.Pattern(tuple(WILD.get(part, part) for part in value.s))


def their_test(value):
    match value:
        case st.SigmaString():
            return tree.TextTest(pattern_of(value), isinstance(value, st.SigmaCasedString))
        case st.SigmaNumber():
            return tree.NumberTest(value.number)
        case st.SigmaBool():
            return tree.BoolTest(value.boolean)
        case st.SigmaNull():
            return tree.NullTest()
        case st.SigmaExists():
            return tree.ExistsTest(value.exists)
        case st.SigmaCompareExpression():
            return tree.CompareTest(value.op.name.lower(), value.number.number)
        case st.SigmaRegularExpression():
            return tree.RegexTest(value.to_plain(), "".join(sorted(FLAGS[flag] for flag in value.flags)))
        case st.SigmaCIDRExpression():
            return tree.CidrTest(str(value.network))
    raise TypeError(value)


@cache
def sigmahq():
    """Every rule file of the fixtures, loaded one by one: the path, the rule set or None, the errors."""
    paths = sorted(fixtures_dir("sigma-rules").rglob("*.yml"))
    loaded = ((path, load([path], TODAY)) for path in paths)
    return [(path, rules, [d for d in found if d.severity == "error"]) for path, (rules, found) in loaded]


def test_every_rule_we_take_is_the_rule_that_pysigma_reads():
    taken = [(path, ruleset.rules[0]) for path, ruleset, _ in sigmahq() if ruleset]
    for path, rule in taken:
        oracle = SigmaRule.from_dict(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
        assert ours(rule) == theirs(oracle), path.name
    assert len(taken) == 3655


def test_the_others_use_modifiers_of_a_later_release():
    refused = [errors for _, ruleset, errors in sigmahq() if ruleset is None]
    assert len(refused) == 124
    assert {each.code for errors in refused for each in errors} == {"modifier-unsupported"}
    # Rules by modifier; a rule with two of them counts twice.
    reasons = Counter(message for errors in refused for message in {each.message for each in errors})
    assert {message.split("'")[1]: count for message, count in reasons.items()} == {
        "windash": 86,
        "expand": 25,
        "base64offset": 8,
        "fieldref": 5,
        "base64": 1,
        "wide": 1,
    }


BODIES = [
    "read:\n  f|neq: [a, b]\ncondition: read",
    "read:\n  f|contains|all|neq: [a, b]\ncondition: not read",
    "read:\n  f|exists: false\n  g|cased|contains: 'A*'\ncondition: read",
    "read:\n  - f: 1\n    g|gte: 1.5\n  - h|lt: 3\ncondition: read",
    "read:\n  f|re|i|s: 'a.b'\n  g|cidr: '2001:db8::/32'\ncondition: read",
    "read:\n  f: ['', null, true, 7]\ncondition: read",
    "read: [a, '*b', 7]\nmore:\n  '|all': [c, d]\ncondition: all of them",
    "a1: {x: 1}\na2: {x: 2}\n_a3: {x: 3}\nb: {x: 4}\ncondition: 1 of a* or not all of them and b",
    "a: {x: 1}\nb: {x: 2}\nc: {x: 3}\ncondition: [not (a or b) and c, a or b and not c]",
    "a: {x|startswith: 'q*', y|endswith: '*q'}\nb: {x|contains: ''}\ncondition: a and (b)",
    "a: [[x, y], {f: z}]\ncondition: any of a",
]


@pytest.mark.parametrize("body", BODIES)
def test_what_sigmahq_does_not_use(body, tmp_path):
    detection = "".join(f"    {line}\n" for line in body.split("\n"))
    text = f"title: A\nlevel: low\nlogsource: {{category: a}}\ndetection:\n{detection}"
    path = tmp_path / "rule.yml"
    path.write_text(text, encoding="utf-8")
    ruleset, diagnostics = load([path], TODAY)
    assert ruleset is not None, "\n".join(each.render() for each in diagnostics)
    oracle = SigmaRule.from_dict(yaml.load(text, Loader=yaml.CSafeLoader))
    assert ours(ruleset.rules[0]) == theirs(oracle)
