"""National identifiers of Denmark, Finland, Iceland, Norway and Sweden."""

from __future__ import annotations

import re
from typing import Final

from monitor.detectors.digits import is_day, is_day_of, luhn, weighted
from monitor.detectors.identifier import ALWAYS, GROUPED, NEVER, Identifier

_SE_FORM = re.compile(r"(18|19|20)?([0-9]{2})([0-9]{2})([0-9]{2})([-+]?)([0-9]{4})")
_HETU_FORM = re.compile(r"([0-9]{6})([-+A-FU-Y])([0-9]{3})([0-9A-Y])")
_HETU_LETTERS: Final = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_HETU_CENTURIES: Final = {"+": 1800, **dict.fromkeys("-UVWXY", 1900), **dict.fromkeys("ABCDEF", 2000)}
_FNR_FIRST: Final = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)
_FNR_SECOND: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
_COORDINATION: Final = 60
"""Added to the day in Swedish coordination numbers."""


def is_personnummer(text: str) -> bool:
    """Day of birth, perhaps plus 60 (samordningsnummer), and Luhn over the last ten digits (SKV 704)."""
    form = _SE_FORM.fullmatch(text)
    if form is None:
        return False
    century, year, month, day, _, _ = form.groups()
    born = int(day) - (_COORDINATION if int(day) > _COORDINATION else 0)
    # Without a century the 29th of February of 00 is that of 2000.
    whole = int((century or "20") + year)
    return is_day(whole, int(month), born) and luhn(re.sub(r"[-+]", "", text)[-10:])


def is_hetu(text: str) -> bool:
    """Day of birth, sign of the century, number from 002 to 899, its remainder modulo 31 as a character."""
    form = _HETU_FORM.fullmatch(text)
    if form is None:
        return False
    day, sign, serial, control = form.groups()
    born = is_day_of(day[4:] + day[2:4] + day[:2], _HETU_CENTURIES[sign])
    return born and 2 <= int(serial) < 900 and _HETU_LETTERS[int(day + serial) % 31] == control


def is_fnr(digits: str) -> bool:
    """Day of birth, perhaps plus 40 (D-nummer), number that goes with the century, two digits modulo 11."""
    day, month, year, serial = int(digits[:2]), int(digits[2:4]), int(digits[4:6]), int(digits[6:9])
    century = _fnr_century(serial, year)
    if century is None or not is_day(century + year, month, day - 40 if day > 40 else day):
        return False
    return weighted(digits, _FNR_FIRST) % 11 == 0 and weighted(digits, _FNR_SECOND) % 11 == 0


def _fnr_century(serial: int, year: int) -> int | None:
    if serial < 500 or (serial >= 900 and year >= 40):
        return 1900
    if serial < 750 and year >= 54:
        return 1800
    return 2000 if year < 40 else None


def is_cpr(digits: str) -> bool:
    """Day of birth in the century that goes with the seventh digit; there is no check digit since 2007."""
    year, seventh = int(digits[4:6]), digits[6]
    if seventh in "5678" and year >= 58:
        century = 1800
    elif seventh in "0123" or (seventh in "49" and year >= 37):
        century = 1900
    else:
        century = 2000
    return is_day(century + year, int(digits[2:4]), int(digits[:2]))


def is_kennitala(digits: str) -> bool:
    """Day of birth of a person (companies have 40 more), check digit modulo 11, century 9 or 0."""
    century = {"9": 1900, "0": 2000}.get(digits[9])
    if century is None or not is_day(century + int(digits[4:6]), int(digits[2:4]), int(digits[:2])):
        return False
    return weighted(digits, (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


NORDIC: Final = (
    Identifier(
        name="se_personnummer",
        what="Sweden: personal identity number and coordination number",
        pattern=r"(?:18|19|20)?[0-9]{6}[-+]?[0-9]{4}",
        check=is_personnummer,
        checked="day of birth; Luhn",
        prior=0.0073,
        shapes=("9999999999",),
        words=(r"person(?:al)?[ _-]?(?:nummer|number|nr|no)", r"pnr", r"samordningsnummer"),
        alone=GROUPED,
        beware="compact times such as 251125-0103, one in ten",
        strip=" ",
        raw=r"(?:18|19|20)?[0-9]{6}(?:[-+]|\\+u002[bB])?[0-9]{4}",
    ),
    Identifier(
        name="fi_hetu",
        what="Finland: personal identity code (henkilötunnus)",
        pattern=r"[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]",
        check=is_hetu,
        checked="day of birth; remainder modulo 31",
        prior=0.0006,
        shapes=("999999-999A", "999999A9999"),
        words=(r"hetu", r"henkil\w*tunnus", r"personbeteckning"),
        alone=ALWAYS,
        beware="none known",
        strip="",
        raw=r"[0-9]{6}(?:[-+A-FU-Y]|\\+u002[bB])[0-9]{3}[0-9A-FHJ-NPR-Y]",
    ),
    Identifier(
        name="no_fnr",
        what="Norway: national identity number (fødselsnummer) and D number",
        pattern=r"[0-7][0-9]{5}[ -]?[0-9]{5}",
        check=is_fnr,
        checked="day of birth; two check digits modulo 11",
        prior=0.0005,
        shapes=("99999999999",),
        words=(
            r"f\S{1,6}dsels?[ _-]?(?:nummer|nr)",
            r"fodselsnummer",
            r"fnr",
            r"personnummer",
            r"d[ _-]?nummer",
        ),
        alone=ALWAYS,
        beware="none known",
        digits=11,
    ),
    Identifier(
        name="dk_cpr",
        what="Denmark: CPR number",
        pattern=r"[0-3][0-9]{5}[ -]?[0-9]{4}",
        check=is_cpr,
        checked="day of birth in the century of the seventh digit; the check digit was given up in 2007",
        prior=0.0365,
        shapes=("9999999999",),
        words=(r"cpr[ _-]?(?:nr|no|nummer|number)?", r"person[ _-]?(?:nummer|nr)"),
        alone=NEVER,
        beware="any number that begins like a day, in a text that says CPR (curriculum, resuscitation)",
        digits=10,
    ),
    Identifier(
        name="is_kennitala",
        what="Iceland: kennitala of a person",
        pattern=r"[0-3][0-9]{5}-?[0-9]{3}[09]",
        check=is_kennitala,
        checked="day of birth; check digit modulo 11",
        prior=0.0006,
        shapes=("9999999999",),
        words=(r"kennit\w*", r"kt"),
        alone=ALWAYS,
        beware="one other number of ten digits in 1,500",
    ),
)
"""Sources: Skatteverket SKV 704, DVV, Skatteetaten, CPR-kontoret, Þjóðskrá."""
