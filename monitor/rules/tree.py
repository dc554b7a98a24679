"""The frozen tree of a rule set. Text becomes this; everything after reads this and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

from monitor.model import Logsource
from monitor.rules.tables import Keys, Pairs, Table

if TYPE_CHECKING:  # reading a rule needs no detector
    from monitor.detectors.catalogue import Catalogue


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Where a node stands in its file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Wild(Enum):
    """Sigma's wildcards."""

    MANY = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True)
class Pattern:
    """Sigma text: literal pieces and wildcards in order, escapes resolved, no two literals side by side."""

    parts: tuple[str | Wild, ...]


# --- tests: what one value of a field is asked -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TextTest:
    """Wildcard match over the whole text; `contains` and friends are patterns with `*` at an end."""

    pattern: Pattern
    cased: bool = False


@dataclass(frozen=True, slots=True)
class NumberTest:
    """Equal as a number; a text that is a JSON number counts as one."""

    value: int | float


@dataclass(frozen=True, slots=True)
class BoolTest:
    """Equal to JSON true or false."""

    value: bool


@dataclass(frozen=True, slots=True)
class NullTest:
    """The field is missing or null."""


@dataclass(frozen=True, slots=True)
class ExistsTest:
    """The key is there, with any value but null."""

    expected: bool


@dataclass(frozen=True, slots=True)
class CompareTest:
    """`lt lte gt gte` as numbers."""

    operator: str
    value: int | float


@dataclass(frozen=True, slots=True)
class RegexTest:
    """Rust `regex` syntax, unanchored, case-sensitive unless `i` is among the flags (`i`, `m`, `s`)."""

    pattern: str
    flags: str = ""


@dataclass(frozen=True, slots=True)
class CidrTest:
    """The value is an address inside the network (IPv4 or IPv6)."""

    network: str


@dataclass(frozen=True, slots=True)
class PiiTest:
    """The value holds at least one raw or encoded item of one of these detector classes.

    `catalogue` is where the classes are looked up, of this test as of those below; None is the shipped one.
    """

    detectors: tuple[str, ...]
    catalogue: Catalogue | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PlaintextTest:
    """The value is present and in no protected state; `expected=False` asks for the opposite."""

    expected: bool = True
    catalogue: Catalogue | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StateTest:
    """The value is in one of these protection states."""

    states: tuple[str, ...]
    catalogue: Catalogue | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class LookupTest:
    """The value is in a column of a table, in a row that holds at the event's time.

    Attributes:
        table: name of the table.
        column: name of the column; '' is the table's first.
        always: any row will do, whenever it holds (`|in`).
        keys: the column; None until `monitor.rules.binding` has looked for the table.
    """

    table: str
    column: str = ""
    always: bool = False
    keys: Keys | None = field(default=None, repr=False)

    @property
    def timed(self) -> bool:
        """Whether the answer depends on the event's time."""
        return not self.always and self.keys is not None and self.keys.timed


Test: TypeAlias = (
    TextTest
    | NumberTest
    | BoolTest
    | NullTest
    | ExistsTest
    | CompareTest
    | RegexTest
    | CidrTest
    | PiiTest
    | PlaintextTest
    | StateTest
    | LookupTest
)


# --- selections and conditions ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a selection.

    Attributes:
        field: dotted path; `*.name` means the key `name` at any depth; None searches the whole record.
        tests: one per value.
        every: all tests must hold (`|all`), otherwise one of them.
        negated: `|neq`; the item is true where its tests are not, a missing field included.
    """

    field: str | None
    tests: tuple[Test, ...]
    every: bool
    negated: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Selection:
    """A named search identifier: alternatives (OR) of items (AND)."""

    name: str
    alternatives: tuple[tuple[Item, ...], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Ref:
    """A search identifier, or in a temporal correlation a rule."""

    name: str


@dataclass(frozen=True, slots=True)
class Not:
    """Negation over two-valued operands."""

    operand: Condition


@dataclass(frozen=True, slots=True)
class And:
    """All hold; at least one operand."""

    operands: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One holds; at least one operand."""

    operands: tuple[Condition, ...]


