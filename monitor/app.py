"""The composition root: builds the parts, runs them, lets go of them in reverse.

The only place that names a concrete source, sink or store.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.archives import archive_of, claimed, forget_outdated, keyring_for
from monitor.clock import Clock, SystemClock
from monitor.decode import AUTO, FORMATS, decoder
from monitor.detectors import CLASSES, GROUPS
from monitor.detectors.scrub import holds_personal_data
from monitor.engine.baseline.habits import LEARNED
from monitor.engine.explain import Answer, Explained
from monitor.engine.keys import Keyring
from monitor.engine.plan import compile_plan
from monitor.engine.survey import Survey
from monitor.errors import InputError, RuleError
from monitor.lazily import Lazily
from monitor.model import Reject, Turn, TurnFacts, Violation
from monitor.pipeline.cases import run_cases
from monitor.pipeline.correlate import ArchiveWindows, LiveWindows
from monitor.pipeline.explain import ask, find_rule
from monitor.pipeline.heeding import Heeding
from monitor.pipeline.reload import RuleFiles, Ruling
from monitor.pipeline.runner import Bounds, Runner
from monitor.pipeline.shares import RuleSeconds
from monitor.pipeline.survey import EVERYTHING, survey
from monitor.pipeline.ways import Decoding, Way, WayOf, everywhere, plans, way_digest
from monitor.rules.binding import rests_for
from monitor.rules.diagnostics import Diagnostic, failed, listing
from monitor.rules.report import TestOutcome, render_text
from monitor.rules.ruleset import load
from monitor.rules.tree import Rule, RuleSet
from monitor.sources.archive import ArchiveSource
from monitor.sources.events import event_batches
from monitor.sources.topicfile import TopicArchive

if TYPE_CHECKING:
    from monitor import alerting, feeding, operate
    from monitor.alert_settings import AlertsSettings
    from monitor.settings import Settings
    from monitor.store import repository
    from monitor.store.repository import SqlStore
else:  # `check` needs no SQL, a replay no Kafka
    alerting, operate = Lazily("monitor.alerting"), Lazily("monitor.operate")
    feeding = Lazily("monitor.feeding")
    repository = Lazily("monitor.store.repository")

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
    """The paths; for none, and for one called `shipped` where no such file is, the shipped rules."""
    named = (shipped_rules() if each.name == SHIPPED and not each.exists() else each for each in paths)
    return tuple(named) or (shipped_rules(),)


def load_rules(paths: Sequence[Path], clock: Clock) -> tuple[RuleSet, list[Diagnostic]]:
    """The rule set of some files and folders, and what the linter warns of.

    Raises:
        RuleError: some rule is wrong; the message shows every problem at its place.
    """
    ruleset, diagnostics = load(named_rules(paths), today(clock), scrub=holds_personal_data)
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
    """What is said of filters that hide nothing any more."""


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
    ruleset, diagnostics = load_rules(options.rules, clock)
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
            _report(store, ruleset, progress, seconds), untold=untold, over=tuple(_over(diagnostics))
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
    decodings = feeding.decodings(settings)
    paths = named_rules(settings.rules)
    files = RuleFiles(paths, clock, settings.reload.every_seconds)  # before they are read, to miss no change
    ruling = _ruling(paths, clock, decodings)
    with ExitStack() as stack:
        store = _opened(settings)
        stack.callback(store.close)
        keyring = keyring_for(store, settings.key)
        source = feeding.source(settings, store.claim, clock)
        operations = stack.enter_context(
            operate.Operations(settings, clock, version("privwatch"), outside or operate.Outside())
        )
        alarm = stack.enter_context(
            alerting.Alarm(settings.alerts, store.outbox(), clock, operations.registry)
        )
        source.start(store.checkpoints())
        stack.callback(source.close)
        operations.watch(source, store)

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

        operations.reload(files, ruling, lambda: _tested(_ruling(paths, clock, decodings)), take)
        started(
            f"reading {feeding.told(settings)}; {len(_rules(ruling.ruleset))} rules;"
            f" store {store.place}; metrics on {operations.url}"
        )
        return runner.run(stop, between=operations.between)


def _opened(settings: Settings) -> SqlStore:
    return repository.open_store(
        settings.store, settings.namespace, password_file=settings.store_password_file
    )


def _rules(ruleset: RuleSet) -> list[Rule]:
    return [*ruleset.rules, *ruleset.correlations]


def _ruling(paths: Sequence[Path], clock: Clock, decodings: Mapping[str, Decoding]) -> Ruling:
    ruleset, diagnostics = load_rules(paths, clock)
    for said in _over(diagnostics):
        log.warning("rules: %s", said)
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
    ruleset, _ = load_rules(settings.rules, SystemClock())
    operate.check_outside(settings)
    feeding.check(settings, SystemClock())
    alerting.check(settings.alerts, SystemClock())
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


def check_rules(paths: Sequence[Path], clock: Clock) -> tuple[list[Diagnostic], list[TestOutcome]]:
    """Lint rules, and where they can be compiled, run the tests inside them."""
    ruleset, diagnostics = load(named_rules(paths), today(clock), scrub=holds_personal_data)
    return diagnostics, [] if ruleset is None else run_cases(ruleset)


def explain(
    name: str, rules: Sequence[Path], events: Path | None, decoding: Decoding, line: int | None = None
) -> tuple[Explained, Iterator[Answer | Reject]]:
    """A rule, and what it says of each event of a file (`-` is standard input), or of one line of it.

    Raises:
        RuleError: the rules cannot be used, or none has that id or name.
        InputError: the file cannot be read.
    """
    ruleset, _ = load_rules(rules, SystemClock())
    plan = compile_plan(ruleset, decoding.aliases, decoding.time_fields)
    explained = find_rule(plan, name)
    batches = () if events is None else event_batches(events, decoding.format, plan.projection)
    return explained, ask(plan, explained, batches, line=line)


def scan(paths: Sequence[str], classes: tuple[str, ...], form: str) -> Survey:
    """What the detector classes find in log files, counted by field and state.

    Raises:
        InputError: a path names nothing, a file cannot be read, or there is no such class or format.
    """
    known = {"detector": (*CLASSES, *GROUPS), "format": (AUTO, *FORMATS)}
    for what, name in (*(("detector", each) for each in classes), ("format", form)):
        if name not in known[what]:
            raise InputError(f"there is no {what} {name!r}; there are {', '.join(known[what])}")
    source = ArchiveSource(paths, format=form, projection=EVERYTHING)
    source.start({})
    with closing(source):
        return survey(iter(lambda: source.poll(0), None), classes)
