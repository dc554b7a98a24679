"""Prometheus itself reads the page: promtool finds nothing to say, a server scrapes it, also behind TLS."""

import urllib.request
from contextlib import closing

import pytest

from monitor import telemetry
from monitor.casebook import Backlog, Pile
from monitor.clock import SystemClock
from monitor.outbox import FIRING
from monitor.review.clocks import state_of
from monitor.sinks.alert_metrics import AlertMetrics
from monitor.sinks.http import HttpOptions, serve
from monitor.sinks.keeping_metrics import KeepingMetrics
from monitor.sinks.metrics import Metrics
from monitor.sinks.password import hashed
from monitor.sinks.review_metrics import ReviewMetrics, reports_counter
from tests.sinks.test_http import certificate
from tests.sinks.test_metrics import facts
from tests.support.prometheus_server import Prometheus, lint, missing
from tests.support.unmet import cannot_run

pytestmark = pytest.mark.prometheus

WELL = (True, {})


@pytest.fixture(autouse=True)
def _prometheus() -> None:
    if reason := missing():
        cannot_run(reason)


@pytest.fixture
def filled() -> Metrics:
    """Every metric has a series."""
    kept = Metrics("1")
    kept.watch_lag(lambda: {"logs-0": 3}, lag_bytes=lambda: {"app:/var/log/app.log#1": 17})
    kept.watch_blind(lambda: [("r1", "user.name", "logs")])
    kept.watch_allowed(lambda: {"mailboxes": 2})
    kept.rules_loaded({"event": 3, "correlation": 2}, "abc", 17.5)
    kept.observe(facts(rule_seconds=(("r1", 0.1),)))
    kept.turned(0.5, 0.2)
    alerts = AlertMetrics(kept.registry, ["main"], lambda: {"main": (1, 0)}, SystemClock())
    alerts.observe("main", FIRING, "")
    waiting = Backlog((Pile("r1", "high", "new", 2, 0),), (10**15,))
    reports_counter(kept.registry, ["mail"])
    ReviewMetrics(kept.registry, lambda: waiting, lambda _: "page", state_of, SystemClock())
    KeepingMetrics(kept.registry)
    return kept


def test_promtool_has_no_complaint(filled):
    with closing(
        serve(HttpOptions(port=0), filled.registry, healthy=lambda: WELL, ready=lambda: WELL)
    ) as server:
        page = urllib.request.urlopen(server.url, timeout=10).read()
    assert all(metric.name.encode() in page for metric in telemetry.METRICS)
    assert lint(page) == ""
    assert "counter metrics should have" in lint(b"# HELP x X.\n# TYPE x counter\nx 1\n"), "the lint can fail"


def test_prometheus_scrapes_it(filled):
    with closing(
        serve(HttpOptions(port=0), filled.registry, healthy=lambda: WELL, ready=lambda: WELL)
    ) as server:
        target = {"static_configs": [{"targets": [f"127.0.0.1:{server.port}"]}]}
        with closing(Prometheus(target)) as prometheus:
            prometheus.wait_for("up == 1")
            (lag,) = prometheus.wait_for("privwatch_lag_records")
            assert lag["metric"]["partition"] == "logs-0"
            assert float(lag["value"][1]) == 3
            for metric in telemetry.METRICS:
                name = f"{metric.name}_bucket" if metric.kind == "histogram" else metric.name
                assert prometheus.query(name), f"{name} has no series"


def test_prometheus_scrapes_it_over_tls_with_a_password(filled, tmp_path):
    cert, key = certificate(tmp_path)
    options = HttpOptions(port=0, cert=cert, key=key, user="prometheus", password_hash=hashed("geheim"))
    with closing(serve(options, filled.registry, healthy=lambda: WELL, ready=lambda: WELL)) as server:
        target = {
            "scheme": "https",
            "tls_config": {"ca_file": str(cert)},
            "static_configs": [{"targets": [f"127.0.0.1:{server.port}"]}],
        }
        right = {"basic_auth": {"username": "prometheus", "password": "geheim"}}
        with closing(Prometheus(target | right)) as prometheus:
            prometheus.wait_for("up == 1")
            assert prometheus.wait_for("privwatch_build_info")
        with closing(Prometheus(target)) as prometheus:
            prometheus.wait_for("up == 0")
            assert not prometheus.query("privwatch_build_info")
