"""The oracle itself, and the expressions of single values against it."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.rules.compile import test_expr as expression
from monitor.rules.pattern import parse_pattern
from monitor.rules.tree import (
    BoolTest,
    CidrTest,
    CompareTest,
    ExistsTest,
    NullTest,
    NumberTest,
    RegexTest,
    TextTest,
)
from tests.rules.checking import rule_of
from tests.support.reference import evaluate, field_values, text_of, value_holds


def classify(text, path):
    """A toy: an address is raw, `tok_…` is a pseudonym, a hash field is hashed."""
    if not text:
        return "absent", frozenset()
    if "@" in text:
        return "raw", frozenset({"email"})
    if text.startswith("tok_"):
        return "pseudonymised", frozenset()
    return ("hashed" if path.endswith("hash") else "unknown"), frozenset()


def fires(line, event):
    return evaluate(rule_of(f"read:\n    {line}\ncondition: read"), event, classify)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (-0.0, "-0"),
        (1.0, "1"),
        (1e3, "1000"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (1e22, "10000000000000000000000"),
        (12345678901234567890, "12345678901234567890"),
        (True, "true"),
        ("Ä", "Ä"),
    ],
)
def test_scalars_as_text_are_those_of_the_columns(value, text):
    assert text_of(value) == text
    line = json.dumps({"a": value}).encode()
    assert pl.read_ndjson(line, schema={"a": pl.String})["a"].to_list() == [text]


@pytest.mark.parametrize(
    ("event", "path", "values"),
    [
        ({"a": {"b": 1}}, "a.b", ["1"]),
        ({"a.b": 1}, "a.b", ["1"]),
        ({"a": {"b.c": 1}, "a.b": {"c": 2}}, "a.b.c", ["1", "2"]),
        ({"a": [{"b": 1}, {"b": [2, None]}, 3]}, "a.b", ["1", "2", None]),
        ({"a": '{"b": "x"}'}, "a.b", ["x"]),
        ({"a": '{"b": "x"}'}, "a", ['{"b": "x"}']),
        ({"a": '["x", {"b": 1}]'}, "a", ['["x", {"b": 1}]', "x"]),
        ({"a": "7"}, "a", ["7"]),
        ({"a": {"b": 1}}, "a", []),
        ({}, "a", []),
        ({"a": {"Mail": 1, "x": [{"mail": 2}]}}, "*.mail", ["1", "2"]),
        ({"mail": 1, "mail.x": 2, "x.mail": 3}, "*.mail", ["1", "3"]),
    ],
)
def test_values_of_a_field(event, path, values):
    assert field_values(event, path) == values


@pytest.mark.parametrize(
    ("line", "event", "expected"),
    [
        ("f: ABC", {"f": "abc"}, True),
        ("f: abc", {"f": "xabc"}, False),
        ("f|cased: ABC", {"f": "abc"}, False),
        ("f: straße", {"f": "STRASSE"}, False),
        ("f: ÄÖ", {"f": "äö"}, True),
        ("f: 'a*c'", {"f": "a\nc"}, True),
        ("f: 'a?c'", {"f": "a😀c"}, True),
        ("f: ''", {"f": ""}, True),
        ("f: ''", {}, False),
        ("f: [a, b]", {"f": ["x", "b"]}, True),
        ("f|all: ['*a*', '*b*']", {"f": ["a", "b"]}, True),
        ("f|neq: a", {}, True),
        ("f|neq: a", {"f": None}, True),
        ("f|neq: a", {"f": ["b", "a"]}, False),
        ("f: 7", {"f": "7.0"}, True),
        ("f: 7", {"f": 7.0}, True),
        ("f: 7", {"f": "07"}, False),
        ("f: '7'", {"f": 7.0}, True),
        ("f: 9007199254740993", {"f": 9007199254740992}, False),
        ("f: 9007199254740993", {"f": "9007199254740993"}, True),
        ("f: true", {"f": "TRUE"}, True),
        ("f: true", {"f": 1}, False),
        ("f: null", {}, True),
        ("f: null", {"f": None}, True),
        ("f: null", {"f": [None, 1]}, False),
        ("f: null", {"f": {"g": 1}}, False),
        ("f|exists: true", {"f": {"g": 1}}, True),
        ("f|exists: true", {"f": {"g": None}}, False),
        ("f|exists: true", {"f": ""}, True),
        ("f|exists: false", {"f": []}, True),
        ("f|gt: 1.5", {"f": "2"}, True),
        ("f|gt: 1.5", {"f": "2 "}, False),
        ("f|lt: 1", {"f": "x"}, False),
        ("f|lt: 1", {}, False),
        ("f|re: 'a.$'", {"f": "xab"}, True),
        ("f|re: 'a.$'", {"f": "ab\n"}, False),
        ("f|re|i: 'AB'", {"f": "xabx"}, True),
        ("f|re|s: 'a.b'", {"f": "a\nb"}, True),
        ("f|re|m: '^b$'", {"f": "a\nb\nc"}, True),
        ("f|cidr: 192.0.2.0/24", {"f": "192.0.2.9"}, True),
        ("f|cidr: 192.0.2.0/24", {"f": "2001:db8::1"}, False),
        ("f|cidr: 2001:db8::/32", {"f": "2001:DB8:0::1"}, True),
        ("f|pii: email", {"f": "a@b"}, True),
        ("f|pii: iban", {"f": "a@b"}, False),
        ("f|pii: any", {"f": "a@b"}, True),
        ("'|pii': email", {"x": {"a@b": None}}, True),
        ("f|plaintext: true", {"f": "x"}, True),
        ("f|plaintext: true", {"f": "tok_1"}, False),
        ("f|plaintext: true", {"f": ""}, False),
        ("f|plaintext: true", {}, False),
        ("f|plaintext: false", {"f": "tok_1"}, True),
        ("f|plaintext: false", {"f": ""}, False),
        ("f|plaintext: false", {}, False),
        ("a.hash|state: [hashed, raw]", {"a": {"hash": "00"}}, True),
        ("'|contains': 'needle'", {"a": [{"b": "a Needle in"}]}, True),
        ("'|contains': 'needle'", {"a": {"needles": 1}}, True),
        ("'|contains': '7'", {"a": 17}, True),
        ("'|all': [x, y]", {"a": "x", "b": "y"}, True),
    ],
)
def test_what_the_language_means(line, event, expected):
    assert fires(line, event) is expected


def test_conditions():
    rule = rule_of("a: {x: 1}\nb: {y: 1}\ncondition: a and not b")
    assert evaluate(rule, {"x": 1}, classify)
    assert not evaluate(rule, {"x": 1, "y": 1}, classify)
    rule = rule_of("a: [{x: 1, y: 1}, {z: 1}]\nb: {y: 2}\ncondition: [a, b]")
    assert [evaluate(rule, event, classify) for event in ({"z": 1}, {"y": 2}, {"x": 1})] == [
        True,
        True,
        False,
    ]


ODD = st.sampled_from(
    [
        *(
            "",
            "0",
            "-0",
            "1",
            "1.0",
            "1e0",
            "01",
            "1.",
            " 1",
            "true",
            "TRUE",
            "null",
            "None",
            "a",
            "A",
            "aB\nc",
        ),
        *("ß", "SS", "İ", "i̇", "K", "ς", "Σ", "*", "?", "\\", "a*b", "[a]", "{", "192.0.2.7", "192.0.2.07"),
        *("2001:db8::7", "::ffff:192.0.2.7", "9007199254740993", "-9007199254740993", "1e400", "😀", "a😀b"),
    ]
)
TEXTS = ODD | st.text(max_size=6) | st.text(alphabet="aAbB*?\\.1 \n", max_size=6)
NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(-3, 3) | st.floats(-1e6, 1e6)
TESTS = st.one_of(
    st.builds(TextTest, TEXTS.map(parse_pattern), st.booleans()),
    st.builds(NumberTest, NUMBERS),
    st.builds(BoolTest, st.booleans()),
    st.builds(CompareTest, st.sampled_from(["lt", "lte", "gt", "gte"]), NUMBERS),
    st.builds(
        RegexTest,
        st.sampled_from(["a", "^a.b$", "[aA]+", "(?:a|b)$", "^[^ ]+$", r"\*", "b?c"]),
        st.sampled_from(["", "i", "m", "s", "ims"]),
    ),
    st.sampled_from(["192.0.2.0/24", "192.0.2.7/32", "0.0.0.0/0", "2001:db8::/32"]).map(CidrTest),
)


@given(TESTS, st.lists(TEXTS, min_size=1, max_size=8))
def test_expressions_say_what_the_oracle_says(test, texts):
    column = pl.DataFrame({"a": [*texts, None]}, schema={"a": pl.String})
    answers = column.select(expression(test, pl.col("a")))["a"].to_list()
    assert answers == [*(value_holds(test, text, "a", classify) for text in texts), False]


@pytest.mark.parametrize("test", [NullTest(), ExistsTest(False)])
def test_only_tests_of_absence_hold_where_nothing_is(test):
    column = pl.DataFrame({"a": ["", None]})
    assert column.select(expression(test, pl.col("a")))["a"].to_list() == [False, True]
