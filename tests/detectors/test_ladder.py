"""The ladder's bounds, the way back from a decoding to the text, and input made to hurt."""

import base64

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.detectors import CLASSES, classify, find
from monitor.detectors.item import MAX_ITEMS
from monitor.detectors.ladder import MAX_DEPTH, views

A = "anna.berg@nordwind-shop.de"
SIZE = 200_000


def repeated(unit: str, end: str = "") -> str:
    return unit * (SIZE // len(unit)) + end


def test_depth_is_bounded():
    text = A
    for _ in range(MAX_DEPTH + 1):
        text = base64.b64encode(text.encode()).decode()
    assert max(len(view.steps) for view in views(text)) == MAX_DEPTH
    assert A not in [view.text for view in views(text)]


def test_decoded_size_is_bounded():
    text = repeated("%2525252540")
    assert sum(len(view.text) for view in views(text)) < 8 * len(text) + 65_536


@pytest.mark.parametrize(
    ("text", "seen", "origin"),
    [
        ("a%40b c", "a@b", "a%40b"),
        ("x%20%40%20y", "@", "%20%40%20"),
        ("a%2540b", "a@b", "a%2540b"),
        ("&lt;a&#64;b&gt;", "a@b", "a&#64;b"),
        (f"to {base64.b64encode(A.encode()).decode()} now", A, base64.b64encode(A.encode()).decode()),
    ],
)
def test_origin(text, seen, origin):
    [view, *_] = [view for view in views(text) if seen in view.text]
    start = view.text.index(seen)
    begin, end = view.origin(start, start + len(seen))
    assert text[begin:end] == origin


@given(st.text(st.sampled_from("ab%42065\\u&#;=[t]@. \u200b\uff20"), max_size=40))
def test_origin_stays_within_the_text(text):
    for view in views(text):
        for start in range(len(view.text)):
            begin, end = view.origin(start, start + 1)
            assert 0 <= begin < end <= len(text)


HOSTILE = {
    "at signs": repeated("@"),
    "many addresses": repeated("a@b.co "),
    "no end of a local part": repeated("a", "@x.de"),
    "percents": repeated("%25", "@x.de"),
    "double percents": repeated("%2540"),
    "backslashes": repeated("\\", "u0040@x.de"),
    "token heads": repeated("eyJ", "@x.de"),
    "one long token": base64.b64encode(repeated("x", f" {A}").encode()).decode(),
    "quotes": repeated('"', "@x.de %40"),
    "entities": repeated("&#64;"),
    "digits": repeated("4"),
    "card beginnings": repeated("4111 "),
    "country codes": repeated("DE89"),
    "zero-width": repeated("\u200b", "@x.de"),
    "brackets": repeated("[at]"),
    "schemes": repeated("a://a@b.co "),
    "options": "ssh " + repeated("-a ", "a@b.co"),
    "quads": repeated("1.2.3.4."),
    "pairs": repeated("aa:"),
    "words and numbers": repeated("bsn 111222333 "),
    "passwords": repeated("password="),
    "key beginnings": repeated("-----BEGIN PRIVATE KEY-----"),
    "separated digits": "phone " + repeated("0 1 2 3 "),
    "hyphens": "a@" + repeated("a-", ".de"),
    "references": "references: " + repeated("<a> ", "<a@b.de"),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_input_comes_to_an_end(text):
    for name in CLASSES:
        assert find(pl.Series([text]), (name,)).height <= MAX_ITEMS
    assert classify(pl.Series([text])).height == 1


def test_tokens_past_a_long_one_are_found():
    text = f"{'Qk' * 5_000} {base64.b64encode(A.encode()).decode()}"
    assert find(pl.Series([text]), ("email",))["steps"].to_list() == ["base64"]
