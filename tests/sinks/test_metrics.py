"""Metrics: every series is a documented one, and adds up."""

import platform
import re
from pathlib import Path

import polars as pl
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from monitor import telemetry
from monitor.casebook import Backlog, Pile
from monitor.clock import ManualClock
from monitor.errors import StoreError
from monitor.model import TurnFacts
from monitor.review import clocks
from monitor.sinks.alert_metrics import AlertMetrics
from monitor.sinks.keeping_metrics import KeepingMetrics
from monitor.sinks.metrics import Metrics
from monitor.sinks.review_metrics import ReviewMetrics, reports_counter

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def facts(**changes) -> TurnFacts:
    plain = {
        "partition": "logs-0",
        "records": 10,
        "size": 5000,
        "events": 8,
        "next_position": 10,
        "rejects": (("not_json", 2),),
        "facts": (("untimed", 3), ("late", 1)),
        "matches": (("r1", "high", 4),),
        "violations": (("r1", "high", 2),),
        "times": (1_000_000, 5_500_000),
        "seconds": (("poll", 0.1), ("decode", 0.2), ("evaluate", 0.3)),
    }
    return TurnFacts(**(plain | changes))


def value(kept: Metrics, name: str, **labels):
    return kept.registry.get_sample_value(name, labels)


def test_a_batch_is_counted():
    kept = Metrics("1.2.3")
    kept.observe(facts())
    kept.observe(facts())
    assert value(kept, "privwatch_records_total") == 20
    assert value(kept, "privwatch_bytes_total") == 10_000
    assert value(kept, "privwatch_events_total") == 16
    assert value(kept, "privwatch_rejects_total", reason="not_json") == 4
    assert value(kept, "privwatch_facts_total", fact="late") == 2
    assert value(kept, "privwatch_matches_total", rule="r1", level="high", source="logs") == 8
    assert value(kept, "privwatch_violations_total", rule="r1", level="high", source="logs") == 4
    assert value(kept, "privwatch_stage_seconds_sum", stage="decode") == pytest.approx(0.4)
    assert value(kept, "privwatch_stage_seconds_count", stage="poll") == 2
    assert (
        value(
            kept,
            "privwatch_build_info",
            version="1.2.3",
            python=platform.python_version(),
            polars=pl.__version__,
        )
        == 1
    )


def test_facts_are_there_before_they_happen():
    assert value(Metrics("1"), "privwatch_facts_total", fact="lost") == 0


def test_the_watermark_never_goes_back():
    kept = Metrics("1")
    kept.observe(facts(times=(0, 9_000_000)))
    kept.observe(facts(times=(0, 4_000_000)))
    kept.observe(facts(times=None))
    assert value(kept, "privwatch_watermark_seconds", partition="logs-0") == 9


def test_partitions_and_topics_beyond_the_bound_share_a_series(monkeypatch):
    monkeypatch.setattr("monitor.sinks.scraped._family.__defaults__", (2,))
    monkeypatch.setattr("monitor.sinks.metrics.MAX_SOURCES", 2)
    clock = ManualClock(10_000_000)
    kept = Metrics("1", clock)
    kept.watch_lag(lambda: {f"logs-{number}": number for number in range(5)})
    for number in range(5):
        kept.observe(facts(partition=f"logs-{number}", times=(0, (number + 1) * 1_000_000)))
        kept.observe(facts(partition=f"topic{number}-0"))
        clock.sleep(1)
    page = generate_latest(kept.registry).decode()
    shown = set(re.findall(r'watermark_seconds\{partition="([^"]+)"', page))
    assert shown == {"logs-0", "logs-1", "other"}
    assert value(kept, "privwatch_lag_records", partition="other") == 2 + 3 + 4
    assert set(re.findall(r'matches_total\{.*source="([^"]+)"', page)) == {"logs", "topic0", "other"}


def test_silence_and_age_are_worked_out_when_asked():
    clock = ManualClock(100_000_000)
    kept = Metrics("1", clock)
    kept.observe(facts(partition="logs-0", times=(0, 90_000_000)))
    clock.sleep(5)
    kept.observe(facts(partition="logs-1", times=None))
    clock.sleep(2)
    assert value(kept, "privwatch_partition_silence_seconds", partition="logs-0") == 7
    assert value(kept, "privwatch_partition_silence_seconds", partition="logs-1") == 2
    assert value(kept, "privwatch_source_silence_seconds", source="logs") == 2
    assert value(kept, "privwatch_watermark_age_seconds", partition="logs-0") == 17
    assert value(kept, "privwatch_watermark_age_seconds", partition="logs-1") is None


