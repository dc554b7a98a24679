"""Seconds of each rule: they add up to those of the pass, and sampling them costs next to nothing."""

import uuid

import pytest

from monitor.app import load_rules, shipped_rules
from monitor.clock import ManualClock, SystemClock
from monitor.decode import decoder
from monitor.demo.stream import bulk
from monitor.engine.keys import Keyring
from monitor.engine.match import evaluate
from monitor.engine.plan import compile_plan
from monitor.frames import RecordBatch, Values
from monitor.model import Logsource
from monitor.pipeline import shares
from monitor.pipeline.shares import REST, TRIES, RuleSeconds

NOW = 1_795_000_000_000_000
KEYRING = Keyring(b"k" * 32)
BASE = 0.5
"""Seconds of a pass without rules, by the clock of these tests."""


def rule(name: str, category: str = "application") -> str:
    return f"""\
title: {name}
id: {uuid.uuid5(uuid.NAMESPACE_DNS, name)}
name: {name}
status: stable
level: low
description: A test.
logsource: {{category: {category}}}
detection: {{a: {{{name}: ada}}, condition: a}}
"""


def plan_of(folder, *texts: str):
    (folder / "rules.yml").write_text("---\n".join(texts))
    return compile_plan(load_rules([folder / "rules.yml"], ManualClock(NOW))[0])


def batch(plan, *values: bytes, category: str | None = None):
    read = RecordBatch(
        "logs-0", range(len(values)), len(values), Values(values), Logsource(category), format="json"
    )
    return decoder("json", plan.projection).decode(read)


@pytest.fixture
def clock(monkeypatch) -> ManualClock:
    """Goes on while rules are asked: as many seconds as a rule's name has letters."""
    manual = ManualClock(NOW)

    def slowly(plan, events, gate):
        manual.sleep(BASE + sum(len(p.rule.header.name) for p in plan.rules))
        return evaluate(plan, events, gate)

    monkeypatch.setattr(shares, "evaluate", slowly)
    return manual


def named(plan, found) -> dict[str, float]:
    names = {p.rule.header.id: p.rule.header.name for p in plan.rules}
    return {names[one]: seconds for one, seconds in found}


def test_a_pass_is_shared_out_by_what_each_rule_takes_alone(tmp_path, clock):
    plan = plan_of(tmp_path, rule("x"), rule("yyy"))
    watched = RuleSeconds(KEYRING, clock)
    assert named(plan, watched.of(plan, batch(plan, b"{}"), 8.0)) == {"x": 2.0, "yyy": 6.0}
    assert named(plan, watched.of(plan, batch(plan, b"{}"), 0.4)) == pytest.approx({"x": 0.1, "yyy": 0.3})


def test_it_is_sampled_once_in_a_long_while(tmp_path, clock):
    plan = plan_of(tmp_path, rule("x"))
    watched, events = RuleSeconds(KEYRING, clock), batch(plan, b"{}")
    took = 3 * BASE + 2  # without rules, with all of them, with this one
    for passed, sampled in ((0, took), (REST * took - 1, 0), (1, TRIES * took)):
        clock.sleep(passed)
        before = clock.monotonic()
        watched.of(plan, events, 1.0)
        assert clock.monotonic() - before == sampled


def test_sources_that_keep_their_fields_elsewhere_share_what_is_known(tmp_path, clock):
    plan = plan_of(tmp_path, rule("x"))
    ruleset, _ = load_rules([tmp_path / "rules.yml"], ManualClock(NOW))
    elsewhere = compile_plan(ruleset, (("x", ("y",)),))
    watched = RuleSeconds(KEYRING, clock)
    watched.of(plan, batch(plan, b"{}"), 1.0)
    before = clock.monotonic()
    for one in (elsewhere, plan, elsewhere):
        assert named(one, watched.of(one, batch(one, b"{}"), 1.0)) == {"x": 1.0}
    assert clock.monotonic() == before, "it was not sampled again"


def test_after_the_first_sample_one_rule_at_a_time_is_weighed_anew(tmp_path, clock, monkeypatch):
    plan = plan_of(tmp_path, rule("x"), rule("yyy"))
    watched, events = RuleSeconds(KEYRING, clock), batch(plan, b"{}")
    watched.of(plan, events, 1.0)
    cost = {"x": 9, "yyy": 3}  # from now on

    def found() -> dict[str, float]:
        clock.sleep(100 * REST)
        return named(plan, watched.of(plan, events, 1.0))

    def slower(one, batch_, gate):
        clock.sleep(BASE + sum(cost[p.rule.header.name] for p in one.rules))
        return evaluate(one, batch_, gate)

    monkeypatch.setattr(shares, "evaluate", slower)
    assert found() == pytest.approx({"x": 0.75 / 1.5, "yyy": 0.75 / 1.5})
    assert found() == pytest.approx({"x": 0.75, "yyy": 0.25})
    cost |= {"x": 3}
    first = found()["x"]
    assert 0.5 < first < 0.75, "what is known is not forgotten at once"
    found()
    assert 0.5 < found()["x"] < first


def test_other_rules_are_sampled_at_once(tmp_path, clock):
    watched = RuleSeconds(KEYRING, clock)
    for names in ("x", "yyy"):
        plan = plan_of(tmp_path, rule(names))
        assert named(plan, watched.of(plan, batch(plan, b"{}"), 1.0)) == {names: 1.0}


def test_of_each_kind_of_traffic_the_rules_that_look_at_it(tmp_path, clock):
    plan = plan_of(tmp_path, rule("x", "webserver"), rule("yyy", "database"))
    watched = RuleSeconds(KEYRING, clock)
    assert named(plan, watched.of(plan, batch(plan, b"{}", category="webserver"), 1.0)) == {"x": 1.0}
    database = batch(plan, b"{}", category="database")
    assert watched.of(plan, database, 2.0) == (), "not sampled yet"
    clock.sleep(10 * REST)
    assert named(plan, watched.of(plan, database, 3.0)) == {"yyy": 5.0}


def test_no_event_and_no_rule_are_no_sample(tmp_path, clock):
    plan = plan_of(tmp_path, rule("x"))
    watched = RuleSeconds(KEYRING, clock)
    assert watched.of(plan, batch(plan), 1.0) == ()
    assert watched.of(plan, batch(plan, b"{}", category="none"), 1.0) == ()
    assert watched.of(plan, batch(plan, b"{}", category="none"), 1.0) == ()


def test_the_shipped_rules_add_up_to_their_pass(tmp_path):
    ruleset, _ = load_rules([shipped_rules()], ManualClock(NOW))
    plan = compile_plan(ruleset)
    bulk(tmp_path / "bulk.ndjson", 3000)
    values = (tmp_path / "bulk.ndjson").read_bytes().splitlines()
    found = dict(RuleSeconds(KEYRING, SystemClock()).of(plan, batch(plan, *values), 10.0))
    assert found.keys() == {p.rule.header.id for p in plan.rules}
    assert sum(found.values()) == pytest.approx(10.0)
    assert all(seconds >= 0 for seconds in found.values())
