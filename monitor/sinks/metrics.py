"""What privwatch says of itself to Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from monitor import telemetry
from monitor.errors import SettingsError
from monitor.model import TurnFacts
from monitor.telemetry import Metric

MAX_PARTITIONS = 1000
"""Partitions with series of their own; the rest share the label `other`, so that series stay bounded."""

_TURN_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The metrics of one application, in a registry of its own; `observe` is what the runner calls."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self._records = self._counter(telemetry.RECORDS)
        self._bytes = self._counter(telemetry.BYTES)
        self._events = self._counter(telemetry.DECODED)
        self._rejects = self._counter(telemetry.REJECTS)
        self._facts = self._counter(telemetry.EVENT_FACTS)
        self._matches = self._counter(telemetry.MATCHES)
        self._violations = self._counter(telemetry.VIOLATIONS)
        seconds = telemetry.TURN_SECONDS
        self._seconds = Histogram(
            seconds.name, seconds.help, seconds.labels, registry=self.registry, buckets=_TURN_BUCKETS
        )
        self._watermark = self._gauge(telemetry.WATERMARK)
        self._gauge(telemetry.BUILD_INFO).labels(version).set(1)
        self._latest: dict[str, int] = {}
        # A series that is there from the start can be alerted on before it first moves.
        for fact in telemetry.FACTS:
            self._facts.labels(fact)
        for stage in telemetry.STAGES:
            self._seconds.labels(stage)

    def observe(self, facts: TurnFacts) -> None:
        """Take account of one batch."""
        self._records.inc(facts.records)
        self._bytes.inc(facts.size)
        self._events.inc(facts.events)
        for reason, count in facts.rejects:
            self._rejects.labels(reason).inc(count)
        for fact, count in facts.facts:
            self._facts.labels(fact).inc(count)
        for rule, _, count in facts.matches:
            self._matches.labels(rule).inc(count)
        for rule, level, count in facts.violations:
            self._violations.labels(rule, level).inc(count)
        for stage, seconds in facts.seconds:
            self._seconds.labels(stage).observe(seconds)
        if facts.times is not None:
            self._advance(facts.partition, facts.times[1])

    def watch_lag(self, lag: Callable[[], Mapping[str, int]]) -> None:
        """Ask `lag` (partition to records behind) at every scrape."""
        self.registry.register(_Lag(lag))

    def _advance(self, partition: str, micros: int) -> None:
        """A late batch must not turn the watermark back."""
        if partition not in self._latest and len(self._latest) >= MAX_PARTITIONS:
            partition = "other"
        latest = max(micros, self._latest.get(partition, micros))
        self._latest[partition] = latest
        self._watermark.labels(partition).set(latest / 1e6)

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self.registry)

    def _gauge(self, metric: Metric) -> Gauge:
        return Gauge(metric.name, metric.help, metric.labels, registry=self.registry)


class _Lag(Collector):
    """The lag as it is when somebody asks."""

    def __init__(self, lag: Callable[[], Mapping[str, int]]) -> None:
        self._lag = lag

    def collect(self) -> list[GaugeMetricFamily]:
        metric = telemetry.LAG
        family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
        for partition, records in sorted(self._lag().items())[:MAX_PARTITIONS]:
            family.add_metric([partition], records)
        return [family]


class MetricsServer:
    """The page at `/metrics`; `port` is the one bound, also where 0 was asked for."""

    def __init__(self, server: WSGIServer, thread: Thread) -> None:
        self._server = server
        self._thread = thread
        self.port = server.server_port

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve_metrics(registry: CollectorRegistry, host: str = "127.0.0.1", port: int = 9108) -> MetricsServer:
    """Answer Prometheus from a thread of its own; the loopback address unless settings say otherwise.

    Raises:
        SettingsError: the address cannot be bound.
    """
    try:
        return MetricsServer(*start_http_server(port, addr=host, registry=registry))
    except OSError as error:
        raise SettingsError(
            f"metrics: {host}:{port} cannot be listened on ({error.strerror or error}); "
            "set metrics.host and metrics.port to an address of this machine and a free port"
        ) from error
