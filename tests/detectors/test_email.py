"""Every form of an e-mail address: found, judged, uncovered by the right decodings."""

import json

import polars as pl
import pytest

from monitor.detectors import find, prefilter
from tests.detectors.cases import Case, email_compliant, email_encoded, email_not, email_raw

SETS = {
    "raw": email_raw.CASES,
    "encoded": email_encoded.CASES,
    "compliant": email_compliant.CASES,
    "not an address": email_not.CASES,
}
ALL = [pytest.param(case, id=f"{kind}: {case.name}") for kind, cases in SETS.items() for case in cases]


def found(case: Case) -> pl.DataFrame:
    return find(pl.Series([case.text]), ("email",), pl.Series([case.path]))


@pytest.mark.parametrize("case", ALL)
def test_form(case):
    frame = found(case)
    assert tuple(frame["state"]) == case.states
    assert frame["steps"].to_list() == [case.steps] * len(case.states)


@pytest.mark.parametrize("case", [p for p in ALL if p.values[0].states])
def test_span_holds_the_address(case):
    for start, end in found(case).select("start", "end").iter_rows():
        assert 0 <= start < end <= len(case.text)
        carrier = case.text[start:end]
        assert carrier == carrier.strip()


@pytest.mark.parametrize("case", [p for p in ALL if set(p.values[0].states) & {"raw", "encoded"}])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_prefilter_lets_the_record_pass(case, ascii_only):
    record = json.dumps({"m": case.text}, ensure_ascii=ascii_only)
    twice = json.dumps({"m": record}, ensure_ascii=ascii_only)
    frame = pl.DataFrame({"raw": [record, twice, case.text]})
    assert frame.select(prefilter(("email",)).expr(pl.col("raw")))["raw"].all()


def test_the_forms_are_many_and_have_distinct_names():
    names = [case.name for cases in SETS.values() for case in cases]
    assert len(names) == len(set(names))
    assert len(SETS["raw"]) + len(SETS["encoded"]) >= 53
    assert len(SETS["compliant"]) + len(SETS["not an address"]) >= 30


def test_the_span_of_an_encoded_address_is_its_carrier():
    text = "a=1 mail=anna%2Eberg%40nordwind-shop.de end"
    start, end = find(pl.Series([text]), ("email",)).select("start", "end").row(0)
    assert text[start:end] == "anna%2Eberg%40nordwind-shop.de"


def test_the_span_of_a_decoded_token_is_the_token():
    token = "YW5uYS5iZXJnQG5vcmR3aW5kLXNob3AuZGU="
    text = f"session {token} opened"
    start, end = find(pl.Series([text]), ("email",)).select("start", "end").row(0)
    assert text[start:end] == token


def test_one_address_is_found_once_however_deep_the_text_is_decoded():
    text = "100%25 sure: anna.berg@nordwind-shop.de &amp; \\u0041 YW5uYS5iZXJnQG5vcmR3aW5kLXNob3AuZGU="
    frame = find(pl.Series([text]), ("email",))
    assert frame["steps"].to_list() == ["", "base64"]


def test_a_value_is_never_part_of_the_answer():
    frame = find(pl.Series(["anna.berg@nordwind-shop.de"]), ("any",))
    assert "anna" not in frame.write_json()


def test_nulls_and_empty_texts_hold_nothing():
    assert find(pl.Series([None, "", " "], dtype=pl.String), ("any",)).is_empty()


def test_an_unknown_class_is_refused():
    with pytest.raises(KeyError, match="no detector 'mail'"):
        find(pl.Series(["x"]), ("mail",))
