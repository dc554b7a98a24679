"""National identifiers of Czechia, Slovakia, Hungary, Slovenia, Croatia, Romania and Bulgaria."""

from __future__ import annotations

from typing import Final

from monitor.detectors.digits import is_day, is_day_of, mod_11_10, weighted
from monitor.detectors.identifier import ALWAYS, GROUPED, NEVER, Identifier

_CNP: Final = (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)
_CNP_CENTURIES: Final = {"1": 1900, "2": 1900, "3": 1800, "4": 1800, "5": 2000, "6": 2000}
_COUNTIES: Final = frozenset((*range(1, 49), 51, 52, 70, 80, 81, 82, 83))
_EGN: Final = (2, 4, 8, 5, 10, 9, 7, 3, 6)
_EMSO: Final = (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
_UPWARDS: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
_BEFORE_1997: Final = "970101"
_TAX_DAYS: Final = ("80700", "86200")
"""8 and the days from 1 January 1867 to birth: people born from 1886 to 2036."""


def is_rodne_cislo(digits: str) -> bool:
    """Day of birth with sex and overflow in the month; nine digits until 1953, else divisible by eleven."""
    year, month, day = int(digits[:2]), int(digits[2:4]) % 50, int(digits[4:6])
    if len(digits) == 9:
        return year < 54 and is_day(1900 + year, month, day)
    whole = year + (2000 if year < 54 else 1900)
    if month > 20 and whole >= 2004:
        month -= 20
    return is_day(whole, month, day) and int(digits[:9]) % 11 % 10 == int(digits[9])


def is_szemelyi(digits: str) -> bool:
    """Sex and century, day of birth; the weights of the check digit run downwards from 1997 on."""
    century = 1900 if digits[0] in "12" else 2000
    if not is_day_of(digits[1:7], century):
        return False
    old = century == 1900 and digits[1:7] < _BEFORE_1997
    return weighted(digits, _UPWARDS if old else _UPWARDS[::-1]) % 11 == int(digits[10])


def is_adoazonosito(digits: str) -> bool:
    """8, days since 1867 until birth, three digits, weighted sum modulo 11 (Act XX of 1996)."""
    return _TAX_DAYS[0] <= digits[:5] <= _TAX_DAYS[1] and weighted(digits[:9], _UPWARDS) % 11 == int(
        digits[9]
    )


def is_taj(digits: str) -> bool:
    """Weights 3 and 7 in turn, modulo 10 (Act XX of 1996)."""
    return digits[:8].strip("0") != "" and weighted(digits, (3, 7) * 4) % 10 == int(digits[8])


def is_emso(digits: str) -> bool:
    """Day of birth with three digits of the year, region, number, check digit modulo 11."""
    year = int(digits[4:7])
    whole = year + 1000 if year >= 800 else year + 2000
    return (
        (year >= 850 or year < 100)
        and is_day(whole, int(digits[2:4]), int(digits[:2]))
        and -weighted(digits[:12], _EMSO) % 11 % 10 == int(digits[12])
    )


def is_oib(digits: str) -> bool:
    """ISO 7064 MOD 11,10 (Act on the Personal Identification Number)."""
    return mod_11_10(digits)


def is_cnp(digits: str) -> bool:
    """Sex and century, day of birth, county, check digit modulo 11."""
    born = digits[0] != "0" and is_day_of(digits[1:7], _CNP_CENTURIES.get(digits[0], 1900))
    check = weighted(digits, _CNP) % 11
    return born and int(digits[7:9]) in _COUNTIES and (1 if check == 10 else check) == int(digits[12])


def is_egn(digits: str) -> bool:
    """Day of birth with the century in the month, check digit modulo 11."""
    month, year = int(digits[2:4]), 1900 + int(digits[:2])
    if month > 40:
        month, year = month - 40, year + 100
    elif month > 20:
        month, year = month - 20, year - 100
    return is_day(year, month, int(digits[4:6])) and weighted(digits, _EGN) % 11 % 10 == int(digits[9])


CENTRAL: Final = (
    Identifier(
        name="cz_sk_rodne_cislo",
        what="Czechia and Slovakia: birth number (rodné číslo)",
        pattern=r"[0-9]{6}/?[0-9]{3,4}",
        check=is_rodne_cislo,
        checked="day of birth; divisible by eleven, save the nine digits of those born before 1954",
        prior=0.0108,
        shapes=("9999999999",),
        words=(r"rodn\S{1,6}[ _-]?\S{1,6}sl[oa]", r"rodne[ _-]?cislo", r"rc"),
        alone=GROUPED,
        beware="paths such as 850101/1234",
        raw=r"[0-9]{6}(?:\\*/|\\+u002[fF])?[0-9]{3,4}",
    ),
    Identifier(
        name="hu_szemelyi",
        what="Hungary: personal identification number (személyi azonosító)",
        pattern=r"[1-4][ -]?[0-9]{6}[ -]?[0-9]{4}",
        check=is_szemelyi,
        checked="sex, century and day of birth; check digit modulo 11",
        prior=0.0012,
        shapes=("99999999999",),
        words=(r"szem\S{1,6}lyi\w*", r"szemelyi\w*"),
        alone=ALWAYS,
        beware="one other number of eleven digits in 800",
    ),
    Identifier(
        name="hu_adoazonosito",
        what="Hungary: tax identification of a person (adóazonosító jel)",
        pattern=r"8[0-9]{9}",
        check=is_adoazonosito,
        checked="days from 1867 to birth; weighted sum modulo 11",
        prior=0.0048,
        shapes=("9999999999",),
        words=(r"ad\S{1,6}azonos\S{1,6}t\S{1,6}", r"adoazonosito\w*"),
        alone=NEVER,
        beware="one other number of ten digits in 200, in a text that speaks of tax",
    ),
    Identifier(
        name="hu_taj",
        what="Hungary: social insurance number (TAJ)",
        pattern=r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}",
        check=is_taj,
        checked="weights 3 and 7, modulo 10",
        prior=0.1,
        shapes=("999999999",),
        words=(r"taj(?:[ _-]?sz\S{1,6}m\w*)?",),
        alone=NEVER,
        beware="one in ten numbers of nine digits beside the word",
        digits=9,
    ),
    Identifier(
        name="si_emso",
        what="Slovenia and its neighbours: EMŠO (JMBG)",
        pattern=r"[0-3][0-9]{12}",
        check=is_emso,
        checked="day of birth; check digit modulo 11",
        prior=0.00091,
        shapes=("9999999999999",),
        words=(r"em\S{1,6}o", r"emso", r"jmbg"),
        alone=ALWAYS,
        beware="milliseconds since 1970 are left out, and with them some numbers",
        digits=13,
    ),
    Identifier(
        name="hr_oib",
        what="Croatia: personal identification number (OIB)",
        pattern=r"[0-9]{11}",
        check=is_oib,
        checked="ISO 7064 MOD 11,10",
        prior=0.1,
        shapes=("99999999999",),
        words=(r"oib",),
        alone=NEVER,
        beware="companies have one too",
        digits=11,
    ),
    Identifier(
        name="ro_cnp",
        what="Romania: personal numerical code (CNP)",
        pattern=r"[1-9][0-9]{12}",
        check=is_cnp,
        checked="sex, century and day of birth, county; check digit modulo 11",
        prior=0.0018,
        shapes=("9999999999999",),
        words=(r"cnp",),
        alone=ALWAYS,
        beware="milliseconds since 1970 need the word, and with them numbers of some men",
    ),
    Identifier(
        name="bg_egn",
        what="Bulgaria: uniform civil number (EGN)",
        pattern=r"[0-9]{10}",
        check=is_egn,
        checked="day of birth with its century; check digit modulo 11",
        prior=0.01,
        shapes=("9999999999",),
        words=(r"egn", "\u0435\u0433\u043d"),
        alone=NEVER,
        beware="one in a hundred numbers of ten digits beside the word",
        digits=10,
    ),
)
"""Sources: Act 133/2000 (Czechia), Act XX of 1996 (Hungary), Slovenia's Central Population Register Act, Law
105/1996 (Romania), Bulgaria's Civil Registration Act."""
