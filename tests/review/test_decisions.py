"""What people decide: verdicts and four eyes, clocks, severity, register and draft of a notification."""

import datetime as dt
import json
from dataclasses import replace
from itertools import product

import pytest

from monitor.casebook import NEW, Case, Change
from monitor.review import clocks, incident, severity, verdicts
from monitor.review.verdicts import (
    ACCEPTED,
    BREACH,
    DUPLICATE,
    FALSE_POSITIVE,
    FOUR_EYES,
    LABELS,
    MOVES,
    UNSETTLED,
    VERIFIED,
    Decision,
    DecisionError,
)

NOW = clocks.micros(dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC))
HOUR = clocks.HOUR
CASE = Case(
    key="g1", rule="r", level="high", kind="event", actor="psn_1", resource="/stop", path="url.original",
    violations=2, events=7, subjects=(1, 2, 3), first=NOW - 90 * HOUR, last=NOW - 80 * HOUR,
)  # fmt: skip
TERMS = {"owner": "head of sales", "until": dt.date(2027, 1, 1), "other": "g2"}


def after(case: Case, change: Change) -> Case:
    return replace(
        case,
        state=change.state,
        version=case.version + 1,
        facts=change.facts,
        due=change.due,
        expires=change.expires,
    )


def in_state(state: str) -> Case:
    return replace(CASE, state=state, facts=json.dumps({"verdict": {"at": NOW - HOUR}}))


@pytest.mark.parametrize(("state", "to"), list(product(LABELS, LABELS)))
def test_a_case_moves_where_it_may_and_nowhere_else(state, to):
    wanted = Decision(to, "ada", "because", **TERMS)
    if to not in MOVES[state]:
        with pytest.raises(DecisionError, match="cannot become"):
            verdicts.decide(in_state(state), wanted, NOW)
        return
    change = verdicts.decide(in_state(state), wanted, NOW)
    assert change.record.who == "ada"
    assert change.record.body["reason"] == "because"
    if to in FOUR_EYES:
        assert (change.state, change.unsettled, change.record.kind) == (state, True, "case.proposed")
        change = verdicts.confirm(after(in_state(state), change), "bela", NOW)
    assert (change.state, change.unsettled) == (to, to in UNSETTLED)
    assert "pending" not in json.loads(change.facts)
    assert (change.expires is not None) == (to == ACCEPTED)


def test_every_state_can_be_left_again():
    assert all(MOVES[state] for state in LABELS)


def test_nobody_confirms_their_own_proposal_and_it_can_be_declined():
    proposed = after(CASE, verdicts.decide(CASE, Decision(FALSE_POSITIVE, "ada", "a test address"), NOW))
    with pytest.raises(DecisionError, match="your own"):
        verdicts.confirm(proposed, "ada", NOW)
    with pytest.raises(DecisionError, match="waits"):
        verdicts.decide(proposed, Decision(BREACH, "bela", "no"), NOW)
    declined = after(proposed, verdicts.decline(proposed, "bela", "it is a customer"))
    assert (declined.state, verdicts.facts_of(declined)) == (NEW, {})
    for late in (
        lambda: verdicts.confirm(declined, "bela", NOW),
        lambda: verdicts.decline(declined, "b", "x"),
    ):
        with pytest.raises(DecisionError, match="no proposal"):
            late()


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        (Decision(BREACH, "ada", "  "), "reason is missing"),
        (Decision(BREACH, "ada", "x" * 2001), "2001 characters"),
        (Decision("nonsense", "ada", "x"), "no such verdict"),
        (Decision(ACCEPTED, "ada", "x", until=dt.date(2027, 1, 1)), "an owner"),
        (Decision(ACCEPTED, "ada", "x", owner="sales", until=dt.date(2026, 11, 22)), "in the past"),
        (Decision(DUPLICATE, "ada", "x", other="g1"), "which other case"),
    ],
)
def test_what_is_missing_is_said(decision, message):
    with pytest.raises(DecisionError, match=message):
        verdicts.decide(CASE, decision, NOW)


def test_what_was_verified_and_happens_again_is_new_again():
    verified = in_state(VERIFIED)
    assert verdicts.recurred(verified) is None
    change = verdicts.recurred(replace(verified, last=NOW))
    assert (change.state, change.unsettled, change.record.who) == (NEW, True, "privwatch")
    assert verdicts.lapsed(in_state(ACCEPTED)).state == NEW


