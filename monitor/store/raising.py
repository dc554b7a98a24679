"""Alerts of a turn, inside its transaction: which are raised, said again, held back, or nothing new.

Under one key at most one alert is open. While it is, whatever a turn says belongs to it; after it, nothing is
raised until `realert` has passed. So a turn written twice raises nothing twice, and a storm is one alert.

    told          F                   F2                      F  said that it fires, F2 once more
    turns       x x x  x    x  x  x   x x     x         x     x  something to say of the key
    realert     |-----------------|   |-----------------|
    open        [                            )                until the last period or episode ends
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from monitor.model import Alert
from monitor.outbox import CLOCKS_APART, OVERFLOW
from monitor.store import schema
from monitor.store.upsert import leave

HOUR = 3_600_000_000
"""Microseconds."""
_CHUNK = 5000
"""Keys per statement; SQLite takes 32,766 parameters, PostgreSQL 65,535."""


@dataclass
class _Verdicts:
    """Rows to write, by what is done."""

    raised: list[dict[str, Any]] = field(default_factory=list)
    outgoing: list[dict[str, Any]] = field(default_factory=list)
    again: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)


def raise_alerts(connection: Connection, namespace: str, alerts: Sequence[Alert]) -> None:
    """Write what the alerts of a turn come to; at most one for each key."""
    if not alerts:
        return
    verdicts = _Verdicts()
    fresh = _decide(connection, namespace, alerts, verdicts)
    held = _over_burst(connection, namespace, fresh)
    for alert, number in fresh:
        _raise(verdicts, namespace, alert, number, held=(alert.key, number) in held)
    stand_ins = {a.rule: _stand_in(a) for a, number in fresh if (a.key, number) in held}
    for alert, number in _decide(connection, namespace, list(stand_ins.values()), verdicts):
        _raise(verdicts, namespace, alert, number, held=False)
    _write(connection, verdicts)


def _decide(
    connection: Connection, namespace: str, alerts: Sequence[Alert], verdicts: _Verdicts
) -> list[tuple[Alert, int]]:
    """The alerts to be raised, with their numbers; what changes about others goes to `verdicts`."""
    latest = _latest(connection, namespace, [alert.key for alert in alerts])
    fresh = []
    for alert in alerts:
        known = latest.get(alert.key)
        if known is None:
            fresh.append((alert, 1))
            continue
        lately = -CLOCKS_APART <= alert.at - known.told_at < alert.realert
        quiet = lately or alert.newest <= known.newest
        is_open = known.ends_at > alert.at and not known.held
        if not quiet and not is_open:
            fresh.append((alert, known.number + 1))
            continue
        change = _change(alert, known, is_open=is_open, quiet=quiet)
        if change:
            same = {"of_namespace": namespace, "of_key": alert.key, "of_number": known.number}
            verdicts.changed.append(same | change)
            if not quiet:
                verdicts.again.append(same | {"said": change["tellings"], "at": alert.at})
    return fresh


def _change(alert: Alert, known: Row[Any], *, is_open: bool, quiet: bool) -> dict[str, Any]:
    """What the row of the latest alert says from now on; empty where nothing changes."""
    current = is_open and alert.ends >= known.ends_at
    other = alert.violation != known.violation
    if quiet and not other and not (current and alert.ends > known.ends_at):
        return {}
    return {
        "violation": alert.violation if current else known.violation,
        "facts": alert.facts if current else known.facts,
        "told_at": known.told_at if quiet else alert.at,
        "ends_at": alert.ends if current else known.ends_at,
        "newest": max(alert.newest, known.newest) if current or not quiet else known.newest,
        "tellings": known.tellings + (not quiet),
        "repeats": known.repeats + (quiet and other),
    }


def _latest(connection: Connection, namespace: str, keys: Sequence[str]) -> dict[str, Row[Any]]:
    """Key to the row that was raised last."""
    table = schema.alert
    found: dict[str, Row[Any]] = {}
    for chunk in _chunks(keys):
        mine = (table.c.namespace == namespace, table.c.alert_key.in_(chunk))
        # Rows of one key are few: one for each time it was raised.
        for row in connection.execute(select(table).where(*mine).order_by(table.c.number)):
            found[row.alert_key] = row
    return found


def _over_burst(
    connection: Connection, namespace: str, fresh: Sequence[tuple[Alert, int]]
) -> set[tuple[str, int]]:
    """Those of the alerts to be raised that their rule may not raise any more within the hour."""
    if not fresh:
        return set()
    table = schema.alert
    since = min(alert.at for alert, _ in fresh) - HOUR
    until = max(alert.at for alert, _ in fresh) + CLOCKS_APART
    recent = (
        select(table.c.rule, func.count())
        .where(table.c.namespace == namespace, table.c.rule.in_({alert.rule for alert, _ in fresh}))
        .where(table.c.held == 0, table.c.raised_at > since, table.c.raised_at <= until)
        .group_by(table.c.rule)
    )
    raised: Counter[str] = Counter()
    for rule, count in connection.execute(recent):
        raised[rule] = count
    held = set()
    for alert, number in fresh:
        raised[alert.rule] += 1
        if raised[alert.rule] > alert.burst:
            held.add((alert.key, number))
    return held


def _stand_in(alert: Alert) -> Alert:
    """The alert that tells of all that a rule's burst holds back."""
    return replace(
        alert,
        key=f"{OVERFLOW}.{alert.rule}",
        violation=OVERFLOW,
        starts=alert.at,
        ends=alert.at + HOUR,
        newest=alert.at,
        realert=HOUR,
    )


def _raise(verdicts: _Verdicts, namespace: str, alert: Alert, number: int, *, held: bool) -> None:
    same = {"namespace": namespace, "alert_key": alert.key, "number": number}
    verdicts.raised.append(
        same
        | {
            "fingerprint": alert.violation,
            "violation": alert.violation,
            "rule": alert.rule,
            "level": alert.level,
            "tier": alert.tier,
            "facts": alert.facts,
            "starts_at": alert.starts,
            "raised_at": alert.at,
            "told_at": alert.at,
            "ends_at": alert.ends,
            "newest": alert.newest,
            "tellings": 1,
            "repeats": 0,
            "held": int(held),
        }
    )
    if not held:
        waits = {"due_at": alert.at, "waiting_since": alert.at, "wanted": 1, "told": 0}
        rest = {"told_at": None, "attempts": 0, "error": ""}
        verdicts.outgoing += [same | {"target": name} | waits | rest for name in alert.targets]


def _write(connection: Connection, verdicts: _Verdicts) -> None:
    leave(connection, schema.alert, verdicts.raised)
    leave(connection, schema.outbox, verdicts.outgoing)
    if verdicts.changed:
        table = schema.alert
        keys = (table.c.namespace, table.c.alert_key, table.c.number)
        names = ("of_namespace", "of_key", "of_number")
        same = (column == bindparam(name) for column, name in zip(keys, names, strict=True))
        connection.execute(update(table).where(*same), verdicts.changed)
    if verdicts.again:
        out = schema.outbox
        connection.execute(
            update(out)
            .where(out.c.namespace == bindparam("of_namespace"))
            .where(out.c.alert_key == bindparam("of_key"), out.c.number == bindparam("of_number"))
            .values(
                wanted=bindparam("said"),
                due_at=bindparam("at"),
                waiting_since=func.coalesce(out.c.waiting_since, bindparam("at")),
            ),
            verdicts.again,
        )


def _chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    pending = iter(keys)
    while chunk := list(islice(pending, _CHUNK)):
        yield chunk
