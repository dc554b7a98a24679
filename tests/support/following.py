"""A reader of followed files as the daemon is one: it polls, stores, crashes, and starts again."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from monitor.clock import ManualClock
from monitor.errors import StoreAwayError
from monitor.frames import Lines, RecordBatch
from monitor.model import Checkpoint, Claim
from monitor.sources.chunks import Limits
from monitor.sources.follow import FollowOptions, FollowSource

LIMITS = Limits(chunk=1 << 20)


def line(number: int) -> bytes:
    """A line of its own, longer than what is taken for a copy by chance."""
    return b"%05d 2026-11-16T12:00:00Z an ordinary line of an ordinary log, and some more\n" % number


class Reader:
    """What the store holds, and the source that is read; `lines` counts the lines stored."""

    def __init__(self, *patterns: Path, **options) -> None:
        options = {"format": "text", "limits": LIMITS, **options}
        self.options = FollowOptions("logs", patterns, **options)
        self.clock = ManualClock(1_795_000_000_000_000)
        self.held: dict[str, Checkpoint] = {}
        self.lines: Counter[bytes] = Counter()
        self.places: dict[tuple[str, int], bytes] = {}
        self.rejects: list[tuple[str, int, str]] = []
        self.facts: Counter[str] = Counter()
        self.away = False
        self.source = self.opened()

    def opened(self) -> FollowSource:
        return FollowSource(self.options, self.clock, claim=self.claim)

    def claim(self, partitions) -> dict[str, Claim]:
        if self.away:
            raise StoreAwayError("the store is away")
        return {name: Claim(1, self.held.get(name)) for name in partitions}

    def start(self) -> "Reader":
        self.source.start(self.held)
        return self

    def again(self, *, changed: Callable[[], object] = lambda: None, **options) -> "Reader":
        """The process dies, something happens meanwhile, and it starts again."""
        self.source.close()
        changed()
        self.options = replace(self.options, **options)
        self.source = self.opened()
        return self.start()

    def poll(self) -> RecordBatch | None:
        return self.source.poll(0)

    def turn(self, batches: int = 1000) -> list[RecordBatch]:
        """What there is, not yet stored."""
        found = []
        while len(found) < batches and (batch := self.poll()) is not None:
            found.append(batch)
        return found

    def store(self, batches: list[RecordBatch]) -> None:
        """One transaction, and what the source is told of it."""
        self.keep(batches)
        self.source.commit({one.partition: self.held[one.partition].next_position for one in batches})

    def keep(self, batches: list[RecordBatch]) -> None:
        for batch in batches:
            assert isinstance(batch.payload, Lines)
            self.held[batch.partition] = self.source.checkpoint(batch, "plan")
            texts = batch.payload.data.splitlines(keepends=True)
            assert len(texts) == len(batch.offsets)
            for offset, text in zip(batch.offsets, texts, strict=True):
                assert (batch.partition, offset) not in self.places, "a place names one record for good"
                self.places[batch.partition, offset] = text
            self.lines.update(texts)
            self.rejects += [(one.partition, one.offset, one.reason) for one in batch.rejects]
            self.facts.update(dict(batch.facts))

    def read(self, seconds: float = 1.5) -> list[bytes]:
        """Time passes, everything is read and stored; returns the lines, partition by partition."""
        self.clock.sleep(seconds)
        batches = self.turn()
        self.store(batches)
        return [text for batch in batches for text in batch.payload.data.splitlines(keepends=True)]

    def partitions(self) -> list[str]:
        """Those of the store, without the folder."""
        return sorted(name.partition(":")[2].rpartition("/")[2] for name in self.held)
