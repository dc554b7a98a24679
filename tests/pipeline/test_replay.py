"""One archive, one answer: in any chunks, through any crash, a second time, under changed rules."""

import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from monitor import app, archives
from monitor.app import ReplayOptions, ReplayReport, load_rules, replay, shipped_rules
from monitor.clock import ManualClock
from monitor.decode import AUTO, decoder
from monitor.demo import generate
from monitor.engine.keys import Keyring
from monitor.engine.plan import compile_plan
from monitor.errors import FencedError
from monitor.frames import RecordBatch, Values
from monitor.model import Turn, Violation
from monitor.pipeline.correlate import ArchiveWindows
from monitor.pipeline.runner import Bounds, Runner
from monitor.pipeline.ways import Way, everywhere
from monitor.review.summary import by_id, document
from monitor.rules.tree import RuleSet
from monitor.sources.archive import ArchiveSource
from monitor.sources.chunks import Limits
from monitor.store import repository
from monitor.store.keyfile import load_key
from monitor.store.repository import SqlStore, open_store
from tests.support.memory import MemorySource, MemoryStore

FORMATS = {"application.ndjson": "json", "access.log": "access", "database.ndjson": "json"}
SOME_RULES = ("bulk/bulk_read_customers.yml", "unanonymised/email_in_url.yml", "unencrypted/iban_in_text.yml")


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    generate(folder / "logs", days=2, events_per_day=400)
    load_key(folder / "key")
    return folder / "logs"


def options(logs: Path, store: Path, rules: Iterable[str] = ("",)) -> ReplayOptions:
    chosen = tuple(shipped_rules() / rule for rule in rules)
    return ReplayOptions((str(logs),), chosen, store, logs.parent / "key")


def documents(violations: Iterable[Violation], ruleset: RuleSet) -> str:
    """Everything a person or a script ever sees of the violations."""
    return "\n".join(json.dumps(document(v, by_id(ruleset))) for v in violations)


def told(report: ReplayReport) -> str:
    return documents(report.violations, report.ruleset)


