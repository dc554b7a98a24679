"""Cases found: the queue's filters as SQL that the indexes of `review_case` answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select

from monitor.casebook import MOST_COUNTED, Case, CaseDays, Found, Query
from monitor.model import FILTERED, Violation
from monitor.store import rows, schema
from monitor.store.gathering import KEY
from monitor.store.upsert import among

_HIGHEST = "\U0010ffff"
"""After every text that begins as it does."""


def find(connection: Connection, namespace: str, query: Query) -> Found:
    """One page of cases, and how many there are, as far as they are counted."""
    table = schema.review_case
    wanted = select(table).where(table.c.namespace == namespace, *_conditions(query))
    few = wanted.with_only_columns(table.c.case_key).limit(MOST_COUNTED + 1)
    total = connection.execute(select(func.count()).select_from(few.subquery())).scalar_one()
    if not total:
        return Found((), 0)
    worst = () if query.newest_first else (table.c.severity.desc(),)
    page = wanted.order_by(*worst, table.c.newest.desc(), table.c.case_key.desc())
    found = connection.execute(page.offset(query.offset).limit(query.limit))
    return Found(tuple(map(case_of, found)), total)


def _conditions(query: Query) -> list[ColumnElement[bool]]:
    table = schema.review_case
    said: list[ColumnElement[bool]] = []
    if query.unsettled:
        said.append(table.c.unsettled == 1)
    for column, values in ((table.c.state, query.states), (table.c.level, query.levels)):
        if values:
            said.append(column.in_(values))
    if query.rule:
        said.append(table.c.rule == query.rule)
    if query.since is not None:
        said.append(table.c.newest >= query.since)
    if query.until is not None:
        said.append(table.c.newest < query.until)
    if query.text:
        columns = (table.c.case_key, table.c.actor, table.c.resource, table.c.path)
        begins = [and_(c >= query.text, c < query.text + _HIGHEST) for c in columns]
        said.append(or_(*begins, table.c.rule.in_(query.rules)))
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
