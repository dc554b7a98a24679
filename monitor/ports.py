"""The holes the runner has: records come in through a source, results go out through a store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from monitor.frames import RecordBatch
from monitor.model import Checkpoint, Claim, Reject, Segment, SourceSeen, Turn, Violation


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

    def rewind(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Forget what was handed over and is not in the store; go on where that says."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class TurnStore(Protocol):
    """What a run needs of the store: every write is one transaction.

    Each method raises StoreError when the database cannot do it, StoreAwayError where it may be able later.
    """

    def checkpoints(self) -> dict[str, Checkpoint]:
        """How far each partition was read."""
        ...

    def write(self, turn: Turn) -> int:
        """All of the turn or nothing of it; returns the mark of the newest window state.

        Raises:
            FencedError: another instance claimed a partition of the turn since it was read.
            OutpacedError: there is newer window state than `turn.seen`.
        """
        ...

    def segments_after(self, mark: int) -> tuple[list[Segment], int]:
        """Window state written after the mark (0: all of it), in the order written, and the newest mark."""
        ...


class Store(TurnStore, Protocol):
    """Holds violations, window state and positions of one namespace; raises what `TurnStore` does."""

    def claim(self, partitions: Collection[str]) -> dict[str, Claim]:
        """Take these partitions: from now on no turn is written that anybody else read of them.

        What this instance read of a partition that nobody took in between stays valid.
        """
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

    def sightings(self) -> Iterable[SourceSeen]:
        """What coverage has seen of each source, all turns together, by its name; the fields by theirs."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...


class DeadLetters(Protocol):
    """Takes the records that became no event: reason, position and outline, never their text.

    A letter may come twice, after a crash between here and the store; partition and offset tell.
    """

    name: str
    """`file` or `topic`, a label of metrics."""

    def put(self, rejects: Iterable[Reject]) -> int:
        """Keep them for the next flush; returns how many bytes wait."""
        ...

    def flush(self) -> int:
        """Have what waits where it belongs for good; returns how many letters that were.

        Raises:
            DeadLetterError: it is not; another attempt may follow.
        """
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...