Condition: TypeAlias = Ref | Not | And | Or
"""Quantifiers (`1 of sel_*`, `all of them`) are gone here: the parser rewrites them to Or and And of Ref."""


# --- the typed keys --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Privacy:
    """`x_privacy`: what the rule means in data-protection terms, and which fields are who and what."""

    articles: tuple[str, ...] = ()
    activity: str = ""
    categories: tuple[str, ...] = ()
    actor: str = ""
    subject: str = ""
    resource: str = ""


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """`x_alert`: identity and urgency. `per` is hour, day, week or forever; `realert` is seconds."""

    fingerprint: tuple[str, ...] = ()
    per: str = "day"
    realert: int = 86_400
    tier: str = "review"


@dataclass(frozen=True, slots=True)
class WindowPolicy:
    """`x_window`, in seconds. `hop` is that of hopping windows; of tumbling ones it is the timespan."""

    kind: str = "sliding"
    resolution: int | None = None
    lateness: int = 600
    hop: int | None = None

    def tick(self, timespan: int) -> int:
        """Seconds per tick: 1 for windows up to an hour, 60 up to a day, else 3600; or as the rule says."""
        if self.resolution is not None:
            return self.resolution
        if timespan <= 3600:
            return 1
        return 60 if timespan <= 86_400 else 3600


@dataclass(frozen=True, slots=True)
class PeerTable:
    """Where it is written who a group's peers are.

    Attributes:
        table: its name; the first column holds what the baseline's field `peers` is asked for.
        column: the peers of a row.
        span: where the rule says so.
        pairs: the two columns; None until `monitor.rules.binding` has looked for the table.
    """

    table: str
    column: str
    span: Span
    pairs: Pairs | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Baseline:
    """`x_baseline`: what is unusual for this group, in place of what is much for anybody.

    Attributes:
        signals: in which ways; see `monitor.engine.baseline.signals`.
        history: days that norms are made of.
        min_history: days since the first event of a group before its own norms are used.
        score: robust z of a burst.
        scale: least scale of ln(1 + seen); the smaller, the steadier a group has to be.
        peers: field that says who a group's peers are; empty: it has none.
        peer_table: where its value is looked up, if it does not name the peers itself.
        cap: most in an hour, whatever is usual; None: no such limit.
        zone: IANA name of the time zone whose hours and days count; empty: UTC.
        wait: whether nothing is said of a group while nothing is known of it nor of its peers.
        habit: digest of what is counted. Rules that count the same for the same groups have the same
            habits, and keep them when anything else of a rule changes.
    """

    signals: tuple[str, ...] = ("burst",)
    history: int = 42
    min_history: int = 14
    score: float = 3.5
    scale: float = 0.35
    peers: str = ""
    peer_table: PeerTable | None = None
    cap: float | None = None
    zone: str = ""
    wait: bool = False
    habit: str = ""


