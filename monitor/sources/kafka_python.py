"""The client in pure Python, kafka-python, as `monitor.sources.consumer.Consumer`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any, Final

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import (
    AuthorizationError,
    KafkaError,
    LogTruncationError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RetriableError,
    SaslAuthenticationFailedError,
    UnsupportedCodecError,
)
from kafka.structs import OffsetAndMetadata

from monitor.brokers.kafka_python import connected
from monitor.errors import InputError
from monitor.sources.consumer import (
    DivergedError,
    Fetched,
    KafkaOptions,
    PassingError,
    RangeError,
    Revoked,
)
from monitor.sources.kafka_batches import Row, quicken

log = logging.getLogger(__name__)

_REQUEST_MS: Final = 10_000
_CLIENT: Final = {
    "client_id": "privwatch",
    "enable_auto_commit": False,
    "allow_auto_create_topics": False,
    # In C the check is free; in Python it takes nine tenths of the time, and the broker has made it already.
    "check_crcs": find_spec("crc32c") is not None,
    # Records of a transaction that was taken back were never said.
    "isolation_level": "read_committed",
    # We place every partition ourselves; anything else is an error that says so.
    "auto_offset_reset": "none",
    # Partitions that stay with us in a rebalance are read on meanwhile.
    "partition_assignment_strategy": (CooperativeStickyAssignor,),
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


def connect(options: KafkaOptions, revoked: Revoked) -> PythonConsumer:
    """A consumer that has met its broker.

    Raises:
        InputError: no broker answers within `connect_seconds`, or none lets us in; it does not say which.
        SettingsError: files of TLS cannot be used.
    """
    brokers = options.brokers
    try:
        consumer = connected(
            KafkaConsumer,
            brokers,
            **_CLIENT,
            group_id=options.group,
            session_timeout_ms=round(options.session_seconds * 1000),
            heartbeat_interval_ms=round(options.session_seconds * 200),
            bootstrap_timeout_ms=round(options.connect_seconds * 1000),
        )
    except (KafkaError, OSError, ValueError) as error:
        raise InputError(f"{brokers}: no broker answered within {options.connect_seconds:g} s") from error
    return PythonConsumer(consumer, options, revoked)


class PythonConsumer:
    """See `monitor.sources.consumer.Consumer`. The group's business is done in a thread of the client's."""

    def __init__(self, consumer: KafkaConsumer, options: KafkaOptions, revoked: Revoked) -> None:
        self._consumer = consumer
        self._columns = _quick_columns if quicken(consumer) else _columns
        self._brokers = options.brokers
        self._listener = _Listener(lambda went: revoked([_name(partition) for partition in went]))
        self._subscribed = False

    def topics(self) -> Collection[str]:
        """All topics we may know of."""
        with self._said():
            return set(self._consumer.topics())

    def subscribe(self, topics: Collection[str]) -> None:
        """Take part in sharing out these topics."""
        self._subscribed = bool(topics)
        if topics:
            self._consumer.subscribe(topics=sorted(topics), listener=self._listener)
        else:
            self._consumer.unsubscribe()

    def poll(self, records: int, seconds: float) -> Sequence[Fetched]:
        """One poll of the client."""
        with self._said():
            if not self._subscribed:
                raise PassingError("no topic yet")
            try:
                found = self._consumer.poll(timeout_ms=round(seconds * 1000), max_records=records)
            except NoOffsetForPartitionError:
                # Raised within the very poll that assigned a partition without a committed offset.
                return []
            return [self._columns(_name(partition), some) for partition, some in found.items()]

    def assigned(self) -> frozenset[str]:
        """Partitions that are ours."""
        return frozenset(map(_name, self._consumer.assignment()))

    def place(self, places: Mapping[str, int]) -> None:
        """Seek; what was fetched for another position the client throws away itself."""
        for partition in self._partitions(places):
            self._consumer.seek(partition, places[_name(partition)])

    def hold(self) -> None:
        """Pause all partitions; those that come later are held by the next call."""
        self._consumer.pause(*self._consumer.assignment())

    def go_on(self) -> None:
        """Resume those that are paused."""
        if paused := self._consumer.paused():
            self._consumer.resume(*paused)

    def earliest(self, partitions: Collection[str]) -> dict[str, int]:
        """Position of the oldest record."""
        return self._asked(self._consumer.beginning_offsets, partitions)

    def latest(self, partitions: Collection[str]) -> dict[str, int]:
        """Position after the newest record."""
        return self._asked(self._consumer.end_offsets, partitions)

    def since(self, partitions: Collection[str], moment: int) -> dict[str, int]:
        """Position of the first record of that time or later."""
        with self._said():
            found = self._consumer.offsets_for_times(dict.fromkeys(self._partitions(partitions), moment))
        known = {_name(partition): one.offset for partition, one in found.items() if one is not None}
        return self.latest([name for name in partitions if name not in known]) | known

    def committed(self, partitions: Collection[str]) -> dict[str, int]:
        """What the group committed, where it did."""
        with self._said():
            found = {
                _name(partition): self._consumer.committed(partition, timeout_ms=_REQUEST_MS)
                for partition in self._partitions(partitions)
            }
        return {name: offset for name, offset in found.items() if offset is not None}

    def end(self, partition: str) -> int | None:
        """Position after the newest record, as the last fetch said."""
        with self._said():
            end: int | None = self._consumer.highwater(_partition(partition))
            return end

    def drained(self, partition: str) -> bool:
        """Whether the client stands there."""
        with self._said():
            tp = _partition(partition)
            return bool(self._consumer.position(tp) >= self._consumer.highwater(tp))

    def trouble(self) -> str:
        """That it is connected with no broker; the client says so to its log alone."""
        client: Any = self._consumer._client  # noqa: SLF001 - nothing public tells
        known = client.cluster.brokers()
        return "not connected" if known and not any(client.connected(one.node_id) for one in known) else ""

    def commit(self, positions: Mapping[str, int], *, wait: bool = False) -> None:
        """Commit, and wait two seconds at most where we wait."""
        offsets = {_partition(name): OffsetAndMetadata(at, "", -1) for name, at in positions.items()}
        with self._said(), suppress(KafkaError):
            if wait:
                self._consumer.commit(offsets, timeout_ms=2000)
            else:
                self._consumer.commit_async(offsets)

    def close(self) -> None:
        """Leave the group."""
        with suppress(KafkaError):
            self._consumer.close(autocommit=False, timeout_ms=2000)

    def _asked(
        self, ask: Callable[[list[TopicPartition]], Mapping[TopicPartition, int]], partitions: Collection[str]
    ) -> dict[str, int]:
        if not partitions:
            return {}
        with self._said():
            return {_name(tp): offset for tp, offset in ask(self._partitions(partitions)).items()}

    @staticmethod
    def _partitions(names: Collection[str]) -> list[TopicPartition]:
        return [_partition(name) for name in names]

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Errors of the client, in our words."""
        try:
            yield
        except OffsetOutOfRangeError as error:
            raise RangeError({_name(tp): at for tp, at in error.args[0].items()}) from error
        except LogTruncationError as error:
            raise DivergedError(_name(next(iter(error.divergent_offsets)))) from error
        except UnsupportedCodecError as error:
            raise InputError(
                f"{self._brokers}: records are compressed in a way this installation cannot read ({error}); "
                "install it with `pip install 'privwatch[kafka]'`"
            ) from error
        except (SaslAuthenticationFailedError, AuthorizationError) as error:
            raise InputError(
                f"{self._brokers}: the broker does not allow it ({type(error).__name__}); check `sasl` in the"
                " settings, and what this user may read"
            ) from error
        except (NoOffsetForPartitionError, RetriableError) as error:
            # The first: of a partition that is not placed yet the client looked for a committed offset.
            raise PassingError(str(error)) from error


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # the client ships no types
    """Passes on that partitions went."""

    def __init__(self, went: Callable[[Collection[TopicPartition]], None]) -> None:
        self._went = went

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self._went(revoked)

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Nothing: the source looks for itself, once the rebalance is over."""


def _columns(name: str, records: list[Any]) -> Fetched:
    return Fetched(
        name,
        [record.offset for record in records],
        [record.value for record in records],
        [record.timestamp for record in records],
    )


def _quick_columns(name: str, rows: list[Row]) -> Fetched:
    offsets, times, values = zip(*rows, strict=True)
    return Fetched(name, offsets, values, times)


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}-{partition.partition}"


def _partition(name: str) -> TopicPartition:
    topic, _, number = name.rpartition("-")
    return TopicPartition(topic, int(number))
