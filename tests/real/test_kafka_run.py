"""`privwatch run`, the real process, beside a real Apache Kafka: what a replay finds, and nothing twice."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from monitor.app import ReplayOptions, replay, shipped_rules
from monitor.clock import SystemClock
from monitor.demo import generate
from monitor.model import Position, Violation
from monitor.pipeline.ways import Decoding
from monitor.store.repository import open_store
from tests.support.daemon import PATIENCE, Daemon
from tests.support.fixtures import fixtures_dir

pytestmark = pytest.mark.kafka

CLOCK = SystemClock()


def settings(
    folder: Path, kafka, topic: str, form: str = "json", *, batch_records: int = 50_000, **kafka_settings
) -> Path:
    config = folder / "privwatch.yml"
    source = {
        "bootstrap": kafka.bootstrap,
        "topics": [topic],
        "format": form,
        "group": topic,
        **kafka_settings,
    }
    text = {
        "sources": {"kafka": source},
        "store": str(folder / "store.db"),
        "key": str(folder / "key"),
        "metrics": {"port": 0},
        "limits": {"batch_records": batch_records},
    }
    config.write_text(yaml.safe_dump(text))
    return config


def told(violations, *, positions: bool = False):
    """Violations without what a topic and a file do not share: positions, and the evidence picked by them."""
    return sorted(
        (
            v.fingerprint,
            v.count,
            v.first,
            v.last,
            v.subjects,
            v.value,
            v.level,
            *((v.samples,) if positions else ()),
        )
        for v in violations
    )


def replayed(folder: Path, inputs: tuple[str, ...], form: str) -> tuple[Violation, ...]:
    options = ReplayOptions(
        inputs, (shipped_rules(),), folder / "replay.db", folder / "key", decoding=Decoding(format=form)
    )
    return replay(options).violations


def stored(config: Path) -> list[Violation]:
    found = yaml.safe_load(config.read_text())
    store = open_store(found["store"], "default")
    try:
        return list(store.violations())
    finally:
        store.close()


def lines(*paths: Path) -> list[bytes]:
    return [line for path in paths for line in path.read_bytes().splitlines() if line]


def spread(kafka, topic: str, values: list[bytes], partitions: int) -> None:
    for partition in range(partitions):
        kafka.produce(topic, values[partition::partitions], partition)


@pytest.fixture(scope="module")
def week(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("week")
    generate(folder, events_per_day=1500)
    return folder


def test_a_week_over_three_partitions_is_the_replayed_week(kafka, week, tmp_path):
    files = (week / "application.ndjson", week / "database.ndjson")
    values = sorted(lines(*files), key=lambda line: json.loads(line)["@timestamp"])
    topic = kafka.topic(3)
    spread(kafka, topic, values, 3)
    # Small batches: a partition comes in many of them, some after all of another.
    config = settings(tmp_path, kafka, topic, batch_records=200)
    daemon = Daemon(config)
    daemon.wait_for(len(values))
    assert daemon.stop() == 0
    expected = replayed(tmp_path, tuple(map(str, files)), "json")
    assert len(expected) > 30
    assert told(stored(config)) == told(expected)


def test_a_file_to_a_partition_gives_the_same_violations_to_the_last_word(kafka, week, tmp_path):
    #  time          Mo Tu We Th Fr Sa Su
    #  partition 0   application.ndjson      read in long stretches, one partition after the other: what
    #  partition 1   database.ndjson         comes second is a week older than what was read last
    #  partition 2                           never says anything
    files = (week / "application.ndjson", week / "database.ndjson")
    topic = kafka.topic(3)
    for partition, file in enumerate(files):
        kafka.produce(topic, lines(file), partition)
    config = settings(tmp_path, kafka, topic, batch_records=200)
    daemon = Daemon(config)
    daemon.catch_up(3)
    assert daemon.stop() == 0
    places = {file.name: f"{topic}-{partition}" for partition, file in enumerate(files)}

    def moved(sample: Position) -> Position:
        return replace(sample, partition=places[Path(sample.partition.rpartition("#")[0]).name])

    expected = replayed(tmp_path, tuple(map(str, files)), "json")
    assert {v.kind for v in expected} > {"value_count", "baseline"}
    assert stored(config) == [replace(v, samples=tuple(map(moved, v.samples))) for v in expected]


def test_killed_in_the_middle_and_started_again_counts_nothing_twice(kafka, week, tmp_path):
    values = lines(week / "application.ndjson")
    topic = kafka.topic(2)
    spread(kafka, topic, values[:3000], 2)
    config = settings(tmp_path, kafka, topic)
    daemon = Daemon(config)
    daemon.wait_for(1)
    assert daemon.stop(signal.SIGKILL) == -signal.SIGKILL
    spread(kafka, topic, values[3000:], 2)
    again = Daemon(config)
    until = CLOCK.monotonic() + PATIENCE
    expected = told(replayed(tmp_path, (str(week / "application.ndjson"),), "json"))
    while told(stored(config)) != expected and CLOCK.monotonic() < until:
        CLOCK.sleep(0.5)
    assert again.stop() == 0
    before = told(stored(config), positions=True)
    assert told(stored(config)) == expected
    idle = Daemon(config)
    CLOCK.sleep(3)
    assert idle.records() == 0
    assert idle.stop(signal.SIGINT) == 0
    assert told(stored(config), positions=True) == before


@pytest.mark.fixtures
def test_the_apache_sample_from_a_topic_is_the_replayed_file(kafka, tmp_path):
    file = fixtures_dir() / "access-elastic-apache10k" / "apache_logs.log"
    values = lines(file)
    topic = kafka.topic(2)
    spread(kafka, topic, values, 2)
    config = settings(tmp_path, kafka, topic, form="access")
    daemon = Daemon(config)
    daemon.wait_for(10_000)
    assert daemon.stop() == 0
    found = stored(config)
    assert told(found) == told(replayed(tmp_path, (str(file),), "access"))
    assert not [v for v in found if v.evidence.test == "email"], "crawler contacts are no data subjects"


@pytest.mark.fixtures
def test_nginx_plus_from_a_topic_is_the_replayed_file(kafka, tmp_path):
    file = fixtures_dir() / "access-elastic-nginxplus-json" / "nginxplus_json_logs.ndjson"
    values = lines(file)
    topic = kafka.topic()
    spread(kafka, topic, values, 1)
    config = settings(tmp_path, kafka, topic)
    daemon = Daemon(config)
    daemon.wait_for(len(values))
    assert daemon.stop() == 0
    assert told(stored(config)) == told(replayed(tmp_path, (str(file),), "json"))


def test_bad_records_are_counted_and_their_neighbours_kept(kafka, tmp_path):
    leak = {"message": "sent to ada.wellenbrook@nordwind-shop.de", "service": {"name": "shop"}}
    good = json.dumps(leak).encode()
    values = [good, b"{cut", b"\xff\xfe", b"", json.dumps(leak, indent=2).encode(), b"[1, 2", None, good,
              json.dumps({**leak, "pad": "x" * 10_000_000}).encode(), good]  # fmt: skip
    topic = kafka.topic(1, **{"max.message.bytes": "12000000"})
    kafka.produce(topic, values)
    config = settings(tmp_path, kafka, topic)
    daemon = Daemon(config)
    daemon.wait_for(len(values) - 1)
    assert daemon.stop() == 0
    (found,) = stored(config)
    assert found.count == 5
    assert found.first is not None, "the broker's time stands in for the missing event time"
    store = open_store(tmp_path / "store.db", "default")
    counts = {name: n for (_, kind, name), n in store.counts().items() if kind == "reject"}
    store.close()
    assert sum(counts.values()) == 4
    assert b"wellenbrook" not in (tmp_path / "store.db").read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [({"topics": ["no-such-topic"]}, "no-such-topic"), ({"bootstrap": "127.0.0.1:1"}, "127.0.0.1:1")],
)
def test_what_cannot_be_read_is_said_in_one_message(kafka, tmp_path, change, message):
    config = settings(tmp_path, kafka, kafka.topic(), **{"connect_seconds": 3, **change})
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "run", "-c", str(config)],
        check=False,
        capture_output=True,
        text=True,
        timeout=40,
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("client", ["kafka-python", "librdkafka"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_heeded_while_no_broker_answers(tmp_path, number, client):
    config = tmp_path / "privwatch.yml"
    source = {"bootstrap": "127.0.0.1:1", "topics": ["logs"], "connect_seconds": 300, "client": client}
    config.write_text(yaml.safe_dump({"sources": {"kafka": source}, "metrics": {"port": 0}}))
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", "run", "-c", str(config)], stderr=subprocess.PIPE, text=True
    )
    try:
        # The client's own complaint says that it is trying; before it is said which rules wait for tables.
        assert any("refused" in line.lower() for line in process.stderr)
        process.send_signal(number)
        _, said = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "stopped" in said
    assert "Traceback" not in said


def test_unknown_settings_are_refused(tmp_path):
    config = tmp_path / "privwatch.yml"
    config.write_text("sources: {kafka: {bootstrap: '127.0.0.1:9092', topics: [logs], gruop: x}}\n")
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "run", "-c", str(config)],
        check=False,
        capture_output=True,
        text=True,
        timeout=40,
    )
    assert done.returncode == 2
    assert "group" in done.stderr


EXPORT = """\
title: Export
id: 0f6f1f4e-0e8e-4d2c-9d5e-6f0f3f1c2b7a
name: export
status: stable
level: high
description: A test.
detection: {a: {message|contains: export}, condition: a}
logsource: {category: application}
x_privacy: {articles: ["32"], actor: user.name}
x_tests:
    - {name: one, expect: match, events: [{set: {message: an export}}]}
    - {name: none, expect: no_match, events: [{set: {message: a view}}]}
