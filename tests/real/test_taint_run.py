"""Nothing personal leaves the daemon: not in its log, on its page, in its dead letters or its store."""

import json
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
import yaml

from monitor.clock import SystemClock
from monitor.pipeline.coverage import SAVE_SECONDS
from monitor.service import CRASHED
from tests.real.test_deadletters import read
from tests.real.test_kafka_run import Daemon, settings
from tests.test_taint import PLANTED, access_line, bad_records, event, leaks, stored

pytestmark = pytest.mark.kafka
CLOCK = SystemClock()


@pytest.mark.parametrize("form", ["json", "console"])
def test_the_daemon_emits_no_value(kafka, tmp_path, form):
    topic, dead = kafka.topic(2), kafka.topic()
    config = settings(tmp_path, kafka, topic)
    said = yaml.safe_load(config.read_text()) | {
        "log": {"format": form, "level": "debug"},
        "dead_letters": {"file": "dead.ndjson", "topic": dead},
        "reload": {"every_seconds": 0.2},
    }
    config.write_text(yaml.safe_dump(said))
    daemon = Daemon(config)
    values = [json.dumps(event(n)).encode() for n in range(120)]
    values += [*bad_records(), access_line().encode(), PLANTED["e-mail"].encode() * 10_000]
    kafka.produce(topic, values, 0)
    kafka.produce(topic, [*bad_records(), *values[:5]], 1)
    records = len(values) + len(bad_records()) + 5
    daemon.wait_for(records)
    pages = [daemon.said.encode()]
    for path in ("metrics", "healthz", "readyz"):
        with urllib.request.urlopen(daemon.url.replace("metrics", path), timeout=10) as answer:
            pages.append(answer.read())
    # Somebody asks for what is not there, with what should not be said.
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(daemon.url + "/" + PLANTED["token"], timeout=10)
    assert daemon.stop() == 0
    pages += [daemon.rest.encode(), json.dumps(read(kafka.bootstrap, dead)).encode()]
    assert leaks(b"".join(pages)) == set()
    kept = {name: data for name, data in stored(tmp_path).items() if name != "privwatch.yml"}
    assert len(kept["dead.ndjson"].splitlines()) > 10
    assert {name: leaks(data) for name, data in kept.items() if leaks(data)} == {}
    if form == "json":
        lines = [json.loads(line) for line in (daemon.said + daemon.rest).splitlines()]
        assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)


@pytest.mark.postgresql
def test_no_row_in_postgresql_holds_a_value(kafka, database, tmp_path):
    import psycopg  # noqa: PLC0415 - only where PostgreSQL is tested

    topic = kafka.topic(2)
    config = settings(tmp_path, kafka, topic)
    alerts = {"kafka": {"away": {"bootstrap": "127.0.0.1:1", "topic": "t", "timeout_seconds": 1}}}
    changes = {"store": database, "alerts": alerts, "reload": {"every_seconds": 0}}
    config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | changes))
    daemon = Daemon(config)
    values = [*(json.dumps(event(n)).encode() for n in range(60)), *bad_records(), access_line().encode()]
    kafka.produce(topic, values)
    daemon.wait_for(len(values))
    CLOCK.sleep(SAVE_SECONDS)
    kafka.produce(topic, values[:1], 1)  # its turn carries what coverage has seen
    daemon.wait_for(len(values) + 1)
    assert daemon.stop() == 0
    held = {}
    with psycopg.connect(database) as connection:
        named = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        for (table,) in connection.execute(named).fetchall():
            rows = connection.execute(f'SELECT t::text FROM "{table}" t').fetchall()
            held[table] = "\n".join(row for (row,) in rows).encode()
    filled = {
        "violation",
        "violation_part",
        "window_segment",
        "checkpoint",
        "reject",
        "tally",
        "alert",
        "outbox",
    }
    assert {name for name, data in held.items() if data} >= {
        *filled,
        "ownership",
        "source_seen",
        "field_seen",
    }
    assert {name: leaks(data) for name, data in held.items() if leaks(data)} == {}


BROKEN = """
import sys
from pathlib import Path
from monitor import service
from monitor.pipeline import evaluation
from monitor.settings import load_settings

class Panic(BaseException):
    pass  # as what goes wrong within polars comes here: no Exception

def screen(plan, events, gate):
    kind = {"Panic": Panic, "ValueError": ValueError}[sys.argv[2]]
    raise kind(f"cannot ask {events.frame['__raw'].to_list()}")

assert callable(evaluation.screen)
evaluation.screen = screen
service.run(load_settings(Path(sys.argv[1]), {}), {})
"""


@pytest.mark.parametrize(("form", "kind"), [("json", "Panic"), ("console", "ValueError")])
def test_an_error_in_the_engine_quotes_no_event(kafka, tmp_path, form, kind):
    topic = kafka.topic()
    config = settings(tmp_path, kafka, topic)
    text = yaml.safe_load(config.read_text()) | {"log": {"format": form, "level": "debug"}}
    config.write_text(yaml.safe_dump(text))
    kafka.produce(topic, [json.dumps(event()).encode()])
    done = subprocess.run(
        [sys.executable, "-c", BROKEN, str(config), kind], capture_output=True, check=False, timeout=90
    )
    assert done.returncode == CRASHED
    assert kind.encode() in done.stderr
    assert b"stopped by an error of its own" in done.stderr
    assert leaks(done.stderr + done.stdout) == set()
