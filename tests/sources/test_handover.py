"""The queue between the thread that reads and the one that evaluates, when places change."""

import pytest

from monitor.frames import RecordBatch, Values
from monitor.sources.handover import Handover


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
