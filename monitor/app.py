"""The composition root: builds the parts, runs them, lets go of them in reverse.

The only place that names a concrete source, sink or store.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.archives import archive_of, claimed, forget_outdated, keyring_for
from monitor.clock import Clock, SystemClock
from monitor.decode import AUTO, decoder
from monitor.detecting import Detection
from monitor.detector_settings import DetectorSettings
from monitor.detectors.scrub import holds_personal_data
from monitor.engine.baseline.habits import LEARNED
from monitor.engine.keys import Keyring
from monitor.errors import RuleError, SettingsError
from monitor.lazily import Lazily
from monitor.model import Reject, Turn, TurnFacts, Violation
from monitor.pipeline.cases import run_cases
from monitor.pipeline.correlate import ArchiveWindows, LiveWindows
from monitor.pipeline.heeding import Heeding
from monitor.pipeline.reload import RuleFiles, Ruling
from monitor.pipeline.runner import Bounds, Runner
from monitor.pipeline.shares import RuleSeconds
from monitor.pipeline.ways import Decoding, Way, WayOf, everywhere, plans, way_digest
from monitor.rules.binding import rests_for
from monitor.rules.diagnostics import Diagnostic, Problems, failed, listing
from monitor.rules.report import render_text
from monitor.rules.ruleset import load
from monitor.rules.tree import Rule, RuleSet
from monitor.sources.archive import ArchiveSource
from monitor.sources.topicfile import TopicArchive

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from monitor import alerting, feeding, keeping, operate, reporting
    from monitor.alert_settings import AlertsSettings
    from monitor.settings import Settings
    from monitor.store import alone, repository
    from monitor.store.repository import SqlStore
else:  # `check` needs no SQL, a replay no Kafka
    alerting, operate = Lazily("monitor.alerting"), Lazily("monitor.operate")
    feeding, keeping = Lazily("monitor.feeding"), Lazily("monitor.keeping")
    reporting = Lazily("monitor.reporting")
    alone, repository = Lazily("monitor.store.alone"), Lazily("monitor.store.repository")

log = logging.getLogger(__name__)

REPLAY_BATCHES = 32
"""Record batches an archive's turn gathers before it writes: about 500 MB of log."""

TELL_SECONDS = 30.0
"""How long a replay waits at its end for targets to take alerts in."""

SHIPPED = "shipped"
"""Among rule paths: the rules that come with privwatch."""

Never = Callable[[], bool]


def shipped_rules() -> Path:
    """The rules that come with privwatch: inside the package, or beside it in a checkout."""
    packaged = Path(str(resources.files("monitor.rules"))) / "shipped"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parent.parent / "rules"


