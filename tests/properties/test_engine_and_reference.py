"""The compiled expressions over decoded frames say what the row-by-row evaluator says, on odd values too."""

import json
from functools import cache

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.decode import decoder
from monitor.detectors import classify, find
from monitor.engine.match import evaluate
from monitor.engine.plan import compile_plan
from monitor.frames import Lines, RecordBatch
from monitor.model import Logsource
from monitor.rules.tree import (
    And,
    BoolTest,
    CidrTest,
    CompareTest,
    EventRule,
    ExistsTest,
    Header,
    Item,
    Not,
    NullTest,
    NumberTest,
    Or,
    Pattern,
    PiiTest,
    PlaintextTest,
    Ref,
    RegexTest,
    RuleSet,
    Selection,
    Span,
    TextTest,
    Wild,
)
from tests.support import reference

HERE = Span("made-up.yml", 1, 1)
ADDRESS = "ada.wellenbrook@nordwind-shop.de"
FIELDS = ["a", "b.c", "b.d.e", "k", "*.k", "*.e"]
WORDS = [
    "",
    "a",
    "K",
    "k",
    "Äpfel",
    "straße",
    "x*y",
    "5",
    "5.0",
    "05",
    "1e3",
    "-0",
    "true",
    "null",
    "10.1.2.3",
    "::1",
    "a\nb",
    '"quoted"',
    "back\\slash",
    "9007199254740993",
    ADDRESS,
    ADDRESS.replace("@", "%40"),
    "vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf7w==",
    '{"k": "a"}',
    '["a", {"e": 5}]',
    "[a]",
    "{",
    "\u212a",
    "\u0130",
    "💡",
]

words = st.sampled_from(WORDS)
scalars = st.one_of(
    words,
    st.none(),
    st.booleans(),
    st.integers(-9, 9),
    st.just(9007199254740993),
    st.floats(-9, 9, width=16),
    st.text(max_size=4),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["k", "e", "c", "K", "a.b", "ö", ADDRESS]), inner, max_size=3),
    ),
    max_leaves=5,
)
events = st.fixed_dictionaries(
    {},
    optional={
        "a": values,
        "k": values,
        "b.c": scalars,
        "x": values,
        "b": st.one_of(
            values,
            st.fixed_dictionaries(
                {}, optional={"c": values, "d": st.one_of(values, st.fixed_dictionaries({"e": values}))}
            ),
        ),
    },
)

patterns = st.lists(st.one_of(st.sampled_from(list(Wild)), words.filter(bool)), max_size=3).map(
    lambda parts: Pattern(
        tuple(
            p for i, p in enumerate(parts) if not (isinstance(p, str) and i and isinstance(parts[i - 1], str))
        )
    )
)
text_tests = st.builds(TextTest, patterns, st.booleans())
column_tests = st.one_of(
    text_tests,
    st.builds(NumberTest, st.sampled_from([5, 0, -3, 1000, 2.5, 9007199254740993])),
    st.builds(BoolTest, st.booleans()),
    st.just(NullTest()),
    st.builds(ExistsTest, st.booleans()),
    st.builds(CompareTest, st.sampled_from(["lt", "lte", "gt", "gte"]), st.sampled_from([0, 5, -2.5])),
    st.builds(RegexTest, st.sampled_from(["^a", "[0-9]+", "k$", "Ä"]), st.sampled_from(["", "i"])),
    st.builds(CidrTest, st.sampled_from(["10.0.0.0/8", "10.1.2.0/23", "::/16"])),
    st.just(PiiTest(("email",))),
    st.builds(PlaintextTest, st.booleans()),
)
record_tests = st.one_of(
    st.builds(lambda w: TextTest(Pattern((Wild.MANY, w, Wild.MANY))), words.filter(bool)),
    st.just(PiiTest(("email",))),
)


def items(fields, tests):
    return st.builds(
        lambda field, found, every, negated: Item(field, tuple(found), every, negated, HERE),
        fields,
        st.lists(tests, min_size=1, max_size=2),
        st.booleans(),
        st.booleans(),
    )


item = st.one_of(items(st.sampled_from(FIELDS), column_tests), items(st.none(), record_tests))
selection = st.lists(st.lists(item, min_size=1, max_size=2).map(tuple), min_size=1, max_size=2).map(tuple)
conditions = st.recursive(
    st.sampled_from([Ref("one"), Ref("two")]),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(lambda a, b: And((a, b)), inner, inner),
        st.builds(lambda a, b: Or((a, b)), inner, inner),
    ),
    max_leaves=4,
)
rules = st.builds(
    lambda one, two, condition: EventRule(
        Header("r", "made up", HERE, "d"),
        Logsource(),
        (Selection("one", one, HERE), Selection("two", two, HERE)),
        (condition,),
    ),
    selection,
    selection,
    conditions,
)


