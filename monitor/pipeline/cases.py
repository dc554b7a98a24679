"""Rules' inline tests, run by the production decoder and engine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import polars as pl

from monitor.decode import decoder
from monitor.engine.baseline.habits import compact, habits
from monitor.engine.baseline.history import every_violation
from monitor.engine.keys import KEY_BYTES, Keyring
from monitor.engine.match import Matches, evaluate
from monitor.engine.panes import panes
from monitor.engine.plan import Plan, compile_plan
from monitor.engine.unanswered import decided
from monitor.engine.windows import episodes, instant
from monitor.frames import TIME, RecordBatch, Values
from monitor.rules.binding import at_large, with_peer_tables, with_tables
from monitor.rules.report import TestOutcome
from monitor.rules.tree import Correlation, EventRule, Rule, RuleSet, RuleTest, TestEvents

BEGIN = 1_767_603_600_000_000
"""2026-01-05 09:00 UTC, a Monday morning, in microseconds: `at: 0s` of every test."""

_KEYRING = Keyring(bytes(KEY_BYTES))


def run_cases(ruleset: RuleSet) -> list[TestOutcome]:
    """Run the inline tests of every rule of the set, in the order of the files.

    Events are decoded for the whole set, as in production, and asked of the rules that decide: the rule with
    its filters, or those a correlation counts. What the others would say takes most of the time and no part.
    What the settings narrow, regions and allow-lists, is left out: a test says what the rule does.
    """
    plan = compile_plan(replace(ruleset, rules=tuple(map(at_large, ruleset.rules))))
    rules: tuple[Rule, ...] = (*ruleset.rules, *ruleset.correlations)
    deciding = ((rule, _deciding(plan, rule)) for rule in rules)
    return [_outcome(few, rule, test) for rule, few in deciding for test in rule.tests]


def _deciding(plan: Plan, rule: Rule) -> Plan:
    ids = rule.events if isinstance(rule, Correlation) else (rule.header.id,)
    return replace(plan, rules=tuple(one for one in plan.rules if one.rule.header.id in ids))


def _with_tables(plan: Plan, test: RuleTest) -> Plan:
    """The plan, compiled anew where the test brings tables of its own.

    Raises:
        KeyError: one of them lacks a column.
    """
    if not test.tables:
        return plan
    rules = tuple(with_tables(one.rule, test.tables) for one in plan.rules)
    return compile_plan(RuleSet(rules, plan.correlations, (), plan.digest))


def _outcome(plan: Plan, rule: Rule, test: RuleTest) -> TestOutcome:
    try:
        if isinstance(rule, Correlation):
            rule = with_peer_tables(rule, test.tables)
        message = _unmet(_with_tables(plan, test), rule, test)
    except KeyError as column:
        message = f"The rule asks for a column of a table that the test's table lacks: {column}."
    header = rule.header
    return TestOutcome(
        rule_id=header.id,
        rule_title=header.title,
        name=test.name,
        span=test.span,
        passed=not message,
        message=message,
    )


def _unmet(plan: Plan, rule: Rule, test: RuleTest) -> str:
    """What is wrong; empty where the test holds."""
    matches, newest, rejected = _evaluate(plan, test)
    found = _fires(rule, matches, newest)
    if rejected:
        return f"{rejected} of its events could not be decoded as {test.format}."
    if found != (test.expect == "match"):
        return f"Expected {test.expect}, but the rule {'matched' if found else 'did not match'}."
    return ""


def _evaluate(plan: Plan, test: RuleTest) -> tuple[Matches, int | None, int]:
    """Matches, the newest event time, and how many events could not be decoded."""
    lines = tuple(line.encode() for events in test.events for line in _lines(events))
    batch = RecordBatch("test", range(len(lines)), len(lines), Values(lines))
    decoded = decoder(test.format, plan.projection).decode(batch)
    newest = decoded.frame[TIME].max()
    return (
        evaluate(plan, decoded).placed("test"),
        newest if isinstance(newest, int) else None,
        len(decoded.rejects),
    )


def _lines(events: TestEvents) -> Iterator[str]:
    for n in range(events.repeat):
        if events.raw is not None:
            yield events.raw.replace("{n}", str(n))
            continue
        at = BEGIN + round((events.at + n * events.every) * 1_000_000)
        yield json.dumps(
            event_of([("@timestamp", instant_micros(at)), *events.values], n), ensure_ascii=False
        )


def instant_micros(micros: int) -> str:
    """The instant with its fraction of a second."""
    return f"{instant(micros)[:-1]}.{micros % 1_000_000:06d}Z"


def event_of(values: Iterable[tuple[str, Any]], n: int) -> dict[str, Any]:
    """Dotted fields as nested objects; a field that is also the parent of another keeps its dots."""
    event: dict[str, Any] = {}
    for field, value in sorted(values, key=lambda one: one[0].count(".")):
        *parents, last = field.split(".")
        target: Any = event
        for parent in parents:
            target = target.setdefault(parent, {}) if isinstance(target, dict) else None
        filled = _filled(value, n)
        if isinstance(target, dict) and not isinstance(target.get(last), dict):
            target[last] = filled
        else:
            event[field] = filled
    return event


def _filled(value: object, n: int) -> object:
    match value:
        case str():
            return value.replace("{n}", str(n))
        case list() | tuple():
            return [_filled(v, n) for v in value]
        case dict():
            return {k: _filled(v, n) for k, v in value.items()}
        case _:
            return value


def _fires(rule: Rule, matches: Matches, newest: int | None) -> bool:
    if isinstance(rule, EventRule):
        asked = zip(matches.rules, matches.rows, strict=True)
        return any(len(rows) > 0 for plan, rows in asked if plan.rule.header.id == rule.header.id)
    if rule.baseline is not None:
        frame = compact([habits(rule, matches, _KEYRING)])
        return bool(every_violation(rule, frame, _KEYRING))
    frame = panes(rule, matches, _KEYRING)
    if rule.type == "absence" and newest is not None:
        frame = pl.concat([frame, decided(rule, "test", newest)])
    return any(episodes(rule, frame, _KEYRING))
