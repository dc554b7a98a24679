"""The same events give the same violations in any batch split, byte for byte, however odd the events are."""

import json
from dataclasses import replace
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.decode import decoder
from monitor.engine.group import parts
from monitor.engine.match import evaluate
from monitor.engine.panes import compact, panes
from monitor.engine.plan import Plan, compile_plan
from monitor.engine.windows import episodes
from monitor.frames import RecordBatch, Values
from monitor.model import Violation, merged
from monitor.rules.tree import (
    AlertPolicy,
    Correlation,
    EventRule,
    Privacy,
    RuleSet,
    Threshold,
)
from tests.properties.test_engine_and_reference import HERE, events, rules
from tests.support.windows import KEYRING, correlation

ALIASES = (("k", ("a", "x")), ("b.c", ("b.d.e",)))
who = st.sampled_from(["", "k", "a", "b.c", "b.d.e", "text"])
timed = st.builds(
    lambda event, at: event if at is None else {**event, "@timestamp": at},
    events,
    st.sampled_from([None, "2026-11-16T23:59:59Z", "2026-11-17T00:00:00Z", "2026-11-17T00:00:01.5Z", "soon"]),
)


def reported(rule: EventRule, actor: str, resource: str, subject: str) -> EventRule:
    privacy = Privacy(actor=actor, resource=resource, subject=subject)
    return replace(rule, privacy=privacy, alert=AlertPolicy(per="day"))


def counting(rule: EventRule, kind: str, group_by: tuple[str, ...], field: str) -> Correlation:
    one = correlation(kind, [("gte", 1)], group_by=group_by)
    bounds = Threshold(one.threshold.bounds, "" if kind == "event_count" else field)
    return replace(one, rules=(rule.header.id,), threshold=bounds, privacy=rule.privacy)


def violations(plan: Plan, some: list[dict[str, object]], cuts: list[int]) -> list[Violation]:
    """What the events give when they come in batches that begin at the cuts."""
    found: dict[str, Violation] = {}
    frames = []
    edges = sorted({0, len(some), *(cut for cut in cuts if cut < len(some))})
    for low, high in pairwise(edges):
        records = tuple(json.dumps(e).encode("utf-8", "surrogatepass") for e in some[low:high])
        batch = RecordBatch("p", range(low, high), high, Values(records))
        matches = evaluate(plan, decoder("json", plan.projection).decode(batch)).placed("p")
        for part in parts(matches, KEYRING):
            name = part.violation.fingerprint
            found[name] = merged(found[name], part.violation) if name in found else part.violation
        frames.append(panes(plan.correlations[0], matches, KEYRING))
    windows = list(episodes(plan.correlations[0], compact(frames), KEYRING))
    return [*sorted(found.values(), key=lambda v: v.fingerprint), *windows]


@given(
    st.builds(reported, rules, who, who, who),
    st.sampled_from(["event_count", "value_count", "value_sum"]),
    st.sampled_from([(), ("k",), ("a", "b.c")]),
    st.sampled_from(["k", "b.c"]),
    st.sampled_from([(), ALIASES]),
    st.lists(timed, min_size=1, max_size=8),
    st.lists(st.integers(1, 7), max_size=4),
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_no_violation_depends_on_the_batches(rule, kind, group_by, field, aliases, some, cuts) -> None:
    assert rule.header.span == HERE
    plan = compile_plan(RuleSet((rule,), (counting(rule, kind, group_by, field),), (), ""), aliases)
    whole = violations(plan, some, [])
    assert violations(plan, some, cuts) == whole
    assert violations(plan, some, list(range(len(some)))) == whole
