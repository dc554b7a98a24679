"""Rules over the rows of a table say what the row-by-row evaluator says of the same events."""

import io
import json

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.decode import decoder
from monitor.engine.match import evaluate
from monitor.engine.plan import compile_plan
from monitor.frames import RecordBatch, Table
from monitor.model import Logsource
from monitor.rules.tree import (
    EventRule,
    ExistsTest,
    Header,
    Item,
    Not,
    NumberTest,
    Pattern,
    PiiTest,
    PlaintextTest,
    Ref,
    RuleSet,
    Selection,
    TextTest,
    Wild,
)
from monitor.sources.parquetfile import parquet_chunks
from tests.properties.test_engine_and_reference import HERE, TEXTS, verdict
from tests.support import reference

SCHEMA = {
    "a": pl.String,
    "b": pl.Struct({"c": pl.Int64, "k": pl.String, "e": pl.Struct({"iban": pl.String})}),
    "tags": pl.List(pl.String),
    "x.k": pl.Float64,
    "docs": pl.List(pl.Struct({"k": pl.String})),
    "iban": pl.String,
}
texts = st.sampled_from(
    [
        *(text for text in TEXTS if isinstance(text, str)),
        "vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf7w==",
        "***",
        "",
        "K",
        "7",
        json.dumps({"k": "plain text", "b": {"c": 7}}),
        json.dumps({"\u212a": "plain text"}),
        '{"\\u006b": "plain text"}',
        "[7]",
    ]
)
maybe = st.one_of(st.none(), texts)
rows = st.fixed_dictionaries(
    {},
    optional={
        "a": maybe,
        "b": st.fixed_dictionaries(
            {"c": st.sampled_from([None, 7, 100]), "k": maybe, "e": st.fixed_dictionaries({"iban": maybe})}
        ),
        "tags": st.lists(texts, max_size=2),
        "x.k": st.sampled_from([None, 7.0, 0.25]),
        "docs": st.lists(st.fixed_dictionaries({"k": texts}), max_size=2),
        "iban": maybe,
    },
)
asked = st.one_of(
    st.tuples(
        st.sampled_from(["a", "b.c", "b.k", "b.e.iban", "tags", "x.k", "docs.k", "*.k", "*.iban", "*.tags"]),
        st.one_of(
            st.builds(lambda w: TextTest(Pattern((w,))), st.sampled_from(["k", "7", "x", "***", ""])),
            st.builds(PlaintextTest, st.booleans()),
            st.builds(ExistsTest, st.booleans()),
            st.just(NumberTest(7)),
            st.just(PiiTest(("email",))),
        ),
    ),
    st.tuples(
        st.none(),
        st.one_of(
            st.builds(
                lambda w: TextTest(Pattern((Wild.MANY, w, Wild.MANY))), st.sampled_from(["k", "7", "b.c"])
            ),
            st.just(PiiTest(("email",))),
        ),
    ),
)


def without_nulls(value):
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    return value


def rule_of(one, *, negated, neq):
    item = Item(one[0], (one[1],), every=False, negated=neq, span=HERE)
    condition = Not(Ref("one")) if negated else Ref("one")
    return EventRule(
        Header("r", "made up", HERE, "d"), Logsource(), (Selection("one", ((item,),), HERE),), (condition,)
    )


def matched(rule, some_rows):
    plan = compile_plan(RuleSet((rule,), (), (), ""))
    frame = pl.DataFrame(some_rows, schema=SCHEMA)
    return asked_of(plan, Table(frame))


def asked_of(plan, table):
    height = table.frame.height
    batch = RecordBatch("p", range(height), height, table, format="table")
    found = set(evaluate(plan, decoder("table", plan.projection).decode(batch)).rows[0])
    return [i in found for i in range(height)]


def matched_in_parquet(rule, some_rows):
    """Each row three times, so that texts repeat, and in row groups of two."""
    plan = compile_plan(RuleSet((rule,), (), (), ""))
    plain = {name: dtype for name, dtype in SCHEMA.items() if "." not in name}
    frame = pl.DataFrame(
        [{n: row.get(n) for n in plain} for row in some_rows for _ in range(3)], schema=plain
    )
    file = io.BytesIO()
    frame.write_parquet(file, row_group_size=2)
    (chunk,) = parquet_chunks(file, "p", plan.projection)
    return asked_of(plan, chunk.payload)


@given(st.lists(rows, min_size=1, max_size=6), asked, st.booleans(), st.booleans())
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_a_table_is_asked_as_its_events_are(some_rows, one, negated, neq):
    rule = rule_of(one, negated=negated, neq=neq)
    expected = [reference.evaluate(rule, without_nulls(row), verdict) for row in some_rows]
    assert matched(rule, some_rows) == expected


@given(st.lists(rows, min_size=1, max_size=4), asked, st.booleans(), st.booleans())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_parquet_with_texts_that_repeat_is_asked_as_its_events_are(some_rows, one, negated, neq):
    some_rows = [{name: value for name, value in row.items() if "." not in name} for row in some_rows]
    rule = rule_of(one, negated=negated, neq=neq)
    expected = [reference.evaluate(rule, without_nulls(row), verdict) for row in some_rows for _ in range(3)]
    assert matched_in_parquet(rule, some_rows) == expected
