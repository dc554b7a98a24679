"""What topics hold in production and should not: counted, told, and never in the way of its neighbours."""

import json
import struct
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from kafka import KafkaProducer
from kafka.record.util import calc_crc32c

from monitor.brokers.access import Brokers
from monitor.errors import InputError
from monitor.sources.consumer import KafkaOptions
from monitor.sources.kafka import KafkaSource
from monitor.store.repository import open_store
from tests.real.test_kafka_run import Daemon, settings
from tests.support.kafka_server import Kafka

pytestmark = [pytest.mark.kafka, pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")]
CLIENTS = ["kafka-python", "librdkafka"]
CODECS = ("gzip", "snappy", "lz4", "zstd")
LEAK = json.dumps({"message": "sent to ada.wellenbrook@nordwind-shop.de"}).encode()
CALM = b'{"message": "all is well"}'
BAD = b'{"mail": "ada.wellenbrook@nordwind-shop.de'


def counted(folder: Path) -> dict[str, Counter[str]]:
    """Events, facts and rejects by topic."""
    store = open_store(folder / "store.db", "default")
    found: dict[str, Counter[str]] = {}
    try:
        for (partition, kind, name), n in store.counts().items():
            topic = partition.rpartition("-")[0]
            found.setdefault(topic, Counter())["rejects" if kind == "reject" else name] += n
    finally:
        store.close()
    return found


def violations(folder: Path) -> int:
    store = open_store(folder / "store.db", "default")
    try:
        return sum(one.count for one in store.violations())
    finally:
        store.close()


def with_headers(kafka: Kafka, topic: str) -> None:
    """Records with headers, one of them without a value, and with and without a key."""
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    try:
        for number in range(20):
            headers = [("trace", b"x" * number), ("ünï", b"")] if number % 2 else [("long", b"y" * 5000)]
            key = None if number % 3 else b"k" * (number * 40)
            producer.send(topic, LEAK if number % 10 == 0 else CALM, key=key, headers=headers).get(30)
    finally:
        producer.close()


@pytest.mark.parametrize("client", CLIENTS)
def test_every_kind_of_topic_in_one_run(kafka, tmp_path, client):
    stem = kafka.topic().removeprefix("privwatch-test-")

    def topic(what: str, **config: str) -> str:
        return kafka.topic(name=f"poison-{stem}-{what}", **config)

    one_in_a_hundred, nothing_else = topic("some"), topic("all")
    kafka.produce(one_in_a_hundred, [*([CALM] * 98 + [LEAK, BAD]) * 20])
    kafka.produce(nothing_else, [BAD, b"", b"\xff\xfe", b"[1,"] * 250)
    packed = {codec: topic(codec, **{"compression.type": codec}) for codec in CODECS}
    for name in packed.values():
        kafka.produce(name, [CALM, LEAK, BAD] * 100)
    odd, large = topic("odd"), topic("large", **{"max.message.bytes": "15000000"})
    with_headers(kafka, odd)
    kafka.produce(odd, [None, LEAK, None])
    kafka.produce_aborted(odd, [LEAK] * 50)
    kafka.produce(odd, [LEAK])
    kafka.produce(large, [CALM, json.dumps({**json.loads(LEAK), "pad": "x" * 10_000_000}).encode(), LEAK])

    config = settings(tmp_path, kafka, stem, client=client)
    told = yaml.safe_load(config.read_text())
    del told["sources"]["kafka"]["topics"]
    told["sources"]["kafka"]["pattern"] = f"poison-{stem}-.*"
    config.write_text(yaml.safe_dump(told))
    records = 2000 + 1000 + 4 * 300 + 22 + 3
    daemon = Daemon(config)
    daemon.wait_for(records)
    daemon.catch_up(8)
    assert daemon.stop() == 0

    found = counted(tmp_path)
    assert found[one_in_a_hundred] == Counter(events=1980, rejects=20, untimed=0) + Counter()
    assert found[nothing_else] == Counter(rejects=1000)
    for name in packed.values():
        assert found[name] == Counter(events=200, rejects=100)
    assert found[odd] == Counter(events=22, tombstones=2)
    assert found[large] == Counter(events=3)
    assert violations(tmp_path) == 20 + 4 * 100 + 2 + 2 + 2
    assert b"wellenbrook" not in (tmp_path / "store.db").read_bytes()


ATTRIBUTES = 21
"""Where a batch has its attributes; the checksum is of what follows, and stands before."""


def changed(segment: Path, codec: int | None) -> None:
    """The last batch of a segment says another codec, or, with None, is no longer what its checksum says."""
    data = bytearray(segment.read_bytes())
    starts, at = [], 0
    while at < len(data) and (length := struct.unpack_from(">i", data, at + 8)[0]) > 0:
        starts.append(at)
        at += 12 + length
    last, end = starts[-1], at
    if codec is None:
        data[end - 5] ^= 0xFF
    else:
        data[last + ATTRIBUTES + 1] = data[last + ATTRIBUTES + 1] & ~7 | codec
        struct.pack_into(">I", data, last + 17, calc_crc32c(bytes(data[last + ATTRIBUTES : end])))
    segment.write_bytes(data)


def test_what_a_disk_or_a_newer_producer_did_ends_the_run_and_says_so(kafka_server):
    """A batch in a codec that nobody knows, and one that is damaged: no broker takes these in, a disk may."""
    kafka = Kafka(kafka_server.bootstrap)
    codec, damaged = kafka.topic(), kafka.topic()
    for topic in (codec, damaged):
        kafka.produce(topic, [b"before"])
        kafka.produce(topic, [b"x" * 100])
    kafka_server.stop()
    changed(kafka_server.segment(codec), 6)
    changed(kafka_server.segment(damaged), None)
    kafka_server.start()
    for client in CLIENTS:
        for topic, said in ((codec, "compress|read"), (damaged, "corrupt|crc|read")):
            wanted = KafkaOptions(
                Brokers((kafka.bootstrap,)), (topic,), client=client, group=f"{topic}-{client}"
            )
            with closing(KafkaSource(wanted)) as source:
                source.start({})
                batch = source.poll(30)
                assert batch is not None, (client, topic)
                assert batch.payload.items == (b"before",)
                with pytest.raises(InputError, match=f"(?i){said}"):
                    # Passed over, or waited for, it would be None.
                    source.poll(30)
