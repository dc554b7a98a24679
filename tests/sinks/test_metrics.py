"""Metrics: every series is a documented one, and adds up."""

import re
import socket
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from monitor import telemetry
from monitor.errors import SettingsError
from monitor.model import TurnFacts
from monitor.sinks import metrics
from monitor.sinks.metrics import Metrics, serve_metrics

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
    assert value(kept, "privwatch_matches_total", rule="r1") == 8
    assert value(kept, "privwatch_violations_total", rule="r1", level="high") == 4
    assert value(kept, "privwatch_turn_seconds_sum", stage="decode") == pytest.approx(0.4)
    assert value(kept, "privwatch_turn_seconds_count", stage="poll") == 2
    assert value(kept, "privwatch_build_info", version="1.2.3") == 1


def test_facts_are_there_before_they_happen():
    assert value(Metrics("1"), "privwatch_facts_total", fact="lost") == 0


def test_the_watermark_never_goes_back():
    kept = Metrics("1")
    kept.observe(facts(times=(0, 9_000_000)))
    kept.observe(facts(times=(0, 4_000_000)))
    kept.observe(facts(times=None))
    assert value(kept, "privwatch_watermark_seconds", partition="logs-0") == 9


def test_partitions_beyond_the_bound_share_a_series(monkeypatch):
    monkeypatch.setattr(metrics, "MAX_PARTITIONS", 2)
    kept = Metrics("1")
    for number in range(5):
        kept.observe(facts(partition=f"logs-{number}"))
    page = generate_latest(kept.registry).decode()
    shown = set(re.findall(r'watermark_seconds\{partition="([^"]+)"', page))
    assert shown == {"logs-0", "logs-1", "other"}


def test_the_lag_is_asked_for_at_every_scrape():
    kept = Metrics("1")
    behind = {"logs-0": 7}
    kept.watch_lag(lambda: behind)
    assert value(kept, "privwatch_lag_records", partition="logs-0") == 7
    behind["logs-0"] = 3
    assert value(kept, "privwatch_lag_records", partition="logs-0") == 3


def test_two_applications_share_nothing():
    one, other = Metrics("1"), Metrics("1")
    one.observe(facts())
    assert value(other, "privwatch_records_total") == 0


def test_every_family_is_in_the_telemetry_file():
    kept = Metrics("1")
    kept.watch_lag(dict)
    kept.observe(facts())
    families = text_string_to_metric_families(generate_latest(kept.registry).decode())
    exposed = {family.name: family for family in families if not family.name.endswith("_created")}
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


def test_the_page_is_served_and_stops():
    kept = Metrics("1")
    with closing(serve_metrics(kept.registry, port=0)) as server:
        url = f"http://127.0.0.1:{server.port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert b"privwatch_build_info" in answer.read()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=10)


def test_a_taken_port_says_what_to_do():
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"127.0.0.1:{port} cannot be listened on.*set metrics.host"):
            serve_metrics(Metrics("1").registry, port=port)
