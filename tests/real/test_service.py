"""The daemon as a process: systemd's socket, the page, Prometheus, an end in time."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing

import pytest
import yaml

from monitor import telemetry
from monitor.clock import SystemClock
from tests.real.test_kafka_run import Daemon, settings
from tests.support.prometheus_server import Prometheus, lint, missing
from tests.support.unmet import cannot_run

pytestmark = pytest.mark.kafka
CLOCK = SystemClock()
PATIENCE = 60


def heard(manager: socket.socket, wanted: str) -> str:
    """What came until `wanted` did."""
    manager.settimeout(PATIENCE)
    said = ""
    while wanted not in said:
        said += manager.recv(4096).decode() + "\n"
    return said


def test_systemd_is_told_from_ready_to_stopping(kafka, tmp_path, monkeypatch):
    topic = kafka.topic()
    config = settings(tmp_path, kafka, topic)
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        daemon = Daemon(config)
        first = heard(manager, "READY=1")
        assert first.startswith("READY=1\nSTATUS=reading")
        heard(manager, "WATCHDOG=1")
        daemon.process.send_signal(signal.SIGHUP)
        reloading = heard(manager, "READY=1")
        assert "RELOADING=1\nMONOTONIC_USEC=" in reloading
        assert daemon.stop() == 0
        assert "STOPPING=1" in heard(manager, "STOPPING=1")


def test_ready_is_said_once_everything_is_there(kafka, tmp_path):
    topic = kafka.topic(3)
    daemon = Daemon(settings(tmp_path, kafka, topic))
    until = CLOCK.monotonic() + PATIENCE
    while daemon.ready()[0] != 200:
        assert CLOCK.monotonic() < until, daemon.ready()
        CLOCK.sleep(0.2)
    _, known = daemon.ready()
    assert known["status"] == "ok"
    assert known["store"] == "reachable"
    assert known["source"] == "3 partitions assigned"
    assert known["rules"].endswith(" rules")
    assert daemon.stop() == 0


@pytest.mark.prometheus
def test_prometheus_sees_a_real_daemon(kafka, tmp_path):
    if reason := missing():
        cannot_run(reason)
    topic = kafka.topic(2)
    daemon = Daemon(settings(tmp_path, kafka, topic))
    leak = json.dumps({"message": "sent to ada.wellenbrook@nordwind-shop.de", "service": {"name": "shop"}})
    kafka.produce(topic, [leak.encode(), b"{cut"] * 20)
    daemon.wait_for(40)
    port = daemon.url.rpartition(":")[2].partition("/")[0]
    with closing(Prometheus({"static_configs": [{"targets": [f"127.0.0.1:{port}"]}]})) as prometheus:
        prometheus.wait_for("privwatch_records_total == 40")
        (found,) = prometheus.query("sum by (source) (privwatch_matches_total)")
        assert found["metric"]["source"] == topic
        assert prometheus.query('privwatch_rejects_total{reason="truncated"} == 20')
        assert len(prometheus.query("privwatch_partition_silence_seconds")) == 2
        assert prometheus.query("privwatch_watermark_age_seconds < 120")
        assert prometheus.query("privwatch_store_write_seconds_count > 0")
        assert prometheus.query("process_resident_memory_bytes > 0")
    with daemon.page() as page:
        text = page.read()
    assert lint(text) == ""
    ledger = {telemetry.SEALED.name, telemetry.REMOVED.name}  # this daemon keeps none
    conditional = {telemetry.RULE_BLIND.name, telemetry.BLIND_RULES.name, *ledger}
    lacking = {one.name for one in telemetry.METRICS if f"# TYPE {one.name} ".encode() not in text}
    assert lacking <= conditional
    assert daemon.stop() == 0


def test_what_is_wrong_is_one_line_of_json(kafka, tmp_path):
    config = settings(tmp_path, kafka, "no-such-topic")
    said = yaml.safe_load(config.read_text()) | {"log": {"format": "json"}}
    config.write_text(yaml.safe_dump(said))
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "run", "-c", str(config)],
        check=False, capture_output=True, text=True, timeout=60, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 2
    *_, last = done.stderr.splitlines()
    assert "no topic no-such-topic" in json.loads(last)["message"]


def test_a_turn_that_does_not_end_is_cut_short(tmp_path):
    """A process that hangs in its turn: SIGTERM ends it all the same, in time."""
    hangs = (
        "import time, monitor.app as app, monitor.service as service;"
        "from monitor.settings import load_settings; from pathlib import Path\n"
        "def run(settings, *, stop, started, outside):\n"
        "    started('hanging')\n"
        "    while True: time.sleep(1)\n"
        "app.run = run\n"
        "service.run(load_settings(Path('p.yml'), {}), {})"
    )
    (tmp_path / "p.yml").write_text("sources: {kafka: {bootstrap: 'k:1', topics: t}}\n")
    process = subprocess.Popen([sys.executable, "-c", hangs], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        assert "hanging" in process.stderr.readline()
        began = CLOCK.monotonic()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 3
    assert CLOCK.monotonic() - began < 10
    assert "not stopped within 9 s" in said
