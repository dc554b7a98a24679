"""`something | privwatch run`: the real process, to the end of its input."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from monitor.app import ReplayOptions, replay, shipped_rules
from monitor.demo import generate
from monitor.store.repository import open_store
from tests.real.test_kafka_run import told


def piped(folder: Path, data: bytes, **settings) -> subprocess.CompletedProcess[bytes]:
    config = folder / "privwatch.yml"
    least = {"sources": {"stdin": {}}, "key": "key", "store": "store.db", "metrics": {"port": 0}}
    config.write_text(yaml.safe_dump({**least, **settings}))
    return subprocess.run(
        [sys.executable, "-m", "monitor", "run", "-c", str(config)],
        input=data, capture_output=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["application.ndjson", "access.log"])
def test_what_is_piped_in_gives_what_a_replay_gives(tmp_path, name):
    generate(tmp_path, events_per_day=300)
    file = tmp_path / name
    done = piped(tmp_path, file.read_bytes(), limits={"batch_records": 300})
    assert done.returncode == 0, done.stderr.decode()
    assert b"reading standard input; " in done.stderr
    assert b"stopped; what was read is stored" in done.stderr
    expected = replay(
        ReplayOptions((str(file),), (shipped_rules(),), tmp_path / "replay.db", tmp_path / "key")
    )
    store = open_store(tmp_path / "store.db")
    found, counts = list(store.violations()), store.counts()
    store.close()
    assert len(found) > 3
    assert told(found) == told(expected.violations)
    assert sum(n for (_, kind, _), n in counts.items() if kind == "reject") == sum(expected.rejects.values())
    assert sum(n for (_, _, fact), n in counts.items() if fact == "events") == expected.events


def test_nothing_piped_in_is_no_error(tmp_path):
    assert piped(tmp_path, b"").returncode == 0


def test_dead_letters_to_a_topic_need_brokers(tmp_path):
    done = piped(tmp_path, b"", dead_letters={"topic": "dead"})
    assert done.returncode == 2
    assert b"brokers of sources.kafka, which is left out" in done.stderr


def test_the_daemon_looks_for_and_passes_over_what_its_settings_say(tmp_path):
    lines = [f'{{"message": "to {who}@nordwind-shop.de"}}\n' for who in ("hilfe", "anna.berg", "rechnung")]
    why = {"detectors": ["email"], "owner": "DPO", "reason": "nobody stands behind it"}
    detectors = {
        "allow": {
            "held": {**why, "values": ["hilfe@nordwind-shop.de"], "expires": "2099-01-01"},
            "over": {**why, "values": ["rechnung@nordwind-shop.de"], "expires": "2020-01-01"},
        }
    }
    done = piped(tmp_path, "".join(lines).encode(), detectors=detectors)
    assert done.returncode == 0, done.stderr.decode()
    assert b"The allow-list 'over' expired on 2020-01-01 and hides nothing any more." in done.stderr
    store = open_store(tmp_path / "store.db")
    (found,) = store.violations()
    store.close()
    assert found.count == 2
