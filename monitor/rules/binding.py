"""Tests meet what they ask: every `lookup` and `in` its column, every detector test its catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from monitor.detectors.catalogue import Catalogue
from monitor.rules.diagnostics import Problems, listing, suggestion
from monitor.rules.filters import FOREIGN
from monitor.rules.header import combined
from monitor.rules.tables import Keys, Table
from monitor.rules.tree import (
    Correlation,
    EventRule,
    Item,
    LookupTest,
    PeerTable,
    PiiTest,
    PlaintextTest,
    Selection,
    Span,
    StateTest,
    Test,
)

DETECTING = (PiiTest, PlaintextTest, StateTest)
"""Tests that detectors answer."""

Change = Callable[[Test, Span], Test]


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

    def bind(test: Test, span: Span) -> Test:
        if not isinstance(test, LookupTest):
            return test
        table = _table(test, span, tables, named, problems)
        return replace(test, keys=_nothing(test) if table is None else table.keys(test.column))

    return _rewritten(selections, bind)


def _table(
    asked: LookupTest | PeerTable,
    span: Span,
    tables: Mapping[str, Table],
    named: set[str],
    problems: Problems,
) -> Table | None:
    """The table that is asked, with the column that is; None where there is none, which is then reported."""
    table = tables.get(asked.table)
    if table is None:
        if asked.table not in named:
            cure = f"{suggestion(asked.table, named)}Put {asked.table}.csv into lookups beside the rules."
            problems.add("unknown-table", span, f"There is no table '{asked.table}'.", cure)
        return None
    if asked.column and not table.awaited and asked.column not in table.columns:
        cure = f"{suggestion(asked.column, table.columns)}It has {listing(table.columns)}."
        message = f"The table '{asked.table}' has no column '{asked.column}'."
        problems.add("unknown-table", span, message, cure)
        return None
    return table


def with_peers(
    correlation: Correlation, tables: Mapping[str, Table], named: set[str], problems: Problems
) -> Correlation:
    """The correlation with the table its peers are looked up in, which its digest covers."""
    baseline = correlation.baseline
    if baseline is None or baseline.peer_table is None:
        return correlation
    asked = baseline.peer_table
    table = _table(asked, asked.span, tables, named, problems)
    if table is None:
        return correlation
    found = replace(baseline, peer_table=replace(asked, pairs=table.pairs(asked.column)))
    header = correlation.header
    header = replace(header, digest=combined(header.digest, [table.digest]))
    return replace(correlation, header=header, baseline=found)


def with_peer_tables(correlation: Correlation, tables: Sequence[Table]) -> Correlation:
    """The correlation with another table in the place of the one of that name; the digest stays.

    Raises:
        KeyError: the table lacks the column that says who the peers are.
    """
    baseline = correlation.baseline
    asked = None if baseline is None else baseline.peer_table
    by_name = {table.name: table for table in tables}
    if baseline is None or asked is None or asked.table not in by_name:
        return correlation
    pairs = by_name[asked.table].pairs(asked.column)
    return replace(correlation, baseline=replace(baseline, peer_table=replace(asked, pairs=pairs)))


def with_tables(rule: EventRule, tables: Sequence[Table]) -> EventRule:
    """The rule with other tables in the place of those of their names; the digest stays.

    Raises:
        KeyError: a table lacks a column that the rule asks.
    """
    by_name = {table.name: table for table in tables}

    def bind(test: Test, _: Span) -> Test:
        if not isinstance(test, LookupTest) or test.table not in by_name:
            return test
        return replace(test, keys=by_name[test.table].keys(test.column))

    return replace(rule, selections=_rewritten(rule.selections, bind))


def catalogued(selections: Sequence[Selection], catalogue: Catalogue) -> tuple[Selection, ...]:
    """The selections with the catalogue in which their detector classes are looked up."""

    def bind(test: Test, _: Span) -> Test:
        return replace(test, catalogue=catalogue) if isinstance(test, DETECTING) else test

    return _rewritten(selections, bind)


def at_large(rule: EventRule) -> EventRule:
    """The rule by what its catalogue was before settings narrowed it; the digest stays."""

    def widen(test: Test, _: Span) -> Test:
        if not isinstance(test, DETECTING) or test.catalogue is None:
            return test
        return replace(test, catalogue=test.catalogue.at_large or test.catalogue)

    return replace(rule, selections=_rewritten(rule.selections, widen))


def rests_for(rule: EventRule) -> tuple[str, ...]:
    """Names of the tables that have yet to be given before the rule says anything; none where it does.

    A filter that asks such a table hides nothing, and the rule is asked all the same.
    """
    own = (each for each in rule.selections if not each.name.startswith(FOREIGN))
    return tuple(dict.fromkeys(test.table for test in lookups(own) if test.keys and test.keys.awaited))


def digests(selections: Sequence[Selection]) -> tuple[str, ...]:
    """Of the tables and changed catalogues that are asked, in order: they decide what a rule finds."""
    tables = (test.keys.digest for test in lookups(selections) if test.keys)
    catalogues = (test.catalogue for test in _tests(selections) if isinstance(test, DETECTING))
    changed = (each.digest for each in catalogues if each is not None and each.digest)
    return tuple(dict.fromkeys((*tables, *changed)))


def lookups(selections: Iterable[Selection]) -> Iterator[LookupTest]:
    """Every lookup of some selections."""
    return (test for test in _tests(selections) if isinstance(test, LookupTest))


def _tests(selections: Iterable[Selection]) -> Iterator[Test]:
    items = (item for each in selections for items in each.alternatives for item in items)
    return (test for item in items for test in item.tests)


def _nothing(test: LookupTest) -> Keys:
    return Table(test.table, "", {"key": ()}).keys("")


def _rewritten(selections: Sequence[Selection], change: Change) -> tuple[Selection, ...]:
    def item(one: Item) -> Item:
        return replace(one, tests=tuple(change(test, one.span) for test in one.tests))

    return tuple(
        replace(each, alternatives=tuple(tuple(map(item, items)) for items in each.alternatives))
        for each in selections
    )
