"""The casebook: what people review, as the store keeps it. Frozen things, and the port between.

A case is all violations of one rule and identity, whatever their days or episodes. The store knows its sums,
and keeps what `monitor.review` says of it without understanding it: a state, facts as JSON, two dates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitor.ledger.check import Fault
from monitor.ledger.entries import Entry, Head, Outline, Payload, Record
from monitor.model import SourceSeen, Violation

NEW = "new"
"""State of a case that nobody has decided anything about."""

MOST_COUNTED = 1000
"""Cases of a query that are counted; beyond it is "more than"."""


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands.

    Attributes:
        key: the group of its violations; of a violation without a group its fingerprint.
        rule, level, kind, actor, resource, path: as of the newest violation, see `monitor.model.Violation`.
        violations, events: how many.
        subjects: smallest keyed hashes of distinct data subjects.
        first, last: event times, microseconds UTC; None where none has a time.
        state, facts: what `monitor.review` says of it.
        version: grows with every decision; who decides says which one they saw.
        due, expires: when a clock runs out, when an acceptance does; microseconds UTC.
    """

    key: str
    rule: str
    level: str
    kind: str
    actor: str
    resource: str
    path: str
    violations: int
    events: int
    subjects: tuple[int, ...]
    first: int | None
    last: int | None
    state: str = NEW
    version: int = 0
    facts: str = "{}"
    due: int | None = None
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """Which cases, and in which order: worst and newest first, or newest first.

    Attributes:
        text: start of a key, actor, resource or field path; with `rules`, either may hold.
        rules: ids of rules whose title holds the text.
        resource: the whole name of what was touched.
        since, until: the last event lies between, microseconds UTC.
        unsettled: only those that somebody has still something to do with.
        after: level, last event and key of a case; only those that come behind it in this order.
    """

    states: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    rule: str = ""
    text: str = ""
    rules: tuple[str, ...] = ()
    resource: str = ""
    since: int | None = None
    until: int | None = None
    unsettled: bool = False
    newest_first: bool = False
    after: tuple[str, int | None, str] | None = None
    offset: int = 0
    limit: int = 25


@dataclass(frozen=True, slots=True)
class Found:
    """Cases of a query, and how many there are in all, at most `MOST_COUNTED` + 1."""

    cases: tuple[Case, ...]
    total: int


@dataclass(frozen=True, slots=True)
class CaseDays:
    """A case, and what was found of it within some days; times are microseconds UTC."""

    case: Case
    violations: int
    events: int
    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class RuleDay:
    """What a rule found on a day (UTC, `2026-11-16`, or `undated`)."""

    day: str
    rule: str
    level: str
    violations: int
    events: int
    subjects: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pile:
    """Cases of a rule, level and state with which somebody has still something to do.

    `oldest` is the first event of any of them, microseconds UTC; None where none has a time.
    """

    rule: str
    level: str
    state: str
    cases: int
    oldest: int | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for people; `due` says when each running clock is over, microseconds UTC, earliest first."""

    piles: tuple[Pile, ...] = ()
    due: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What a decision makes of a case, and what is written down of it; all of it or nothing."""

    key: str
    version: int
    state: str
    unsettled: bool
    facts: str
    due: int | None
    expires: int | None
    record: Record


@dataclass(frozen=True, slots=True)
class Account:
    """Who may sign in. `password` is a hash, empty where somebody else lets the account in."""

    name: str
    role: str
    password: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in: `token` is a hash of what it holds; times are microseconds UTC."""

    token: str
    account: str
    created: int
    seen: int


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What is kept of a program's token. Times are microseconds UTC.

    Attributes:
        id: the part of it that may be shown.
        account: in whose name the program asks.
        label: what it is for.
        scopes: names of `monitor.web.permissions.SCOPES`.
        hash: of the whole token.
        used: when it was last used, to the minute; None: never.
        revoked: when somebody ended it; None: nobody did.
    """

    id: str
    account: str
    label: str
    scopes: tuple[str, ...]
    hash: str
    created: int
    expires: int
    used: int | None = None
    revoked: int | None = None


