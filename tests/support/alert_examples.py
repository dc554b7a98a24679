"""The examples of docs/alerts.md, as the code makes them."""

import datetime as dt
import json
from dataclasses import replace

from monitor.clock import ManualClock
from monitor.model import Evidence, Part, Turn, Violation
from monitor.outbox import FIRING, Claim, Notice
from monitor.pipeline.alerts import Alerting, Wording
from monitor.rules.ruleset import load
from monitor.rules.tree import EventRule
from monitor.sinks.documents import alert_document, notice_document, timestamp
from tests.support.alerts import HOUR, NOON, SECOND
from tests.support.shipped import SHIPPED

LINK = "https://privacy.example.org/violations/{fingerprint}"


def example(name: str, violation: Violation) -> Notice:
    """The notice of a violation of a shipped rule, told at noon."""
    ruleset, _ = load([SHIPPED], dt.date(2026, 11, 16))
    assert ruleset is not None
    rule = next(one for one in ruleset.rules if one.header.name == name)
    turn = Turn(parts=(Part("app-logs-0", _of(violation, rule)),))
    (alert,) = Alerting([rule], ManualClock(NOON), {rule.alert.tier: ("desk",)}, 100)(turn).alerts
    claim = Claim(
        key=alert.key,
        number=1,
        fingerprint=alert.violation,
        rule=alert.rule,
        level=alert.level,
        tier=alert.tier,
        facts=alert.facts,
        starts=alert.starts,
        ends=alert.ends,
        wanted=1,
        told=0,
        told_at=None,
        attempts=0,
    )
    return Wording((("site", "muenchen"),), LINK).notice(claim, FIRING, alert.ends)


def _of(violation: Violation, rule: EventRule) -> Violation:
    return replace(violation, rule=rule.header.id, level=rule.header.level, status=rule.header.status)


def pages() -> list[str]:
    """JSON as the page shows it: what Alertmanager is posted, what a webhook is."""
    notice = example(
        "email_in_url",
        Violation(
            fingerprint="5d1f0c2b7a9e4f3080c6d2e1b4a79f55",
            rule="",
            digest="",
            level="",
            status="",
            kind="event",
            actor="0d9c41be7f23aa10",
            resource="GET /account/{…}",
            path="url.original",
            period="2026-11-16",
            group="c07e5b1d9f6a48823b4de0a1f7c69d21",
            count=42,
            first=NOON - 4 * HOUR,
            last=NOON - 13 * 60 * SECOND,
            samples=(),
            evidence=Evidence("url.original", "email", "encoded", "percent", "/xxxxxxx/9?xxxx=[email]"),
            subjects=tuple(range(1, 13)),
        ),
    )
    posted = {"type": "alert.firing", "timestamp": timestamp(NOON), "data": notice_document(notice)}
    return [json.dumps(one, indent=2, ensure_ascii=False) for one in ([alert_document(notice)], posted)]
