"""Fields that vanish, and the rules that are blind without them."""

import json
import uuid
from pathlib import Path

import pytest

from monitor.app import load_rules
from monitor.clock import ManualClock
from monitor.decode import decoder
from monitor.engine.coverage import blinded
from monitor.engine.plan import compile_plan
from monitor.frames import RecordBatch, Values
from monitor.model import Turn
from monitor.pipeline.coverage import FORGET_SECONDS, SAVE_SECONDS, Blind, FieldWatch
from tests.support.memory import MemoryStore

QUIET = 3600
DAYS = 3


def rule(name: str, detection: str, logsource: str = "{category: application}") -> str:
    return f"""\
title: {name}
id: {uuid.uuid5(uuid.NAMESPACE_DNS, name)}
name: {name}
status: stable
level: low
description: A test.
logsource: {logsource}
detection: {detection}
"""


def plan_of(folder: Path, *texts: str, aliases=()):
    (folder / "rules.yml").write_text("---\n".join(texts))
    ruleset, _ = load_rules([folder / "rules.yml"], ManualClock(1_795_000_000_000_000))
    return compile_plan(ruleset, aliases)


class Fed:
    """A watch over a stream of batches, each looked at."""

    def __init__(self, plan) -> None:
        self.clock = ManualClock(1)
        self.watch = FieldWatch(self.clock, QUIET)
        self._plan = plan
        self._decode = self.watch.watched(plan, decoder("json", plan.projection).decode)
        self._names = {p.rule.header.id: p.rule.header.name for p in plan.rules}
        self._names |= {c.header.id: c.header.name for c in plan.correlations}

    def batch(self, *events: dict, partition: str = "logs-0") -> None:
        values = tuple(json.dumps(event).encode() for event in events)
        self._decode(RecordBatch(partition, range(len(values)), len(values), Values(values), format="json"))
        self.clock.sleep(2)

    def save(self, store: MemoryStore) -> None:
        store.write(Turn(sightings=self.watch.unsaved()))
        self.watch.saved()

    def blind(self) -> list[Blind]:
        return sorted(Blind(self._names[one.rule], one.field, one.source) for one in self.watch.blind())


USER = rule("by_user", "{a: {user.name: ada, event.action: read}, condition: a}")


def test_a_field_that_vanishes_blinds_the_rule_that_needs_it(tmp_path):
    fed = Fed(plan_of(tmp_path, USER))
    whole, renamed = {"user": {"name": "x"}, "event": {"action": "y"}}, {"usr": "x", "event": {"action": "y"}}
    for _ in range(30):
        fed.batch(whole, whole)
    assert fed.blind() == []
    for _ in range(30):
        fed.batch(renamed, renamed)
    assert fed.blind() == [], "an hour has not passed"
    fed.clock.sleep(QUIET)
    assert fed.blind() == [Blind("by_user", "user.name", "logs")]
    fed.batch(whole)
    assert fed.blind() == []


def test_a_silent_source_is_silent_and_not_blind(tmp_path):
    fed = Fed(plan_of(tmp_path, USER))
    fed.batch(*[{"user": {"name": "x"}}] * 100)
    fed.clock.sleep(100 * QUIET)
    assert fed.blind() == []


class Restarted(Fed):
    """A watch that goes on from what others stored, on another day, on a machine with another stopwatch."""

    def __init__(self, plan, *before: Fed) -> None:
        self.store = MemoryStore()
        for fed in before:
            fed.clock.sleep(SAVE_SECONDS)
            fed.save(self.store)
        super().__init__(plan)
        self.clock = ManualClock(DAYS * 86_400_000_000)
        self.watch = FieldWatch(self.clock, QUIET)
        self.watch.restore(self.store.sightings())
        self._decode = self.watch.watched(plan, decoder("json", plan.projection).decode)


WHOLE, RENAMED = {"user": {"name": "x"}, "event": {"action": "y"}}, {"usr": "x", "event": {"action": "y"}}


def test_a_field_that_vanished_before_a_restart_still_blinds_after_it(tmp_path):
    plan = plan_of(tmp_path, USER)
    first = Fed(plan)
    for _ in range(30):
        first.batch(WHOLE, WHOLE)
    first.clock.sleep(QUIET)
    for _ in range(30):
        first.batch(RENAMED, RENAMED)
    assert first.blind() == [Blind("by_user", "user.name", "logs")]
    again = Restarted(plan, first)
    assert again.blind() == [Blind("by_user", "user.name", "logs")], "before anything was read"
    again.batch(RENAMED)
    assert again.blind() == [Blind("by_user", "user.name", "logs")]
    again.batch(WHOLE)
    assert again.blind() == []


def test_the_time_nobody_watched_is_no_time_a_field_was_not_seen(tmp_path):
    plan = plan_of(tmp_path, USER)
    first = Fed(plan)
    for _ in range(30):
        first.batch(WHOLE, WHOLE)
    again = Restarted(plan, first)
    for _ in range(30):
        again.batch(RENAMED, RENAMED)
    assert again.blind() == [], "days have passed, and only a minute of watching"
    again.clock.sleep(QUIET)
    assert again.blind() == [Blind("by_user", "user.name", "logs")]


def test_what_two_instances_saw_is_known_to_the_next(tmp_path):
    plan = plan_of(tmp_path, USER)
    one, other = Fed(plan), Fed(plan)
    one.batch(*[WHOLE] * 50, partition="logs-0")
    other.batch(*[RENAMED] * 50, partition="logs-1")
    again = Restarted(plan, one, other)
    (known,) = again.store.sightings()
    assert (known.events, {f.name: (f.times, f.events) for f in known.fields}) == (
        100,
        {"user.name": (50, 50), "event.action": (100, 100)},
    )