class Casebook(Protocol):
    """The store as the review sees it: one namespace of it.

    Each method raises StoreError when the database cannot do it.
    """

    @property
    def public_key(self) -> str:
        """With which what the ledger says can be checked, 64 hex digits."""
        ...

    def gather(self, at: int, most: int = ...) -> int:
        """Take in violations that changed, at most so many: sum cases and days anew, seal them in the ledger.

        Returns how many were taken in; 0 once nothing is left. `at` is now, microseconds UTC.
        """
        ...

    def retirement(self) -> Retirement:
        """What is too old, of the same namespace."""
        ...

    def find(self, query: Query) -> Found:
        """Cases of a query."""
        ...

    def case(self, key: str) -> Case | None:
        """One case."""
        ...

    def key_of(self, violation: str) -> str | None:
        """Key of the case that this violation (its fingerprint) belongs to, or will; None: there is none."""
        ...

    def occurrences(self, case: Case, limit: int) -> tuple[Violation, ...]:
        """The newest violations of a case, newest first."""
        ...

    def trends(self, cases: Sequence[Case], since: int) -> Mapping[str, tuple[tuple[str, int], ...]]:
        """By key of the case: (period, events) of its violations whose first event is at or after `since`."""
        ...

    def within(self, rules: Sequence[str], since: str, until: str) -> tuple[CaseDays, ...]:
        """Cases of these rules with violations on the days from `since` to before `until`, in no order."""
        ...

    def alike(self, case: Case, limit: int) -> tuple[Case, ...]:
        """Other cases of the same rule, newest first."""
        ...

    def days(self, since: str, until: str, people_since: str = "") -> tuple[RuleDay, ...]:
        """What was found on the days from `since` to before `until`, by day and rule.

        Hashes of subjects, which are most of it, only of days from `people_since` on.
        """
        ...

    def states(self) -> Mapping[str, int]:
        """How many cases there are in each state."""
        ...

    def due(self) -> tuple[Case, ...]:
        """Cases with a clock, the earliest first."""
        ...

    def incidents(self, state: str, kinds: Sequence[str]) -> tuple[Case, ...]:
        """Cases in that state, and those that an entry of one of these kinds is about, newest first."""
        ...

    def expired(self, at: int) -> tuple[Case, ...]:
        """Cases whose acceptance is over."""
        ...

    def change(self, change: Change, at: int) -> Entry:
        """Write a decision down, in the case and in the ledger.

        Raises:
            OutpacedError: somebody decided meanwhile.
        """
        ...

    def write(self, record: Record, at: int) -> Entry:
        """Write something down in the ledger that concerns no case's state."""
        ...

    def sealed(self, name: str, content: bytes, head: Head) -> bytes:
        """The signature file of an export, made with the ledger's key; see `monitor.ledger.exports`."""
        ...

    def history(self, ref: str) -> tuple[tuple[Entry, Payload | None], ...]:
        """What the ledger says about something, in order."""
        ...

    def ledger(self, before: int | None, limit: int) -> tuple[tuple[Entry, Outline | None], ...]:
        """Entries with smaller numbers than `before` (None: the newest), newest first.

        Of payloads how they begin: a seal lists ten thousand violations.
        """
        ...

    def whole(self, before: int | None, limit: int) -> tuple[tuple[Entry, Payload | None], ...]:
        """The same with all of their payloads; fewer than `limit` where those are long, but one at least."""
        ...

    def head(self) -> Head | None:
        """The ledger's end; None while it has no entry."""
        ...

    def newest(self, kinds: Sequence[str]) -> Entry | None:
        """The newest entry of some kinds."""
        ...

    def waiting(self) -> int:
        """How many violations wait to be taken in: what is in the store of them, nothing vouches for yet."""
        ...

    def erased(self) -> int:
        """How many entries of the ledger have no payload any more."""
        ...

    def verify(self, public: str) -> Iterator[Fault]:
        """Everything in ledger, violations, cases and accounts that is not as it was written."""
        ...

    def counts(self) -> Mapping[tuple[str, str, str], int]:
        """As `monitor.ports.Store.counts`."""
        ...

    def sightings(self) -> Sequence[SourceSeen]:
        """As `monitor.ports.Store.sightings`."""
        ...

    def account(self, name: str) -> Account | None:
        """One account."""
        ...

    def accounts(self) -> tuple[Account, ...]:
        """All accounts, by name."""
        ...

    def keep_account(self, account: Account, record: Record, at: int) -> None:
        """Add an account or change it, and write that down. Its sessions end."""
        ...

    def session(self, token: str) -> Session | None:
        """One session."""
        ...

    def keep_session(self, session: Session) -> None:
        """Begin a session, or say when it was last seen."""
        ...

    def end_sessions(self, *, token: str = "", created_before: int = 0, seen_before: int = 0) -> None:
        """Forget one session, or all that are older than that."""
        ...

    def token(self, name: str) -> ApiToken | None:
        """One token of a program, by its id."""
        ...

    def tokens(self) -> tuple[ApiToken, ...]:
        """All tokens of programs, the newest first."""
        ...

    def keep_token(self, token: ApiToken, record: Record, at: int) -> None:
        """Add a token or change it, and write that down."""
        ...

    def token_used(self, name: str, at: int) -> None:
        """Say when a token was last used."""
        ...


class Retirement(Protocol):
    """What is too old, found and removed; whoever removes says why, and it is written down at once.

    Days are `2026-11-16`, times microseconds UTC. A removal returns how many things it removed; nothing is
    written down where it was nothing. StoreError where the database cannot do it.
    """

    def aged(self, before: str) -> tuple[CaseDays, ...]:
        """Cases with violations of days before that one, and what those are."""
        ...

    def hidden(self, before: str) -> int:
        """How many violations that a filter hides are of days before that one."""
        ...

    def bare(self, before: int) -> tuple[Case, ...]:
        """Cases of which no violation is left, the last event before that time."""
        ...

    def over(self, before: int) -> int:
        """How many alerts were over before that time, every target told."""
        ...

    def erasable(self, before: int) -> tuple[int, ...]:
        """Entries older than that whose payloads nothing in the store rests on any more."""
        ...

    def retire(self, cases: Sequence[Case], before: str, record: Record, at: int) -> int:
        """Remove violations of days before that one; none of a case that somebody decided on meanwhile."""
        ...

    def retire_hidden(self, before: str, record: Record, at: int) -> int:
        """Remove violations that a filter hides; some thousands at a time."""
        ...

    def retire_bare(self, cases: Sequence[Case], record: Record, at: int) -> int:
        """Remove cases of which no violation is left, but those that somebody decided on meanwhile."""
        ...

    def retire_over(self, before: int, record: Record, at: int) -> int:
        """Remove alerts that were over before that time; some thousands at a time."""
        ...

    def erase(self, before: int, record: Record, at: int) -> int:
        """Erase payloads of entries older than that, see `erasable`; the entries stay and still hold."""
        ...
