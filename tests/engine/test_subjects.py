"""The estimate of distinct subjects keeps to its stated error, and merging does not move it."""

import random
from importlib.resources import files
from pathlib import Path

import pytest
from jinja2 import Environment

from monitor.engine.keys import Keyring
from monitor.engine.subjects import ERROR, distinct, exact
from monitor.model import MAX_SUBJECTS

KEYRING = Keyring(b"k" * 32)
STANDARD_ERROR = (MAX_SUBJECTS - 2) ** -0.5
TEMPLATES = Path(str(files("monitor.web"))) / "templates"


def hashes(names: range) -> list[int]:
    return sorted(KEYRING.number("subject", [f"person {n}"]) for n in names)[:MAX_SUBJECTS]


@pytest.mark.parametrize("people", [0, 1, MAX_SUBJECTS - 1])
def test_few_are_counted(people: int) -> None:
    found = hashes(range(people))
    assert (distinct(found), exact(found)) == (people, True)


@pytest.mark.parametrize("people", [MAX_SUBJECTS, 3_000, 50_000])
def test_many_are_estimated_within_three_standard_errors(people: int) -> None:
    found = hashes(range(people))
    assert not exact(found)
    assert abs(distinct(found) - people) <= 3 * STANDARD_ERROR * people


def test_the_error_is_the_stated_one() -> None:
    chosen = random.Random(7)
    people = 5_000
    errors = []
    for _ in range(40):
        found = sorted(chosen.randrange(1, 2**63) for _ in range(people))[:MAX_SUBJECTS]
        errors.append(distinct(found) / people - 1)
    spread = (sum(e * e for e in errors) / len(errors)) ** 0.5
    assert 0.5 * STANDARD_ERROR < spread < 1.5 * STANDARD_ERROR
    assert abs(sum(errors) / len(errors)) < STANDARD_ERROR


@pytest.mark.parametrize(
    "people",
    [MAX_SUBJECTS - 1, MAX_SUBJECTS],
)
def test_a_case_tells_the_error_of_an_estimate_and_of_nothing_else(people: int) -> None:
    page = (TEMPLATES / "case.html").read_text(encoding="utf-8")
    (line,) = (one for one in page.splitlines() if "People concerned" in one)
    shown = Environment(autoescape=True).from_string(
        "{% macro people(n, exact) %}{{ n }}{% endmacro %}" + line
    )
    found = hashes(range(people))
    text = shown.render(it={"people": distinct(found), "exact": exact(found)})
    assert (f"standard error {100 * ERROR:.1f} %" in text) == (people >= MAX_SUBJECTS)


def test_the_smallest_of_parts_are_the_smallest_of_the_whole() -> None:
    parts = [hashes(range(4_000)), hashes(range(2_000, 7_000))]
    assert sorted({*parts[0], *parts[1]})[:MAX_SUBJECTS] == hashes(range(7_000))
