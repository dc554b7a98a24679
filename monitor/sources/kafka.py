"""Topics of Apache Kafka, read by a thread of their own that runs ahead of the evaluation, within bounds.

Positions in the store win: whenever a partition comes to this instance, it is claimed and read from where the
store says, or, where nobody else claimed it meanwhile, from where it was already handed over. Partitions that
stay in a rebalance are read on. Offsets committed to the broker are advice to people and tools, and the start
of partitions the store does not know when `start` is `stored`.
"""

from __future__ import annotations

import logging
import re
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from threading import Event, Lock, Thread
from typing import Final

from monitor.brokers.refusal import ADDRESS_SECONDS, Refusals, refusals
from monitor.clock import Clock, SystemClock
from monitor.errors import InputError, PrivwatchError, StoreAwayError
from monitor.frames import RecordBatch, Values
from monitor.model import Checkpoint, Claim
from monitor.sources.consumer import (
    Consumer,
    DivergedError,
    Fetched,
    KafkaOptions,
    PassingError,
    RangeError,
    Revoked,
)
from monitor.sources.handover import Handover
from monitor.sources.places import Claims, Places
from monitor.telemetry import LOST, TOMBSTONES

log = logging.getLogger(__name__)

_POLL_SECONDS: Final = 0.2
_BACKOFF_SECONDS: Final = 0.5
_EASE_SECONDS: Final = 1.0
_CLOSE_SECONDS: Final = 4.5
_QUIET_SECONDS: Final = 10.0
_AGAIN_SAID_SECONDS: Final = 60.0
_LEAST_SECONDS: Final = 0.5
_AGAIN_SECONDS: Final = 2.0

Connect = Callable[[KafkaOptions, Revoked], Consumer]


def unclaimed(partitions: Collection[str]) -> dict[str, Claim]:
    """Nobody else reads them."""
    return dict.fromkeys(partitions, Claim(0))


def connect(options: KafkaOptions, revoked: Revoked) -> Consumer:
    """A consumer of the client that the options name, which has met its broker.

    Whether we are let in is asked by hand first: a client would try a wrong password until `connect_seconds`
    are over, and not say what was wrong.

    Raises:
        InputError: no broker answers, none lets us in, or the client is not installed.
        SettingsError: files of TLS cannot be used.
    """
    client = _client(options.client)
    clock = SystemClock()
    until = clock.monotonic() + options.connect_seconds
    why = refusals(options.brokers, options.connect_seconds, clock)
    if why is not None:
        if why.certain:
            raise InputError(why.words())
        log.warning("%s; it is tried for %g s", why.words(), options.connect_seconds)
    left = max(until - clock.monotonic(), _LEAST_SECONDS)
    try:
        return client(replace(options, connect_seconds=left), revoked)
    except InputError as error:
        why = refusals(options.brokers, min(options.connect_seconds, _AGAIN_SECONDS), clock) or why
        if why is None:
            raise
        raise InputError(why.words(options.connect_seconds)) from error


def _client(wanted: str) -> Connect:
    if client_of(wanted) == "librdkafka":
        from monitor.sources import librdkafka  # noqa: PLC0415 - an extra

        return librdkafka.connect
    from monitor.sources import kafka_python  # noqa: PLC0415 - slow to import

    return kafka_python.connect


def client_of(wanted: str) -> str:
    """The client library to use, `auto` decided.

    Raises:
        InputError: it is not installed.
    """
    installed = find_spec("confluent_kafka") is not None
    if wanted == "librdkafka" and not installed:
        raise InputError(
            "sources.kafka.client: librdkafka is not installed; install it with"
            " `pip install 'privwatch[librdkafka]'`, or say `auto`"
        )
    return "librdkafka" if installed and wanted != "kafka-python" else "kafka-python"


class _Waiting:
    """Tells when something in the way is worth a word: after some seconds, and then every minute."""

    def __init__(self) -> None:
        self._told_at: float | None = None

    def long(self, now: float) -> bool:
        """Whether to say now that it is in the way."""
        if self._told_at is None:
            self._told_at = now + _QUIET_SECONDS - _AGAIN_SAID_SECONDS
        if now - self._told_at < _AGAIN_SAID_SECONDS:
            return False
        self._told_at = now
        return True

    def over(self) -> None:
        """Nothing is."""
        self._told_at = None


