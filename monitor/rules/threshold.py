"""`condition` of a correlation: bounds on a number, or and, or, not over the rules of the temporal types."""

from __future__ import annotations

import math

from monitor.rules.condition import ConditionError, names_in, parse_condition
from monitor.rules.diagnostics import suggestion
from monitor.rules.document import Scalar
from monitor.rules.reader import Reader, locate
from monitor.rules.tree import And, Condition, Not, Ref, Threshold
from monitor.rules.vocabulary import BOUNDS, DISTINCT, NEED_FIELD, TEMPORAL

_MORE = {"ratio": ("events",), "new_value": ("history", "min_history")}
"""Type to keys that its condition has besides."""

MAX_HISTORY = 400 * 86_400
"""Seconds for which values are remembered at most."""


def read_threshold(body: Reader, kind: str, rules: tuple[str, ...]) -> Threshold:
    """The condition of a correlation; Refs are rules as written.

    Args:
        body: `correlation`.
        kind: its type.
        rules: what it names under `rules`; where it names none, the condition does.
    """
    if kind in TEMPORAL and not body.has("condition"):
        return Threshold((("gte", len(set(rules))),))
    if kind == "absence" and not body.has("condition"):
        return Threshold((("gte", 1),))
    if kind in TEMPORAL and isinstance(body.get("condition"), Scalar):
        return Threshold((), when=_when(body, kind, rules), text=" ".join(body.text("condition").split()))
    condition = body.map("condition") if body.require("condition") else None
    if condition is None:
        return Threshold(())
    fields = _fields(condition, kind)
    if kind in TEMPORAL and rules:
        _reachable(condition, len(rules))
    return Threshold(
        bounds=_bounds(condition, kind),
        field=next(iter(fields), ""),
        others=fields[1:],
        percentile=_percentile(condition, kind),
        events=_events(condition, kind),
        history=_remembered(condition, kind, "history"),
        min_history=_remembered(condition, kind, "min_history"),
    )


def _when(body: Reader, kind: str, rules: tuple[str, ...]) -> Condition | None:
    text = body.scalar("condition")
    if text is None:
        return None
    try:
        condition = parse_condition(text.text, rules)
    except ConditionError as error:
        span = locate(body.problems, text, error.offset)
        message, cure = error.message, error.cure
        if error.code == "unknown-selection":
            message = message.replace("The rule has no selection", "The correlation names no rule")
            cure = f"Name one of its rules: {', '.join(rules)}."
        body.problems.add(error.code, span, message, cure, width=error.width)
        return None
    left_out = sorted(set(rules) - names_in(condition))
    if left_out:
        message = f"The condition does not say what '{left_out[0]}' is there for."
        body.problems.add("invalid-value", text.span, message, "Name every rule in the condition.")
    if kind == "temporal_ordered" and not _ordered(condition):
        cure = "Write rules joined by and, and others behind not."
        message = "An order is only told of rules that all have to match."
        body.problems.add("invalid-value", text.span, message, cure, width=len(text.text))
    return condition


def _ordered(condition: Condition) -> bool:
    operands = condition.operands if isinstance(condition, And) else (condition,)
    return all(isinstance(one, Ref | Not) for one in operands) and any(
        isinstance(one, Ref) for one in operands
    )


def _bounds(condition: Reader, kind: str) -> tuple[tuple[str, int | float], ...]:
    bounds = tuple(
        (key.text, bound)
        for key, value in condition.node.pairs
        if key.text not in {"field", "percentile", *_MORE.get(kind, ())}
        and (bound := _bound(condition, key, value if isinstance(value, Scalar) else None)) is not None
    )
    if not set(BOUNDS) & {key.text for key, _ in condition.node.pairs}:
        cure = f"Add one of {', '.join(BOUNDS)}."
        condition.problems.add("missing-key", condition.node.span, "The condition has no bound.", cure)
    return bounds


def _reachable(condition: Reader, rules: int) -> None:
    """Report a bound that more rules would have to reach than there are."""
    for key, value in condition.node.pairs:
        bound = value.value if isinstance(value, Scalar) else None
        beyond = {"gt": rules - 1, "gte": rules, "eq": rules}.get(key.text)
        if isinstance(bound, (int, float)) and beyond is not None and bound > beyond:
            message = f"The correlation counts {rules} rules; '{key.text}: {bound}' can never hold."
            cure = f"Write {key.text}: {beyond} at most."
            condition.problems.add("invalid-value", value.span, message, cure)


def _fields(condition: Reader, kind: str) -> tuple[str, ...]:
    fields = condition.texts("field")
    if len(fields) > 1 and kind not in DISTINCT:
        cure = "Name one field, or write one correlation for each."
        message = f"'{kind}' reads one field."
        condition.problems.add("invalid-value", condition.at("field"), message, cure)
        return fields[:1]
    if kind in NEED_FIELD and not condition.has("field"):
        cure = "Add `field:` to the condition."
        message = f"'{kind}' does not say which field it reads."
        condition.problems.add("missing-key", condition.node.span, message, cure)
    # What is counted without a field is events; pySigma takes a field there as well.
    return fields if kind in NEED_FIELD else ()


def _percentile(condition: Reader, kind: str) -> int:
    if kind != "value_percentile":
        return 0
    written = condition.scalar("percentile") if condition.require("percentile") else None
    if written is None:
        return 50
    if type(written.value) is int and 1 <= written.value <= 100:
        return written.value
    condition.invalid(written, f"'{written.text}' is no percentile.", "Write a whole number from 1 to 100.")
    return 50


def _events(condition: Reader, kind: str) -> int:
    if kind != "ratio":
        return 0
    written = condition.scalar("events")
    if written is None:
        return 1
    if type(written.value) is int and written.value >= 1:
        return written.value
    condition.invalid(written, f"'{written.text}' is no number of events.", "Write a whole number from 1 on.")
    return 1


def _remembered(condition: Reader, kind: str, key: str) -> int:
    """`history` and `min_history` of new_value, in whole seconds; 0 where nothing is said."""
    written = condition.get(key) if kind == "new_value" else None
    if written is None:
        return 0
    seconds = condition.seconds(key, 1)
    most = condition.seconds("history", MAX_HISTORY) if key == "min_history" else MAX_HISTORY
    if not 1 <= seconds <= most:
        cure = "Write a duration such as 30d, at most 400 days; min_history is at most the history."
        condition.problems.add("invalid-value", written.span, f"'{key}' cannot be that long.", cure)
        return 0
    return math.ceil(seconds)


def _bound(condition: Reader, key: Scalar, value: Scalar | None) -> int | float | None:
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
        "invalid-value",
        span,
        f"'{key.text}' takes a number.",
        "Write a number without quotes; one with an exponent as 1.0e+15.",
    )
    return None
