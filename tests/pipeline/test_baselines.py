"""Baselines beside a stream say what baselines over the archive say, whatever was split, saved or
restored."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine.baseline import history, judge, known
from monitor.engine.baseline.habits import compact, from_habit_segment, reads
from monitor.engine.baseline.unusual import model_of
from monitor.model import Turn
from monitor.pipeline.correlate import ArchiveWindows, LiveWindows
from monitor.rules.tree import Baseline, Correlation
from monitor.rules.vocabulary import DAILY_SIGNALS, HOURLY_SIGNALS
from tests.pipeline.test_correlate import archived, batched, live, newest, write
from tests.pipeline.test_instances import steps, together
from tests.support.baselines import NearError, Oracle, Read
from tests.support.memory import MemoryStore
from tests.support.windows import KEYRING, MICROS, RULES, Happening, correlation, deltas

FIRST = 20_700 * 86_400
DAYS = 18


def rule(signals: tuple[str, ...], *, floor: int = 3, habit: str = "h") -> Correlation:
    said = Baseline(signals, history=14, min_history=4, peers="table", cap=9, habit=habit)
    one = correlation("value_count", [("gte", floor)], timespan=3600, resolution=3600, lateness=7200)
    return replace(one, baseline=said)


rules = st.sampled_from([rule(HOURLY_SIGNALS), rule(DAILY_SIGNALS), rule(("burst",), floor=5)])


@st.composite
def weeks(draw: st.DrawFn) -> list[Happening]:
    """Two and a half weeks of some people, in the order of time but for an hour or two, perhaps about
    midnight; some days are busy."""
    rng = Random(draw(st.integers(0, 2**32)))
    hours = draw(st.sampled_from([(9, 23), (0, 23)]))
    events = []
    for who in ("ada", "bo", "cy"):
        busy = draw(st.integers(DAYS - 4, DAYS + 2))
        for day in range(rng.randrange(2), DAYS):
            for hour in hours:
                count = rng.randint(0, 2) + (rng.choice((6, 12)) if day >= busy else 0)
                begin = rng.randrange(500)
                for each in range(count):
                    about = str(begin + each if day >= busy else rng.randrange(8))
                    at = FIRST + day * 86_400 + hour * 3600 + rng.randrange(3600)
                    events.append((at + rng.randrange(3600), at, who, about))
    return [
        Happening(
            rng.choice("pppq"), offset, at * MICROS, who=who, amount=about, table="desk", rules=RULES[:1]
        )
        for offset, (_, at, who, about) in enumerate(sorted(events))
    ]


@settings(max_examples=6, deadline=None)
@given(
    rules,
    weeks(),
    st.lists(st.integers(1, 40), min_size=1, max_size=4),
    st.integers(1, 3),
    st.frozensets(st.integers(1, 30), max_size=6),
    st.sampled_from([1, 2, 5, 64]),
)
def test_live_is_archive(one, events, sizes, per_turn, restarts, compact_every):
    batches = batched(events, sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "COMPACT_EVERY", compact_every)
        patch.setattr(history, "FOLD_PANES", compact_every)
        found, late = live(one, batches, per_turn=per_turn, restarts=restarts)
    assert late == 0
    assert found == archived(one, batches)


@settings(max_examples=4, deadline=None)
@given(
    rules,
    weeks(),
    st.lists(st.integers(10, 60), min_size=1, max_size=4),
    steps,
    st.sampled_from([1, 2, 64]),
    st.booleans(),
)
def test_two_instances_are_the_archive(one, events, sizes, does, compact_every, overlap):
    """Who is outpaced goes back to what it knew, and takes in what the other one wrote."""
    batches = batched(events, sizes)
    if overlap:  # who lags behind the other by more than the lateness has late events
        one = replace(one, window=replace(one.window, lateness=DAYS * 86_400))
    does = [(swap, write or not overlap, raced, restart) for swap, write, raced, restart in does]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "COMPACT_EVERY", compact_every)
        found, late = together(one, batches, does)
    assert late == 0
    assert found == archived(one, batches)


@settings(max_examples=4, deadline=None)
@given(rules, weeks(), st.lists(st.integers(1, 40), min_size=1, max_size=4))
def test_how_an_archive_is_cut_up_changes_nothing(one, events, sizes):
    by_partition = sorted(events, key=lambda event: (event.partition, event.offset))
    assert archived(one, batched(events, sizes)) == archived(one, batched(by_partition, [1000]))


@settings(max_examples=4, deadline=None)
@given(rules, weeks())
def test_violations_are_the_days_that_plain_loops_find(one, events):
    found = {(v.actor, v.period) for v in archived(one, [events])}
    names = {who: number for number, who in enumerate(("ada", "bo", "cy"))}
    seen = [
        Read(names[e.who], e.time // (3600 * MICROS), int(e.amount), int(e.amount), "desk") for e in events
    ]
    oracle = Oracle(seen, model_of(one))
    wanted = set()
    try:
        for day in range(20_700, 20_700 + DAYS):
            wanted |= {
                (KEYRING.pseudonym(who), period(day))
                for group, _, _, signal in oracle.verdicts(day)
                for who, number in names.items()
                if number == group and signal in one.baseline.signals
            }
    except NearError:
        return
    assert found == wanted


def period(day: int) -> str:
    return str(date(1970, 1, 1) + timedelta(days=day))


def steady(days: int, *, burst: int = 0) -> list[Happening]:
    """Two people an hour in working hours, and on the last day more."""
    events = []
    for day in range(days):
        for hour in (9, 10, 11):
            count = burst if burst and day == days - 1 and hour == 10 else 2
            for each in range(count):
                at = (FIRST + day * 86_400 + hour * 3600 + each) * MICROS
                events.append(
                    Happening("p", len(events), at, who="ada", amount=f"C{day}-{each}", table="desk")
                )
    return [replace(event, rules=RULES[:1]) for event in events]


def test_the_evidence_says_what_is_normal_and_what_broke_it():
    (found,) = archived(rule(("burst",)), [steady(17, burst=40)])
    assert found.kind == "baseline"
    assert found.evidence.test == "burst"
    assert found.evidence.extract == (
        "40 people in an hour (10:00 UTC); usual then 2, at most 2, peers at most 2 (z 7.5)"
    )
    assert (found.count, len(found.subjects), found.value) == (40, 40, 40.0)
    assert found.actor == KEYRING.pseudonym("ada")
    assert found.period == period(20_700 + 16)


def test_two_signals_of_one_hour_show_that_hour_alone():
    """Of a day with a burst at ten, what was read at nine and eleven is no evidence."""
    ten = {e.offset for e in steady(17, burst=40) if e.time // (3600 * MICROS) % 24 == 10}
    (found,) = archived(rule(("burst", "cap")), [steady(17, burst=40)])
    assert found.evidence.test == "burst+cap"
    assert (found.count, len(found.subjects)) == (40, 40)
    assert {sample.offset for sample in found.samples} <= ten


def test_what_is_much_for_others_is_usual_for_who_always_does_it():
    always = [
        replace(event, offset=index, amount=f"{event.amount}-{again}")
        for index, (event, again) in enumerate((e, a) for e in steady(17) for a in range(20))
    ]
    late = [v for v in archived(rule(("burst",)), [always]) if v.period > period(20_700 + 5)]
    assert late == []


def test_without_a_history_the_floor_decides():
    found = archived(rule(("burst",), floor=10), [steady(1, burst=12)])
    assert [v.evidence.extract for v in found] == ["12 people in an hour (10:00 UTC); usual then unknown"]


def test_an_event_that_comes_too_late_is_counted_as_late():
    events = steady(3)
    too_late = replace(events[0], offset=len(events))
    _, late = live(rule(("burst",)), [events, [too_late]])
    assert late == 1


def test_what_came_too_late_does_so_after_a_restart(monkeypatch):
    """The days around it were let go of: what was said of them must stay as it is."""
    monkeypatch.setattr(history, "COMPACT_EVERY", 1)
    events = steady(3, burst=40)
    later = replace(events[0], offset=100, time=events[0].time + 60 * 86_400 * MICROS)
    too_late = replace(events[0], offset=101, amount="somebody else")
    batches = [events, [later], [too_late]]
    found, late = live(rule(("burst",)), batches, restarts=frozenset({2}))
    assert late == 1
    assert period(20_702) in {violation.period for violation in found}
    assert (found, late) == live(rule(("burst",)), batches)


def test_the_horizon_in_the_store_is_no_habit(monkeypatch):
    """A replay into the store of a daemon reads over the segment that keeps it."""
    monkeypatch.setattr(history, "COMPACT_EVERY", 1)
    one, store = rule(("burst",)), MemoryStore()
    windows = LiveWindows([one], KEYRING, store)
    events = steady(3, burst=40)
    windows.take("p", deltas(one, events), newest(events), ())
    write(store, windows)
    assert [s.rows for s in store.segments(one.header.id, "h", -(2**62), 2**62)] == [56, 0]
    said = list(store.violations())
    assert len(said) == 1
    store.write(Turn(episodes=ArchiveWindows([one], KEYRING, store).finish()))
    assert list(store.violations()) == said


def test_what_comes_of_the_day_before_changes_what_is_said_of_all():
    """Nothing is known on bo's first day, until what ada did before midnight gives him peers."""
    night = [
        Happening("p", n, (FIRST + 86_400 + n) * MICROS, who="bo", amount=f"C{n}", table="desk")
        for n in range(9)
    ]
    evening = [
        replace(event, offset=9 + n, time=event.time - 600 * MICROS, who="ada", amount=f"C{n % 3}")
        for n, event in enumerate(night)
    ]
    one = rule(("burst",))
    said = {v.actor: v.evidence.extract for v in live(one, [night])[0]}
    assert said == {KEYRING.pseudonym("bo"): "9 people in an hour (00:00 UTC); usual then unknown"}
    found, late = live(one, [night, evening])
    said = {v.actor: v.evidence.extract for v in found}
    assert said[KEYRING.pseudonym("bo")].startswith("9 people in an hour (00:00 UTC); usual then 1,")
    assert late == 0
    assert found == archived(one, [night, evening])


