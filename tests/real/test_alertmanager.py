"""A real Alertmanager: what it holds, what it notifies, and that each alert arrives once it is back."""

import uuid
from contextlib import closing
from threading import Event, Thread
from typing import Self

import pytest

from monitor.clock import SystemClock
from monitor.model import Turn
from monitor.outbox import TAKEN, Manner, Notice
from monitor.pipeline.alerts import Wording
from monitor.pipeline.sender import Pace, Sender
from monitor.sinks.alertmanager import AlertmanagerTarget
from monitor.store import open_store
from tests.support.alerts import DAY, SECOND, alert

pytestmark = pytest.mark.alertmanager

CLOCK = SystemClock()


def until(holds, seconds: float = 30) -> None:
    deadline = CLOCK.monotonic() + seconds
    while not holds():
        assert CLOCK.monotonic() < deadline, f"not within {seconds} s"
        CLOCK.sleep(0.1)


class Sending:
    """A sender in a thread, as the daemon has it."""

    def __init__(self, store, url: str, hold: float, resend: float = 1.0) -> None:
        self.target = AlertmanagerTarget(Manner("am", resend=resend, patience=2), url)
        self.stop = Event()
        sender = Sender(
            target=self.target,
            outbox=store.outbox(),
            wording=Wording(),
            clock=CLOCK,
            pace=Pace(hold=hold, idle=0.1),
        )
        self.thread = Thread(target=sender.run, args=(self.stop.wait,))

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join(10)
        self.target.close()


def raised(key: str, seconds: float = 0, **changes):
    """An alert of now, open for that many seconds."""
    now = CLOCK.now()
    ends = now + round(seconds * SECOND)
    return alert(key, key, at=now, starts=now, ends=ends, targets=("am",), **changes)


def test_it_holds_what_it_is_told(alertmanager, tmp_path):
    key = uuid.uuid4().hex
    with closing(open_store(tmp_path / "a.db")) as store, Sending(store, alertmanager.url, hold=3):
        store.write(Turn(alerts=(raised(key, 3),)))
        mine = lambda: [one for one in alertmanager.alerts() if one["labels"]["fingerprint"] == key]  # noqa: E731
        until(mine)
        (one,) = mine()
        assert one["labels"] == {
            "alertname": "email_in_url",
            "rule": "rule-a",
            "level": "high",
            "tier": "page",
            "fingerprint": key,
        }
        assert one["annotations"]["summary"] == "E-mail address in a URL"
        until(lambda: not mine(), 20)


def test_firing_and_resolved_are_notified_once_each(alertmanager_server, tmp_path):
    alertmanager_server.start()
    with closing(open_store(tmp_path / "a.db")) as store, Sending(store, alertmanager_server.url, hold=2):
        store.write(Turn(alerts=(raised("long", 2), raised("over", -86_400))))
        until(lambda: len(alertmanager_server.notified()) >= 4)
        CLOCK.sleep(2)
    told = sorted((labels["fingerprint"], status) for status, labels in alertmanager_server.notified())
    assert told == [("long", "firing"), ("long", "resolved"), ("over", "firing"), ("over", "resolved")]


def test_away_each_alert_arrives_once_it_is_back(alertmanager_server, tmp_path):
    with closing(open_store(tmp_path / "a.db")) as store, Sending(store, alertmanager_server.url, hold=60):
        for n in range(150):
            store.write(Turn(alerts=(raised(f"k{n}", 3600, burst=1000),)))
        CLOCK.sleep(5)
        assert store.outbox().waiting()["am"][0] == 150
        alertmanager_server.start()
        until(lambda: not store.outbox().waiting(), 120)  # tries are a minute apart at most
        until(lambda: len(alertmanager_server.notified()) >= 150, 60)
        CLOCK.sleep(2)
        told = [(labels["fingerprint"], status) for status, labels in alertmanager_server.notified()]
        # On a busy machine Alertmanager itself tries its receiver twice, so that is not counted here.
        assert set(told) == {(f"k{n}", "firing") for n in range(150)}


def test_one_that_lost_its_memory_is_told_again(alertmanager_server, tmp_path):
    alertmanager_server.start()
    with closing(open_store(tmp_path / "a.db")) as store, Sending(store, alertmanager_server.url, hold=60):
        store.write(Turn(alerts=(raised("k1", 3600),)))
        until(alertmanager_server.alerts)
        alertmanager_server.stop()
        alertmanager_server.start()
        until(alertmanager_server.alerts)


def test_it_refuses_what_is_wrong_and_the_others_get_through(alertmanager_server):
    alertmanager_server.start()
    target = AlertmanagerTarget(Manner("am", patience=2), alertmanager_server.url)
    now = CLOCK.now()
    good = Notice("a", "firing", 1, (("alertname", "good"),), (("summary", "ä {…} \u2028"),), now, now + DAY)
    bad = Notice("b", "firing", 1, (("not a label", "x"),), (), now, now + DAY)
    outcomes = target.send([good, bad], now)
    target.close()
    assert [one.reason for one in outcomes] == [TAKEN.reason, "answered_400"]
    assert [one["labels"]["alertname"] for one in alertmanager_server.alerts()] == ["good"]
