"""SIGTERM ends the real process within ten seconds, whatever hangs or is gone; nothing is lost by it."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import yaml

from monitor.clock import SystemClock
from tests.real.test_alerts_run import config_of, lines
from tests.real.test_kafka_run import Daemon, settings
from tests.support import receiver as behaviour
from tests.support.crashes import told
from tests.support.kafka_server import Kafka

pytestmark = pytest.mark.kafka

CLOCK = SystemClock()
ALLOWED = 10
"""Seconds, as docs/operations.md has it."""
PATIENCE = 60


def until(holds) -> None:
    deadline = CLOCK.monotonic() + PATIENCE
    while not holds():
        assert CLOCK.monotonic() < deadline, f"not within {PATIENCE} s"
        CLOCK.sleep(0.1)


def stopped(daemon: Daemon) -> int:
    """The exit code, which came in time."""
    began = CLOCK.monotonic()
    code = daemon.stop()
    assert CLOCK.monotonic() - began < ALLOWED, daemon.rest
    return code


@contextmanager
def standing_still(parent: int) -> Iterator[None]:
    """A process and its children neither answer nor end."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, check=False)
    every = [parent, *map(int, listed.stdout.split())]
    for one in every:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in every:
            os.kill(one, signal.SIGCONT)


@contextmanager
def deaf() -> Iterator[socket.socket]:
    """A server where connections come about and nothing is ever said."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as server:
        yield server


def address_of(server: socket.socket) -> str:
    return f"127.0.0.1:{server.getsockname()[1]}"


def test_every_target_of_alerts_hangs(kafka, receiver, tmp_path):
    topic = kafka.topic()
    receiver.always = behaviour.hang
    with deaf() as server:
        address, slow = address_of(server), {"timeout_seconds": 120}
        alerts = {
            "alertmanager": {"main": {"url": f"http://{address}", **slow}},
            "webhook": {"hook": {"url": receiver.url, "secret_file": "secret", **slow}},
            "kafka": {name: {"bootstrap": address, "topic": "t", **slow} for name in ("one", "two")},
        }
        daemon = Daemon(config_of(tmp_path, kafka, topic, alerts))
        kafka.produce(topic, lines(30))
        daemon.wait_for(30)
        receiver.wait_for(bool)
        assert stopped(daemon) == 0


def test_the_broker_is_gone(kafka_server, tmp_path):
    kafka = Kafka(kafka_server.bootstrap)
    topic, out, dead = kafka.topic(), kafka.topic(), kafka.topic()
    alerts = {"kafka": {"topic": {"bootstrap": kafka.bootstrap, "topic": out, "timeout_seconds": 60}}}
    config = config_of(tmp_path, kafka, topic, alerts)
    config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | {"dead_letters": {"topic": dead}}))
    daemon = Daemon(config)
    kafka.produce(topic, [*lines(30), b"{cut"])
    daemon.wait_for(31)
    kafka_server.stop()
    CLOCK.sleep(2)
    assert stopped(daemon) == 0


@pytest.mark.parametrize("state", ["gone", "standing still"])
@pytest.mark.postgresql
def test_the_store_is_away(kafka, postgresql_cluster, tmp_path, state):
    topic = kafka.topic()
    config = settings(tmp_path, kafka, topic)
    store = {"store": postgresql_cluster.url}
    config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | store))
    daemon = Daemon(config)
    kafka.produce(topic, lines(30))
    daemon.wait_for(30)  # before that it may not know that it is behind
    daemon.catch_up(1)
    if state == "gone":
        postgresql_cluster.stop("immediate")
        kafka.produce(topic, lines(30))
        until(lambda: daemon.ready()[0] == 503)
        CLOCK.sleep(3)  # into the pauses between its tries
        assert stopped(daemon) == 0
        return
    with standing_still(postgresql_cluster.pid):
        kafka.produce(topic, lines(30))
        until(lambda: stuck(daemon))  # for its word, or for a connection
        assert stopped(daemon) == 0, daemon.rest
    assert "stopped; what is not stored is read again" in daemon.rest
    again = Daemon(config)
    again.catch_up(1)
    assert again.stop() == 0
    counts = told(postgresql_cluster.url)[2]
    assert counts[f"{topic}-0", "event", "events"] == 60, "nothing lost, nothing counted twice"


def stuck(daemon: Daemon) -> bool:
    """Whether its loop has not come round for two seconds; the page answers all the same."""
    with daemon.page() as page:
        assert page.status == 200
    assert daemon.ready()[1]["store"] in {"reachable", "cannot be asked (StoreAwayError)"}
    with urllib.request.urlopen(daemon.url.replace("/metrics", "/healthz"), timeout=5) as page:
        return float(json.load(page)["last_turn"].removesuffix(" s ago")) > 2


def test_it_is_still_looking_for_its_broker(tmp_path):
    with deaf() as server:
        config = settings(tmp_path, Kafka(address_of(server)), "topic", connect_seconds=300)
        command = [sys.executable, "-m", "monitor", "run", "-c", str(config)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            server.settimeout(PATIENCE)
            server.accept()[0].close()
            server.accept()[0].close()  # it came back: it is waiting, not starting
            began = CLOCK.monotonic()
            for _ in range(3):  # who is impatient does not make it worse
                process.send_signal(signal.SIGTERM)
                CLOCK.sleep(0.05)
            _, said = process.communicate(timeout=15)
        assert process.returncode == 0, said
        assert "Traceback" not in said
        assert CLOCK.monotonic() - began < ALLOWED, said