def test_only_what_is_ours_is_told():
    #  seconds        0      3      5      9
    #  logs-0  heard  x  ours ... moved ... ours again, as if new
    #  logs-1              never heard, ours all the time
    clock = ManualClock(0)
    ours = {"logs-0", "logs-1"}
    kept = Metrics("1", clock)
    kept.watch_lag(dict, lambda: ours)
    kept.observe(facts(partition="logs-0"))
    assert value(kept, "privwatch_partition_silence_seconds", partition="logs-1") == 0
    clock.sleep(3)
    assert value(kept, "privwatch_partition_silence_seconds", partition="logs-0") == 3
    assert value(kept, "privwatch_partition_silence_seconds", partition="logs-1") == 3
    ours.remove("logs-0")
    clock.sleep(2)
    assert value(kept, "privwatch_partition_silence_seconds", partition="logs-0") is None
    assert value(kept, "privwatch_watermark_seconds", partition="logs-0") is None
    ours.add("logs-0")
    clock.sleep(4)
    assert value(kept, "privwatch_partition_silence_seconds", partition="logs-0") == 0
    assert value(kept, "privwatch_source_silence_seconds", source="logs") == 0


def test_turns_and_rules_are_told():
    kept = Metrics("1")
    kept.turned(0.5, 0.2)
    assert value(kept, "privwatch_turn_seconds_sum") == 0.5
    assert value(kept, "privwatch_store_write_seconds_count") == 1
    assert value(kept, "privwatch_rule_reloads_total", result="failure") == 0
    kept.rules_loaded({"event": 3, "correlation": 2}, "abc", 17.5)
    assert value(kept, "privwatch_rules_loaded", kind="event") == 3
    assert value(kept, "privwatch_rules_loaded_timestamp_seconds") == 17.5
    kept.reloaded(success=False)
    assert value(kept, "privwatch_rule_reloads_total", result="failure") == 1
    assert value(kept, "privwatch_rules_last_reload_successful") == 0
    kept.rules_loaded({"event": 4}, "def", 18)
    assert value(kept, "privwatch_rules_last_reload_successful") == 1
    assert value(kept, "privwatch_rules_info", digest="abc") is None


def test_blind_rules_are_counted_once_and_named_with_their_fields():
    kept = Metrics("1")
    kept.watch_blind(lambda: [("r1", "user.name", "logs"), ("r1", "url", "logs"), ("r2", "url", "logs")])
    assert value(kept, "privwatch_blind_rules", source="logs") == 2
    assert value(kept, "privwatch_rule_blind", rule="r1", field="url", source="logs") == 1


def test_the_source_of_a_partition():
    sources = {
        "app-logs-12": "app-logs",
        "a-1-2": "a-1",
        "stdin#0f3a77c2": "stdin",
        "stdin-0": "stdin",
        "nginx:/var/log/nginx/access.log#12": "nginx",
        "shop:/srv/a-1#2/b-3.log#1": "shop",
        "/var/log/x.log#0f3a77c2": "/var/log/x.log#0f3a77c2",
    }
    assert {name: telemetry.source_of(name) for name in sources} == sources


def test_the_lag_is_asked_for_at_every_scrape():
    kept = Metrics("1")
    behind = {"logs-0": 7}
    kept.watch_lag(lambda: behind)
    assert value(kept, "privwatch_lag_records", partition="logs-0") == 7
    behind["logs-0"] = 3
    assert value(kept, "privwatch_lag_records", partition="logs-0") == 3


def test_a_group_of_files_is_silent_until_one_of_them_speaks_and_not_because_one_is_rotated():
    #  seconds     0      3       5        9
    #  nginx       none   #1      #1 spoke #2 in its place, which has said nothing
    #  shop        no file all the time
    clock, ours = ManualClock(0), set[str]()
    kept = Metrics("1", clock)
    kept.watch_lag(dict, lambda: ours, dict, ["nginx", "shop"])
    clock.sleep(3)
    ours.add("nginx:/a.log#1")
    kept.observe(facts(partition="nginx:/a.log#1", records=0, rejects=(), facts=(("events", 0),), times=None))
    assert value(kept, "privwatch_source_silence_seconds", source="nginx") == 3, "it has begun, no more"
    clock.sleep(2)
    kept.observe(facts(partition="nginx:/a.log#1"))
    ours.clear()
    ours.add("nginx:/a.log#2")
    clock.sleep(4)
    assert value(kept, "privwatch_source_silence_seconds", source="nginx") == 4
    assert value(kept, "privwatch_source_silence_seconds", source="shop") == 9


def test_bytes_behind_are_told_apart_from_records():
    kept = Metrics("1")
    kept.watch_lag(lambda: {"logs-0": 7}, None, lambda: {"stdin#0f": 9000})
    assert value(kept, "privwatch_lag_bytes", partition="stdin#0f") == 9000
    assert value(kept, "privwatch_lag_records", partition="stdin#0f") is None


HOUR = 3600 * 10**6


