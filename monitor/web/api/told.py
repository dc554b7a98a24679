"""What programs are told: the shapes of answers. Times are ISO 8601 in UTC; evidence is masked."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Told(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


class Problem(Told):
    """What was wrong (RFC 9457)."""

    type: str = Field(description="`urn:privwatch:problem:` and a word that does not change.")
    title: str
    status: int
    detail: str = Field(description="In words, for people.")
    errors: tuple[str, ...] = Field((), description="Each thing that was wrong with what was sent.")


class Me(Told):
    """Who asks."""

    account: str
    role: str
    token: str = Field(description="Its id.")
    label: str
    scopes: tuple[str, ...]
    allowed: tuple[str, ...] = Field(description="Scopes that the account's role still allows.")
    expires: Moment


class Rule(Told):
    """A rule in plain words."""

    id: str
    title: str
    articles: str = Field(description="Of the GDPR.")
    description: str
    categories: tuple[str, ...]


class RuleWeek(Told):
    """What a rule found in a week."""

    rule: Rule
    level: str
    violations: int
    events: int
    people: int
    trend: tuple[int, ...] = Field(description="Violations of each of the shown weeks, this one last.")
    news: str = Field(description="`new`, `gone` or empty.")


class Source(Told):
    """A source: what was read of it, and what was not."""

    name: str
    parts: int
    events: int
    not_evaluated: dict[str, int]
    left_out: dict[str, int]
    last_looked_at: Moment | None
    silent: bool


class Week(Told):
    """A week beside those before it."""

    week: str
    first_day: str
    last_day: str
    running: bool
    violations: int
    violations_before: int
    events: int
    people: int
    weeks: tuple[str, ...]
    by_level: dict[str, tuple[int, ...]] = Field(description="Violations of each of the shown weeks.")
    by_day: dict[str, dict[str, int]]
    rules: tuple[RuleWeek, ...]
    cases_by_state: dict[str, int] = Field(description="Of all cases, whatever their week.")
    coverage: tuple[Source, ...]
    rule_set: str = Field(description="Digest of the rules.")


class Line(Told):
    """A case in the queue."""

    key: str
    version: int
    rule: Rule
    level: str
    state: str
    waiting: bool = Field(description="For a second person.")
    recurring: bool
    system: str
    field: str
    actor: str = Field(description="A keyed pseudonym.")
    violations: int
    events: int
    people: int
    people_exact: bool
    first: Moment | None
    last: Moment | None
    trend: tuple[int, ...]


class Queue(Told):
    """Cases, and how many there are."""

    cases: tuple[Line, ...]
    total: int = Field(description="At most 1001, which says: more than 1000.")
    next: str | None = Field(description="Cursor of the next ones; null: these were the last.")


class State(Told):
    """A case after a decision."""

    key: str
    version: int
    state: str
    waiting: bool
    due: Moment | None
    expires: Moment | None


class Evidence(Told):
    """Why, masked."""

    path: str
    test: str
    state: str
    steps: str
    extract: str


class Position(Told):
    """One record."""

    partition: str
    offset: int


class Violation(Told):
    """What a case is made of."""

    fingerprint: str
    period: str
    level: str
    status: str
    actor: str
    system: str
    field: str
    events: int
    first: Moment | None
    last: Moment | None
    value: float | None
    evidence: Evidence
    samples: tuple[Position, ...]


class Decided(Told):
    """What was decided or proposed."""

    state: str
    by: str
    reason: str
    at: Moment
    owner: str | None = None
    until: str | None = None
    other: str | None = None
    confirmed_by: str | None = None
    confirmed_at: Moment | None = None


class Clock(Told):
    """The 72 hours of an incident."""

    case: str
    title: str
    aware: Moment
    due: Moment
    notified: Moment | None
    state: str = Field(description="`running`, `urgent`, `over`, `met` or `late`.")
    left_seconds: int = Field(description="Negative once they are over.")


class FactorTold(Told):
    """A factor of the severity, and who set it."""

    value: float
    source: str
    reason: str


class Severity(Told):
    """ENISA's SE = DPC x EI + CB."""

    score: float
    level: str
    flags: tuple[str, ...]
    factors: dict[str, FactorTold]


class Happened(Told):
    """An entry of the ledger that concerns a case or account."""

    seq: int
    at: Moment
    kind: str
    who: str
    content: dict[str, Any] | None = Field(description="Null where it was erased.")


class Case(Line):
    """All there is to know of a case."""

    rule_falsepositives: tuple[str, ...]
    verdict: Decided | None
    pending: Decided | None
    may_become: tuple[str, ...]
    clock: Clock | None
    register_texts: dict[str, str]
    severity: Severity
    newest_violations: tuple[Violation, ...] = Field(description="At most 200.")
    history: tuple[Happened, ...]
    alike: tuple[str, ...] = Field(description="Keys of other cases of the rule.")


class Belongs(Told):
    """The case of a violation."""

    case: str


class Clocks(Told):
    """Every clock that runs, the earliest first."""

    clocks: tuple[Clock, ...]


class Proposal(Told):
    """A filter that dismissed cases propose, and what it would have hidden."""

    key: str
    rule: Rule
    system: str
    file: str
    text: str = Field(description="The filter, YAML; it is never applied by itself.")
    dismissed: tuple[str, ...] = Field(description="Keys of the cases that speak for it.")
    hidden: tuple[str, ...] = Field(description="Keys of all cases it would have hidden, at most 1001.")
    hidden_open: int
    hidden_confirmed: int = Field(description="Of those how many were confirmed: a warning.")
    hidden_events: int
    shared: dict[str, str] = Field(description="What else the dismissed ones have in common.")


class Proposals(Told):
    """Filters that are proposed."""

    filters: tuple[Proposal, ...]


class Incident(Told):
    """An incident of the register (Art. 33(5))."""

    case: str
    version: int
    rule: Rule
    level: str
    state: str
    clock: Clock | None
    severity: Severity
    texts: dict[str, str]


class Incidents(Told):
    """The register."""

    incidents: tuple[Incident, ...]


class Entry(Told):
    """An entry of the ledger, with all that its hash, its commitment and its signature are made of."""

    seq: int
    at: int = Field(description="Microseconds since 1970, UTC.")
    kind: str
    ref: str
    who: str
    commitment: str
    previous: str
    hash: str
    signature: str
    salt: str | None = Field(description="Of the payload; null where it was erased.")
    body: str | None = Field(description="The payload's very text.")


class Head(Told):
    """The end of the ledger, and the key that signed it."""

    origin: str
    size: int
    hash: str
    public_key: str


class Entries(Told):
    """Entries, newest first."""

    entries: tuple[Entry, ...]
    next: int | None = Field(description="`before` of the next ones; null: these were the oldest.")


class Fault(Told):
    """Something that is not as it was written."""

    where: str
    what: str


class Proof(Told):
    """What a look at all of the ledger, the violations and the cases gave."""

    holds: bool
    faults: tuple[Fault, ...] = Field(description="At most 100.")
    head: Head
