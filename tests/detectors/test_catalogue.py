"""Every class of the catalogue on its own cases: what is found in which state, and what is not."""

import json
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.decode import access
from monitor.detectors import CLASSES, GROUPS, find, prefilter
from monitor.detectors.entry import WHY
from monitor.detectors.registry import CATALOGUE
from tests.detectors.cases import Case, credentials, persons
from tests.detectors.cases.national import FIELDS, VALID
from tests.detectors.test_prefilter import AROUND, WRAPPINGS

SETS: dict[str, list[Case]] = {**persons.CASES, **credentials.CASES}
ALL = [pytest.param(name, case, id=f"{name}: {case.name}") for name, cases in SETS.items() for case in cases]
FOUND = [param for param in ALL if param.values[1].states]
SOMEBODYS = [param for param in FOUND if set(param.values[1].states) != {"not_personal"}]


def found(name: str, case: Case) -> pl.DataFrame:
    return find(pl.Series([case.text]), (name,), pl.Series([case.path]))


@pytest.mark.parametrize(("name", "case"), ALL)
def test_case(name, case):
    frame = found(name, case)
    assert tuple(frame["state"]) == case.states
    assert frame["steps"].to_list() == [case.steps] * len(case.states)
    assert set(frame["detector"]) <= {name}
    assert frame["confidence"].is_between(0.5, 1).all()


@pytest.mark.parametrize(("name", "case"), FOUND)
def test_span_holds_something_without_blanks_around(name, case):
    for start, end in found(name, case).select("start", "end").iter_rows():
        assert 0 <= start < end <= len(case.text)
        assert case.text[start:end] == case.text[start:end].strip()


@pytest.mark.parametrize(("name", "case"), SOMEBODYS)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_prefilter_lets_the_record_pass(name, case, ascii_only):
    record = json.dumps({"m": case.text}, ensure_ascii=ascii_only)
    more = record.replace("/", "\\/").replace("+", "\\u002b").replace("<", "\\u003c").replace("&", "\\u0026")
    twice = json.dumps({"m": record}, ensure_ascii=ascii_only)
    frame = pl.DataFrame({"raw": [record, more, twice, case.text]})
    assert frame.select(prefilter((name,)).expr(pl.col("raw")))["raw"].to_list() == [True] * 4


NATIONAL = [
    pytest.param(name, Case(text, text, path=FIELDS[name]), id=f"{name}: {text}")
    for name, texts in VALID.items()
    for text in texts
]


def nested(path: str, text: str) -> dict[str, object]:
    """The event that holds the text at the path."""
    value: object = text
    for key in reversed((path or "m").split(".")):
        value = {key: value}
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize(("name", "case"), [*SOMEBODYS, *NATIONAL])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_records_pass_with_the_words_in_their_fields(name, case, ascii_only):
    record = json.dumps(nested(case.path, case.text), ensure_ascii=ascii_only)
    twice = json.dumps({"m": record}, ensure_ascii=ascii_only)
    frame = pl.DataFrame({"raw": [record, twice, json.dumps({"m": twice})]})
    assert frame.select(prefilter((name,)).records(pl.col("raw")))["raw"].to_list() == [True] * 3


@settings(max_examples=60)
@given(st.sampled_from([*SOMEBODYS, *NATIONAL]), AROUND, AROUND, WRAPPINGS, st.booleans())
def test_what_is_found_in_a_field_passes_as_a_record(param, before, after, wrapped, ascii_only):
    """Whatever class finds something there, between whatever characters."""
    case = param.values[1]
    text = before + wrapped(case.text) + after
    record = json.dumps(nested(case.path, text), ensure_ascii=ascii_only)
    frame = pl.DataFrame({"raw": [record, json.dumps({"m": record})]})
    found = find(pl.Series([text]), ("every",), pl.Series([case.path]))
    for name in set(found["detector"]):
        assert frame.select(prefilter((name,)).records(pl.col("raw")).alias("p"))["p"].all(), name


WORDS = {
    "bg_egn": "ЕГН 7523169263",
    "nl_bsn": "sofi nr 111222333",
    "cvv": "Kartenprüfnummer 737",
    "date_of_birth": "né le 29/02/1980",
    "phone_national": "téléphone 0612345678",
    "pt_nif": "número fiscal 123456789",
}


@pytest.mark.parametrize(("name", "text"), WORDS.items())
def test_words_beyond_ascii_are_words(name, text):
    assert find(pl.Series([text]), (name,)).height == 1
    for ascii_only in (True, False):
        record = json.dumps({"m": text}, ensure_ascii=ascii_only)
        frame = pl.DataFrame(
            {"raw": [record, json.dumps({"m": record}), json.dumps({"m": json.dumps([record])})]}
        )
        assert frame.select(prefilter((name,)).records(pl.col("raw")))["raw"].all()


def test_fields_of_formats_without_names_are_no_words():
    """An access log says `user.name` nowhere: a record of it must pass whatever words its detector needs."""
    source = Path(access.__file__).read_text(encoding="utf-8")
    fields = set(re.findall(r'^ +"([a-z_]+(?:\.[a-z_]+)+)":', source, re.MULTILINE))
    assert {"source.ip", "user.name", "url.original"} <= fields
    for name in (name for name, entry in CATALOGUE.items() if entry.gate.words):
        texts = [param.values[1].text for param in (*FOUND, *NATIONAL) if param.values[0] == name]
        pairs = [(text, field) for text in texts for field in sorted({*fields, "message", ""})]
        frame = find(pl.Series([t for t, _ in pairs]), (name,), pl.Series([f for _, f in pairs]))
        by_field = dict.fromkeys({*fields, "message", ""}, 0)
        for index in frame["index"]:
            by_field[pairs[index][1]] += 1
        assert len(set(by_field.values())) == 1, (name, by_field)


def test_words_of_gates_are_pieces_of_their_words():
    for entry in CATALOGUE.values():
        pieces = entry.gate.words.split("|")
        assert not entry.gate.words or min(map(len, pieces)) >= 2, entry.name


def test_every_class_has_cases_of_both_kinds():
    others = {"email", "iban", "card", *GROUPS["national_id"]}
    assert set(SETS) == set(CLASSES) - others
    for name, cases in SETS.items():
        assert any("raw" in case.states for case in cases), name
        assert any(not case.states for case in cases), name


def test_groups_hold_classes_and_every_class_has_a_reason():
    for names in GROUPS.values():
        assert set(names) <= set(CLASSES)
    assert GROUPS["every"] == CLASSES
    assert {entry.kind for entry in CATALOGUE.values()} == set(WHY)


def test_a_number_is_one_thing():
    """A card number is no phone number, a JWT no bearer token, an IBAN no identifier."""
    for text, name in (
        ("card +4111111111111111 phone", "card"),
        (f"Authorization: Bearer {credentials.TOKEN}", "jwt"),
        ("DE89370400440532013000 tax id", "iban"),
    ):
        frame = find(pl.Series([text]), ("every",)).filter(pl.col("state") == "raw")
        assert set(frame["detector"]) == {name}, frame


def test_no_value_is_part_of_the_answer():
    texts = [case.text for cases in SETS.values() for case in cases]
    frame = find(pl.Series(texts), ("every",))
    assert frame.height > 100
    assert set(frame.columns) == {"index", "detector", "state", "steps", "confidence", "start", "end"}
