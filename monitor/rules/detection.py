"""`detection`, `filter` and `logsource`: selections and conditions of one document."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from monitor.model import Logsource
from monitor.rules.condition import ConditionError, names_in, parse_condition
from monitor.rules.diagnostics import Problems
from monitor.rules.document import ListNode, MapNode, Node, Scalar
from monitor.rules.reader import Reader, locate
from monitor.rules.tree import Condition, Item, Selection
from monitor.rules.values import build_item
from monitor.rules.vocabulary import LOGSOURCE_KEYS


def read_logsource(rule: Reader) -> Logsource:
    """`logsource`: at least one of category, product, service."""
    source = rule.map("logsource") if rule.require("logsource") else None
    if source is None:
        return Logsource()
    source.check_keys(LOGSOURCE_KEYS)
    words = {key: source.text(key) or None for key in ("category", "product", "service")}
    if not any(words.values()):
        cure = "Add one of category, product, service."
        rule.problems.add("missing-key", source.node.span, "'logsource' says no source.", cure)
    return Logsource(**words)


def read_selections(body: Reader, reserved: Collection[str]) -> tuple[Selection, ...]:
    """Every key that is not reserved, as a selection."""
    pairs = [(key, value) for key, value in body.node.pairs if key.text not in reserved]
    if not pairs:
        cure = "Add a selection: a name with fields and values below it."
        body.problems.add("missing-key", body.node.span, f"{body.subject} has no selection.", cure)
    built = (_selection(key, value, body.problems) for key, value in pairs)
    return tuple(selection for selection in built if selection is not None)


def read_conditions(body: Reader, names: Collection[str]) -> tuple[Condition, ...]:
    """`condition`, one or a list of alternatives, over the names of the selections."""
    if not body.require("condition"):
        return ()
    if not body.items("condition"):
        body.problems.add("empty-list", body.at("condition"), "There is no condition.", "Write one.")
    read = (_condition(body, node, names) for node in body.items("condition"))
    conditions = tuple(condition for condition in read if condition is not None)
    _report_unused(body, names, conditions)
    return conditions


def selection_names(body: Reader, reserved: Collection[str]) -> tuple[str, ...]:
    """Names of the selections, also of those that cannot be read."""
    return tuple(key.text for key, _ in body.node.pairs if key.text not in reserved)


def _condition(body: Reader, node: Node, names: Collection[str]) -> Condition | None:
    text = body.as_text(node, "condition")
    if text is None:
        return None
    try:
        return parse_condition(text.text, tuple(names))
    except ConditionError as error:
        span = locate(body.problems, text, error.offset)
        body.problems.add(error.code, span, error.message, error.cure, width=error.width)
        return None


def _report_unused(body: Reader, names: Collection[str], conditions: tuple[Condition, ...]) -> None:
    used: set[str] = set().union(*map(names_in, conditions))
    if len(conditions) < len(body.items("condition")):
        return  # what the unreadable condition uses is not known
    for key, _ in body.node.pairs:
        if key.text in names and key.text not in used:
            cure = "Use it in the condition, or remove it."
            message = f"No condition uses the selection '{key.text}'."
            body.problems.add("unused-selection", key.span, message, cure, width=len(key.text))


def _selection(name: Scalar, value: Node, problems: Problems) -> Selection | None:
    alternatives = tuple(_alternatives(value, problems))
    if any(None in items for items in alternatives):
        return None
    if not alternatives or () in alternatives:
        cure = "Write fields and values, or a list of keywords."
        problems.add("empty-list", value.span, f"The selection '{name.text}' is empty.", cure)
        return None
    kept = tuple(tuple(item for item in items if item is not None) for items in alternatives)
    return Selection(name.text, kept, name.span)


def _alternatives(value: Node, problems: Problems) -> Iterator[tuple[Item | None, ...]]:
    """A map is one alternative, a list of keywords another; any other list holds one in each entry."""
    if isinstance(value, MapNode):
        yield tuple(build_item(key, each, problems) for key, each in value.pairs)
    elif isinstance(value, Scalar) or all(isinstance(each, Scalar) for each in value.items):
        if isinstance(value, Scalar) or value.items:
            yield (build_item(None, value, problems),)
    elif isinstance(value, ListNode):
        for each in value.items:
            yield from _alternatives(each, problems)
