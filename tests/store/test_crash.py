"""A process killed while it writes leaves all of a turn or nothing of it."""

import subprocess
import sys
from contextlib import closing

import pytest

from monitor.store import open_store

# Every turn moves the position by 200 and adds 200 to the count of each of 200 violations.
WRITER = """
import sys
from monitor.model import Checkpoint, Part, Segment, Turn
from monitor.store import open_store
from tests.support.turns import event

store = open_store(sys.argv[1])
done = store.checkpoints().get("logs-0", Checkpoint(0, "p")).next_position
while True:
    done += 200
    store.write(Turn(
        checkpoints=(("logs-0", Checkpoint(done, "p")),),
        parts=tuple(Part("logs-0", event(str(n), count=200)) for n in range(200)),
        segments=(Segment("bulk", "d", "logs-0", done, done, 1, b"x" * 5000),),
        event_counts=(("logs-0", "events", 200),),
    ))
    print(done, flush=True)
"""


def killed_after(file, turns: int) -> int:
    """The last position the writer reported before it was killed in the midst of its work."""
    command = [sys.executable, "-c", WRITER, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(turns):
            reported = int(writer.stdout.readline())
        writer.kill()
    return reported


@pytest.mark.parametrize("turns", [1, 4, 9])
def test_kill_9(tmp_path, turns):
    file = tmp_path / "store.db"
    for _ in range(2):
        reported = killed_after(file, turns)
        with closing(open_store(file)) as store:
            position = store.checkpoints()["logs-0"].next_position
            assert position >= reported, "what was reported as written is there"
            assert {one.count for one in store.violations()} == {position}
            assert store.counts() == {("logs-0", "event", "events"): position}
            assert len(list(store.segments("bulk", "d", 0, position))) == position // 200
