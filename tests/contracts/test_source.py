"""What every source owes the runner: each record once, in order, and on from where the store says."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from monitor.brokers.access import Brokers
from monitor.clock import SystemClock
from monitor.frames import Lines, RecordBatch, Values
from monitor.model import Checkpoint, Claim
from monitor.ports import Source
from monitor.sources.archive import ArchiveSource
from monitor.sources.chunks import Limits
from monitor.sources.consumer import KafkaOptions
from monitor.sources.follow import FollowOptions, FollowSource
from monitor.sources.pipe import PipeOptions, PipeSource
from monitor.sources.several import Member, Several
from monitor.sources.topicfile import TopicArchive
from tests.support.memory import MemorySource

RECORDS = [b'{"n": %d}' % number for number in range(500)]
CLOCK = SystemClock()
Make = Callable[[], Source]


def in_memory(request: pytest.FixtureRequest) -> Make:
    batches = [
        RecordBatch(
            "logs-0", range(first, first + 50), first + 50, Values(tuple(RECORDS[first : first + 50]))
        )
        for first in range(0, 500, 50)
    ]
    return lambda: MemorySource(batches)


def from_a_file(request: pytest.FixtureRequest) -> Make:
    file: Path = request.getfixturevalue("tmp_path") / "app.ndjson"
    file.write_bytes(b"\n".join(RECORDS) + b"\n")
    return lambda: ArchiveSource([file], limits=Limits(chunk=700))


def from_an_archived_topic(request: pytest.FixtureRequest) -> Make:
    folder: Path = request.getfixturevalue("tmp_path")
    for number, first in enumerate(range(0, 500, 90)):
        some = RECORDS[first : first + 90]
        table = {"topic": ["logs"] * len(some), "partition": [0] * len(some), "value": some}
        offsets = list(range(first, first + len(some)))
        pl.DataFrame({**table, "offset": offsets}).write_parquet(folder / f"{number}.parquet")
    return lambda: TopicArchive([folder])


def from_a_followed_file(request: pytest.FixtureRequest) -> Make:
    file: Path = request.getfixturevalue("tmp_path") / "app.ndjson"
    file.write_bytes(b"\n".join(RECORDS) + b"\n")
    options = FollowOptions("logs", (file,), lines=70)
    return lambda: FollowSource(options, CLOCK, claim=lambda names: dict.fromkeys(names, Claim(0)))


def from_several(request: pytest.FixtureRequest) -> Make:
    follow = from_a_followed_file(request)
    idle = FollowOptions("idle", (request.getfixturevalue("tmp_path") / "absent.log",))

    def make() -> Several:
        nothing = FollowSource(idle, CLOCK, claim=lambda names: dict.fromkeys(names, Claim(0)))
        members = [Member(name, one, "bytes", "files") for name, one in (("a", nothing), ("b", follow()))]
        return Several(members, CLOCK)

    return make


def from_a_pipe(request: pytest.FixtureRequest) -> Make:
    def make() -> PipeSource:
        read, write = os.pipe()
        request.addfinalizer(lambda: os.close(read))
        os.write(write, b"\n".join(RECORDS) + b"\n")
        os.close(write)
        return PipeSource(PipeOptions(lines=70), read)

    return make


def from_kafka(request: pytest.FixtureRequest, client: str) -> Make:
    from monitor.sources.kafka import KafkaSource  # noqa: PLC0415 - slow to import

    kafka = request.getfixturevalue("kafka")
    topic = kafka.topic()
    kafka.produce(topic, RECORDS)
    brokers = Brokers((kafka.bootstrap,))
    return lambda: KafkaSource(KafkaOptions(brokers, (topic,), group=topic, batch_records=70, client=client))


def from_kafka_python(request: pytest.FixtureRequest) -> Make:
    return from_kafka(request, "kafka-python")


def from_librdkafka(request: pytest.FixtureRequest) -> Make:
    return from_kafka(request, "librdkafka")


@pytest.fixture(
    params=[
        in_memory,
        from_a_file,
        from_an_archived_topic,
        from_a_followed_file,
        from_several,
        from_a_pipe,
        pytest.param(from_kafka_python, marks=pytest.mark.kafka),
        pytest.param(from_librdkafka, marks=pytest.mark.kafka),
    ]
)
def make(request: pytest.FixtureRequest) -> Make:
    return request.param(request)


def polled(source: Source) -> Iterator[RecordBatch]:
    """Batches until a source says it is exhausted, or a stream has given all that was produced."""
    deadline = CLOCK.monotonic() + 60
    while not source.exhausted and CLOCK.monotonic() < deadline:
        batch = source.poll(0.2)
        if batch is not None:
            yield batch
            if batch.next_position == len(RECORDS) and not isinstance(
                source, ArchiveSource | MemorySource | TopicArchive
            ):
                return


def values(batches: list[RecordBatch]) -> list[bytes]:
    found: list[bytes] = []
    for batch in batches:
        match batch.payload:
            case Lines(data):
                found += data.splitlines()
            case Values(items):
                found += items
    return found


def test_every_record_comes_once_in_order(make):
    with closing(make()) as source:
        source.start({})
        batches = list(polled(source))
    assert len(batches) > 1
    assert values(batches) == RECORDS
    assert len({batch.partition for batch in batches}) == 1
    assert [offset for batch in batches for offset in batch.offsets] == list(range(500))
    assert batches[-1].next_position == 500


def test_positions_name_the_next_record(make):
    with closing(make()) as source:
        source.start({})
        for batch in polled(source):
            assert not batch.offsets or batch.next_position == batch.offsets[-1] + 1
            assert source.checkpoint(batch, "plan").next_position == batch.next_position
            assert source.checkpoint(batch, "plan").plan == "plan"


def test_reading_goes_on_where_the_store_says(make, request):
    if request.node.callspec.params["make"] is from_a_pipe:
        pytest.skip("a pipe cannot be read twice")
    with closing(make()) as source:
        source.start({})
        before = []
        for batch in polled(source):
            before.append(batch)
            if len([one for one in before if one.offsets]) == 2:
                break
        held = {batch.partition: source.checkpoint(batch, "plan")}
        # What the source was told counts for nothing against the store.
        source.commit({batch.partition: 3})
    with closing(make()) as again:
        again.start(held)
        after = list(polled(again))
    assert values(before) + values(after) == RECORDS


def test_positions_of_strangers_are_no_matter(make):
    with closing(make()) as source:
        source.start({"somebody-elses-7": Checkpoint(99, "p")})
        assert values(list(polled(source))) == RECORDS


def test_nothing_new_is_none(make):
    with closing(make()) as source:
        source.start({})
        list(polled(source))
        assert source.poll(0.1) is None
