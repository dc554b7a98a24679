"""What is too old, found and removed (`monitor.casebook.Retirement`), each removal in the ledger at once.

Violations are removed as if they were taken back: the next gathering sums their cases and days anew and seals
that they are gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, Select, delete, exists, func, or_, select

from monitor.casebook import Case, CaseDays
from monitor.ledger.entries import COUNTS, ERASURE, Record
from monitor.ledger.signing import Signer
from monitor.model import FILTERED
from monitor.store import erasing, finding, ledger, marking, schema
from monitor.store.database import reading, writing
from monitor.store.gathering import KEY
from monitor.store.upsert import among

_T = TypeVar("_T")

CHUNK = 5000
"""Rows of one transaction and entry, and keys per statement."""


class SqlRetirement:
    """One namespace. Each call is one transaction."""

    def __init__(self, engine: Engine, place: str, namespace: str, signer: Signer) -> None:
        self._engine = engine
        self._place = place
        self._namespace = namespace
        self._signer = signer

    def aged(self, before: str) -> tuple[CaseDays, ...]:
        """Cases with violations of days before that one, and what those are."""
        table = schema.rule_day
        wanted = select(table.c.rule).where(table.c.namespace == self._namespace, table.c.day < before)
        with self._reading() as connection:
            rules = sorted(connection.execute(wanted.distinct()).scalars())
            return tuple(
                one for rule in rules for one in finding.within(connection, self._namespace, rule, "", before)
            )

    def hidden(self, before: str) -> int:
        """How many violations that a filter hides are of days before that one."""
        with self._reading() as connection:
            rules = self._rules(connection)
            found = (self._hidden(rule, before).with_only_columns(func.count()) for rule in rules)
            return sum(connection.execute(one).scalar_one() for one in found)

    def bare(self, before: int) -> tuple[Case, ...]:
        """Cases of which no violation is left, the last event before that time."""
        table = schema.review_case
        wanted = select(table).where(
            table.c.namespace == self._namespace, table.c.newest < before, table.c.violations == 0
        )
        with self._reading() as connection:
            return tuple(map(finding.case_of, connection.execute(wanted)))

    def over(self, before: int) -> int:
        """How many alerts were over before that time, every target told."""
        with self._reading() as connection:
            count = select(func.count()).select_from(schema.alert).where(*self._over(before))
            return connection.execute(count).scalar_one()

    def erasable(self, before: int) -> tuple[int, ...]:
        """Entries older than that whose payloads nothing in the store rests on any more."""
        with self._reading() as connection:
            return erasing.erasable(connection, self._namespace, before)

    def retire(self, cases: Sequence[Case], before: str, record: Record, at: int) -> int:
        """Remove violations of days before that one; none of a case that somebody decided on meanwhile."""
        table = schema.violation
        with self._writing() as connection:
            keys: dict[str, list[str]] = {}
            for case in self._unchanged(connection, cases):
                keys.setdefault(case.rule, []).append(case.key)
            found = []
            for rule, those in sorted(keys.items()):
                mine = or_(
                    among(connection, table.c.group_key, those), among(connection, table.c.fingerprint, those)
                )
                wanted = self._of(rule, before).where(table.c.status != FILTERED, mine)
                found += [row for row in connection.execute(wanted) if row.key in set(those)]
            self._remove(connection, found, record, at)
            return len(found)

    def retire_hidden(self, before: str, record: Record, at: int) -> int:
        """Remove violations that a filter hides, of days before that one; at most `CHUNK` at a time."""
        with self._writing() as connection:
            found: list[Row[Any]] = []
            for rule in self._rules(connection):
                found += connection.execute(self._hidden(rule, before).limit(CHUNK - len(found)))
                if len(found) == CHUNK:
                    break
            self._remove(connection, found, record, at)
            return len(found)

    def retire_bare(self, cases: Sequence[Case], record: Record, at: int) -> int:
        """Remove cases of which no violation is left, but those that somebody decided on meanwhile."""
        table = schema.review_case
        with self._writing() as connection:
            keys = [case.key for case in self._unchanged(connection, cases)]
            for chunk in _chunks(keys):
                mine = (table.c.namespace == self._namespace, among(connection, table.c.case_key, chunk))
                connection.execute(delete(table).where(*mine))
            self._note(connection, record, {"cases": len(keys)}, at, cases=keys)
            return len(keys)

    def retire_over(self, before: int, record: Record, at: int) -> int:
        """Remove alerts that were over before that time, every target told."""
        alert, out = schema.alert, schema.outbox
        with self._writing() as connection:
            wanted = select(alert.c.alert_key, alert.c.number).where(*self._over(before)).limit(CHUNK)
            found = connection.execute(wanted).all()
            for key, number in found:
                for table in (out, alert):
                    mine = (table.c.namespace == self._namespace, table.c.alert_key == key)
                    connection.execute(delete(table).where(*mine, table.c.number == number))
            self._note(connection, record, {"alerts": len(found)}, at)
            return len(found)

    def erase(self, before: int, record: Record, at: int) -> int:
        """Erase payloads of entries older than that, see `erasable`; the entries stay and still hold."""
        table = schema.ledger_payload
        with self._writing() as connection:
            found = erasing.erasable(connection, self._namespace, before)
            noted = Record(ERASURE, record.ref, record.who, record.body)
            self._note(connection, noted, {"payloads": len(found)}, at, entries=list(found))
            for chunk in _chunks(found):
                mine = (table.c.namespace == self._namespace, table.c.seq.in_(chunk))
                connection.execute(delete(table).where(*mine))
            return len(found)

    def _remove(self, connection: Connection, found: Sequence[Row[Any]], record: Record, at: int) -> None:
        """Remove these violations, and leave word for the next gathering."""
        if not found:
            return
        mark = marking.next_mark(connection, self._namespace)
        marking.taken_back(connection, self._namespace, found, mark)
        for chunk in _chunks([row.fingerprint for row in found]):
            for table in (schema.violation_part, schema.violation):
                mine = (table.c.namespace == self._namespace, among(connection, table.c.fingerprint, chunk))
                connection.execute(delete(table).where(*mine))
        self._note(connection, record, {"violations": len(found)}, at)

    def _note(
        self, connection: Connection, record: Record, counts: dict[str, int], at: int, **lists: list[Any]
    ) -> None:
        if any(counts.values()):
            noted = Record(record.kind, record.ref, record.who, {COUNTS: counts, **record.body, **lists})
            ledger.append(connection, self._namespace, self._signer, [noted], at)

    def _unchanged(self, connection: Connection, cases: Sequence[Case]) -> list[Case]:
        """Those of the cases that nobody decided on since they were read."""
        table, versions = schema.review_case, dict[str, int]()
        for chunk in _chunks([case.key for case in cases]):
            wanted = select(table.c.case_key, table.c.version).where(
                table.c.namespace == self._namespace, among(connection, table.c.case_key, chunk)
            )
            versions |= {row.case_key: row.version for row in connection.execute(wanted)}
        return [case for case in cases if versions.get(case.key) == case.version]

    def _of(self, rule: str, before: str) -> Select[Any]:
        """Violations of a rule of days before that one; what has no time is never too old."""
        table = schema.violation
        columns = (table.c.fingerprint, table.c.rule, table.c.group_key, table.c.period, KEY.label("key"))
        mine = (table.c.namespace == self._namespace, table.c.rule == rule, table.c.period < before)
        return select(*columns).where(*mine)

    def _hidden(self, rule: str, before: str) -> Select[Any]:
        return self._of(rule, before).where(schema.violation.c.status == FILTERED)

    def _rules(self, connection: Connection) -> list[str]:
        """Every rule with violations: one step of the index each, however many violations there are."""
        table, found, last = schema.violation, list[str](), ""
        while True:
            following = select(func.min(table.c.rule)).where(
                table.c.namespace == self._namespace, table.c.rule > last
            )
            rule = connection.execute(following).scalar()
            if rule is None:
                return found
            found.append(rule)
            last = rule

    def _over(self, before: int) -> tuple[Any, ...]:
        alert, out = schema.alert, schema.outbox
        same = [alert.c[name] == out.c[name] for name in ("namespace", "alert_key", "number")]
        waits = exists().where(*same, out.c.waiting_since.is_not(None))
        return (
            alert.c.namespace == self._namespace,
            alert.c.ends_at < before,
            alert.c.told_at < before,
            ~waits,
        )

    def _writing(self) -> AbstractContextManager[Connection]:
        return writing(self._engine, self._place, f"namespace {self._namespace}")

    def _reading(self) -> AbstractContextManager[Connection]:
        return reading(self._engine, self._place)


def _chunks(keys: Sequence[_T]) -> list[Sequence[_T]]:
    return [keys[i : i + CHUNK] for i in range(0, len(keys), CHUNK)]
