"""Marks on violations, within the transaction that writes them: who reads on asks for what is beyond one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select, true

from monitor.model import Episodes
from monitor.store import schema
from monitor.store.upsert import among, replace

CHUNK = 5000
"""Keys per statement; SQLite takes 32,766 parameters, PostgreSQL 65,535."""

_WHO = ("fingerprint", "rule", "group_key", "period")


def next_mark(connection: Connection, namespace: str) -> int:
    """The mark of this transaction: one more than any violation has, or had when it was taken back."""
    newest = [
        connection.execute(select(func.max(t.c.mark)).where(t.c.namespace == namespace)).scalar() or 0
        for t in (schema.violation, schema.violation_gone)
    ]
    table = schema.review_cursor
    read = connection.execute(select(table.c.mark).where(table.c.namespace == namespace)).scalar() or 0
    return 1 + max(*newest, read)


def marked(
    connection: Connection, namespace: str, rows: list[dict[str, Any]], mark: int
) -> list[dict[str, Any]]:
    """The rows of violations with this mark; one that is stored as it is keeps the mark it has."""
    table = schema.violation
    stored: dict[str, Row[Any]] = {}
    for chunk in _chunks([row["fingerprint"] for row in rows]):
        here = (table.c.namespace == namespace, among(connection, table.c.fingerprint, chunk))
        stored |= {row.fingerprint: row for row in connection.execute(select(table).where(*here))}

    def same(row: dict[str, Any], held: Row[Any]) -> bool:
        return all(getattr(held, name) == value for name, value in row.items())

    def mark_of(row: dict[str, Any]) -> int:
        held = stored.get(row["fingerprint"])
        return held.mark if held is not None and same(row, held) else mark

    return [row | {"mark": mark_of(row)} for row in rows]


def superseded(connection: Connection, namespace: str, episodes: Sequence[Episodes]) -> list[Row[Any]]:
    """The violations that these episodes replace and do not say again."""
    kept = {violation.fingerprint for one in episodes for violation in one.violations}
    table = schema.violation
    columns = (*(table.c[name] for name in _WHO), table.c.digest, table.c.episode_start)
    found: list[Row[Any]] = []
    for rule in dict.fromkeys(one.rule for one in episodes):
        spans: dict[str, list[Episodes]] = {}
        for one in episodes:
            if one.rule == rule:
                spans.setdefault(one.group, []).append(one)
        least = min(one.since for said in spans.values() for one in said)
        wanted = select(*columns).where(
            table.c.namespace == namespace, table.c.rule == rule, table.c.episode_start >= least
        )
        groups = () if "" in spans else _chunks(list(spans))
        for these in [among(connection, table.c.group_key, chunk) for chunk in groups] or [true()]:
            rows = connection.execute(wanted.where(these))
            found += [row for row in rows if row.fingerprint not in kept and _within(row, spans)]
    return found


def _within(row: Row[Any], spans: dict[str, list[Episodes]]) -> bool:
    said = (*spans.get("", ()), *spans.get(row.group_key, ()))
    return any(one.since <= row.episode_start <= one.until and one.digest in {"", row.digest} for one in said)


def taken_back(connection: Connection, namespace: str, gone: Collection[Row[Any]], mark: int) -> None:
    """Note that these violations are no more."""
    rows = [
        {"namespace": namespace, **{name: getattr(row, name) for name in _WHO}, "mark": mark} for row in gone
    ]
    replace(connection, schema.violation_gone, rows)


def _chunks(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[i : i + CHUNK] for i in range(0, len(keys), CHUNK)]
