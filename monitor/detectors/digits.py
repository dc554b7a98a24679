"""Arithmetic that check digits share: weighted sums, Luhn, ISO 7064, Verhoeff, and the calendar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_DAYS: Final = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_REFLECTED: Final = 5
"""From here on the rows of Verhoeff's multiplication turn round: the dihedral group of order ten."""
_PERMUTED: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def weighted(digits: str, weights: Sequence[int]) -> int:
    """Sum of digit times weight, over as many as the shorter of the two has."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others (ISO/IEC 7812-1 Annex B)."""
    backwards = [int(c) for c in reversed(digits)]
    return (sum(backwards[::2]) + sum(_DOUBLED[d] for d in backwards[1::2])) % 10 == 0


def mod_11_10(digits: str) -> bool:
    """Whether the last digit is the check digit of ISO 7064 MOD 11,10."""
    product = 10
    for digit in digits[:-1]:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return (product + int(digits[-1])) % 10 == 1


def verhoeff(digits: str) -> bool:
    """Whether the last digit is the check digit of Verhoeff's scheme (1969)."""
    state = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        for _ in range(place % 8):
            value = _PERMUTED[value]
        state = _multiplied(state, value)
    return state == 0


def _multiplied(a: int, b: int) -> int:
    """Product in the dihedral group of order ten."""
    if a < _REFLECTED:
        return (a + b) % 5 if b < _REFLECTED else (a + b) % 5 + 5
    return (a - b) % 5 + 5 if b < _REFLECTED else (a - b) % 5


def is_day(year: int, month: int, day: int) -> bool:
    """Whether the Gregorian calendar has that day."""
    if not 1 <= month <= 12 or not 1 <= day <= _DAYS[month]:
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return leap or (month, day) != (2, 29)


def is_day_of(digits: str, century: int) -> bool:
    """Whether `digits`, YYMMDD, are a day of the hundred years from `century` on."""
    return is_day(century + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))


def is_time(digits: str) -> bool:
    """Whether a run of digits may as well be a point in time: it then needs a word to be anything else.

    Seconds, milliseconds, microseconds or nanoseconds since 1970 between 2010 and 2038, and YYYYMMDD with
    hours, minutes and seconds of these years.
    """
    if not digits.isdecimal():
        return False
    if len(digits) in (10, 13, 16, 19) and "1262" <= digits[:4] <= "2147":
        return True
    if len(digits) not in (8, 10, 12, 14, 17) or not "2010" <= digits[:4] <= "2038":
        return False
    return is_day(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
