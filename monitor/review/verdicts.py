"""Verdicts: the states of a case, who may move it where, and what takes two people.

A decision makes a `Change`, which the store writes into case and ledger at once. False positives and accepted
risks are proposed by one person and confirmed by another; until then the case stays as it was.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from monitor.casebook import NEW, Case, Change
from monitor.errors import PrivwatchError
from monitor.ledger.entries import Record, canonical

IN_REVIEW = "in_review"
CONFIRMED = "confirmed"
BREACH = "breach_candidate"
FALSE_POSITIVE = "false_positive"
ACCEPTED = "accepted_risk"
DUPLICATE = "duplicate"
OUT_OF_SCOPE = "out_of_scope"
REMEDIATED = "remediated"
VERIFIED = "verified"

LABELS = {
    NEW: "new",
    IN_REVIEW: "in review",
    CONFIRMED: "confirmed non-compliance",
    BREACH: "breach candidate",
    FALSE_POSITIVE: "false positive",
    ACCEPTED: "accepted risk",
    DUPLICATE: "duplicate",
    OUT_OF_SCOPE: "out of scope",
    REMEDIATED: "remediated",
    VERIFIED: "verified",
}
"""Every state, in the words of the page."""

UNSETTLED = frozenset({NEW, IN_REVIEW, CONFIRMED, BREACH, REMEDIATED})
"""States in which somebody has still something to do."""

FOUR_EYES = frozenset({FALSE_POSITIVE, ACCEPTED})
"""States that one person proposes and another confirms."""

_FIRST = (IN_REVIEW, CONFIRMED, BREACH, FALSE_POSITIVE, ACCEPTED, DUPLICATE, OUT_OF_SCOPE)
MOVES = {
    NEW: _FIRST,
    IN_REVIEW: _FIRST[1:],
    CONFIRMED: (BREACH, ACCEPTED, REMEDIATED, IN_REVIEW),
    BREACH: (CONFIRMED, REMEDIATED, IN_REVIEW),
    REMEDIATED: (VERIFIED, IN_REVIEW),
    FALSE_POSITIVE: (IN_REVIEW,),
    ACCEPTED: (IN_REVIEW,),
    DUPLICATE: (IN_REVIEW,),
    OUT_OF_SCOPE: (IN_REVIEW,),
    VERIFIED: (IN_REVIEW,),
}
"""Where a case may go from each state."""

MACHINE = "privwatch"
"""Who it is where nobody decided: a date passed, or what was verified happened again."""

LONGEST = 2000
"""Characters of a reason."""

Facts = dict[str, Any]


class DecisionError(PrivwatchError):
    """A decision that cannot be taken, in words for who tried."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody wants of a case.

    Attributes:
        state: where it is to go.
        by: their account.
        reason: why; never empty.
        owner, until: of an accepted risk: who answers for it, and its last day.
        other: of a duplicate: the key of the case it repeats.
    """

    state: str
    by: str
    reason: str
    owner: str = ""
    until: dt.date | None = None
    other: str = ""


def facts_of(case: Case) -> Facts:
    """What was decided on a case."""
    return dict(json.loads(case.facts))


def decide(case: Case, decision: Decision, at: int) -> Change:
    """The change that a decision makes, or the proposal where it takes two.

    Args:
        case: as whoever decides saw it.
        decision: what they want.
        at: now, microseconds UTC.

    Raises:
        DecisionError: the case cannot go there, or something is missing.
    """
    reason = reasoned(decision.reason)
    facts = facts_of(case)
    if decision.state not in MOVES[case.state]:
        raise DecisionError(f"a case that is {LABELS[case.state]} cannot become {_label(decision.state)}")
    if "pending" in facts:
        raise DecisionError("a proposal waits for a second person; confirm or decline it first")
    said = {"state": decision.state, "by": decision.by, "reason": reason, "at": at} | _terms(
        case, decision, at
    )
    if decision.state in FOUR_EYES:
        return changed(case, facts | {"pending": said}, "case.proposed", decision.by, said)
    return changed(case, facts | {"verdict": said}, "case.verdict", decision.by, said, state=decision.state)


def confirm(case: Case, by: str, at: int) -> Change:
    """The change that a second person makes of a proposal.

    Raises:
        DecisionError: there is none, or it is their own.
    """
    facts = facts_of(case)
    pending = _pending(facts)
    if pending["by"] == by:
        raise DecisionError("this is your own proposal; another person has to confirm it")
    said = pending | {"confirmed_by": by, "confirmed_at": at}
    facts = {name: value for name, value in facts.items() if name != "pending"} | {"verdict": said}
    return changed(case, facts, "case.verdict", by, said, state=pending["state"])


def decline(case: Case, by: str, reason: str) -> Change:
    """The change that declines a proposal, or takes it back where it is one's own.

    Raises:
        DecisionError: there is none, or no reason.
    """
    facts = facts_of(case)
    pending = facts.pop("pending", None) or _pending(facts)
    said = {"state": pending["state"], "proposed_by": pending["by"], "reason": reasoned(reason)}
    return changed(case, facts, "case.declined", by, said)


def recurred(case: Case) -> Change | None:
    """The change that reopens a verified case, where an event is newer than the verification; else None."""
    facts = facts_of(case)
    if case.state != VERIFIED or (case.last or 0) <= facts["verdict"]["at"]:
        return None
    said = {"reason": "it happened again after it was verified"}
    return changed(case, facts, "case.reopened", MACHINE, said, state=NEW)


def lapsed(case: Case) -> Change:
    """The change that reopens a case whose acceptance is over."""
    said = {"reason": "the acceptance is over"}
    return changed(case, facts_of(case), "case.reopened", MACHINE, said, state=NEW)


def changed(case: Case, facts: Facts, kind: str, by: str, said: Facts, *, state: str | None = None) -> Change:
    """The change to these facts, with its entry of the ledger; to another state where one is given."""
    to = case.state if state is None else state
    until = facts.get("verdict", {}).get("until_at") if to == ACCEPTED else None
    return Change(
        key=case.key,
        version=case.version,
        state=to,
        unsettled=to in UNSETTLED or "pending" in facts,
        facts=canonical(facts),
        due=facts.get("incident", {}).get("due"),
        expires=until,
        record=Record(kind, case.key, by, said),
    )


def reasoned(text: str) -> str:
    """The reason in one piece.

    Raises:
        DecisionError: there is none, or it is too long.
    """
    reason = text.strip()
    if not reason:
        raise DecisionError("a reason is missing: say why, in a sentence")
    if len(reason) > LONGEST:
        raise DecisionError(f"the text has {len(reason)} characters; {LONGEST} are the most")
    return reason


def _label(state: str) -> str:
    if state not in LABELS:
        raise DecisionError("there is no such verdict")
    return LABELS[state]


def _pending(facts: Facts) -> Facts:
    if "pending" not in facts:
        raise DecisionError("no proposal waits here; somebody answered it meanwhile")
    return dict(facts["pending"])


def _terms(case: Case, decision: Decision, at: int) -> Facts:
    """What a verdict needs beside its reason."""
    if decision.state == DUPLICATE:
        if not decision.other or decision.other == case.key:
            raise DecisionError("say which other case this one repeats, by its number")
        return {"other": decision.other}
    if decision.state != ACCEPTED:
        return {}
    if not decision.owner.strip() or decision.until is None:
        raise DecisionError("an accepted risk needs an owner and a last day")
    last = dt.datetime.combine(decision.until, dt.time(), dt.UTC)
    until_at = round((last.timestamp() + 86_400) * 1e6)
    if until_at <= at:
        raise DecisionError("the last day of an accepted risk lies in the past")
    return {"owner": decision.owner.strip(), "until": decision.until.isoformat(), "until_at": until_at}
