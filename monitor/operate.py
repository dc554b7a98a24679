"""What the daemon shows of itself and is told from outside: a part of the composition root."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from prometheus_client import CollectorRegistry

from monitor.alert_settings import TIERS
from monitor.broker_settings import brokers_of
from monitor.casebook import Backlog
from monitor.clock import Clock
from monitor.engine.plan import Plan
from monitor.errors import SettingsError
from monitor.model import Checkpoint, SourceSeen, TurnFacts
from monitor.pipeline.coverage import Decode, FieldWatch
from monitor.pipeline.deadletters import Patient
from monitor.pipeline.health import Checked, Health
from monitor.pipeline.reload import Reloader, RuleFiles, Ruling
from monitor.pipeline.trimming import Trimming
from monitor.pipeline.within import Within
from monitor.ports import DeadLetters
from monitor.review import clocks
from monitor.rules.tree import Rule, RuleSet
from monitor.sections import MetricsSettings
from monitor.settings import Settings
from monitor.sinks.deadletter import DeadLetterFile, check_file
from monitor.sinks.deadletter_topic import DeadLetterTopic
from monitor.sinks.http import HttpOptions, check_options, serve
from monitor.sinks.metrics import Metrics
from monitor.sinks.review_metrics import ReviewMetrics
from monitor.sinks.systemd import Notifier

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outside:
    """What the operating system asks for and is told; nothing, where the daemon runs inside a test.

    Attributes:
        reload: whether changed rules were asked for since it was last called.
        notifier: told how the daemon fares.
    """

    reload: Callable[[], bool] = lambda: False
    notifier: Notifier | None = None


class Watched(Protocol):
    """What the source tells beside its records."""

    def lag(self) -> Mapping[str, int]:
        """Records of each partition that the store does not know of yet, where records are counted."""
        ...

    def lag_bytes(self) -> Mapping[str, int]:
        """Bytes of each partition that the store does not know of yet, where bytes are counted."""
        ...

    def partitions(self) -> Collection[str]:
        """Partitions that are read now."""
        ...

    def sources(self) -> Collection[str]:
        """Names that metrics know parts of it by, whether those have something to read or not."""
        ...

    def condition(self) -> Checked:
        """Whether it has what it needs, and what it reads."""
        ...


class Stored(Protocol):
    """What the store is asked beside the runner: whether it can be reached, and what coverage knew before."""

    def checkpoints(self) -> Mapping[str, Checkpoint]:
        """How far each partition was read."""
        ...

    def sightings(self) -> Iterable[SourceSeen]:
        """What coverage has seen."""
        ...

    def backlog(self) -> Backlog:
        """What waits for people."""
        ...


def http_options(settings: MetricsSettings) -> HttpOptions:
    """The page as the settings have it."""
    return HttpOptions(
        host=settings.host,
        port=settings.port,
        insecure=settings.insecure,
        cert=settings.tls.cert,
        key=settings.tls.key,
        user=settings.auth.user,
        password_hash=settings.auth.password_hash,
        password_file=settings.auth.password_file,
    )


def check_outside(settings: Settings) -> None:
    """See that the page could be served, and dead letters written, as it is wanted.

    Raises:
        SettingsError: it could not.
    """
    check_options(http_options(settings.metrics))
    if settings.dead_letters.file is not None:
        check_file(settings.dead_letters.file)


class Operations:
    """The page and what stands behind it, from the daemon's first moment to its last.

    Raises:
        SettingsError: the page cannot be served as it is wanted.
    """

    def __init__(self, settings: Settings, clock: Clock, version: str, outside: Outside) -> None:
        self._outside = outside
        self._clock = clock
        self._metrics = Metrics(version, clock)
        self.fields = FieldWatch(clock, settings.metrics.quiet_seconds)
        self._metrics.watch_blind(self._blind)
        self._health = Health(clock, settings.metrics.stalled_seconds, version)
        self._stack = ExitStack()
        self._files: RuleFiles | None = None
        self._reloader: Reloader | None = None
        self._rules = ""
        self._tiers: Mapping[str, str] = {}
        self._letters: Checked = (True, "written")
        self._trimming = Trimming(clock)
        self._also: list[Callable[[], None]] = []
        self._server = serve(
            http_options(settings.metrics),
            self._metrics.registry,
            healthy=self._health.healthy,
            ready=self._health.ready,
        )
        self._stack.callback(self._server.close)
        self.url = self._server.url

    @property
    def registry(self) -> CollectorRegistry:
        """What the page shows; others may add to it."""
        return self._metrics.registry

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def watch(
        self, source: Watched, store: Stored, passed_over: Callable[[], Mapping[str, int]] = dict
    ) -> None:
        """Look at what the loop reads, writes to and passes over; go on with what coverage knew."""
        self._metrics.watch_allowed(passed_over)
        self.fields.restore(store.sightings())
        self._metrics.watch_lag(source.lag, source.partitions, source.lag_bytes, source.sources())
        ReviewMetrics(self.registry, Within(store.backlog), self._tier, clocks.state_of, self._clock)
        self._health.check("store", Within(lambda: _reached(store)))
        self._health.check("source", source.condition)

    def also(self, between: Callable[[], None]) -> None:
        """Something else that is to be done between turns, a short step at a time."""
        self._also.append(between)

    def rules(self, ruleset: RuleSet) -> None:
        """Take note of the rules in use."""
        kinds = {"event": len(ruleset.rules), "correlation": len(ruleset.correlations)}
        every: list[Rule] = [*ruleset.rules, *ruleset.hidden, *ruleset.correlations]
        ids = {rule.header.id for rule in every}
        self._tiers = {rule.header.id: rule.alert.tier for rule in every}
        self._metrics.rules_loaded(kinds, ruleset.digest, self._clock.now() / 1e6, ids)
        self._rules = told = f"{sum(kinds.values())} rules"
        self._health.check("rules", lambda: (True, told))

    def _tier(self, rule: str) -> str:
        """Of a rule that is gone the lesser one: nobody is woken for what it found."""
        return self._tiers.get(rule, TIERS[-1])

    def watched(self, plan: Plan, decode: Decode) -> Decode:
        """The decoder to use with that plan: coverage sees what it decodes."""
        return self.fields.watched(plan, decode)

    def dead_letters(self, settings: Settings, stop: Callable[[], bool]) -> Patient | None:
        """Where the settings have dead letters go; None: nowhere, they are counted and kept in the store.

        Raises:
            SettingsError: they cannot go there.
        """
        sinks = list(_dead_letter_sinks(settings, self._clock, self._metrics.discarded))
        for sink in sinks:
            self._stack.callback(sink.close)
        if not sinks:
            return None
        self._health.check("dead_letters", lambda: self._letters)
        return Patient(sinks, clock=self._clock, stop=stop, beat=self._beat, observer=self)

    def written(self, sink: str, count: int) -> None:
        """Dead letters are where they belong."""
        self._metrics.written(sink, count)

    def failed(self, sink: str) -> None:
        """An attempt to write some failed."""
        self._metrics.failed(sink)

    def waiting(self, *, since: float | None) -> None:
        """Nothing is read on because of that; with None it goes on."""
        self._metrics.waiting(since=since)
        self._letters = (
            (True, "written") if since is None else (False, "cannot be written, nothing is read on")
        )

    def reload(
        self,
        files: RuleFiles,
        current: Ruling,
        prepare: Callable[[], Ruling],
        take: Callable[[Ruling], None],
    ) -> None:
        """Look after changed rules from now on, see `monitor.pipeline.reload`."""
        self._files = files
        self._reloader = Reloader(
            current=current,
            prepare=prepare,
            take=take,
            begun=self._reloading,
            ended=self._reloaded,
            clock=self._clock,
        )

    def _reloading(self) -> None:
        if self._outside.notifier is not None:
            self._outside.notifier.reloading()

    def _reloaded(self, ruling: Ruling | None) -> None:
        """The attempt is over; with None the former rules stay, which is said wherever somebody looks."""
        self._metrics.reloaded(success=ruling is not None)
        told = self._rules
        if ruling is None:
            at = dt.datetime.fromtimestamp(self._clock.now() / 1e6, tz=dt.UTC)
            told += f"; the changed files cannot be used ({at:%Y-%m-%dT%H:%M:%SZ}), the log says why"
        self._health.check("rules", lambda: (True, told))
        if self._outside.notifier is not None:
            self._outside.notifier.ready(told)

    def turned(self, seconds: float, store_seconds: float) -> None:
        """Take account of one turn."""
        self._metrics.turned(seconds, store_seconds)

    def _blind(self) -> list[tuple[str, str, str]]:
        return [(one.rule, one.field, one.source) for one in self.fields.blind()]

    def observe(self, facts: TurnFacts) -> None:
        """Take account of one batch."""
        self._metrics.observe(facts)

    def between(self) -> None:
        """The loop came round: look after what changed outside."""
        self._beat()
        self._trimming.between()
        for one in self._also:
            one()
        asked = self._outside.reload()
        if asked:
            self._renew()
        if self._reloader is not None and self._files is not None:
            self._reloader.between(wanted=self._files.changed() or asked)

    def _renew(self) -> None:
        try:
            self._server.renew()
        except SettingsError as error:
            log.error("the certificate in use stays: %s", error)  # noqa: TRY400 - its words say what to do

    def _beat(self) -> None:
        self._health.beat()
        if self._outside.notifier is not None:
            self._outside.notifier.alive()


def _dead_letter_sinks(
    settings: Settings, clock: Clock, discarded: Callable[[int], None]
) -> Iterator[DeadLetters]:
    wanted, kafka = settings.dead_letters, settings.sources.kafka
    if wanted.file is not None:
        yield DeadLetterFile(
            wanted.file,
            settings.namespace,
            max_bytes=wanted.max_bytes,
            keep=wanted.keep,
            discarded=discarded,
        )
    if wanted.topic is not None:
        if kafka is None:
            raise SettingsError(
                "dead_letters.topic: it is a topic at the brokers of sources.kafka, which is left out; "
                "name a dead_letters.file instead"
            )
        if kafka.reads(wanted.topic):
            raise SettingsError(
                f"dead_letters.topic: {wanted.topic} is read as well, so that every dead letter would "
                "make another; name a topic that sources.kafka does not read"
            )
        brokers = brokers_of("sources.kafka", kafka, clock)
        topic = DeadLetterTopic(brokers, wanted.topic, settings.namespace)
        topic.check()
        yield topic


def _reached(store: Stored) -> Checked:
    store.checkpoints()
    return True, "reachable"
