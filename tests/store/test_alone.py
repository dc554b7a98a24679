"""One daemon to a namespace of a SQLite file: the second waits a while, says for whom, and gives up."""

import os
import signal

import pytest

from monitor.clock import ManualClock, SystemClock
from monitor.errors import StoreError
from monitor.store.alone import WAIT_SECONDS, alone
from tests.real.test_follow_run import daemon, settings_for
from tests.support.crashes import Instance

CLOCK = SystemClock()


class Passing(ManualClock):
    """Something happens while somebody waits."""

    def __init__(self, happens) -> None:
        super().__init__(0)
        self._happens = happens

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._happens()


def test_the_second_is_told_who_is_there_and_gives_up(tmp_path, caplog):
    place = str(tmp_path / "store.db")
    clock = ManualClock(0)
    with alone(place, "default"):
        wanted = (
            rf"store {place}: another daemon \(process {os.getpid()}\) runs on namespace default; stop that"
        )
        with pytest.raises(StoreError, match=wanted), alone(place, "default", clock):
            raise AssertionError("both have it")
        with alone(place, "other/../namespace"):
            pass
        (tmp_path / "link.db").symlink_to(place)
        with pytest.raises(StoreError), alone(str(tmp_path / "link.db"), "default", ManualClock(0)):
            pass
    assert WAIT_SECONDS <= clock.monotonic() < WAIT_SECONDS + 1
    said = caplog.messages[0]
    assert f"its end is waited for, {WAIT_SECONDS:g} s" in said
    with alone(place, "default"):
        pass
    assert {path.parent for path in tmp_path.rglob("*")} == {tmp_path}


def test_it_takes_over_from_one_that_ends(tmp_path):
    place = str(tmp_path / "store.db")
    first = alone(place, "default")
    first.__enter__()
    clock = Passing(lambda: first.__exit__(None, None, None) if clock.monotonic() > 3 else None)
    with alone(place, "default", clock):
        assert 3 < clock.monotonic() < 4


def test_a_server_takes_many(tmp_path):
    place = "postgresql://privwatch@db.internal:5432/privwatch"
    with alone(place, "default"), alone(place, "default"):
        pass


def test_a_folder_that_is_not_there(tmp_path):
    with (
        pytest.raises(StoreError, match="cannot be written"),
        alone(str(tmp_path / "no" / "store.db"), "default"),
    ):
        pass


def test_a_daemon_takes_over_from_one_that_is_killed(tmp_path):
    log = tmp_path / "app.log"
    log.write_text("2026-11-16T09:00:00Z all is well\n" * 5)
    files = {"app": {"paths": str(log), "format": "text"}}
    first = daemon(tmp_path, files)
    second = Instance(tmp_path, "second", settings_for(tmp_path, files))
    try:
        second.start()
        until = CLOCK.monotonic() + 60
        while "its end is waited for" not in second.said():
            assert CLOCK.monotonic() < until, second.said()
            CLOCK.sleep(0.1)
        assert f"another daemon (process {first.process.pid}) runs on namespace default" in second.said()
        assert first.stop(signal.SIGKILL) == -signal.SIGKILL
        second.wait_reading()
        second.stop()
    finally:
        second.close()
