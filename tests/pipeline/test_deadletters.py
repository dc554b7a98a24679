"""The turn and its dead letters: written first, waited for, and given up only with the whole turn."""

import pytest

from monitor.clock import ManualClock
from monitor.decode import decoder
from monitor.engine.keys import Keyring
from monitor.engine.plan import compile_plan
from monitor.errors import DeadLetterError
from monitor.frames import RecordBatch, Values
from monitor.model import Reject, Turn
from monitor.pipeline.correlate import LiveWindows
from monitor.pipeline.deadletters import BUFFERED_BYTES, Patient
from monitor.pipeline.runner import Runner
from monitor.pipeline.ways import Way, everywhere
from monitor.rules.tree import RuleSet
from tests.support.memory import MemorySource, MemoryStore


class Sink:
    """Fails as often as told; keeps what was done in order."""

    name = "file"

    def __init__(self, done: list[str], failures: int = 0) -> None:
        self.failures = failures
        self.waiting: list[Reject] = []
        self.letters: list[Reject] = []
        self._done = done

    def put(self, rejects) -> int:
        self.waiting += rejects
        return sum(one.length for one in self.waiting)

    def flush(self) -> int:
        if self.failures:
            self.failures -= 1
            raise DeadLetterError("dead letters: no room")
        count = len(self.waiting)
        self.letters += self.waiting
        self.waiting = []
        self._done.append(f"{count} letters")
        return count

    def close(self) -> None:
        pass


class Kept(MemoryStore):
    def __init__(self, done: list[str]) -> None:
        super().__init__()
        self._done = done

    def write(self, turn: Turn) -> None:
        self._done.append("stored")
        super().write(turn)


class Told:
    def __init__(self) -> None:
        self.counts = {"written": 0, "failed": 0, "beats": 0}
        self.waits: list[bool] = []

    def written(self, sink: str, count: int) -> None:
        self.counts["written"] += count

    def failed(self, sink: str) -> None:
        self.counts["failed"] += 1

    def waiting(self, *, since: float | None) -> None:
        self.waits.append(since is not None)


class Rig:
    def __init__(self, *values: bytes, failures: int = 0, stop_after: int | None = None) -> None:
        self.done: list[str] = []
        self.clock, self.told = ManualClock(), Told()
        self.sink, self.store = Sink(self.done, failures), Kept(self.done)
        self._asked, self._stop_after = 0, stop_after
        keyring, plan = Keyring(b"k" * 32), compile_plan(RuleSet((), (), (), ""))
        batch = RecordBatch("logs-0", range(len(values)), len(values), Values(values), format="json")
        self.source = MemorySource([batch])
        self.source.start({})
        self.runner = Runner(
            source=self.source,
            store=self.store,
            way=everywhere(Way(plan, "p", decoder("json", plan.projection).decode)),
            keyring=keyring,
            windows=LiveWindows((), keyring, self.store),
            clock=self.clock,
            observe=lambda _: None,
            dead_letters=Patient(
                [self.sink],
                clock=self.clock,
                stop=self.stop,
                beat=self.beat,
                observer=self.told,
            ),
        )

    def stop(self) -> bool:
        self._asked += 1
        return self._stop_after is not None and self._asked > self._stop_after

    def beat(self) -> None:
        self.told.counts["beats"] += 1


def test_letters_are_written_before_positions_move():
    rig = Rig(b"{}", b"no", b"{}", b"{cut")
    rig.runner.run(lambda: False)
    assert rig.done[:2] == ["2 letters", "stored"]
    assert [(one.offset, one.reason) for one in rig.sink.letters] == [(1, "not_json"), (3, "truncated")]
    assert rig.told.counts == {"written": 2, "failed": 0, "beats": 0}
    assert rig.store.counts()["logs-0", "reject", "not_json"] == 1


def test_blank_lines_are_no_letters():
    rig = Rig(b"{}", b"", b"  ")
    rig.runner.run(lambda: False)
    assert rig.sink.letters == []
    assert rig.store.counts()["logs-0", "reject", "blank"] == 2


def test_a_sink_that_fails_is_waited_for_and_nothing_moves_meanwhile(caplog):
    rig = Rig(b"no", failures=200)
    rig.runner.run(lambda: False)
    assert rig.done[:2] == ["1 letters", "stored"]
    assert len(rig.sink.letters) == 1
    assert rig.told.counts == {"written": 1, "failed": 200, "beats": 200}
    assert rig.told.waits == [True, False]
    assert rig.store.checkpoints()["logs-0"].next_position == 1
    said = [record.levelname for record in caplog.records]
    assert said == ["ERROR", "ERROR", "WARNING"], "once a minute, and that it goes on"


def test_a_stop_while_waiting_leaves_everything_to_be_read_again():
    rig = Rig(b"{}", b"no", failures=1000, stop_after=3)
    rig.runner.run(lambda: False)
    assert rig.done == []
    assert rig.store.checkpoints() == {}
    assert rig.source.committed == {}
    assert rig.told.counts["failed"] == 4


@pytest.mark.parametrize("length", [10, BUFFERED_BYTES])
def test_many_letters_do_not_wait_for_the_end_of_the_turn(length):
    rig = Rig(b"{}")
    patient = rig.runner._dead_letters
    for n in range(3):
        patient.put([Reject("logs-0", n, "too_long", length)])
    assert (len(rig.sink.letters) > 0) == (length == BUFFERED_BYTES)
