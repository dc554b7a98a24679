"""A consumer whose every move a test says, and which does what clients are known to do at their worst."""

from collections.abc import Collection, Mapping, Sequence

from monitor.brokers.access import Brokers
from monitor.model import Claim
from monitor.sources.consumer import Fetched, KafkaOptions, PassingError, Revoked
from monitor.sources.kafka import KafkaSource

NAME = "logs-0"


class ScriptedConsumer:
    """`monitor.sources.consumer.Consumer` over records in memory, in one thread.

    Attributes:
        offsets: of the records there are, by partition.
        ahead: what it fetched ahead of where it was, and still brings at the next poll.
        placed: every position it was told to read from, in order.
    """

    def __init__(self, offsets: Mapping[str, Sequence[int]]) -> None:
        self.offsets = {name: list(some) for name, some in offsets.items()}
        self.ours: set[str] = set()
        self.at: dict[str, int] = {}
        self.ahead: list[Fetched] = []
        self.placed: list[tuple[str, int]] = []
        self.failing = 0
        self.polls = 0
        self.revoked: Revoked = lambda went: None

    def topics(self) -> Collection[str]:
        return {"logs"}

    def subscribe(self, topics: Collection[str]) -> None:
        pass

    def came(self, name: str = NAME) -> None:
        self.ours.add(name)

    def went(self, name: str = NAME) -> None:
        self.ours.discard(name)
        self.at.pop(name, None)
        self.revoked([name])

    def fetch_ahead(self, records: int, name: str = NAME) -> None:
        """Have fetched some, whatever is said until the next poll."""
        if name in self.at and (fetched := self._fetched(name, records)):
            self.ahead.append(fetched)

    def poll(self, records: int, seconds: float) -> Sequence[Fetched]:
        self.polls += 1
        found = {one.partition: one for one in self.ahead}
        self.ahead = []
        for name in sorted(self.at):
            if name not in found and (fetched := self._fetched(name, records)):
                found[name] = fetched
        return list(found.values())

    def _fetched(self, name: str, records: int) -> Fetched | None:
        some = [offset for offset in self.offsets[name] if offset >= self.at[name]][:records]
        if not some:
            return None
        self.at[name] = some[-1] + 1
        return Fetched(name, some, [b"%d" % offset for offset in some], [1] * len(some))

    def assigned(self) -> frozenset[str]:
        return frozenset(self.ours)

    def place(self, places: Mapping[str, int]) -> None:
        if self.failing:
            self.failing -= 1
            raise PassingError("away")
        self.placed += places.items()
        self.at |= places

    def hold(self) -> None:
        pass

    def go_on(self) -> None:
        pass

    def earliest(self, partitions: Collection[str]) -> dict[str, int]:
        return dict.fromkeys(partitions, 0)

    def latest(self, partitions: Collection[str]) -> dict[str, int]:
        return {name: self.offsets[name][-1] + 1 for name in partitions}

    def since(self, partitions: Collection[str], moment: int) -> dict[str, int]:
        return dict.fromkeys(partitions, 0)

    def committed(self, partitions: Collection[str]) -> dict[str, int]:
        return {}

    def end(self, partition: str) -> int | None:
        return self.offsets[partition][-1] + 1

    def trouble(self) -> str:
        return ""

    def drained(self, partition: str) -> bool:
        return self.at[partition] > self.offsets[partition][-1]

    def commit(self, positions: Mapping[str, int], *, wait: bool = False) -> None:
        pass

    def close(self) -> None:
        pass


def scripted(consumer: ScriptedConsumer, claim=None, *, batch: int = 10) -> KafkaSource:
    """A source over it, whose thread is the test: `source._step(consumer)` is one round of it."""
    source = KafkaSource(
        KafkaOptions(Brokers(("127.0.0.1:1",)), topics=("logs",), batch_records=batch),
        claim=claim or (lambda names: dict.fromkeys(names, Claim(1))),
        connect=lambda options, revoked: consumer,
    )
    consumer.revoked = source._went
    source._stop.set()  # so that it never waits
    return source