@cache
def verdict(text, path):
    values, paths = pl.Series([text], dtype=pl.String), pl.Series([path], dtype=pl.String)
    found = find(values, ("email",), paths).filter(pl.col("state").is_in(["raw", "encoded"]))
    return classify(values, paths)["state"][0], frozenset(found["detector"])


def matched(rule, some_events, *, escaped=True):
    plan = compile_plan(RuleSet((rule,), (), (), ""))
    data = "\n".join(json.dumps(e, ensure_ascii=escaped) for e in some_events).encode(
        "utf-8", "surrogatepass"
    )
    batch = RecordBatch("p", range(len(some_events)), len(some_events), Lines(data))
    decoded = decoder("json", plan.projection).decode(batch)
    assert decoded.rejects == ()
    rows = set(evaluate(plan, decoded).rows[0])
    return [i in rows for i in range(len(some_events))]


@given(rules, st.lists(events, min_size=1, max_size=6), st.booleans())
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_engine_equals_reference(rule, some_events, escaped):
    expected = [reference.evaluate(rule, e, verdict) for e in some_events]
    assert matched(rule, some_events, escaped=escaped) == expected


@given(item, item, st.lists(events, min_size=1, max_size=6))
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_de_morgan(first, second, some_events):
    def rule(condition):
        named = (Selection("one", ((first,),), HERE), Selection("two", ((second,),), HERE))
        return EventRule(Header("r", "made up", HERE, "d"), Logsource(), named, (condition,))

    either = matched(rule(Not(Or((Ref("one"), Ref("two"))))), some_events)
    both = matched(rule(And((Not(Ref("one")), Not(Ref("two"))))), some_events)
    assert either == both
    assert either == [not m for m in matched(rule(Or((Ref("one"), Ref("two")))), some_events)]


