"""What was learned from an archive is known and never judged, whether a replay or a stream comes after it."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine.baseline.habits import LEARNED
from monitor.model import Turn
from monitor.pipeline.correlate import ArchiveWindows, LiveWindows
from monitor.pipeline.learning import LearningWindows, baselines, of_baselines
from monitor.rules.tree import RuleSet
from tests.pipeline.test_baselines import DAYS, FIRST, period, rule, rules, steady, weeks
from tests.pipeline.test_correlate import archived, batched, newest, write
from tests.rules.checking import ruleset_of
from tests.support.memory import MemoryStore
from tests.support.windows import KEYRING, MICROS, correlation, deltas


def fed(windows, one, batches, behind=()):
    for batch in batches:
        windows.take(batch[0].partition, deltas(one, batch), newest(batch), behind)


def taught(one, events):
    """A store that knows the habits of some events and nothing else."""
    store = MemoryStore()
    windows = LearningWindows([one], KEYRING, store)
    learned = [replace(event, partition=LEARNED + event.partition) for event in events]
    fed(windows, one, batched(learned, [20]))
    write(store, windows)
    assert windows.finish() == ()
    assert list(store.violations()) == []
    return store


@settings(max_examples=4, deadline=None)
@given(rules, weeks(), st.integers(8, DAYS - 1), st.lists(st.integers(20, 80), min_size=1, max_size=3))
def test_what_comes_later_is_judged_as_if_all_of_it_had_been_seen(one, events, day, sizes):
    events = [replace(event, partition="p") for event in events]  # fewer batches, and they take the time
    noon = (FIRST + day * 86_400) * MICROS
    old = [event for event in events if event.time < noon]
    new = [event for event in events if event.time >= noon]
    whole = [v for v in archived(one, batched(events, [1000])) if v.period >= period(20_700 + day)]

    store = taught(one, old)
    windows = ArchiveWindows([one], KEYRING, store)
    fed(windows, one, batched(new, sizes))
    write(store, windows)
    store.write(Turn(episodes=windows.finish()))
    assert list(store.violations()) == whole

    store = taught(one, old)
    live = LiveWindows([one], KEYRING, store)
    for batch in batched(new, sizes):
        fed(live, one, [batch])
        assert write(store, live).late == ()
    assert list(store.violations()) == whole


def test_what_is_learned_while_a_stream_is_read_is_known_from_then_on():
    one = rule(("burst",), floor=10)
    events = steady(17, burst=40)
    store = MemoryStore()
    live = LiveWindows([one], KEYRING, store)
    fed(live, one, [events[-42:-40]])
    write(store, live)
    other = LearningWindows([one], KEYRING, store)
    fed(other, one, [[replace(event, partition=LEARNED + "old") for event in events[:-42]]])
    write(store, other)
    fed(live, one, [events[-42:]])
    write(store, live)
    (found,) = store.violations()
    assert found.evidence.extract == (
        "40 people in an hour (10:00 UTC); usual then 2, at most 2, peers at most 2 (z 7.5)"
    )


def test_what_is_learned_anew_beside_a_stream_takes_the_place_of_what_was_learned():
    one = rule(("burst",), floor=10)
    events = steady(17, burst=40)
    old = [replace(event, partition=LEARNED + "old") for event in events[:-42]]
    busy = [replace(event, who="ada", offset=n, amount=str(n)) for n, event in enumerate(old * 3)]
    store = taught(one, [replace(event, partition="old") for event in busy])
    live = LiveWindows([one], KEYRING, store)
    fed(live, one, [events[-42:-40]])
    write(store, live)
    store.forget(LEARNED + "old")
    again = LearningWindows([one], KEYRING, store)
    fed(again, one, [old])
    write(store, again)
    fed(live, one, [events[-42:]])
    write(store, live)
    (found,) = store.violations()
    assert found.evidence.extract == (
        "40 people in an hour (10:00 UTC); usual then 2, at most 2, peers at most 2 (z 7.5)"
    )


RULES = """
title: Read
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c32
name: read
level: low
generate: true
logsource: {category: application}
detection: {one: {act: read}, condition: one}
---
title: Other
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c33
level: low
logsource: {category: application}
detection: {one: {act: write}, condition: one}
---
title: Many
id: 5f1c1b1e-6f0e-4b4e-8a4d-2f2e7a3b9c39
level: LEVEL
correlation:
  {type: value_count, rules: [read], group-by: [user], timespan: 1h, condition: {field: who, gte: 9}}
x_baseline: {signals: [burst]}
x_privacy: {articles: ["32"]}
x_tests:
  - {name: a, expect: match, events: [{set: {act: read}}]}
  - {name: b, expect: no_match, events: [{set: {act: write}}]}
"""


def test_only_what_baselines_count_is_read_and_other_words_change_nothing():
    low, high = (of_baselines(ruleset_of(RULES.replace("LEVEL", level))) for level in ("low", "high"))
    assert [(one.header.title, one.reported) for one in low.rules] == [("Read", False)]
    assert [one.header.title for one in low.correlations] == ["Many"]
    assert low.digest == high.digest
    other = of_baselines(ruleset_of(RULES.replace("LEVEL", "low").replace("act: read", "act: view")))
    assert other.digest != low.digest


def test_without_a_baseline_nothing_is_learned():
    plain = RuleSet((), (correlation("event_count", [("gte", 2)]),), (), "")
    assert baselines(plain) == ()