def test_a_batch_costs_by_the_groups_it_touches(monkeypatch):
    """On a day whose norms are known nothing is worked out of what others read."""
    counted = Counter()

    def watched(module, name):
        work = getattr(module, name)

        def count(first, *others, **named):
            counted[name] += first["group"].n_unique() if name == "facts" else 1
            return work(first, *others, **named)

        monkeypatch.setattr(module, name, count)

    for module, name in [(history, "facts"), (known, "facts"), (judge, "hour_norms"), (judge, "day_norms")]:
        watched(module, name)
    one = rule(("burst",))
    store = MemoryStore()
    windows = LiveWindows([one], KEYRING, store)
    said = []
    for offset, who in enumerate(["ada", "bo", "cy", "ada"]):
        counted.clear()
        event = replace(steady(1)[0], offset=offset, who=who, amount=f"C{offset}")
        windows.take("p", deltas(one, [event]), event.time, ())
        write(store, windows)
        said.append(dict(counted))
    norms = {"hour_norms": 1, "day_norms": 1}
    # The first one of the day works out the norms, of all; after it each its own group's facts.
    assert said == [{"facts": 2, **norms}, *[{"facts": 1}] * 3]


def test_habits_are_kept_under_what_is_counted_and_not_under_the_text_of_the_rule():
    one = rule(("burst",), habit="what is counted")
    store = MemoryStore()
    windows = ArchiveWindows([one], KEYRING, store)
    windows.take("p", deltas(one, steady(2)), 0, ())
    write(store, windows)
    (segment,) = store.segments(one.header.id, "what is counted", -(2**62), 2**62)
    assert reads(compact([from_habit_segment(segment)]))["count"].sum() == 12


