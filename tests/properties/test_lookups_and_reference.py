"""Lookups over records and rows of tables say what the row-by-row evaluator says, at every time."""

import json

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.decode import decoder
from monitor.engine.match import evaluate
from monitor.engine.plan import compile_plan
from monitor.frames import Lines, RecordBatch, Table
from monitor.model import Logsource
from monitor.rules import tables
from monitor.rules.tree import (
    And,
    EventRule,
    Header,
    Item,
    LookupTest,
    Not,
    Pattern,
    Ref,
    RuleSet,
    Selection,
    TextTest,
)
from tests.properties.test_engine_and_reference import HERE, verdict
from tests.support import reference

NOON = 1_795_089_600_000_000
"""2026-11-19 12:00 UTC in microseconds."""
SECOND = 1_000_000
TEXTS = ["a", "A", "Äpfel", "äpfel", "ß", "5", "5.0", "1e1", "true", "", "a b", "\u212a", "k", "\u0130", '"']

OFTEN = ["a", "A", "k", "5"]

moments = st.sampled_from([None, -1, 0, 1, 2]).map(lambda n: None if n is None else NOON + n * SECOND)
rows = st.lists(
    st.tuples(st.sampled_from([*OFTEN, *OFTEN, *TEXTS]), moments, moments), min_size=1, max_size=4
)
made_tables = rows.map(
    lambda given_rows: tables.Table(
        "t",
        repr(given_rows),
        {"key": [k for k, _, _ in given_rows]},
        [b for _, b, _ in given_rows],
        [e for _, _, e in given_rows],
    )
)
values = st.sampled_from(
    [*OFTEN, *OFTEN, *TEXTS, 5, 10, 5.0, True, None, ["a", "k"], {"k": "a"}, '{"k": "a"}', "[5]"]
)
events = st.fixed_dictionaries(
    {"a": values},
    optional={"k": values, "b": st.fixed_dictionaries({}, optional={"k": values, "c": values})},
)
times = st.sampled_from([None, -1, 0, 1, 2])
dated_events = st.lists(st.tuples(events, times), min_size=1, max_size=6)
asked = st.tuples(
    st.sampled_from(["a", "b.c", "k", "*.k"]), st.booleans(), st.booleans(), st.booleans(), st.booleans()
)


def rule_of(table, field, always, neq, negated, beside):
    test = LookupTest("t", always=always, keys=table.keys(""))
    looked = Item(field, (test,), every=False, negated=neq, span=HERE)
    other = Item("a", (TextTest(Pattern(("a",))),), every=False, negated=False, span=HERE)
    selections = (Selection("one", ((looked,),), HERE), Selection("two", ((other,),), HERE))
    condition = Not(Ref("one")) if negated else Ref("one")
    conditions = (And((condition, Ref("two"))),) if beside else (condition,)
    return EventRule(Header("r", "made up", HERE, "d"), Logsource(), selections, conditions)


def stamped(event, second):
    at = (
        {}
        if second is None
        else {"@timestamp": f"2026-11-19T{'12:00' if second >= 0 else '11:59'}:{second % 60:02}Z"}
    )
    return {**at, **event}


def when(second):
    return None if second is None else NOON + second * SECOND


def matched(rule, batch, form):
    plan = compile_plan(RuleSet((rule,), (), (), ""))
    decoded = decoder(form, plan.projection).decode(batch)
    assert decoded.rejects == ()
    found = set(evaluate(plan, decoded).rows[0])
    return [i in found for i in range(len(batch.offsets))]


@given(made_tables, asked, dated_events, st.booleans())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_records_are_looked_up_at_their_time(table, one, some_events, escaped):
    rule = rule_of(table, *one)
    lines = [json.dumps(stamped(*each), ensure_ascii=escaped) for each in some_events]
    batch = RecordBatch("p", range(len(lines)), len(lines), Lines("\n".join(lines).encode()))
    expected = [
        reference.evaluate(rule, stamped(event, second), verdict, when(second))
        for event, second in some_events
    ]
    assert matched(rule, batch, "json") == expected


SCHEMA = {
    "@timestamp": pl.String,
    "a": pl.String,
    "b": pl.Struct({"c": pl.Int64, "k": pl.String}),
    "k": pl.List(pl.String),
}
maybe = st.none() | st.sampled_from([*OFTEN, *OFTEN, *TEXTS, '{"k": "a"}'])
table_rows = st.fixed_dictionaries(
    {},
    optional={
        "a": maybe,
        "b": st.fixed_dictionaries({"c": st.sampled_from([None, 5, 10]), "k": maybe}),
        "k": st.lists(st.sampled_from(TEXTS), max_size=2),
    },
)


def without_nulls(value):
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    return value


@given(made_tables, asked, st.lists(st.tuples(table_rows, times), min_size=1, max_size=6))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_rows_of_tables_are_looked_up_at_their_time(table, one, some_rows):
    rule = rule_of(table, *one)
    frame = pl.DataFrame([stamped(*row) for row in some_rows], schema=SCHEMA)
    batch = RecordBatch("p", range(frame.height), frame.height, Table(frame), format="table")
    expected = [
        reference.evaluate(rule, without_nulls(stamped(event, second)), verdict, when(second))
        for event, second in some_rows
    ]
    assert matched(rule, batch, "table") == expected
