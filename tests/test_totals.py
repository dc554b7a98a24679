"""The lines under a summary: whole, and in words."""

import pytest

from monitor.decode.reasons import REASONS
from monitor.model import Reject
from monitor.review.totals import TOLD, WORDS, Totals, amount, counted, rejected
from monitor.telemetry import FACTS


def totals(**changes):
    figures = {"events": 0, "records": 0, "size": 0, "seconds": 0.2, "rejects": {}, "facts": {}}
    return Totals(**{**figures, **changes})


def test_every_reason_has_words_and_every_fact_told_is_one():
    assert set(WORDS) == set(REASONS)
    assert set(TOLD) < set(FACTS)


def test_one_is_one_and_a_rate_needs_a_second():
    some = totals(events=1, records=1, size=1, rejects={"blank": 1, "not_json": 2}, facts={"untimed": 1})
    assert list(some.lines([], "x.db")) == [
        "no violations in 1 event; stored in x.db",
        "this run read 1 record, 1 byte, in 0.2 s",
        "left out: 1 record, nothing but white space (blank)",
        "not evaluated: 2 records, not JSON (not_json)",
        "1 event without an event time (see --time-field): they count, but belong to no window (untimed)",
    ]
    many = totals(events=2_000, records=2_000, size=34_400_000, seconds=2.0)
    assert (
        list(many.lines([], "x.db"))[1] == "this run read 2,000 records, 34.4 MB, in 2.0 s (1,000 records/s)"
    )
    assert list(totals().lines([], "x.db"))[1] == "this run read nothing new"


@pytest.mark.parametrize(
    ("events", "rejects", "cure"),
    [
        (0, {}, None),
        (0, {"blank": 3}, None),
        (1, {"not_json": 3}, None),
        (0, {"not_json": 3, "blank": 1}, "say their --format"),
        (0, {"damaged_file": 1}, "get it again"),
        (0, {"damaged_file": 1, "not_json": 2}, "say their --format"),
    ],
)
def test_the_cure_fits_the_reason(events, rejects, cure):
    said = totals(events=events, rejects=rejects).cure()
    assert said is None if cure is None else cure in said


def test_amounts():
    assert [amount(n) for n in (0, 1, 999, 1_600, 2_000_000)] == [
        "0 bytes",
        "1 byte",
        "999 bytes",
        "1.6 kB",
        "2.0 MB",
    ]
    assert [counted(n, "rule") for n in (0, 1, 1_000)] == ["0 rules", "1 rule", "1,000 rules"]


def test_of_every_reason_the_first_places_and_nothing_of_what_was_meant():
    kept = [Reject("/logs/a.log#12345678", n, "not_json", 5, "a a") for n in range(9, -1, -1)]
    kept.append(Reject("/logs/a.log#12345678", 3, "blank", 0))
    kept.append(Reject("/logs/b.gz#12345678", 0, "damaged_file", 0))
    assert list(rejected(kept)) == [
        "not evaluated: the file is damaged from here on (damaged_file)",
        "      b.gz line 1",
        "not evaluated: not JSON (not_json)",
        *(f"      a.log line {n}, begins like 'a a'" for n in (1, 2, 3)),
    ]
