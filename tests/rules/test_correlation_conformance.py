"""The oracle for reading correlations: what pySigma knows of them, ours are as well."""

import pytest
import yaml
from sigma import correlations as sc
from sigma.collection import SigmaCollection

from monitor.rules import tree
from tests.rules.checking import checked

RULE = """title: {name}
id: 3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c{number:02}
name: {name}
level: low
logsource: {{category: application}}
detection: {{read: {{event.action: {name}}}, condition: read}}
---
"""
RULES = "".join(RULE.format(name=name, number=number) for number, name in enumerate(["a", "b", "c"]))
HEAD = "title: Z\nid: 3f2c6f0a-9a51-4a0e-b0a5-0e3a8f0e1c99\nlevel: low\ncorrelation:\n"
BODIES = [
    "type: event_count\nrules: a\ngroup-by: user\ntimespan: 5m\ncondition: {gte: 5}",
    "type: event_count\nrules: [a, b]\ntimespan: 1d\ncondition: {neq: 5}",
    "type: value_count\nrules: [a]\ngroup-by: [user, site]\ntimespan: 1h\ncondition: {field: x, lt: 5}",
    "type: value_count\nrules: [a]\ngroup-by: [user]\ntimespan: 1h\ncondition: {field: [x, y], gt: 5}",
    "type: value_sum\nrules: [a]\ngroup-by: [user]\ntimespan: 1w\ncondition: {field: x, gt: 1.5}",
    "type: value_avg\nrules: [a]\ngroup-by: [user]\ntimespan: 30s\ncondition: {field: x, eq: 3}",
    "type: value_median\nrules: [a]\ngroup-by: [user]\ntimespan: 1M\ncondition: {field: x, gte: 3}",
    "type: value_percentile\nrules: [a]\ntimespan: 1h\ncondition: {field: x, gte: 3, percentile: 95}",
    "type: temporal\nrules: [a, b, c]\ngroup-by: [user]\ntimespan: 1h",
    "type: temporal\nrules: [a, b, c]\ngroup-by: [user]\ntimespan: 1h\ncondition: {gte: 2}",
    "type: temporal\nrules: [a, b, c]\ntimespan: 1h\ncondition: a and not b or c",
    "type: temporal\ntimespan: 1h\ncondition: not (b or c) and a",
    "type: temporal_ordered\nrules: [a, b]\ngroup-by: [user]\ntimespan: 1h",
    "type: temporal_ordered\ntimespan: 1h\ncondition: a and c and not b",
    "type: temporal\nrules: [a, b]\ngroup-by: [who]\ntimespan: 1h\naliases: {who: {a: user, b: actor}}",
]


def ours(one: tree.Correlation, names: dict[str, str]):
    """The correlation as pySigma would write it down."""
    ((op, bound),) = one.threshold.bounds or ((None, None),)
    when = one.threshold.when
    return {
        "type": one.type,
        "rules": [names[each] for each in one.rules],
        "group": list(one.group_by),
        "seconds": one.timespan,
        "bound": (op, bound),
        "fields": list(one.threshold.fields),
        "percentile": one.threshold.percentile or None,
        "when": when and our_condition(when, names),
        "aliases": {a.name: {names[rule]: field for rule, field in a.fields} for a in one.aliases},
    }


def our_condition(condition: tree.Condition, names: dict[str, str]):
    match condition:
        case tree.Ref(name):
            return names[name]
        case tree.Not(operand):
            return ("not", our_condition(operand, names))
        case tree.And(operands) | tree.Or(operands):
            word = "and" if isinstance(condition, tree.And) else "or"
            return (word, *(our_condition(each, names) for each in operands))


def theirs(one: sc.SigmaCorrelationRule):
    bounded = isinstance(one.condition, sc.SigmaCorrelationCondition)
    field = (one.condition.fieldref or []) if bounded else []
    return {
        "type": one.type.name.lower(),
        "rules": [each.reference for each in one.referenced_rules],
        "group": one.group_by or [],
        "seconds": one.timespan.seconds,
        "bound": (one.condition.op.name.lower(), one.condition.count) if bounded else (None, None),
        "fields": [field] if isinstance(field, str) else field,
        "percentile": one.condition.percentile if bounded else None,
        "when": None if bounded else their_condition(one.condition.parsed),
        "aliases": {
            alias.alias: {rule.reference: name for rule, name in alias.mapping.items()}
            for alias in one.aliases
        },
    }


def their_condition(condition):
    if isinstance(condition, sc.SigmaRuleReference):
        return condition.reference
    word = type(condition).__name__.removeprefix("CorrelationCondition").lower()
    return (word, *map(their_condition, condition.args))


@pytest.mark.parametrize("body", BODIES)
def test_every_correlation_is_what_pysigma_reads(body: str) -> None:
    text = RULES + HEAD + "".join(f"    {line}\n" for line in body.split("\n"))
    ruleset, found = checked(text)
    assert ruleset is not None, "\n".join(each.render() for each in found)
    names = {rule.header.id: rule.header.name for rule in ruleset.rules}
    collection = SigmaCollection.from_dicts(list(yaml.safe_load_all(text)))
    (oracle,) = (rule for rule in collection.rules if isinstance(rule, sc.SigmaCorrelationRule))
    oracle.resolve_rule_references(collection)
    assert ours(ruleset.correlations[0], names) == theirs(oracle)


@pytest.mark.parametrize(
    "body",
    [
        "type: value_sum\nrules: [a]\ntimespan: 1h\ncondition: {gt: 1}",
        "type: event_count\nrules: [a]\ntimespan: 1h",
        "type: event_count\nrules: [a]\ntimespan: 1h\ncondition: a and b",
        "type: temporal\nrules: [a, b]\ntimespan: 1h\ncondition: a",
        "type: temporal\nrules: [a]\ntimespan: 1h\ncondition: a and b",
        "type: temporal\ntimespan: 1h\ncondition: a and",
        "type: value_count\nrules: [a]\ntimespan: 0h\ncondition: {field: a, gt: 1}",
    ],
)
def test_what_pysigma_refuses_we_refuse(body: str) -> None:
    text = RULES + HEAD + "".join(f"    {line}\n" for line in body.split("\n"))
    assert checked(text)[0] is None
    with pytest.raises(sc.sigma_exceptions.SigmaError):
        sc.SigmaCorrelationRule.from_dict(list(yaml.safe_load_all(text))[-1])
