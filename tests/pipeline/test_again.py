"""A turn that could not be written is dropped, counted, and read again from where the store says."""

import logging
from collections.abc import Callable

import pytest

from monitor.clock import ManualClock
from monitor.decode import decoder
from monitor.engine.keys import Keyring
from monitor.engine.plan import compile_plan
from monitor.errors import FencedError, StoreAwayError, StoreError
from monitor.frames import RecordBatch, Values
from monitor.model import Turn, TurnFacts
from monitor.pipeline.again import LONGEST_PAUSE
from monitor.pipeline.correlate import LiveWindows
from monitor.pipeline.runner import Runner
from monitor.pipeline.ways import Way, everywhere
from monitor.rules.tree import RuleSet
from tests.support.memory import MemorySource, MemoryStore

BATCHES = [
    RecordBatch("logs-0", range(n, n + 2), n + 2, Values((b"{}", b"{}")), format="json", generation=1)
    for n in range(0, 10, 2)
]


class Failing(MemoryStore):
    """Fails as it is told, before or after it has written."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[tuple[str, Exception]] = []
        self.tries = 0

    def write(self, turn: Turn) -> int:
        self.tries += 1
        when, failure = self.failures.pop(0) if self.failures else ("", StoreError(""))
        if when == "before":
            raise failure
        mark = super().write(turn)
        if when == "after":
            raise failure
        return mark


class Run:
    def __init__(self) -> None:
        self.clock, self.store, self.observed = ManualClock(), Failing(), list[TurnFacts]()
        self.store.claim(["logs-0"])
        self.source = MemorySource(BATCHES, endless=True)
        self.source.start({})
        keyring, plan = Keyring(b"k" * 32), compile_plan(RuleSet((), (), (), ""))
        self.opened = 0

        def windows() -> LiveWindows:
            self.opened += 1
            return LiveWindows((), keyring, self.store)

        self.runner = Runner(
            source=self.source,
            store=self.store,
            way=everywhere(Way(plan, "p", decoder("json", plan.projection).decode)),
            keyring=keyring,
            windows=windows(),
            clock=self.clock,
            observe=self.observed.append,
            batches=2,
            reopen=windows,
        )

    def until(self, done: Callable[[], bool]) -> None:
        self.runner.run(done)

    @property
    def position(self) -> int:
        read = self.store.checkpoints().get("logs-0")
        return 0 if read is None else read.next_position

    def dropped(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for facts in self.observed:
            for name, count in facts.facts:
                found[name] = found.get(name, 0) + count
        return {name: n for name, n in found.items() if name in {"fenced", "retried"}}


@pytest.fixture
def run() -> Run:
    return Run()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_store_that_went_away_loses_and_doubles_nothing(run, when, caplog):
    #  turn 1      turn 2                       turn 2 again (where the commit was lost: turn 3)
    #  written     away, before or after commit
    run.store.failures = [("", StoreError("")), (when, StoreAwayError("store db: no server answers"))]
    with caplog.at_level(logging.WARNING):
        run.until(lambda: run.position == 10)
    assert run.store.counts()["logs-0", "event", "events"] == 10
    assert run.dropped() == {"retried": 4}
    assert (run.source.rewound, run.opened) == (1, 2)
    assert caplog.messages == ["store db: no server answers; going on from the positions in the store"]


def test_who_was_fenced_off_drops_and_counts_it(run):
    other = MemoryStore(run.store)

    class Claiming:
        """Another instance comes, and goes again, while the first turn is at hand."""

        done = False

    real = run.source.poll

    def poll(timeout: float) -> RecordBatch | None:
        if not Claiming.done:
            Claiming.done = True
            other.claim(["logs-0"])
        return real(timeout)

    run.source.poll = poll
    run.store.failures = []
    with pytest.MonkeyPatch.context() as patch:
        # As the Kafka source does: claimed anew after the rewind, the batches of the new generation.
        patch.setattr(run.source, "rewind", lambda checkpoints: reclaim(run, checkpoints))
        run.until(lambda: run.position == 10)
    assert run.dropped() == {"fenced": 4}
    assert run.store.counts()["logs-0", "event", "events"] == 10


def reclaim(run: Run, checkpoints) -> None:
    from dataclasses import replace  # noqa: PLC0415 - one use

    generation = run.store.claim(["logs-0"])["logs-0"].generation
    run.source._all = tuple(replace(batch, generation=generation) for batch in BATCHES)
    run.source.start(checkpoints)


def test_pauses_grow_and_stay_bounded(run):
    run.store.failures = [("before", StoreAwayError("away"))] * 40
    before = run.clock.monotonic()
    run.until(lambda: run.position == 10)
    assert run.store.tries >= 41
    assert 10 * LONGEST_PAUSE / 2 < run.clock.monotonic() - before < 40 * LONGEST_PAUSE
    assert run.dropped() == {"retried": 40 * 4}


def test_a_stop_is_heeded_while_the_store_is_away(run):
    run.store.failures = [("before", StoreAwayError("away"))] * 1000
    run.until(lambda: run.store.tries > 5)
    assert run.store.tries == 6
    assert run.position == 0


@pytest.mark.parametrize("error", [StoreError("damaged"), ValueError("a mistake of ours")])
def test_what_trying_again_does_not_help_ends_the_run(run, error):
    run.store.failures = [("before", error)]
    with pytest.raises(type(error)):
        run.until(lambda: False)
    assert run.source.rewound == 0


def test_a_replay_ends_with_the_error(run):
    run.runner._reopen = None
    run.store.failures = [("before", StoreAwayError("away"))]
    with pytest.raises(StoreAwayError):
        run.until(lambda: False)


def test_a_turn_is_as_good_as_its_earliest_batch(run):
    #  generation   1    1 | 3     the partition was lost and came back within the turn
    run.source._all = ()
    other = MemoryStore(run.store)
    other.claim(["logs-0"])
    run.store.claim(["logs-0"])
    from dataclasses import replace  # noqa: PLC0415 - one use

    run.source._pending.clear()
    run.source._pending.extend([BATCHES[0], replace(BATCHES[1], generation=3)])
    with pytest.raises(FencedError):
        run.runner.turn(0)
    assert run.position == 0
