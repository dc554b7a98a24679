"""The sender: says what is due, in order, until it is taken in; what goes wrong delays and loses nothing."""

import json
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest

from monitor.clock import ManualClock
from monitor.errors import StoreError
from monitor.model import Turn
from monitor.outbox import Outcome
from monitor.pipeline.alerts import Wording
from monitor.pipeline.sender import Pace, Sender
from monitor.store import open_store
from monitor.store.repository import SqlStore
from tests.support.alerts import DAY, HOUR, NOON, SECOND, MemoryTarget, alert

HOLD = 300


@pytest.fixture
def store(tmp_path) -> Iterator[SqlStore]:
    with closing(open_store(tmp_path / "store.db")) as opened:
        yield opened


class Bench:
    """A sender over a store, a target and a clock that moves when told."""

    def __init__(self, store: SqlStore, target: MemoryTarget | None = None) -> None:
        self.store = store
        self.clock = ManualClock(NOON)
        self.target = target or MemoryTarget()
        self.seen: Counter[tuple[str, str, str]] = Counter()
        self.sender = Sender(
            target=self.target,
            outbox=store.outbox(),
            wording=Wording((("site", "muenchen"),), "https://privacy.test/v/{fingerprint}"),
            clock=self.clock,
            pace=Pace(hold=HOLD),
            observe=lambda *key: self.seen.update([key]),
        )

    def raise_alerts(self, *alerts) -> None:
        self.store.write(Turn(alerts=alerts))

    def run(self, seconds: float) -> None:
        """Let that time pass, a second at a time."""
        for _ in range(round(seconds)):
            while self.sender.step() == self.target.manner.batch:
                pass
            self.clock.sleep(1)

    def told(self) -> list[tuple[str, str]]:
        return [(notice.id, notice.status) for notice in self.target.told]


def test_firing_then_resolved_when_the_period_ends(store):
    bench = Bench(store)
    bench.raise_alerts(alert(ends=NOON + HOUR))
    bench.run(HOUR / SECOND - 1)
    assert bench.told() == [("k1.1.firing.1", "firing")]
    bench.run(3)
    assert bench.told() == [("k1.1.firing.1", "firing"), ("k1.1.resolved.1", "resolved")]
    assert bench.target.told[-1].ends == NOON + HOUR
    bench.run(1000)
    assert len(bench.told()) == 2, "and that is all"


def test_a_period_that_is_long_over_fires_for_the_hold(store):
    bench = Bench(store)
    bench.raise_alerts(alert(starts=NOON - 9 * DAY, ends=NOON - 8 * DAY))
    bench.run(HOLD - 1)
    assert [status for _, status in bench.told()] == ["firing"]
    bench.run(3)
    assert [status for _, status in bench.told()] == ["firing", "resolved"]
    fired, resolved = bench.target.told
    assert fired.ends > NOON, "what ended in the past would never be notified"
    assert resolved.starts <= resolved.ends <= bench.clock.now()


def test_what_fires_is_said_again_until_it_is_resolved(store):
    bench = Bench(store, MemoryTarget(resend=60.0, batch=100))
    bench.raise_alerts(alert(ends=NOON + 600 * SECOND))
    bench.run(601)
    statuses = [status for _, status in bench.told()]
    assert statuses == ["firing"] * 10 + ["resolved"]
    assert {notice.id for notice in bench.target.told[:-1]} == {"k1.1.firing.1"}
    assert all(notice.ends >= NOON + 600 * SECOND for notice in bench.target.told[:-1])


def test_a_clock_that_is_set_back_delays_no_word_of_the_end(store):
    bench = Bench(store, MemoryTarget(resend=60.0, batch=100))
    bench.clock.micros = NOON + 365 * DAY
    bench.raise_alerts(alert(at=bench.clock.now(), ends=NOON + HOUR, newest=1))
    bench.run(5)
    assert bench.told() == [("k1.1.firing.1", "firing")]
    bench.clock.micros = NOON
    bench.run(HOUR / SECOND + 5)
    statuses = [status for _, status in bench.told()]
    assert statuses == ["firing"] * 61 + ["resolved"]
    assert bench.target.told[-1].ends == NOON + HOUR


def test_the_next_word_of_the_same_alert_has_its_own_number(store):
    bench = Bench(store)
    bench.raise_alerts(alert(ends=NOON + 3 * HOUR))
    bench.run(5)
    bench.clock.micros = NOON + HOUR
    bench.raise_alerts(alert(at=NOON + HOUR, ends=NOON + 3 * HOUR))
    bench.run(5)
    assert bench.told() == [("k1.1.firing.1", "firing"), ("k1.1.firing.2", "firing")]
    bench.clock.micros = NOON + 3 * HOUR
    bench.run(5)
    assert bench.told()[-1] == ("k1.1.resolved.2", "resolved")


def test_a_target_that_is_away_for_a_minute_gets_every_alert_once_it_is_back(store):
    bench = Bench(store)
    bench.target.always = Outcome("unreachable")
    for n in range(20):
        bench.raise_alerts(alert(f"k{n}", at=bench.clock.now()))
        bench.run(3)
    bench.target.told.clear()
    bench.target.always = Outcome()
    bench.run(61)
    assert Counter(bench.told()) == {(f"k{n}.1.firing.1", "firing"): 1 for n in range(20)}
    assert store.outbox().waiting() == {}
    assert bench.seen["pager", "firing", ""] == 20
    assert bench.seen["pager", "firing", "unreachable"] > 20


