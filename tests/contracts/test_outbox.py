"""What every outbox owes: what turns put in is said once, however often they are written; nothing is lost."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model import Part, Turn
from monitor.outbox import Claim, Settled
from monitor.store import open_store
from monitor.store.repository import SqlStore
from tests.support.alerts import DAY, HOUR, NOON, SECOND, alert
from tests.support.memory import MemoryStore
from tests.support.turns import event

LATER = NOON + 60 * DAY
AnyStore = MemoryStore | SqlStore
IMPLEMENTATIONS = ["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(scope="module", params=IMPLEMENTATIONS)
def make(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], AnyStore]]:
    """Makes empty stores of one implementation."""
    if request.param == "memory":
        yield MemoryStore
        return
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    place: str | Path = (
        tmp_path_factory.mktemp("outbox") / "store.db" if server is None else server.database()
    )
    opened: list[SqlStore] = []
    numbers = count()

    def new() -> SqlStore:
        opened.append(open_store(place, f"n{next(numbers)}"))
        return opened[-1]

    yield new
    for store in opened:
        store.close()
    if server is not None:
        server.drop(place)


@pytest.fixture
def store(make: Callable[[], AnyStore]) -> AnyStore:
    return make()


def said(store: AnyStore, target: str = "pager", now: int = LATER) -> list[Claim]:
    """Everything due, taken without being settled, so that nothing is due any more."""
    return list(store.outbox().claim(target, now, now + 1, 10_000))


def raised(store: AnyStore, target: str = "pager") -> list[tuple[str, int, int]]:
    return sorted((one.key, one.number, one.wanted) for one in said(store, target))


def take(store: AnyStore, now: int, target: str = "pager") -> list[Claim]:
    """What is due, said and taken in."""
    claims = store.outbox().claim(target, now, now + SECOND, 100)
    store.outbox().settle(
        target, [Settled(one, due=LATER * 2, told=one.wanted, told_at=now) for one in claims], now
    )
    return list(claims)


def test_a_turn_without_alerts_says_nothing(store):
    store.write(Turn(parts=(Part("logs-0", event()),)))
    assert said(store) == []
    assert store.outbox().waiting() == {}


def test_an_alert_waits_for_each_of_its_targets(store):
    store.write(Turn(alerts=(alert(targets=("pager", "hook")),)))
    assert store.outbox().waiting() == {"pager": (1, NOON), "hook": (1, NOON)}
    (one,) = said(store, "hook")
    assert (one.id, one.fingerprint, one.rule, one.wanted, one.told, one.told_at) == (
        "k1.1",
        "f1",
        "rule-a",
        1,
        0,
        None,
    )


def test_the_same_turn_twice_says_it_once(store):
    turn = Turn(alerts=(alert(), alert("k2")))
    store.write(turn)
    store.write(turn)
    assert raised(store) == [("k1", 1, 1), ("k2", 1, 1)]


def test_a_storm_of_one_fingerprint_is_one_alert(store):
    for n in range(500):
        store.write(Turn(alerts=(alert(at=NOON + n * SECOND),)))
    assert raised(store) == [("k1", 1, 1)]


def test_what_goes_on_is_said_again_after_the_interval(store):
    #  at       0h  1h  2h  2h30
    #  said     F1  F2  F3
    for at in (0, HOUR, 2 * HOUR, 2 * HOUR + HOUR // 2):
        store.write(Turn(alerts=(alert(at=NOON + at),)))
    assert raised(store) == [("k1", 1, 3)]


def test_what_was_taken_in_is_due_again_when_it_is_said_again(store):
    store.write(Turn(alerts=(alert(),)))
    take(store, NOON)
    assert take(store, NOON + HOUR) == []
    store.write(Turn(alerts=(alert(at=NOON + HOUR),)))
    assert store.outbox().waiting() == {"pager": (1, NOON + HOUR)}
    (again,) = take(store, NOON + HOUR)
    assert (again.wanted, again.told) == (2, 1)


def test_the_next_period_within_the_interval_is_the_same_alert(store):
    store.write(Turn(alerts=(alert(at=NOON, realert=DAY),)))
    next_day = alert(at=NOON + 13 * HOUR, violation="f2", ends=NOON + 36 * HOUR, realert=DAY)
    store.write(Turn(alerts=(next_day,)))
    assert raised(store) == [("k1", 1, 1)], "yesterday's ended, but was said less than a day ago"
    store.write(Turn(alerts=(replace(next_day, at=NOON + DAY, newest=NOON + DAY),)))
    assert [(one.number, one.fingerprint) for one in said(store)] == [(2, "f2")]
    assert {one.fingerprint for one in said(store, now=LATER + DAY)} == {"f1", "f2"}


def test_an_open_episode_that_is_recomputed_stays_one_alert(store):
    store.write(Turn(alerts=(alert(violation="e1", newest=1),)))
    store.write(Turn(alerts=(alert(violation="e2", newest=1, at=NOON + SECOND),)))
    (one,) = said(store)
    assert one.fingerprint == "e1", "what receivers know it by stays"
    store.write(Turn(alerts=(alert(violation="e2", newest=1, at=NOON + 9 * HOUR),)))
    assert raised(store) == [], "nothing new is nothing to say again"
    assert len(said(store, now=LATER + DAY)) == 1


def test_an_episode_that_grew_is_prolonged(store):
    store.write(Turn(alerts=(alert(newest=1, ends=NOON + HOUR),)))
    store.write(Turn(alerts=(alert(newest=2, ends=NOON + 2 * HOUR, at=NOON + SECOND),)))
    assert [one.ends for one in said(store)] == [NOON + 2 * HOUR]


def test_a_late_word_of_an_earlier_period_does_not_shorten(store):
    store.write(Turn(alerts=(alert(),)))
    store.write(Turn(alerts=(alert(violation="f0", ends=NOON - 12 * HOUR, at=NOON + SECOND),)))
    assert [one.ends for one in said(store)] == [NOON + 12 * HOUR]


def test_a_claim_is_nobody_elses_until_its_time_is_over(store):
    store.write(Turn(alerts=(alert(),)))
    outbox = store.outbox()
    assert len(outbox.claim("pager", NOON, NOON + 30 * SECOND, 10)) == 1
    assert len(outbox.claim("pager", NOON + 29 * SECOND, NOON + DAY, 10)) == 0
    assert len(outbox.claim("pager", NOON + 30 * SECOND, NOON + DAY, 10)) == 1


def test_what_is_said_again_while_it_is_being_said_is_not_lost(store):
    store.write(Turn(alerts=(alert(),)))
    (claim,) = store.outbox().claim("pager", NOON, NOON + SECOND, 10)
    store.write(Turn(alerts=(alert(at=NOON + HOUR),)))
    store.outbox().settle("pager", [Settled(claim, due=LATER * 2, told=1, told_at=NOON)], NOON + HOUR)
    (again,) = said(store, now=NOON + HOUR)
    assert (again.wanted, again.told) == (2, 1)


def test_what_is_prolonged_while_its_end_is_said_goes_on(store):
    store.write(Turn(alerts=(alert(ends=NOON + HOUR, newest=1, realert=DAY),)))
    (claim,) = store.outbox().claim("pager", NOON + HOUR, NOON + HOUR + SECOND, 10)
    prolonged = alert(at=NOON + HOUR - SECOND, ends=NOON + 2 * HOUR, newest=2, realert=DAY)
    store.write(Turn(alerts=(prolonged,)))
    done = Settled(claim, due=NOON + HOUR, told=1, told_at=NOON, done=True)
    store.outbox().settle("pager", [done], NOON + HOUR)
    assert len(said(store)) == 1
    store.outbox().settle("pager", [done], NOON + 2 * HOUR)
    assert said(store, now=LATER + DAY) == []


def test_a_failure_waits_and_a_success_does_not(store):
    store.write(Turn(alerts=(alert(),)))
    (claim,) = said(store)
    failed = Settled(claim, NOON + SECOND, 0, None, attempts=1, error="timeout")
    store.outbox().settle("pager", [failed], NOON)
    assert store.outbox().waiting() == {"pager": (1, NOON)}
    assert not store.outbox().claim("pager", NOON + SECOND - 1, NOON + SECOND, 10)
    (again,) = store.outbox().claim("pager", NOON + SECOND, NOON + SECOND, 10)
    assert again.attempts == 1
    store.outbox().settle("pager", [Settled(again, LATER, 1, NOON)], NOON)
    assert store.outbox().waiting() == {}


def test_a_clock_that_was_ahead_silences_nothing(store):
    #  clock     a year ahead        now
    #  said      F1 in vain          F1   and the next one under the key, a realert later
    ahead = NOON + 365 * DAY
    store.write(Turn(alerts=(alert(at=ahead, ends=NOON + 12 * HOUR, newest=1, burst=1),)))
    (one,) = store.outbox().claim("pager", ahead, ahead + HOUR, 10)
    store.outbox().settle("pager", [Settled(one, ahead + HOUR, 0, None, 1, "timeout")], ahead)
    (again,) = store.outbox().claim("pager", NOON, NOON + SECOND, 10)
    assert again.id == one.id
    assert store.outbox().claim("pager", NOON, NOON + SECOND, 10) == (), "it is somebody's"
    assert store.outbox().waiting() == {"pager": (1, NOON)}
    store.outbox().settle("pager", [Settled(again, ahead, 1, NOON)], NOON)
    # The word that was given a year ahead keeps neither the key nor the rule quiet.
    store.write(Turn(alerts=(alert(at=NOON, newest=2), alert("k2", at=NOON, newest=2, burst=1))))
    assert [one.id for one in said(store)] == ["k1.1", "k2.1"]


def test_clocks_that_differ_a_little_say_nothing_twice(store):
    store.write(Turn(alerts=(alert(at=NOON + 60 * SECOND, newest=1),)))
    take(store, NOON + 60 * SECOND)
    store.write(Turn(alerts=(alert(at=NOON, newest=2),)))
    assert store.outbox().claim("pager", NOON, NOON + SECOND, 10) == ()


def test_the_violation_comes_as_it_is_now(store):
    violation = event("now", count=3)
    said_of = alert(violation=violation.fingerprint)
    store.write(Turn(parts=(Part("logs-0", violation),), alerts=(said_of,)))
    store.write(Turn(parts=(Part("logs-0", violation),)))
    (one,) = said(store)
    assert one.violation is not None
    assert one.violation.count == 6


def test_a_violation_that_is_gone_leaves_its_alert(store):
    violation = event("gone")
    store.write(Turn(parts=(Part("logs-0", violation),), alerts=(alert(violation=violation.fingerprint),)))
    store.forget("logs-0")
    (one,) = said(store)
    assert one.violation is None
    assert "E-mail address in a URL" in one.facts


def test_what_overflows_is_kept_counted_and_told_of_in_one(store):
    store.write(Turn(alerts=tuple(alert(f"k{n}", burst=10) for n in range(25))))
    store.write(Turn(alerts=tuple(alert(f"m{n}", burst=10, at=NOON + SECOND) for n in range(5))))
    store.write(Turn(alerts=(alert("other", burst=10, rule="rule-b"),)))
    claims = said(store)
    overflow = [one for one in claims if one.fingerprint == "overflow"]
    assert [(one.key, one.held) for one in overflow] == [("overflow.rule-a", 20)]
    assert len(claims) == 12
    # An hour later the rule may speak again, also of what was held back.
    store.write(Turn(alerts=(alert("k20", burst=10, at=NOON + 2 * HOUR),)))
    assert ("k20", 2, 1) in [(one.key, one.number, one.wanted) for one in said(store, now=LATER + DAY)]


steps = st.lists(
    st.tuples(st.sampled_from(["k1", "k2"]), st.integers(0, 5), st.integers(0, 90 * 60)),
    min_size=1,
    max_size=25,
)


@settings(max_examples=40)
@given(steps)
def test_between_two_words_of_a_key_lies_the_interval(make, history):
    store = make()
    at, words = NOON, {"k1": [], "k2": []}
    for key, period, passed in history:
        at += passed * SECOND
        one = alert(key, f"{key}-{period}", at=at, ends=NOON + (period + 1) * HOUR)
        store.write(Turn(alerts=(one,)))
        store.write(Turn(alerts=(one,)))
        # What was taken before is not due again, unless it was said again.
        words[key] += [at for _ in said(store)]
    for said_at in words.values():
        gaps = [b - a for a, b in itertools.pairwise(said_at)]
        assert all(gap >= HOUR for gap in gaps)
    assert {key for key, times in words.items() if times} == {key for key, *_ in history}


KEYS, TARGETS = ["k1", "k2", "k3"], ["pager", "hook"]
turns = st.builds(
    lambda keys, period, length, newest, burst, targets: (
        "turn",
        keys,
        period,
        length,
        newest,
        burst,
        targets,
    ),
    st.sets(st.sampled_from(KEYS), min_size=1).map(sorted),
    st.integers(0, 2),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(0, 4),
    st.sampled_from([("pager",), ("pager", "hook")]),
)
claims = st.tuples(st.just("claim"), st.sampled_from(TARGETS), st.integers(1, 3), st.integers(0, 3))
settles = st.tuples(
    st.just("settle"), st.integers(0, 5), st.sampled_from(["told", "failed", "done"]), st.integers(0, 3)
)
# Now and then the clock is set back by hours, or was ahead by a day.
minutes = st.one_of(st.integers(0, 50), st.integers(0, 50), st.sampled_from([-300, 1440, -1440]))
happenings = st.lists(st.tuples(st.one_of(turns, claims, settles), minutes), min_size=1, max_size=25)


def lived(store: AnyStore, history) -> list[object]:
    """Everything that was seen of the outbox while all of it happened, the time in quarters of an hour."""
    now, seen, open_claims = NOON, [], []
    for (what, *words), minutes in history:
        now += minutes * 60 * SECOND
        if what == "turn":
            keys, period, length, newest, burst, targets = words
            violations = [event(f"{key}-{period}") for key in keys]
            alerts = [
                alert(
                    key,
                    violation.fingerprint,
                    now,
                    ends=NOON + (period + length) * HOUR,
                    newest=now if newest else NOON,
                    facts=f'{{"period": "{period}"}}',
                    burst=burst,
                    targets=targets,
                )
                for key, violation in zip(keys, violations, strict=True)
            ]
            store.write(Turn(parts=tuple(Part("logs-0", v) for v in violations), alerts=tuple(alerts)))
        elif what == "claim":
            target, limit, lease = words
            found = store.outbox().claim(target, now, now + lease * 15 * 60 * SECOND, limit)
            open_claims += [(target, one) for one in found]
            seen.append(tuple(found))
        elif open_claims:
            number, outcome, wait = words
            target, one = open_claims.pop(number % len(open_claims))
            due = now + wait * 15 * 60 * SECOND
            settled = {
                "told": Settled(one, due, one.wanted, now),
                "failed": Settled(one, due, one.told, one.told_at, one.attempts + 1, "timeout"),
                "done": Settled(one, due, one.told, now, done=True),
            }
            store.outbox().settle(target, [settled[outcome]], now)
        seen.append(dict(store.outbox().waiting()))
    return [*seen, *(said(store, target) for target in TARGETS)]


@settings(max_examples=80)
@given(happenings)
def test_whatever_happens_is_seen_as_in_the_plain_twin(make, history):
    assert lived(make(), history) == lived(MemoryStore(), history)
