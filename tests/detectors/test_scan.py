"""Looking for a pattern only where it can begin finds what looking for it everywhere finds."""

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.detectors.birth import _AFTER, _BEFORE, _FORMS, _YEAR
from monitor.detectors.passwords import NAMES
from monitor.detectors.scan import Headed, around, beside
from monitor.detectors.surroundings import pieces

WORDS = ("pass(?:word|code)", "pwd", r"l\S{1,6}senord", "(?:api|client)[ _-]?secret", "pw")
BEFORE, AFTER = "(?:^|[^A-Za-z0-9])", r"[\"']?[:=](?P<value>\w{1,4})"
SCRAPS = (
    "password", "PassCode", "pwd", "pw", "l\u00f6senord", "api_secret", "client secret", "apisecret", "=",
    ":", "x",
    " ", "'", "12", "-", "\u0130", "pass", "secret", "\n", "filler " * 12,
)  # fmt: skip
texts = st.lists(st.sampled_from(SCRAPS), max_size=14).map("".join)


@settings(max_examples=150)
@given(texts)
def test_a_pattern_that_begins_with_a_word(text):
    whole = re.compile(f"{BEFORE}(?P<name>{'|'.join(WORDS)}){AFTER}", re.IGNORECASE)
    found = Headed(BEFORE, WORDS, AFTER).finditer(text)
    assert [(m.span(), m["name"]) for m in found] == [(m.span(), m["name"]) for m in whole.finditer(text)]


DATES = ("2026-11-25", "4 June 1976", "June 4, 1976", "04.06.1976", "19760604", "20201999", "4. Oktober 2001")
MORE = ("born ", " ", "x", "T08:12", "1", "-", "/", "Sept", "filler " * 9, "18", "19")


@settings(max_examples=150)
@given(st.lists(st.sampled_from(DATES + MORE), max_size=12).map("".join))
def test_dates_are_looked_for_around_years(text):
    forms = re.compile(_FORMS, re.ASCII | re.IGNORECASE)
    spans = list(around(_YEAR, text, _BEFORE, _AFTER))
    found = [match.span() for span in spans for match in forms.finditer(text, *span)]
    assert found == [match.span() for match in forms.finditer(text)]
    assert all(one[1] < other[0] for one, other in pairwise(spans))


def test_pieces_are_lower_case_and_hold_no_other():
    assert pieces(("PassWord", "pass(?:code)", "pwd")) == ("pwd", "pass")
    assert all(piece == piece.lower() and len(piece) > 1 for piece in pieces(NAMES))


def test_a_detector_beside_words_is_asked_where_one_stands():
    detector = beside(("phone", "TEL"), lambda text, path: [text, path])
    assert detector("PHONE", "")
    assert detector("x", "user.tel")
    assert not detector("x", "y")
