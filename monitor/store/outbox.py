"""The outbox as senders see it (`monitor.outbox.Outbox`), over SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    LABEL_STYLE_TABLENAME_PLUS_COL,
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Delete,
    Engine,
    Row,
    Update,
    bindparam,
    case,
    delete,
    exists,
    func,
    null,
    or_,
    select,
    update,
)

from monitor.model import Violation
from monitor.outbox import CLOCKS_APART, OVERFLOW, Claim, Settled
from monitor.store import rows, schema
from monitor.store.database import reading, writing

_NOW: Final = bindparam("now", type_=BigInteger)


class SqlOutbox:
    """The outbox of one namespace of a database. Threads and processes may share it."""

    def __init__(self, engine: Engine, place: str, namespace: str) -> None:
        self._engine = engine
        self._place = place
        self._namespace = namespace

    def claim(self, target: str, now: int, until: int, limit: int) -> Sequence[Claim]:
        """What is due at a target, oldest first; nobody else is given it before `until`.

        What waits, or was told, since a time that is yet to come is due as well: a clock was set back.
        """
        out, alert = schema.outbox, schema.alert
        ahead = now + CLOCKS_APART
        time = or_(out.c.due_at <= now, out.c.waiting_since > ahead, out.c.told_at > ahead)
        due = (out.c.namespace == self._namespace, out.c.target == target, time)
        with reading(self._engine, self._place) as connection:
            # Most of the time nothing is: then nobody is kept from writing.
            if connection.execute(select(out.c.number).where(*due).limit(1)).first() is None:
                return ()
        wanted = (
            select(out, alert)
            .join(alert, _same_alert())
            .where(*due)
            .order_by(out.c.due_at, out.c.alert_key, out.c.number)
            .limit(limit)
            .with_for_update(of=out, skip_locked=True)
            .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
        )
        with writing(self._engine, self._place, f"namespace {self._namespace}") as connection:
            found = connection.execute(wanted).all()
            self._put_off(connection, target, found, now, until)
            violations = self._violations(connection, {row.alert_violation for row in found})
            return tuple(
                _claim(row, violations.get(row.alert_violation), self._held(connection, row)) for row in found
            )

    def settle(self, target: str, settled: Sequence[Settled], now: int) -> None:
        """Write down what became of claims. What a turn said in the meantime is not lost by it."""
        with writing(self._engine, self._place, f"namespace {self._namespace}") as connection:
            if finished := [self._words(target, one, now) for one in settled if one.done]:
                connection.execute(_FINISH, finished)
            # Also those just taken off: one that a turn prolonged or said again is still there.
            if settled:
                connection.execute(_GO_ON, [self._words(target, one, now) for one in settled])

    def waiting(self) -> Mapping[str, tuple[int, int]]:
        """Target to the number of alerts it has still to take in, and since when the oldest waits."""
        out = schema.outbox
        counted = (
            select(out.c.target, func.count(), func.min(out.c.waiting_since))
            .where(out.c.namespace == self._namespace, out.c.waiting_since.is_not(None))
            .group_by(out.c.target)
        )
        with reading(self._engine, self._place) as connection:
            return {target: (count, since) for target, count, since in connection.execute(counted)}

    def _put_off(
        self, connection: Connection, target: str, found: Sequence[Row[Any]], now: int, until: int
    ) -> None:
        out = schema.outbox
        times = {
            "waiting_since": _not_ahead(out.c.waiting_since, now),
            "told_at": _not_ahead(out.c.told_at, now),
            "due_at": until,
        }
        if found:
            same = (out.c.namespace == self._namespace, out.c.target == target)
            one = (out.c.alert_key == bindparam("of_key"), out.c.number == bindparam("of_number"))
            connection.execute(
                update(out).where(*same, *one).values(times),
                [{"of_key": row.outbox_alert_key, "of_number": row.outbox_number} for row in found],
            )

    def _violations(self, connection: Connection, fingerprints: set[str]) -> dict[str, Violation]:
        table = schema.violation
        mine = (table.c.namespace == self._namespace, table.c.fingerprint.in_(fingerprints))
        found = connection.execute(select(table).where(*mine))
        return {row.fingerprint: rows.violation_of(row) for row in found}

    def _held(self, connection: Connection, row: Row[Any]) -> int:
        """Alerts that this one stands for."""
        if row.alert_fingerprint != OVERFLOW:
            return 0
        alert = schema.alert
        held = (alert.c.namespace == self._namespace, alert.c.rule == row.alert_rule, alert.c.held == 1)
        since = alert.c.raised_at >= row.alert_raised_at
        return int(connection.execute(select(func.count()).where(*held, since)).scalar_one())

    def _words(self, target: str, settled: Settled, now: int) -> dict[str, Any]:
        return {
            "of_namespace": self._namespace,
            "of_target": target,
            "of_key": settled.claim.key,
            "of_number": settled.claim.number,
            "claimed": settled.claim.wanted,
            "now": now,
            "then": settled.due,
            "is_told": settled.told,
            "was_told_at": settled.told_at,
            "in_vain": settled.attempts,
            "said": settled.error,
            "waits": bool(settled.error),
        }


def _not_ahead(column: ColumnElement[int], now: int) -> ColumnElement[int]:
    """The time, or that of now where it was written by a clock that was ahead."""
    return case((column > now + CLOCKS_APART, now), else_=column)


def _same_alert() -> ColumnElement[bool]:
    out, alert = schema.outbox, schema.alert
    return (
        (alert.c.namespace == out.c.namespace)
        & (alert.c.alert_key == out.c.alert_key)
        & (alert.c.number == out.c.number)
    )


def _this() -> tuple[ColumnElement[bool], ...]:
    out = schema.outbox
    names = {"namespace": "of_namespace", "target": "of_target", "alert_key": "of_key", "number": "of_number"}
    return tuple(out.c[column] == bindparam(name) for column, name in names.items())


def _claim(row: Row[Any], violation: Violation | None, held: int) -> Claim:
    return Claim(
        key=row.outbox_alert_key,
        number=row.outbox_number,
        fingerprint=row.alert_fingerprint,
        rule=row.alert_rule,
        level=row.alert_level,
        tier=row.alert_tier,
        facts=row.alert_facts,
        starts=row.alert_starts_at,
        ends=row.alert_ends_at,
        wanted=row.outbox_wanted,
        told=row.outbox_told,
        told_at=row.outbox_told_at,
        attempts=row.outbox_attempts,
        violation=violation,
        held=held,
    )


def _finish() -> Delete:
    out, alert = schema.outbox, schema.alert
    prolonged = exists().where(_same_alert(), alert.c.ends_at > _NOW)
    return delete(out).where(*_this(), out.c.wanted == bindparam("is_told"), ~prolonged)


def _go_on() -> Update:
    out = schema.outbox
    more = out.c.wanted > bindparam("claimed")
    waits = or_(out.c.wanted > bindparam("is_told"), bindparam("waits", type_=Boolean))
    return (
        update(out)
        .where(*_this())
        .values(
            told=bindparam("is_told"),
            told_at=bindparam("was_told_at"),
            attempts=bindparam("in_vain"),
            error=bindparam("said"),
            due_at=case((more, _NOW), else_=bindparam("then", type_=BigInteger)),
            waiting_since=case((waits, func.coalesce(out.c.waiting_since, _NOW)), else_=null()),
        )
    )


_FINISH: Final = _finish()
_GO_ON: Final = _go_on()
