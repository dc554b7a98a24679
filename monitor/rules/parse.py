"""One document to one frozen rule, correlation or filter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from monitor.rules.correlation import CorrelationDraft, read_correlation
from monitor.rules.detection import read_conditions, read_logsource, read_selections, selection_names
from monitor.rules.diagnostics import Problems, suggestion
from monitor.rules.document import MapNode, Node
from monitor.rules.extensions import read_alert, read_privacy, read_tests
from monitor.rules.filters import FilterDraft, read_filter
from monitor.rules.header import is_ours, read_header
from monitor.rules.reader import Reader
from monitor.rules.tree import EventRule, Header
from monitor.rules.vocabulary import RULE_KEYS

KINDS = ("detection", "correlation", "filter")
"""The key that says what a document is."""


@dataclass(frozen=True, slots=True)
class EventDraft:
    """A detection rule before correlations and filters have their say."""

    rule: EventRule
    generate: bool


Draft: TypeAlias = EventDraft | CorrelationDraft | FilterDraft


@dataclass(frozen=True, slots=True)
class Parsed:
    """A draft, and whether its file uses keys of ours."""

    draft: Draft
    ours: bool

    @property
    def header(self) -> Header:
        """What the document says of itself."""
        match self.draft:
            case EventDraft(rule=rule):
                return rule.header
            case CorrelationDraft(correlation=correlation):
                return correlation.header
            case FilterDraft(filter=one):
                return one.header


def parse(node: Node, problems: Problems) -> Parsed | None:
    """Read one document; None where it is not even known what it is. Problems are reported, never raised."""
    if not isinstance(node, MapNode):
        cure = "Start with title:, logsource: and detection:."
        problems.add("not-a-rule", node.span, "The document is no map of keys.", cure)
        return None
    keys = [key.text for key, _ in node.pairs]
    kinds = [kind for kind in KINDS if kind in keys]
    if len(kinds) != 1:
        near = next(filter(None, (suggestion(key, KINDS) for key in keys if key not in kinds)), "")
        message = "The document has " + (" and ".join(kinds) or "no detection, correlation or filter") + "."
        cure = f"{'' if kinds else near}Write exactly one of {', '.join(KINDS)}; separate documents with ---."
        problems.add("not-a-rule", node.span, message, cure)
        return None
    reader = Reader(node, _WHAT[kinds[0]], problems)
    return Parsed(_READ[kinds[0]](reader), is_ours(reader))


def _read_rule(rule: Reader) -> EventDraft:
    rule.check_keys(RULE_KEYS)
    body = rule.map("detection") or Reader(MapNode(rule.node.span, ()), "'detection'", rule.problems)
    reserved = frozenset({"condition"})
    read = EventRule(
        header=read_header(rule),
        logsource=read_logsource(rule),
        selections=read_selections(body, reserved),
        conditions=read_conditions(body, selection_names(body, reserved)),
        privacy=read_privacy(rule),
        alert=read_alert(rule),
        tests=read_tests(rule),
    )
    return EventDraft(read, rule.flag("generate"))


_WHAT = {"detection": "the rule", "correlation": "the correlation rule", "filter": "the filter"}
_READ: dict[str, Callable[[Reader], Draft]] = {
    "detection": _read_rule,
    "correlation": read_correlation,
    "filter": read_filter,
}
