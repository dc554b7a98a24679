"""Dead letters of a real daemon: a file, a topic, and what happens while they cannot be written."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from kafka import KafkaConsumer, TopicPartition

from monitor.brokers.access import Brokers
from monitor.clock import SystemClock
from monitor.errors import DeadLetterError, SettingsError
from monitor.model import Reject
from monitor.sinks.deadletter_topic import DeadLetterTopic
from monitor.store.repository import open_store
from tests.real.test_kafka_run import Daemon, settings
from tests.support.kafka_server import Kafka

# The client leaves sockets of refused connections to the garbage collector.
pytestmark = [pytest.mark.kafka, pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")]
CLOCK = SystemClock()
PATIENCE = 60
GOOD, BAD = b'{"x": 1}', b'{"mail": "ada.wellenbrook@nordwind-shop.de'


def read(bootstrap: str, topic: str) -> list[dict]:
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    partition = TopicPartition(topic, 0)
    try:
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        end, found = consumer.end_offsets([partition])[partition], []
        while len(found) < end:
            for records in consumer.poll(timeout_ms=1000).values():
                found += [json.loads(record.value) for record in records]
        return found
    finally:
        consumer.close(autocommit=False)


def configured(tmp_path: Path, kafka, source: str, **dead_letters) -> Path:
    config = settings(tmp_path, kafka, source)
    said = yaml.safe_load(config.read_text()) | {"dead_letters": dead_letters}
    config.write_text(yaml.safe_dump(said))
    return config


def wait(daemon: Daemon, name: str, wanted: float) -> None:
    until = CLOCK.monotonic() + PATIENCE
    while daemon.metrics().get(name) != wanted:
        assert CLOCK.monotonic() < until, f"{name} is {daemon.metrics().get(name)}"
        assert daemon.process.poll() is None, daemon.process.communicate()[1]
        CLOCK.sleep(0.1)


def checkpoints(tmp_path: Path) -> dict[str, int]:
    store = open_store(tmp_path / "store.db", "default")
    try:
        return {name: one.next_position for name, one in store.checkpoints().items()}
    finally:
        store.close()


def test_every_reject_is_in_the_file_and_in_the_topic(kafka, tmp_path):
    topic, dead = kafka.topic(2), kafka.topic()
    config = configured(tmp_path, kafka, topic, file="dead.ndjson", topic=dead)
    daemon = Daemon(config)
    for partition in (0, 1):
        kafka.produce(topic, [GOOD, BAD, b"", GOOD, b"\xff\xfe"] * 700, partition)
    daemon.wait_for(7000)
    wait(daemon, 'privwatch_dead_letters_total{sink="file"}', 2800)
    wait(daemon, 'privwatch_dead_letters_total{sink="topic"}', 2800)
    assert daemon.ready()[1]["dead_letters"] == "written"
    assert daemon.stop() == 0
    written = (tmp_path / "dead.ndjson").read_bytes()
    in_file = sorted((one["partition"], one["offset"]) for one in map(json.loads, written.splitlines()))
    wanted = sorted((f"{topic}-{p}", n) for p in (0, 1) for n in range(3500) if n % 5 in {1, 4})
    assert in_file == wanted, "also beyond those the store keeps"
    sent = read(kafka.bootstrap, dead)
    assert sorted((one["partition"], one["offset"]) for one in sent) == wanted
    assert b"wellenbrook" not in written + json.dumps(sent).encode()


def test_while_they_cannot_be_written_nothing_moves_and_it_says_so(kafka, tmp_path):
    topic = kafka.topic()
    (tmp_path / "dead").mkdir()
    config = configured(tmp_path, kafka, topic, file="dead/letters.ndjson")
    daemon = Daemon(config)
    kafka.produce(topic, [GOOD, BAD])
    wait(daemon, 'privwatch_dead_letters_total{sink="file"}', 1)
    (tmp_path / "dead").rename(tmp_path / "away")
    (tmp_path / "dead").write_text("in the way")
    kafka.produce(topic, [GOOD, BAD, GOOD])
    wait(daemon, "privwatch_dead_letters_waiting", 1)
    CLOCK.sleep(2)
    assert checkpoints(tmp_path) == {f"{topic}-0": 2}
    code, ready = daemon.ready()
    assert (code, ready["dead_letters"]) == (503, "cannot be written, nothing is read on")
    assert daemon.metrics()['privwatch_dead_letter_failures_total{sink="file"}'] >= 2
    # A stop is heeded meanwhile; the next start reads the same again.
    began = CLOCK.monotonic()
    assert daemon.stop() == 0
    assert CLOCK.monotonic() - began < 10
    assert "cannot be written" in daemon.rest
    assert checkpoints(tmp_path) == {f"{topic}-0": 2}
    (tmp_path / "dead").unlink()
    (tmp_path / "away").rename(tmp_path / "dead")
    daemon = Daemon(config)
    kafka.produce(topic, [BAD])
    wait(daemon, 'privwatch_dead_letters_total{sink="file"}', 2)
    (tmp_path / "dead").rename(tmp_path / "away")
    kafka.produce(topic, [BAD])
    wait(daemon, "privwatch_dead_letters_waiting", 1)
    (tmp_path / "away").rename(tmp_path / "dead")
    wait(daemon, "privwatch_dead_letters_waiting", 0)
    wait(daemon, 'privwatch_dead_letters_total{sink="file"}', 3)
    assert daemon.stop() == 0
    lines = (tmp_path / "dead" / "letters.ndjson").read_text().splitlines()
    assert [json.loads(line)["offset"] for line in lines] == [1, 3, 5, 6]
    assert checkpoints(tmp_path) == {f"{topic}-0": 7}
    assert "written again" in daemon.rest


def test_a_topic_that_is_not_there_or_is_read_is_refused(kafka, tmp_path):
    topic = kafka.topic()
    for dead, said in (("no-such-topic", "no-such-topic .*create the topic"), (topic, "is read as well")):
        config = configured(tmp_path, kafka, topic, topic=dead)
        command = [sys.executable, "-m", "monitor", "run", "-c", str(config)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2
        assert re.search(said, done.stderr.splitlines()[-1])


def test_letters_wait_while_the_broker_is_away(kafka_server):
    dead = Kafka(kafka_server.bootstrap).topic()
    sink = DeadLetterTopic(Brokers((kafka_server.bootstrap,)), dead, "default")
    sink.check()
    sink.put([Reject("logs-0", 1, "not_json", 5)])
    assert sink.flush() == 1
    kafka_server.stop()
    sink.put([Reject("logs-0", 2, "not_json", 5)])
    began = CLOCK.monotonic()
    with pytest.raises(DeadLetterError, match="cannot be written"):
        sink.flush()
    assert CLOCK.monotonic() - began < 9, "a stop must not have to wait longer"
    with pytest.raises(SettingsError, match="cannot be written"):
        DeadLetterTopic(Brokers((kafka_server.bootstrap,)), dead, "default").check()
    kafka_server.start()
    until = CLOCK.monotonic() + PATIENCE
    while True:
        try:
            assert sink.flush() == 1
            break
        except DeadLetterError:
            assert CLOCK.monotonic() < until
            CLOCK.sleep(1)
    sink.close()
    assert {one["offset"] for one in read(kafka_server.bootstrap, dead)} == {1, 2}


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_under_load_it_stops_in_time(kafka, tmp_path, number):
    topic, dead = kafka.topic(4), kafka.topic()
    config = configured(tmp_path, kafka, topic, topic=dead)
    for partition in range(4):
        kafka.produce(topic, [BAD] * 20_000, partition)
    daemon = Daemon(config)
    daemon.wait_for(1)
    began = CLOCK.monotonic()
    assert daemon.stop(number) == 0
    assert CLOCK.monotonic() - began < 10
