"""The queue between the reading thread and the runner."""

from threading import Thread

import pytest

from monitor.errors import InputError
from monitor.frames import RecordBatch, Values
from monitor.sources.handover import Handover


def batch(partition: str, first: int, count: int = 1) -> RecordBatch:
    return RecordBatch(partition, range(first, first + count), first + count, Values((b"x",) * count))


def test_batches_come_out_in_order_and_move_the_position():
    queue = Handover(100)
    queue.put(batch("a-0", 0, 5), 5)
    queue.put(batch("a-1", 7), 1)
    assert queue.position("a-0") is None
    assert queue.take(0).partition == "a-0"
    assert (queue.position("a-0"), queue.position("a-1")) == (5, None)
    assert queue.take(0).partition == "a-1"
    assert queue.take(0) is None


def test_it_is_full_until_half_is_taken():
    queue = Handover(10)
    for offset in range(3):
        queue.put(batch("a-0", offset), 4)
    states = []
    for _ in range(4):
        states.append((queue.full, queue.slack))
        queue.take(0)
    assert states == [(True, False), (False, False), (False, True), (False, True)]


def test_dropping_a_partition_leaves_the_others():
    queue = Handover(10)
    for name in ("a-0", "a-1", "a-0"):
        queue.put(batch(name, 0), 5)
    queue.drop({"a-0"})
    assert queue.slack
    assert queue.take(0).partition == "a-1"
    assert queue.take(0) is None


def test_a_failure_comes_after_what_was_read_before_and_stays():
    queue = Handover(10)
    queue.put(batch("a-0", 0), 1)
    queue.fail(InputError("gone"))
    assert queue.take(0) is not None
    for _ in range(2):
        with pytest.raises(InputError, match="gone"):
            queue.take(0)


def test_a_waiting_reader_is_woken():
    queue = Handover(10)
    found = []
    waiting = Thread(target=lambda: found.append(queue.take(60)))
    waiting.start()
    queue.put(batch("a-0", 3), 1)
    waiting.join(30)
    assert [one.next_position for one in found] == [4]
