"""IBAN and card numbers against python-stdnum, and in running text."""

import random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban as stdnum_iban
from stdnum import luhn as stdnum_luhn

from monitor.detectors import find
from monitor.detectors.card import RANGES, is_card
from monitor.detectors.digits import luhn
from monitor.detectors.iban import COUNTRIES, STRUCTURES, is_iban

DIGITS, CAPITALS = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALPHABETS = {"[0-9]": DIGITS, "[A-Z]": CAPITALS, "[0-9A-Z]": DIGITS + CAPITALS}


def made_up(country: str, rng: random.Random) -> str:
    """An IBAN of the country's structure with the right check digits."""
    pieces = STRUCTURES[country][1].pattern.split("}")[:-1]
    bban = "".join(
        rng.choice(ALPHABETS[kind]) for kind, n in (p.split("{") for p in pieces) for _ in range(int(n))
    )
    digits = "".join(str(int(c, 36)) for c in bban + country)
    return f"{country}{98 - int(digits + '00') % 97:02d}{bban}"


def spoilt(text: str, rng: random.Random) -> str:
    """One character changed; the check digits stay digits, the oracle takes letters there."""
    at = rng.randrange(len(text))
    return text[:at] + rng.choice(DIGITS if at in (2, 3) else DIGITS + CAPITALS) + text[at + 1 :]


def test_iban_agrees_with_stdnum():
    rng = random.Random(20)
    for _ in range(10_000):
        valid = made_up(rng.choice(COUNTRIES), rng)
        for text in (valid, spoilt(valid, rng)):
            # National check digits are the oracle's extra; we go by the registry alone.
            assert is_iban(text) == stdnum_iban.is_valid(text, check_country=False), text


def test_luhn_agrees_with_stdnum():
    rng = random.Random(21)
    for _ in range(20_000):
        digits = "".join(rng.choices(DIGITS, k=rng.randint(1, 19)))
        assert luhn(digits) == stdnum_luhn.is_valid(digits)


def with_check_digit(body: str) -> str:
    return next(body + d for d in DIGITS if luhn(body + d))


@pytest.mark.parametrize(("first", "last", "lengths"), RANGES, ids=str)
def test_every_issuer_range_is_found(first, last, lengths):
    for prefix in (first, last):
        for length in lengths:
            number = with_check_digit(prefix + "7" * (length - len(prefix) - 1))
            frame = find(pl.Series([f"card used: {number}."]), ("card",))
            assert frame.select("state", "start", "end").rows() == [("raw", 11, 11 + length)]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "3782 822463 10005",
        "pan=4111111111111111&cvv=1",
        "order-4111111111111111",
        '{"card": 4111111111111111}',
        "4111+1111+1111+1111",
        "4111111111111111, ok",
        "4111%201111%201111%201111",
    ],
)
def test_card_in_text(text):
    assert find(pl.Series([text]), ("any",))["detector"].to_list() == ["card"]


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # check digit
        "1763287200000000",  # microseconds
        "9999999999999995",  # no issuer
        "0.4111111111111111",
        "a4111111111111111",
        "4111111111111111a",
        "3f2504e0-4f89-41d3-9a0c-411111111111",
        "4111 1111-1111 1111",
        "/ad/page;tile=1;ord=4111111111111111?",  # a random number against caches
        "41111111111111111111111111",
    ],
)
def test_not_a_card(text):
    assert find(pl.Series([text]), ("card",)).is_empty()


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("DE89370400440532013000", "DE89370400440532013000"),
        ("IBAN: DE89 3704 0044 0532 0130 00 of", "DE89 3704 0044 0532 0130 00"),
        ("de89370400440532013000", "de89370400440532013000"),
        ("GB82-WEST-1234-5698-7654-32", "GB82-WEST-1234-5698-7654-32"),
        ("to=NL91ABNA0417164300;", "NL91ABNA0417164300"),
        ("?iban=DE89+3704+0044+0532+0130+00&x", "DE89+3704+0044+0532+0130+00"),
        ("NO9386011117947, paid", "NO9386011117947"),
        ("MT84MALT011000012345MTLCAST001S", "MT84MALT011000012345MTLCAST001S"),
        (
            "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000",
            "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000",
        ),
    ],
)
def test_iban_in_text(text, span):
    frame = find(pl.Series([text]), ("any",))
    assert frame["detector"].to_list() == ["iban"]
    start, end = frame.select("start", "end").row(0)
    assert text[start:end] == span


@pytest.mark.parametrize(
    "text",
    [
        "DE89370400440532013001",
        "DE8937040044053201300",
        "DE893704004405320130000",
        "XX89370400440532013000",
        "xDE89370400440532013000",
        "De89370400440532013000",
        "DE89  3704  0044  0532  0130  00",
    ],
)
def test_not_an_iban(text):
    assert find(pl.Series([text]), ("iban",)).is_empty()


def test_a_percent_encoded_iban_is_encoded():
    frame = find(pl.Series(["iban=DE89%203704%200044%200532%200130%2000"]), ("iban",))
    assert frame.select("state", "steps").rows() == [("encoded", "percent")]


@given(st.integers(min_value=10**15, max_value=10**16 - 1))
def test_random_numbers_are_cards_only_by_range_and_check_digit(number):
    digits = str(number)
    assert is_card(digits) <= luhn(digits)
    assert bool(find(pl.Series([digits]), ("card",)).height) == is_card(digits)


@pytest.mark.parametrize("prefix", ["30", "36", "39", "35", "4", "58"])
def test_a_length_that_is_hardly_issued_needs_words_that_say_card(prefix):
    length = {"4": 13, "58": 13, "35": 18}.get(prefix, 16)
    first = {"30": "3004", "35": "3530"}.get(prefix, prefix)
    number = with_check_digit(first + "7" * (length - len(first) - 1))
    alone = f'"REQ_PASSED" "{number}" "" "203.0.113.7"'
    assert find(pl.Series([alone]), ("card",)).is_empty()
    assert find(pl.Series([alone]), ("card",), pl.Series(["payment.cardNumber"])).height == 1
    assert find(pl.Series([f"Karte {number} abgelehnt"]), ("card",)).height == 1
    assert find(pl.Series([f"{number} is the PAN"]), ("card",)).height == 1
    assert find(pl.Series([f"a card{' ' * 40}{number}"]), ("card",)).is_empty()


@pytest.mark.parametrize(
    "number", ["4111111111111111", "5555555555554444", "378282246310005", "30569309025904"]
)
def test_what_is_issued_every_day_needs_no_words(number):
    assert find(pl.Series([f"{number}"]), ("card",)).height == 1
