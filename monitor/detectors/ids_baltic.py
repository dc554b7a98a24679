"""National identifiers of Estonia, Latvia, Lithuania and Poland."""

from __future__ import annotations

from typing import Final

from monitor.detectors.digits import is_day, is_day_of, weighted
from monitor.detectors.identifier import ALWAYS, GROUPED, Identifier

_FIRST: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)
_SECOND: Final = (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)
_LATVIAN: Final = (10, 5, 8, 4, 2, 1, 6, 3, 7, 9)
_PESEL: Final = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
_PESEL_CENTURIES: Final = {0: 1900, 1: 2000, 4: 1800}
"""By how many twenties were added to the month."""


def is_isikukood(digits: str) -> bool:
    """Sex and century from 1 to 6, day of birth, check digit modulo 11 in two rounds (EVS 585)."""
    if not "1" <= digits[0] <= "6" or not is_day_of(digits[1:7], 1800 + (int(digits[0]) - 1) // 2 * 100):
        return False
    check = weighted(digits, _FIRST) % 11
    if check == 10:
        check = weighted(digits, _SECOND) % 11 % 10
    return check == int(digits[10])


def is_personas_kods(digits: str) -> bool:
    """Day of birth and century, or 32 and a random number since 2017; check digit modulo 11."""
    if digits[6] > "2" and not digits.startswith("32"):
        return False
    born = is_day(1800 + 100 * int(digits[6]) + int(digits[4:6]), int(digits[2:4]), int(digits[:2]))
    return (born or digits.startswith("32")) and (1 + weighted(digits, _LATVIAN)) % 11 % 10 == int(digits[10])


def is_pesel(digits: str) -> bool:
    """Day of birth with the century in the month, check digit modulo 10."""
    twenties, month = divmod(int(digits[2:4]), 20)
    century = _PESEL_CENTURIES.get(twenties)
    if century is None or not is_day(century + int(digits[:2]), month, int(digits[4:6])):
        return False
    return weighted(digits, _PESEL) % 10 == 0


BALTIC: Final = (
    Identifier(
        name="ee_isikukood",
        what="Estonia: personal identification code",
        pattern=r"[1-6][0-9]{10}",
        check=is_isikukood,
        checked="century and day of birth; two-round check digit modulo 11",
        prior=0.0022,
        shapes=("99999999999",),
        words=(r"isikukood\w*", r"ik"),
        alone=ALWAYS,
        beware="a Lithuanian code has the same form and check; one other number of eleven digits in 450",
    ),
    Identifier(
        name="lt_asmens_kodas",
        what="Lithuania: personal code",
        pattern=r"[1-6][0-9]{10}",
        check=is_isikukood,
        checked="century and day of birth; two-round check digit modulo 11",
        prior=0.0022,
        shapes=("99999999999",),
        words=(r"asmens[ _-]?kod\w*",),
        alone=ALWAYS,
        beware="an Estonian code has the same form and check; one other number of eleven digits in 450",
    ),
    Identifier(
        name="lv_personas_kods",
        what="Latvia: personal code, old and new",
        pattern=r"[0-3][0-9]{5}-?[0-9]{5}",
        check=is_personas_kods,
        checked="day of birth and century, or 32 for those issued since 2017; check digit modulo 11",
        prior=0.0019,
        shapes=("99999999999",),
        words=(r"personas?[ _-]?kod\w*",),
        alone=GROUPED,
        beware="other numbers of six and five digits",
        digits=11,
    ),
    Identifier(
        name="pl_pesel",
        what="Poland: PESEL",
        pattern=r"[0-9]{11}",
        check=is_pesel,
        checked="day of birth with its century; check digit modulo 10",
        prior=0.011,
        shapes=("99999999999",),
        words=(r"pesel\w*",),
        alone=ALWAYS,
        beware="one other number of eleven digits in 90",
        digits=11,
    ),
)
"""Sources: EVS 585, Lithuania's Register of Residents, Latvia's Register of Natural Persons, MSWiA."""
