"""Violations as people and scripts read them: one document each, and one line per rule."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.engine.subjects import distinct, exact
from monitor.model import FILTERED, Violation
from monitor.rules.filters import HIDDEN
from monitor.rules.tree import Correlation, Rule, RuleSet

LEVELS = ("critical", "high", "medium", "low", "informational")
"""Sigma's levels, worst first."""


SHOWN = 3
"""Violations of one rule that a person is shown; the JSON has all of them."""

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_BOUNDS = {
    "gte": "at least",
    "gt": "more than",
    "lte": "at most",
    "lt": "less than",
    "eq": "exactly",
    "neq": "other than",
}


def duration(seconds: int) -> str:
    """In the largest unit that gives a whole number: `1 h`, `90 s`."""
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return f"{seconds // size} {unit}"


def limits(correlation: Correlation) -> str:
    """When a correlation reports: `at least 50`, or the condition as it is written."""
    threshold = correlation.threshold
    return threshold.text or " and ".join(f"{_BOUNDS[op]} {bound:,}" for op, bound in threshold.bounds)


def within(correlation: Correlation) -> str:
    """The windows of a correlation: `in any 1 h`."""
    span = duration(correlation.timespan)
    match correlation.window.kind:
        case "tumbling":
            return f"in each {span}"
        case "hopping":
            return f"in {span}, every {duration(correlation.window.hop or correlation.timespan)}"
        case "session":
            return f"in a session, over after {span} without any"
        case _:
            return f"in any {span}"


def short_articles(articles: Iterable[str]) -> str:
    """GDPR articles, paragraphs of one article together: `5(1)(c)(f), 32`."""
    points: dict[str, list[str]] = {}
    for article in sorted(articles, key=lambda a: (int(re.sub(r"\D.*", "", a) or 0), a)):
        stem, opening, point = article.rpartition("(") if article.count("(") > 1 else (article, "", "")
        points.setdefault(stem, []).append(opening + point)
    return ", ".join(stem + "".join(found) for stem, found in points.items())


def by_id(ruleset: RuleSet) -> dict[str, Rule]:
    """The rules that can have violations."""
    rules: tuple[Rule, ...] = (*ruleset.rules, *ruleset.hidden, *ruleset.correlations)
    return {r.header.id: r for r in rules}


def shown(violations: Iterable[Violation]) -> list[Violation]:
    """Those that no filter hides."""
    return [v for v in violations if v.status != FILTERED]


def instant(micros: int | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    if micros is None:
        return None
    at = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=micros)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def place(partition: str, offset: int) -> str:
    """A file's name and line, as editors count."""
    return f"{Path(partition.rpartition('#')[0] or partition).name} line {offset + 1}"


def in_order(violations: Iterable[Violation]) -> list[Violation]:
    """By rule, time and place; by fingerprint, which depends on the key, only where all else is equal."""
    return sorted(violations, key=lambda v: (v.rule, v.period, *_where(v)))


def _where(violation: Violation) -> tuple[Any, ...]:
    first = -1 if violation.first is None else violation.first
    return first, violation.samples[:1], violation.path, violation.fingerprint


def document(violation: Violation, rules: Mapping[str, Rule]) -> dict[str, Any]:
    """One violation as JSON, keys in a fixed order."""
    rule = rules.get(violation.rule)
    return {
        "fingerprint": violation.fingerprint,
        "rule": violation.rule.removesuffix(HIDDEN),
        "name": rule.header.name if rule else "",
        "title": rule.header.title if rule else "",
        "level": violation.level,
        "status": violation.status,
        "articles": list(rule.privacy.articles) if rule else [],
        "kind": violation.kind,
        "actor": violation.actor,
        "resource": violation.resource,
        "field": violation.path,
        "period": violation.period,
        "events": violation.count,
        "subjects": distinct(violation.subjects),
        "subjects_exact": exact(violation.subjects),
        "first": instant(violation.first),
        "last": instant(violation.last),
        "value": violation.value,
        "evidence": {
            "field": violation.evidence.path,
            "test": violation.evidence.test,
            "state": violation.evidence.state,
            "steps": violation.evidence.steps,
            "extract": violation.evidence.extract,
        },
        "samples": [{"partition": s.partition, "offset": s.offset} for s in violation.samples],
    }


@dataclass(frozen=True, slots=True)
class RuleSummary:
    """What one rule found; `largest` are its violations with the most events, at most `SHOWN`.

    `name` is the rule's id where it has no name, so that something can be looked up by it.
    """

    title: str
    name: str
    level: str
    articles: tuple[str, ...]
    violations: int
    events: int
    subjects: int
    first: int | None
    last: int | None
    largest: tuple[Violation, ...]


def summarize(violations: Iterable[Violation], rules: Mapping[str, Rule]) -> list[RuleSummary]:
    """One line per rule, worst level first, then by events."""
    grouped: dict[str, list[Violation]] = {}
    for violation in violations:
        grouped.setdefault(violation.rule, []).append(violation)
    lines = [_summary(found, rules.get(rule)) for rule, found in grouped.items()]
    return sorted(lines, key=lambda s: (LEVELS.index(s.level), -s.events, s.name))


def _summary(found: list[Violation], rule: Rule | None) -> RuleSummary:
    header = rule.header if rule else None
    return RuleSummary(
        title=header.title if header else found[0].rule,
        name=header.name or header.id if header else "",
        level=found[0].level,
        articles=rule.privacy.articles if rule else (),
        violations=len(found),
        events=sum(v.count for v in found),
        subjects=distinct(sorted({h for v in found for h in v.subjects})[:1024]),
        first=min((v.first for v in found if v.first is not None), default=None),
        last=max((v.last for v in found if v.last is not None), default=None),
        largest=tuple(sorted(found, key=lambda v: (-v.count, *_where(v)))[:SHOWN]),
    )
