"""Live is replay: a topic as it is consumed, and the same records archived as the docs say and replayed."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.app import Decoding, ReplayOptions, replay, shipped_rules
from monitor.demo import generate
from tests.real.test_kafka_run import Daemon, lines, settings, spread
from tests.support.crashes import told
from tests.support.shipped import ROOT

pytestmark = pytest.mark.kafka
PARTITIONS = 3


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """The program in docs/formats.md."""
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "formats.md").read_text(), re.DOTALL)
    path = tmp_path / "archive_topic.py"
    path.write_text(program)
    return path


def everything(topic: str, records: list[bytes]) -> list[list[bytes | None]]:
    """For each partition its records: a week, rubbish, tombstones, records without a time."""
    untimed = json.dumps({"message": "sent to ada.wellenbrook@nordwind-shop.de", "service": {"name": "shop"}})
    odd: list[bytes | None] = [b"{cut", None, b"", b"\xff\xfe{", untimed.encode(), b"null", b"[1, 2"]
    return [[*records[number::PARTITIONS], *odd[: 3 + 2 * number]] for number in range(PARTITIONS)]


def test_an_archived_topic_replayed_is_the_topic_live(kafka, recipe, tmp_path):
    generate(tmp_path / "week", events_per_day=1000)
    files = (tmp_path / "week" / "application.ndjson", tmp_path / "week" / "database.ndjson")
    records = sorted(lines(*files), key=lambda line: json.loads(line)["@timestamp"])
    topic = kafka.topic(PARTITIONS)
    values = everything(topic, records)
    for number, some in enumerate(values):
        kafka.produce(topic, some, number)
    kafka.produce_aborted(topic, records[:5])
    spread(kafka, topic, records[:9], PARTITIONS)  # after a gap in the offsets
    config = settings(tmp_path, kafka, topic, batch_records=300)
    daemon = Daemon(config)
    daemon.wait_for(sum(one is not None for some in values for one in some) + 9)
    assert daemon.stop() == 0

    (tmp_path / "archive").mkdir()
    command = [sys.executable, str(recipe), kafka.bootstrap, topic, str(tmp_path / "archive")]
    subprocess.run(command, check=True, timeout=120)
    options = ReplayOptions(
        (str(tmp_path / "archive"),),
        (shipped_rules(),),
        tmp_path / "replay.db",
        tmp_path / "key",
        namespace="default",
        decoding=Decoding(format="json"),
        kafka_records=True,
    )
    for _ in range(2):  # the second time there is nothing new
        replay(options)
        live, archived = told(str(tmp_path / "store.db")), told(str(tmp_path / "replay.db"))
        assert archived[2] == live[2]
        assert archived[1] == live[1]
        assert archived[0] == live[0]
    assert {v.kind for v in live[0]} > {"event", "value_count"}
    assert len(live[0]) > 30
