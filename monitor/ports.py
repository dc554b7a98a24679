"""The two holes the runner has: records come in through a source, results go out through a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from monitor.frames import RecordBatch
from monitor.model import Checkpoint, Reject, Segment, Turn, Violation


class Source(Protocol):
    """Brings records in. A position is always that of the *next* record."""

    def start(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Begin reading where the store says; partitions it does not know start as configured."""
        ...

    def poll(self, timeout: float) -> RecordBatch | None:
        """The next records of one partition, or None when there are none within `timeout` seconds.

        Raises:
            InputError: the source cannot be read at all.
        """
        ...

    @property
    def exhausted(self) -> bool:
        """True once nothing will ever come again (an archive read to its end); never for a stream."""
        ...

    def checkpoint(self, batch: RecordBatch, plan: str) -> Checkpoint:
        """What the store must remember once `batch` is done with."""
        ...

    def commit(self, positions: Mapping[str, int]) -> None:
        """Tell the source what the store holds. Advisory: on start the store's positions win."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class Store(Protocol):
    """Holds violations, window state and positions of one namespace; every write is one transaction.

    Each method raises StoreError when the database cannot do it.
    """

    def checkpoints(self) -> dict[str, Checkpoint]:
        """How far each partition was read."""
        ...

    def write(self, turn: Turn) -> None:
        """All of the turn or nothing of it."""
        ...

    def forget(self, partition: str) -> None:
        """Take back everything this partition contributed, its position included."""
        ...

    def segments(self, rule: str, digest: str, since: int, until: int) -> Iterable[Segment]:
        """Window state of a correlation whose ticks overlap [since, until], in the order written."""
        ...

    def violations(self) -> Iterable[Violation]:
        """Merged violations, by rule, period, fingerprint."""
        ...

    def rejects(self) -> Iterable[Reject]:
        """Kept rejects, by partition and offset."""
        ...

    def counts(self) -> dict[tuple[str, str, str], int]:
        """(partition, `reject` or `event`, reason or fact) to count."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...
