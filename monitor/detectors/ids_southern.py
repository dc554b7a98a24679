"""National identifiers of Italy, Spain, Portugal, Greece, Malta and Cyprus."""

from __future__ import annotations

import re
from typing import Final

from monitor.detectors.digits import is_day_of, luhn, weighted
from monitor.detectors.identifier import ALWAYS, NEVER, Identifier

_CODICE_FORM = re.compile(r"[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]")
_OMOCODIA: Final = str.maketrans("LMNPQRSTUV", "0123456789")
"""Letters that stand for digits where two people would have had the same code."""
_MONTHS: Final = "ABCDEHLMPRST"
_ODD: Final = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_DNI: Final = "TRWAGMYFPDXBNJZSQVHLCKE"


def is_codice_fiscale(text: str) -> bool:
    """Letters of the name, day of birth and sex, place, check letter (Decreto 23 December 1976)."""
    if _CODICE_FORM.fullmatch(text) is None:
        return False
    year, day = text[6:8].translate(_OMOCODIA), text[9:11].translate(_OMOCODIA)
    born = f"{year}{_MONTHS.index(text[8]) + 1:02d}{int(day) % 40:02d}"
    # The 29th of February of a year that ends in 00 is that of 2000.
    if not is_day_of(born, 2000 if int(year) < 20 else 1900):
        return False
    values = [int(c) if c.isdecimal() else ord(c) - 65 for c in text]
    total = sum(_ODD[v] for v in values[:15:2]) + sum(values[1:15:2])
    return total % 26 == values[15]


def is_dni(text: str) -> bool:
    """Letter for the remainder modulo 23 (Real Decreto 1553/2005)."""
    return _DNI[int(text[:8]) % 23] == text[8]


def is_nie(text: str) -> bool:
    """As the DNI, with X, Y, Z as 0, 1, 2."""
    return is_dni(str("XYZ".index(text[0])) + text[1:])


def is_nif(digits: str) -> bool:
    """Weighted sum modulo 11; people's begin with 1, 2, 3 or 45 (Decreto-Lei 14/2013)."""
    person = digits[0] in "123" or digits.startswith("45")
    return person and (11 - weighted(digits[:8], (9, 8, 7, 6, 5, 4, 3, 2))) % 11 % 10 == int(digits[8])


def is_amka(digits: str) -> bool:
    """Day of birth and Luhn (IDIKA)."""
    day = digits[4:6] + digits[2:4] + digits[:2]
    return (is_day_of(day, 1900) or is_day_of(day, 2000)) and luhn(digits)


def is_mt_id(text: str) -> bool:
    """Digits that are not all zero, and a letter for where the birth was registered."""
    return text[:-1].strip("0") != ""


def is_tic(text: str) -> bool:
    """Letter for digits of which every other one is replaced, modulo 26; people's begin with 0 or 9."""
    odd = sum((1, 0, 5, 7, 9, 13, 15, 17, 19, 21)[int(c)] for c in text[0:8:2])
    return text[0] in "09" and (odd + sum(int(c) for c in text[1:8:2])) % 26 == ord(text[8]) - 65


SOUTHERN: Final = (
    Identifier(
        name="it_codice_fiscale",
        what="Italy: tax code of a person (codice fiscale)",
        pattern=r"[A-Z]{6} ?[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2} ?[A-Z][0-9LMNP-V]{3}[A-Z]",
        check=is_codice_fiscale,
        checked="day of birth and sex; check letter",
        prior=0.014,
        shapes=("AAAAAA99A99A999A",),
        words=(r"codice[ _-]?fiscale", r"cod[ ._-]?fisc\w*", r"cf"),
        alone=ALWAYS,
        beware="none known",
    ),
    Identifier(
        name="es_dni",
        what="Spain: identity card (DNI)",
        pattern=r"[0-9]{8}[ -]?[A-HJ-NP-TV-Z]",
        check=is_dni,
        checked="letter for the remainder modulo 23",
        prior=0.038,
        shapes=("99999999A",),
        words=(r"dni", r"nif", r"documento[ _-]?nacional\w*"),
        alone=ALWAYS,
        beware="one in 26 part numbers of eight digits and a letter",
    ),
    Identifier(
        name="es_nie",
        what="Spain: identity number of foreigners (NIE)",
        pattern=r"[XYZ][ -]?[0-9]{7}[ -]?[A-HJ-NP-TV-Z]",
        check=is_nie,
        checked="letter for the remainder modulo 23",
        prior=0.0044,
        shapes=("A9999999A",),
        words=(r"nie", r"nif", r"extranjero\w*"),
        alone=ALWAYS,
        beware="none known",
    ),
    Identifier(
        name="pt_nif",
        what="Portugal: tax number of a person (NIF)",
        pattern=r"[1-4][0-9]{2}[ .]?[0-9]{3}[ .]?[0-9]{3}",
        check=is_nif,
        checked="first digits of people; weighted sum modulo 11",
        prior=0.031,
        shapes=("999999999",),
        words=(r"nif", r"contribuinte\w*", r"n\S{1,6}mero[ _-]fiscal"),
        alone=NEVER,
        beware="one in 32 numbers of nine digits beside the word",
    ),
    Identifier(
        name="gr_amka",
        what="Greece: social security number (AMKA)",
        pattern=r"[0-3][0-9]{10}",
        check=is_amka,
        checked="day of birth; Luhn",
        prior=0.0037,
        shapes=("99999999999",),
        words=(r"amka", "\u03b1\u03bc\u03ba\u03b1"),
        alone=ALWAYS,
        beware="one other number of eleven digits in 270",
        digits=11,
    ),
    Identifier(
        name="mt_id",
        what="Malta: identity card number",
        pattern=r"[0-9]{7}[ABGHLMPZ]",
        check=is_mt_id,
        checked="letter of the register; there is no check digit",
        prior=0.31,
        shapes=("9999999A",),
        words=(r"(?:id|identity)[ _-]?card\w*", r"karta[ _-]tal[ _-]identit\w*", r"malta[ _-]?id"),
        alone=NEVER,
        beware="any code of seven digits and a letter beside the word; older, shorter numbers are missed",
    ),
    Identifier(
        name="cy_tic",
        what="Cyprus: tax identification code of a person",
        pattern=r"[09][0-9]{7}[A-Z]",
        check=is_tic,
        checked="first digits of people; check letter modulo 26",
        prior=0.0077,
        shapes=("99999999A",),
        words=(r"tic", r"cyprus[ _-]?tax\w*"),
        alone=NEVER,
        beware="part numbers of eight digits and a letter beside the word",
    ),
)
"""Sources: Agenzia delle Entrate, Ministerio del Interior, Autoridade Tributária, IDIKA, Identity Malta, the
Cyprus Tax Department, the EU's TIN portal."""
