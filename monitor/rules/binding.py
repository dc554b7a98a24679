"""Lookups meet their tables: every `lookup` and `in` of a rule gets the column it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from monitor.rules.diagnostics import Problems, listing, suggestion
from monitor.rules.filters import FOREIGN
from monitor.rules.tables import Keys, Table
from monitor.rules.tree import EventRule, Item, LookupTest, Selection, Span

Bind = Callable[[LookupTest, Span], LookupTest]


def bound(
    selections: Sequence[Selection], tables: Mapping[str, Table], named: set[str], problems: Problems
) -> tuple[Selection, ...]:
    """The selections with the tables they ask.

    Args:
        selections: of one rule or filter.
        tables: by name, those that could be read.
        named: names of all tables, read or not.
        problems: takes what is asked for and is not there.
    """

    def bind(test: LookupTest, span: Span) -> LookupTest:
        table = tables.get(test.table)
        if table is None:
            if test.table not in named:
                cure = f"{suggestion(test.table, named)}Put {test.table}.csv into lookups beside the rules."
                problems.add("unknown-table", span, f"There is no table '{test.table}'.", cure)
            return replace(test, keys=_nothing(test))
        if test.column and not table.awaited and test.column not in table.columns:
            cure = f"{suggestion(test.column, table.columns)}It has {listing(table.columns)}."
            message = f"The table '{test.table}' has no column '{test.column}'."
            problems.add("unknown-table", span, message, cure)
            return replace(test, keys=_nothing(test))
        return replace(test, keys=table.keys(test.column))

    return _rewritten(selections, bind)


def with_tables(rule: EventRule, tables: Sequence[Table]) -> EventRule:
    """The rule with other tables in the place of those of their names; the digest stays.

    Raises:
        KeyError: a table lacks a column that the rule asks.
    """
    by_name = {table.name: table for table in tables}

    def bind(test: LookupTest, _: Span) -> LookupTest:
        table = by_name.get(test.table)
        return test if table is None else replace(test, keys=table.keys(test.column))

    return replace(rule, selections=_rewritten(rule.selections, bind))


def rests_for(rule: EventRule) -> tuple[str, ...]:
    """Names of the tables that have yet to be given before the rule says anything; none where it does.

    A filter that asks such a table hides nothing, and the rule is asked all the same.
    """
    own = (each for each in rule.selections if not each.name.startswith(FOREIGN))
    return tuple(dict.fromkeys(test.table for test in lookups(own) if test.keys and test.keys.awaited))


def digests(selections: Sequence[Selection]) -> tuple[str, ...]:
    """Of the tables that are asked, in order: they decide what a rule finds."""
    return tuple(dict.fromkeys(test.keys.digest for test in lookups(selections) if test.keys))


def lookups(selections: Sequence[Selection] | Iterator[Selection]) -> Iterator[LookupTest]:
    """Every lookup of some selections."""
    items = (item for each in selections for items in each.alternatives for item in items)
    return (test for item in items for test in item.tests if isinstance(test, LookupTest))


def _nothing(test: LookupTest) -> Keys:
    return Table(test.table, "", {"key": ()}).keys("")


def _rewritten(selections: Sequence[Selection], bind: Bind) -> tuple[Selection, ...]:
    def item(one: Item) -> Item:
        tests = (bind(test, one.span) if isinstance(test, LookupTest) else test for test in one.tests)
        return replace(one, tests=tuple(tests))

    return tuple(
        replace(each, alternatives=tuple(tuple(map(item, items)) for items in each.alternatives))
        for each in selections
    )
