"""Topics of Apache Kafka, read by a thread of their own that runs ahead of the evaluation, within bounds.

Positions in the store win: at the start and after every rebalance each partition is claimed and sought to
where the store says, or, where nobody else claimed it meanwhile, to what was already handed over. Offsets
committed to the broker are advice to people and tools, and the start of partitions the store does not know
when `start` is `stored`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from threading import Event, Lock, Thread
from typing import Any, Final

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import (
    KafkaError,
    LogTruncationError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RetriableError,
    UnsupportedCodecError,
)
from kafka.net.compat import KafkaNetClient
from kafka.structs import OffsetAndMetadata

from monitor.errors import InputError, PrivwatchError, StoreAwayError
from monitor.frames import RecordBatch, Values
from monitor.model import Checkpoint, Claim, Logsource
from monitor.sources.handover import Handover
from monitor.telemetry import LOST, TOMBSTONES

log = logging.getLogger(__name__)

STARTS: Final = ("stored", "earliest", "latest")
"""Where a partition starts that the store does not know; `stored` means the group's committed offset."""

_POLL_MS = 200
_REQUEST_MS = 10_000
_BACKOFF_SECONDS = 0.5
_CLOSE_SECONDS = 4.5
_CLIENT: Final = {
    "enable_auto_commit": False,
    "allow_auto_create_topics": False,
    # In C the check is free; in Python it takes nine tenths of the time, and the broker has made it already.
    "check_crcs": find_spec("crc32c") is not None,
    # Records of a transaction that was taken back were never said.
    "isolation_level": "read_committed",
    # We place every partition ourselves; anything else is an error that says so.
    "auto_offset_reset": "none",
    # Enough for a turn in one request. A larger record comes all the same, alone.
    "max_partition_fetch_bytes": 8 * 1024 * 1024,
    "receive_message_max_bytes": 256 * 1024 * 1024,
    "request_timeout_ms": _REQUEST_MS,
    # A broker that comes back is found within these; the client's own thirty seconds are longer than we wait.
    "reconnect_backoff_max_ms": 5_000,
    # How soon a partition that was added is found.
    "metadata_max_age_ms": 30_000,
    "metrics_enabled": False,
}


@dataclass(frozen=True, slots=True)
class KafkaOptions:
    """What to read. `start` is one of STARTS; sizes are bytes, times seconds."""

    bootstrap: tuple[str, ...]
    topics: tuple[str, ...]
    group: str = "privwatch"
    start: str = "earliest"
    logsource: Logsource = field(default_factory=Logsource)
    format: str = ""
    connect_seconds: float = 30.0
    session_seconds: float = 15.0
    batch_records: int = 50_000
    ahead_bytes: int = 64 * 1024 * 1024


def unclaimed(partitions: Collection[str]) -> dict[str, Claim]:
    """Nobody else reads them."""
    return dict.fromkeys(partitions, Claim(0))


