"""Which violations of a turn are worth a word, under which key, until when, and in which words."""

import json
import re
from dataclasses import replace

import pytest
import yaml

from monitor.alert_settings import AlertsSettings
from monitor.clock import ManualClock
from monitor.model import Episodes, Evidence, Logsource, Part, Turn
from monitor.pipeline.alerts import Alerting, explained
from monitor.rules.tree import (
    AlertPolicy,
    Correlation,
    EventRule,
    Header,
    Privacy,
    Span,
    Threshold,
)
from tests.support import alert_examples
from tests.support.alerts import DAY, HOUR, NOON, SECOND
from tests.support.shipped import ROOT
from tests.support.turns import episode, event

HEADER = Header(
    "rule-a", "E-mail address in a URL", Span("a.yml", 1, 1), "d1", name="email_in_url", level="high"
)
RULE = EventRule(HEADER, Logsource(), (), (), Privacy(articles=("5(1)(c)",)), AlertPolicy(tier="page"))
BULK = Correlation(
    replace(HEADER, id="bulk", name="bulk_read"),
    "event_count",
    ("x",),
    ("user.name",),
    3600,
    Threshold((("gte", 50),)),
    alert=AlertPolicy(tier="page"),
)
TARGETS = {"page": ("pager", "hook"), "review": ("hook",)}


def alerts(turn: Turn, *rules, targets=TARGETS, now: int = NOON):
    return Alerting(rules, ManualClock(now), targets, 100)(turn).alerts


def parts(*violations) -> Turn:
    return Turn(parts=tuple(Part("logs-0", one) for one in violations))


def test_one_alert_for_each_key_that_of_the_newest_period():
    old = event("old", group="g", first=NOON - 2 * DAY, last=NOON - 2 * DAY)
    new = event("new", group="g", first=NOON - HOUR, last=NOON - HOUR)
    (one,) = alerts(parts(new, old), RULE)
    assert (one.key, one.violation, one.targets) == ("g", new.fingerprint, ("pager", "hook"))
    assert (one.starts, one.ends) == (NOON - HOUR, NOON + 12 * HOUR), "open to the end of its day"


def test_the_turn_is_otherwise_as_it_was():
    turn = parts(event())
    assert replace(Alerting((RULE,), ManualClock(NOON), TARGETS, 1)(turn), alerts=()) == turn


@pytest.mark.parametrize("status", ["experimental", "test"])
def test_rules_on_trial_are_recorded_not_alerted(status):
    rule = replace(RULE, header=replace(HEADER, status=status))
    assert alerts(parts(event()), rule) == ()


def test_nobody_is_told_of_a_tier_that_has_no_target():
    assert alerts(parts(event()), RULE, targets={"review": ("hook",)}) == ()
    assert alerts(parts(event()), RULE, targets={"page": ()}) == ()


def test_a_violation_of_a_rule_that_is_gone_says_nothing():
    assert alerts(parts(event(rule="other")), RULE) == ()


@pytest.mark.parametrize(
    ("per", "last", "ends"),
    [
        ("hour", NOON - 60 * SECOND, NOON),
        ("hour", NOON, NOON + HOUR),
        ("day", NOON, NOON + 12 * HOUR),
        ("day", NOON + 400 * DAY, NOON + 12 * HOUR),  # a wrong clock keeps no alert open for a year
        ("week", NOON, NOON + 12 * HOUR + 6 * DAY),  # the 16th of November 2026 is a Monday
        ("week", NOON - DAY, NOON - 12 * HOUR),
        ("forever", NOON, NOON + 2 * HOUR),
        ("day", None, NOON + DAY),
    ],
)
def test_it_is_open_to_the_end_of_its_period(per, last, ends):
    rule = replace(RULE, alert=AlertPolicy(tier="page", per=per, realert=7200))
    (one,) = alerts(parts(event(first=last, last=last)), rule)
    assert one.ends == ends
    assert one.starts <= NOON


def test_an_episode_is_open_for_a_timespan_after_its_last_event():
    old = episode(0, first=NOON - 9 * HOUR, last=NOON - 8 * HOUR)
    found = episode(60, first=NOON - 600 * SECOND, last=NOON - 60 * SECOND)
    turn = Turn(episodes=(Episodes("bulk", "g1", 0, 2 * NOON, (old, found)),))
    (one,) = alerts(turn, BULK)
    assert (one.key, one.violation) == ("g1", found.fingerprint)
    assert (one.newest, one.ends) == (NOON - 60 * SECOND, NOON - 60 * SECOND + HOUR)


def test_what_is_told_explains_and_names_nobody():
    violation = event(actor="5f3a0c", count=3, subjects=(4, 5), first=NOON, last=NOON + HOUR)
    told = explained(violation)
    assert told == {
        "violation": violation.fingerprint,
        "period": "2026-11-16",
        "events": "3",
        "people": "2",
        "first_seen": "2026-11-16T12:00:00Z",
        "last_seen": "2026-11-16T13:00:00Z",
        "field": "user.mail",
        "found": "email raw",
        "resource": "/customers/{id}",
    }
    (one,) = alerts(parts(violation), RULE)
    assert json.loads(one.facts)["violation"] == told
    for kept in ("5f3a0c", "a***@"):
        assert kept not in one.facts


def test_an_episode_tells_its_figures():
    found = episode(
        0, evidence=Evidence("", "event_count", extract="60 in 3600 s, rule says gte 50"), actor="psn"
    )
    assert explained(found)["found"] == "60 in 3600 s, rule says gte 50"


def test_many_people_are_an_estimate():
    hashes = tuple(n * 2**50 for n in range(1, 1025))
    assert explained(event(subjects=hashes))["people"].startswith("about ")


def test_the_examples_of_the_page_are_what_the_code_says():
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    assert re.findall(r"^```json\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL) == alert_examples.pages()


def test_the_settings_of_the_page_are_settings():
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```yaml\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    found = AlertsSettings.model_validate_json(json.dumps(yaml.safe_load(example)["alerts"]))
    assert found.told() == {
        "page": ("main-a", "main-b", "bus"),
        "review": ("main-a", "main-b", "desk", "bus"),
    }
