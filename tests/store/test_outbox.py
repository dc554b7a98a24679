"""The outbox: what a turn puts in is said once, however often the turn is written, and nothing is lost."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from monitor.errors import StoreError
from monitor.model import Checkpoint, Part, Turn
from monitor.outbox import Claim, Settled
from monitor.store import open_store
from monitor.store.repository import SqlStore
from tests.support.alerts import DAY, NOON, SECOND, alert
from tests.support.turns import event

LATER = NOON + 60 * DAY


@pytest.fixture
def store(tmp_path) -> Iterator[SqlStore]:
    with closing(open_store(tmp_path / "store.db")) as opened:
        yield opened


def said(store: SqlStore, target: str = "pager", now: int = LATER) -> list[Claim]:
    """Everything due, taken without being settled, so that nothing is due any more."""
    return list(store.outbox().claim(target, now, now + 1, 10_000))


def raised(store: SqlStore, target: str = "pager") -> list[tuple[str, int, int]]:
    return sorted((one.key, one.number, one.wanted) for one in said(store, target))


def take(store: SqlStore, now: int, target: str = "pager") -> list[Claim]:
    """What is due, said and taken in."""
    claims = store.outbox().claim(target, now, now + SECOND, 100)
    store.outbox().settle(
        target, [Settled(one, due=LATER * 2, told=one.wanted, told_at=now) for one in claims], now
    )
    return list(claims)


def test_namespaces_and_targets_do_not_meet(tmp_path):
    with (
        closing(open_store(tmp_path / "a.db", "one")) as one,
        closing(open_store(tmp_path / "a.db", "two")) as two,
    ):
        one.write(Turn(alerts=(alert(),)))
        two.write(Turn(alerts=(alert(targets=("hook",)),)))
        assert raised(two) == []
        assert raised(one, "hook") == []
        assert raised(one) == raised(two, "hook") == [("k1", 1, 1)]


def test_alert_and_violation_are_written_together_or_not_at_all(store):
    broken = replace(alert(), tier=None)
    with pytest.raises(StoreError):
        store.write(
            Turn(
                checkpoints=(("logs-0", Checkpoint(1, "p")),),
                parts=(Part("logs-0", event()),),
                alerts=(alert("k2"), broken),
            )
        )
    assert (store.checkpoints(), list(store.violations()), said(store)) == ({}, [], [])


WRITER = """
import sys
from monitor.model import Checkpoint, Part, Turn
from monitor.store import open_store
from tests.support.alerts import NOON, alert
from tests.support.turns import event

store = open_store(sys.argv[1])
done = store.checkpoints().get("logs-0", Checkpoint(0, "p")).next_position
while True:
    done += 1
    store.write(Turn(
        checkpoints=(("logs-0", Checkpoint(done, "p")),),
        parts=(Part("logs-0", event(str(done))),),
        alerts=(alert(f"k{done}", event(str(done)).fingerprint, burst=10**9),),
    ))
    print(done, flush=True)
"""


def test_killed_while_it_writes_every_violation_has_its_alert(tmp_path):
    file = tmp_path / "store.db"
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE) as writer:
            for _ in range(5):
                writer.stdout.readline()
            writer.kill()
        with closing(open_store(file)) as store:
            position = store.checkpoints()["logs-0"].next_position
            assert len(list(store.violations())) == position
            waiting = store.outbox().waiting()
            assert waiting["pager"][0] == position
