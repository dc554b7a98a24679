"""Sigma filters: read, and written into the rules they name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitor.model import FILTERED, Logsource
from monitor.rules.condition import rename
from monitor.rules.detection import read_conditions, read_logsource, read_selections, selection_names
from monitor.rules.document import ListNode, MapNode, Scalar
from monitor.rules.header import combined, read_header
from monitor.rules.reader import Reader
from monitor.rules.tree import And, Condition, EventRule, Filter, Not, Or, Ref
from monitor.rules.vocabulary import FILTER_KEYS

HIDDEN = ":filtered"
"""Behind a rule's id: the rule that matches what its filters hide."""

FOREIGN = "filter:"
"""What the names of selections begin with that a filter brought into a rule; no rule file can write it."""

RESERVED = frozenset({"condition", "rules"})


@dataclass(frozen=True, slots=True)
class FilterDraft:
    """A filter whose `rules` are still as written; `references` are the ids or names, in order."""

    filter: Filter
    references: tuple[Scalar, ...]


def read_filter(rule: Reader) -> FilterDraft:
    """A filter document."""
    rule.check_keys(FILTER_KEYS)
    header = read_header(rule)
    body = rule.map("filter") or Reader(MapNode(rule.node.span, ()), "'filter'", rule.problems)
    references = _references(body)
    selections = read_selections(body, RESERVED)
    conditions = _conditions(body)
    filtered = Filter(
        header=header,
        logsource=read_logsource(rule),
        rules=tuple(each.text for each in references),
        selections=selections,
        condition=conditions[0] if conditions else And(()),
        owner=rule.text("x_owner"),
        reason=rule.text("x_reason"),
        expires=_date(rule, "x_expires"),
        reviewed_by=rule.text("x_reviewed_by"),
    )
    if conditions and not negates(conditions[0]):
        message = "The filter keeps what its selection matches and hides the rest."
        cure = "Write `not selection` to hide what the selection matches."
        body.problems.add("filter-without-not", body.at("condition"), message, cure)
    return FilterDraft(filtered, references)


def negates(condition: Condition) -> bool:
    """Whether a `not` is anywhere in the condition."""
    match condition:
        case Not():
            return True
        case And(operands) | Or(operands):
            return any(map(negates, operands))
        case Ref():
            return False


def _references(body: Reader) -> tuple[Scalar, ...]:
    """The rules named; none for `any`, and as in pySigma for an empty list."""
    if not body.require("rules"):
        return ()
    read = (body.as_text(node, "rules") for node in body.items("rules"))
    references = tuple(each for each in read if each is not None)
    anything = isinstance(body.get("rules"), Scalar) and references and references[0].text.lower() == "any"
    return () if anything else references


def _conditions(body: Reader) -> tuple[Condition, ...]:
    if isinstance(body.get("condition"), ListNode):
        body.problems.add(
            "wrong-type", body.at("condition"), "A filter has one condition.", "Join them with or."
        )
        return ()
    return read_conditions(body, selection_names(body, RESERVED))


def _date(rule: Reader, key: str) -> str:
    written = rule.scalar(key)
    if written is None:
        return ""
    try:
        return dt.date.fromisoformat(written.text).isoformat()
    except ValueError:
        rule.invalid(written, f"'{written.text}' is no date.", "Write it as 2027-01-31.")
        return ""


def expired(one: Filter, today: dt.date) -> bool:
    """Whether the filter's last day is over."""
    return bool(one.expires) and dt.date.fromisoformat(one.expires) < today


def covers(one: Filter, logsource: Logsource) -> bool:
    """Whether the filter's logsource takes in that of a rule: what it says, the rule says too."""
    pairs = (
        (one.logsource.category, logsource.category),
        (one.logsource.product, logsource.product),
        (one.logsource.service, logsource.service),
    )
    return all(mine is None or mine == theirs for mine, theirs in pairs)


def apply(rule: EventRule, filters: Sequence[Filter]) -> EventRule:
    """The rule with each filter's condition ANDed to each of its own. The digest covers the filters."""
    if not filters:
        return rule
    conditions = rule.conditions
    for one in filters:
        conditions = tuple(And((each, _renamed(one))) for each in conditions)
    return _filtered(rule, filters, conditions)


def hidden(rule: EventRule, filters: Sequence[Filter]) -> EventRule:
    """A rule that matches what `rule` matches and the filters hide, so that it is kept with that status.

    Its id is the rule's with `HIDDEN` behind it, so its violations are others than the rule's.
    """
    lifted = [Not(_renamed(one)) for one in filters]
    gone = Or(tuple(lifted)) if len(lifted) > 1 else lifted[0]
    made = _filtered(rule, filters, tuple(And((each, gone)) for each in rule.conditions))
    header = replace(made.header, id=rule.header.id + HIDDEN, status=FILTERED)
    return replace(made, header=header, tests=())


def _filtered(rule: EventRule, filters: Sequence[Filter], conditions: tuple[Condition, ...]) -> EventRule:
    """The rule with other conditions, over its own selections and those of the filters.

    The latter come along under names that no rule file can write, so they never meet the rule's own and no
    quantifier of the rule takes them in.
    """
    added = (replace(each, name=_prefix(one) + each.name) for one in filters for each in one.selections)
    digest = combined(rule.header.digest, (one.header.digest for one in filters))
    return replace(
        rule,
        header=replace(rule.header, digest=digest),
        selections=(*rule.selections, *added),
        conditions=conditions,
    )


def _renamed(one: Filter) -> Condition:
    return rename(one.condition, _prefix(one))


def _prefix(one: Filter) -> str:
    return f"{FOREIGN}{one.header.id}:"