def of_sums(kind: str, signals: tuple[str, ...] = ("burst",)) -> Correlation:
    one = rule(signals, floor=3)
    fields = {"field": "amount"} if kind == "value_sum" else {"field": ""}
    return replace(one, type=kind, threshold=replace(one.threshold, **fields))


@settings(max_examples=4, deadline=None)
@given(weeks(), st.sampled_from([("burst", "soft", "cap"), ("off_hours", "day", "drip")]))
def test_a_baseline_of_events_or_of_a_sum_of_ones_says_what_one_of_so_many_people_does(events, signals):
    """Where everybody is read once and for the first time, all of them count the same."""
    people = [replace(event, amount=f"C{event.offset}") for event in events]
    ones = [replace(event, amount="1") for event in events]
    told = [
        [(v.actor, v.period, v.evidence.test, v.value, v.count) for v in archived(one, [read])]
        for one, read in (
            (rule(signals, floor=3), people),
            (of_sums("event_count", signals), events),
            (of_sums("value_sum", signals), ones),
        )
    ]
    assert told[0] == told[1] == told[2]


def test_a_sum_is_told_as_one():
    events = [replace(event, amount="250.4") for event in steady(17, burst=40)]
    found = max(archived(of_sums("value_sum"), [events]), key=lambda one: one.period)
    assert found.evidence.extract == (
        "10000 amount in an hour (10:00 UTC); usual then 500, at most 500, peers at most 500 (z 8.6)"
    )
    assert (found.count, found.value, found.subjects) == (40, 10_000.0, ())


def test_what_is_no_number_adds_nothing():
    events = [replace(event, amount=None) for event in steady(17, burst=40)]
    assert archived(of_sums("value_sum"), [events]) == []


def test_hours_and_days_are_those_of_the_zone():
    """23:30 UTC in Berlin is half past midnight of the next day; in summer half past one."""
    one = rule(("burst",), floor=5)
    one = replace(one, baseline=replace(one.baseline, zone="Europe/Berlin"))
    for day, hour, clock in ((20_700, 23, "01:00"), (20_700 + 91, 22, "23:00")):
        at = (day * 86_400 + hour * 3600) * MICROS
        events = [
            Happening("p", n, at + n, who="ada", amount=f"C{n}", table="desk", rules=RULES[:1])
            for n in range(9)
        ]
        (found,) = archived(one, [events])
        assert found.evidence.extract.startswith(f"9 people in an hour ({clock} Europe/Berlin)")
        assert found.period == period(day + (clock < "12:00"))
        (again,), late = live(one, [events])
        assert (again, late) == (found, 0)
