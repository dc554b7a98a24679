"""Batches on their way: kept from when they are handed over until the store has them, and given again if not.

For sources that cannot read a second time what they have read once: a pipe, a file that was truncated.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from monitor.frames import Lines, RecordBatch

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Handed(Generic[T]):
    """A batch, how far the source has read with it (bytes), and what else is known of that place."""

    batch: RecordBatch
    byte: int
    note: T


class Held(Generic[T]):
    """The batches of all partitions of a source, each partition's in their order."""

    def __init__(self) -> None:
        self._kept: dict[str, deque[Handed[T]]] = {}
        self._again: deque[Handed[T]] = deque()
        self._starts: dict[str, tuple[int, int]] = {}
        self.size = 0
        """Bytes of all batches that are kept."""

    def begin(self, partition: str, position: int, byte: int) -> None:
        """Nothing before this position will be handed over any more."""
        if not self.keeps(partition):
            self._starts[partition] = position, byte

    def give(self, handed: Handed[T]) -> RecordBatch:
        """Keep a batch that is handed over now."""
        self._kept.setdefault(handed.batch.partition, deque()).append(handed)
        self.size += _size(handed.batch)
        return handed.batch

    def next(self) -> RecordBatch | None:
        """A batch that has to be given again, in the order of before."""
        return self.give(self._again.popleft()) if self._again else None

    def keeps(self, partition: str) -> bool:
        """Whether something of this partition is on its way."""
        return bool(self._kept.get(partition)) or partition in self.waiting

    @property
    def partitions(self) -> frozenset[str]:
        """Those of which something is on its way."""
        return frozenset(name for name, kept in self._kept.items() if kept) | self.waiting

    @property
    def waiting(self) -> frozenset[str]:
        """Partitions of which something has to be given again."""
        return frozenset(one.batch.partition for one in self._again)

    def newest(self, partition: str, position: int) -> T:
        """What was noted of the last batch that ends at this position.

        Raises:
            KeyError: none of those kept does.
        """
        for one in reversed(self._kept.get(partition, ())):
            if one.batch.next_position == position:
                return one.note
        raise KeyError(partition)

    def stored(self, partition: str, position: int) -> T | None:
        """Let go of what the store holds by now; returns the last note among it."""
        kept, note = self._kept.get(partition, deque[Handed[T]]()), None
        while kept and kept[0].batch.next_position <= position:
            one = kept.popleft()
            self._starts[partition] = one.batch.next_position, one.byte
            self.size -= _size(one.batch)
            note = one.note
        return note

    def stored_byte(self, partition: str) -> int:
        """Up to where the store has a partition."""
        return self._starts.get(partition, (0, 0))[1]

    def again(self, positions: Mapping[str, int], generations: Mapping[str, int]) -> list[str]:
        """Have all that the store does not hold given again, under these generations.

        Args:
            positions: of partitions the store knows.
            generations: of every partition; 0 where nobody claims.

        Returns:
            Partitions that the store has read to a place which is none of those known here.
        """
        while self._again:
            self.next()  # what was to be given again, and was not yet, comes behind what was
        elsewhere = []
        for partition, (start, _) in list(self._starts.items()):
            position = positions.get(partition, start)
            kept = self._kept.get(partition, deque())
            if position in {start, *(one.batch.next_position for one in kept)}:
                if partition in positions:
                    self.stored(partition, position)
                generation = generations.get(partition, 0)
                self._again.extend(
                    replace(one, batch=replace(one.batch, generation=generation)) for one in kept
                )
            else:
                elsewhere.append(partition)
            self._drop(partition)
        return elsewhere

    def _drop(self, partition: str) -> None:
        for one in self._kept.pop(partition, ()):
            self.size -= _size(one.batch)

    def forget(self, partition: str) -> None:
        """Nothing of this partition will be handed over any more."""
        self._drop(partition)
        self._starts.pop(partition, None)


def _size(batch: RecordBatch) -> int:
    return len(batch.payload.data) if isinstance(batch.payload, Lines) else 0
