"""Weeks, and what was found in one beside those before."""

import pytest

from monitor.casebook import RuleDay
from monitor.model import Logsource, SourceSeen
from monitor.review.catalogue import Card, Catalogue
from monitor.review.coverage import sources
from monitor.review.weeks import WeekError, overview, week, week_at

RULES = Catalogue({"a": Card("a", "a", "Rule A", "", "5", (), "high")})


def test_a_week_is_named_as_the_calendar_does():
    one = week("2026-W47")
    assert (one.days[0], one.days[-1], str(one)) == ("2026-11-16", "2026-11-22", "2026-W47")
    assert str(week("2026-W53").moved(1)) == "2027-W01"
    assert week_at(one.since) == week_at(one.until - 1) == one != week_at(one.until)


@pytest.mark.parametrize("text", ["2026-47", "2026-W60", "W47", "", "2025-W53", "0000-W01", "2026-W47\n"])
def test_what_is_no_week_is_refused(text):
    with pytest.raises(WeekError, match="2026-W47"):
        week(text)


def test_an_overview_counts_weeks_days_and_people():
    days = [
        RuleDay("2026-11-10", "a", "high", 5, 50, (1, 2)),
        RuleDay("2026-11-16", "a", "high", 2, 20, (2, 3)),
        RuleDay("2026-11-22", "a", "high", 1, 10, (3,)),
        RuleDay("2026-11-17", "gone", "low", 4, 4, ()),
        RuleDay("2026-10-05", "quiet", "low", 4, 4, ()),
    ]
    seen = overview(week("2026-W47"), days, RULES)
    assert (seen.violations, seen.events, seen.people, seen.before) == (7, 34, 2, 5)
    assert [(line.card.title, line.trend[-2:], line.people, line.news) for line in seen.rules] == [
        ("Rule A", (5, 3), 2, ""),
        ("removed rule gone", (0, 4), 0, "new"),
    ]
    assert dict(seen.levels)["high"] == (0, 0, 0, 0, 0, 0, 5, 3)
    assert seen.days[0] == ("2026-11-16", (0, 2, 0, 0, 0))


def test_coverage_names_what_was_not_read_and_who_is_silent():
    counts = {
        ("shop-0", "event", "events"): 10,
        ("shop-1", "event", "events"): 5,
        ("shop-1", "reject", "blank"): 2,
        ("/var/log/a.ndjson#0f", "event", "late"): 1,
    }
    hour = 3_600_000_000
    found = sources(counts, [SourceSeen("shop", Logsource(), 15, hour)], 30 * hour)
    assert [(one.name, one.parts, one.events, one.unread, one.skipped, one.silent) for one in found] == [
        ("a.ndjson", 1, 0, (), (("too late for their window", 1),), False),
        ("shop", 2, 15, (("nothing but white space", 2),), (), True),
    ]
