"""Our checks against python-stdnum, on numbers that are valid, spoilt in one character, or random."""

import os
import random
import re
from itertools import product

import pytest

from monitor.detectors.registry import IDENTIFIERS
from tests.detectors.oracles import DIGITS, LETTERS, ORACLES, Oracle, filled, repeated_digit

NUMBERS = int(os.environ.get("PRIVWATCH_TEST_NUMBERS", "500"))
"""Valid numbers per class, and as many invalid; a release is tested with 100,000."""


def valid(oracle: Oracle, base: str) -> str | None:
    """`base` with those characters at the varied places that make it valid; None where none do."""
    places = [at % len(base) for at in oracle.vary]
    for chars in product(*(DIGITS if base[at].isdigit() else DIGITS + LETTERS for at in places)):
        text = list(base)
        for at, char in zip(places, chars, strict=True):
            text[at] = char
        if oracle.valid("".join(text)):
            return "".join(text)
    return None


def spoilt(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text))
    kind = DIGITS if text[at].isdigit() else LETTERS if text[at].isalpha() else text[at]
    return text[:at] + rng.choice(kind) + text[at + 1 :]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ORACLES)
def test_our_check_agrees_with_stdnum(name):
    oracle, row, rng = ORACLES[name], IDENTIFIERS[name], random.Random(name)
    form = re.compile(row.pattern)
    right = wrong = 0
    while right < NUMBERS or wrong < NUMBERS:
        base = filled(oracle.template, rng)
        if name == "de_steuer_id":
            base = repeated_digit(rng) + base[-1]
        found = valid(oracle, base)
        for text in (base, *((found, spoilt(found, rng)) if found else ())):
            if oracle.apart(text):
                continue
            expected = oracle.valid(text)
            assert (form.fullmatch(text) is not None and row.check(text)) == expected, text
            right, wrong = right + expected, wrong + (not expected)
