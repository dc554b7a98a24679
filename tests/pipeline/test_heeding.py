"""Whoever waits for the store's word heeds a stop; before a stop it waits as long as it takes."""

from threading import Event

import pytest

from monitor.clock import ManualClock
from monitor.errors import Stopped, StoreAwayError
from monitor.model import Checkpoint, Turn
from monitor.pipeline.heeding import PATIENCE_SECONDS, Heeding
from tests.support.memory import MemoryStore


class Standing(MemoryStore):
    """Says nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let_go = Event(), Event()

    def write(self, turn: Turn) -> int:
        self.asked.set()
        assert self.let_go.wait(30)
        return super().write(turn)


class Passing(ManualClock):
    """Time passes by being looked at."""

    def monotonic(self) -> float:
        self.sleep(1)
        return super().monotonic()


TURN = Turn(checkpoints=(("logs-0", Checkpoint(7, "p")),))


def test_it_passes_on_answers_and_errors():
    store = MemoryStore()
    heeding = Heeding(store, lambda: True, Passing())
    heeding.write(TURN)
    assert heeding.checkpoints() == store.checkpoints() == dict(TURN.checkpoints)
    assert heeding.segments_after(0) == ([], 0)
    store.write = lambda _: (_ for _ in ()).throw(StoreAwayError("it is away"))
    with pytest.raises(StoreAwayError, match="it is away"):
        heeding.write(TURN)
    assert heeding.checkpoints(), "an error is no end"


def test_a_store_that_stands_still_is_waited_for_until_a_stop_and_then_a_while():
    clock, store, looks = Passing(), Standing(), []

    def stop() -> bool:
        looks.append(clock.now())
        return len(looks) > 3

    heeding = Heeding(store, stop, clock)
    with pytest.raises(Stopped, match="said nothing for 4 s"):
        heeding.write(TURN)
    assert store.asked.is_set()
    assert (looks[-1] - looks[3]) / 1e6 >= PATIENCE_SECONDS - 1
    store.let_go.set()


def test_what_is_written_in_time_is_stored():
    store = Standing()
    heeding = Heeding(store, lambda: store.let_go.set() or True, ManualClock())
    heeding.write(TURN)
    assert store.checkpoints() == dict(TURN.checkpoints)
