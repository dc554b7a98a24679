"""Sigma text: wildcards and escapes, the same as pySigma's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigma.types import SigmaString, SpecialChars

from monitor.rules.pattern import contains, endswith, parse_pattern, startswith
from monitor.rules.tree import Wild

MANY, ONE = Wild.MANY, Wild.ONE


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ()),
        ("abc", ("abc",)),
        ("*", (MANY,)),
        ("a*b?c", ("a", MANY, "b", ONE, "c")),
        (r"a\*b", ("a*b",)),
        (r"a\?b", ("a?b",)),
        (r"a\\*b", ("a\\", MANY, "b")),
        (r"a\\\*b", ("a\\*b",)),
        (r"C:\Windows\x", ("C:\\Windows\\x",)),
        ("a\\", ("a\\",)),
        ("**", (MANY, MANY)),
    ],
)
def test_wildcards_and_escapes(text, parts):
    assert parse_pattern(text).parts == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [("", (MANY,)), ("a", (MANY, "a", MANY)), ("*a", (MANY, "a", MANY)), (r"\*", (MANY, "*", MANY))],
)
def test_contains_adds_the_wildcards_that_are_missing(text, parts):
    assert contains(parse_pattern(text)).parts == parts


def test_the_other_two():
    assert startswith(parse_pattern("a")).parts == ("a", MANY)
    assert startswith(parse_pattern("a*")).parts == ("a", MANY)
    assert endswith(parse_pattern("a")).parts == (MANY, "a")


@given(st.text(alphabet="ab*?\\é "))
def test_every_text_reads_as_pysigma_reads_it(text):
    wild = {SpecialChars.WILDCARD_MULTI: MANY, SpecialChars.WILDCARD_SINGLE: ONE}
    assert parse_pattern(text).parts == tuple(wild.get(part, part) for part in SigmaString(text).s)
