"""The fast client, librdkafka by way of confluent-kafka, as `monitor.sources.consumer.Consumer`.

The library reads ahead in threads of its own. Three things make sure that nothing of that is taken for what
comes next. A partition is given to it only together with the offset to start at, after the rebalance that
brought it, never in the callback and never at what was committed. Moving on is one `seek`, which makes void
what was fetched before. And pausing is followed by such a seek, to the record after the last one given.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Event
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from monitor.brokers.librdkafka import librdkafka_settings
from monitor.clock import SystemClock
from monitor.errors import InputError
from monitor.sources.consumer import Fetched, KafkaOptions, PassingError, RangeError, Revoked

log = logging.getLogger(__name__)

_REQUEST_SECONDS: Final = 10.0
_GATHER_SECONDS: Final = 0.01
"""How long more records are waited for after the first; the library's own wait would be the whole time."""
_CLIENT: Final = {
    "client.id": "privwatch",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "allow.auto.create.topics": False,
    "check.crcs": True,
    # Records of a transaction that was taken back were never said.
    "isolation.level": "read_committed",
    # We place every partition ourselves; anything else is an error that says so.
    "auto.offset.reset": "error",
    # Partitions that stay with us in a rebalance are read on meanwhile.
    "partition.assignment.strategy": "cooperative-sticky",
    # Says when a partition is read to its end, where marks of transactions may lie.
    "enable.partition.eof": True,
    # Enough for a turn in one request. A larger record comes all the same, alone.
    "max.partition.fetch.bytes": 8 * 1024 * 1024,
    "receive.message.max.bytes": 256 * 1024 * 1024,
    # What the library reads ahead by itself, and how soon it goes on once there is room again.
    "queued.max.messages.kbytes": 32 * 1024,
    "fetch.queue.backoff.ms": 10,
    "reconnect.backoff.max.ms": 5_000,
    # How soon a partition that was added is found.
    "topic.metadata.refresh.interval.ms": 30_000,
}
_DENIED: Final = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001 - the library's name for it
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
    }
)
_AWAY: Final = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - as above
        KafkaError._TRANSPORT,  # noqa: SLF001 - as above
        KafkaError._SSL,  # noqa: SLF001 - as above
        KafkaError._RESOLVE,  # noqa: SLF001 - as above
    }
)
_UNREADABLE: Final = frozenset(
    {
        KafkaError._BAD_COMPRESSION,  # noqa: SLF001 - as above
        KafkaError._NOT_IMPLEMENTED,  # noqa: SLF001 - as above
        KafkaError._BAD_MSG,  # noqa: SLF001 - as above
    }
)


def connect(options: KafkaOptions, revoked: Revoked) -> NativeConsumer:
    """A consumer that has met its broker.

    Raises:
        InputError: no broker answers within `connect_seconds`, or none lets us in.
        SettingsError: files of TLS cannot be used.
    """
    clock = SystemClock()
    consumer = NativeConsumer(options, revoked)
    until = clock.monotonic() + options.connect_seconds
    while True:
        try:
            consumer.topics()
        except PassingError as error:
            left = until - clock.monotonic()
            if left > 0:
                clock.sleep(min(left, 0.2))
                continue
            consumer.close()
            waited = f"no broker answered within {options.connect_seconds:g} s"
            raise InputError(f"{options.brokers}: {waited}") from error
        except InputError:
            consumer.close()
            raise
        return consumer


