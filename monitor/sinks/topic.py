"""Alerts to a topic of Apache Kafka: one record each, its key the fingerprint, its value JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Lock
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from monitor.brokers.access import Brokers
from monitor.brokers.kafka_python import connected
from monitor.brokers.refusal import refusals
from monitor.errors import SettingsError
from monitor.outbox import BROKER, TAKEN, Manner, Notice, Outcome
from monitor.sinks.documents import notice_document

log = logging.getLogger(__name__)

BATCH: Final = 100
"""Records handed to the producer at once."""
_CLOSE_SECONDS: Final = 2.0


class TopicTarget:
    """Implements `monitor.outbox.Target`. The broker is first asked when there is something to say.

    Args:
        manner: its name and patience; the batch is ours.
        brokers: where it is, and how to be let in.
        topic: where to; it must exist.
    """

    def __init__(self, manner: Manner, brokers: Brokers, topic: str) -> None:
        self.manner = replace(manner, batch=BATCH)
        self._brokers = brokers
        self._topic = topic
        self._producer: KafkaProducer | None = None
        self._explained = ""
        self._lock = Lock()

    def send(self, notices: Sequence[Notice], now: int) -> Sequence[Outcome]:  # noqa: ARG002 - the port's
        """Hand over all, then wait for the broker's word on each (`acks=all`)."""
        try:
            producer = self._connected()
        except (KafkaError, OSError, ValueError, SettingsError):
            self._explain()
            return [Outcome(BROKER)] * len(notices)
        return [_settled(sent, self.manner.patience) for sent in [self._sent(producer, n) for n in notices]]

    def _sent(self, producer: KafkaProducer, notice: Notice) -> Any:  # noqa: ANN401 - the client ships no types
        """What the producer promises; None where it does not even take the record in."""
        value = json.dumps(notice_document(notice), ensure_ascii=False).encode()
        fingerprint = dict(notice.labels)["fingerprint"].encode()
        with suppress(KafkaError, OSError, AssertionError):
            return producer.send(self._topic, value, fingerprint, headers=[("id", notice.id.encode())])
        return None

    def _connected(self) -> KafkaProducer:
        with self._lock:
            if self._producer is None:
                wait = round(self.manner.patience * 1000)
                self._producer = connected(
                    KafkaProducer,
                    self._brokers,
                    client_id="privwatch-alerts",
                    acks="all",
                    allow_auto_create_topics=False,
                    bootstrap_timeout_ms=wait,
                    max_block_ms=wait,
                    request_timeout_ms=wait,
                    delivery_timeout_ms=wait,
                )
            return self._producer

    def _explain(self) -> None:
        """Log why no broker lets us in, once for each cause."""
        with suppress(SettingsError):
            why = refusals(self._brokers, self.manner.patience)
            said = "" if why is None else why.words()
            if said and said != self._explained:
                log.warning("alerts for %s: %s", self.manner.name, said)
            self._explained = said

    def close(self) -> None:
        """Let go of the broker; what it has not confirmed is still in the outbox."""
        with self._lock:
            if self._producer is not None:
                self._producer.close(timeout=_CLOSE_SECONDS)
                self._producer = None


def _settled(sent: Any, seconds: float) -> Outcome:  # noqa: ANN401 - the client ships no types
    if sent is None:
        return Outcome(BROKER)
    try:
        sent.get(timeout=seconds)
    except (KafkaError, OSError):
        return Outcome(BROKER)
    return TAKEN