"""


def test_topics_files_and_a_pipe_in_one_daemon_each_in_its_own_way(kafka, tmp_path):
    topic, log = kafka.topic(), tmp_path / "app.log"
    mail = "an export of much"
    (tmp_path / "rule.yml").write_text(EXPORT)
    kafka.produce(topic, [json.dumps({"login": "mkramer", "message": mail}).encode()] * 3)
    log.write_text(f"2026-11-16T09:00:00Z usr=mkramer {mail}\n" * 4)
    config = settings(tmp_path, kafka, topic, fields={"user.name": ["login"]})
    said = yaml.safe_load(config.read_text())
    said["rules"] = ["rule.yml"]
    said["sources"]["files"] = {"app": {"paths": str(log), "format": "text"}}
    said["sources"]["stdin"] = {"format": "json", "fields": {"user.name": ["account"]}}
    config.write_text(yaml.safe_dump(said))
    command = [sys.executable, "-m", "monitor", "run", "-c", str(config)]
    piped = (json.dumps({"account": "mkramer", "message": mail}) + "\n").encode() * 5
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        process.stdin.write(piped)
        process.stdin.close()  # the pipe ends, the daemon goes on
        line = b""
        while b"metrics on" not in line:
            before, line = line, process.stderr.readline()
            assert line, before
        assert f"{topic} from {kafka.bootstrap}; {log}; standard input".encode() in line
        url = re.search(rb"http://\S+/metrics", line)[0].decode()
        until, page = CLOCK.monotonic() + PATIENCE, ""
        while "privwatch_events_total 12.0" not in page or 'lag_records{partition="' not in page:
            assert CLOCK.monotonic() < until, page
            CLOCK.sleep(0.1)
            with urllib.request.urlopen(url, timeout=5) as answer:
                page = answer.read().decode()
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.stderr.close()
    sources = dict(re.findall(r'source_silence_seconds{source="([^"]+)"} (\S+)', page))
    assert sources.keys() == {topic, "app", "stdin"}
    assert set(re.findall(r'lag_bytes{partition="([a-z]+)[:#]', page)) == {"app", "stdin"}
    assert re.findall(r'lag_records{partition="([^"]+)"}', page) == [f"{topic}-0"]
    by_actor: dict[str, int] = {}
    for violation in stored(config):
        by_actor[violation.actor] = by_actor.get(violation.actor, 0) + violation.count
    # One account, called `login` in the topic and `account` in the pipe; the text names none.
    assert sorted(by_actor.values()) == [4, 8]
    assert by_actor[""] == 4
