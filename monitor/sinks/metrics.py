"""What privwatch says of itself to Prometheus."""

from __future__ import annotations

import platform
from collections.abc import Callable, Collection, Mapping
from importlib.metadata import version as installed

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

from monitor import telemetry
from monitor.clock import Clock, SystemClock
from monitor.decode.reasons import REASONS
from monitor.model import TurnFacts
from monitor.sinks.scraped import (
    MAX_SOURCES,
    Assigned,
    BlindRules,
    BlindRulesNow,
    Lag,
    Partitions,
    PassedOver,
    bounded,
)
from monitor.telemetry import Metric, source_of

_TURN_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


_BY_RULE = (telemetry.MATCHES, telemetry.VIOLATIONS, telemetry.RULE_SECONDS)


class Metrics:
    """The metrics of one application, in a registry of its own; `observe` is what the runner calls."""

    def __init__(self, version: str, clock: Clock | None = None) -> None:
        self.registry = CollectorRegistry()
        self._records = self._counter(telemetry.RECORDS)
        self._bytes = self._counter(telemetry.BYTES)
        self._events = self._counter(telemetry.DECODED)
        self._rejects = self._counter(telemetry.REJECTS)
        self._facts = self._counter(telemetry.EVENT_FACTS)
        self._matches = self._counter(telemetry.MATCHES)
        self._violations = self._counter(telemetry.VIOLATIONS)
        self._turn = self._histogram(telemetry.TURN_SECONDS)
        self._stage = self._histogram(telemetry.STAGE_SECONDS)
        self._store = self._histogram(telemetry.STORE_SECONDS)
        self._rule_seconds = self._counter(telemetry.RULE_SECONDS)
        self._rules = self._gauge(telemetry.RULES)
        self._rules_info = self._gauge(telemetry.RULES_INFO)
        self._rules_time = self._gauge(telemetry.RULES_TIME)
        self._reloads = self._counter(telemetry.RELOADS)
        self._reload_ok = self._gauge(telemetry.RELOAD_OK)
        self._gauge(telemetry.BUILD_INFO).labels(version, platform.python_version(), installed("polars")).set(
            1
        )
        self._letters = self._counter(telemetry.DEAD_LETTERS)
        self._letter_failures = self._counter(telemetry.DEAD_LETTER_FAILURES)
        self._letters_waiting = self._gauge(telemetry.DEAD_LETTERS_WAITING)
        self._letters_discarded = self._counter(telemetry.DEAD_LETTERS_DISCARDED)
        self._partitions = Partitions(clock or SystemClock())
        self._blind = BlindRulesNow()
        self._passed_over = PassedOver()
        self._sources: set[str] = set()
        self.registry.register(self._partitions)
        self.registry.register(self._blind)
        self.registry.register(self._passed_over)
        ProcessCollector(registry=self.registry)
        # A series that is there from the start can be alerted on before it first moves.
        for fact in telemetry.FACTS:
            self._facts.labels(fact)
        for reason in REASONS:
            self._rejects.labels(reason)
        for stage in telemetry.STAGES:
            self._stage.labels(stage)
        for sink in telemetry.DEAD_LETTER_SINKS:
            self._letters.labels(sink)
            self._letter_failures.labels(sink)
        for result in telemetry.RELOAD_RESULTS:
            self._reloads.labels(result)

    def observe(self, facts: TurnFacts) -> None:
        """Take account of one batch."""
        source = bounded(self._sources, source_of(facts.partition), MAX_SOURCES)
        self._sources.add(source)
        self._records.inc(facts.records)
        self._bytes.inc(facts.size)
        self._events.inc(facts.events)
        for reason, count in facts.rejects:
            self._rejects.labels(reason).inc(count)
        for fact, count in facts.facts:
            self._facts.labels(fact).inc(count)
        for rule, level, count in facts.matches:
            self._matches.labels(rule, level, source).inc(count)
        for rule, level, count in facts.violations:
            self._violations.labels(rule, level, source).inc(count)
        for stage, seconds in facts.seconds:
            self._stage.labels(stage).observe(seconds)
        for rule, spent in facts.rule_seconds:
            self._rule_seconds.labels(rule).inc(spent)
        if facts.records or any(n for _, n in (*facts.rejects, *facts.facts)):
            self._partitions.heard(facts.partition, None if facts.times is None else facts.times[1])

    def turned(self, seconds: float, store_seconds: float) -> None:
        """Take account of one turn."""
        self._turn.observe(seconds)
        self._store.observe(store_seconds)

    def watch_lag(
        self,
        lag: Lag,
        assigned: Assigned | None = None,
        lag_bytes: Lag = dict,
        sources: Collection[str] = (),
    ) -> None:
        """Ask at every scrape how far partitions are behind, in records or bytes, and which are ours.

        Of `sources` the silence is told whether they have partitions or not.
        """
        self._partitions.watch(lag, assigned, lag_bytes, sources)

    def watch_allowed(self, ask: Callable[[], Mapping[str, int]]) -> None:
        """Ask at every scrape how often each allow-list kept a value back."""
        self._passed_over.ask = ask

    def watch_blind(self, blind: BlindRules) -> None:
        """Ask at every scrape for (rule, field, source) of rules that can see nothing."""
        self._blind.ask = blind

    def rules_loaded(
        self, kinds: dict[str, int], digest: str, seconds: float, rules: Collection[str] = ()
    ) -> None:
        """Rules, with these ids, were taken into use, `seconds` after the Unix epoch.

        Series of others end, so that rules may come and go for years.
        """
        counters = (self._matches, self._violations, self._rule_seconds)
        for counter, metric in zip(counters, _BY_RULE, strict=True):
            _keep(counter, metric, rules)
        for kind, count in kinds.items():
            self._rules.labels(kind).set(count)
        self._rules_info.clear()
        self._rules_info.labels(digest).set(1)
        self._rules_time.set(seconds)
        self._reload_ok.set(1)

    def reloaded(self, *, success: bool) -> None:
        """Changed rules were taken into use, or could not be."""
        self._reloads.labels("success" if success else "failure").inc()
        self._reload_ok.set(success)

    def written(self, sink: str, count: int) -> None:
        """Dead letters are where they belong."""
        self._letters.labels(sink).inc(count)

    def failed(self, sink: str) -> None:
        """An attempt to write some failed."""
        self._letter_failures.labels(sink).inc()

    def waiting(self, *, since: float | None) -> None:
        """Nothing is read on because of that; with None it goes on."""
        self._letters_waiting.set(since is not None)

    def discarded(self, count: int) -> None:
        """Dead letters went with a full file."""
        self._letters_discarded.inc(count)

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self.registry)

    def _gauge(self, metric: Metric) -> Gauge:
        return Gauge(metric.name, metric.help, metric.labels, registry=self.registry)

    def _histogram(self, metric: Metric) -> Histogram:
        return Histogram(
            metric.name, metric.help, metric.labels, registry=self.registry, buckets=_TURN_BUCKETS
        )


def _keep(counter: Counter, metric: Metric, rules: Collection[str]) -> None:
    """Let go of the series of all rules but these."""
    samples = [sample.labels for family in counter.collect() for sample in family.samples]
    for labels in {tuple(one[name] for name in metric.labels) for one in samples if one["rule"] not in rules}:
        counter.remove(*labels)