@given(rules, st.lists(events, min_size=1, max_size=6), st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_any_batch_split_matches_the_same_events(rule, some_events, data):
    cut = data.draw(st.integers(0, len(some_events)))
    parts = [part for part in (some_events[:cut], some_events[cut:]) if part]
    assert [m for part in parts for m in matched(rule, part)] == matched(rule, some_events)


SECRETS = ["k", "e", "iban"]
KEPT = [
    "vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf7w==",
    "***",
    "[REDACTED]",
    "tok_8fKq2LmZ",
    "",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "b" * 64,
    "gAAAAABk",
    "plain text",
    "DE89370400440532013000",
    ADDRESS,
    "null",
    "[1]",
    "{}",
    "1.0",
    4111111111111111,
    0,
    -7,
    1.5,
    1e20,
    True,
    False,
    None,
    [],
    ["***", "a"],
    {"k": "a"},
    {},
    '{"k": "***"}',
    "a\nb",
    '"',
    "\\",
]
kept = st.one_of(st.sampled_from(KEPT), st.text(max_size=6))
holders = st.dictionaries(
    st.sampled_from([*SECRETS, "K", "hash", "user_agent", "message_id", "k.e", "x.k", "x.iban", "\u212a"]),
    kept,
    max_size=3,
)
records = st.recursive(
    holders,
    lambda inner: st.dictionaries(
        st.sampled_from(["hash", "user_agent", "message_id", "x", "k"]),
        st.one_of(inner, kept, inner.map(json.dumps)),
        max_size=3,
    ),
    max_leaves=6,
)


@given(
    st.lists(records, min_size=1, max_size=8),
    st.sampled_from([PlaintextTest(), PlaintextTest(expected=False)]),
    st.booleans(),
)
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_what_the_screen_passes_over_holds_nothing_in_the_clear(some_events, test, escaped):
    alternatives = tuple(
        (Item(f"*.{key}", (test,), every=False, negated=False, span=HERE),) for key in SECRETS
    )
    rule = EventRule(
        Header("r", "made up", HERE, "d"), Logsource(), (Selection("one", alternatives, HERE),), (Ref("one"),)
    )
    expected = [reference.evaluate(rule, e, verdict) for e in some_events]
    assert matched(rule, some_events, escaped=escaped) == expected


@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize(
    ("field", "test", "event"),
    [
        ("*.iban", PlaintextTest(), {"customer.iban": "plain text"}),
        ("*.iban", PlaintextTest(), {"a": {"b.c.IBAN": "plain text"}}),
        ("*.iban", PlaintextTest(), {"iban": "***", "old.iban": "plain text"}),
        ("*.iban", PlaintextTest(), {"message": json.dumps({"x": json.dumps({"a.iban": "plain text"})})}),
        ("*.iban", TextTest(Pattern(("plain",))), {"customer.iban": "plain"}),
        ("outcome", TextTest(Pattern(("true",))), {"outcome": True}),
        ("event.outcome", TextTest(Pattern(("False",))), {"event": {"outcome": False}}),
        ("event.outcome", TextTest(Pattern(("false",))), {"event": {"outcome": [False]}}),
    ],
)
def test_no_spelling_hides_a_value_from_the_index(field, test, event, escaped):
    item = Item(field, (test,), every=False, negated=False, span=HERE)
    rule = EventRule(
        Header("r", "made up", HERE, "d"), Logsource(), (Selection("one", ((item,),), HERE),), (Ref("one"),)
    )
    assert reference.evaluate(rule, event, verdict)
    assert matched(rule, [event], escaped=escaped) == [True]


everyday = st.sampled_from(["outcome", "event.outcome", "user.name", "level"])
said = st.sampled_from(["true", "False", "null", "ann", "5", "a b", "10", "Kelvin", "x.y", "-"])
plain_tests = st.builds(lambda w, cased: TextTest(Pattern((w,)), cased), said, st.booleans())
flat = st.one_of(
    said, st.booleans(), st.integers(4, 11), st.lists(st.one_of(said, st.booleans()), max_size=2)
)
everyday_events = st.dictionaries(everyday, st.one_of(flat, flat.map(json.dumps)), max_size=3)


@given(items(everyday, plain_tests), st.lists(everyday_events, min_size=1, max_size=8), st.booleans())
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_words_of_everyday_fields_are_found_however_they_are_written(one, some_events, escaped):
    rule = EventRule(
        Header("r", "made up", HERE, "d"), Logsource(), (Selection("one", ((one,),), HERE),), (Ref("one"),)
    )
    expected = [reference.evaluate(rule, e, verdict) for e in some_events]
    assert matched(rule, some_events, escaped=escaped) == expected


said_anywhere = st.builds(
    lambda w: TextTest(Pattern((Wild.MANY, w, Wild.MANY))),
    st.sampled_from(["100", "user.name", "ann", "1.5", "e"]),
)


@given(items(st.none(), said_anywhere), st.lists(everyday_events, min_size=1, max_size=8), st.booleans())
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_words_anywhere_are_found_in_numbers_and_across_keys(one, some_events, escaped):
    rule = EventRule(
        Header("r", "made up", HERE, "d"), Logsource(), (Selection("one", ((one,),), HERE),), (Ref("one"),)
    )
    numbers = [{"level": 1e2}, {"user": {"name": "x"}}, {"level": 1.5e20}, {"message": "[1e2]"}]
    expected = [reference.evaluate(rule, e, verdict) for e in [*numbers, *some_events]]
    assert matched(rule, [*numbers, *some_events], escaped=escaped) == expected


TEXTS = [
    ADDRESS,
    f"mail to {ADDRESS}, please",
    "***@example.org",
    "no-reply@example.org",
    "installed @nordwind/cart@4.12.1",
    'compatible; "somebot/1.0 (+mailto:anna.b@example.org)"',
    "compatible%3B+%22somebot%2F1.0+(anna.b%40example.org)%22",
    "Mozilla/5.0 (compatible; somebot/1.0; anna.b@example.org)",
    "git@git.example.org:shop/api.git",
    "anna.b%40example.org",
    "YW5uYS5iQGV4YW1wbGUub3Jn",
    '{"x": "anna.b@example.org"}',
    "[1, 2]",
    "x",
    7,
    None,
]
named_texts = st.dictionaries(
    st.sampled_from(["message", "user_agent", "message_id", "principal", ADDRESS, "k"]),
    st.sampled_from(TEXTS),
    max_size=3,
)
nested_texts = st.recursive(
    named_texts,
    lambda inner: st.dictionaries(
        st.sampled_from(["x", "user_agent", "message_id"]),
        st.one_of(inner, inner.map(json.dumps), st.lists(inner, max_size=2)),
        max_size=2,
    ),
    max_leaves=4,
)


@given(st.lists(nested_texts, min_size=1, max_size=8), st.sampled_from([None, "*.k"]), st.booleans())
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_what_the_screen_of_texts_passes_over_holds_no_address(some_events, field, escaped):
    one = Item(field, (PiiTest(("email",)),), every=False, negated=False, span=HERE)
    rule = EventRule(
        Header("r", "made up", HERE, "d"), Logsource(), (Selection("one", ((one,),), HERE),), (Ref("one"),)
    )
    expected = [reference.evaluate(rule, e, verdict) for e in some_events]
    assert matched(rule, some_events, escaped=escaped) == expected
