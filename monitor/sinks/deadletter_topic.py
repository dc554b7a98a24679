"""Dead letters as records of a topic of Apache Kafka."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from monitor.brokers.access import Brokers
from monitor.brokers.kafka_python import connected
from monitor.brokers.refusal import refusals
from monitor.errors import DeadLetterError, SettingsError
from monitor.model import Reject
from monitor.sinks.deadletter import line_of

_PRODUCER: Final = {
    "acks": "all",
    "allow_auto_create_topics": False,
    "client_id": "privwatch-dead-letters",
    "linger_ms": 5,
    # How long one attempt may hold up a clean stop; the next one follows.
    "max_block_ms": 4000,
    "request_timeout_ms": 4000,
    "delivery_timeout_ms": 5000,
    "bootstrap_timeout_ms": 4000,
    # A broker that comes back is found within this.
    "reconnect_backoff_max_ms": 2000,
    "metrics_enabled": False,
}
_FLUSH_SECONDS = 6.0
_ASK_SECONDS = 4.0


class DeadLetterTopic:
    """`monitor.ports.DeadLetters` in a topic; the key is the partition the record was read from.

    Args:
        brokers: where it is, and how to be let in.
        topic: must exist.
    """

    name = "topic"

    def __init__(self, brokers: Brokers, topic: str, namespace: str) -> None:
        self._brokers = brokers
        self._topic = topic
        self._namespace = namespace
        self._producer: KafkaProducer | None = None
        self._letters: deque[tuple[bytes, bytes]] = deque()

    def check(self) -> None:
        """See that the topic is there.

        Raises:
            SettingsError: no broker answers, or there is no such topic.
        """
        why = refusals(self._brokers, _ASK_SECONDS)
        if why is not None and why.certain:
            raise SettingsError(f"dead_letters.topic: {self._topic} cannot be written: {why.words()}")
        try:
            there = self._connected().partitions_for(self._topic)
        except (KafkaError, OSError, ValueError) as error:
            self.close()
            raise SettingsError(
                f"dead_letters.topic: {self._topic} at {self._brokers} cannot be written "
                f"({type(error).__name__}); create the topic, or allow this client to write it"
                if why is None
                else f"dead_letters.topic: {self._topic} cannot be written: {why.words()}"
            ) from error
        if not there:
            self.close()
            raise SettingsError(f"dead_letters.topic: there is no topic {self._topic}; create it")

    def put(self, rejects: Iterable[Reject]) -> int:
        """Keep them for the next flush; returns how many bytes wait."""
        self._letters.extend(
            (reject.partition.encode(), line_of(reject, self._namespace)) for reject in rejects
        )
        return sum(len(value) for _, value in self._letters)

    def flush(self) -> int:
        """Send what waits until the broker has it; returns how many letters that were.

        Raises:
            DeadLetterError: it does not have all of it; what it may not have still waits.
        """
        letters = list(self._letters)
        if not letters:
            return 0
        try:
            producer = self._connected()
            pending = [producer.send(self._topic, value=value, key=key) for key, value in letters]
            producer.flush(timeout=_FLUSH_SECONDS)
            for one in pending:
                one.get(timeout=0)
        except (KafkaError, OSError, ValueError) as error:
            raise DeadLetterError(
                f"dead letters: the topic {self._topic} at {self._brokers} cannot be written "
                f"({type(error).__name__}): nothing is read on until then"
            ) from error
        self._letters.clear()
        return len(letters)

    def close(self) -> None:
        """Let go of the connection."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=0)

    def _connected(self) -> KafkaProducer:
        """The producer, which finds a broker again by itself once it has met one."""
        if self._producer is not None:
            return self._producer
        self._producer = connected(KafkaProducer, self._brokers, **_PRODUCER)
        return self._producer
