"""Incidents: what is documented of a breach candidate (Art. 33(5)), when it was known, when it was told.

Times are set by people, with a reason. The software draws up what it knows and calls nothing a breach.
"""

from __future__ import annotations

from typing import Any

from monitor.casebook import Case, Change
from monitor.review import clocks
from monitor.review.severity import NAMES, Severity, allowed
from monitor.review.verdicts import DecisionError, changed, facts_of, reasoned

TEXTS = {
    "nature": "What happened: nature of the incident",
    "cause": "Cause",
    "effects": "Likely consequences for the people concerned",
    "measures": "Measures taken or proposed",
    "contact": "Contact for the authority",
    "decision": "Whether to notify, and on what grounds",
    "delay": "Reasons for the delay, where 72 hours are over",
}
"""Texts of the register, by name; the labels of their fields."""

_LONGEST = 8000

KINDS = ("case.aware", "case.documented", "case.notified")
"""Kinds of ledger entries that make a case an incident, whatever is decided on it later."""


def aware(case: Case, by: str, at: int, reason: str, now: int) -> Change:
    """Say when the breach became known; the 72 hours run from then.

    Raises:
        DecisionError: the time lies ahead or before all computers' time, or no reason is given.
    """
    if not 0 <= at <= now:
        raise DecisionError("the time of awareness lies in the future, or before 1970")
    facts = facts_of(case)
    said = {"aware_at": at, "aware_by": by, "justification": reasoned(reason)}
    before = facts.get("incident", {})
    due = None if before.get("notified_at") else clocks.Deadline(at).due
    facts["incident"] = before | said | {"due": due}
    return changed(case, facts, "case.aware", by, said)


def documented(case: Case, by: str, texts: dict[str, str]) -> Change:
    """Write texts of the register down.

    Raises:
        DecisionError: a text is unknown or too long.
    """
    unknown = texts.keys() - TEXTS.keys()
    if unknown or any(len(text) > _LONGEST for text in texts.values()):
        raise DecisionError(f"a text of the register is unknown, or longer than {_LONGEST} characters")
    facts = facts_of(case)
    said = {name: text.strip() for name, text in texts.items()}
    facts["incident"] = facts.get("incident", {}) | said
    return changed(case, facts, "case.documented", by, said)


def notified(case: Case, by: str, at: int, reference: str, now: int) -> Change:
    """Say that the authority was told, in full or in a first phase (Art. 33(4)); the first stops the clock.

    Raises:
        DecisionError: the clock was never started, the time is wrong, or 72 hours were over without reasons.
    """
    facts = facts_of(case)
    incident: dict[str, Any] = facts.get("incident", {})
    if "aware_at" not in incident:
        raise DecisionError("say first when the breach became known")
    if not incident["aware_at"] <= at <= now:
        raise DecisionError("the notification lies before the awareness, or in the future")
    # What comes in later phases (Art. 33(4)) needs no reasons, where the first was in time.
    clock = clocks.Deadline(incident["aware_at"], incident.get("notified_at") or at)
    if clock.left(now) < 0 and not incident.get("delay"):
        raise DecisionError("72 hours were over: write down the reasons for the delay first (Art. 33(1))")
    said = {"at": at, "by": by, "reference": reasoned(reference)}
    phases = [*incident.get("phases", []), said]
    first = {"notified_at": incident.get("notified_at", at), "due": None}
    facts["incident"] = incident | first | {"phases": phases}
    return changed(case, facts, "case.notified", by, said)


def assessed(case: Case, by: str, name: str, value: float, reason: str) -> Change:
    """Set a factor of the severity.

    Raises:
        DecisionError: there is no such factor or value, or no reason is given.
    """
    if name not in NAMES or value not in allowed(name):
        raise DecisionError("there is no such factor, or it cannot have that value")
    facts = facts_of(case)
    said = {"value": value, "by": by, "reason": reasoned(reason)}
    facts["severity"] = facts.get("severity", {}) | {name: said}
    return changed(case, facts, "case.severity", by, {"factor": name} | said)


def deadline(case: Case) -> clocks.Deadline | None:
    """The 72 hours of a case, where they ever ran."""
    incident = facts_of(case).get("incident", {})
    known = incident.get("aware_at")
    return None if known is None else clocks.Deadline(known, incident.get("notified_at"))


def draft(case: Case, title: str, articles: str, categories: str, severity: Severity) -> dict[str, Any]:
    """What a notification says (Art. 33(3)), as far as it is known; the rest is for a person to fill in.

    The keys follow the parts of the EDPB's common breach notification template that can be derived. Personal
    data is never among them.
    """
    incident = facts_of(case).get("incident", {})
    times = {name: incident.get(f"{name}_at") for name in ("aware", "notified")}
    return {
        "timeline": {
            "first_event": _told(case.first),
            "last_event": _told(case.last),
            "became_aware": _told(times["aware"]),
            "notified": _told(times["notified"]),
            "justification_of_awareness": incident.get("justification", ""),
            "reasons_for_delay": incident.get("delay", ""),
        },
        "nature": {
            "finding": title,
            "description": incident.get("nature", ""),
            "cause": incident.get("cause", ""),
            "type": [
                name
                for name in ("confidentiality", "integrity", "availability")
                if severity.factors[name].value
            ],
            "provisions": articles,
            "system": case.resource,
            "field": case.path,
            "categories_of_data": categories,
            "records_approximately": case.events,
            "people_approximately": severity.people,
            "unintelligible_to_others": severity.unintelligible,
        },
        "contact": incident.get("contact", ""),
        "consequences": {
            "likely": incident.get("effects", ""),
            "severity": severity.level,
            "score": severity.score,
            "flags": list(severity.flags),
        },
        "measures": incident.get("measures", ""),
        "decision": incident.get("decision", ""),
        "phases": [phase | {"at": _told(phase["at"])} for phase in incident.get("phases", ())],
    }


def _told(micros: int | None) -> str | None:
    return None if micros is None else clocks.moment(micros).strftime("%Y-%m-%dT%H:%M:%SZ")