class NativeConsumer:
    """See `monitor.sources.consumer.Consumer`. Callbacks run within `poll`, in the thread that calls it."""

    def __init__(self, options: KafkaOptions, revoked: Revoked) -> None:
        self._brokers = options.brokers
        self._revoked = revoked
        self._ours: frozenset[str] = frozenset()
        self._next: dict[str, int] = {}
        self._drained: dict[str, int] = {}
        self._held: set[str] = set()
        self._to_seek: set[str] = set()
        self._given: set[str] = set()
        self._failure: Exception | None = None
        self._denied = Event()
        self._trouble = ""
        session = round(options.session_seconds * 1000)
        said = {
            **librdkafka_settings(options.brokers),
            **_CLIENT,
            "group.id": options.group,
            "session.timeout.ms": session,
            "heartbeat.interval.ms": session // 5,
            "error_cb": self._heard,
        }
        self._consumer = Consumer(said, logger=logging.getLogger("librdkafka"))

    def topics(self) -> Collection[str]:
        """All topics we may know of."""
        with self._said():
            # Serves what the library has to say; not subscribed, there are no records.
            if not self._ours:
                self._consumer.poll(0)
            if self._denied.is_set():
                raise InputError(f"{self._brokers}: the broker does not let us in; check `sasl`")
            return set(self._consumer.list_topics(timeout=1.0).topics)

    def subscribe(self, topics: Collection[str]) -> None:
        """Take part in sharing out these topics."""
        with self._said():
            if topics:
                self._consumer.subscribe(
                    sorted(topics), on_assign=self._came, on_revoke=self._went, on_lost=self._went
                )
            else:
                self._consumer.unsubscribe()

    def poll(self, records: int, seconds: float) -> Sequence[Fetched]:
        """What the library has, after the first record within a moment."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        try:
            self._seek()
        except PassingError as error:
            # Said after this poll: rebalances are heard of in polls alone, and all of the group waits for us.
            self._failure = error
        messages = self._consume(1, seconds)
        if messages and records > 1:
            messages += self._consume(records - 1, _GATHER_SECONDS)
        return self._columns(messages)

    def _consume(self, records: int, seconds: float) -> list[Message]:
        """What comes within that time; what a call that fails had in hand is asked for again."""
        try:
            return self._consumer.consume(records, seconds)
        except KafkaException as error:
            self._failure = self._failure or self._translated(error.args[0], "")
            self._to_seek |= self._next.keys()
            return []

    def _seek(self) -> None:
        """Have partitions read from where they should be, and nothing believed that was fetched before."""
        with self._said():
            for name in self._to_seek & self._next.keys():
                self._move(name, _partition(name, self._next[name]))
                self._to_seek.discard(name)

    def _move(self, name: str, partition: TopicPartition) -> None:
        """Seek, or where the library does not read the partition, give it that anew."""
        if name in self._given:
            try:
                self._consumer.seek(partition)
            except KafkaException as error:
                if error.args[0].code() != KafkaError._STATE:  # noqa: SLF001 - the library's name for it
                    raise
                self._take_back([name])
            else:
                return
        self._give([partition])

    def _give(self, partitions: list[TopicPartition]) -> None:
        """Have the library read these; it goes on with a paused one as if it were not."""
        try:
            self._consumer.incremental_assign(partitions)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._CONFLICT:  # noqa: SLF001 - the library's name for it
                raise
            # It reads one of them already, and then took none: those are sought, the others given one by one.
            if len(partitions) > 1:
                for one in partitions:
                    self._give([one])
                return
            self._to_seek.add(_name(partitions[0]))
        names = set(map(_name, partitions))
        self._given |= names
        self._held -= names
        self._consumer.resume(partitions)

    def _take_back(self, names: Collection[str]) -> None:
        """Have the library read these no longer."""
        names = self._given.intersection(names)
        self._given -= names
        try:
            self._consumer.incremental_unassign([_partition(name) for name in names])
        except KafkaException:
            # It knows of one of them no more, and then took back none. The rebalance waits for this call.
            for name in names:
                with suppress(KafkaException):
                    self._consumer.incremental_unassign([_partition(name)])
            self._consumer.incremental_unassign([])

    def _columns(self, messages: list[Message]) -> list[Fetched]:
        """By partition; an error is kept until what came before it is taken."""
        found: dict[tuple[str, int], list[Message]] = {}
        for message in messages:
            if (error := message.error()) is not None:
                self._note(message, error)
                continue
            found.setdefault((message.topic() or "", message.partition() or 0), []).append(message)
        named = {f"{topic}-{number}": some for (topic, number), some in found.items()}
        # Of a partition that is yet to be sought, these are of before.
        fetched = [_fetched(name, some) for name, some in named.items() if name not in self._to_seek]
        for one in fetched:
            if one.partition in self._next:
                self._next[one.partition] = one.offsets[-1] + 1
                self._drained.pop(one.partition, None)
        return fetched

    def _note(self, message: Message, error: KafkaError) -> None:
        """What the library says within the stream."""
        code, name = error.code(), f"{message.topic()}-{message.partition()}"
        if code == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's name for it
            self._drained[name] = message.offset() or 0
        elif code in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:  # noqa: SLF001 - as above
            self._failure = self._failure or RangeError({name: message.offset() or 0})
        else:
            self._failure = self._failure or self._translated(error, name)

    def assigned(self) -> frozenset[str]:
        """Partitions that are ours."""
        return self._ours

    def place(self, places: Mapping[str, int]) -> None:
        """Give the library partitions it does not read yet, and seek in those it does."""
        fresh = [_partition(name, at) for name, at in places.items() if name not in self._given]
        self._next |= places
        self._to_seek |= places.keys() & self._given
        for name in places:
            self._drained.pop(name, None)
        if fresh:
            with self._said():
                self._give(fresh)
        self._seek()

    def hold(self) -> None:
        """Pause what is read and not paused yet."""
        names = self._next.keys() - self._held
        with self._said():
            if names:
                self._consumer.pause([_partition(name) for name in names])
                self._held |= names

    def go_on(self) -> None:
        """Resume, and seek to the record after the last one given."""
        if not self._held:
            return
        with self._said():
            held = self._held.intersection(self._next)
            self._consumer.resume([_partition(name) for name in held])
        self._held = set()
        self._to_seek |= held
        self._seek()

    def earliest(self, partitions: Collection[str]) -> dict[str, int]:
        """Position of the oldest record."""
        return {name: self._bounds(name)[0] for name in partitions}

    def latest(self, partitions: Collection[str]) -> dict[str, int]:
        """Position after the newest record."""
        return {name: self._bounds(name)[1] for name in partitions}

    def since(self, partitions: Collection[str], moment: int) -> dict[str, int]:
        """Position of the first record of that time or later."""
        with self._said():
            asked = [_partition(name, moment) for name in partitions]
            found = self._consumer.offsets_for_times(asked, timeout=_REQUEST_SECONDS)
        return self._offsets(found) | self.latest([_name(one) for one in found if one.offset < 0])

    def committed(self, partitions: Collection[str]) -> dict[str, int]:
        """What the group committed, where it did."""
        with self._said():
            asked = [_partition(name) for name in partitions]
            return self._offsets(self._consumer.committed(asked, timeout=_REQUEST_SECONDS))

    def end(self, partition: str) -> int | None:
        """Position after the newest record, as the last fetch said."""
        with self._said():
            _, end = self._consumer.get_watermark_offsets(_partition(partition), cached=True)
        return end if end >= 0 else None

    def drained(self, partition: str) -> bool:
        """Whether the library said that it stands at the end, and nothing came since."""
        return self._drained.get(partition, -1) >= (self.end(partition) or 0)

    def trouble(self) -> str:
        """The last error that the library called back with, of those that keep all records away."""
        heard, self._trouble = self._trouble, ""
        return heard

    def commit(self, positions: Mapping[str, int], *, wait: bool = False) -> None:  # noqa: ARG002 - the port's
        """Commit; closing waits for what is under way."""
        offsets = [_partition(name, at) for name, at in positions.items()]
        with suppress(KafkaException):
            if offsets:
                self._consumer.commit(offsets=offsets, asynchronous=True)

    def close(self) -> None:
        """Leave the group."""
        with suppress(KafkaException, RuntimeError):
            self._consumer.close()

    def _came(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Take note only: called by hand, the library does not assign them at what was committed."""
        self._ours |= frozenset(map(_name, partitions))
        self._settled(lambda: consumer.incremental_assign([]))

    def _went(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        """Give back those that were read, and no others."""
        names = frozenset(map(_name, partitions))
        self._ours -= names
        for name in names:
            self._next.pop(name, None)
            self._drained.pop(name, None)
            self._held.discard(name)
        self._revoked(names)
        self._settled(lambda: self._take_back(names))

    def _settled(self, call: Callable[[], None]) -> None:
        """An error in a callback would throw away the records that are being polled, so it waits."""
        try:
            call()
        except KafkaException as error:
            self._failure = self._failure or self._translated(error.args[0], "")

    def _bounds(self, name: str) -> tuple[int, int]:
        with self._said():
            found = self._consumer.get_watermark_offsets(_partition(name), timeout=_REQUEST_SECONDS)
        if found is None:
            raise PassingError(f"no offsets of {name}")
        return found

    @staticmethod
    def _offsets(partitions: list[TopicPartition]) -> dict[str, int]:
        return {_name(one): one.offset for one in partitions if one.offset >= 0}

    def _heard(self, error: KafkaError) -> None:
        """Called by the library for what concerns no partition; the log says the rest."""
        if error.code() in _DENIED:
            self._denied.set()
        if error.code() in _DENIED | _AWAY:
            self._trouble = error.name()

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Errors of the library, in our words."""
        try:
            yield
        except KafkaException as error:
            raise self._translated(error.args[0], "") from error

    def _translated(self, error: Any, name: str) -> Exception:  # noqa: ANN401 - as the library gives it
        code = error.code()
        if code in _DENIED:
            return InputError(
                f"{self._brokers}: the broker does not allow it ({error.name()}); check `sasl` in the"
                " settings, and what this user may read"
            )
        if code in _UNREADABLE:
            return InputError(
                f"{self._brokers}: {name or 'a topic'} holds records that this client cannot"
                f" read ({error.name()}): {error.str()}"
            )
        if error.fatal():
            return InputError(f"{self._brokers}: the client gave up ({error.name()}); start again")
        return PassingError(error.name())


def _fetched(name: str, messages: list[Message]) -> Fetched:
    return Fetched(
        name,
        [message.offset() or 0 for message in messages],
        [message.value() for message in messages],
        [message.timestamp()[1] for message in messages],
    )


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}-{partition.partition}"


def _partition(name: str, offset: int = -1001) -> TopicPartition:
    topic, _, number = name.rpartition("-")
    return TopicPartition(topic, int(number), offset)
