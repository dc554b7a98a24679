"""Cases found: the queue's filters as SQL that the indexes of `review_case` answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, and_, func, or_, select, tuple_

from monitor.casebook import MOST_COUNTED, Case, CaseDays, Found, Query
from monitor.model import FILTERED, Violation
from monitor.store import rows, schema
from monitor.store.gathering import KEY, SEVERITY
from monitor.store.upsert import among

_HIGHEST = "\U0010ffff"
"""After every text that begins as it does."""

SPARSE = 2000
"""Cases with a text, up to which all are looked up by it; of more than these any order meets some soon."""


def find(connection: Connection, namespace: str, query: Query) -> Found:
    """One page of cases, and how many there are, as far as they are counted."""
    table = schema.review_case
    mine = select(table).where(table.c.namespace == namespace)
    wanted = mine.where(*_conditions(query, dict(table.c.items())))
    if not query.text:
        few = wanted.with_only_columns(table.c.case_key).limit(MOST_COUNTED + 1)
        total = connection.execute(select(func.count()).select_from(few.subquery())).scalar_one()
    else:
        keys = _with_text(connection, mine, query)
        total = min(len(keys), MOST_COUNTED + 1)
        if len(keys) <= SPARSE:
            wanted = mine.where(among(connection, table.c.case_key, sorted(keys)))
        else:
            wanted = wanted.where(or_(*_texts(query, _unindexed())))
    if not total:
        return Found((), 0)
    order = _order(query)
    if query.after is not None:
        level, last, key = query.after
        behind = {"severity": SEVERITY.get(level, 0), "newest": last or 0, "case_key": key}
        wanted = wanted.where(tuple_(*order) < tuple_(*(behind[column.name] for column in order)))
    page = wanted.order_by(*(column.desc() for column in order))
    found = connection.execute(page.offset(query.offset).limit(query.limit))
    return Found(tuple(map(case_of, found)), total)


def _order(query: Query) -> list[Column[Any]]:
    table = schema.review_case
    newest = [table.c.newest, table.c.case_key]
    # Cases of one level are all as bad: without the severity its index has them in this order.
    return newest if query.newest_first or len(query.levels) == 1 else [table.c.severity, *newest]


def _with_text(connection: Connection, mine: Select[Any], query: Query) -> set[str]:
    """Keys of the cases that have the text somewhere; more than `SPARSE` of them where there are more.

    One query for each place: an index answers each of them, none answers all at once.
    """
    table = schema.review_case
    others = _conditions(query, _unindexed())
    keys: set[str] = set()
    for place in _texts(query, dict(table.c.items())):
        these = mine.with_only_columns(table.c.case_key).where(place, *others).limit(SPARSE + 1)
        keys.update(connection.execute(these).scalars())
        if len(keys) > SPARSE:
            break
    return keys


def _unindexed() -> Mapping[str, ColumnElement[Any]]:
    """The columns in a form that no index answers, where another condition's index is the one to take."""
    return {column.name: func.coalesce(column, column) for column in schema.review_case.c}


def _texts(query: Query, columns: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[bool]]:
    """Where the text may stand: one condition each."""
    places = [columns[name] for name in ("case_key", "actor", "resource", "path")]
    begins = [and_(c >= query.text, c < query.text + _HIGHEST) for c in places]
    return [*begins, columns["rule"].in_(query.rules)] if query.rules else begins


def _conditions(query: Query, columns: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[bool]]:
    """All that is asked of a case but its text."""
    said: list[ColumnElement[bool]] = []
    if query.unsettled:
        said.append(columns["unsettled"] == 1)
    for column, values in ((columns["state"], query.states), (columns["level"], query.levels)):
        if values:
            said.append(column.in_(values))
    if query.rule:
        said.append(columns["rule"] == query.rule)
    if query.resource:
        said.append(columns["resource"] == query.resource)
    if query.since is not None:
        said.append(columns["newest"] >= query.since)
    if query.until is not None:
        said.append(columns["newest"] < query.until)
    return said


