"""Nothing personal leaves the daemon: not in its log, on its page, in its dead letters or its store."""

import json
import urllib.error
import urllib.request

import pytest
import yaml

from tests.real.test_deadletters import read
from tests.real.test_kafka_run import Daemon, settings
from tests.test_taint import PLANTED, access_line, bad_records, event, leaks, stored

pytestmark = pytest.mark.kafka


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