class KafkaSource:
    """`monitor.ports.Source` over topics. A partition is called `topic-3`.

    Args:
        claim: asked after every rebalance to claim the partitions in the store; says what it holds of them.
    """

    exhausted = False

    def __init__(
        self,
        options: KafkaOptions,
        *,
        claim: Callable[[Collection[str]], Mapping[str, Claim]] = unclaimed,
    ) -> None:
        self._options = options
        self._claim = claim
        self._generations: dict[str, int] = {}
        self._from_start: dict[str, int] = {}
        self._handover = Handover(options.ahead_bytes)
        self._reassigned = Event()
        self._stop = Event()
        self._thread: Thread | None = None
        self._guard = Lock()
        self._to_commit: dict[str, int] = {}
        self._stored: dict[str, int] = {}
        self._placed: dict[str, int] = {}
        self._queued: dict[str, int] = {}
        self._ends: dict[str, int] = {}
        self._lost: Counter[str] = Counter()

    def start(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Connect, check that the topics are there, and begin to read.

        Raises:
            InputError: no broker answers within `connect_seconds`, or a topic does not exist.
        """
        self._from_start = {name: one.next_position for name, one in checkpoints.items()}
        consumer = _connect(self._options)
        consumer.subscribe(topics=list(self._options.topics), listener=_Listener(self._reassign))
        self._thread = Thread(target=self._read, args=(consumer,), name="kafka-source", daemon=True)
        self._thread.start()

    def poll(self, timeout: float) -> RecordBatch | None:
        """The next records of one partition, or None when there are none within `timeout` seconds.

        Raises:
            InputError: the topics cannot be read any more (a broker that is away is waited for).
        """
        return self._handover.take(timeout)

    def checkpoint(self, batch: RecordBatch, plan: str) -> Checkpoint:
        """Where to go on once `batch` is stored."""
        return Checkpoint(batch.next_position, plan)

    def commit(self, positions: Mapping[str, int]) -> None:
        """Have the reading thread tell the broker, when it comes to it."""
        with self._guard:
            self._to_commit.update(positions)
            self._stored.update(positions)

    def rewind(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Forget what was handed over; the reading thread claims and seeks every partition anew."""
        self._from_start = {name: one.next_position for name, one in checkpoints.items()}
        self._handover.restart()
        self._reassigned.set()

    def lag(self) -> dict[str, int]:
        """Records of each assigned partition that the store does not know of yet."""
        ends = dict(self._ends)
        return {name: max(0, end - self._stored.get(name, end)) for name, end in ends.items()}

    def behind(self) -> frozenset[str]:
        """Assigned partitions that hold records not yet handed over, or may hold some."""
        ends = dict(self._ends)
        return frozenset(
            name for name in self._placed if name not in ends or self._position(name) < ends[name]
        )

    def close(self) -> None:
        """Stop reading, tell the broker how far the store came, leave the group; takes a few seconds."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)
            self._thread = None

    def _position(self, name: str) -> int:
        """Offset of the record after the last one handed over, or where the partition was placed."""
        handed = self._handover.position(name)
        return self._placed.get(name, 0) if handed is None else handed

    def _read(self, consumer: KafkaConsumer) -> None:
        """The reading thread: nothing else touches the consumer."""
        try:
            while not self._stop.is_set():
                self._commit(consumer)
                self._hold_back(consumer)
                self._step(consumer)
        except PrivwatchError as error:
            self._handover.fail(error)
        except Exception as error:  # noqa: BLE001 - whatever ends this thread must reach the runner
            self._handover.fail(
                InputError(
                    f"{self._place()}: reading failed: {str(error) or type(error).__name__}; start again"
                )
            )
        finally:
            with suppress(KafkaError):
                self._commit(consumer, wait=True)
            with suppress(KafkaError):
                consumer.close(autocommit=False, timeout_ms=2000)

    def _step(self, consumer: KafkaConsumer) -> None:
        """One poll; a rebalance during it makes its records void."""
        try:
            records = self._records(consumer)
            if self._reassigned.is_set():
                self._place_all(consumer)
                return
            for partition, batch in records.items():
                self._queue(partition, batch)
            self._note_ends(consumer)
        except OffsetOutOfRangeError as error:
            self._recover(consumer, error.args[0])
        except LogTruncationError as error:
            raise self._truncated(_name(next(iter(error.divergent_offsets)))) from error
        except UnsupportedCodecError as error:
            raise InputError(
                f"{self._place()}: records are compressed in a way this installation cannot read ({error}); "
                "install it with `pip install 'privwatch[kafka]'`"
            ) from error
        except (RetriableError, StoreAwayError) as error:
            # A broker that is away, or elects a leader: the client goes on trying, we must not spin.
            if isinstance(error, StoreAwayError):
                log.warning("%s; no partition is read until then", error)
            self._stop.wait(_BACKOFF_SECONDS)

    def _records(self, consumer: KafkaConsumer) -> dict[TopicPartition, list[Any]]:
        try:
            return dict(consumer.poll(timeout_ms=_POLL_MS, max_records=self._options.batch_records))
        except NoOffsetForPartitionError:
            # Raised within the very poll that assigned a partition without a committed offset.
            self._reassigned.set()
            return {}

    def _queue(self, partition: TopicPartition, records: list[Any]) -> None:
        name = _name(partition)
        kept = [record for record in records if record.value is not None]
        facts = {TOMBSTONES: len(records) - len(kept), LOST: self._lost.pop(name, 0)}
        first, count = (kept[0].offset, len(kept)) if kept else (0, 0)
        whole = bool(kept) and kept[-1].offset - first + 1 == count
        times = tuple(record.timestamp * 1000 for record in kept)
        batch = RecordBatch(
            partition=name,
            offsets=range(first, first + count) if whole else tuple(record.offset for record in kept),
            next_position=records[-1].offset + 1,
            payload=Values(tuple(record.value for record in kept)),
            logsource=self._options.logsource,
            broker_times=times if min(times, default=-1) >= 0 else None,
            format=self._options.format,
            facts=tuple((fact, n) for fact, n in facts.items() if n),
            generation=self._generations.get(name, 0),
        )
        self._handover.put(batch, sum(len(record.value) for record in kept))
        self._queued[name] = batch.next_position

    def _hold_back(self, consumer: KafkaConsumer) -> None:
        """Pause where the evaluation does not keep up; polling goes on, or the group would think us gone."""
        if self._handover.full:
            consumer.pause(*consumer.assignment())
        elif self._handover.slack and (paused := consumer.paused()):
            consumer.resume(*paused)

    def _reassign(self, revoked: Collection[TopicPartition]) -> None:
        """Called by the client within `poll`, while a rebalance is going on."""
        self._reassigned.set()
        self._handover.drop({_name(partition) for partition in revoked})

    def _place_all(self, consumer: KafkaConsumer) -> None:
        """Seek every assigned partition to where the store, or what was handed over, says."""
        self._reassigned.clear()
        epoch = self._handover.epoch
        try:
            self._seek_all(consumer)
        except (RetriableError, StoreAwayError):
            self._reassigned.set()
            raise
        self._handover.reopen(epoch)

    def _seek_all(self, consumer: KafkaConsumer) -> None:
        assigned = {_name(partition): partition for partition in consumer.assignment()}
        self._handover.drop(assigned.keys())
        claims = self._claim(assigned.keys()) if assigned else {}
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
        fresh = [partition for name, partition in assigned.items() if name not in places]
        places |= {_name(partition): offset for partition, offset in self._starts(consumer, fresh).items()}
        for name, partition in assigned.items():
            consumer.seek(partition, places[name])
        self._placed = places
        self._queued = {}
        self._ends = {}
        with self._guard:
            # What a turn stored meanwhile is newer than what the claim read.
            stored = places | stored
            self._stored = {name: max(at, self._stored.get(name, 0)) for name, at in stored.items()}

    def _starts(self, consumer: KafkaConsumer, fresh: list[TopicPartition]) -> dict[TopicPartition, int]:
        """Where partitions start that nobody has read."""
        if not fresh:
            return {}
        if self._options.start == "latest":
            return dict(consumer.end_offsets(fresh))
        places = dict(consumer.beginning_offsets(fresh))
        if self._options.start == "stored":
            for partition in fresh:
                committed = consumer.committed(partition, timeout_ms=_REQUEST_MS)
                places[partition] = places[partition] if committed is None else committed
        return places

    def _recover(self, consumer: KafkaConsumer, wanted: Mapping[TopicPartition, int]) -> None:
        """Go on where the broker still has records, and count what it deleted before we came."""
        beginnings = consumer.beginning_offsets(list(wanted))
        for partition, offset in wanted.items():
            name, beginning = _name(partition), beginnings[partition]
            if offset > beginning:
                raise self._truncated(name)
            self._lost[name] += beginning - offset
            log.warning("%s: the broker deleted %d records before they were read", name, beginning - offset)
            consumer.seek(partition, beginning)

    def _truncated(self, name: str) -> InputError:
        return InputError(
            f"{self._place()}: the store has read {name} further than the topic goes; was it made anew? Then "
            "give it another name, or write into another namespace of the store"
        )

    def _note_ends(self, consumer: KafkaConsumer) -> None:
        """How far there is to read; offsets without a record, as after a transaction, do not count."""
        for partition in consumer.assignment():
            name, end = _name(partition), consumer.highwater(partition)
            if end is not None:
                read = consumer.position(partition) >= end
                self._ends[name] = self._queued.get(name, self._placed.get(name, 0)) if read else end

    def _commit(self, consumer: KafkaConsumer, *, wait: bool = False) -> None:
        """Pass on what the store holds, of partitions that are still ours."""
        with self._guard:
            pending, self._to_commit = self._to_commit, {}
        if not pending:
            return
        offsets = {
            partition: OffsetAndMetadata(pending[_name(partition)], "", -1)
            for partition in consumer.assignment()
            if _name(partition) in pending
        }
        if offsets and wait:
            consumer.commit(offsets, timeout_ms=2000)
        elif offsets:
            consumer.commit_async(offsets)

    def _place(self) -> str:
        return f"kafka {', '.join(self._options.bootstrap)}"


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # the client ships no types
    """Passes on that partitions came or went."""

    def __init__(self, reassign: Callable[[Collection[TopicPartition]], None]) -> None:
        self._reassign = reassign

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self._reassign(revoked)

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:  # noqa: ARG002 - theirs
        self._reassign(())


def _connect(options: KafkaOptions) -> KafkaConsumer:
    """A consumer that has met its broker and its topics."""
    place = f"kafka {', '.join(options.bootstrap)}"
    clients: list[KafkaNetClient] = []

    def client(**config: object) -> KafkaNetClient:
        clients.append(KafkaNetClient(**config))
        return clients[-1]

    try:
        consumer = KafkaConsumer(
            bootstrap_servers=list(options.bootstrap),
            group_id=options.group,
            client_id="privwatch",
            bootstrap_timeout_ms=round(options.connect_seconds * 1000),
            kafka_client=client,
            session_timeout_ms=round(options.session_seconds * 1000),
            heartbeat_interval_ms=round(options.session_seconds * 200),
            **_CLIENT,
        )
    except (KafkaError, OSError, ValueError) as error:
        # A consumer that could not be built leaves its thread behind.
        for one in clients:
            one.close()
        raise InputError(
            f"{place}: no broker answered within {options.connect_seconds:g} s; check `bootstrap` in the "
            "settings, that the broker runs, and that this machine may reach it"
        ) from error
    try:
        there = consumer.topics()
    except KafkaError as error:
        consumer.close(autocommit=False, timeout_ms=2000)
        raise InputError(f"{place}: the broker does not say which topics it has: {error}") from error
    absent = [topic for topic in options.topics if topic not in there]
    if absent:
        consumer.close(autocommit=False, timeout_ms=2000)
        raise InputError(
            f"{place}: no topic {', '.join(absent)}; check `topics` in the settings, create the topic, "
            "or allow this client to describe it"
        )
    return consumer


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}-{partition.partition}"
