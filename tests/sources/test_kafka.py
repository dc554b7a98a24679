"""The Kafka source against a real Apache Kafka."""

import gc
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import active_count

import pytest

from monitor.brokers.access import Brokers
from monitor.clock import SystemClock
from monitor.errors import InputError, StoreAwayError
from monitor.frames import RecordBatch, Values
from monitor.model import Checkpoint, Claim, Logsource
from monitor.sources.consumer import KafkaOptions
from monitor.sources.kafka import KafkaSource

pytestmark = [pytest.mark.kafka, pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")]
CLOCK = SystemClock()
SECONDS = 60.0


@pytest.fixture(autouse=True)
def _sockets_of_failed_connections(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The client leaves sockets that never connected to the garbage collector, which warns of them.

    Its log is off, since records of refused connections would keep those sockets beyond the test.
    """
    caplog.set_level(logging.CRITICAL + 1, "kafka")
    yield
    gc.collect()


@pytest.fixture(autouse=True, params=["kafka-python", "librdkafka"])
def client(request: pytest.FixtureRequest) -> str:
    """Every test runs over both clients."""
    CLIENT[0] = request.param
    return CLIENT[0]


CLIENT = [""]


def options(kafka, *topics: str, **more) -> KafkaOptions:
    plain = {
        "brokers": Brokers((kafka.bootstrap,)),
        "topics": topics,
        "group": f"g-{topics[0]}",
        "client": CLIENT[0],
    }
    return KafkaOptions(**(plain | more))


@contextmanager
def started(wanted: KafkaOptions, positions: dict[str, int] | None = None, **more) -> Iterator[KafkaSource]:
    with closing(KafkaSource(wanted, **more)) as source:
        source.start({name: Checkpoint(position, "p") for name, position in (positions or {}).items()})
        yield source


def until(condition: Callable[[], bool], why: str = "it did not happen in time") -> None:
    deadline = CLOCK.monotonic() + SECONDS
    while not condition():
        assert CLOCK.monotonic() < deadline, why
        CLOCK.sleep(0.05)


def batches(source: KafkaSource, records: int) -> list[RecordBatch]:
    """Batches until so many records came; offsets must follow each other without gap or repetition."""
    found: list[RecordBatch] = []
    deadline = CLOCK.monotonic() + SECONDS
    while sum(len(batch.offsets) for batch in found) < records:
        assert CLOCK.monotonic() < deadline, f"only {found} came"
        batch = source.poll(0.2)
        if batch is not None:
            found.append(batch)
    return found


def values(found: list[RecordBatch]) -> list[bytes]:
    assert all(isinstance(batch.payload, Values) for batch in found)
    return [value for batch in found for value in batch.payload.items]


def test_records_come_with_their_positions(kafka):
    topic = kafka.topic(2)
    before = CLOCK.now()
    kafka.produce(topic, [b"a", b"b\nc"], 0)
    kafka.produce(topic, [b"d"], 1)
    logsource = Logsource(category="application")
    with started(options(kafka, topic, logsource=logsource, format="json")) as source:
        found = {batch.partition: batch for batch in batches(source, 3)}
        assert not source.exhausted
    assert found.keys() == {f"{topic}-0", f"{topic}-1"}
    batch = found[f"{topic}-0"]
    assert batch.payload == Values((b"a", b"b\nc"))
    assert (batch.offsets, batch.next_position) == (range(2), 2)
    assert (batch.logsource, batch.format, batch.facts) == (logsource, "json", ())
    # Kafka counts milliseconds, the clock microseconds.
    assert all(before - 1000 <= time <= CLOCK.now() for time in batch.broker_times)
    assert source.checkpoint(batch, "plan") == Checkpoint(2, "plan")


def test_the_position_in_the_store_wins_over_the_committed_one(kafka):
    topic = kafka.topic()
    kafka.produce(topic, [b"%d" % number for number in range(10)])
    with started(options(kafka, topic)) as source:
        batches(source, 10)
        source.commit({f"{topic}-0": 10})
    with started(options(kafka, topic, start="stored"), {f"{topic}-0": 4}) as source:
        assert values(batches(source, 6)) == [b"4", b"5", b"6", b"7", b"8", b"9"]


def test_without_a_position_in_the_store(kafka):
    topic = kafka.topic()
    kafka.produce(topic, [b"0", b"1", b"2"])
    with started(options(kafka, topic)) as source:
        batches(source, 3)
        source.commit({f"{topic}-0": 2})
    with started(options(kafka, topic, start="stored")) as source:
        assert values(batches(source, 1)) == [b"2"]
    with started(options(kafka, topic, start="earliest")) as source:
        assert values(batches(source, 3)) == [b"0", b"1", b"2"]
    with started(options(kafka, topic, start="latest")) as source:
        until(lambda: f"{topic}-0" in source._places.placed)
        kafka.produce(topic, [b"3"])
        assert values(batches(source, 1)) == [b"3"]


def test_stored_without_anything_committed_starts_at_the_beginning(kafka):
    topic = kafka.topic()
    kafka.produce(topic, [b"0"])
    with started(options(kafka, topic, start="stored")) as source:
        assert values(batches(source, 1)) == [b"0"]


def test_a_time_to_start_at(kafka):
    topic = kafka.topic(2)
    kafka.produce(topic, [b"before"])
    CLOCK.sleep(0.05)
    moment = CLOCK.now() // 1000
    kafka.produce(topic, [b"after", b"later"])
    with started(options(kafka, topic, start=moment)) as source:
        assert values(batches(source, 2)) == [b"after", b"later"]
        until(lambda: source.lag() == {f"{topic}-0": 2, f"{topic}-1": 0}, "the other partition holds nothing")


def test_topics_by_pattern_also_those_that_come_later(kafka):
    first = kafka.topic()
    stem = first.removesuffix(first[-4:])
    kafka.produce(first, [b"first"])
    wanted = options(kafka, first, topics=(), pattern=f"{stem}.*", pattern_seconds=0.5)
    with started(wanted) as source:
        assert values(batches(source, 1)) == [b"first"]
        later, other = kafka.topic(name=f"{stem}-later"), kafka.topic(name=f"not-{stem}")
        kafka.produce(other, [b"never"])
        kafka.produce(later, [b"second"])
        kafka.produce(first, [b"third"])
        assert sorted(values(batches(source, 2))) == [b"second", b"third"]
        assert source.poll(0.5) is None


def test_a_pattern_that_fits_nothing_yet(kafka):
    name = f"{kafka.topic()}-late"
    with started(options(kafka, name, topics=(), pattern=name, pattern_seconds=0.5)) as source:
        assert source.poll(0.5) is None
        kafka.produce(kafka.topic(name=name), [b"x"])
        assert values(batches(source, 1)) == [b"x"]


def test_tombstones_are_left_out_and_counted(kafka):
    topic = kafka.topic()
    kafka.produce(topic, [None, b"a", None, b"b"])
    with started(options(kafka, topic)) as source:
        found = batches(source, 2)
    assert values(found) == [b"a", b"b"]
    assert [offset for batch in found for offset in batch.offsets] == [1, 3]
    assert found[-1].next_position == 4
    assert sum(n for batch in found for fact, n in batch.facts if fact == "tombstones") == 2


def test_a_client_of_another_version_is_read_its_own_way(kafka, monkeypatch):
    monkeypatch.setattr("monitor.sources.kafka_python.quicken", lambda consumer: False)
    topic = kafka.topic()
    kafka.produce(topic, [b"a", None, b"b"])
    with started(options(kafka, topic, client="kafka-python")) as source:
        found = batches(source, 2)
    assert values(found) == [b"a", b"b"]
    assert all(batch.broker_times for batch in found)


def test_a_large_record_comes_through(kafka):
    topic = kafka.topic(**{"max.message.bytes": "15000000"})
    large = b"x" * 10_000_000
    kafka.produce(topic, [b"before", large, b"after"])
    with started(options(kafka, topic)) as source:
        assert values(batches(source, 3)) == [b"before", large, b"after"]


def test_reading_stays_within_its_bound_and_loses_nothing(kafka):
    topic = kafka.topic(2)
    sent = [b"%06d" % number + b"." * 994 for number in range(6000)]
    kafka.produce(topic, sent[:3000], 0)
    kafka.produce(topic, sent[3000:], 1)
    bound = 200_000
    with started(options(kafka, topic, ahead_bytes=bound, batch_records=100)) as source:
        until(lambda: source._handover.full)
        CLOCK.sleep(1.0)
        # A poll that was under way may bring one batch more.
        assert source._handover._bytes <= bound + 200 * 1000
        found = batches(source, 6000)
    by_partition: dict[str, list[bytes]] = {}
    for batch in found:
        by_partition.setdefault(batch.partition, []).extend(batch.payload.items)
    assert by_partition == {f"{topic}-0": sent[:3000], f"{topic}-1": sent[3000:]}


def test_lag_is_what_is_not_stored(kafka):
    topic = kafka.topic()
    kafka.produce(topic, [b"x"] * 10)
    with started(options(kafka, topic, batch_records=4), {f"{topic}-0": 2}) as source:
        until(lambda: source.lag() == {f"{topic}-0": 8})
        batches(source, 8)
        assert source.lag() == {f"{topic}-0": 8}, "read, but nobody stored it"
        source.commit({f"{topic}-0": 6})
        assert source.lag() == {f"{topic}-0": 4}
        source.commit({f"{topic}-0": 10})
        assert source.lag() == {f"{topic}-0": 0}


def test_two_members_share_the_partitions_and_the_store_decides_where(kafka):
    topic = kafka.topic(2)
    kafka.produce(topic, [b"p0-0", b"p0-1"], 0)
    kafka.produce(topic, [b"p1-0", b"p1-1"], 1)
    store: dict[str, Checkpoint] = {}
    wanted = options(kafka, topic)

    def claim(names) -> dict[str, Claim]:
        return {name: Claim(0, store.get(name)) for name in names}

    def take(source: KafkaSource, records: int) -> list[bytes]:
        found = batches(source, records)
        store.update({batch.partition: source.checkpoint(batch, "p") for batch in found})
        source.commit({batch.partition: batch.next_position for batch in found})
        return values(found)

    with started(wanted, claim=claim) as one:
        assert sorted(take(one, 4)) == [b"p0-0", b"p0-1", b"p1-0", b"p1-1"]
        with started(wanted, claim=claim) as two:
            until(lambda: len(one._places.placed) == 1 and len(two._places.placed) == 1)
            kafka.produce(topic, [b"p0-2"], 0)
            kafka.produce(topic, [b"p1-2"], 1)
            assert sorted(take(one, 1) + take(two, 1)) == [b"p0-2", b"p1-2"]
        # The other left: its partition comes back, at the position it left in the store.
        until(lambda: len(one._places.placed) == 2)
        kafka.produce(topic, [b"p0-3"], 0)
        kafka.produce(topic, [b"p1-3"], 1)
        assert sorted(take(one, 2)) == [b"p0-3", b"p1-3"]
        assert one.poll(0.5) is None


def test_members_that_come_and_go_under_load_lose_nothing(kafka):
    topic, partitions, each = kafka.topic(4), 4, 3000
    names = {f"{topic}-{number}" for number in range(partitions)}
    stored, owner = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    seen: dict[str, list[int]] = {name: [] for name in names}
    wanted = options(kafka, topic, batch_records=50, session_seconds=6)

    def claim_of(me: list[int]):
        def claim(mine) -> dict[str, Claim]:
            me[0] += 1  # every claim of anybody is a generation of its own
            owner.update(dict.fromkeys(mine, me[0]))
            return {name: Claim(me[0], Checkpoint(stored[name], "p")) for name in mine}

        return claim

    def turn(source: KafkaSource) -> None:
        """What the runner and the store do, one batch at a time."""
        batch = source.poll(0.01)
        if batch is None:
            return
        if batch.generation != owner[batch.partition]:
            source.rewind({name: Checkpoint(at, "p") for name, at in stored.items()})
            return
        seen[batch.partition] += batch.offsets
        stored[batch.partition] = batch.next_position
        source.commit({batch.partition: batch.next_position})

    generation = [0]
    sent = 0
    with started(wanted, claim=claim_of(generation)) as one:
        for _ in range(3):
            with started(wanted, claim=claim_of(generation)) as two:
                for number in range(partitions):
                    kafka.produce(topic, [b"x" * 200] * (each // 3), number)
                sent += each // 3
                leave = CLOCK.monotonic() + 2.5
                while CLOCK.monotonic() < leave:
                    turn(one)
                    turn(two)
        deadline = CLOCK.monotonic() + SECONDS
        while stored != dict.fromkeys(names, sent):
            assert CLOCK.monotonic() < deadline, stored
            turn(one)
    assert seen == {name: list(range(sent)) for name in names}


def test_rewound_it_reads_again_what_the_store_does_not_hold(kafka):
    topic = kafka.topic(2)
    kafka.produce(topic, [b"%d" % number for number in range(50)], 0)
    kafka.produce(topic, [b"x"], 1)
    held = {f"{topic}-0": Checkpoint(20, "p")}
    claims: list[set[str]] = []

    def claim(names) -> dict[str, Claim]:
        claims.append(set(names))
        return {name: Claim(len(claims), held.get(name)) for name in names}

    with started(options(kafka, topic, batch_records=10), claim=claim) as source:
        first = batches(source, 31)
        (before,) = {batch.generation for batch in first}
        source.rewind(held)
        again = batches(source, 31)
    assert sorted(values(again)) == sorted([b"x", *(b"%d" % number for number in range(20, 50))])
    (after,) = {batch.generation for batch in again}
    assert after > before  # the group may have rebalanced besides
    assert len(claims) > 1
    assert all(names == {f"{topic}-0", f"{topic}-1"} for names in claims)


def test_a_store_that_is_away_during_a_rebalance_is_waited_for(kafka):
    topic = kafka.topic(1)
    kafka.produce(topic, [b"a"])
    tries = []

    def claim(names) -> dict[str, Claim]:
        tries.append(names)
        if len(tries) < 3:
            raise StoreAwayError("store db: no server answers")
        return {name: Claim(1) for name in names}

    with started(options(kafka, topic), claim=claim) as source:
        assert values(batches(source, 1)) == [b"a"]
    assert len(tries) == 3


def test_records_the_broker_deleted_are_counted(kafka):
    topic = kafka.topic()
    kafka.produce(topic, [b"%d" % number for number in range(10)])
    kafka.delete_before(topic, 7)
    with started(options(kafka, topic), {f"{topic}-0": 2}) as source:
        found = batches(source, 3)
    assert values(found) == [b"7", b"8", b"9"]
    assert found[0].facts == (("lost", 5),)


def test_a_topic_made_anew_is_an_error(kafka):
    topic = kafka.topic()
    kafka.produce(topic, [b"x"])
    with (
        started(options(kafka, topic), {f"{topic}-0": 99}) as source,
        pytest.raises(InputError, match=f"has read {topic}-0 further than the topic goes"),
    ):
        source.poll(SECONDS)


def test_records_of_an_aborted_transaction_were_never_said(kafka):
    topic = kafka.topic()
    kafka.produce_aborted(topic, [b"taken back"])
    kafka.produce(topic, [b"said"])
    with started(options(kafka, topic)) as source:
        (batch,) = batches(source, 1)
        assert values([batch]) == [b"said"]
        source.commit({batch.partition: batch.next_position})
        # What is left at the end are the marks of the transaction: nothing to wait for.
        until(lambda: source.lag() == {f"{topic}-0": 0})
        assert source.behind() == frozenset()


def test_behind_is_what_holds_records_or_may(kafka):
    topic = kafka.topic(2)
    kafka.produce(topic, [b"x"] * 4, 0)
    with started(options(kafka, topic, batch_records=2)) as source:
        until(lambda: source.lag() == {f"{topic}-0": 4, f"{topic}-1": 0})
        assert source.behind() == {f"{topic}-0"}
        batches(source, 4)
        assert source.behind() == frozenset()


def test_a_codec_that_is_not_installed(kafka, client, monkeypatch):
    if client == "librdkafka":
        pytest.skip("librdkafka brings every codec along")
    monkeypatch.setattr("kafka.codec.has_lz4", lambda: False)
    # The broker compresses anew what comes in plain.
    topic = kafka.topic(**{"compression.type": "lz4"})
    kafka.produce(topic, [b"x" * 1000])
    with (
        started(options(kafka, topic)) as source,
        pytest.raises(InputError, match=r"compressed in a way .*lz4.* install it with .*privwatch\[kafka\]"),
    ):
        source.poll(SECONDS)


def test_no_broker():
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    threads = active_count()
    absent = KafkaOptions(
        Brokers((f"127.0.0.1:{port}",)), topics=("logs",), connect_seconds=1, client=CLIENT[0]
    )
    with pytest.raises(
        InputError, match=rf"127.0.0.1:{port}: nobody listens there \(tried for 1 s\); check `bootstrap`"
    ):
        KafkaSource(absent).start({})
    until(lambda: active_count() <= threads)


def test_no_such_topic(kafka):
    topic = kafka.topic()
    with pytest.raises(InputError, match="no topic absent-topic; check `topics`"):
        KafkaSource(options(kafka, topic, "absent-topic")).start({})


def test_closing_takes_seconds_and_leaves_no_thread(kafka):
    topic = kafka.topic()
    threads = active_count()
    source = KafkaSource(options(kafka, topic))
    source.start({})
    source.poll(0.5)
    before = CLOCK.monotonic()
    source.close()
    assert CLOCK.monotonic() - before < 15
    until(lambda: active_count() <= threads)


def test_a_broker_that_goes_away_is_waited_for(kafka_server):
    from tests.support.kafka_server import Kafka  # noqa: PLC0415 - slow to import

    kafka = Kafka(kafka_server.bootstrap)
    topic = kafka.topic()
    kafka.produce(topic, [b"before"])
    with started(options(kafka, topic)) as source:
        assert values(batches(source, 1)) == [b"before"]
        kafka_server.stop()
        assert source.poll(2.0) is None
        kafka_server.start()
        kafka.produce(topic, [b"after"])
        assert values(batches(source, 1)) == [b"after"]
