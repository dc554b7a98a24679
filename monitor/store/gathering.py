"""Violations gathered into cases and days, and sealed in the ledger: all that lies beyond a mark, in chunks.

A case and a day of a rule are sums over violations. Only those that a changed violation belongs to are summed
anew. Distinct subjects are merged into what was known, and worked out anew where a violation was taken back.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, Select, and_, case, cast, delete, func, or_, select

from monitor.ledger.entries import COUNTS, SEAL, Record, canonical
from monitor.ledger.signing import Signer
from monitor.model import FILTERED, MAX_SUBJECTS
from monitor.store import ledger, schema
from monitor.store.rows import sketch
from monitor.store.upsert import among, replace

CHUNK = 10_000
"""Violations of one transaction and seal; what they touch is summed anew once for all of them."""

UNDATED = "undated"
"""Period of violations without a time."""

SEVERITY = {"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}

_SEALED = [column.name for column in schema.violation.columns if column.name not in {"namespace", "mark"}]
_OLD = schema.violation.c.group_key == ""
KEY = case((_OLD, schema.violation.c.fingerprint), else_=schema.violation.c.group_key)
"""The case of a violation."""
_DAY = func.substr(schema.violation.c.period, 1, 10)
_SUBJECTS = (schema.violation.c.period, schema.violation.c.subjects)
_SUMS = (
    _DAY.label("day"),
    func.count().label("violations"),
    cast(func.sum(schema.violation.c.events), BigInteger).label("events"),
    func.max(schema.violation.c.level).label("level"),
)


def digest(row: Row[Any]) -> str:
    """SHA-256 of everything a row of `violation` says but its mark, as hex digits."""
    values = [getattr(row, name) for name in _SEALED]
    return hashlib.sha256(
        canonical([v.hex() if isinstance(v, bytes) else v for v in values]).encode()
    ).hexdigest()


def gather(connection: Connection, namespace: str, signer: Signer, at: int, most: int = CHUNK) -> int:
    """Take in the next violations that changed or were taken back, at most so many; returns how many."""
    changed = _changed(connection, namespace, most)
    gone = _gone(connection, namespace, most)
    if not changed and not gone:
        return 0
    shown = [row for row in changed if row.status != FILTERED]
    lost = {(row.rule, row.group_key or row.fingerprint) for row in gone}
    _cases(connection, namespace, changed, lost)
    touched, anew = ({(row.rule, _day(row.period)) for row in rows} for rows in ((*changed, *gone), gone))
    _days(connection, namespace, shown, touched, anew)
    mark, fingerprint = (
        (changed[-1].mark, changed[-1].fingerprint) if changed else read(connection, namespace)
    )
    body = {
        COUNTS: {"gone": len(gone), "sealed": len(changed)},
        "gone": [row.fingerprint for row in gone],
        "read": [mark, fingerprint],
        "sealed": [[row.fingerprint, digest(row)] for row in changed],
    }
    ledger.append(connection, namespace, signer, [Record(SEAL, "", "privwatch", body)], at)
    _forget_gone(connection, namespace, gone)
    if changed:
        last = {"mark": mark, "fingerprint": fingerprint}
        replace(connection, schema.review_cursor, [{"namespace": namespace, **last}])
    return len(changed) + len(gone)


def read(connection: Connection, namespace: str) -> tuple[int, str]:
    """How far violations were gathered: mark and fingerprint of the last one."""
    cursor = schema.review_cursor
    row = connection.execute(select(cursor).where(cursor.c.namespace == namespace)).first()
    return (row.mark, row.fingerprint) if row else (0, "")


def beyond(connection: Connection, namespace: str, after: tuple[int, str] | None = None) -> Select[Any]:
    """The violations that were not gathered yet, or lie after another place, in the order they will be."""
    table, (mark, fingerprint) = schema.violation, after or read(connection, namespace)
    later = or_(table.c.mark > mark, and_(table.c.mark == mark, table.c.fingerprint > fingerprint))
    # The first condition says nothing new; it lets the database find the place in the index.
    return (
        select(table)
        .where(table.c.namespace == namespace, table.c.mark >= mark, later)
        .order_by(table.c.mark, table.c.fingerprint)
    )


def _changed(connection: Connection, namespace: str, most: int) -> Sequence[Row[Any]]:
    return connection.execute(beyond(connection, namespace).limit(most)).all()


def _gone(connection: Connection, namespace: str, most: int) -> Sequence[Row[Any]]:
    """Violations that were taken back and have not come again."""
    table, held = schema.violation_gone, schema.violation
    here = (held.c.namespace == table.c.namespace) & (held.c.fingerprint == table.c.fingerprint)
    joined = table.outerjoin(held, here)
    wanted = (
        select(table, held.c.fingerprint.label("held"))
        .select_from(joined)
        .where(table.c.namespace == namespace)
        .limit(most)
    )
    found = connection.execute(wanted).all()
    _forget_gone(connection, namespace, [row for row in found if row.held is not None])
    return [row for row in found if row.held is None]


def _forget_gone(connection: Connection, namespace: str, gone: Sequence[Row[Any]]) -> None:
    table = schema.violation_gone
    if gone:
        these = among(connection, table.c.fingerprint, [row.fingerprint for row in gone])
        connection.execute(delete(table).where(table.c.namespace == namespace, these))


def _cases(
    connection: Connection, namespace: str, changed: Sequence[Row[Any]], lost: set[tuple[str, str]]
) -> None:
    """Sum the cases of these violations anew; one without a violation goes, unless somebody decided on it."""
    newest: dict[str, Row[Any]] = {}
    for row in changed:
        key = row.group_key or row.fingerprint
        if key not in newest or (row.last_seen or 0) >= (newest[key].last_seen or 0):
            newest[key] = row
    touched = {(row.rule, key) for key, row in newest.items()} | lost
    keys = sorted({key for _, key in touched})
    table = schema.review_case
    mine = select(table).where(table.c.namespace == namespace, among(connection, table.c.case_key, keys))
    known = {row.case_key: row for row in connection.execute(mine)}
    sums = _sums(connection, namespace, touched)
    hashes = _hashes(connection, namespace, changed, known, lost)
    rows = [
        {"namespace": namespace, "subjects": _packed(hashes.get(key, ()))}
        | _case_row(key, newest.get(key), known.get(key), sums[key])
        for key in keys
        if key in sums and (key in newest or key in known)
    ]
    replace(connection, table, rows)
    empty = [key for key in keys if key not in sums]
    bare = (table.c.namespace == namespace, among(connection, table.c.case_key, empty))
    if empty:
        connection.execute(delete(table).where(*bare, table.c.version == 0))
        connection.execute(table.update().where(*bare).values(violations=0, events=0))


def _sums(
    connection: Connection, namespace: str, touched: Collection[tuple[str, str]]
) -> dict[str, Row[Any]]:
    """By case: how many violations and events, and from when to when."""
    table = schema.violation
    summed = select(
        KEY.label("key"),
        func.count().label("violations"),
        func.sum(table.c.events).label("events"),
        func.min(table.c.first_seen).label("first"),
        func.max(table.c.last_seen).label("last"),
    ).where(table.c.namespace == namespace, table.c.status != FILTERED)
    found: dict[str, Row[Any]] = {}
    for rule, keys in _by_rule(touched).items():
        grouped = (table.c.rule == rule, among(connection, table.c.group_key, keys))
        old = (_OLD, among(connection, table.c.fingerprint, keys))
        for these in (grouped, old):
            found |= {row.key: row for row in connection.execute(summed.where(*these).group_by(KEY))}
    return found


def _by_rule(touched: Collection[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for rule, key in sorted(touched):
        found.setdefault(rule, []).append(key)
    return found


def _case_row(key: str, newest: Row[Any] | None, known: Row[Any] | None, sums: Row[Any]) -> dict[str, Any]:
    """The row of a case; what people decided stays as it is."""
    said = newest if newest is not None and not _older(newest, known) else known
    assert said is not None  # noqa: S101 - a case without either is not summed
    decided = {
        "state": "new",
        "unsettled": 1,
        "version": 0,
        "facts": "{}",
        "due_at": None,
        "expires_at": None,
    }
    if known is not None:
        decided = {name: getattr(known, name) for name in decided}
    return {
        "case_key": key,
        **{name: getattr(said, name) for name in ("rule", "level", "kind", "actor", "resource", "path")},
        "severity": SEVERITY.get(said.level, 0),
        "violations": sums.violations,
        "events": int(sums.events),
        "first_seen": sums.first,
        "newest": sums.last or 0,
        **decided,
    }


def _older(row: Row[Any], known: Row[Any] | None) -> bool:
    return known is not None and (row.last_seen or 0) < known.newest


def _hashes(
    connection: Connection,
    namespace: str,
    changed: Sequence[Row[Any]],
    known: dict[str, Row[Any]],
    lost: set[tuple[str, str]],
) -> dict[str, list[int]]:
    """The smallest hashes of subjects of each case: known ones with those of the changed violations."""
    found: dict[str, set[int]] = {key: set(sketch(row.subjects)) for key, row in known.items()}
    for key in (key for _, key in lost):
        found[key] = set()
    for row in (*changed, *_all_of(connection, namespace, lost)):
        if row.status != FILTERED:
            found.setdefault(row.group_key or row.fingerprint, set()).update(sketch(row.subjects))
    return {key: sorted(hashes)[:MAX_SUBJECTS] for key, hashes in found.items()}


def _all_of(connection: Connection, namespace: str, cases: set[tuple[str, str]]) -> Sequence[Row[Any]]:
    table, found = schema.violation, list[Row[Any]]()
    for rule, keys in _by_rule(cases).items():
        these = (
            table.c.namespace == namespace,
            table.c.rule == rule,
            among(connection, table.c.group_key, keys),
        )
        found += connection.execute(select(table).where(*these))
    return found


def _days(
    connection: Connection,
    namespace: str,
    shown: Sequence[Row[Any]],
    touched: set[tuple[str, str]],
    anew: set[tuple[str, str]],
) -> None:
    """Sum these days of rules anew; see `_people` for `anew`."""
    hashes = _people(connection, namespace, shown, touched, anew)
    sums: list[dict[str, Any]] = []
    for rule, wanted in _by_rule(touched).items():
        for row in connection.execute(_within(namespace, rule, wanted, _SUMS).group_by(_DAY)):
            if (rule, row.day) in touched:
                packed = _packed(hashes.get((rule, row.day), ()))
                sums.append(row._asdict() | {"namespace": namespace, "rule": rule, "subjects": packed})
    days = schema.rule_day
    replace(connection, days, sums)
    for rule, day in touched - {(row["rule"], row["day"]) for row in sums}:
        here = (days.c.namespace == namespace, days.c.rule == rule, days.c.day == day)
        connection.execute(delete(days).where(*here))


def _people(
    connection: Connection,
    namespace: str,
    shown: Sequence[Row[Any]],
    touched: set[tuple[str, str]],
    anew: set[tuple[str, str]],
) -> dict[tuple[str, str], set[int]]:
    """Hashes of subjects by rule and day: merged into what was known; those `anew` out of all violations."""
    found: dict[tuple[str, str], set[int]] = {}
    for row in shown:
        found.setdefault((row.rule, _day(row.period)), set()).update(sketch(row.subjects))
    days = schema.rule_day
    held = select(days.c.rule, days.c.day, days.c.subjects).where(
        days.c.namespace == namespace, days.c.day.in_({day for _, day in touched})
    )
    known = [((r, day), subjects) for r, day, subjects in connection.execute(held) if (r, day) not in anew]
    for rule, wanted in _by_rule(anew).items():
        all_of_them = connection.execute(_within(namespace, rule, wanted, _SUBJECTS))
        known += [((rule, _day(period)), subjects) for period, subjects in all_of_them]
    for key, subjects in known:
        found.setdefault(key, set()).update(sketch(subjects))
    return found


def _within(namespace: str, rule: str, days: Sequence[str], columns: Sequence[Any]) -> Select[Any]:
    """What a rule found from the first to the last of these days, and `undated` where that is one of them."""
    table = schema.violation
    dated = [day for day in days if day != UNDATED]
    spans = [and_(table.c.period >= dated[0], table.c.period < dated[-1] + "~")] if dated else []
    if len(dated) < len(days):
        spans.append(table.c.period == UNDATED)
    return select(*columns).where(
        table.c.namespace == namespace, table.c.rule == rule, table.c.status != FILTERED, or_(*spans)
    )


def _day(period: str) -> str:
    """`2026-11-16` of a period, `undated` of that."""
    return period[:10]


def _packed(hashes: Iterable[int]) -> bytes:
    smallest = sorted(hashes)[:MAX_SUBJECTS]
    return struct.pack(f"<{len(smallest)}Q", *smallest)
