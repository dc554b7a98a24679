"""Metrics that are worked out when somebody asks: lag, silence, watermarks, blind rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from threading import Lock

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from monitor import telemetry
from monitor.clock import Clock
from monitor.telemetry import Metric, source_of

MAX_PARTITIONS = 1000
"""Partitions with series of their own; the rest share the label `other`, so that series stay bounded."""

MAX_SOURCES = 100
"""The same for topics."""

OTHER = "other"

Lag = Callable[[], Mapping[str, int]]
Assigned = Callable[[], Collection[str]]
BlindRules = Callable[[], Iterable[tuple[str, str, str]]]


def bounded(known: Collection[str], name: str, limit: int) -> str:
    """The label of `name`: itself where it is known or there is room for one more, else `other`."""
    return name if name in known or len(known) < limit else OTHER


class Partitions(Collector):
    """Where every partition of ours stands and when it last spoke.

    Once it is told which partitions are assigned, those alone are shown: what moved to another instance is
    that one's to tell.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._guard = Lock()
        self._newest: dict[str, int] = {}
        self._heard: dict[str, float] = {}
        self._lag: Lag = dict
        self._lag_bytes: Lag = dict
        self._assigned: Assigned | None = None
        self._spoke: dict[str, float] = {}

    def watch(
        self, lag: Lag, assigned: Assigned | None, lag_bytes: Lag, sources: Collection[str] = ()
    ) -> None:
        """Ask `lag` (partition to records behind), the same in bytes, and `assigned` at every scrape.

        The silence of `sources` is their own, and begins now: their partitions come and go with each
        rotation, and where a path is wrong there never is one.
        """
        self._lag, self._assigned, self._lag_bytes = lag, assigned, lag_bytes
        self._spoke = dict.fromkeys(sources, self._clock.monotonic())

    def heard(self, partition: str, newest: int | None) -> None:
        """A batch came; `newest` is its latest event time, microseconds UTC. Late ones turn nothing back."""
        with self._guard:
            self._heard[partition] = now = self._clock.monotonic()
            if (source := source_of(partition)) in self._spoke:
                self._spoke[source] = now
            if newest is not None:
                self._newest[partition] = max(newest, self._newest.get(partition, newest))

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The families of this moment."""
        heard, newest = self._now()
        now, wall = self._clock.monotonic(), self._clock.now()
        silence = {name: now - at for name, at in heard.items()}
        sources: dict[str, float] = {}
        for name, seconds in silence.items():
            source = source_of(name)
            sources[source] = min(seconds, sources.get(source, seconds))
        sources |= {name: now - at for name, at in self._spoke.items()}
        yield _family(telemetry.LAG, self._lag(), sum)
        yield _family(telemetry.LAG_BYTES, self._lag_bytes(), sum)
        yield _family(telemetry.SILENCE, silence, max)
        yield _family(telemetry.SOURCE_SILENCE, sources, max, MAX_SOURCES)
        yield _family(telemetry.WATERMARK, {name: at / 1e6 for name, at in newest.items()}, min)
        yield _family(telemetry.WATERMARK_AGE, {name: (wall - at) / 1e6 for name, at in newest.items()}, max)

    def _now(self) -> tuple[dict[str, float], dict[str, int]]:
        """When partitions of ours were heard of, and their latest event times."""
        ours = None if self._assigned is None else set(self._assigned())
        now = self._clock.monotonic()
        with self._guard:
            if ours is not None:
                self._heard = {name: self._heard.get(name, now) for name in ours}
                self._newest = {name: at for name, at in self._newest.items() if name in ours}
            return dict(self._heard), dict(self._newest)


class BlindRulesNow(Collector):
    """The rules that can see nothing, as they are when somebody asks."""

    def __init__(self) -> None:
        self.ask: BlindRules = tuple

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The families of this moment."""
        found = sorted(self.ask())
        rules = Counter(source for _, source in {(rule, source) for rule, _, source in found})
        yield _family(telemetry.BLIND_RULES, rules, sum, MAX_SOURCES)
        metric = telemetry.RULE_BLIND
        family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
        for labels in found[:MAX_PARTITIONS]:
            family.add_metric(labels, 1)
        yield family


class PassedOver(Collector):
    """What allow-lists kept back, as it is when somebody asks."""

    def __init__(self) -> None:
        self.ask: Callable[[], Mapping[str, int]] = dict

    def collect(self) -> Iterable[CounterMetricFamily]:
        """The family of this moment; allow-lists that kept nothing back are 0."""
        metric = telemetry.PASSED_OVER
        family = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
        for name, count in sorted(self.ask().items()):
            family.add_metric([name], count)
        yield family


def _family(
    metric: Metric,
    values: Mapping[str, float],
    together: Callable[[list[float]], float],
    limit: int = MAX_PARTITIONS,
) -> GaugeMetricFamily:
    """One series per name, in order; those beyond the limit become one, `together`."""
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    names = sorted(values)
    for name in names[:limit]:
        family.add_metric([name], values[name])
    if rest := [values[name] for name in names[limit:]]:
        family.add_metric([OTHER], together(rest))
    return family
