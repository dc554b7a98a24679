"""The report of a week: what was found, decided and not looked at, as plain data for every format.

Nothing in it depends on when it is made: the same week gives the same report as long as nothing more was read
and no verdict changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from monitor.casebook import NEW, CaseDays
from monitor.ledger.entries import SEAL, Head
from monitor.review import clocks, incident, severity, verdicts
from monitor.review.catalogue import Card
from monitor.review.coverage import SourceLine
from monitor.review.summary import LEVELS
from monitor.review.weeks import Overview, Week

if TYPE_CHECKING:
    from monitor.review.desk import Desk

_CHANGES = ("proposed", "verdict", "declined", "reopened", "aware", "documented", "notified", "severity")
KINDS = (SEAL, *(f"case.{word}" for word in _CHANGES))
"""Kinds of ledger entries that a report rests on; looks at evidence and exports change nothing in it."""


@dataclass(frozen=True, slots=True)
class ReportCase:
    """A case with what was found of it in the week; `verdict` is what was decided, empty while it is new."""

    key: str
    card: Card
    level: str
    resource: str
    path: str
    actor: str
    violations: int
    events: int
    first: int | None
    last: int | None
    state: str
    waiting: bool
    verdict: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReportClock:
    """An incident with a clock; times are microseconds UTC, `notified` None while nobody was told."""

    key: str
    title: str
    aware: int
    due: int
    notified: int | None
    severity: str
    score: float


@dataclass(frozen=True, slots=True)
class Report:
    """A week, worst cases first."""

    overview: Overview
    cases: tuple[ReportCase, ...]
    clocks: tuple[ReportClock, ...]
    coverage: tuple[SourceLine, ...]
    rules: int
    digest: str

    @property
    def week(self) -> Week:
        """Which week."""
        return self.overview.week

    @property
    def states(self) -> dict[str, int]:
        """Cases of the week by state, in the words of the page."""
        counts = dict.fromkeys(verdicts.LABELS, 0)
        for one in self.cases:
            counts[one.state] += 1
        return {verdicts.LABELS[state]: count for state, count in counts.items() if count}


def report(desk: Desk, week: Week) -> Report:
    """The report of a week, out of all that was taken in."""
    seen = desk.overview(week)
    rules = [line.card.id for line in seen.rules if line.violations]
    found = [_case(desk, one) for one in desk.book.within(rules, week.days[0], week.moved(1).days[0])]
    found.sort(key=lambda one: (LEVELS.index(one.level), one.card.title, -one.events, one.key))
    return Report(
        overview=seen,
        cases=tuple(found),
        clocks=tuple(_clocks(desk, week)),
        coverage=desk.coverage(),
        rules=len(desk.rules.cards),
        digest=desk.rules.digest,
    )


def rests_on(desk: Desk) -> Head:
    """The newest entry of the ledger that reports rest on, as the head of a ledger that ends there."""
    head, newest = desk.book.head(), desk.book.newest(KINDS)
    origin = head.origin if head else ""
    return Head(origin, newest.seq, newest.hash) if newest else Head(origin, 0, "")


def _case(desk: Desk, found: CaseDays) -> ReportCase:
    case = found.case
    facts = verdicts.facts_of(case)
    return ReportCase(
        key=case.key,
        card=desk.rules.card(case.rule),
        level=case.level,
        resource=case.resource,
        path=case.path,
        actor=case.actor,
        violations=found.violations,
        events=found.events,
        first=found.first,
        last=found.last,
        state=case.state,
        waiting="pending" in facts,
        verdict=facts.get("verdict", {}) if case.state != NEW else {},
    )


def _clocks(desk: Desk, week: Week) -> list[ReportClock]:
    """Incidents that were known before the week was over and not settled before it began."""
    found = []
    for one in desk.register():
        clock = incident.deadline(one.case)
        if clock is None or clock.aware >= week.until or (clock.met or week.since) < week.since:
            continue
        assessed: severity.Severity = one.severity
        found.append(
            ReportClock(
                one.case.key,
                one.card.title,
                clock.aware,
                clock.due,
                clock.met,
                assessed.level,
                assessed.score,
            )
        )
    return sorted(found, key=lambda one: (one.due, one.key))


def as_json(made: Report) -> dict[str, Any]:
    """The report as JSON can say it. Times are ISO 8601 in UTC."""
    seen = made.overview
    return {
        "kind": "privwatch week report 1",
        "week": str(made.week),
        "from": made.week.days[0],
        "to": made.week.days[-1],
        "rule_set": {"rules": made.rules, "digest": made.digest},
        "figures": {
            "violations": seen.violations,
            "violations_in_the_week_before": seen.before,
            "events": seen.events,
            "people_approximately": seen.people,
            "cases": len(made.cases),
            "cases_by_state": made.states,
        },
        "weeks": [str(week) for week in seen.weeks],
        "violations_by_level_and_week": {level: list(counts) for level, counts in seen.levels},
        "violations_by_day_and_level": {
            day: dict(zip(LEVELS, counts, strict=True)) for day, counts in seen.days
        },
        "rules": [
            {
                "id": line.card.id,
                "title": line.card.title,
                "articles": line.card.articles,
                "level": line.level,
                "violations": line.violations,
                "events": line.events,
                "people_approximately": line.people,
                "violations_by_week": list(line.trend),
            }
            for line in seen.rules
        ],
        "cases": [_case_json(one) for one in made.cases],
        "clocks": [
            asdict(one) | {name: told(getattr(one, name)) for name in ("aware", "due", "notified")}
            for one in made.clocks
        ],
        "coverage": [
            {
                "source": line.name,
                "parts": line.parts,
                "events": line.events,
                "not_evaluated": dict(line.unread),
                "left_out": dict(line.skipped),
                "last_looked_at": told(line.seen),
            }
            for line in made.coverage
        ],
    }


def _case_json(one: ReportCase) -> dict[str, Any]:
    times = {name: told(value) for name, value in one.verdict.items() if name in {"at", "confirmed_at"}}
    return {
        "case": one.key,
        "rule": one.card.id,
        "title": one.card.title,
        "articles": one.card.articles,
        "level": one.level,
        "system": one.resource,
        "field": one.path,
        "actor": one.actor,
        "violations": one.violations,
        "events": one.events,
        "first_event": told(one.first),
        "last_event": told(one.last),
        "state": verdicts.LABELS[one.state],
        "waits_for_a_second_person": one.waiting,
        "verdict": {name: value for name, value in {**one.verdict, **times}.items() if name != "until_at"},
    }


def told(micros: int | None) -> str | None:
    """A time as ISO 8601 in UTC, to the second."""
    return None if micros is None else clocks.moment(micros).strftime("%Y-%m-%dT%H:%M:%SZ")