def test_clocks_and_backlog_are_told_by_tier_and_level_and_nobody():
    clock = ManualClock(100 * HOUR)
    answers = [
        Backlog(
            piles=(
                Pile("r1", "high", "new", 2, 40 * HOUR),
                Pile("r2", "high", "new", 3, 10 * HOUR),
                Pile("r3", "high", "new", 1, None),
                Pile("r1", "high", "in_review", 4, 1 * HOUR),
                Pile("gone", "low", "new", 1, 99 * HOUR),
            ),
            due=(95 * HOUR, 110 * HOUR, 160 * HOUR),
        ),
        Backlog(),
    ]
    kept = Metrics("1")
    tiers = {"r1": "page", "r2": "page", "r3": "page"}
    ReviewMetrics(
        kept.registry, lambda: answers.pop(0), lambda rule: tiers.get(rule, "review"), clocks.state_of, clock
    )

    def cases(tier: str, level: str, state: str) -> float | None:
        return value(kept, "privwatch_review_cases", tier=tier, level=level, state=state)

    assert value(kept, "privwatch_breach_deadline_seconds") == -5 * 3600
    states = [value(kept, "privwatch_breach_clocks", state=state) for state in telemetry.CLOCK_STATES]
    assert states == [1, 1, 1]
    assert (cases("page", "high", "new"), cases("page", "high", "in_review")) == (6, 4)
    assert cases("review", "low", "new") == 1
    assert value(kept, "privwatch_review_oldest_seconds", tier="page", level="high") == 90 * 3600
    assert len(answers) == 1, "one answer serves for some seconds"
    clock.sleep(15)
    assert value(kept, "privwatch_breach_deadline_seconds") is None
    assert value(kept, "privwatch_breach_clocks", state="over") == 0
    assert cases("page", "high", "new") is None


def test_what_the_review_holds_is_not_guessed_while_the_store_is_away():
    clock = ManualClock(100 * HOUR)
    answers = [Backlog(due=(HOUR,))]

    def ask() -> Backlog:
        if answers:
            return answers.pop()
        raise StoreError("away")

    kept = Metrics("1")
    ReviewMetrics(kept.registry, ask, str, clocks.state_of, clock)
    assert value(kept, "privwatch_breach_clocks", state="over") == 1
    clock.sleep(60)
    assert value(kept, "privwatch_breach_clocks", state="over") is None


def test_two_applications_share_nothing():
    one, other = Metrics("1"), Metrics("1")
    one.observe(facts())
    assert value(other, "privwatch_records_total") == 0


def test_every_family_is_in_the_telemetry_file():
    kept = Metrics("1")
    kept.watch_lag(dict)
    kept.observe(facts())
    AlertMetrics(kept.registry, ["pager"], lambda: {"pager": (1, 0)}, ManualClock())
    ReviewMetrics(kept.registry, Backlog, str, lambda *_: "running", ManualClock())
    KeepingMetrics(kept.registry)
    reports_counter(kept.registry, ["mail"])
    families = text_string_to_metric_families(generate_latest(kept.registry).decode())
    exposed = {family.name: family for family in families if family.name.startswith("privwatch_")}
    exposed = {name: family for name, family in exposed.items() if not name.endswith("_created")}
    named = {metric.name.removesuffix("_total"): metric for metric in telemetry.METRICS}
    assert exposed.keys() == named.keys()
    for name, metric in named.items():
        assert (exposed[name].type, exposed[name].documentation) == (metric.kind, metric.help)


def test_the_page_says_what_the_code_says():
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", PAGE.read_text(), re.MULTILINE)
    labels = [", ".join(f"`{label}`" for label in metric.labels) or "none" for metric in telemetry.METRICS]
    wanted = [
        (metric.name, metric.kind, shown, metric.help)
        for metric, shown in zip(telemetry.METRICS, labels, strict=True)
    ]
    assert rows == wanted
    told = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|$", PAGE.read_text(), re.MULTILINE))
    assert told == telemetry.FACTS


def test_names_follow_prometheus():
    for metric in telemetry.METRICS:
        assert re.fullmatch(r"privwatch_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.help.endswith(".")


def test_series_of_rules_that_are_gone_end():
    kept = Metrics("1")
    for number in range(300):
        name = f"r{number}"
        kept.rules_loaded({"event": 2}, str(number), number, {name, "stays"})
        both = ((name, "high", 1), ("stays", "high", 1))
        kept.observe(facts(matches=both, violations=both, rule_seconds=((name, 0.5), ("stays", 0.5))))
    page = generate_latest(kept.registry).decode()
    assert set(re.findall(r'rule="([^"]*)"', page)) == {"r299", "stays"}
    assert value(kept, "privwatch_rule_seconds_total", rule="stays") == 150
    assert value(kept, "privwatch_matches_total", rule="stays", level="high", source="logs") == 300


def test_what_allow_lists_held_back_is_asked_for_at_every_scrape():
    kept, held = Metrics("1"), {"mailboxes": 0}
    kept.watch_allowed(lambda: held)
    assert value(kept, "privwatch_allowed_total", entry="mailboxes") == 0
    held["mailboxes"] = 3
    assert value(kept, "privwatch_allowed_total", entry="mailboxes") == 3
