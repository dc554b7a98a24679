"""Several sources as one: whoever has records gives them, in turn, and answers for its own partitions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitor.clock import Clock
from monitor.frames import RecordBatch
from monitor.model import Checkpoint
from monitor.ports import Source

STEP_SECONDS = 0.05
"""How long one source is waited for at a time while there are others."""

LEAST_SECONDS = 0.001
"""How long each of the others is waited for at least.

A source that reads ahead gives what came since somebody waited only to one who waits
(`monitor.sources.handover`): never waited for, it would give nothing ever again.
"""


class Live(Source, Protocol):
    """A source that goes on while the daemon runs."""

    def lag(self) -> Mapping[str, int]:
        """How much of each partition the store does not know of yet."""
        ...

    def behind(self) -> frozenset[str]:
        """Partitions that hold records not yet handed over, or may hold some."""
        ...


@dataclass(frozen=True)
class Member:
    """One of the sources.

    Attributes:
        name: as in the settings, for example `kafka` or `files.nginx`.
        source: the source.
        unit: of its lag, `records` or `bytes`.
        noun: what one of its partitions is, for people: `partition assigned`; its first word may get an s.
        needed: whether the daemon is not ready while it has none.
        label: what metrics call it where that does not depend on what it reads; else empty.
    """

    name: str
    source: Live
    unit: str
    noun: str
    needed: bool = False
    label: str = ""

    def partitions(self) -> set[str]:
        """Those it reads now."""
        return {*self.source.lag(), *self.source.behind()}


class Several:
    """`monitor.ports.Source` over at least one member. No two of them may have a partition of one name."""

    def __init__(self, members: Sequence[Member], clock: Clock) -> None:
        self._members = tuple(members)
        self._clock = clock
        self._next = 0
        self._owners: dict[str, Member] = {}

    def start(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Start all of them.

        Raises:
            InputError: one cannot be read; those that were started are closed.
        """
        for number, member in enumerate(self._members):
            try:
                member.source.start(checkpoints)
            except BaseException:
                for started in self._members[:number]:
                    started.source.close()
                raise

    def poll(self, timeout: float) -> RecordBatch | None:
        """The next records of any, or None when there are none within `timeout` seconds.

        Raises:
            InputError: one of them cannot be read any more.
        """
        until = self._clock.monotonic() + timeout
        alone = len(self._members) == 1
        waits = [min(timeout, LEAST_SECONDS)] * (len(self._members) - 1)
        while True:
            left = until - self._clock.monotonic()
            for wait in (*waits, max(0.0, left if alone else min(left, STEP_SECONDS))):
                if (batch := self._ask(wait)) is not None:
                    return batch
            if left <= 0 or self.exhausted:
                return None

    def _ask(self, wait: float) -> RecordBatch | None:
        """The next records of the member whose turn it is."""
        for _ in self._members:
            member = self._members[self._next]
            self._next = (self._next + 1) % len(self._members)
            if not member.source.exhausted:
                batch = member.source.poll(wait)
                if batch is not None:
                    self._owners[batch.partition] = member
                return batch
        return None

    @property
    def exhausted(self) -> bool:
        """True once nothing will come from any of them."""
        return all(member.source.exhausted for member in self._members)

    def checkpoint(self, batch: RecordBatch, plan: str) -> Checkpoint:
        """What the store must remember once `batch` is done with."""
        return self._owners[batch.partition].source.checkpoint(batch, plan)

    def commit(self, positions: Mapping[str, int]) -> None:
        """Tell each of its own partitions."""
        told: dict[str, dict[str, int]] = defaultdict(dict)
        for partition, position in positions.items():
            told[self.member_of(partition)][partition] = position
        for member in self._members:
            if member.name in told:
                member.source.commit(told[member.name])

    def rewind(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Have all of them go on where the store says."""
        for member in self._members:
            member.source.rewind(checkpoints)

    def close(self) -> None:
        """Let go of all of them."""
        for member in reversed(self._members):
            member.source.close()

    def member_of(self, partition: str) -> str:
        """Name of the member that brought records of this partition."""
        return self._owners[partition].name

    def behind(self) -> frozenset[str]:
        """Partitions that hold records not yet handed over, or may hold some."""
        return frozenset[str]().union(*(member.source.behind() for member in self._members))

    def lag(self) -> dict[str, int]:
        """Records of each partition that the store does not know of yet, where records are counted."""
        return self._lag("records")

    def lag_bytes(self) -> dict[str, int]:
        """Bytes of each partition that the store does not know of yet, where bytes are counted."""
        return self._lag("bytes")

    def _lag(self, unit: str) -> dict[str, int]:
        lags = [member.source.lag() for member in self._members if member.unit == unit]
        return {name: behind for lag in lags for name, behind in lag.items()}

    def partitions(self) -> set[str]:
        """Those that are read now."""
        return set[str]().union(*(member.partitions() for member in self._members))

    def sources(self) -> list[str]:
        """Labels of the members that have one, whether they have something to read or not."""
        return [member.label for member in self._members if member.label]

    def condition(self) -> tuple[bool, str]:
        """Whether all has what it needs, and what is read, for people."""
        counts = [(member, len(member.partitions())) for member in self._members]
        told = ", ".join(_counted(count, member.noun) for member, count in counts)
        return all(count or not member.needed for member, count in counts), told


def _counted(count: int, noun: str) -> str:
    """`1 file of nginx`, `2 files of nginx`."""
    first, blank, rest = noun.partition(" ")
    return f"{count} {first}{'' if count == 1 else 's'}{blank}{rest}"
