"""Sources put together from settings: a part of the composition root."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from monitor.model import Claim
from monitor.settings import Settings
from monitor.sources.kafka import KafkaOptions, KafkaSource

Claiming = Callable[[Collection[str]], Mapping[str, Claim]]
"""Takes partitions, see `monitor.ports.Store`."""


def source(settings: Settings, claim: Claiming) -> KafkaSource:
    """What the settings have the daemon read."""
    return KafkaSource(_kafka_options(settings), claim=claim)


def _kafka_options(settings: Settings) -> KafkaOptions:
    kafka = settings.sources.kafka
    return KafkaOptions(
        bootstrap=kafka.bootstrap,
        topics=kafka.topics,
        group=kafka.group,
        start=kafka.start,
        logsource=kafka.logsource.logsource(),
        format=kafka.format,
        connect_seconds=kafka.connect_seconds,
        session_seconds=kafka.session_seconds,
        batch_records=settings.limits.batch_records,
        ahead_bytes=settings.limits.ahead_bytes,
    )
