"""What the review says of itself to Prometheus: clocks and backlog, no case and nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client import Counter as Counted
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from monitor import telemetry
from monitor.casebook import NEW, Backlog
from monitor.clock import Clock
from monitor.errors import StoreError

FRESH_SECONDS: Final = 15.0
"""How long an answer of the store is shown again: sums over many cases are not for every scrape."""

_SHOWN: Final = (
    telemetry.BREACH_DEADLINE,
    telemetry.BREACH_CLOCKS,
    telemetry.REVIEW_CASES,
    telemetry.REVIEW_OLDEST,
)


class ReviewMetrics(Collector):
    """The backlog as it is when somebody asks.

    Args:
        registry: of the application.
        ask: the store.
        tier_of: tier of a rule's id; some tier for a rule that nobody knows any more.
        state_of: state of a clock, of when it is over and now (microseconds UTC): one of `CLOCK_STATES`.
        clock: for what is left, and for ages.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        ask: Callable[[], Backlog],
        tier_of: Callable[[str], str],
        state_of: Callable[[int, int], str],
        clock: Clock,
    ) -> None:
        self._ask = ask
        self._tier_of = tier_of
        self._state_of = state_of
        self._clock = clock
        self._known: tuple[float, Backlog] | None = None
        registry.register(self)

    def describe(self) -> list[GaugeMetricFamily]:
        """Names only: the store is not asked for them."""
        return list(self._families())

    def collect(self) -> list[GaugeMetricFamily]:
        """Every series there is now."""
        try:
            found = self._backlog()
        except StoreError:
            return []  # no figure rather than a wrong one; the runner says what is wrong with the store
        now = self._clock.now()
        deadline, clocks, cases, oldest = families = self._families()
        if found.due:
            deadline.add_metric([], (min(found.due) - now) / 1e6)
        running = Counter(self._state_of(due, now) for due in found.due)
        for state in telemetry.CLOCK_STATES:
            clocks.add_metric([state], running[state])
        count: Counter[tuple[str, str, str]] = Counter()
        since: dict[tuple[str, str], int] = {}
        for pile in found.piles:
            tier = self._tier_of(pile.rule)
            count[tier, pile.level, pile.state] += pile.cases
            if pile.state == NEW and pile.oldest is not None:
                since[tier, pile.level] = min(since.get((tier, pile.level), now), pile.oldest)
        for labels, number in sorted(count.items()):
            cases.add_metric(labels, number)
        for pair, first in sorted(since.items()):
            oldest.add_metric(pair, (now - first) / 1e6)
        return list(families)

    def _backlog(self) -> Backlog:
        if self._known is None or self._clock.monotonic() - self._known[0] >= FRESH_SECONDS:
            self._known = None  # an old answer is no answer where the store is away
            self._known = (self._clock.monotonic(), self._ask())
        return self._known[1]

    def _families(self) -> tuple[GaugeMetricFamily, ...]:
        return tuple(GaugeMetricFamily(m.name, m.help, labels=m.labels) for m in _SHOWN)


def reports_counter(registry: CollectorRegistry, ways: Iterable[str]) -> Counted:
    """Counts deliveries of reports, of each way from the start on."""
    metric = telemetry.REPORTS
    counter = Counted(metric.name, metric.help, metric.labels, registry=registry)
    for way in ways:
        for result in ("success", "failure"):
            counter.labels(way, result)
    return counter
