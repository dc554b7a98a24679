"""Which rules can see nothing any more where fields they ask for are gone."""

from __future__ import annotations

from collections.abc import Collection

from monitor.rules.compile import asks_absence
from monitor.rules.tree import And, Condition, Correlation, EventRule, Item, Not, Or, Ref, Selection, Test


def blinded(rule: EventRule, gone: Collection[str]) -> bool:
    """Whether no event that lacks these fields can satisfy the rule, whatever else it holds."""
    selections = {one.name: one for one in rule.selections}
    return not any(_possible(one, selections, gone, wanted=True) for one in rule.conditions)


def blinded_correlation(rule: Correlation, gone: Collection[str], blind: Collection[str]) -> bool:
    """Whether the correlation can count nothing.

    Args:
        rule: the correlation.
        gone: fields that no event holds.
        blind: ids of the event rules that see nothing for lack of them.
    """
    lost = set(gone)
    own = (counted in blind or not lost.isdisjoint(rule.fields_of(counted)) for counted in rule.own)
    return all(own) and all(blinded_correlation(one, gone, blind) for one in rule.inner)


def asked_fields(rule: EventRule) -> set[str]:
    """The fields that the rule names by their dotted path."""
    items = (i for s in rule.selections for alternative in s.alternatives for i in alternative)
    return {i.field for i in items if i.field is not None and not i.field.startswith("*.")}


def _possible(
    condition: Condition, selections: dict[str, Selection], gone: Collection[str], *, wanted: bool
) -> bool:
    """Whether the condition can come out as wanted; parts of it are taken to be independent."""
    match condition:
        case Ref(name):
            inner = [
                [_item_possible(i, gone, wanted=wanted) for i in alternative]
                for alternative in selections[name].alternatives
            ]
            return any(map(all, inner)) if wanted else all(map(any, inner))
        case Not(operand):
            return _possible(operand, selections, gone, wanted=not wanted)
        case And(operands) | Or(operands):
            parts = [_possible(one, selections, gone, wanted=wanted) for one in operands]
            return all(parts) if isinstance(condition, And) == wanted else any(parts)


def _item_possible(item: Item, gone: Collection[str], *, wanted: bool) -> bool:
    if item.field not in gone:
        return True
    held = (all if item.every else any)(map(_holds_of_nothing, item.tests))
    return (held != item.negated) == wanted


def _holds_of_nothing(test: Test) -> bool:
    return asks_absence(test)
