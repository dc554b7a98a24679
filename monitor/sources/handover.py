"""Record batches on their way from a thread that reads to the thread that evaluates, bounded in bytes."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import chain
from math import inf
from threading import Condition

from monitor.frames import RecordBatch, Values


class Handover:
    """A queue that says when it is full, knows how far each partition went, and passes on failure.

    What has gathered of a partition is given as one batch: where the evaluation is slower, batches become
    larger, which cost it less. And who does not wait is given what was there when somebody last waited, or
    much, but not the few records that came since: a turn that took in each of them would never end, and a
    batch costs more than its records.

    Args:
        limit_bytes: how much may be queued.
        records: most records of a batch that is put together of several.
    """

    def __init__(self, limit_bytes: int, records: int = 0) -> None:
        self._limit = limit_bytes
        self._records = records
        self._changed = Condition()
        self._queue: deque[tuple[RecordBatch, int, int]] = deque()
        self._bytes = 0
        self._failure: Exception | None = None
        self._positions: dict[str, int] = {}
        self._open = True
        self._put = 0
        self._horizon: float = inf
        self.epoch = 0
        """Counts the restarts."""

    @property
    def full(self) -> bool:
        """Whether the reader should pause."""
        return self._bytes >= self._limit

    @property
    def slack(self) -> bool:
        """Whether a paused reader should go on; well below full, so that it does not flutter."""
        return self._bytes <= self._limit // 2

    def put(self, batch: RecordBatch, size: int) -> None:
        """Queue a batch of that many bytes; never blocks, the reader looks at `full` beforehand.

        After a restart nothing is queued until `reopen` says that the reader reads from the new place.
        """
        with self._changed:
            if not self._open:
                return
            self._put += 1
            self._queue.append((batch, size, self._put))
            self._bytes += size
            self._changed.notify_all()

    def take(self, timeout: float) -> RecordBatch | None:
        """The next batch, or None when there is none within `timeout` seconds; see above for a timeout of 0.

        Raises:
            Exception: what the reader failed with, after everything it had read before.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._failure is not None, timeout)
            if timeout > 0:
                self._horizon = self._put
            if self._queue and (self._queue[0][2] <= self._horizon or self._bytes >= self._limit // 4):
                batch = self._gathered()
                self._positions[batch.partition] = batch.next_position
                if self.slack:
                    self._changed.notify_all()
                return batch
            if self._failure is not None and not self._queue:
                raise self._failure
            return None

    def _gathered(self) -> RecordBatch:
        """The first batch, and what fits to it of its partition's next ones."""
        batch, size, _ = self._queue.popleft()
        found, records, kept = [batch], len(batch.offsets), deque[tuple[RecordBatch, int, int]]()
        open_ = True
        for later in self._queue:
            if open_ and later[0].partition == batch.partition:
                records += len(later[0].offsets)
                open_ = records <= self._records and later[0].generation == batch.generation
                if open_:
                    found.append(later[0])
                    size += later[1]
                    continue
            kept.append(later)
        self._queue = kept
        self._bytes -= size
        return joined(found)

    def eased(self, timeout: float) -> bool:
        """Whether there is slack within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self.slack, timeout)

    def drop(self, partitions: Collection[str]) -> None:
        """Forget what is queued of these partitions: somebody else will read it, or we again."""
        with self._changed:
            kept = [one for one in self._queue if one[0].partition not in partitions]
            self._queue = deque(kept)
            self._bytes = sum(size for _, size, _ in kept)
            self._changed.notify_all()

    def forget(self, partition: str) -> None:
        """Forget how far this partition was handed over: somebody else had it since."""
        with self._changed:
            self._positions.pop(partition, None)

    def restart(self) -> None:
        """Forget all that is queued and how far each partition was handed over."""
        with self._changed:
            self._queue.clear()
            self._bytes = 0
            self._positions.clear()
            self._open = False
            self.epoch += 1
            self._changed.notify_all()

    def reopen(self, epoch: int) -> None:
        """Queue again, unless there was another restart since that epoch."""
        with self._changed:
            self._open = self._open or epoch == self.epoch

    def fail(self, failure: Exception) -> None:
        """Have `take` raise this once the queue is empty."""
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def position(self, partition: str) -> int | None:
        """Offset of the record after the last one handed over."""
        return self._positions.get(partition)


def joined(batches: Sequence[RecordBatch]) -> RecordBatch:
    """Batches of single records that follow each other in one partition, as one."""
    if len(batches) == 1:
        return batches[0]
    first, last = batches[0], batches[-1]
    items: list[bytes] = []
    for batch in batches:
        if not isinstance(batch.payload, Values):
            raise TypeError("only records that stand by themselves can be joined")
        items += batch.payload.items
    offsets = tuple(chain.from_iterable(batch.offsets for batch in batches))
    whole = bool(offsets) and offsets[-1] - offsets[0] + 1 == len(offsets)
    # A batch of tombstones alone has times of its own: none.
    times = [batch.broker_times for batch in batches if batch.offsets]
    known = [one for one in times if one is not None]
    facts: Counter[str] = Counter()
    for batch in batches:
        facts.update(dict(batch.facts))
    return replace(
        first,
        offsets=range(offsets[0], offsets[-1] + 1) if whole else offsets,
        next_position=last.next_position,
        payload=Values(tuple(items)),
        broker_times=tuple(chain.from_iterable(known)) if len(known) == len(times) else None,
        rejects=tuple(chain.from_iterable(batch.rejects for batch in batches)),
        facts=tuple(facts.items()),
    )
