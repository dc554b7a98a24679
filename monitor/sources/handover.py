"""Record batches on their way from a thread that reads to the thread that evaluates, bounded in bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from threading import Condition

from monitor.frames import RecordBatch


class Handover:
    """A queue that says when it is full, knows how far each partition went, and passes on failure."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._changed = Condition()
        self._queue: deque[tuple[RecordBatch, int]] = deque()
        self._bytes = 0
        self._failure: Exception | None = None
        self._positions: dict[str, int] = {}
        self._open = True
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
            self._queue.append((batch, size))
            self._bytes += size
            self._changed.notify_all()

    def take(self, timeout: float) -> RecordBatch | None:
        """The next batch, or None when there is none within `timeout` seconds.

        Raises:
            Exception: what the reader failed with, after everything it had read before.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._failure is not None, timeout)
            if self._queue:
                batch, size = self._queue.popleft()
                self._bytes -= size
                self._positions[batch.partition] = batch.next_position
                if self.slack:
                    self._changed.notify_all()
                return batch
            if self._failure is not None:
                raise self._failure
            return None

    def eased(self, timeout: float) -> bool:
        """Whether there is slack within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self.slack, timeout)

    def drop(self, partitions: Collection[str]) -> None:
        """Forget what is queued of these partitions: somebody else will read it, or we again."""
        with self._changed:
            kept = [pair for pair in self._queue if pair[0].partition not in partitions]
            self._queue = deque(kept)
            self._bytes = sum(size for _, size in kept)
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