def test_a_turn_that_was_not_stored_is_told_again(tmp_path):
    fed = Fed(plan_of(tmp_path, USER))
    fed.batch(WHOLE)
    assert fed.watch.unsaved() is None, "not before its time"
    fed.clock.sleep(SAVE_SECONDS)
    lost = fed.watch.unsaved()
    fed.batch(WHOLE)
    assert fed.watch.unsaved().sources[0].events == 2
    fed.watch.saved()
    assert lost.sources[0].events == 1
    fed.clock.sleep(SAVE_SECONDS)
    assert fed.watch.unsaved().sources == ()


def test_a_source_of_long_ago_is_forgotten(tmp_path):
    plan = plan_of(tmp_path, USER)
    first = Fed(plan)
    first.batch(*[WHOLE] * 50)
    first.clock.sleep(QUIET)
    first.batch(*[RENAMED] * 50)
    again = Restarted(plan, first)
    again.watch = FieldWatch(ManualClock(round((DAYS * 86_400 + FORGET_SECONDS) * 1e6)), QUIET)
    again.watch.restore(again.store.sightings())
    again.watch.watched(plan, again._decode)
    assert again.blind() == []


def test_a_rare_field_is_given_more_events(tmp_path):
    fed = Fed(plan_of(tmp_path, USER))
    rare = [{"user": {"name": "x"}}] + [{"other": 1}] * 99
    fed.batch(*rare)
    for _ in range(10):
        fed.batch(*[{"other": 1}] * 100)
    fed.clock.sleep(QUIET)
    assert fed.blind() == [], "ten would have been expected, twenty are asked for"
    for _ in range(11):
        fed.batch(*[{"other": 1}] * 100)
    assert fed.blind() == [Blind("by_user", "user.name", "logs")]


def test_what_was_never_seen_did_not_vanish(tmp_path):
    fed = Fed(plan_of(tmp_path, USER))
    for _ in range(50):
        fed.batch({"other": 1}, {"other": 2})
    fed.clock.sleep(QUIET)
    assert fed.blind() == []


def test_sources_are_told_apart(tmp_path):
    fed = Fed(plan_of(tmp_path, USER))
    for partition in ("logs-0", "audit-0"):
        fed.batch(*[{"user": {"name": "x"}}] * 50, partition=partition)
    fed.clock.sleep(QUIET)
    fed.batch(*[{"other": 1}] * 50, partition="audit-1")
    assert fed.blind() == [Blind("by_user", "user.name", "audit")]


def test_fields_in_arrays_in_json_text_and_under_other_names_are_seen(tmp_path):
    plan = plan_of(tmp_path, USER, aliases=(("user.name", ("login",)),))
    fed = Fed(plan)
    for event in (
        {"user": [{"name": "x"}, {"name": "y"}]},
        {"user": json.dumps({"name": "x"})},
        {"login": "x"},
    ):
        for _ in range(30):
            fed.batch(event, event)
        fed.clock.sleep(QUIET)
        fed.batch(event)
        assert fed.blind() == [], event
    fed.clock.sleep(QUIET)
    fed.batch(*[{"user": None, "z": 1}] * 150)
    assert fed.blind() == [Blind("by_user", "user.name", "logs")]


def test_a_correlation_without_its_group_is_blind(tmp_path):
    many = f"""\
title: many
id: {uuid.uuid4()}
name: many
status: stable
level: low
description: A test.
correlation: {{type: event_count, rules: [reads], group-by: [user.name], timespan: 1h, condition: {{gte: 5}}}}
"""
    fed = Fed(plan_of(tmp_path, rule("reads", "{a: {event.action: read}, condition: a}"), many))
    fed.batch(*[{"user": {"name": "x"}, "event": {"action": "read"}}] * 50)
    fed.clock.sleep(QUIET)
    fed.batch(*[{"event": {"action": "read"}}] * 50)
    assert fed.blind() == [Blind("many", "user.name", "logs")]
    fed.batch(*[{"event": {"action": "read"}, "user": {"name": "x"}}] * 50)
    fed.clock.sleep(QUIET)
    fed.batch(*[{"user": {"name": "x"}}] * 200)
    assert fed.blind() == [Blind("many", "event.action", "logs"), Blind("reads", "event.action", "logs")]


@pytest.mark.parametrize(
    ("detection", "blind"),
    [
        ("{a: {x: 1}, condition: a}", True),
        ("{a: {x: 1}, b: {y: 1}, condition: a and b}", True),
        ("{a: {x: 1}, b: {y: 1}, condition: a or b}", False),
        ("{a: {x: 1}, b: {y: 1}, condition: not a and b}", False),
        ("{a: {x: 1}, condition: not a}", False),
        ("{a: {x: 1}, b: {y: 1}, condition: not (not a or b)}", True),
        ("{a: [{x: 1}, {y: 1}], condition: a}", False),
        ("{a: {x|neq: 1}, condition: a}", False),
        ("{a: {x: null}, condition: a}", False),
        ("{a: {x: [null, 3]}, condition: a}", False),
        ("{a: {x|exists: false}, condition: a}", False),
        ("{a: {x|exists: true}, condition: a}", True),
        ("{a: {x: null}, b: {y: 1}, condition: b and not a}", True),
        ("{a: {'*.x': 1}, condition: a}", False),
        ("{a: [word], condition: a}", False),
        ("{a: {x|pii: email}, condition: a}", True),
    ],
)
def test_what_can_be_met_without_the_field(tmp_path, detection, blind):
    (one,) = plan_of(tmp_path, rule("r", detection)).rules
    assert blinded(one.rule, {"x"}) == blind