def named_rules(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The paths; for none, and for the word `shipped` where no such file is, the shipped rules."""
    word = Path(SHIPPED)
    named = (shipped_rules() if each == word and not each.exists() else each for each in paths)
    return tuple(named) or (shipped_rules(),)


def as_shipped() -> Detection:
    """Detectors as they come."""
    return Detection(DetectorSettings())


def load_rules(
    paths: Sequence[Path], clock: Clock, detection: Detection | None = None
) -> tuple[RuleSet, list[Diagnostic]]:
    """The rule set of some files and folders, and what the linter warns of.

    Raises:
        RuleError: some rule is wrong; the message shows every problem at its place.
        SettingsError: an allow-list cannot be read.
    """
    day = today(clock)
    catalogue = (detection or as_shipped()).catalogue(day)
    ruleset, diagnostics = load(named_rules(paths), day, scrub=holds_personal_data, catalogue=catalogue)
    if ruleset is None or failed(diagnostics):
        raise RuleError(render_text(diagnostics, ()).rstrip())
    return ruleset, diagnostics


def today(clock: Clock) -> dt.date:
    """The UTC day."""
    return dt.datetime.fromtimestamp(clock.now() / 1e6, tz=dt.UTC).date()


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What to replay into what."""

    inputs: tuple[str, ...]
    rules: tuple[Path, ...]
    store: Path
    key: Path
    namespace: str = "replay"
    decoding: Decoding = field(default_factory=Decoding)
    bounds: Bounds = field(default_factory=Bounds)
    alerts: AlertsSettings | None = None
    """Who is told of what is found; nobody, unless somebody asks for it."""
    kafka_records: bool = False
    """The inputs are archived records of topics, see `monitor.sources.topicfile`."""
    detection: Detection = field(default_factory=as_shipped)


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What the store holds after a replay, and what this run read for it."""

    violations: tuple[Violation, ...]
    ruleset: RuleSet
    events: int
    rejects: dict[str, int]
    facts: dict[str, int]
    records: int
    size: int
    seconds: float
    rejected: tuple[Reject, ...] = ()
    """Records that could not be read, as many as the store keeps."""
    untold: int = 0
    """Alerts that wait in the outbox."""
    over: tuple[str, ...] = ()
    """What is said of filters and allow-lists that hide nothing any more."""
    passed_over: tuple[tuple[str, int], ...] = ()
    """Allow-lists of the settings, and how often each passed a value over while this ran."""


class Progress:
    """Adds up turns, and passes them on."""

    def __init__(self, observe: Callable[[TurnFacts], None] | None = None) -> None:
        self._observe = observe
        self.records = 0
        self.size = 0

    def __call__(self, facts: TurnFacts) -> None:
        """Take in one batch."""
        self.records += facts.records
        self.size += facts.size
        if self._observe is not None:
            self._observe(facts)


def replay(
    options: ReplayOptions,
    *,
    clock: Clock | None = None,
    observe: Callable[[TurnFacts], None] | None = None,
    opened: Callable[[ArchiveSource | TopicArchive], None] | None = None,
    stop: Never = lambda: False,
) -> ReplayReport:
    """Run archived logs through the rules into the store. Doing it again changes nothing.

    A file that was read under other rules or other bounds is taken back first and read anew.

    Args:
        options: what to replay into what.
        clock: the system's, unless a test brings another.
        observe: told of every batch.
        opened: given the source before the first batch, for a progress bar.
        stop: asked between turns; what was written so far stays and the next replay goes on from there.

    Raises:
        PrivwatchError: rules, inputs, key or store cannot be used.
    """
    clock = clock or SystemClock()
    started = clock.monotonic()
    ruleset, diagnostics = load_rules(options.rules, clock, options.detection)
    decoding = options.decoding
    plan = plans(ruleset, {"": decoding})[""]
    progress = Progress(observe)
    with ExitStack() as stack:
        source = archive_of(
            options.inputs,
            decoding,
            plan,
            lambda partition: claimed(store, partition, way.digest),
            kafka_records=options.kafka_records,
        )
        stack.callback(source.close)
        source.start({})  # a wrong path is said before a store and a key are made for it
        store = repository.open_store(options.store, options.namespace)
        stack.callback(store.close)
        keyring = keyring_for(store, options.key)
        way = Way(
            plan,
            way_digest(plan, decoding, options.bounds),
            decoder(AUTO, plan.projection, year=decoding.year).decode,
        )
        source.start(store.checkpoints())
        if forget_outdated(store, source.partitions, way.digest):
            source.start(store.checkpoints())
        if opened is not None:
            opened(source)
        alarm = None if options.alerts is None else alerting.Alarm(options.alerts, store.outbox(), clock)
        if alarm is not None:
            stack.enter_context(alarm)
        Runner(
            source=source,
            store=store,
            way=everywhere(way),
            keyring=keyring,
            windows=ArchiveWindows(ruleset.correlations, keyring, store),
            clock=clock,
            observe=progress,
            bounds=options.bounds,
            batches=REPLAY_BATCHES,
            alerting=_nobody if alarm is None else alarm.alerting(_rules(ruleset)),
        ).run(stop)
        seconds = clock.monotonic() - started
        untold = 0 if alarm is None else alarm.finish(0.0 if stop() else TELL_SECONDS)
        return replace(
            _report(store, ruleset, progress, seconds),
            untold=untold,
            over=(*_over(diagnostics), *options.detection.over(today(clock))),
            passed_over=tuple(options.detection.passed_over().items()),
        )


def _nobody(turn: Turn) -> Turn:
    """A turn that tells nobody."""
    return turn


LIVE_BATCHES = 16
"""Record batches a live turn takes in at most."""

GATHER_SECONDS = 0.5
"""Seconds after which a live turn writes what it has, although more is waiting."""


def live_windows(
    ruleset: RuleSet, keyring: Keyring, store: Heeding, clock: Clock, settings: Settings
) -> LiveWindows:
    """The windows of a stream, from what the store holds of them."""
    most = settings.limits.window_panes
    return LiveWindows(ruleset.correlations, keyring, store, clock.monotonic, most)


def run(
    settings: Settings,
    *,
    stop: Callable[[], bool],
    started: Callable[[str], None] = lambda _: None,
    clock: Clock | None = None,
    outside: operate.Outside | None = None,
) -> bool:
    """Watch sources until told to stop: evaluate, store, answer on `/metrics`.

    Args:
        settings: what `load_settings` gave.
        stop: asked between turns, at least twice a second; the turn at hand is written first.
        started: told in one line what is read, stored and served, once all of it works.
        clock: the system's, unless a test brings another.
        outside: what the operating system asks for and is told.

    Returns:
        Whether all that was read is stored; what is not is read again.

    Raises:
        PrivwatchError: rules, sources, key or store cannot be used.
    """
    clock = clock or SystemClock()
    decodings, paths = feeding.decodings(settings), named_rules(settings.rules)
    files = RuleFiles(paths, clock, settings.reload.every_seconds)  # before they are read, to miss no change
    detection = Detection(settings.detectors)
    ruling = _ruling(paths, clock, decodings, detection)
    with ExitStack() as stack:
        store = _opened(settings, clock, stack)
        keyring = keyring_for(store, settings.key)
        source = feeding.source(settings, store.claim, clock)
        operations = stack.enter_context(
            operate.Operations(settings, clock, version("privwatch"), outside or operate.Outside())
        )
        told = operations.registry
        alarm = stack.enter_context(alerting.Alarm(settings.alerts, store.outbox(), clock, told))
        stack.enter_context(_reporter(settings, store, lambda: ruling.ruleset, clock, told))
        source.start(store.checkpoints())
        stack.callback(source.close)
        operations.watch(source, store, detection.passed_over)
        operations.also(keeping.keeper(settings, store, clock, operations.registry))

        def ways() -> WayOf:
            return feeding.ways(ruling.plans, decodings, source.member_of, operations.watched)

        heeding = Heeding(store, stop, clock)

        def windows() -> LiveWindows:
            return live_windows(ruling.ruleset, keyring, heeding, clock, settings)

        operations.rules(ruling.ruleset)
        runner = Runner(
            source=source,
            store=heeding,
            way=ways(),
            keyring=keyring,
            windows=windows(),
            reopen=windows,
            behind=source.behind,
            clock=clock,
            observe=operations.observe,
            turned=operations.turned,
            dead_letters=operations.dead_letters(settings, stop),
            fields=operations.fields,
            shares=RuleSeconds(keyring, clock),
            batches=LIVE_BATCHES,
            gather_seconds=GATHER_SECONDS,
            alerting=alarm.alerting(_rules(ruling.ruleset)),
        )

        def take(fresh: Ruling) -> None:
            nonlocal ruling
            ruling = fresh
            operations.rules(ruling.ruleset)
            runner.adopt(ways(), windows(), alarm.alerting(_rules(ruling.ruleset)))

        operations.reload(files, ruling, lambda: _tested(_ruling(paths, clock, decodings, detection)), take)
        started(
            f"reading {feeding.told(settings)}; {len(_rules(ruling.ruleset))} rules;"
            f" store {store.place}; metrics on {operations.url}"
        )
        return runner.run(stop, between=operations.between)


def _reporter(
    settings: Settings,
    store: SqlStore,
    rules: Callable[[], RuleSet],
    clock: Clock,
    registry: CollectorRegistry,
) -> reporting.Reporter:
    """What makes the week's report by itself."""
    key = keeping.key_file(settings)
    return reporting.Reporter(settings.reports, key, store, rules, clock=clock, registry=registry)


def _opened(settings: Settings, clock: Clock, stack: ExitStack) -> SqlStore:
    """The store, for this daemon alone where it is a file."""
    named, password_file = settings.namespace, settings.store_password_file
    store = repository.open_store(settings.store, named, password_file=password_file)
    stack.callback(store.close)
    stack.enter_context(alone.alone(store.place, named, clock))
    return store


def _rules(ruleset: RuleSet) -> list[Rule]:
    return [*ruleset.rules, *ruleset.correlations]


def _ruling(
    paths: Sequence[Path],
    clock: Clock,
    decodings: Mapping[str, Decoding],
    detection: Detection | None = None,
) -> Ruling:
    ruleset, diagnostics = load_rules(paths, clock, detection)
    for said in _over(diagnostics):
        log.warning("rules: %s", said)
    for said in detection.over(today(clock)) if detection else ():
        log.warning("detectors: %s", said)
    for name, tables in resting(ruleset):
        log.info("rules: %s rests until there is a table %s (docs/rules.md)", name, listing(tables))
    return Ruling(ruleset, plans(ruleset, decodings))


def resting(ruleset: RuleSet) -> list[tuple[str, tuple[str, ...]]]:
    """Names of the rules that say nothing yet, and of the tables they wait for."""
    waiting = ((rule.header.name or rule.header.title, rests_for(rule)) for rule in ruleset.rules)
    return [(name, tables) for name, tables in waiting if tables]


def _over(diagnostics: Sequence[Diagnostic]) -> Iterator[str]:
    """What the linter says of filters whose last day is over."""
    return (f"{one.span}: {one.message}" for one in diagnostics if one.code == "filter-expired")


def _tested(ruling: Ruling) -> Ruling:
    """The same, where all tests inside the rules hold.

    Raises:
        RuleError: one does not.
    """
    if unmet := [one for one in run_cases(ruling.ruleset) if not one.passed]:
        raise RuleError(render_text((), unmet).rstrip())
    return ruling


def check_settings(settings: Settings) -> str:
    """Try what can be tried without starting: rules, the page, dead letters' file; says what is there.

    Raises:
        PrivwatchError: something `run` would refuse.
    """
    clock, detection = SystemClock(), Detection(settings.detectors)
    ruleset, _ = load_rules(settings.rules, clock, detection)
    if unmet := [one for one in detection.examined(today(clock), Problems()) if not one.passed]:
        raise SettingsError(render_text((), unmet).rstrip())
    operate.check_outside(settings)
    feeding.check(settings, SystemClock())
    alerting.check(settings.alerts, SystemClock())
    reporting.check(settings.reports)
    return f"{len(ruleset.rules)} event rules, {len(ruleset.correlations)} correlations"


def _report(store: SqlStore, ruleset: RuleSet, progress: Progress, seconds: float) -> ReplayReport:
    counts: Counter[tuple[str, str]] = Counter()
    for (partition, kind, name), n in store.counts().items():
        counts[kind, name] += 0 if partition.startswith(LEARNED) else n  # nobody evaluated what was learned
    return ReplayReport(
        violations=tuple(store.violations()),
        ruleset=ruleset,
        events=counts["event", "events"],
        rejects={name: n for (kind, name), n in sorted(counts.items()) if kind == "reject" and n},
        facts={name: n for (kind, name), n in sorted(counts.items()) if kind == "event"},
        records=progress.records,
        size=progress.size,
        seconds=seconds,
        rejected=tuple(store.rejects()),
    )
