"""The demo's month of review: whenever it is made, everything in it could have happened, and holds."""

import datetime as dt
import json

import pytest

from monitor import reviewing
from monitor.casebook import Query
from monitor.clock import ManualClock
from monitor.demo import generate, month, write_tables
from monitor.rehearsing import rehearse
from monitor.review import clocks, verdicts

MOMENTS = (
    dt.datetime(2026, 11, 23, 0, 30, tzinfo=dt.UTC),  # a Monday, before anybody is at work
    dt.datetime(2027, 1, 3, 23, 0, tzinfo=dt.UTC),  # a Sunday, in a week of two years
)


@pytest.mark.parametrize("now", MOMENTS, ids=lambda now: f"{now:%A}")
def test_the_month_is_whole_whenever_it_is_made(tmp_path, now):
    at = clocks.micros(now)
    write_tables(tmp_path / "lookups")
    (tmp_path / "review.db-wal").write_text("left from a month made before")
    made = rehearse(tmp_path, tmp_path / "lookups", at, seed=1 + now.day, events_per_day=300)
    here = reviewing.Where(str(made.store), "replay")
    checked = reviewing.verify(here, reviewing.public_key(here, None)[0])
    assert (checked.faults, checked.waiting, checked.entries > 60) == ([], 0, True)
    with reviewing.desk(here, ManualClock(at)) as (desk, _):
        cases = desk.book.find(Query(limit=100)).cases
        assert len(cases) == made.cases
        states = {case.state for case in cases}
        assert states == set(verdicts.LABELS) - {verdicts.DUPLICATE}
        assert {desk.rules.card(case.rule).name for case in cases} == {one.rule for one in month.THREADS}
        waiting = [case for case in cases if "pending" in verdicts.facts_of(case)]
        assert waiting
        assert all(verdicts.facts_of(case)["pending"]["by"] == month.REVIEWER for case in waiting)
        (running,) = desk.book.due()
        assert clocks.HOUR < running.due - at < 72 * clocks.HOUR, "it runs, and is not over"
        entries = desk.book.ledger(None, 10_000)
        assert max(entry.at for entry, _ in entries) <= at, "nothing was done in the future"
        again = {entry.ref for entry, _ in entries if entry.kind == "case.reopened"}
        assert {desk.rules.card(case.rule).name for case in cases if case.key in again} == {
            "credentials_in_url"
        }
        assert len(desk.register()) == 3
    assert len(list(made.reports.glob("*.html.sig"))) == month.WEEKS
    weeks = sorted(folder.name for folder in (tmp_path / "month").iterdir())
    assert (weeks[0], weeks[-1]) == made.weeks


def test_leaks_of_some_rules_alone_can_be_planted(tmp_path):
    chosen = {"iban_in_text", "repeated_exports"}
    found = generate(tmp_path, events_per_day=20, planted=chosen)
    assert {one.rule for one in found.planted} == chosen
    lines = (tmp_path / "application.ndjson").read_text().splitlines()
    assert all(json.loads(lines[number]) for one in found.planted for number in one.lines)


def test_what_is_done_comes_in_order():
    for monday in range(month.WEEKS):
        found = month.acts(monday)
        assert found
        assert [bool(act.ago) for _, act in found] == sorted(bool(act.ago) for _, act in found)