def test_tries_become_rarer_but_never_end(store):
    bench = Bench(store)
    bench.target.always = Outcome("answered_500")
    bench.raise_alerts(alert(ends=NOON + DAY))
    bench.run(600)
    assert 12 <= len(bench.told()) <= 20
    assert {ident for ident, _ in bench.told()} == {"k1.1.firing.1"}
    assert store.outbox().waiting() == {"pager": (1, NOON)}


def test_a_target_may_ask_for_time(store):
    bench = Bench(store)
    bench.target.outcomes = [Outcome("answered_429", wait=120.0)]
    bench.raise_alerts(alert())
    bench.run(119)
    assert len(bench.told()) == 1
    bench.run(3)
    assert len(bench.told()) == 2


def test_it_is_never_resolved_before_it_was_taken_in(store):
    bench = Bench(store)
    bench.target.always = Outcome("timeout")
    bench.raise_alerts(alert(ends=NOON + 60 * SECOND))
    bench.run(600)
    assert {status for _, status in bench.told()} == {"firing"}
    bench.target.always = Outcome()
    bench.run(120)
    bench.run(HOLD)
    assert [status for _, status in bench.told()][-2:] == ["firing", "resolved"]


def test_a_refused_one_holds_up_no_other(store):
    bench = Bench(store)
    bench.target.outcomes = [Outcome("answered_400")]
    bench.raise_alerts(alert("k1"), alert("k2"))
    bench.run(0.6)
    assert [ident for ident, _ in bench.told()] == ["k1.1.firing.1", "k2.1.firing.1"]


def test_killed_between_the_write_and_the_word_it_is_said_after_the_lease(store):
    died, bench = Bench(store), Bench(store)
    died.target.send = None  # dies on the way
    bench.raise_alerts(alert())
    with pytest.raises(TypeError):
        died.sender.step()
    bench.run(29)
    assert bench.told() == []
    bench.run(3)
    assert bench.told() == [("k1.1.firing.1", "firing")]


def test_killed_between_the_word_and_its_note_it_is_said_twice_under_one_id(store):
    bench = Bench(store)
    bench.raise_alerts(alert())
    settle, bench.sender._outbox.settle = bench.sender._outbox.settle, None
    with pytest.raises(TypeError):
        bench.sender.step()
    bench.sender._outbox.settle = settle
    bench.run(40)
    assert bench.told() == [("k1.1.firing.1", "firing")] * 2


def test_the_words(store):
    bench = Bench(store)
    bench.raise_alerts(alert())
    bench.run(1)
    (notice,) = bench.target.told
    assert notice.labels == (
        ("site", "muenchen"),
        ("alertname", "email_in_url"),
        ("rule", "rule-a"),
        ("level", "high"),
        ("tier", "page"),
        ("fingerprint", "f1"),
    )
    assert dict(notice.annotations) == {
        "summary": "E-mail address in a URL",
        "description": "3 events from 2026-11-16T11:00:00Z to 2026-11-16T11:58:00Z, 2 people: "
        "email raw in url.original.",
        "articles": "GDPR Art. 5(1)(c), 25",
        **json.loads(alert().facts)["violation"],
    }
    assert notice.link == "https://privacy.test/v/f1"
    assert notice.starts == NOON - HOUR


def test_what_was_held_back_is_told_with_its_number(store):
    bench = Bench(store)
    bench.raise_alerts(*(alert(f"k{n}", burst=2) for n in range(7)))
    bench.run(1)
    (notice,) = [one for one in bench.target.told if dict(one.labels)["fingerprint"] == "overflow"]
    told = dict(notice.annotations)
    assert told["summary"] == "E-mail address in a URL: 5 more"
    assert told["description"].startswith("5 more alerts of this rule were held back")
    assert notice.link == ""


class Rounds:
    """A wait that lets some rounds pass."""

    def __init__(self, count: int) -> None:
        self.left = count

    def __call__(self, seconds: float) -> bool:
        self.left -= seconds > 0
        return self.left < 0


def test_a_store_that_fails_delays_and_a_mistake_of_ours_does_too(store, caplog):
    bench = Bench(store)
    bench.raise_alerts(alert())
    claim = bench.sender._outbox.claim
    errors = [StoreError("store x: the disk is full"), ValueError("ortrud@acme-hospital.org")]

    def failing(*args):
        if errors:
            raise errors.pop(0)
        return claim(*args)

    bench.sender._outbox.claim = failing
    with caplog.at_level(logging.WARNING):
        bench.sender.run(Rounds(4))
    assert bench.told() == [("k1.1.firing.1", "firing")]
    said = " ".join(caplog.messages)
    assert "the disk is full" in said
    assert "ValueError" in said
    assert "ortrud" not in caplog.text
    assert bench.seen["pager", "", "internal"] == 1


def test_going_wrong_and_right_again_is_logged_once_each(store, caplog):
    bench = Bench(store)
    bench.target.always = Outcome("timeout")
    bench.raise_alerts(alert())
    with caplog.at_level(logging.WARNING):
        bench.run(30)
        bench.target.always = Outcome()
        bench.run(60)
    assert caplog.messages == [
        "alerts for pager wait, and are tried again: timeout",
        "alerts for pager are taken in again",
    ]
