"""The composition root: builds the parts, runs them, lets go of them in reverse.

The only place that names a concrete source, sink or store.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import resources
from importlib.metadata import version
from pathlib import Path

from monitor.clock import Clock, SystemClock
from monitor.decode import AUTO, decoder
from monitor.detectors.scrub import holds_personal_data
from monitor.engine.explain import Answer, Explained
from monitor.engine.keys import Keyring
from monitor.engine.plan import Plan, compile_plan
from monitor.errors import RuleError
from monitor.model import Logsource, Reject, TurnFacts, Violation
from monitor.pipeline.cases import run_cases
from monitor.pipeline.correlate import ArchiveWindows, LiveWindows
from monitor.pipeline.explain import ask, find_rule
from monitor.pipeline.runner import Bounds, Runner
from monitor.rules.diagnostics import Diagnostic, failed
from monitor.rules.report import TestOutcome, render_text
from monitor.rules.ruleset import load
from monitor.rules.tree import RuleSet
from monitor.settings import Settings
from monitor.sinks.metrics import Metrics, serve_metrics
from monitor.sources.archive import ArchiveSource
from monitor.sources.events import event_batches
from monitor.sources.kafka import KafkaOptions, KafkaSource
from monitor.store.keyfile import load_key
from monitor.store.repository import SqlStore, open_store

REPLAY_BATCHES = 32
"""Record batches an archive's turn gathers before it writes: about 500 MB of log."""

Never = Callable[[], bool]


def shipped_rules() -> Path:
    """The rules that come with privwatch: inside the package, or beside it in a checkout."""
    packaged = Path(str(resources.files("monitor.rules"))) / "shipped"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parent.parent / "rules"


def load_rules(paths: Sequence[Path], clock: Clock) -> tuple[RuleSet, list[Diagnostic]]:
    """The rule set of some files and folders, and what the linter warns of.

    Raises:
        RuleError: some rule is wrong; the message shows every problem at its place.
    """
    ruleset, diagnostics = load(paths, today(clock), scrub=holds_personal_data)
    if ruleset is None or failed(diagnostics):
        raise RuleError(render_text(diagnostics, ()).rstrip())
    return ruleset, diagnostics


def today(clock: Clock) -> dt.date:
    """The UTC day."""
    return dt.datetime.fromtimestamp(clock.now() / 1e6, tz=dt.UTC).date()


@dataclass(frozen=True, slots=True)
class Decoding:
    """How records are read: format, where they come from, where fields and the event time are."""

    format: str = AUTO
    logsource: Logsource = field(default_factory=Logsource)
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    time_fields: tuple[str, ...] = ()
    year: int | None = None


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


def plan_digest(plan: Plan, decoding: Decoding, bounds: Bounds) -> str:
    """Identifies everything a result depends on besides the records."""
    settled = repr(
        (version("privwatch"), decoding.format, decoding.logsource, decoding.year, bounds)
    ).encode()
    return hashlib.sha256(plan.digest.encode() + settled).hexdigest()


