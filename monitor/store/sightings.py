"""What coverage has seen of each source, kept so that it outlives a restart; instances add to one another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, delete, select

from monitor.model import FieldSeen, Logsource, Sightings, SourceSeen
from monitor.store.schema import field_seen, source_seen
from monitor.store.upsert import among, replace


def held(connection: Connection, namespace: str) -> tuple[SourceSeen, ...]:
    """All that is known, by source and field."""
    fields: dict[str, list[FieldSeen]] = {}
    table = field_seen
    for row in connection.execute(_mine(table, namespace).order_by(table.c.field)):
        fields.setdefault(row.source, []).append(FieldSeen(row.field, row.times, row.events, row.seen_at))
    found = connection.execute(_mine(source_seen, namespace).order_by(source_seen.c.source))
    return tuple(_source_of(row, fields.get(row.source, ())) for row in found)


def add(connection: Connection, namespace: str, fresh: Sightings) -> None:
    """Add what was seen, and forget what is not asked any more or has not been looked at for long."""
    before = {one.source: one for one in held(connection, namespace)}
    whole = [_sum(before.get(one.source), one) for one in fresh.sources]
    replace(connection, source_seen, [_source_row(namespace, one) for one in whole])
    replace(connection, field_seen, [row for one in whole for row in _field_rows(namespace, one)])
    _forget(connection, namespace, fresh)


def _sum(before: SourceSeen | None, fresh: SourceSeen) -> SourceSeen:
    """Both together; `events` of a field counts from the events that were looked at before."""
    if before is None:
        return fresh
    fields = {one.name: one for one in before.fields}
    for one in fresh.fields:
        known = fields.get(one.name, FieldSeen(one.name, 0, 0, one.at))
        events = before.events + one.events
        fields[one.name] = FieldSeen(one.name, known.times + one.times, events, max(known.at, one.at))
    return SourceSeen(
        source=fresh.source,
        logsource=fresh.logsource,
        events=before.events + fresh.events,
        at=max(before.at, fresh.at),
        fields=tuple(fields.values()),
    )


def _forget(connection: Connection, namespace: str, fresh: Sightings) -> None:
    old = select(source_seen.c.source).where(
        source_seen.c.namespace == namespace, source_seen.c.looked_at < fresh.since
    )
    silent = list(connection.execute(old).scalars())
    for table in (source_seen, field_seen):
        mine = table.c.namespace == namespace
        if silent:
            connection.execute(delete(table).where(mine, among(connection, table.c.source, silent)))
    mine = field_seen.c.namespace == namespace
    unasked = ~among(connection, field_seen.c.field, fresh.asked)
    connection.execute(delete(field_seen).where(mine, unasked))


def _mine(table: Table, namespace: str) -> Select[Any]:
    return select(table).where(table.c.namespace == namespace)


def _source_of(row: Row[Any], fields: Iterable[FieldSeen]) -> SourceSeen:
    logsource = Logsource(row.category, row.product, row.service)
    return SourceSeen(row.source, logsource, row.events, row.looked_at, tuple(fields))


def _source_row(namespace: str, one: SourceSeen) -> dict[str, Any]:
    return {
        "namespace": namespace,
        "source": one.source,
        "category": one.logsource.category,
        "product": one.logsource.product,
        "service": one.logsource.service,
        "events": one.events,
        "looked_at": one.at,
    }


def _field_rows(namespace: str, one: SourceSeen) -> list[dict[str, Any]]:
    return [
        {
            "namespace": namespace,
            "source": one.source,
            "field": field.name,
            "times": field.times,
            "events": field.events,
            "seen_at": field.at,
        }
        for field in one.fields
    ]
