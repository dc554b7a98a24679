"""Made-up values are well formed, and made up."""

from __future__ import annotations

import pytest
from stdnum import iban, luhn

from monitor.demo import company as made_up
from monitor.demo.rhythm import MACHINES, OFFICE, Period, clf, iso
from monitor.demo.week import MONDAY

WEEK = Period(MONDAY, 7)


def test_ibans_have_right_check_digits_and_a_bank_that_does_not_exist() -> None:
    rng = made_up.seeded(1)
    for _ in range(200):
        number = made_up.iban(rng)
        assert iban.is_valid(number)
        assert number[4:12] == "00000000"


def test_cards_are_the_published_test_numbers() -> None:
    assert all(luhn.is_valid(card) for card in made_up.CARDS)


def test_the_cast_is_the_same_for_everybody_and_in_one_department() -> None:
    cast = made_up.company()
    people = (*cast.agents, *cast.clinicians, *cast.personnel, *cast.analysts)
    assert len(people) == len(set(people))
    assert made_up.company() == cast


def test_a_quota_is_by_person_and_hour() -> None:
    quota = made_up.Quota(2)
    assert [quota.take("a", 1) for _ in range(3)] == [True, True, False]
    assert quota.take("a", 2)
    assert quota.take("b", 1)


def test_moments_lie_in_the_period_and_follow_the_rhythm() -> None:
    moments = WEEK.moments(made_up.seeded(1), 5_000, OFFICE)
    assert len(moments) == 5_000
    assert min(moments) >= WEEK.start
    assert max(moments) < WEEK.at(0, 7 * 24)
    weekend = sum(moment >= WEEK.at(5, 0) for moment in moments)
    assert weekend < 500
    assert len(WEEK.moments(made_up.seeded(1), 10, MACHINES)) == 10


def test_a_day_beyond_the_period_is_its_last() -> None:
    assert Period(MONDAY, 2).at(6, 3) == Period(MONDAY, 2).at(1, 3)


@pytest.mark.parametrize(
    ("hour", "expected_iso", "expected_clf"),
    [
        (0, "2026-11-16T00:00:00.000Z", "16/Nov/2026:00:00:00 +0000"),
        (8.5, "2026-11-16T08:30:00.000Z", "16/Nov/2026:08:30:00 +0000"),
    ],
)
def test_times_are_written_as_the_logs_write_them(hour: float, expected_iso: str, expected_clf: str) -> None:
    assert iso(WEEK.at(0, hour)) == expected_iso
    assert clf(WEEK.at(0, hour)) == expected_clf
