"""`correlation`: counting over the matches of other rules."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from monitor.rules.diagnostics import suggestion
from monitor.rules.document import MapNode, Scalar
from monitor.rules.extensions import read_alert, read_privacy, read_tests, read_window
from monitor.rules.header import read_header
from monitor.rules.reader import Reader
from monitor.rules.tree import Correlation, Threshold
from monitor.rules.vocabulary import (
    BOUNDS,
    CORRELATION_BODY,
    CORRELATION_KEYS,
    CORRELATION_TYPES,
    LATER_CORRELATIONS,
)

TIMESPAN_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_629_746, "y": 31_556_952}
"""Seconds of each unit; month and year are the mean ones of the Gregorian calendar, as in pySigma."""

MAX_TIMESPAN = 400 * 86_400
"""Longest timespan, in seconds."""

_TIMESPAN = re.compile(r"([0-9]{1,9})([smhdwMy])")
_NEEDS_FIELD = frozenset({"value_count", "value_sum"})


@dataclass(frozen=True, slots=True)
class CorrelationDraft:
    """A correlation whose `rules` are still as written: `references` are the ids or names, in order."""

    correlation: Correlation
    references: tuple[Scalar, ...]
    generate: bool


def read_correlation(rule: Reader) -> CorrelationDraft:
    """A correlation document."""
    rule.check_keys(CORRELATION_KEYS)
    header = read_header(rule)
    body = rule.map("correlation") or Reader(MapNode(rule.node.span, ()), "'correlation'", rule.problems)
    body.check_keys(CORRELATION_BODY)
    kind = _type(body)
    references = _references(body)
    correlation = Correlation(
        header=header,
        type=kind,
        rules=tuple(each.text for each in references),
        group_by=body.texts("group-by"),
        timespan=_timespan(body),
        threshold=_threshold(body, kind),
        privacy=read_privacy(rule),
        alert=read_alert(rule),
        window=read_window(rule),
        tests=read_tests(rule),
    )
    if body.has("aliases"):
        cure = "Rename the field in the rules, or write one correlation for each name."
        _unsupported(body, "aliases", "'aliases' are not evaluated in this release.", cure)
    return CorrelationDraft(correlation, references, rule.flag("generate") or body.flag("generate"))


def _unsupported(body: Reader, key: str, message: str, cure: str) -> None:
    body.problems.add("correlation-unsupported", body.at(key), message, cure)


def _type(body: Reader) -> str:
    kind = body.scalar("type") if body.require("type") else None
    if kind is not None and kind.text in LATER_CORRELATIONS:
        cure = f"This release has {', '.join(CORRELATION_TYPES)}."
        _unsupported(body, "type", f"'{kind.text}' is not evaluated in this release.", cure)
        return CORRELATION_TYPES[0]
    return body.choice("type", CORRELATION_TYPES, CORRELATION_TYPES[0])


def _references(body: Reader) -> tuple[Scalar, ...]:
    if not body.require("rules"):
        return ()
    read = (body.as_text(node, "rules") for node in body.items("rules"))
    references = tuple(each for each in read if each is not None)
    if not body.items("rules"):
        cure = "Name at least one rule by its id or name."
        body.problems.add("empty-list", body.at("rules"), "The correlation counts no rule.", cure)
    return references


def _timespan(body: Reader) -> int:
    written = body.scalar("timespan") if body.require("timespan") else None
    if written is None:
        return 1
    match = _TIMESPAN.fullmatch(written.text)
    seconds = int(match[1]) * TIMESPAN_UNITS[match[2]] if match else 0
    if match is None or not 0 < seconds <= MAX_TIMESPAN:
        cure = f"Write a whole number and one of {', '.join(TIMESPAN_UNITS)}, such as 1h; at most 400 days."
        body.invalid(written, f"'{written.text}' is no timespan.", cure)
        return 1
    if match[2] in "My":
        message = f"'{written.text}' is taken as {seconds} seconds."
        cure = "Write days or weeks, which are exact."
        body.problems.add("timespan-approximate", written.span, message, cure, width=len(written.text))
    return seconds


def _threshold(body: Reader, kind: str) -> Threshold:
    condition = body.map("condition") if body.require("condition") else None
    if condition is None:
        return Threshold(())
    field = _field(condition, kind)
    bounds = tuple(
        (key.text, bound)
        for key, value in condition.node.pairs
        if key.text not in {"field", "percentile"}
        and (bound := _bound(condition, key, value if isinstance(value, Scalar) else None)) is not None
    )
    if not set(BOUNDS) & {key.text for key, _ in condition.node.pairs}:
        cure = f"Add one of {', '.join(BOUNDS)}."
        body.problems.add("missing-key", condition.node.span, "The condition has no bound.", cure)
    return Threshold(bounds, field)


def _field(condition: Reader, kind: str) -> str:
    if len(condition.items("field")) > 1:
        cure = "Name one field, or write one correlation for each."
        _unsupported(
            condition, "field", "Counting over several fields is not evaluated in this release.", cure
        )
    if kind in _NEEDS_FIELD and not condition.has("field"):
        cure = "Add `field:` to the condition."
        message = f"'{kind}' does not say which field it reads."
        condition.problems.add("missing-key", condition.node.span, message, cure)
    return next(iter(condition.texts("field")), "")


def _bound(condition: Reader, key: Scalar, value: Scalar | None) -> int | float | None:
    if key.text == "neq":
        cure = "Write gt or lt."
        _unsupported(condition, "neq", "'neq' is not evaluated in correlations in this release.", cure)
        return None
    if key.text not in BOUNDS:
        cure = f"{suggestion(key.text, BOUNDS)}Write field and one or more of {', '.join(BOUNDS)}."
        message = f"The condition of a correlation has no '{key.text}'."
        condition.problems.add("unknown-key", key.span, message, cure, width=len(key.text))
        return None
    number = None if value is None or isinstance(value.value, bool) else value.value
    if isinstance(number, (int, float)) and math.isfinite(number):
        return number
    span = key.span if value is None else value.span
    condition.problems.add(
        "invalid-value", span, f"'{key.text}' takes a number.", "Write a number without quotes."
    )
    return None
