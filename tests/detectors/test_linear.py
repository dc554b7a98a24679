"""A long line costs in proportion to its length: four times as long, four times the work and not sixteen.

What a regular expression does cannot be counted, so CPU seconds of two sizes are compared, with room for a
noisy machine: the least of three, and ten times allowed where a quadratic search takes sixteen.
"""

import base64
import re
import time
from collections.abc import Callable

import pytest

from monitor.detectors.ladder import views
from monitor.detectors.registry import DETECTORS

UNITS = (
    "@", "a@", "a.", "a", "1", "9", "12 ", "1-", "1.", "1:", ":", "::", "-", "_", "_a", "a-b_", "%",
    "%25", "%40", "\\", "\\u0040", "&#64;", "=", "=40", "(", "[at]", "<", '"', "'", '"a', "+", "+1 ",
    "00", "DE89", "4111", "4111 ", "basic ", "eyJ", "eyJa.", "password", "_password", "pass_", "key: ",
    "://", "a://b:", "-----BEGIN ", "\t", '{"', "-----BEGIN PRIVATE KEY-----", "born ", "1.1.1.", "20",
    "2000-", "cvv ", "5.1234,", "P<", "<<<", "AKIA", " ", "\u0660", "\u200b", "é", "tel: ", "A1",
    "AB12 ", "a1B2",
)  # fmt: skip
SMALL, FACTOR = 1_500, 4
ALLOWED = 10
LEAST = 0.003
"""CPU seconds below which nothing is told: the clock and the interpreter's own work drown it."""


def least(run: Callable[[], object]) -> float:
    spent = []
    for _ in range(3):
        begin = time.process_time()
        run()
        spent.append(time.process_time() - begin)
    return min(spent)


def too_slow(run: Callable[[str], object], units: tuple[str, ...] = UNITS) -> list[str]:
    wrong = []
    for unit in units:
        small, large = (unit * (size // len(unit)) for size in (SMALL, FACTOR * SMALL))
        begin = time.process_time()
        run(large)
        if time.process_time() - begin < LEAST:
            continue
        if least(lambda large=large: run(large)) > ALLOWED * max(
            least(lambda small=small: run(small)), LEAST / 10
        ):
            wrong.append(unit)
    return wrong


@pytest.mark.parametrize("name", DETECTORS)
def test_detectors(name):
    assert too_slow(lambda text: DETECTORS[name](text, "message")) == []


def test_names_of_fields():
    assert too_slow(lambda path: [detect("737 1.5", path) for detect in DETECTORS.values()]) == []


def test_the_ladder():
    assert too_slow(lambda text: list(views(text))) == []


def test_nested_encodings_are_bounded():
    text = "anna.berg@nordwind-shop.de " * 2_000
    for _ in range(6):
        text = base64.b64encode(text.encode()).decode()
    assert sum(len(view.text) for view in views(text)) <= 7 * len(text) + 65_536


def test_a_quadratic_search_would_be_noticed():
    quadratic = re.compile(r"_\w*!")
    assert too_slow(quadratic.search, ("_", "a")) == ["_"]
