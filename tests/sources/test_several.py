"""Several sources as one: each in its turn, each asked of its own partitions alone."""

from collections.abc import Mapping

import pytest

from monitor.clock import ManualClock
from monitor.errors import InputError
from monitor.frames import RecordBatch, Values
from monitor.model import Checkpoint
from monitor.sources.handover import Handover
from monitor.sources.several import STEP_SECONDS, Member, Several
from tests.support.memory import MemorySource


def batch(partition: str, offset: int) -> RecordBatch:
    return RecordBatch(partition, range(offset, offset + 1), offset + 1, Values((b"{}",)))


class Stream(MemorySource):
    """Waits on a clock; remembers what became of it."""

    def __init__(self, clock: ManualClock, batches: list[RecordBatch], *, endless: bool = True) -> None:
        super().__init__(batches, endless=endless)
        self.clock, self.waits, self.did = clock, list[float](), list[str]()

    def start(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        self.did.append("started")
        super().start(checkpoints)

    def poll(self, timeout: float) -> RecordBatch | None:
        self.waits.append(timeout)
        found = super().poll(timeout)
        if found is None:
            self.clock.sleep(timeout)
        return found

    def lag(self) -> dict[str, int]:
        return {"a-0": 3} if self.did else {}

    def behind(self) -> frozenset[str]:
        return frozenset({"a-1"} if self.did else ())

    def close(self) -> None:
        self.did.append("closed")


class Single(Stream):
    """A stream of one partition."""

    def lag(self) -> dict[str, int]:
        return {"a-1": 3}

    def behind(self) -> frozenset[str]:
        return frozenset({"a-1"})


def members(*sources: Stream) -> list[Member]:
    said = (("kafka", "records", "partition assigned"), ("stdin", "bytes", "pipe"))
    return [
        Member(name, one, unit, noun, needed=name == "kafka")
        for one, (name, unit, noun) in zip(sources, said, strict=False)
    ]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_one_is_waited_for_as_long_as_there_is_time(clock):
    one = Stream(clock, [])
    several = Several(members(one), clock)
    several.start({})
    assert several.poll(0.5) is None
    assert one.waits == [0.5, 0]


def test_two_give_in_turn_and_none_is_waited_for_while_another_has_some(clock):
    one = Stream(clock, [batch("a-0", n) for n in range(3)])
    other = Stream(clock, [batch("b-0", n) for n in range(2)])
    several = Several(members(one, other), clock)
    several.start({})
    given = [several.poll(0.5).partition for _ in range(5)]
    assert given == ["a-0", "b-0", "a-0", "b-0", "a-0"]
    assert clock.monotonic() <= STEP_SECONDS
    assert several.poll(0.5) is None
    assert 0.5 <= clock.monotonic() <= 0.5 + 2 * STEP_SECONDS


class ReadAhead(Stream):
    """Gives through a handover, as what reads in a thread of its own does."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock, [])
        self.handover = Handover(1_000_000)

    def poll(self, timeout: float) -> RecordBatch | None:
        found = self.handover.take(timeout)
        if found is None:
            self.clock.sleep(max(timeout, 0.001))
        return found


@pytest.mark.parametrize("first", [0, 1])
def test_what_reads_ahead_is_heard_beside_one_that_always_has_some(clock, first):
    ahead, busy = ReadAhead(clock), Stream(clock, [batch("b-0", n) for n in range(50)])
    both = members(ahead, busy)
    several = Several(both[first:] + both[:first], clock)
    several.start({})
    given = []
    for number in range(10):
        ahead.handover.put(batch("a-0", number), 2)
        given += [several.poll(0.5).partition, several.poll(0.5).partition]
    assert given.count("a-0") == 10


@pytest.mark.parametrize("first", [0, 1])
def test_what_reads_ahead_is_heard_beside_one_that_has_none(clock, first):
    ahead, idle = ReadAhead(clock), Stream(clock, [])
    both = members(ahead, idle)
    several = Several(both[first:] + both[:first], clock)
    several.start({})
    assert several.poll(STEP_SECONDS / 2) is None
    for number in range(5):
        ahead.handover.put(batch("a-0", number), 2)
        assert several.poll(STEP_SECONDS / 2) is not None


def test_what_ended_is_not_asked_again(clock):
    one, ended = Stream(clock, []), Stream(clock, [batch("b-0", 0)], endless=False)
    several = Several(members(one, ended), clock)
    several.start({})
    assert several.poll(0.5).partition == "b-0"
    asked = len(ended.waits)
    assert several.poll(0.5) is None
    assert len(ended.waits) == asked
    assert not several.exhausted


def test_positions_go_to_whom_they_belong(clock):
    one, other = Stream(clock, [batch("a-0", 0)]), Stream(clock, [batch("b-0", 0)])
    several = Several(members(one, other), clock)
    several.start({})
    first, second = several.poll(1), several.poll(1)
    assert (several.member_of("a-0"), several.member_of("b-0")) == ("kafka", "stdin")
    assert several.checkpoint(second, "p") == other.checkpoint(second, "p")
    several.commit({"b-0": 1})
    assert (one.committed, other.committed) == ({}, {"b-0": 1})
    several.rewind({"b-0": Checkpoint(1, "p")})
    assert several.poll(1) == first
    assert several.poll(1) is None


def test_lag_is_told_by_unit_and_readiness_by_need(clock):
    one, other = Stream(clock, []), Stream(clock, [])
    several = Several(members(one, other), clock)
    assert several.condition() == (False, "0 partitions assigned, 0 pipes")
    several.start({})
    assert several.condition() == (True, "2 partitions assigned, 2 pipes")
    alone = Several([Member("files.nginx", Single(clock, []), "bytes", "file of nginx")], clock)
    assert alone.condition() == (True, "1 file of nginx")
    assert (several.lag(), several.lag_bytes()) == ({"a-0": 3}, {"a-0": 3})
    assert several.behind() == {"a-1"}
    assert several.partitions() == {"a-0", "a-1"}


def test_where_one_cannot_start_none_stays_open(clock):
    class Broken(Stream):
        def start(self, checkpoints):
            raise InputError("no broker")

    one, broken = Stream(clock, []), Broken(clock, [])
    with pytest.raises(InputError):
        Several(members(one, broken), clock).start({})
    assert one.did == ["started", "closed"]
    assert broken.did == []
