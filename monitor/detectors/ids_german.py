"""National identifiers of Germany, Austria, Switzerland and Liechtenstein."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from monitor.detectors.digits import is_day, mod_11_10, weighted
from monitor.detectors.identifier import ALWAYS, NEVER, Identifier

_RVNR_FORM = re.compile(r"[0-8][0-9]([0-9]{2})([0-9]{2})[0-9]{2}[A-Z][0-9]{3}")
_RVNR_WEIGHTS: Final = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2)
_DOCUMENT: Final = "CFGHJKLMNPRTVWXYZ"
"""Letters of German document numbers: none that reads like a digit or makes a word."""
_SVNR_WEIGHTS: Final = (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)


def is_steuer_id(digits: str) -> bool:
    """One of the first ten digits twice or thrice, all others once; ISO 7064 MOD 11,10 (section 139b AO)."""
    repeated = [n for n in Counter(digits[:10]).values() if n > 1]
    return digits[0] != "0" and repeated in ([2], [3]) and mod_11_10(digits)


def is_rvnr(text: str) -> bool:
    """Area, day of birth, initial, serial number; cross sums of weighted digits (section 147 SGB VI)."""
    form = _RVNR_FORM.fullmatch(text)
    if form is None:
        return False
    day, month = int(form[1]), int(form[2])
    if not 1 <= (day - 50 if day > 50 else day) <= 31 or not 1 <= month <= 12 or text[:2] < "02":
        return False
    letter = f"{ord(text[8]) - 64:02d}"
    products = [int(d) * w for d, w in zip(text[:8] + letter + text[9:11], (*_RVNR_WEIGHTS, 1), strict=True)]
    return sum(p // 10 + p % 10 for p in products) % 10 == int(text[11])


def is_ausweis(text: str) -> bool:
    """Letter of an office, eight characters, and the check digit with weights 7, 3, 1 (ICAO Doc 9303)."""
    values = [int(c, 36) for c in text[:9]]
    total = sum(v * w for v, w in zip(values, (7, 3, 1) * 3, strict=True))
    return text[0] in _DOCUMENT and total % 10 == int(text[9])


def is_svnr(digits: str) -> bool:
    """Serial number, check digit as the fourth, day of birth; months 13 to 15 where days ran out."""
    day, month = int(digits[4:6]), int(digits[6:8])
    born = is_day(2000 + int(digits[8:]), month, day) or (13 <= month <= 15 and 1 <= day <= 31)
    return digits[0] != "0" and born and weighted(digits, _SVNR_WEIGHTS) % 11 == int(digits[3])


def is_ahv(digits: str) -> bool:
    """Country 756 and the check digit of EAN-13."""
    return digits.startswith("756") and weighted(digits, (1, 3) * 6 + (1,)) % 10 == 0


GERMAN: Final = (
    Identifier(
        name="de_steuer_id",
        what="Germany: tax identification number (Steuer-ID)",
        pattern=r"[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}",
        check=is_steuer_id,
        checked="one digit twice or thrice among the first ten; ISO 7064 MOD 11,10",
        prior=0.0034,
        shapes=("99999999999",),
        words=(r"steuer[ _-]?(?:liche[ _-]?)?id\w*", r"idnr", r"steuer[ _-]?(?:nr|nummer)", r"tin"),
        alone=ALWAYS,
        beware="one other number of eleven digits in 300",
        digits=11,
    ),
    Identifier(
        name="de_rvnr",
        what="Germany: pension insurance number (Rentenversicherungsnummer)",
        pattern=r"[0-8][0-9] ?[0-9]{6} ?[A-Z] ?[0-9]{3}",
        check=is_rvnr,
        checked="area, day of birth; weighted cross sums modulo 10",
        prior=0.0067,
        shapes=("99999999A999",),
        words=(
            r"rvnr",
            r"rv[ _-]?nummer",
            r"(?:renten|sozial)[ _-]?versicherungs[ _-]?(?:nr|nummer)",
            r"svnr",
        ),
        alone=ALWAYS,
        beware="part numbers of the same form",
    ),
    Identifier(
        name="de_ausweis",
        what="Germany: number of identity card or passport",
        pattern=r"[CFGHJ-NPRTV-Z][0-9CFGHJ-NPRTV-Z]{8}[0-9]",
        check=is_ausweis,
        checked="letters of the office; check digit 7, 3, 1 of ICAO Doc 9303",
        prior=0.047,
        shapes=("A999999999", "AA99A99999"),
        words=(
            r"(?:personal)?ausweis\w*",
            r"reise[ _-]?pass\w*",
            r"passport\w*",
            r"pass[ _-]?(?:nr|no|number|nummer)",
            r"(?:id|identity)[ _-]?card\w*",
        ),
        alone=NEVER,
        beware="serial numbers in a text that speaks of a passport",
    ),
    Identifier(
        name="at_svnr",
        what="Austria: social insurance number",
        pattern=r"[1-9][0-9]{3} ?[0-9]{6}",
        check=is_svnr,
        checked="day of birth; weighted sum modulo 11 as the fourth digit",
        prior=0.0038,
        shapes=("9999999999",),
        words=(r"svnr", r"sv[ _-]?(?:nr|nummer)", r"sozial[ _-]?versicherungs[ _-]?(?:nr|nummer)", r"vsnr"),
        alone=NEVER,
        beware="a date with a number before it, in a text that speaks of insurance",
        digits=10,
    ),
    Identifier(
        name="ch_ahv",
        what="Switzerland and Liechtenstein: social insurance number (AHV, AVS)",
        pattern=r"756\.?[0-9]{4}\.?[0-9]{4}\.?[0-9]{2}",
        check=is_ahv,
        checked="country 756; check digit of EAN-13",
        prior=0.0001,
        shapes=("9999999999999",),
        words=(r"ahv\w*", r"avs", r"nss", r"navs13"),
        alone=ALWAYS,
        beware="none known",
    ),
)
"""Sources: BZSt, section 147 SGB VI and DRV, ICAO Doc 9303, section 31 ASVG, Art. 50c AHVG."""
