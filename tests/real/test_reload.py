"""Rules changed while a real daemon reads a real topic."""

import json
import signal
import threading
import uuid
from collections import Counter
from pathlib import Path

import pytest
import yaml

from monitor.clock import SystemClock
from monitor.pipeline.health import ASKED_SECONDS
from tests.pipeline.test_coverage import rule
from tests.real.test_kafka_run import Daemon, settings, stored

pytestmark = pytest.mark.kafka
CLOCK = SystemClock()
PATIENCE = 60


def write_set(folder: Path, name: str, size: int = 4) -> None:
    """Rules `name`0 to `name`3, which ask the same; one file, put there in one move."""
    wanted = {"a": "{x: 1}", "b": "{y: 2}"}[name]
    text = "---\n".join(rule(f"{name}{n}", f"{{a: {wanted}, condition: a}}") for n in range(size))
    (folder / "new").write_text(text)
    (folder / "new").replace(folder / "rules.yml")


def counted(config: Path, name: str, size: int = 4) -> list[int]:
    """Events counted by each rule of a set."""
    by_rule = Counter()
    for violation in stored(config):
        by_rule[violation.rule] += violation.count
    return [by_rule[str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}{n}"))] for n in range(size)]


def metric(daemon: Daemon, name: str) -> float:
    return daemon.metrics().get(name, 0.0)


def wait(daemon: Daemon, name: str, at_least: float) -> None:
    until = CLOCK.monotonic() + PATIENCE
    while metric(daemon, name) < at_least:
        assert CLOCK.monotonic() < until, f"{name} is {metric(daemon, name)}"
        assert daemon.process.poll() is None
        CLOCK.sleep(0.1)


GOOD = 'privwatch_rule_reloads_total{result="success"}'
BAD = 'privwatch_rule_reloads_total{result="failure"}'


def daemon_with(tmp_path: Path, kafka, topic: str, **more) -> tuple[Path, Daemon, Path]:
    folder = tmp_path / "rules"
    folder.mkdir()
    write_set(folder, "a")
    config = settings(tmp_path, kafka, topic, batch_records=50)
    said = yaml.safe_load(config.read_text()) | {"rules": [str(folder)], **more}
    config.write_text(yaml.safe_dump(said))
    return config, Daemon(config), folder


@pytest.mark.parametrize("how", ["signal", "watch"])
def test_no_record_is_evaluated_by_a_half_swapped_set(kafka, tmp_path, how):
    #  records   ------------------------------------------>   each satisfies all four rules of either set
    #  rules     aaaaaaaa|bbbbbbb|aaaaaaa|bbbbbbb|aaaaaaa ..   so within a set all four must count the same,
    #                                                          and both sets together every record once
    topic = kafka.topic(2)
    every = 0 if how == "signal" else 0.2
    config, daemon, folder = daemon_with(tmp_path, kafka, topic, reload={"every_seconds": every})
    produced = 0
    enough = threading.Event()

    def produce() -> None:
        nonlocal produced
        # Two batches of each partition at a time: more than is evaluated meanwhile would only be waited for.
        while not enough.wait(0.1):
            for partition in (0, 1):
                kafka.produce(
                    topic, [json.dumps({"x": 1, "y": 2, "n": n}).encode() for n in range(100)], partition
                )
                produced += 100

    producer = threading.Thread(target=produce)
    producer.start()
    try:
        for swap in range(1, 6):
            write_set(folder, "ab"[swap % 2])
            if how == "signal":
                daemon.process.send_signal(signal.SIGHUP)
            wait(daemon, GOOD, swap)
    finally:
        enough.set()
        producer.join()
    daemon.wait_for(produced)
    assert daemon.stop() == 0
    a, b = counted(config, "a"), counted(config, "b")
    assert len(set(a)) == len(set(b)) == 1
    assert a[0] > 0
    assert b[0] > 0
    assert a[0] + b[0] == produced


def test_broken_rules_change_nothing_and_are_said_everywhere(kafka, tmp_path):
    topic = kafka.topic()
    config, daemon, folder = daemon_with(tmp_path, kafka, topic, reload={"every_seconds": 0.2})
    kafka.produce(topic, [b'{"x": 1}'] * 3)
    daemon.wait_for(3)
    good = (folder / "rules.yml").read_text()
    (folder / "rules.yml").write_text(good.replace("condition: a}", "condition: b}", 1))
    wait(daemon, BAD, 1)
    assert metric(daemon, "privwatch_rules_last_reload_successful") == 0
    code, ready = daemon.ready()
    assert code == 200
    assert "cannot be used" in ready["rules"]
    kafka.produce(topic, [b'{"x": 1}'] * 4)
    daemon.wait_for(7)
    write_set(folder, "b")
    wait(daemon, GOOD, 1)
    assert metric(daemon, "privwatch_rules_last_reload_successful") == 1
    CLOCK.sleep(ASKED_SECONDS)  # the answer from before stands for so long
    assert daemon.ready()[1]["rules"] == "4 rules"
    kafka.produce(topic, [b'{"x": 1}', b'{"y": 2}'] * 5)
    daemon.wait_for(17)
    assert daemon.stop() == 0
    assert (counted(config, "a"), counted(config, "b")) == ([7] * 4, [5] * 4)
    assert "rules.yml:" in daemon.rest
    assert "the former stay in use" in daemon.rest


def test_a_correlation_that_stays_keeps_its_windows_and_a_changed_one_starts_anew(kafka, tmp_path):
    #  events of ada, one a second   r r r | swap | r r      at least five within the hour
    #  the correlation "stays"       1 2 3            4 5    fires at the fifth
    #  the correlation "changes"     1 2 3            1 2    does not
    def correlation(name: str, span: str) -> str:
        return f"""\
title: {name}
id: {uuid.uuid5(uuid.NAMESPACE_DNS, name)}
name: {name}
status: stable
level: low
description: A test.
correlation:
  {{type: event_count, rules: [reads], group-by: [user.name], timespan: {span}, condition: {{gte: 5}}}}
"""

    def event(second: int) -> bytes:
        at = f"2026-11-16T09:00:{second:02}Z"
        return json.dumps({"@timestamp": at, "user": {"name": "ada"}, "action": "read"}).encode()

    topic = kafka.topic()
    config, daemon, folder = daemon_with(tmp_path, kafka, topic, reload={"every_seconds": 0})
    reads = rule("reads", "{a: {action: read}, condition: a}")

    def swap(span: str, times: int) -> None:
        text = "---\n".join([reads, correlation("stays", "1h"), correlation("changes", span)])
        (folder / "rules.yml").write_text(text)
        daemon.process.send_signal(signal.SIGHUP)
        wait(daemon, GOOD, times)

    swap("1h", 1)
    kafka.produce(topic, [event(n) for n in range(3)])
    daemon.wait_for(3)
    swap("2h", 2)
    kafka.produce(topic, [event(n) for n in range(3, 5)])
    daemon.wait_for(5)
    assert daemon.stop() == 0
    fired = {v.rule: v.count for v in stored(config)}
    assert fired == {str(uuid.uuid5(uuid.NAMESPACE_DNS, "stays")): 5}
