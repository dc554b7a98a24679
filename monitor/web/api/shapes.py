"""From what the review knows to what programs are told of it."""

from __future__ import annotations

from typing import Any

from monitor.casebook import Case
from monitor.ledger.entries import Entry, Payload
from monitor.model import Violation
from monitor.review import clocks, verdicts
from monitor.review.catalogue import Card
from monitor.review.clocks import Deadline
from monitor.review.coverage import SourceLine
from monitor.review.desk import Desk, Dossier, Line
from monitor.review.dismissed import Proposal
from monitor.review.incident import TEXTS
from monitor.review.report import told as moment
from monitor.review.severity import Severity
from monitor.review.summary import LEVELS
from monitor.review.weeks import Overview, week_at
from monitor.web.api import told


def at(micros: int) -> str:
    """A time that is there."""
    return clocks.moment(micros).strftime("%Y-%m-%dT%H:%M:%SZ")


def rule(card: Card) -> told.Rule:
    """A rule."""
    return told.Rule(
        id=card.id,
        title=card.title,
        articles=card.articles,
        description=card.description,
        categories=card.categories,
    )


def week(desk: Desk, seen: Overview, now: int) -> told.Week:
    """A week."""
    rules = tuple(
        told.RuleWeek(
            rule=rule(one.card),
            level=one.level,
            violations=one.violations,
            events=one.events,
            people=one.people,
            trend=one.trend,
            news=one.news,
        )
        for one in seen.rules
    )
    return told.Week(
        week=str(seen.week),
        first_day=seen.week.days[0],
        last_day=seen.week.days[-1],
        running=seen.week >= week_at(now),
        violations=seen.violations,
        violations_before=seen.before,
        events=seen.events,
        people=seen.people,
        weeks=tuple(map(str, seen.weeks)),
        by_level=dict(seen.levels),
        by_day={day: dict(zip(LEVELS, counts, strict=True)) for day, counts in seen.days},
        rules=rules,
        cases_by_state=dict(desk.book.states()),
        coverage=tuple(map(source, desk.coverage())),
        rule_set=desk.rules.digest,
    )


def source(line: SourceLine) -> told.Source:
    """A source."""
    return told.Source(
        name=line.name,
        parts=line.parts,
        events=line.events,
        not_evaluated=dict(line.unread),
        left_out=dict(line.skipped),
        last_looked_at=moment(line.seen),
        silent=line.silent,
    )


def line(one: Line) -> told.Line:
    """A case of the queue."""
    return told.Line(**_facts(one))


def _facts(one: Line) -> dict[str, Any]:
    case = one.case
    return {
        "key": case.key,
        "version": case.version,
        "rule": rule(one.card),
        "level": case.level,
        "state": case.state,
        "waiting": one.waiting,
        "recurring": one.recurring,
        "system": case.resource,
        "field": case.path,
        "actor": case.actor,
        "violations": case.violations,
        "events": case.events,
        "people": one.people,
        "people_exact": one.exact,
        "first": moment(case.first),
        "last": moment(case.last),
        "trend": one.trend,
    }


def case(one: Line, found: Dossier, now: int) -> told.Case:
    """All of a case."""
    facts = found.facts
    return told.Case(
        **_facts(one),
        rule_falsepositives=found.card.falsepositives,
        verdict=decided(facts.get("verdict")),
        pending=decided(facts.get("pending")),
        may_become=found.moves,
        clock=clock(found.case, found.card.title, found.deadline, now) if found.deadline else None,
        register_texts=texts(facts),
        severity=severity(found.severity),
        newest_violations=tuple(map(violation, found.violations)),
        history=tuple(happened(entry, payload) for entry, payload in found.history),
        alike=tuple(one.key for one in found.alike),
    )


def state(changed: Case) -> told.State:
    """A case after a decision."""
    return told.State(
        key=changed.key,
        version=changed.version,
        state=changed.state,
        waiting="pending" in verdicts.facts_of(changed),
        due=moment(changed.due),
        expires=moment(changed.expires),
    )


def decided(said: dict[str, Any] | None) -> told.Decided | None:
    """A verdict or a proposal."""
    if said is None:
        return None
    times = {name: moment(said[name]) for name in ("at", "confirmed_at") if name in said}
    return told.Decided.model_validate({**said, **times})


def violation(one: Violation) -> told.Violation:
    """A violation with its masked evidence."""
    why = one.evidence
    return told.Violation(
        fingerprint=one.fingerprint,
        period=one.period,
        level=one.level,
        status=one.status,
        actor=one.actor,
        system=one.resource,
        field=one.path,
        events=one.count,
        first=moment(one.first),
        last=moment(one.last),
        value=one.value,
        evidence=told.Evidence(
            path=why.path, test=why.test, state=why.state, steps=why.steps, extract=why.extract
        ),
        samples=tuple(told.Position(partition=one.partition, offset=one.offset) for one in one.samples),
    )


def clock(case: Case, title: str, deadline: Deadline, now: int) -> told.Clock:
    """A clock."""
    return told.Clock(
        case=case.key,
        title=title,
        aware=at(deadline.aware),
        due=at(deadline.due),
        notified=moment(deadline.met),
        state=deadline.state(now),
        left_seconds=deadline.left(now) // 1_000_000,
    )


def severity(one: Severity) -> told.Severity:
    """The severity with where each factor comes from."""
    factors = {
        name: told.FactorTold(value=factor.value, source=factor.source, reason=factor.reason)
        for name, factor in one.factors.items()
    }
    return told.Severity(score=one.score, level=one.level, flags=one.flags, factors=factors)


def incident(found: Dossier, now: int) -> told.Incident:
    """An incident of the register."""
    case = found.case
    return told.Incident(
        case=case.key,
        version=case.version,
        rule=rule(found.card),
        level=case.level,
        state=case.state,
        clock=clock(case, found.card.title, found.deadline, now) if found.deadline else None,
        severity=severity(found.severity),
        texts=texts(found.facts),
    )


def proposal(one: Proposal) -> told.Proposal:
    """A filter that is proposed."""
    return told.Proposal(
        key=one.key,
        rule=rule(one.card),
        system=one.system,
        file=one.name,
        text=one.text,
        dismissed=tuple(each.key for each in one.dismissed),
        hidden=tuple(each.key for each in one.hidden),
        hidden_open=one.open,
        hidden_confirmed=one.confirmed,
        hidden_events=one.events,
        shared=dict(one.shared),
    )


def texts(facts: dict[str, Any]) -> dict[str, str]:
    """Texts of the register that were written."""
    said = facts.get("incident", {})
    return {name: said[name] for name in TEXTS if name in said}


def happened(entry: Entry, payload: Payload | None) -> told.Happened:
    """An entry as part of a history."""
    return told.Happened(
        seq=entry.seq,
        at=at(entry.at),
        kind=entry.kind,
        who=entry.who,
        content=payload.content if payload else None,
    )


def entry(one: Entry, payload: Payload | None) -> told.Entry:
    """An entry as it is proved."""
    return told.Entry(
        seq=one.seq,
        at=one.at,
        kind=one.kind,
        ref=one.ref,
        who=one.who,
        commitment=one.commitment,
        previous=one.previous,
        hash=one.hash,
        signature=one.signature,
        salt=payload.salt if payload else None,
        body=payload.body if payload else None,
    )


def head(desk: Desk) -> told.Head:
    """The ledger's end."""
    found = desk.book.head()
    origin, size, digest = (found.origin, found.size, found.hash) if found else ("", 0, "")
    return told.Head(origin=origin, size=size, hash=digest, public_key=desk.book.public_key)
