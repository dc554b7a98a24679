"""The desk: everything the page and the reports ask of a store, and everything people do there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.casebook import Case, Casebook, Change, Query
from monitor.clock import Clock
from monitor.engine.subjects import distinct, exact
from monitor.errors import OutpacedError
from monitor.ledger.entries import Entry, Payload, Record
from monitor.model import Violation
from monitor.review import clocks, incident, severity, verdicts
from monitor.review.catalogue import Card, Catalogue
from monitor.review.coverage import SourceLine, sources
from monitor.review.weeks import SHOWN_WEEKS, Overview, Week, overview, week_at
from monitor.sections import RetentionSettings

OCCURRENCES = 200
"""Violations of a case that are shown."""

ALIKE = 5

Written = tuple[Entry, Payload | None]


@dataclass(frozen=True, slots=True)
class Line:
    """A case in the queue; `trend` are its events in each of the shown weeks, oldest first."""

    case: Case
    card: Card
    people: int
    exact: bool
    trend: tuple[int, ...]
    recurring: bool
    waiting: bool
    """For a second person."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """All there is to know of a case."""

    case: Case
    card: Card
    people: int
    exact: bool
    facts: verdicts.Facts
    violations: tuple[Violation, ...]
    history: tuple[Written, ...]
    alike: tuple[Case, ...]
    severity: severity.Severity
    deadline: clocks.Deadline | None
    weeks: tuple[Week, ...]
    trend: tuple[int, ...]
    moves: tuple[str, ...]


class Desk:
    """One namespace of a store, under one rule set, and how long what is kept there."""

    def __init__(
        self, book: Casebook, rules: Catalogue, clock: Clock, retention: RetentionSettings | None = None
    ) -> None:
        self.book = book
        self.rules = rules
        self.retention = retention or RetentionSettings()
        self._clock = clock

    def now(self) -> int:
        """Microseconds UTC."""
        return self._clock.now()

    def catch_up(self) -> int:
        """Take in what was found meanwhile, reopen what has to be; returns how many violations changed."""
        taken = 0
        while fresh := self.book.gather(self.now()):
            taken += fresh
        again = self.book.find(Query(states=(verdicts.VERIFIED,), newest_first=True, limit=1000)).cases
        changes = [*map(verdicts.recurred, again), *map(verdicts.lapsed, self.book.expired(self.now()))]
        for change in changes:
            if change is not None:
                self._apply_quietly(change)
        return taken

    def _apply_quietly(self, change: Change) -> None:
        try:
            self.book.change(change, self.now())
        except OutpacedError:
            return  # somebody decided at this moment; the next look sees what is left to do

    def overview(self, week: Week) -> Overview:
        """A week beside those before it."""
        first = week.moved(1 - SHOWN_WEEKS)
        found = self.book.days(first.days[0], week.moved(1).days[0], week.days[0])
        return overview(week, found, self.rules)

    def latest(self) -> Week:
        """The running week where something was found in it, else the last one in which something was."""
        running = week_at(self.now())
        newest = self.book.find(Query(newest_first=True, limit=1)).cases
        last = newest[0].last if newest else None
        return running if last is None else min(running, week_at(last))

    def coverage(self) -> tuple[SourceLine, ...]:
        """What was read, and what was not."""
        return sources(self.book.counts(), self.book.sightings(), self.now())

    def lines(self, cases: Sequence[Case], week: Week) -> list[Line]:
        """Cases as lines of the queue, with their weeks up to this one."""
        first = week.moved(1 - SHOWN_WEEKS)
        trends = self.book.trends(cases, first.since)
        return [
            Line(
                case,
                self.rules.card(case.rule),
                distinct(case.subjects),
                exact(case.subjects),
                _weekly(trends.get(case.key, ()), first),
                case.first is not None and case.first < week.since,
                "pending" in verdicts.facts_of(case),
            )
            for case in cases
        ]

    def dossier(self, case: Case) -> Dossier:
        """All there is to know of a case."""
        card = self.rules.card(case.rule)
        facts = verdicts.facts_of(case)
        found = self.book.occurrences(case, OCCURRENCES)
        people = distinct(case.subjects)
        state = found[0].evidence.state if found else ""
        last = week_at(case.last) if case.last else week_at(self.now())
        first = last.moved(1 - SHOWN_WEEKS)
        trend = self.book.trends([case], first.since).get(case.key, ())
        assessed = severity.prefilled(card.categories, state, people)
        return Dossier(
            case=case,
            card=card,
            people=people,
            exact=exact(case.subjects),
            facts=facts,
            violations=found,
            history=self.book.history(case.key),
            alike=self.book.alike(case, ALIKE),
            severity=severity.with_overrides(assessed, facts.get("severity", {})),
            deadline=incident.deadline(case),
            weeks=tuple(first.moved(n) for n in range(SHOWN_WEEKS)),
            trend=_weekly(trend, first),
            moves=verdicts.MOVES[case.state],
        )

    def register(self) -> list[Dossier]:
        """Every incident (Art. 33(5)): breach candidates, and whatever has or had a clock, in any state.

        The clocks that run come first, then those with the newest events.
        """
        running = {one.key: one for one in self.book.due()}
        others = self.book.incidents(verdicts.BREACH, incident.KINDS)
        return [self.dossier(one) for one in (running | {one.key: one for one in others}).values()]

    def change(self, change: Change) -> Entry:
        """Write a decision down.

        Raises:
            OutpacedError: somebody decided meanwhile.
        """
        return self.book.change(change, self.now())

    def note(self, kind: str, ref: str, who: str, body: Mapping[str, object]) -> Entry:
        """Write down that something was done or shown."""
        return self.book.write(Record(kind, ref, who, body), self.now())


def _weekly(said: Sequence[tuple[str, int]], first: Week) -> tuple[int, ...]:
    """Events by week, out of (period, events)."""
    number = {day: n for n in range(SHOWN_WEEKS) for day in first.moved(n).days}
    trend = [0] * SHOWN_WEEKS
    for period, events in said:
        if (n := number.get(period[:10])) is not None:
            trend[n] += events
    return tuple(trend)