def replay(
    options: ReplayOptions,
    *,
    clock: Clock | None = None,
    observe: Callable[[TurnFacts], None] | None = None,
    opened: Callable[[ArchiveSource], None] | None = None,
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
    ruleset, _ = load_rules(options.rules, clock)
    decoding = options.decoding
    plan = compile_plan(ruleset, decoding.aliases, decoding.time_fields)
    progress = Progress(observe)
    with ExitStack() as stack:
        store = open_store(options.store, options.namespace)
        stack.callback(store.close)
        keyring = Keyring(load_key(options.key))
        source = ArchiveSource(
            options.inputs, format=decoding.format, logsource=decoding.logsource, projection=plan.projection
        )
        stack.callback(source.close)
        digest = plan_digest(plan, decoding, options.bounds)
        source.start(store.checkpoints())
        if _forget_outdated(store, source.partitions, digest):
            source.start(store.checkpoints())
        if opened is not None:
            opened(source)
        Runner(
            source=source,
            store=store,
            plan=plan,
            plan_digest=digest,
            decode=decoder(AUTO, plan.projection, year=decoding.year).decode,
            keyring=keyring,
            windows=ArchiveWindows(plan.correlations, keyring, store),
            clock=clock,
            observe=progress,
            bounds=options.bounds,
            batches=REPLAY_BATCHES,
        ).run(stop)
        return _report(store, ruleset, progress, clock.monotonic() - started)


LIVE_BATCHES = 16
"""Record batches a live turn takes in at most."""

GATHER_SECONDS = 0.5
"""Seconds after which a live turn writes what it has, although more is waiting."""


def run(
    settings: Settings,
    *,
    stop: Callable[[], bool],
    started: Callable[[str], None] = lambda _: None,
    clock: Clock | None = None,
) -> None:
    """Watch topics until told to stop: evaluate, store, answer on `/metrics`.

    Args:
        settings: what `load_settings` gave.
        stop: asked between turns, at least twice a second; the turn at hand is written first.
        started: told in one line what is read, stored and served, once all of it works.
        clock: the system's, unless a test brings another.

    Raises:
        PrivwatchError: rules, topics, key or store cannot be used.
    """
    clock = clock or SystemClock()
    ruleset, _ = load_rules(settings.rules or [shipped_rules()], clock)
    kafka = settings.sources.kafka
    logsource = Logsource(**kafka.logsource.model_dump())
    decoding = Decoding(kafka.format, logsource, tuple(kafka.fields.items()), kafka.time_fields)
    plan = compile_plan(ruleset, decoding.aliases, decoding.time_fields)
    with ExitStack() as stack:
        store = open_store(settings.store, settings.namespace)
        stack.callback(store.close)
        keyring = Keyring(load_key(settings.key))
        source = KafkaSource(_kafka_options(settings, logsource), stored=store.checkpoints)
        metrics = Metrics(version("privwatch"))
        server = serve_metrics(metrics.registry, settings.metrics.host, settings.metrics.port)
        stack.callback(server.close)
        source.start(store.checkpoints())
        stack.callback(source.close)
        metrics.watch_lag(source.lag)
        runner = Runner(
            source=source,
            store=store,
            plan=plan,
            plan_digest=plan_digest(plan, decoding, Bounds()),
            decode=decoder(decoding.format, plan.projection).decode,
            keyring=keyring,
            windows=LiveWindows(plan.correlations, keyring, store),
            behind=source.behind,
            clock=clock,
            observe=metrics.observe,
            batches=LIVE_BATCHES,
            gather_seconds=GATHER_SECONDS,
        )
        started(
            f"reading {', '.join(kafka.topics)} from {', '.join(kafka.bootstrap)}; {len(plan.rules)} rules;"
            f" store {settings.store}; metrics on http://{settings.metrics.host}:{server.port}/metrics"
        )
        runner.run(stop)


def _kafka_options(settings: Settings, logsource: Logsource) -> KafkaOptions:
    kafka = settings.sources.kafka
    return KafkaOptions(
        bootstrap=kafka.bootstrap,
        topics=kafka.topics,
        group=kafka.group,
        start=kafka.start,
        logsource=logsource,
        format=kafka.format,
        connect_seconds=kafka.connect_seconds,
        batch_records=settings.limits.batch_records,
        ahead_bytes=settings.limits.ahead_bytes,
    )


def _forget_outdated(store: SqlStore, partitions: Collection[str], digest: str) -> bool:
    """Take back the files of this replay that were read under other rules, decoding or bounds."""
    known = store.checkpoints()
    outdated = [p for p in partitions if p in known and known[p].plan != digest]
    for partition in outdated:
        store.forget(partition)
    return bool(outdated)


def _report(store: SqlStore, ruleset: RuleSet, progress: Progress, seconds: float) -> ReplayReport:
    counts: Counter[tuple[str, str]] = Counter()
    for (_, kind, name), n in store.counts().items():
        counts[kind, name] += n
    return ReplayReport(
        violations=tuple(store.violations()),
        ruleset=ruleset,
        events=counts["event", "events"],
        rejects={name: n for (kind, name), n in sorted(counts.items()) if kind == "reject"},
        facts={name: n for (kind, name), n in sorted(counts.items()) if kind == "event"},
        records=progress.records,
        size=progress.size,
        seconds=seconds,
    )


def check_rules(paths: Sequence[Path], clock: Clock) -> tuple[list[Diagnostic], list[TestOutcome]]:
    """Lint rules, and where they can be compiled, run the tests inside them."""
    ruleset, diagnostics = load(paths, today(clock), scrub=holds_personal_data)
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