@dataclass(frozen=True, slots=True)
class TestEvents:
    """One entry of a test's `events`: `set` fields at `at` seconds, `repeat` times, `{n}` the counter."""

    at: float
    every: float
    repeat: int
    values: tuple[tuple[str, Any], ...]
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One entry of `x_tests`; `expect` is match or no_match."""

    name: str
    expect: str
    events: tuple[TestEvents, ...]
    span: Span
    format: str = "json"
    tables: tuple[Table, ...] = ()
    """Take the place of the tables of their names while the test runs."""


@dataclass(frozen=True, slots=True)
class Header:
    """What every rule says of itself. `digest` is the SHA-256 (hex) of the rule's canonical content."""

    id: str
    title: str
    span: Span
    digest: str
    name: str = ""
    status: str = "stable"
    level: str = "medium"
    description: str = ""
    author: str = ""
    date: str = ""
    modified: str = ""
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventRule:
    """A Sigma detection rule; several conditions are alternatives (OR)."""

    header: Header
    logsource: Logsource
    selections: tuple[Selection, ...]
    conditions: tuple[Condition, ...]
    privacy: Privacy = field(default_factory=Privacy)
    alert: AlertPolicy = field(default_factory=AlertPolicy)
    tests: tuple[RuleTest, ...] = ()
    reported: bool = True
    """False where a correlation uses the rule and neither it nor the rule says `generate: true`."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """`condition` of a correlation: bounds that must all hold, on `field` where the type needs one.

    Attributes:
        bounds: (operator, number) each; on the number of rules for the temporal types.
        field: what is counted, added up or ranked; the first where value_count counts combinations.
        others: the further fields of such a combination.
        percentile: of value_percentile, 1 to 100.
        events: fewest events of a window that a ratio is asked of.
        history: seconds for which new_value remembers a value; 0: the timespan.
        min_history: seconds since an event of the group before new_value calls anything new.
        when: of the temporal types, in place of bounds: Ref names a rule by its id.
        text: that condition as it is written.
    """

    bounds: tuple[tuple[str, int | float], ...]
    field: str = ""
    others: tuple[str, ...] = ()
    percentile: int = 0
    events: int = 0
    history: int = 0
    min_history: int = 0
    when: Condition | None = None
    text: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that is read."""
        return (self.field, *self.others) if self.field else ()


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for what each rule calls differently: `fields` are pairs of rule id and field."""

    name: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Correlation:
    """A Sigma correlation rule; `rules` are ids, resolved. `timespan` is seconds."""

    header: Header
    type: str
    rules: tuple[str, ...]
    group_by: tuple[str, ...]
    timespan: int
    threshold: Threshold
    privacy: Privacy = field(default_factory=Privacy)
    alert: AlertPolicy = field(default_factory=AlertPolicy)
    window: WindowPolicy = field(default_factory=WindowPolicy)
    tests: tuple[RuleTest, ...] = ()
    aliases: tuple[Alias, ...] = ()
    inner: tuple[Correlation, ...] = ()
    """Those of `rules` that are correlations: each violation of one is counted as an event, at its start."""
    reported: bool = True
    """As of an event rule."""
    baseline: Baseline | None = None

    @property
    def history(self) -> int:
        """Seconds for which new_value remembers a value."""
        return self.threshold.history or self.timespan

    @property
    def own(self) -> tuple[str, ...]:
        """The event rules among `rules`."""
        inner = {one.header.id for one in self.inner}
        return tuple(rule for rule in self.rules if rule not in inner)

    @property
    def events(self) -> tuple[str, ...]:
        """Every event rule that has a say, through other correlations too."""
        return tuple(dict.fromkeys([*self.own, *(rule for one in self.inner for rule in one.events)]))

    def own_name(self, name: str, rule: str) -> str:
        """What a rule's events call a field that this correlation calls by a name or an alias."""
        spelled = (dict(alias.fields) for alias in self.aliases if alias.name == name)
        return next(spelled, {}).get(rule, name)

    def fields_of(self, rule: str) -> tuple[str, ...]:
        """The fields of a rule's events that they are grouped and measured by."""
        asked = (*self.group_by, *self.threshold.fields)
        return tuple(dict.fromkeys(self.own_name(name, rule) for name in asked))


Rule: TypeAlias = EventRule | Correlation
"""What can have violations."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A Sigma filter: its condition is ANDed to the rules it names; empty `rules` means any."""

    header: Header
    logsource: Logsource
    rules: tuple[str, ...]
    selections: tuple[Selection, ...]
    condition: Condition
    owner: str = ""
    reason: str = ""
    expires: str = ""
    reviewed_by: str = ""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Every rule of the files loaded, filters applied to the rules they name. `digest` covers all of it.

    `hidden` are rules of our own making, one for each reported rule with a filter: they match what it would
    without (see `monitor.rules.filters.hidden`).
    """

    rules: tuple[EventRule, ...]
    correlations: tuple[Correlation, ...]
    filters: tuple[Filter, ...]
    digest: str
    hidden: tuple[EventRule, ...] = ()
