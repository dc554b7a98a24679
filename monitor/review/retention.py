"""Retention: how long each kind of case is kept, what keeps one longer, what is due, and removing it.

A day is due when it lies further back than its kind is kept. Nothing of a case goes while it is on hold, its
clock or its acceptance runs. Removing is many small steps, so that whoever removes can do other things
between.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitor.casebook import Case, Casebook, CaseDays, Change
from monitor.ledger.entries import RETENTION, Record
from monitor.review.clocks import moment
from monitor.review.verdicts import BREACH, UNSETTLED, DecisionError, changed, facts_of, reasoned
from monitor.sections import RetentionSettings

OPEN = "open"
SETTLED = "settled"
INCIDENT = "incident"
HIDDEN = "hidden"
CASES = "cases"
ALERTS = "alerts"
PAYLOADS = "payloads"

LABELS = {
    OPEN: "violations of cases that somebody has still to decide on",
    SETTLED: "violations of cases that were decided on",
    INCIDENT: "violations of breach candidates and incidents",
    HIDDEN: "violations that a filter hides",
    CASES: "decided cases without a violation",
    ALERTS: "alerts that are over",
    PAYLOADS: "payloads of the ledger that nothing rests on",
}
"""Every kind of thing that goes, in the words of page and command."""

STEP = 5000
"""Violations of one step, as far as whole cases allow."""

DAY = 86_400_000_000
"""Microseconds."""


@dataclass(frozen=True, slots=True)
class Line:
    """What is due of one kind.

    Attributes:
        days: how long it is kept.
        before: the first day that is kept.
        due: how many things are too old.
        kept: how many more there would be, were they not on hold or under a clock.
        aged: the cases those are of, for kinds that have cases.
    """

    kind: str
    days: int
    before: dt.date
    due: int
    kept: int = 0
    aged: tuple[CaseDays, ...] = ()


def kind_of(case: Case) -> str:
    """Whether it is an incident, else whether somebody has still something to decide."""
    facts = facts_of(case)
    if case.state == BREACH or "incident" in facts:
        return INCIDENT
    return OPEN if case.state in UNSETTLED or "pending" in facts else SETTLED


def holds(case: Case, at: int) -> str:
    """Why nothing of the case may go, whatever its age; empty where nothing keeps it."""
    if "hold" in facts_of(case):
        return "it is on hold"
    if case.due is not None:
        return "its clock runs"
    return "its acceptance runs" if case.expires is not None and case.expires > at else ""


def hold(case: Case, by: str, reason: str) -> Change:
    """Keep a case whatever its age.

    Raises:
        DecisionError: there is no reason, or it is kept already.
    """
    facts = facts_of(case)
    if "hold" in facts:
        raise DecisionError("this case is on hold already")
    said = {"by": by, "reason": reasoned(reason)}
    return changed(case, facts | {"hold": said}, "case.held", by, said)


def release(case: Case, by: str, reason: str) -> Change:
    """End the hold.

    Raises:
        DecisionError: there is no reason, or no hold.
    """
    facts = facts_of(case)
    if facts.pop("hold", None) is None:
        raise DecisionError("this case is not on hold")
    return changed(case, facts, "case.released", by, {"reason": reasoned(reason)})


def due(book: Casebook, policy: RetentionSettings, at: int, *, payloads: bool = True) -> list[Line]:
    """What is too old at that time, kind by kind; nothing is removed.

    Without `payloads` those are left out: whether something rests on one is worked out from all of them.
    """
    store, lines = book.retirement(), list[Line]()
    for kind in (OPEN, SETTLED, INCIDENT):
        days, before = kept_days(policy, kind), first_kept(policy, kind, at)
        aged = [one for one in store.aged(before.isoformat()) if kind_of(one.case) == kind]
        gone = tuple(one for one in aged if not holds(one.case, at))
        total = sum(one.violations for one in gone)
        stays = sum(one.violations for one in aged) - total
        lines.append(Line(kind, days, before, total, stays, gone))
    hidden = first_kept(policy, HIDDEN, at)
    lines.append(Line(HIDDEN, policy.settled_days, hidden, store.hidden(hidden.isoformat())))
    lines.append(Line(CASES, policy.settled_days, hidden, len(_bare(book, policy, at))))
    over = first_kept(policy, ALERTS, at)
    lines.append(Line(ALERTS, policy.alert_days, over, store.over(_micros(over))))
    if payloads:
        old = first_kept(policy, PAYLOADS, at)
        lines.append(Line(PAYLOADS, policy.ledger_days, old, len(store.erasable(_micros(old)))))
    return lines


def first_kept(policy: RetentionSettings, kind: str, at: int) -> dt.date:
    """The first day (UTC) of that kind that is kept at that time."""
    return moment(at).date() - dt.timedelta(days=kept_days(policy, kind))


def kept_days(policy: RetentionSettings, kind: str) -> int:
    """How many days that kind is kept."""
    days = {
        OPEN: policy.open_days,
        INCIDENT: policy.incident_days,
        ALERTS: policy.alert_days,
        PAYLOADS: policy.ledger_days,
    }
    return days.get(kind, policy.settled_days)


def _micros(day: dt.date) -> int:
    return day.toordinal() * DAY - dt.date(1970, 1, 1).toordinal() * DAY


def _bare(book: Casebook, policy: RetentionSettings, at: int) -> list[Case]:
    """Cases without a violation that are too old for what they are."""
    found = book.retirement().bare(_micros(first_kept(policy, SETTLED, at)))
    return [
        one
        for one in found
        if not holds(one, at) and (one.last or 0) < _micros(first_kept(policy, kind_of(one), at))
    ]


def steps(
    book: Casebook, policy: RetentionSettings, at: int, who: str, most: int = STEP
) -> Iterator[tuple[str, int]]:
    """Remove what is too old, step by step; each is one transaction, and says what and how many went.

    A kind without anything to remove is no step. Violations are gathered first, so that each has its case;
    those steps say nothing and 0. `most` violations are of one step, as far as whole cases allow.
    """
    yield from _gathered(book, at, most)
    store = book.retirement()
    for kind in (OPEN, SETTLED, INCIDENT):
        before = first_kept(policy, kind, at).isoformat()
        aged = [one for one in store.aged(before) if kind_of(one.case) == kind and not holds(one.case, at)]
        for some in _portions(aged, most):
            yield kind, store.retire(some, before, _record(policy, kind, at, who), at)
    before = first_kept(policy, HIDDEN, at).isoformat()
    while gone := store.retire_hidden(before, _record(policy, HIDDEN, at, who), at):
        yield HIDDEN, gone
    yield from _gathered(book, at, most)
    if bare := _bare(book, policy, at):
        yield CASES, store.retire_bare(bare, _record(policy, CASES, at, who), at)
    over = _micros(first_kept(policy, ALERTS, at))
    while gone := store.retire_over(over, _record(policy, ALERTS, at, who), at):
        yield ALERTS, gone
    old = _micros(first_kept(policy, PAYLOADS, at))
    if gone := store.erase(old, _record(policy, PAYLOADS, at, who), at):
        yield PAYLOADS, gone


def _gathered(book: Casebook, at: int, most: int) -> Iterator[tuple[str, int]]:
    """Take in what changed, nothing of which counts as removed."""
    while book.gather(at, most):
        yield "", 0


def _portions(aged: Sequence[CaseDays], most: int) -> Iterator[list[Case]]:
    portion: list[Case] = []
    size = 0
    for one in aged:
        if portion and size + one.violations > most:
            yield portion
            portion, size = [], 0
        portion.append(one.case)
        size += one.violations
    if portion:
        yield portion


def _record(policy: RetentionSettings, kind: str, at: int, who: str) -> Record:
    before = first_kept(policy, kind, at).isoformat()
    reason = f"older than {kept_days(policy, kind)} days"
    return Record(RETENTION, "", who, {"what": kind, "before": before, "reason": reason})
