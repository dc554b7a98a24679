"""What the alerts' way out says of itself to Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from monitor import telemetry
from monitor.clock import Clock
from monitor.errors import StoreError
from monitor.outbox import FIRING, RESOLVED, UNREACHABLE

Waiting = Callable[[], Mapping[str, tuple[int, int]]]
"""Target to the number of alerts that wait, and since when (microseconds UTC)."""


class AlertMetrics:
    """Counts what senders say, and asks the outbox at every scrape.

    Args:
        registry: of the application.
        targets: names from the settings; labels hold nothing else.
        waiting: asked at every scrape.
        clock: for the age of the oldest.
    """

    def __init__(
        self, registry: CollectorRegistry, targets: Iterable[str], waiting: Waiting, clock: Clock
    ) -> None:
        sent, failed = telemetry.ALERTS_SENT, telemetry.ALERTS_FAILED
        self._sent = Counter(sent.name, sent.help, sent.labels, registry=registry)
        self._failed = Counter(failed.name, failed.help, failed.labels, registry=registry)
        names = tuple(targets)
        for name in names:
            for status in (FIRING, RESOLVED):
                self._sent.labels(name, status)
            self._failed.labels(name, UNREACHABLE)
        registry.register(_Waiting(names, waiting, clock))

    def observe(self, target: str, status: str, reason: str) -> None:
        """Take account of one try."""
        if reason:
            self._failed.labels(target, reason).inc()
        else:
            self._sent.labels(target, status).inc()


class _Waiting(Collector):
    """The outbox as it is when somebody asks."""

    def __init__(self, targets: tuple[str, ...], waiting: Waiting, clock: Clock) -> None:
        self._targets = targets
        self._waiting = waiting
        self._clock = clock

    def describe(self) -> list[GaugeMetricFamily]:
        return list(self._families())

    def collect(self) -> list[GaugeMetricFamily]:
        depth, oldest = self._families()
        try:
            waiting = self._waiting()
        except StoreError:
            return []  # no figure rather than a wrong one; the runner says what is wrong with the store
        now = self._clock.now()
        for name in self._targets:
            count, since = waiting.get(name, (0, now))
            depth.add_metric([name], count)
            oldest.add_metric([name], max(now - since, 0) / 1e6)
        return [depth, oldest]

    def _families(self) -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
        metrics = telemetry.ALERTS_WAITING, telemetry.ALERTS_OLDEST
        first, second = (GaugeMetricFamily(m.name, m.help, labels=m.labels) for m in metrics)
        return first, second