class KafkaSource:
    """`monitor.ports.Source` over topics. A partition is called `topic-3`.

    Args:
        claim: asked to claim partitions in the store when they come; says what it holds of them.
        connect: makes the consumer; by default the one that the options name.
        clock: tells when to look for topics that fit a pattern.
    """

    exhausted = False

    def __init__(
        self,
        options: KafkaOptions,
        *,
        claim: Claims = unclaimed,
        connect: Connect = connect,
        clock: Clock | None = None,
    ) -> None:
        self._options = options
        self._clock = clock or SystemClock()
        self._look = 0.0
        self._connect = connect
        self._handover = Handover(options.ahead_bytes, options.batch_records)
        self._places = Places(claim, self._handover, options.start)
        self._revoked: deque[frozenset[str]] = deque()
        self._rewound = Event()
        self._stop = Event()
        self._thread: Thread | None = None
        self._guard = Lock()
        self._to_commit: dict[str, int] = {}
        self._topics: frozenset[str] = frozenset()
        self._lost: Counter[str] = Counter()
        self._astray: dict[str, int] = {}
        self._waiting = _Waiting()
        self._trouble = ""

    def start(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Connect, check that the topics are there, and begin to read.

        Raises:
            InputError: no broker answers within `connect_seconds`, or a topic does not exist.
        """
        self._places.known({name: one.next_position for name, one in checkpoints.items()})
        consumer = self._connect(self._options, self._went)
        try:
            self._subscribe(consumer)
        except (PrivwatchError, PassingError) as error:
            consumer.close()
            if isinstance(error, PrivwatchError):
                raise
            raise InputError(
                f"{self._options.brokers}: the broker does not say which topics it has"
            ) from error
        self._thread = Thread(target=self._read, args=(consumer,), name="kafka-source", daemon=True)
        self._thread.start()

    def _subscribe(self, consumer: Consumer) -> None:
        """Subscribe to the topics, or to those that fit the pattern now."""
        there = frozenset(consumer.topics())
        self._look = self._clock.monotonic() + self._options.pattern_seconds
        wanted = frozenset(self._options.topics)
        if self._options.pattern is not None:
            wanted = frozenset(name for name in there if re.fullmatch(self._options.pattern, name))
            wanted = frozenset(name for name in wanted if not name.startswith("__"))
            if not wanted:
                log.warning("%s: no topic fits the pattern yet", self._options.brokers)
        elif absent := sorted(wanted - there):
            raise InputError(
                f"{self._options.brokers}: no topic {', '.join(absent)}; check `topics` in the settings, "
                "create the topic, or allow this client to describe it"
            )
        if wanted != self._topics:
            consumer.subscribe(wanted)
            self._topics = wanted

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
        self._places.stored(positions)

    def rewind(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Forget what was handed over; the reading thread claims and places every partition anew."""
        self._places.known({name: one.next_position for name, one in checkpoints.items()})
        self._handover.restart()
        self._rewound.set()

    def lag(self) -> dict[str, int]:
        """Records of each assigned partition that the store does not know of yet."""
        return self._places.lag()

    def behind(self) -> frozenset[str]:
        """Assigned partitions that hold records not yet handed over, or may hold some."""
        return self._places.behind()

    def close(self) -> None:
        """Stop reading, tell the broker how far the store came, leave the group; takes a few seconds."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)
            self._thread = None

    def _went(self, partitions: Collection[str]) -> None:
        """Called by the client, perhaps in a thread of its own."""
        self._revoked.append(frozenset(partitions))

    def _read(self, consumer: Consumer) -> None:
        """The reading thread: nothing else touches the consumer."""
        try:
            while not self._stop.is_set():
                self._step(consumer)
        except PrivwatchError as error:
            self._handover.fail(error)
        except Exception as error:  # noqa: BLE001 - whatever ends this thread must reach the runner
            said = str(error) or type(error).__name__
            self._handover.fail(InputError(f"{self._options.brokers}: reading failed: {said}; start again"))
        finally:
            with suppress(PassingError):
                self._commit(consumer, wait=True)
            consumer.close()

    def _step(self, consumer: Consumer) -> None:
        """Settle what changed, then one poll."""
        try:
            self._settle_all(consumer)
            found = consumer.poll(self._options.batch_records, _POLL_SECONDS)
            self._let_go()
            self._take(consumer, found)
            self._places.note_ends(consumer)
        except RangeError as error:
            self._astray |= error.positions
        except DivergedError as error:
            raise self._truncated(error.partition) from error
        except PassingError as error:
            self._wait(error)
        else:
            self._trouble = "" if found else consumer.trouble() or self._trouble
            if found:
                self._waiting.over()
            elif self._trouble:
                self._doubt()

    def _settle_all(self, consumer: Consumer) -> None:
        """Where that does not work now, polling goes on all the same, or the group would think us gone.

        What is not placed is not believed, so that nothing is lost by it.
        """
        try:
            self._commit(consumer)
            self._settle(consumer)
            self._hold_back(consumer)
        except PassingError as error:
            self._wait(error)

    def _wait(self, error: PassingError) -> None:
        """A broker that is away, or elects a leader: the client goes on trying, we must not spin."""
        if self._waiting.long(self._clock.monotonic()):
            why = self._refused()
            said = error if why is None else why.words()
            log.warning("%s: nothing is read for now (%s)", self._options.brokers, said)
        self._stop.wait(_BACKOFF_SECONDS)

    def _doubt(self) -> None:
        """The client heard something, and nothing came since; but perhaps there is nothing to come."""
        if not self._waiting.long(self._clock.monotonic()):
            return
        why = self._refused()
        if why is None:
            self._trouble = ""
            self._waiting.over()
        else:
            said = f"{self._trouble}; {why.words()}"
            log.warning("%s: nothing is read for now (%s)", self._options.brokers, said)

    def _refused(self) -> Refusals | None:
        """Why we are not let in any more, asked by hand: a client goes on trying, and does not tell.

        Raises:
            InputError: no patience would cure it; a password, for example, is read at the start alone.
        """
        why = refusals(self._options.brokers, ADDRESS_SECONDS, self._clock)
        if why is not None and why.certain:
            raise InputError(f"{why.words()}; then start again")
        return why

    def _take(self, consumer: Consumer, found: Sequence[Fetched]) -> None:
        """Queue what was polled. What is not queued the client will not bring again, unless asked to."""
        try:
            for fetched in found:
                if (believed := self._places.believed(consumer, fetched)) is not None:
                    self._queue(believed)
        except BaseException:
            self._places.forget(tuple(self._places.placed))
            raise

    def _let_go(self) -> None:
        """Forget partitions that went, before what was just polled is queued and before any is placed."""
        while self._revoked:
            self._places.forget(self._revoked.popleft())

    def _settle(self, consumer: Consumer) -> None:
        """Have every partition that is ours, and no other, read where it should be."""
        self._let_go()
        if self._options.pattern is not None and self._clock.monotonic() >= self._look:
            self._subscribe(consumer)
        rewound = self._rewound.is_set()
        if rewound:
            self._rewound.clear()
            self._places.forget(tuple(self._places.placed))
        # Asked after that: a restart that comes in between has us here again.
        epoch = self._handover.epoch
        try:
            self._place(consumer)
        except (PassingError, StoreAwayError) as error:
            if rewound:
                self._rewound.set()
            if isinstance(error, PassingError):
                raise
            # Polling goes on, or the group would think us gone; of what is not placed nothing is believed.
            log.warning("%s; no partition that came is read until then", error)
            self._stop.wait(_BACKOFF_SECONDS)
        else:
            if rewound:
                self._handover.reopen(epoch)

    def _place(self, consumer: Consumer) -> None:
        assigned = consumer.assigned()
        if gone := [name for name in self._places.placed if name not in assigned]:
            self._places.forget(gone)
        if fresh := [name for name in assigned if name not in self._places.placed]:
            self._places.place(consumer, fresh)
        if self._astray:
            self._recover(consumer)

    def _hold_back(self, consumer: Consumer) -> None:
        """Wait a little where the evaluation does not keep up; then poll on, but without records."""
        if self._handover.full and not self._handover.eased(_EASE_SECONDS):
            consumer.hold()
        elif self._handover.slack:
            consumer.go_on()

    def _queue(self, fetched: Fetched) -> None:
        """A batch for the runner, without tombstones."""
        name, offsets, values, times = fetched
        next_position = offsets[-1] + 1
        tombstones = sum(value is None for value in values)
        if tombstones:
            kept = [row for row in zip(offsets, values, times, strict=True) if row[1] is not None]
            offsets, values, times = zip(*kept, strict=True) if kept else ((), (), ())
        items = tuple(value for value in values if value is not None)
        first, count = (offsets[0], len(offsets)) if offsets else (0, 0)
        whole = bool(offsets) and offsets[-1] - first + 1 == count
        facts = {TOMBSTONES: tombstones, LOST: self._lost.pop(name, 0)}
        batch = RecordBatch(
            partition=name,
            offsets=range(first, first + count) if whole else tuple(offsets),
            next_position=next_position,
            payload=Values(items),
            logsource=self._options.logsource,
            broker_times=tuple(time * 1000 for time in times) if min(times, default=-1) >= 0 else None,
            format=self._options.format,
            facts=tuple((fact, n) for fact, n in facts.items() if n),
            generation=self._places.generation(name),
        )
        self._handover.put(batch, sum(map(len, items)))

    def _recover(self, consumer: Consumer) -> None:
        """Go on where the broker still has records, and count what it deleted before we came."""
        astray = [name for name in self._astray if name in self._places.placed]
        beginnings = consumer.earliest(astray)
        for name in astray:
            if self._places.expected(name) > beginnings[name]:
                raise self._truncated(name)
            lost = self._places.move(consumer, name, beginnings[name])
            self._lost[name] += lost
            log.warning("%s: the broker deleted %d records before they were read", name, lost)
        self._astray.clear()

    def _truncated(self, name: str) -> InputError:
        return InputError(
            f"{self._options.brokers}: the store has read {name} further than the topic goes; was it made"
            " anew? Then give it another name, or write into another namespace of the store"
        )

    def _commit(self, consumer: Consumer, *, wait: bool = False) -> None:
        """Pass on what the store holds, of partitions that are still ours."""
        with self._guard:
            pending, self._to_commit = self._to_commit, {}
        if pending and (ours := consumer.assigned()):
            consumer.commit({name: at for name, at in pending.items() if name in ours}, wait=wait)
