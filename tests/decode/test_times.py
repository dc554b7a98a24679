"""Event times: every form by itself, and never another time because of the company."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.decode.times import clf_micros, micros

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def at(text: str) -> int:
    return (dt.datetime.fromisoformat(text) - EPOCH) // dt.timedelta(microseconds=1)


FORMS = {
    "2026-11-01T00:00:00Z": at("2026-11-01T00:00:00+00:00"),
    "2026-11-01T00:00:00.123456789+02:00": at("2026-10-31T22:00:00.123456+00:00"),
    "2026-11-01t00:00:00.5z": at("2026-11-01T00:00:00.5+00:00"),
    "2026-11-01 00:00:00,231": at("2026-11-01T00:00:00.231+00:00"),
    "2026-11-01 00:00:00": at("2026-11-01T00:00:00+00:00"),
    "2026/11/01 00:00:00": at("2026-11-01T00:00:00+00:00"),
    "2026-11-01T00:00": at("2026-11-01T00:00:00+00:00"),
    "2026-11-01T00:00:00+0530": at("2026-10-31T18:30:00+00:00"),
    "2026-11-01T00:00:00 -08": at("2026-11-01T08:00:00+00:00"),
    "2026-11-01 00:00:00 UTC": at("2026-11-01T00:00:00+00:00"),
    "1700000000": 1_700_000_000_000_000,
    "1700000000.123456": 1_700_000_000_123_456,
    "1700000000123": 1_700_000_000_123_000,
    "1700000000123.5": 1_700_000_000_123_500,
    "1700000000123456": 1_700_000_000_123_456,
    "1700000000123456789": 1_700_000_000_123_456,
    "17/May/2015:10:05:03 +0200": at("2015-05-17T08:05:03+00:00"),
    "": None,
    "soon": None,
    "0001-01-01T00:00:00Z": None,
    "9999-12-31T23:59:59Z": None,
    "2026-02-30T00:00:00Z": None,
    "20240101": None,
    "-1700000000": None,
    "9" * 25: None,
    "Nov 23 08:00:00": None,
}


@pytest.mark.parametrize("text", FORMS)
def test_a_form(text):
    assert micros(pl.Series([text])).to_list() == [FORMS[text]]
    assert clf_micros(pl.Series([text])).to_list() == [FORMS[text]]


@given(st.lists(st.sampled_from(list(FORMS)) | st.none(), max_size=6))
def test_a_time_does_not_depend_on_the_others(texts):
    expected = [FORMS.get(text) for text in texts]
    assert micros(pl.Series(texts, dtype=pl.String)).to_list() == expected


@given(st.datetimes(dt.datetime(1972, 1, 1), dt.datetime(2199, 1, 1), timezones=st.timezones()))
def test_iso_forms_of_any_time(moment):
    moment = moment.replace(fold=0)
    expected = (moment.astimezone(dt.UTC) - EPOCH) // dt.timedelta(microseconds=1)
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        return  # offsets with seconds have no ISO form
    assert micros(pl.Series([moment.isoformat(), moment.isoformat(" ")])).to_list() == [expected] * 2


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_none(text):
    found = micros(pl.Series([text], dtype=pl.String), year=2026)
    assert found.dtype == pl.Int64
    assert found.len() == 1


@pytest.mark.parametrize("text", ["Nov 23 08:00:00", "Nov 23 08:00:00 host sshd[1]: hi"])
def test_a_time_without_a_year_needs_one_said(text):
    assert micros(pl.Series([text]), year=2026).to_list() == [at("2026-11-23T08:00:00+00:00")]
    assert micros(pl.Series(["Nov  3 08:00:00"]), year=2026).to_list() == [at("2026-11-03T08:00:00+00:00")]