def case_of(row: Row[Any]) -> Case:
    """The case that a row holds."""
    return Case(
        key=row.case_key,
        rule=row.rule,
        level=row.level,
        kind=row.kind,
        actor=row.actor,
        resource=row.resource,
        path=row.path,
        violations=row.violations,
        events=row.events,
        subjects=rows.sketch(row.subjects),
        first=row.first_seen,
        last=row.newest or None,
        state=row.state,
        version=row.version,
        facts=row.facts,
        due=row.due_at,
        expires=row.expires_at,
    )


def key_of(connection: Connection, namespace: str, violation: str) -> str | None:
    """Key of the case that a violation, named by its fingerprint, belongs to or will once it is taken in."""
    table = schema.violation
    mine = select(KEY).where(table.c.namespace == namespace, table.c.status != FILTERED)
    found: str | None = connection.execute(mine.where(table.c.fingerprint == violation)).scalar()
    return found


def incidents(connection: Connection, namespace: str, state: str, kinds: Sequence[str]) -> tuple[Case, ...]:
    """Cases in that state, and those that an entry of one of these kinds is about, newest first."""
    table, entry = schema.review_case, schema.ledger
    said = select(entry.c.ref).where(entry.c.namespace == namespace, entry.c.kind.in_(kinds))
    # One query for each condition: an index answers either, none answers both at once.
    found = {
        row.case_key: row
        for these in (table.c.state == state, table.c.case_key.in_(said))
        for row in connection.execute(select(table).where(table.c.namespace == namespace, these))
    }
    order = sorted(found.values(), key=lambda row: (-row.newest, row.case_key))
    return tuple(map(case_of, order))


def occurrences(connection: Connection, namespace: str, case: Case, limit: int) -> tuple[Violation, ...]:
    """The newest violations of a case, newest first."""
    table = schema.violation
    mine = select(table).where(table.c.namespace == namespace, table.c.status != FILTERED)
    order = (table.c.last_seen.desc(), table.c.fingerprint)
    grouped = mine.where(table.c.rule == case.rule, table.c.group_key == case.key)
    found = connection.execute(grouped.order_by(*order).limit(limit)).all()
    if not found:
        found = connection.execute(mine.where(table.c.fingerprint == case.key)).all()
    return tuple(map(rows.violation_of, found))


def trends(
    connection: Connection, namespace: str, cases: Sequence[Case], since: int
) -> Mapping[str, tuple[tuple[str, int], ...]]:
    """By key of the case: (period, events) of its violations whose first event is at or after `since`."""
    table = schema.violation
    found: dict[str, list[tuple[str, int]]] = {}
    columns = (table.c.group_key, table.c.period, table.c.events)
    for rule in sorted({case.rule for case in cases}):
        keys = [case.key for case in cases if case.rule == rule]
        wanted = select(*columns).where(
            table.c.namespace == namespace,
            table.c.rule == rule,
            among(connection, table.c.group_key, keys),
            table.c.first_seen >= since,
            table.c.status != FILTERED,
        )
        for key, period, events in connection.execute(wanted):
            found.setdefault(key, []).append((period, events))
    return {key: tuple(sorted(said)) for key, said in found.items()}


def within(connection: Connection, namespace: str, rule: str, since: str, until: str) -> Iterator[CaseDays]:
    """Cases of a rule with what was found of them on the days from `since` to before `until`."""
    table, cases = schema.violation, schema.review_case
    summed = (
        select(
            KEY.label("found"),
            func.count().label("of_days"),
            func.sum(table.c.events).label("events_of_days"),
            func.min(table.c.first_seen).label("since"),
            func.max(table.c.last_seen).label("until"),
        )
        .where(
            table.c.namespace == namespace,
            table.c.rule == rule,
            table.c.period >= since,
            table.c.period < until,
            table.c.status != FILTERED,
        )
        .group_by(KEY)
        .subquery()
    )
    sums = (summed.c.of_days, summed.c.events_of_days, summed.c.since, summed.c.until)
    joined = cases.join(summed, (cases.c.namespace == namespace) & (cases.c.case_key == summed.c.found))
    for row in connection.execute(select(cases, *sums).select_from(joined)):
        yield CaseDays(case_of(row), row.of_days, int(row.events_of_days), row.since, row.until)
