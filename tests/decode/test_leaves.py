"""Leaves: the same text as a String column has, nothing hidden, no depth that breaks it."""

import io
import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.decode.leaves import MAX_DEPTH, Flattener, float_text, looks_like_data


def record(text: str) -> list[tuple[str, str, str | None]]:
    return list(Flattener().record(text))


def column(value: str) -> str | None:
    """What a String column holds for a JSON value."""
    return pl.read_ndjson(io.BytesIO(f'{{"a":{value}}}'.encode()), schema={"a": pl.String}).item()


JSON_NUMBERS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?\Z")


@given(JSON_NUMBERS)
def test_a_number_is_the_text_a_column_has(number):
    assert record(f'{{"a":{number}}}') == [("a", "a", column(number))]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_the_text_a_column_has(number):
    assert float_text(number) == column(json.dumps(number))


@given(st.text(max_size=20), st.booleans())
def test_a_string_is_the_text_a_column_has(text, ascii_only):
    value = json.dumps(text, ensure_ascii=ascii_only)
    assert record(f'{{"a":{value}}}')[0] == ("a", "a", column(value))


@pytest.mark.parametrize(
    "value", ["true", "false", "null", r'"x\ud800y"', '"\\u0040"', "-0", "-0.0", "1e300", "5e-324"]
)
def test_other_scalars_are_the_text_a_column_has(value):
    assert record(f'{{"a":{value}}}') == [("a", "a", column(value))]


def test_every_duplicate_is_a_leaf():
    assert record('{"a":1,"a":2}') == [("a", "a", "1"), ("a", "a", "2")]


def test_json_inside_json_inside_a_string():
    inner = json.dumps({"c": json.dumps(["d"])})
    assert ("a.c", "c", "d") in record(json.dumps({"a": inner}))


@pytest.mark.parametrize("depth", [MAX_DEPTH - 2, MAX_DEPTH + 5, 900, 100_000])
@pytest.mark.parametrize("kind", [("[", "]"), ('{"k":', "}")])
def test_depth_hides_nothing_and_breaks_nothing(depth, kind):
    text = '{"a":' + kind[0] * depth + '"secret"' + kind[1] * depth + "}"
    assert any("secret" in (leaf or "") for _, _, leaf in record(text))


@pytest.mark.parametrize(
    "key",
    ["jo@nordwind-shop.de", "4711001", "Jo Ann", "10.0.0.1", "Ünal", "a%40b", "", "a" * 81, "9f86d081884c"],
)
def test_keys_that_look_like_data(key):
    assert looks_like_data(key)


@pytest.mark.parametrize(
    "key", ["user.name", "@timestamp", "http_status", "x-request-id", "$ref", "1xx", "Mail"]
)
def test_keys_that_look_like_names(key):
    assert not looks_like_data(key)


def test_a_wanted_name_is_a_name_whatever_it_looks_like():
    assert list(Flattener({"field 12345"}).record('{"field 12345":1}')) == [
        ("field 12345", "field 12345", "1")
    ]


def test_a_record_that_is_no_json_is_one_leaf():
    assert record("not json") == [("", "", "not json")]
