"""A rule that went blind is blind after a restart, too: the real process, before it has read anything."""

import json
from contextlib import closing

import pytest
import yaml

from monitor.clock import SystemClock
from monitor.pipeline.coverage import SAVE_SECONDS
from monitor.store.repository import open_store
from tests.pipeline.test_coverage import RENAMED, USER, WHOLE
from tests.real.test_kafka_run import PATIENCE, Daemon, settings

pytestmark = pytest.mark.kafka
CLOCK = SystemClock()


def blind(daemon: Daemon, topic: str) -> bool:
    return daemon.metrics().get(f'privwatch_blind_rules{{source="{topic}"}}') == 1


def stored(folder) -> int:
    """Events that coverage has looked at, as far as the store knows."""
    with closing(open_store(folder / "store.db")) as store:
        return sum(one.events for one in store.sightings())


def test_blind_before_a_restart_is_blind_after_it(kafka, tmp_path):
    topic = kafka.topic()
    (tmp_path / "rules.yml").write_text(USER)
    config = settings(tmp_path, kafka, topic)
    changes = {"rules": [str(tmp_path / "rules.yml")], "metrics": {"port": 0, "quiet_seconds": 0.5}}
    config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | changes))
    whole, renamed = (json.dumps(one).encode() for one in (WHOLE, RENAMED))
    daemon = Daemon(config)
    kafka.produce(topic, [whole] * 100)
    daemon.wait_for(100)
    seen, until = 0, CLOCK.monotonic() + PATIENCE + SAVE_SECONDS
    while not (blind(daemon, topic) and seen > 200):
        assert CLOCK.monotonic() < until, f"{seen} events seen"
        kafka.produce(topic, [renamed] * 100)
        CLOCK.sleep(1.1)  # a source is looked at once a second
        seen = stored(tmp_path)
    assert daemon.stop() == 0
    again = Daemon(config)
    assert blind(again, topic)
    kafka.produce(topic, [whole] * 100)
    until = CLOCK.monotonic() + PATIENCE
    while blind(again, topic):
        assert CLOCK.monotonic() < until
        CLOCK.sleep(0.2)
    assert again.stop() == 0
