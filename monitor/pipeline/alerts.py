"""Step 5 of a turn: what it has to say to people, and in which words. The store decides if it is said."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from monitor.clock import Clock
from monitor.engine.subjects import distinct, exact
from monitor.model import Alert, Turn, Violation
from monitor.outbox import FIRING, OVERFLOW, Claim, Notice
from monitor.rules.tree import Correlation, Rule

SILENT_STATUSES: Final = frozenset({"experimental", "test"})
"""Rules of these are recorded, not alerted."""

SECOND: Final = 1_000_000
_HOUR: Final = 3600 * SECOND
_DAY: Final = 24 * _HOUR
_PERIODS: Final = {"hour": (_HOUR, 0), "day": (_DAY, 0), "week": (7 * _DAY, 4 * _DAY)}
"""`x_alert.per` to its length, and to where one begins; weeks begin on Monday, the epoch was a Thursday."""


class Alerting:
    """Adds to a turn what it has to say.

    Args:
        rules: those whose violations a turn may hold.
        clock: says when it is said.
        targets: tier to the names of those who are told of it.
        burst: alerts of one rule in an hour, beyond which they are told of together.
    """

    def __init__(
        self, rules: Iterable[Rule], clock: Clock, targets: Mapping[str, tuple[str, ...]], burst: int
    ) -> None:
        self._clock = clock
        self._targets = targets
        self._burst = burst
        self._rules = {
            rule.header.id: rule
            for rule in rules
            if rule.header.status not in SILENT_STATUSES and targets.get(rule.alert.tier)
        }

    def __call__(self, turn: Turn) -> Turn:
        """The turn with its alerts, one for each key: that of the newest period or episode."""
        if not self._rules:
            return turn
        now = self._clock.now()
        newest: dict[str, tuple[tuple[int, str], Alert]] = {}
        for violation in _violations(turn):
            rule = self._rules.get(violation.rule)
            if rule is not None:
                alert = self._alert(rule, violation, now)
                rank = alert.ends, alert.violation
                if alert.key not in newest or newest[alert.key][0] <= rank:
                    newest[alert.key] = rank, alert
        return replace(turn, alerts=tuple(alert for _, alert in newest.values()))

    def _alert(self, rule: Rule, violation: Violation, now: int) -> Alert:
        header = rule.header
        episode = isinstance(rule, Correlation) and violation.last is not None
        return Alert(
            key=violation.group or violation.fingerprint,
            violation=violation.fingerprint,
            rule=header.id,
            level=header.level,
            tier=rule.alert.tier,
            facts=facts(rule, violation),
            starts=now if violation.first is None else min(violation.first, now),
            ends=_ends(rule, violation.last, now),
            newest=violation.last if episode and violation.last is not None else now,
            at=now,
            realert=rule.alert.realert * SECOND,
            burst=self._burst,
            targets=self._targets[rule.alert.tier],
        )


def _violations(turn: Turn) -> Iterator[Violation]:
    yield from (part.violation for part in turn.parts)
    yield from (violation for found in turn.episodes for violation in found.violations)


def _ends(rule: Rule, last: int | None, now: int) -> int:
    """When the period or the episode is over; never later than if its last event were of now."""
    if isinstance(rule, Correlation):
        length = rule.timespan * SECOND
        return now + length if last is None else min(last, now) + length
    if rule.alert.per not in _PERIODS:
        return now + rule.alert.realert * SECOND
    length, begins = _PERIODS[rule.alert.per]
    return now + length if last is None else ((min(last, now) - begins) // length + 1) * length + begins


def facts(rule: Rule, violation: Violation) -> str:
    """What the outbox keeps of rule and violation, as JSON: enough to explain the alert without either."""
    return json.dumps(
        {
            "name": rule.header.name or rule.header.id,
            "title": rule.header.title,
            "articles": ", ".join(rule.privacy.articles),
            "violation": explained(violation),
        },
        ensure_ascii=False,
    )


def explained(violation: Violation) -> dict[str, str]:
    """What may be told of a violation outside: nothing of the actor, no extract of what an event said.

    A correlation's extract is figures and bounds, which are told.
    """
    evidence = violation.evidence
    found = " ".join(word for word in (evidence.test, evidence.state) if word)
    told = {
        "violation": violation.fingerprint,
        "period": violation.period,
        "events": str(violation.count),
        "people": _people(violation.subjects),
        "first_seen": "" if violation.first is None else instant(violation.first),
        "last_seen": "" if violation.last is None else instant(violation.last),
        "field": violation.path or evidence.path,
        "found": found if violation.kind == "event" else evidence.extract,
        "resource": violation.resource,
    }
    return {name: text for name, text in told.items() if text}


def _people(subjects: tuple[int, ...]) -> str:
    if not subjects:
        return ""
    return f"{distinct(subjects)}" if exact(subjects) else f"about {distinct(subjects)}"


def instant(micros: int) -> str:
    """RFC 3339, UTC, whole seconds."""
    return dt.datetime.fromtimestamp(micros // SECOND, tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Wording:
    """Claims to notices.

    Attributes:
        labels: put on every alert, besides our own.
        link: `{fingerprint}` in it becomes the violation's; empty: no link.
    """

    labels: tuple[tuple[str, str], ...] = ()
    link: str = ""

    def notice(self, claim: Claim, status: str, ends: int) -> Notice:
        """What is said of a claim now, by what the store knows now.

        Args:
            claim: from the outbox.
            status: FIRING or RESOLVED.
            ends: microseconds UTC.
        """
        known = json.loads(claim.facts)
        told = self._told(claim, known)
        number = claim.wanted if status == FIRING else claim.told
        link = self.link.replace("{fingerprint}", told["violation"]) if "violation" in told else ""
        return Notice(
            id=f"{claim.id}.{status}.{number}",
            status=status,
            number=number,
            labels=(
                *self.labels,
                ("alertname", known["name"]),
                ("rule", claim.rule),
                ("level", claim.level),
                ("tier", claim.tier),
                ("fingerprint", claim.fingerprint),
            ),
            annotations=tuple(told.items()),
            starts=claim.starts,
            ends=ends,
            link=link,
        )

    def _told(self, claim: Claim, known: dict[str, Any]) -> dict[str, str]:
        articles = f"GDPR Art. {known['articles']}" if known["articles"] else ""
        if claim.fingerprint == OVERFLOW:
            told = {
                "summary": f"{known['title']}: {claim.held} more",
                "description": (
                    f"{claim.held} more alerts of this rule were held back, since it raised many within an"
                    " hour; their violations are in the store."
                ),
                "articles": articles,
            }
        else:
            violation = explained(claim.violation) if claim.violation else known["violation"]
            told = {
                "summary": known["title"],
                "description": _sentence(violation),
                "articles": articles,
                **violation,
            }
        return {name: text for name, text in told.items() if text}


def _sentence(violation: Mapping[str, str]) -> str:
    """As in: 42 events from 2026-11-16T08:00:00Z to 2026-11-16T08:41:00Z, 12 people: email raw in mail."""
    several = "events" if violation["events"] != "1" else "event"
    text = f"{violation['events']} {several}"
    if "first_seen" in violation:
        text += f" from {violation['first_seen']} to {violation['last_seen']}"
    if "people" in violation:
        text += f", {violation['people']} {'person' if violation['people'] == '1' else 'people'}"
    if "found" in violation:
        text += f": {violation['found']}"
    if "field" in violation:
        text += f" in {violation['field']}"
    return f"{text}."
