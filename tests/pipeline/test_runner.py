"""A turn: how much it takes in, what it counts, how far it believes an event's time."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from monitor.clock import ManualClock
from monitor.decode import decoder
from monitor.engine.keys import Keyring
from monitor.engine.plan import compile_plan
from monitor.errors import StoreAwayError
from monitor.frames import Projection, RecordBatch, Values
from monitor.model import Turn
from monitor.pipeline.correlate import LiveWindows
from monitor.pipeline.coverage import SAVE_SECONDS, FieldWatch
from monitor.pipeline.evaluation import DAY, newest_event
from monitor.pipeline.runner import Runner
from monitor.pipeline.ways import Way, everywhere
from monitor.rules.tree import RuleSet
from tests.support.memory import MemorySource, MemoryStore

NOON = 1_794_830_400_000_000


def batch(offset: int, *values: bytes, **more) -> RecordBatch:
    offsets = range(offset, offset + len(values))
    return RecordBatch("logs-0", offsets, offset + len(values), Values(values), format="json", **more)


class SlowSource(MemorySource):
    """Takes a second to hand over a batch; remembers how long it was allowed to wait."""

    def __init__(self, batches: list[RecordBatch], clock: ManualClock) -> None:
        super().__init__(batches, endless=True)
        self._clock = clock
        self.waits: list[float] = []

    def poll(self, timeout: float) -> RecordBatch | None:
        self.waits.append(timeout)
        self._clock.sleep(1)
        return super().poll(timeout)


@pytest.fixture
def running() -> Callable[..., tuple[Runner, SlowSource, MemoryStore]]:
    def build(read: list[RecordBatch], **more) -> tuple[Runner, SlowSource, MemoryStore]:
        clock, store, keyring = ManualClock(), MemoryStore(), Keyring(b"k" * 32)
        source = SlowSource(read, clock)
        source.start({})
        plan = compile_plan(RuleSet((), (), (), ""))
        runner = Runner(
            source=source,
            store=store,
            way=everywhere(Way(plan, "p", decoder("json", plan.projection).decode)),
            keyring=keyring,
            windows=LiveWindows((), keyring, store),
            clock=clock,
            observe=lambda _: None,
            **more,
        )
        return runner, source, store

    return build


def test_a_turn_takes_what_is_waiting_and_waits_only_for_the_first(running):
    runner, source, store = running([batch(0, b"{}"), batch(1, b"{}")], batches=9)
    assert runner.turn(0.5) == 2
    assert source.waits == [0.5, 0, 0]
    assert store.checkpoints()["logs-0"].next_position == source.committed["logs-0"] == 2
    assert runner.turn(0.5) == 0


def test_a_turn_is_bounded_in_batches(running):
    runner, _, store = running([batch(n, b"{}") for n in range(5)], batches=3)
    assert [runner.turn(0), runner.turn(0), runner.turn(0)] == [3, 2, 0]
    assert store.counts() == {("logs-0", "event", "events"): 5, ("logs-0", "event", "untimed"): 5}


def test_a_turn_is_bounded_in_seconds(running):
    #  seconds   0    1    2    3
    #  polls     |-b0-|-b1-|-b2-|     the first batch starts two seconds of gathering
    runner, _, _ = running([batch(n, b"{}") for n in range(9)], batches=9, gather_seconds=2)
    assert [runner.turn(0) for _ in range(4)] == [3, 3, 3, 0]


def test_what_the_source_left_out_is_counted_with_what_the_decoder_says(running):
    left_out = (("tombstones", 2), ("lost", 3))
    runner, _, store = running([batch(0, b"{}", facts=left_out), batch(1, facts=(("tombstones", 1),))])
    while runner.turn(0):
        pass
    counted = {name: n for (_, kind, name), n in store.counts().items() if kind == "event"}
    assert counted == {"events": 1, "untimed": 1, "tombstones": 3, "lost": 3}


def test_what_coverage_saw_goes_with_a_turn_and_stays_due_until_one_is_written(running, monkeypatch):
    clock, plan = ManualClock(), compile_plan(RuleSet((), (), (), ""))
    watch = FieldWatch(clock, 3600)
    decode = watch.watched(plan, decoder("json", plan.projection).decode)
    runner, _, store = running([batch(n, b"{}") for n in range(4)], fields=watch)
    runner.adopt(
        everywhere(Way(plan, "p", decode)), LiveWindows((), Keyring(b"k" * 32), store), lambda turn: turn
    )
    runner.turn(0)
    assert store.sightings() == (), "not before its time"
    clock.sleep(SAVE_SECONDS)
    with monkeypatch.context() as patched:
        patched.setattr(store, "write", refuse)
        with pytest.raises(StoreAwayError):
            runner.turn(0)
    runner.turn(0)
    assert [(one.source, one.events) for one in store.sightings()] == [("logs", 2)]
    runner.turn(0)
    assert [one.events for one in store.sightings()] == [2], "looked at once a second, stored in its time"


def refuse(_: Turn) -> int:
    raise StoreAwayError("away")


@pytest.mark.parametrize(
    ("ahead", "broker", "newest"),
    [
        ((-5, -9), None, -5),
        ((-5, 7 * DAY), None, 7 * DAY),
        ((-5, -9), 0, -5),
        # A clock that runs ahead moves nothing beyond the broker's, one that is plainly wrong moves nothing.
        ((-5, 3), 0, 0),
        ((-5, DAY + 1), 0, -5),
        ((DAY + 1,), 0, None),
        ((), 0, None),
    ],
)
def test_the_newest_event_as_far_as_it_can_be_believed(ahead, broker, newest):
    times = [b'{"@timestamp": %d}' % (NOON + micros) for micros in ahead]
    read = batch(0, *times)
    decoded = decoder("json", Projection()).decode(read)
    if broker is not None:
        read = replace(read, broker_times=(NOON + broker,) * len(times))
    assert newest_event(read, decoded) == (None if newest is None else NOON + newest)
