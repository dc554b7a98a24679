"""The casebook (`monitor.casebook.Casebook`) over SQL: one namespace of a database, signed by one key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Engine, case, delete, func, literal, select, update

from monitor.casebook import Account, ApiToken, Case, CaseDays, Change, Found, Query, RuleDay, Session
from monitor.errors import OutpacedError
from monitor.ledger import exports
from monitor.ledger.check import Fault
from monitor.ledger.entries import Entry, Head, Outline, Record
from monitor.ledger.signing import Signer
from monitor.model import SourceSeen, Violation
from monitor.store import finding, gathering, ledger, proving, rows, schema, sightings, tokens
from monitor.store.database import reading, standing, writing
from monitor.store.ledger import Written
from monitor.store.retiring import SqlRetirement
from monitor.store.upsert import replace


class SqlCasebook:
    """One namespace. Threads may share it; each call is one transaction."""

    def __init__(self, engine: Engine, place: str, namespace: str, signer: Signer) -> None:
        self._engine = engine
        self._place = place
        self._namespace = namespace
        self._signer = signer

    @property
    def public_key(self) -> str:
        """Of the ledger's key, hex digits."""
        return self._signer.public

    def gather(self, at: int, most: int = gathering.CHUNK) -> int:
        """Take in violations that changed; returns how many, 0 once nothing is left."""
        with self._writing() as connection:
            return gathering.gather(connection, self._namespace, self._signer, at, most)

    def retirement(self) -> SqlRetirement:
        """What is too old, of the same namespace."""
        return SqlRetirement(self._engine, self._place, self._namespace, self._signer)

    def find(self, query: Query) -> Found:
        """Cases of a query."""
        with self._reading() as connection:
            return finding.find(connection, self._namespace, query)

    def case(self, key: str) -> Case | None:
        """One case."""
        with self._reading() as connection:
            table = schema.review_case
            row = connection.execute(self._mine(table).where(table.c.case_key == key)).first()
            return None if row is None else finding.case_of(row)

    def key_of(self, violation: str) -> str | None:
        """Key of the case that a violation belongs to."""
        with self._reading() as connection:
            return finding.key_of(connection, self._namespace, violation)

    def occurrences(self, case: Case, limit: int) -> tuple[Violation, ...]:
        """The newest violations of a case, newest first."""
        with self._reading() as connection:
            return finding.occurrences(connection, self._namespace, case, limit)

    def trends(self, cases: Sequence[Case], since: int) -> Mapping[str, tuple[tuple[str, int], ...]]:
        """By key of the case: (period, events) since then."""
        with self._reading() as connection:
            return finding.trends(connection, self._namespace, cases, since)

    def within(self, rules: Sequence[str], since: str, until: str) -> tuple[CaseDays, ...]:
        """Cases of these rules with violations on these days."""
        with self._reading() as connection:
            return tuple(
                one
                for rule in rules
                for one in finding.within(connection, self._namespace, rule, since, until)
            )

    def alike(self, case: Case, limit: int) -> tuple[Case, ...]:
        """Other cases of the same rule, newest first."""
        found = self.find(Query(rule=case.rule, newest_first=True, limit=limit + 1)).cases
        return tuple(one for one in found if one.key != case.key)[:limit]

    def days(self, since: str, until: str, people_since: str = "") -> tuple[RuleDay, ...]:
        """What was found on the days from `since` to before `until`; subjects from `people_since` on."""
        table = schema.rule_day
        columns = [column for column in table.columns if column.name != "subjects"]
        people = case((table.c.day >= people_since, table.c.subjects), else_=literal(b"")).label("subjects")
        mine = (table.c.namespace == self._namespace, table.c.day >= since, table.c.day < until)
        with self._reading() as connection:
            wanted = select(*columns, people).where(*mine)
            found = connection.execute(wanted.order_by(table.c.day, table.c.rule))
            return tuple(
                RuleDay(r.day, r.rule, r.level, r.violations, r.events, rows.sketch(r.subjects))
                for r in found
            )

    def states(self) -> Mapping[str, int]:
        """How many cases there are in each state."""
        table = schema.review_case
        counted = select(table.c.state, func.count()).where(table.c.namespace == self._namespace)
        with self._reading() as connection:
            found = connection.execute(counted.group_by(table.c.state))
            return {row[0]: row[1] for row in found}

    def due(self) -> tuple[Case, ...]:
        """Cases with a clock, the earliest first."""
        table = schema.review_case
        wanted = self._mine(table).where(table.c.due_at.is_not(None)).order_by(table.c.due_at)
        with self._reading() as connection:
            return tuple(map(finding.case_of, connection.execute(wanted)))

    def incidents(self, state: str, kinds: Sequence[str]) -> tuple[Case, ...]:
        """Cases in that state, and those that an entry of one of these kinds is about, newest first."""
        with self._reading() as connection:
            return finding.incidents(connection, self._namespace, state, kinds)

    def expired(self, at: int) -> tuple[Case, ...]:
        """Cases whose acceptance is over."""
        table = schema.review_case
        wanted = self._mine(table).where(table.c.expires_at <= at).order_by(table.c.expires_at)
        with self._reading() as connection:
            return tuple(map(finding.case_of, connection.execute(wanted)))

    def change(self, change: Change, at: int) -> Entry:
        """Write a decision down, in the case and in the ledger.

        Raises:
            OutpacedError: somebody decided meanwhile.
        """
        table = schema.review_case
        seen = (
            table.c.namespace == self._namespace,
            table.c.case_key == change.key,
            table.c.version == change.version,
        )
        fresh = {
            "version": change.version + 1,
            "state": change.state,
            "unsettled": int(change.unsettled),
            "facts": change.facts,
            "due_at": change.due,
            "expires_at": change.expires,
        }
        record = change.record
        body = {**record.body, "after": proving.decided(fresh)}
        with self._writing() as connection:
            if connection.execute(update(table).where(*seen).values(fresh)).rowcount != 1:
                raise OutpacedError("somebody decided on this case meanwhile; look at it again")
            noted = Record(record.kind, record.ref, record.who, body)
            return ledger.append(connection, self._namespace, self._signer, [noted], at)[0]

    def write(self, record: Record, at: int) -> Entry:
        """Write something down in the ledger."""
        with self._writing() as connection:
            return ledger.append(connection, self._namespace, self._signer, [record], at)[0]

    def sealed(self, name: str, content: bytes, head: Head) -> bytes:
        """The signature file of an export."""
        return exports.sealed(name, content, head, self._signer)

    def history(self, ref: str) -> tuple[Written, ...]:
        """What the ledger says about something, in order."""
        wanted = ledger.joined(self._namespace).where(schema.ledger.c.ref == ref)
        with self._reading() as connection:
            return tuple(ledger.entries(connection, wanted.order_by(schema.ledger.c.seq)))

    def ledger(self, before: int | None, limit: int) -> tuple[tuple[Entry, Outline | None], ...]:
        """Entries with smaller numbers than `before`, newest first, and how their payloads begin."""
        with self._reading() as connection:
            return ledger.outlined(connection, self._namespace, before, limit)

    def whole(self, before: int | None, limit: int) -> tuple[Written, ...]:
        """Entries with smaller numbers than `before`, newest first, with all of their payloads."""
        with self._reading() as connection:
            return ledger.whole(connection, self._namespace, before, limit)

    def head(self) -> Head | None:
        """The ledger's end."""
        with self._reading() as connection:
            found = ledger.head(connection, self._namespace)
            return None if found is None else found[0]

    def newest(self, kinds: Sequence[str]) -> Entry | None:
        """The newest entry of some kinds."""
        table = schema.ledger
        wanted = ledger.joined(self._namespace).where(table.c.kind.in_(kinds))
        with self._reading() as connection:
            found = ledger.entries(connection, wanted.order_by(table.c.seq.desc()).limit(1))
            return found[0][0] if found else None

    def waiting(self) -> int:
        """How many violations wait to be taken in."""
        with self._reading() as connection:
            found = gathering.beyond(connection, self._namespace).order_by(None).subquery()
            return connection.execute(select(func.count()).select_from(found)).scalar_one()

    def erased(self) -> int:
        """How many entries have no payload any more."""
        with self._reading() as connection:
            return ledger.bare(connection, self._namespace)

    def verify(self, public: str) -> Iterator[Fault]:
        """Everything that is not as it was written."""
        with standing(self._engine, self._place) as connection:
            yield from proving.prove(connection, self._namespace, public)

    def counts(self) -> Mapping[tuple[str, str, str], int]:
        """(partition, `reject` or `event`, reason or fact) to count."""
        with self._reading() as connection:
            found = connection.execute(self._mine(schema.tally))
            return {(row.partition, row.kind, row.name): row.events for row in found}

    def sightings(self) -> Sequence[SourceSeen]:
        """What coverage has seen of each source."""
        with self._reading() as connection:
            return sightings.held(connection, self._namespace)

    def account(self, name: str) -> Account | None:
        """One account."""
        return next((one for one in self.accounts() if one.name == name), None)

    def accounts(self) -> tuple[Account, ...]:
        """All accounts, by name."""
        table = schema.account
        with self._reading() as connection:
            found = connection.execute(self._mine(table).order_by(table.c.name))
            return tuple(Account(r.name, r.role, r.password, bool(r.active)) for r in found)

    def keep_account(self, account: Account, record: Record, at: int) -> None:
        """Add an account or change it, and write that down. Its sessions end."""
        row = {"namespace": self._namespace, **asdict(account), "active": int(account.active)}
        body = {**record.body, "after": proving.admitted(row)}
        noted = Record(record.kind, record.ref, record.who, body)
        table = schema.web_session
        with self._writing() as connection:
            replace(connection, schema.account, [row])
            mine = (table.c.namespace == self._namespace, table.c.account == account.name)
            connection.execute(delete(table).where(*mine))
            ledger.append(connection, self._namespace, self._signer, [noted], at)

    def session(self, token: str) -> Session | None:
        """One session."""
        table = schema.web_session
        with self._reading() as connection:
            row = connection.execute(self._mine(table).where(table.c.token == token)).first()
            return None if row is None else Session(row.token, row.account, row.created_at, row.seen_at)

    def keep_session(self, session: Session) -> None:
        """Begin a session, or say when it was last seen."""
        row = {
            "namespace": self._namespace,
            "token": session.token,
            "account": session.account,
            "created_at": session.created,
            "seen_at": session.seen,
        }
        with self._writing() as connection:
            replace(connection, schema.web_session, [row])

    def end_sessions(self, *, token: str = "", created_before: int = 0, seen_before: int = 0) -> None:
        """Forget one session, or all that are older than that."""
        table = schema.web_session
        over = (table.c.created_at < created_before) | (table.c.seen_at < seen_before)
        which = table.c.token == token if token else over
        with self._writing() as connection:
            connection.execute(delete(table).where(table.c.namespace == self._namespace, which))

    def token(self, name: str) -> ApiToken | None:
        """One token of a program."""
        with self._reading() as connection:
            return next(iter(tokens.held(connection, self._namespace, name)), None)

    def tokens(self) -> tuple[ApiToken, ...]:
        """All tokens of programs."""
        with self._reading() as connection:
            return tokens.held(connection, self._namespace)

    def keep_token(self, token: ApiToken, record: Record, at: int) -> None:
        """Add a token or change it, and write that down."""
        with self._writing() as connection:
            row = tokens.keep(connection, self._namespace, token)
            body = {**record.body, "after": proving.granted(row)}
            noted = Record(record.kind, record.ref, record.who, body)
            ledger.append(connection, self._namespace, self._signer, [noted], at)

    def token_used(self, name: str, at: int) -> None:
        """Say when a token was last used."""
        with self._writing() as connection:
            tokens.used(connection, self._namespace, name, at)

    def _writing(self) -> AbstractContextManager[Connection]:
        return writing(self._engine, self._place, f"namespace {self._namespace}")

    def _reading(self) -> AbstractContextManager[Connection]:
        return reading(self._engine, self._place)

    def _mine(self, table: Any) -> Any:  # noqa: ANN401 - a table in, a statement out, as SQLAlchemy types them
        return select(table).where(table.c.namespace == self._namespace)
