"""What the Kafka source asks of a client library, and what it is told; `kafka_python`, `librdkafka` are two.

A partition goes by its name, `topic-3`, an offset by its number, a position is that of the next record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from monitor.brokers.access import Brokers
from monitor.model import Logsource


@dataclass(frozen=True, slots=True)
class KafkaOptions:
    """What to read.

    Attributes:
        topics: their names; with `pattern`, a regular expression for whole names, there are none.
        client: `kafka-python`, `librdkafka`, or `auto`, which takes the second where it is installed.
        start: where a partition starts that the store does not know: `earliest`, `latest`, `stored` (the
            group's committed offset), or milliseconds since the epoch.
        batch_records: most records of one batch.
        ahead_bytes: how much may be read ahead of the evaluation.
        pattern_seconds: how often topics are looked for that fit the pattern.
    """

    brokers: Brokers
    topics: tuple[str, ...] = ()
    pattern: str | None = None
    client: str = "auto"
    group: str = "privwatch"
    start: str | int = "earliest"
    logsource: Logsource = field(default_factory=Logsource)
    format: str = ""
    connect_seconds: float = 30.0
    session_seconds: float = 15.0
    batch_records: int = 100_000
    ahead_bytes: int = 128 * 1024 * 1024
    pattern_seconds: float = 30.0


class Fetched(NamedTuple):
    """Records of one partition in their order, column by column.

    `times` are the broker's, milliseconds since the epoch, negative where it has none; a value of None is a
    tombstone.
    """

    partition: str
    offsets: Sequence[int]
    values: Sequence[bytes | None]
    times: Sequence[int]


class PassingError(Exception):
    """A broker is away, or elects a leader: the client goes on trying."""


class RangeError(Exception):
    """The broker has no record at these positions (partition to position)."""

    def __init__(self, positions: Mapping[str, int]) -> None:
        super().__init__(", ".join(positions))
        self.positions = positions


class DivergedError(Exception):
    """What was read of this partition is no longer what the topic holds."""

    def __init__(self, partition: str) -> None:
        super().__init__(partition)
        self.partition = partition


class Consumer(Protocol):
    """A member of a consumer group. One thread uses it, and every method may raise PassingError.

    Whatever it gives of a partition before `place` named that one, or out of turn, is not believed.
    """

    def topics(self) -> Collection[str]:
        """All topics we may know of."""
        ...

    def subscribe(self, topics: Collection[str]) -> None:
        """Take part in sharing out these topics; replaces what was subscribed to."""
        ...

    def poll(self, records: int, seconds: float) -> Sequence[Fetched]:
        """What has come, about `records` at most, each partition once; waits where there is nothing.

        Raises:
            RangeError: there is nothing where we wanted to read.
            DivergedError: records we have read are gone from the topic.
            InputError: records cannot be read at all.
        """
        ...

    def assigned(self) -> frozenset[str]:
        """Partitions that are ours."""
        ...

    def place(self, places: Mapping[str, int]) -> None:
        """Read these partitions from there on, whatever was read ahead of them."""
        ...

    def hold(self) -> None:
        """Bring no more records until `go_on`; polling goes on, or the group would think us gone."""
        ...

    def go_on(self) -> None:
        """Bring records again, after the last ones given."""
        ...

    def earliest(self, partitions: Collection[str]) -> dict[str, int]:
        """Position of the oldest record."""
        ...

    def latest(self, partitions: Collection[str]) -> dict[str, int]:
        """Position after the newest record."""
        ...

    def since(self, partitions: Collection[str], moment: int) -> dict[str, int]:
        """Position of the first record stored at that time or later (milliseconds), or after the newest."""
        ...

    def committed(self, partitions: Collection[str]) -> dict[str, int]:
        """What the group committed, where it did."""
        ...

    def end(self, partition: str) -> int | None:
        """Position after the newest record there is to read, as far as the client heard."""
        ...

    def drained(self, partition: str) -> bool:
        """Whether nothing but marks of transactions lies between the last record given and `end`."""
        ...

    def trouble(self) -> str:
        """What the client heard against its brokers since it was last asked; empty where nothing.

        Of some troubles no other method says anything: the client goes on trying, and gives no records.
        """
        ...

    def commit(self, positions: Mapping[str, int], *, wait: bool = False) -> None:
        """Tell the broker; it may fail, and nobody minds."""
        ...

    def close(self) -> None:
        """Leave the group; a few seconds at most."""
        ...


Revoked = Callable[[Collection[str]], None]
"""Told, from any thread, of partitions that went to somebody else or will."""
