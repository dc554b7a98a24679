"""What is too old goes, all of it and nothing else; after every step the ledger still proves what is left."""

import datetime as dt
from contextlib import closing
from dataclasses import replace

import pytest

from monitor.ledger.entries import ERASURE, RETENTION
from monitor.model import FILTERED, Alert, Turn
from monitor.outbox import Settled
from monitor.review import incident, retention, verdicts
from monitor.review.desk import Desk
from monitor.sections import RetentionSettings
from monitor.store import open_store
from tests.support.review import DAY, NOW, RULES, SIGNER, found, turn
from tests.support.turns import event

POLICY = RetentionSettings()
YEAR = 365
TODAY = dt.date(2026, 11, 24)


def of(key: str, days: int, **changes):
    """A violation of a case, so many days old."""
    day = (TODAY - dt.timedelta(days=days)).isoformat()
    at = NOW - days * DAY
    return replace(
        found(key), fingerprint=event(f"{key}{day}").fingerprint, period=day, first=at, last=at, **changes
    )


FOUND = (
    of("open", 400),
    of("open", 366),
    of("open", 365),
    of("young", 100),
    of("dismissed", 400),
    of("incident", 400),
    of("long-ago", 1900),
    of("on-hold", 400),
    of("accepted", 400),
    of("accepted-once", 400),
    of("clock", 1900),
    of("hidden", 400, status=FILTERED),
    of("hidden-young", 300, status=FILTERED),
    replace(of("undated", 0), period="undated", first=None, last=None),
)
GONE = {"open": 2, "dismissed": 1, "long-ago": 1, "accepted-once": 1}
"""Cases with violations that are too old, and how many."""


@pytest.fixture
def desk(tmp_path):
    with closing(open_store(tmp_path / "store.db")) as store:
        yield filled(store)


def filled(store) -> Desk:
    """Cases of every kind and age, as people decided on them at the time."""
    store.write(turn(*FOUND))
    clock = type("Then", (), {"now": lambda _: NOW - 1800 * DAY})()
    desk = Desk(store.casebook(SIGNER), RULES, clock)
    desk.catch_up()

    def decide(key: str, state: str, **terms) -> None:
        at = desk.now()
        desk.change(verdicts.decide(desk.book.case(key), verdicts.Decision(state, "ada", "so", **terms), at))
        if state in verdicts.FOUR_EYES:
            desk.change(verdicts.confirm(desk.book.case(key), "bela", at))

    decide("dismissed", verdicts.OUT_OF_SCOPE)
    for key in ("incident", "long-ago", "clock"):
        decide(key, verdicts.BREACH)
    desk.change(incident.aware(desk.book.case("clock"), "ada", NOW - 1900 * DAY, "so", NOW))
    desk.change(retention.hold(desk.book.case("on-hold"), "ada", "a court asked"))
    decide("accepted", verdicts.ACCEPTED, owner="bela", until=TODAY + dt.timedelta(days=1))
    decide("accepted-once", verdicts.ACCEPTED, owner="bela", until=TODAY - dt.timedelta(days=30))
    return desk


def counted(desk) -> dict[str, int]:
    keys = {one.group for one in FOUND if one.status != FILTERED}
    cases = {key: desk.book.case(key) for key in keys}
    return {key: case.violations for key, case in cases.items() if case is not None}


def faults(desk) -> list:
    return list(desk.book.verify(SIGNER.public))


def test_what_is_due_is_said_kind_by_kind_and_nothing_goes(desk):
    before = counted(desk)
    lines = {line.kind: line for line in retention.due(desk.book, POLICY, NOW)}
    assert set(lines) == set(retention.LABELS)
    assert {kind: (line.due, line.kept) for kind, line in lines.items()} == {
        retention.OPEN: (2, 1),
        retention.SETTLED: (2, 1),
        retention.INCIDENT: (1, 1),
        retention.HIDDEN: (1, 0),
        retention.CASES: (0, 0),
        retention.ALERTS: (0, 0),
        retention.PAYLOADS: (0, 0),
    }
    assert lines[retention.OPEN].before == dt.date(2025, 11, 24)
    assert counted(desk) == before
    assert faults(desk) == []


def test_what_is_too_old_goes_and_every_step_can_be_proved(desk, tmp_path):
    before, gone = counted(desk), dict[str, int]()
    for kind, number in retention.steps(desk.book, POLICY, NOW, "privwatch"):
        gone[kind] = gone.get(kind, 0) + number
        assert faults(desk) == []
    # What of a decided case is left goes with its last violation; an open one is no case without any.
    left = {key: number - GONE.get(key, 0) for key, number in before.items()}
    assert counted(desk) == {key: number for key, number in left.items() if number}
    assert {kind: number for kind, number in gone.items() if kind} == {
        retention.OPEN: 2,
        retention.SETTLED: 2,
        retention.INCIDENT: 1,
        retention.HIDDEN: 1,
        retention.CASES: 3,
    }
    with closing(open_store(tmp_path / "store.db")) as store:
        assert {one.group for one in store.violations() if one.status == FILTERED} == {"hidden-young"}
        assert len(list(store.violations())) == len(FOUND) - 6
    assert {line.kind: line.due for line in retention.due(desk.book, POLICY, NOW) if line.due} == {}
    assert [one for one in retention.steps(desk.book, POLICY, NOW, "privwatch") if one[0]] == []