def test_the_clock_runs_from_awareness_through_weekends():
    friday = clocks.micros(dt.datetime(2026, 11, 20, 17, tzinfo=dt.UTC))
    clock = clocks.Deadline(friday)
    assert clocks.moment(clock.due) == dt.datetime(2026, 11, 23, 17, tzinfo=dt.UTC)
    states = {hours: clock.state(friday + hours * HOUR) for hours in (0, 48, 49, 72, 73)}
    assert states == {0: "running", 48: "running", 49: "urgent", 72: "urgent", 73: "over"}
    assert clocks.Deadline(friday, friday + 72 * HOUR).state(NOW) == "met"
    assert clocks.Deadline(friday, friday + 73 * HOUR).state(NOW) == "late"
    assert [clocks.told(n * HOUR) for n in (53, 5, -3)] == ["2 d 5 h", "5 h 0 min", "3 h 0 min over"]


def test_a_late_notification_needs_its_reasons_and_phases_add_up():
    case = after(CASE, incident.aware(CASE, "dora", NOW - 73 * HOUR, "the report of the shop's team", NOW))
    assert case.due == NOW - HOUR
    with pytest.raises(DecisionError, match="reasons for the delay"):
        incident.notified(case, "dora", NOW, "ref 1", NOW)
    case = after(case, incident.documented(case, "dora", {"delay": "the vendor answered late"}))
    case = after(case, incident.notified(case, "dora", NOW, "ref 1", NOW))
    assert case.due is None
    case = after(case, incident.notified(case, "dora", NOW + HOUR, "ref 1, in full", NOW + HOUR))
    assert incident.deadline(case).state(NOW) == "late"
    assert [phase["reference"] for phase in verdicts.facts_of(case)["incident"]["phases"]] == [
        "ref 1",
        "ref 1, in full",
    ]


def test_later_phases_need_no_reasons_where_the_first_was_in_time():
    case = after(CASE, incident.aware(CASE, "dora", NOW, "the report of the shop's team", NOW))
    case = after(case, incident.notified(case, "dora", NOW + 71 * HOUR, "ref 1", NOW + 71 * HOUR))
    case = after(case, incident.notified(case, "dora", NOW + 400 * HOUR, "in full", NOW + 400 * HOUR))
    assert incident.deadline(case).state(NOW + 400 * HOUR) == "met"
    assert len(verdicts.facts_of(case)["incident"]["phases"]) == 2


def test_times_that_cannot_be_are_refused():
    for wrong, message in (
        (lambda: incident.aware(CASE, "d", NOW + 1, "x", NOW), "future"),
        (lambda: incident.notified(CASE, "d", NOW, "x", NOW), "became known"),
        (lambda: incident.documented(CASE, "d", {"nonsense": "x"}), "unknown"),
        (lambda: incident.assessed(CASE, "d", "dpc", 5.0, "x"), "no such factor"),
    ):
        with pytest.raises(DecisionError, match=message):
            wrong()


def overridden(**values: float) -> severity.Severity:
    said = {name: {"value": value, "by": "dora", "reason": "seen"} for name, value in values.items()}
    return severity.with_overrides(severity.prefilled(("financial",), "raw", 3), said)


def test_severity_is_the_worked_examples_of_the_method():
    mails = severity.prefilled(("contact",), "raw", 12)
    assert (mails.score, mails.level, mails.flags) == (1.0, "low", ())
    cards = overridden(ei=1.0)
    assert (cards.score, cards.level) == (3.25, "high")
    assert (overridden(ei=1.0, malicious=0.5, integrity=0.5).level, overridden(dpc=4, ei=1).level) == (
        "very high",
        "very high",
    )
    assert severity.prefilled((), "encrypted", 101).flags == ("more than 100 people", "data unintelligible")
    assert {name: one.source for name, one in cards.factors.items()}["ei"] == "dora"


def test_the_draft_says_what_is_known_and_no_personal_data():
    case = after(CASE, incident.aware(CASE, "dora", NOW, "mail of the shop's team", NOW))
    draft = incident.draft(
        case, "E-mail in a URL", "5(1)(c)", "contact", severity.prefilled(("contact",), "raw", 3)
    )
    assert draft["timeline"]["became_aware"] == "2026-11-23T09:00:00Z"
    assert draft["nature"]["people_approximately"] == 3
    assert draft["nature"]["type"] == ["confidentiality"]
    assert "psn_1" not in json.dumps(draft)
