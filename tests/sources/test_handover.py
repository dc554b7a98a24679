"""The queue between the thread that reads and the one that evaluates, when places change."""

import pytest

from monitor.frames import RecordBatch, Values
from monitor.sources.handover import Handover, joined


def batch(offset: int, partition: str = "logs-0") -> RecordBatch:
    return RecordBatch(partition, range(offset, offset + 1), offset + 1, Values((b"x",)))


@pytest.fixture
def handover() -> Handover:
    return Handover(100)


def test_after_a_restart_nothing_read_before_it_comes_through(handover):
    handover.put(batch(0), 1)
    assert handover.take(0) == batch(0)
    handover.put(batch(1), 1)
    handover.restart()
    handover.put(batch(2), 60)  # read from the former place, on its way when the restart came
    assert handover.take(0) is None
    assert handover.position("logs-0") is None
    assert handover.slack
    handover.reopen(handover.epoch)
    handover.put(batch(0), 1)
    assert handover.take(0) == batch(0)


def test_who_was_placed_before_the_latest_restart_reopens_nothing(handover):
    handover.restart()
    epoch = handover.epoch
    handover.restart()
    handover.reopen(epoch)
    handover.put(batch(5), 1)
    assert handover.take(0) is None


def test_what_was_handed_over_of_a_partition_is_forgotten(handover):
    for partition in ("logs-0", "logs-1"):
        handover.put(batch(7, partition), 1)
        handover.take(0)
    handover.forget("logs-0")
    handover.forget("logs-9")
    assert (handover.position("logs-0"), handover.position("logs-1")) == (None, 8)


def records(first: int, count: int, partition: str = "logs-0", **more) -> RecordBatch:
    items = tuple(b"%d" % number for number in range(first, first + count))
    times = tuple(range(first, first + count))
    offsets = range(first, first + count)
    return RecordBatch(partition, offsets, first + count, Values(items), broker_times=times, **more)


def test_what_has_gathered_of_a_partition_comes_as_one_batch_up_to_a_bound():
    #  queued   0: 0..2 │ 1: 0..2 │ 0: 3..5 │ 0: 6..8 │ 1: 3..5      at most 6 records
    handover = Handover(1000, records=6)
    for first, partition in ((0, "logs-0"), (0, "logs-1"), (3, "logs-0"), (6, "logs-0"), (3, "logs-1")):
        handover.put(records(first, 3, partition, facts=(("tombstones", 1),)), 30)
    assert handover.take(0) == records(0, 6, facts=(("tombstones", 2),))
    assert handover.position("logs-0") == 6
    assert handover.take(0) == records(0, 6, "logs-1", facts=(("tombstones", 2),))
    assert handover.take(0) == records(6, 3, facts=(("tombstones", 1),))
    assert handover.take(0) is None
    assert handover._bytes == 0


def test_claims_are_not_mixed():
    handover = Handover(1000, records=100)
    for number, generation in enumerate((1, 1, 2, 1)):
        handover.put(records(number, 1, generation=generation), 1)
    taken = [handover.take(0) for _ in range(3)]
    assert [(batch.next_position, batch.generation) for batch in taken] == [(2, 1), (3, 2), (4, 1)]


def test_gaps_tombstones_and_unknown_times_survive_joining():
    tombstones = RecordBatch("logs-0", (), 9, Values(()), facts=(("tombstones", 4),))
    assert joined([records(0, 5), tombstones, records(9, 2)]) == RecordBatch(
        "logs-0",
        (0, 1, 2, 3, 4, 9, 10),
        11,
        Values((b"0", b"1", b"2", b"3", b"4", b"9", b"10")),
        broker_times=(0, 1, 2, 3, 4, 9, 10),
        facts=(("tombstones", 4),),
    )
    assert joined([records(0, 1), batch(1)]).broker_times is None
    assert joined([tombstones, tombstones]).offsets == ()


def test_who_does_not_wait_gets_what_was_there_when_somebody_waited_or_much():
    #  waited │ 0 1 │ came since │ 2 3 │ much │
    handover = Handover(1000, records=1)
    handover.put(records(0, 1), 1)
    handover.put(records(1, 1), 1)
    assert handover.take(0.01) == records(0, 1)
    handover.put(records(2, 1), 1)
    assert handover.take(0) == records(1, 1)
    assert handover.take(0) is None, "the turn ends here"
    handover.put(records(3, 1), 1)
    assert handover.take(0.01) == records(2, 1)
    assert handover.take(0) == records(3, 1)
    handover.put(records(4, 1), 300)
    assert handover.take(0) == records(4, 1)


def test_a_failure_comes_after_what_was_read_before_it(handover):
    handover.put(batch(0), 1)
    assert handover.take(0.01) == batch(0)
    handover.put(batch(1), 1)
    handover.fail(RuntimeError("read no more"))
    assert handover.take(0) is None
    assert handover.take(0.01) == batch(1)
    with pytest.raises(RuntimeError, match="read no more"):
        handover.take(0)