def test_what_went_is_counted_in_the_ledger_with_its_reason(desk):
    list(retention.steps(desk.book, POLICY, NOW, "privwatch"))
    said = [outline.content for entry, outline in desk.book.ledger(None, 50) if entry.kind == RETENTION]
    assert {(one["what"], one["reason"], *one["counts"].items()) for one in said} == {
        (retention.OPEN, "older than 365 days", ("violations", 2)),
        (retention.SETTLED, "older than 365 days", ("violations", 2)),
        (retention.INCIDENT, "older than 1826 days", ("violations", 1)),
        (retention.HIDDEN, "older than 365 days", ("violations", 1)),
        (retention.CASES, "older than 365 days", ("cases", 3)),
    }


def test_a_case_that_somebody_decided_on_meanwhile_stays(desk):
    store = desk.book.retirement()
    (line, *_) = retention.due(desk.book, POLICY, NOW)
    (case,) = [one.case for one in line.aged]
    desk.change(retention.hold(case, "ada", "a court asked"))
    record = retention.Record(RETENTION, "", "privwatch", {})
    assert store.retire([case], line.before.isoformat(), record, NOW) == 0
    assert counted(desk)["open"] == 3


def test_a_hold_ends_with_a_reason(desk):
    with pytest.raises(verdicts.DecisionError, match="already"):
        retention.hold(desk.book.case("on-hold"), "ada", "again")
    with pytest.raises(verdicts.DecisionError, match="not on hold"):
        retention.release(desk.book.case("open"), "ada", "so")
    with pytest.raises(verdicts.DecisionError, match="reason"):
        retention.release(desk.book.case("on-hold"), "ada", " ")
    desk.change(retention.release(desk.book.case("on-hold"), "ada", "the court is done"))
    assert retention.holds(desk.book.case("on-hold"), NOW) == ""
    (line, *_) = retention.due(desk.book, POLICY, NOW)
    assert (line.due, line.kept) == (3, 0)


def test_a_case_that_went_may_come_again(desk, tmp_path):
    list(retention.steps(desk.book, POLICY, NOW, "privwatch"))
    with closing(open_store(tmp_path / "store.db")) as store:
        store.write(turn(of("dismissed", 1), of("dismissed", 400)))
    desk.catch_up()
    assert (desk.book.case("dismissed").state, desk.book.case("dismissed").violations) == ("new", 2)
    assert faults(desk) == []


def test_alerts_go_when_they_are_over_and_everybody_was_told(desk, tmp_path):
    def alert(key: str, days: int) -> Alert:
        at = NOW - days * DAY
        return Alert(
            key=key, violation="f", rule="mail", level="high", tier="", facts="{}", starts=at, ends=at,
            newest=at, at=at, realert=1, burst=100, targets=("pager",),
        )  # fmt: skip

    with closing(open_store(tmp_path / "store.db")) as store:
        store.write(Turn(alerts=(alert("told", 100), alert("waits", 100), alert("young", 80))))
        outbox = store.outbox()
        told = [one for one in outbox.claim("pager", NOW, NOW + 1, 10) if one.key != "waits"]
        outbox.settle("pager", [Settled(one, NOW, one.wanted, NOW, done=True) for one in told], NOW)
        lines = {line.kind: line.due for line in retention.due(desk.book, POLICY, NOW)}
        assert lines[retention.ALERTS] == 1
        gone = dict(retention.steps(desk.book, POLICY, NOW, "privwatch"))
        assert gone[retention.ALERTS] == 1
        assert desk.book.retirement().over(NOW) == 1, "the young one; the other still waits"
        assert [one.key for one in outbox.claim("pager", NOW + 2, NOW + 3, 10)] == ["waits"]


def test_payloads_go_where_nothing_rests_on_them_and_changes_are_still_found(desk, tmp_path):
    list(retention.steps(desk.book, POLICY, NOW, "privwatch"))
    entries = desk.book.head().size
    later = NOW + 2000 * DAY
    gone = dict(retention.steps(desk.book, POLICY, later, "privwatch"))
    assert gone[retention.PAYLOADS] == desk.book.erased() > 10
    assert faults(desk) == []
    assert desk.book.head().size > entries
    newest = desk.book.ledger(None, 1)[0][0]
    assert newest.kind == ERASURE
    # What is on hold and what has no time is there, and still vouched for.
    assert counted(desk) == {"on-hold": 1, "clock": 1, "undated": 1}
    for statement in (
        "UPDATE violation SET events = 9 WHERE group_key = 'on-hold'",
        "DELETE FROM ledger_payload WHERE seq = (SELECT max(seq) FROM ledger_payload)",
        "UPDATE review_case SET state = 'verified' WHERE case_key = 'on-hold'",
    ):
        assert changed(tmp_path / "store.db", statement), statement


def changed(file, statement: str) -> list:
    """What is named after a statement, which is then taken back."""
    from monitor.store.database import connect  # noqa: PLC0415 - this test reaches below
    from monitor.store.proving import prove  # noqa: PLC0415 - as above

    engine, _ = connect(file)
    with closing(engine.connect()) as connection:
        connection.exec_driver_sql(statement)
        named = list(prove(connection, "default", SIGNER.public))
        connection.rollback()
    engine.dispose()
    return named


@pytest.mark.postgresql
def test_the_same_holds_in_postgresql(database):
    with closing(open_store(database)) as store:
        desk = filled(store)
        gone = dict(retention.steps(desk.book, POLICY, NOW, "privwatch"))
        assert gone[retention.OPEN] == 2
        assert faults(desk) == []
        later = dict(retention.steps(desk.book, POLICY, NOW + 2000 * DAY, "privwatch"))
        assert later[retention.PAYLOADS] > 10
        assert faults(desk) == []
