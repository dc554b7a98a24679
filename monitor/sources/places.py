"""Where each partition is read: claimed in the store, placed, queued, handed over, stored."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from threading import Lock

from monitor.model import Claim
from monitor.sources.consumer import Consumer, Fetched
from monitor.sources.handover import Handover

log = logging.getLogger(__name__)

Claims = Callable[[Collection[str]], Mapping[str, Claim]]


class Places:
    """What is known of the partitions that are read. The reading thread changes it, the runner asks.

    Args:
        claim: asked to claim partitions in the store; says what it holds of them.
        handover: knows how far each partition was handed over.
        start: see `KafkaOptions`.
    """

    def __init__(self, claim: Claims, handover: Handover, start: str | int) -> None:
        self._claim = claim
        self._handover = handover
        self._start = start
        self._guard = Lock()
        self._from_start: dict[str, int] = {}
        self._generations: dict[str, int] = {}
        self._placed: dict[str, int] = {}
        self._next: dict[str, int] = {}
        self._unsure: dict[str, int | None] = {}
        self._ends: dict[str, int] = {}
        self._stored: dict[str, int] = {}

    def known(self, positions: Mapping[str, int]) -> None:
        """What the store holds, as it says at the start and when turns are taken back."""
        self._from_start = dict(positions)

    def stored(self, positions: Mapping[str, int]) -> None:
        """What a turn has stored."""
        with self._guard:
            self._stored.update(positions)

    def forget(self, partitions: Collection[str]) -> None:
        """They are not ours any more, or must be placed anew: nothing of them counts until then."""
        for name in partitions:
            self._placed.pop(name, None)
            self._ends.pop(name, None)
            self._unsure.pop(name, None)
        # Whoever has them next reads what is still queued; a later batch of theirs would leave a hole here.
        self._handover.drop(partitions)

    @property
    def placed(self) -> Mapping[str, int]:
        """Where each partition was placed that is being read."""
        return self._placed

    def place(self, consumer: Consumer, partitions: Collection[str]) -> None:
        """Claim these, and have them read from where the store, or what was handed over, says.

        Raises:
            PassingError: a broker is away: none of them is placed.
            StoreAwayError: the store is; none of them either.
        """
        self.forget(partitions)
        claims = self._claim(partitions)
        places: dict[str, int] = {}
        stored: dict[str, int] = {}
        for name, claim in claims.items():
            if claim.generation != self._generations.get(name):
                self._handover.forget(name)
            held = self._from_start.get(name) if claim.read is None else claim.read.next_position
            known = [place for place in (held, self._handover.position(name)) if place is not None]
            if known:
                places[name] = max(known)
            if held is not None:
                stored[name] = held
        # Kept also of partitions that went away: if they come back as they were, what is in hand is good.
        self._generations |= {name: claim.generation for name, claim in claims.items()}
        places |= self._starts(consumer, [name for name in partitions if name not in places])
        consumer.place(places)
        self._next |= places
        self._unsure |= dict.fromkeys(places)
        with self._guard:
            # What a turn stored meanwhile is newer than what the claim read.
            stored = places | stored
            self._stored |= {name: max(at, self._stored.get(name, 0)) for name, at in stored.items()}
        self._placed = self._placed | places

    def _starts(self, consumer: Consumer, fresh: Collection[str]) -> dict[str, int]:
        """Where partitions start that nobody has read."""
        if not fresh:
            return {}
        match self._start:
            case int() as moment:
                return consumer.since(fresh, moment)
            case "latest":
                return consumer.latest(fresh)
            case "stored":
                return consumer.earliest(fresh) | consumer.committed(fresh)
            case _:
                return consumer.earliest(fresh)

    def move(self, consumer: Consumer, partition: str, position: int) -> int:
        """Go on there, further on than was expected; returns how many offsets lie between."""
        skipped = position - self._next[partition]
        consumer.place({partition: position})
        self._next[partition] = position
        self._unsure[partition] = None
        return skipped

    def expected(self, partition: str) -> int:
        """Position of the next record that will be believed."""
        return self._next[partition]

    def generation(self, partition: str) -> int:
        """Of our claim."""
        return self._generations.get(partition, 0)

    def believed(self, consumer: Consumer, fetched: Fetched) -> Fetched | None:
        """What of it comes next in its partition; None where nothing does.

        A client may still hold what it fetched before it was told where to read. What lies before the
        expected position is left out. What lies behind it leaves a gap: after a compaction or a transaction
        that is as it should be; just after a partition was placed it may be a record of before. So a first
        gap is asked for once more, and believed when it is the same again.
        """
        name = fetched.partition
        if name not in self._placed:
            return None
        expected, offsets = self._next[name], fetched.offsets
        if offsets[0] < expected:
            old = sum(offset < expected for offset in offsets)
            log.debug("%s: %d records before %d left out", name, old, expected)
            if old == len(offsets):
                return None
            fetched = Fetched(name, offsets[old:], fetched.values[old:], fetched.times[old:])
        first = fetched.offsets[0]
        if name in self._unsure and first > expected and self._unsure[name] != first:
            self._unsure[name] = first
            consumer.place({name: expected})
            return None
        self._unsure.pop(name, None)
        self._next[name] = fetched.offsets[-1] + 1
        return fetched

    def note_ends(self, consumer: Consumer) -> None:
        """How far there is to read; offsets without a record, as after a transaction, do not count."""
        for name in self._placed:
            end = consumer.end(name)
            if end is not None:
                self._ends[name] = self._next[name] if consumer.drained(name) else max(end, self._next[name])

    def lag(self) -> dict[str, int]:
        """Records of each partition that the store does not know of yet."""
        ends = dict(self._ends)
        return {name: max(0, end - self._stored.get(name, end)) for name, end in ends.items()}

    def behind(self) -> frozenset[str]:
        """Partitions that hold records not yet handed over, or may hold some."""
        ends = dict(self._ends)
        return frozenset(
            name
            for name, placed in dict(self._placed).items()
            if name not in ends or self._handed(name, placed) < ends[name]
        )

    def _handed(self, name: str, placed: int) -> int:
        """Offset of the record after the last one handed over, or where the partition was placed."""
        handed = self._handover.position(name)
        return placed if handed is None else handed