@pytest.fixture(scope="module")
def whole(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> ReplayReport:
    """All shipped rules over the archive in as few batches as it takes."""
    report = replay(options(logs, tmp_path_factory.mktemp("whole") / "a.db"))
    assert {v.kind for v in report.violations} == {"baseline", "event", "value_count"}
    return report


@pytest.fixture(scope="module")
def some(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> ReplayReport:
    """Three of the rules, which are enough where only the path of the data matters."""
    report = replay(options(logs, tmp_path_factory.mktemp("some") / "a.db", SOME_RULES))
    assert {v.rule for v in report.violations} == {
        r.header.id
        for r in (*report.ruleset.rules, *report.ruleset.correlations)
        if getattr(r, "reported", True)
    }
    return report


def in_chunks(patch: pytest.MonkeyPatch, size: int, batches: int) -> None:
    patch.setattr(archives, "ArchiveSource", partial(ArchiveSource, limits=Limits(chunk=size)))
    patch.setattr(app, "REPLAY_BATCHES", batches)


@pytest.mark.parametrize(("size", "batches"), [(40_000, 3), (150_000, 1)])
def test_chunks_do_not_show(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: ReplayReport, size: int, batches: int
) -> None:
    in_chunks(monkeypatch, size, batches)
    report = replay(options(logs, tmp_path / "a.db"))
    assert report.violations == whole.violations
    assert told(report) == told(whole)
    assert (report.events, report.rejects, report.facts) == (whole.events, whole.rejects, whole.facts)


@pytest.mark.parametrize("turns", [0, 1])
def test_two_replays_of_the_same_files_at_once_count_once(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, some: ReplayReport, turns: int
) -> None:
    in_chunks(monkeypatch, 40_000, 1)
    chosen = options(logs, tmp_path / "a.db", SOME_RULES)
    asked = count()

    def another_in_between() -> bool:
        if next(asked) == turns:
            assert told(replay(chosen)) == told(some)
        return False

    if turns:  # the other one took a file that this one had begun
        with pytest.raises(FencedError, match="another instance took over"):
            replay(chosen, stop=another_in_between)
    else:
        assert replay(chosen, stop=another_in_between).records == 0
    again = replay(chosen)
    assert (told(again), again.events, again.records) == (told(some), some.events, 0)


def test_a_replay_under_other_rules_is_not_added_to(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, some: ReplayReport
) -> None:
    in_chunks(monkeypatch, 40_000, 1)
    asked = count()

    def another_in_between() -> bool:
        if next(asked) == 0:
            replay(options(logs, tmp_path / "a.db", SOME_RULES))
        return False

    with pytest.raises(FencedError, match="under other rules or options"):
        replay(options(logs, tmp_path / "a.db", SOME_RULES[:1]), stop=another_in_between)
    assert told(replay(options(logs, tmp_path / "a.db", SOME_RULES))) == told(some)


def value_batches(logs: Path, partitions: Iterable[str], chosen: random.Random) -> list[RecordBatch]:
    """The archive as a stream gives it: one bytes object a record, batches of the files in turn."""
    queues: list[Iterator[RecordBatch]] = []
    for name in sorted(FORMATS):
        partition = next(p for p in partitions if f"/{name}#" in p)
        queues.append(_values_of(partition, FORMATS[name], (logs / name).read_bytes().splitlines(), chosen))
    found = []
    while queues:
        queue = chosen.choice(queues)
        batch = next(queue, None)
        if batch is None:
            queues.remove(queue)
        else:
            found.append(batch)
    return found


def _values_of(partition: str, form: str, lines: list[bytes], chosen: random.Random) -> Iterator[RecordBatch]:
    at = 0
    while at < len(lines):
        items = tuple(lines[at : at + chosen.choice([1, 7, 150, 400])])
        end = at + len(items)
        yield RecordBatch(partition, range(at, end), end, Values(items), format=form)
        at = end


@pytest.mark.parametrize("seed", range(2))
def test_a_stream_of_records_gives_what_the_archive_gives(logs: Path, some: ReplayReport, seed: int) -> None:
    paths = [shipped_rules() / rule for rule in SOME_RULES]
    ruleset, _ = load_rules(paths, ManualClock(1_795_000_000_000_000))
    plan = compile_plan(ruleset)
    keyring = Keyring(load_key(logs.parent / "key"))
    archive = ArchiveSource([str(logs)])
    archive.start({})
    partitions = archive.partitions
    archive.close()
    store = MemoryStore()
    batches = value_batches(logs, partitions, random.Random(seed))
    source = MemorySource(batches)
    source.start({})
    Runner(
        source=source,
        store=store,
        way=everywhere(Way(plan, "d", decoder(AUTO, plan.projection).decode)),
        keyring=keyring,
        windows=ArchiveWindows(plan.correlations, keyring, store),
        clock=ManualClock(),
        observe=lambda _: None,
        batches=1 + seed * 4,
    ).run(lambda: False)
    assert documents(store.violations(), ruleset) == told(some)
    assert source.committed == {b.partition: b.next_position for b in batches}


class CrashError(Exception):
    """The power went out."""


class Crashing:
    """A store that fails at the writes it is told to, before or after the transaction."""

    def __init__(self, store: SqlStore, before: set[int], after: set[int], writes: Iterator[int]) -> None:
        self._store = store
        self._before, self._after, self._writes = before, after, writes

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def write(self, turn: Turn) -> None:
        number = next(self._writes)
        if number in self._before:
            raise CrashError
        self._store.write(turn)
        if number in self._after:
            raise CrashError


def until_done(run: Callable[[], ReplayReport]) -> tuple[ReplayReport, int]:
    crashes = 0
    while True:
        try:
            return run(), crashes
        except CrashError:
            crashes += 1


def tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            return {
                name: sorted(map(tuple, connection.execute(text(f"select * from {name}"))), key=repr)
                for name in inspect(engine).get_table_names()
            }
    finally:
        engine.dispose()


@pytest.mark.parametrize("seed", range(3))
def test_crashes_change_nothing(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, some: ReplayReport, seed: int
) -> None:
    in_chunks(monkeypatch, 60_000, 2)
    chosen = random.Random(seed)
    before, after = (set(chosen.sample(range(12), 3)) for _ in range(2))
    writes = count()
    monkeypatch.setattr(
        repository, "open_store", lambda *given: Crashing(open_store(*given), before, after, writes)
    )
    report, crashes = until_done(lambda: replay(options(logs, tmp_path / "a.db", SOME_RULES)))
    assert crashes >= 2
    assert told(report) == told(some)
    assert (report.events, report.rejects, report.facts) == (some.events, some.rejects, some.facts)


def test_a_replay_done_again_changes_no_row(logs: Path, tmp_path: Path, some: ReplayReport) -> None:
    given = options(logs, tmp_path / "a.db", SOME_RULES)
    first = replay(given)
    kept = tables(tmp_path / "a.db")
    again = replay(given)
    assert tables(tmp_path / "a.db") == kept
    assert again.records == 0
    assert told(first) == told(again) == told(some)


@pytest.mark.parametrize("before", [("",), SOME_RULES[1:], SOME_RULES[:1], ("unencrypted",)])
def test_changed_rules_give_what_a_fresh_replay_gives(
    logs: Path, tmp_path: Path, some: ReplayReport, before: tuple[str, ...]
) -> None:
    replay(options(logs, tmp_path / "a.db", before))
    assert told(replay(options(logs, tmp_path / "a.db", SOME_RULES))) == told(some)


def test_a_rule_that_went_takes_its_episodes_along(logs: Path, tmp_path: Path) -> None:
    fresh = replay(options(logs, tmp_path / "fresh.db", SOME_RULES[1:]))
    replay(options(logs, tmp_path / "a.db", SOME_RULES))
    report = replay(options(logs, tmp_path / "a.db", SOME_RULES[1:]))
    assert told(report) == told(fresh)


def test_times_asked_for_are_the_only_ones_looked_at(logs: Path, tmp_path: Path, some: ReplayReport) -> None:
    day = 86_400_000_000
    begin = min(v.first for v in some.violations if v.first is not None) // day * day
    halves = [Bounds(until=begin + day), Bounds(since=begin + day)]
    given = options(logs, tmp_path / "a.db", SOME_RULES)
    first, second = (replay(replace(given, bounds=half, namespace=repr(half))) for half in halves)
    assert first.events + second.events == some.events
    assert first.facts["skipped"] == second.events
    # Event rules report by day, so that each half has its own.
    daily = {v.fingerprint: v for v in (*first.violations, *second.violations) if v.kind == "event"}
    assert daily == {v.fingerprint: v for v in some.violations if v.kind == "event"}
    # Asked for everything again, the namespace forgets that it looked at less.
    assert told(replay(replace(given, namespace=repr(halves[0])))) == told(some)


def test_namespaces_do_not_meet(logs: Path, tmp_path: Path, some: ReplayReport) -> None:
    given = options(logs, tmp_path / "a.db", SOME_RULES)
    other = replay(replace(given, namespace="other", rules=(shipped_rules() / "unencrypted",)))
    assert told(replay(given)) == told(some)
    kept = open_store(tmp_path / "a.db", "other")
    try:
        assert tuple(kept.violations()) == other.violations
    finally:
        kept.close()
