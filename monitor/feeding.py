"""Sources put together from settings: a part of the composition root."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from monitor.broker_settings import brokers_of
from monitor.clock import Clock
from monitor.decode import decoder
from monitor.engine.plan import Plan
from monitor.kafka_settings import KafkaSettings
from monitor.lazily import Lazily
from monitor.model import Claim
from monitor.pipeline.runner import Bounds
from monitor.pipeline.ways import Decode, Decoding, Way, WayOf, way_digest
from monitor.printable import path_text
from monitor.settings import LimitsSettings, Settings
from monitor.sources.chunks import Limits
from monitor.sources.consumer import KafkaOptions
from monitor.sources.follow import FollowOptions, FollowSource
from monitor.sources.pipe import NAME as STDIN
from monitor.sources.pipe import PipeOptions, PipeSource
from monitor.sources.several import Member, Several

if TYPE_CHECKING:
    from monitor.sources import kafka as topics
else:  # following files needs no client
    topics = Lazily("monitor.sources.kafka")

KAFKA = "kafka"
"""Names the source of topics; the others are named after their section too."""

FOLLOW_BYTES = 8 << 20
"""Bytes of a followed file that make a batch at most."""

Claiming = Callable[[Collection[str]], Mapping[str, Claim]]
"""Takes partitions, see `monitor.ports.Store`."""

Watching = Callable[[Plan, Decode], Decode]
"""Has an eye on what is decoded."""


def source(settings: Settings, claim: Claiming, clock: Clock) -> Several:
    """What the settings have the daemon read."""
    return Several(list(_members(settings, claim, clock)), clock)


def _members(settings: Settings, claim: Claiming, clock: Clock) -> Iterator[Member]:
    sources, limits = settings.sources, settings.limits
    if sources.kafka is not None:
        kafka = topics.KafkaSource(_kafka_options(sources.kafka, limits, clock), claim=claim, clock=clock)
        yield Member(KAFKA, kafka, "records", "partition assigned", needed=True)
    for name, files in sources.files.items():
        options = FollowOptions(
            group=name,
            patterns=tuple(path.absolute() for path in files.paths),
            start=files.start,
            format=files.format,
            logsource=files.logsource.logsource(),
            every_seconds=files.every_seconds,
            unfinished_seconds=files.unfinished_seconds,
            lines=limits.batch_records,
            ahead_bytes=limits.ahead_bytes,
            limits=Limits(chunk=min(FOLLOW_BYTES, limits.ahead_bytes // 8)),
        )
        source = FollowSource(options, clock, claim=claim)
        yield Member(_files(name), source, "bytes", f"file of {name}", label=name)
    if sources.stdin is not None:
        piped = PipeOptions(
            sources.stdin.format, sources.stdin.logsource.logsource(), lines=limits.batch_records
        )
        yield Member(STDIN, PipeSource(piped), "bytes", "pipe", label=STDIN)


def decodings(settings: Settings) -> dict[str, Decoding]:
    """How the records of each source are read, by the name of the source."""
    sources = settings.sources
    files = {_files(name): one for name, one in sources.files.items()}
    read = {KAFKA: sources.kafka, **files, STDIN: sources.stdin}
    return {
        name: Decoding(one.format, one.logsource.logsource(), one.aliases, one.time_fields)
        for name, one in read.items()
        if one is not None
    }


def _files(group: str) -> str:
    return f"files.{group}"


def ways(
    plans: Mapping[str, Plan],
    read: Mapping[str, Decoding],
    member_of: Callable[[str], str],
    watched: Watching,
) -> WayOf:
    """The way of each partition: that of the source it comes from.

    Args:
        plans: of each source, by its name.
        read: how the records of each source are read.
        member_of: the source of a partition.
        watched: looks at what each of them decodes.
    """
    found = {
        name: Way(
            plan,
            way_digest(plan, read[name], Bounds()),
            watched(plan, decoder(read[name].format, plan.projection).decode),
        )
        for name, plan in plans.items()
    }
    return lambda partition: found[member_of(partition)]


def check(settings: Settings, clock: Clock) -> None:
    """See that files and secrets of the sources can be used.

    Raises:
        SettingsError: some cannot.
    """
    if settings.sources.kafka is not None:
        brokers_of("sources.kafka", settings.sources.kafka, clock)


def told(settings: Settings) -> str:
    """What is read, for people."""
    sources = settings.sources
    parts = []
    if sources.kafka is not None:
        parts.append(f"{sources.kafka.told} from {', '.join(sources.kafka.bootstrap)}")
    parts += [", ".join(map(path_text, files.paths)) for files in sources.files.values()]
    if sources.stdin is not None:
        parts.append("standard input")
    return "; ".join(parts)


def _kafka_options(kafka: KafkaSettings, limits: LimitsSettings, clock: Clock) -> KafkaOptions:
    return KafkaOptions(
        brokers=brokers_of("sources.kafka", kafka, clock),
        topics=kafka.topics,
        pattern=kafka.pattern,
        client=kafka.client,
        group=kafka.group,
        start=kafka.start_at,
        logsource=kafka.logsource.logsource(),
        format=kafka.format,
        connect_seconds=kafka.connect_seconds,
        session_seconds=kafka.session_seconds,
        batch_records=limits.batch_records,
        ahead_bytes=limits.ahead_bytes,
    )
