"""National identifiers of France, Belgium, the Netherlands, Luxembourg, Ireland, the UK and the USA."""

from __future__ import annotations

import re
from typing import Final

from monitor.detectors.digits import is_day_of, luhn, verhoeff, weighted
from monitor.detectors.identifier import ALWAYS, GROUPED, NEVER, Identifier

_NIR_FORM = re.compile(
    r"[1-478][0-9]{2}(?:0[1-9]|1[0-2]|20|3[0-9]|4[0-2]|[5-9][0-9])(?:[0-9]{2}|2[AB])[0-9]{8}"
)
_CORSICA: Final = {"2A": "19", "2B": "18"}
_LATEST: Final = 30
"""Two digits of the last year for which a Belgian number may be one of the 2000s. No clock is read."""
_PPS: Final = (8, 7, 6, 5, 4, 3, 2)
_PPS_LETTERS: Final = "WABCDEFGHIJKLMNOPQRSTUV"
_NINO_FORM = re.compile(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]")
_NO_NINO: Final = ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")
_NEVER_ISSUED: Final = ("078051120", "219099999", "457555462")
"""Numbers of advertisements and specimens."""


def is_nir(text: str) -> bool:
    """Sex, month and place of birth; 97 minus the remainder (INSEE)."""
    if _NIR_FORM.fullmatch(text) is None:
        return False
    place = _CORSICA.get(text[5:7], text[5:7])
    return 97 - int(text[:5] + place + text[7:13]) % 97 == int(text[13:])


def is_rrn(digits: str) -> bool:
    """Day of birth, of BIS numbers with 20 or 40 more in the month; 97 minus the remainder."""
    month, day = int(digits[2:4]), int(digits[4:6])
    if month % 20 > 12 or month > 52 or day > 31 or not digits.strip("0"):
        return False
    bodies = [digits[:9], f"2{digits[:9]}"] if int(digits[:2]) <= _LATEST else [digits[:9]]
    return any(97 - int(body) % 97 == int(digits[9:]) for body in bodies)


def is_bsn(digits: str) -> bool:
    """The test of eleven: weights 9 to 2, and minus 1 for the last."""
    return digits.strip("0") != "" and weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def is_nin(digits: str) -> bool:
    """Day of birth with its century; a Luhn digit, then a Verhoeff digit, over the first eleven each."""
    century = int(digits[:2]) * 100
    if century not in (1800, 1900, 2000) or not is_day_of(digits[2:8], century):
        return False
    return luhn(digits[:12]) and verhoeff(digits[:11] + digits[12])


def is_pps(text: str) -> bool:
    """Seven digits, a letter for their weighted sum modulo 23, since 2013 with a second letter in the sum."""
    second = ord(text[8]) - 64 if text[8:] in ("A", "B", "H") else 0
    return _PPS_LETTERS[(weighted(text, _PPS) + 9 * second) % 23] == text[7]


def is_nino(text: str) -> bool:
    """Prefixes that are issued; the suffix is A to D (HMRC NIM39110)."""
    return _NINO_FORM.fullmatch(text) is not None and not text.startswith(_NO_NINO)


def is_nhs(digits: str) -> bool:
    """Weights 10 to 2, modulo 11 (NHS Data Dictionary)."""
    return digits.strip("0") != "" and weighted(digits, (10, 9, 8, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def is_ssn(digits: str) -> bool:
    """Area not 000, 666 or 900 to 999, group not 00, serial not 0000; no specimen (SSA)."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    blocked = area in ("000", "666") or area[0] == "9" or group == "00" or serial == "0000"
    return not blocked and digits not in _NEVER_ISSUED


def is_itin(digits: str) -> bool:
    """Area from 900, group from 70, but 89 and 93 (IRS)."""
    return digits[0] == "9" and digits[3:5] >= "70" and digits[3:5] not in ("89", "93")


WESTERN: Final = (
    Identifier(
        name="fr_nir",
        what="France: social security number (NIR, numéro de sécurité sociale)",
        pattern=r"[1-478] ?[0-9]{2} ?[0-9]{2} ?(?:97[1-8] ?[0-9]{2}|(?:[0-9]{2}|2[AB]) ?[0-9]{3})"
        r" ?[0-9]{3} ?[0-9]{2}",
        check=is_nir,
        checked="sex, month and place of birth; 97 minus the remainder modulo 97",
        prior=0.0046,
        shapes=("999999999999999",),
        words=(
            r"nir",
            r"s\S{1,6}curit\S{1,6}[ _-]sociale",
            r"securite[ _-]?sociale",
            r"insee",
            r"num\S{1,6}ro[ _-]ss",
        ),
        alone=ALWAYS,
        beware="one other number of fifteen digits in 200",
    ),
    Identifier(
        name="be_rrn",
        what="Belgium: national register number and BIS number",
        pattern=r"[0-9]{2}\.?[0-9]{2}\.?[0-9]{2}[ -]?[0-9]{3}[. -]?[0-9]{2}",
        check=is_rrn,
        checked="day of birth; 97 minus the remainder modulo 97",
        prior=0.0016,
        shapes=("99999999999",),
        words=(
            r"rijksregister\w*",
            r"registre[ _-]?national",
            r"niss",
            r"insz",
            r"rrn",
            r"bis[ _-]?(?:nr|nummer)",
        ),
        alone=ALWAYS,
        beware="one other number of eleven digits in 600",
        digits=11,
    ),
    Identifier(
        name="nl_bsn",
        what="Netherlands: citizen service number (BSN)",
        pattern=r"[0-9]{4}\.?[0-9]{2}\.?[0-9]{3}",
        check=is_bsn,
        checked="weighted sum modulo 11 (elfproef)",
        prior=0.091,
        shapes=("999999999",),
        words=(r"bsn\w*", r"burger[ _-]?service[ _-]?\w*", r"sofi[ _-]?(?:nr|nummer)?"),
        alone=NEVER,
        beware="one in eleven numbers of nine digits beside the word",
        digits=9,
    ),
    Identifier(
        name="lu_nin",
        what="Luxembourg: national identification number",
        pattern=r"(?:18|19|20)[0-9]{2} ?[0-9]{4} ?[0-9]{5}",
        check=is_nin,
        checked="day of birth; Luhn and Verhoeff digits",
        prior=0.000011,
        shapes=("9999999999999",),
        words=(r"matricule", r"cns", r"nin"),
        alone=ALWAYS,
        beware="none known",
    ),
    Identifier(
        name="ie_pps",
        what="Ireland: personal public service number",
        pattern=r"[0-9]{7}[A-W][ABHWTX]?",
        check=is_pps,
        checked="letter for the weighted sum modulo 23",
        prior=0.038,
        shapes=("9999999A",),
        words=(r"ppsn?o?", r"pps[ _-]?(?:nr|no|number)", r"public[ _-]service[ _-]number"),
        alone=ALWAYS,
        beware="one in 26 part numbers of seven digits and a letter",
    ),
    Identifier(
        name="uk_nino",
        what="United Kingdom: national insurance number",
        pattern=r"[A-Z]{2} ?(?:[0-9]{2} ?[0-9]{2} ?[0-9]{2}|[0-9]{3} [0-9]{3}) ?[A-D]",
        check=is_nino,
        checked="prefixes that are issued, suffix A to D; there is no check digit",
        prior=0.087,
        shapes=("AA999999A",),
        words=(r"nino", r"national[ _-]?insurance\w*", r"ni[ _-]?(?:nr|no|number)"),
        alone=ALWAYS,
        beware="part numbers of the same form",
    ),
    Identifier(
        name="uk_nhs",
        what="United Kingdom: NHS number",
        pattern=r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}",
        check=is_nhs,
        checked="weighted sum modulo 11",
        prior=0.091,
        shapes=("9999999999",),
        words=(r"nhs\w*",),
        alone=NEVER,
        beware="one in eleven numbers of ten digits beside the word",
        digits=10,
    ),
    Identifier(
        name="us_ssn",
        what="United States: social security number",
        pattern=r"[0-8][0-9]{2}(?:-[0-9]{2}-|\.[0-9]{2}\.| [0-9]{2} |[0-9]{2})[0-9]{4}",
        check=is_ssn,
        checked="areas, groups and serials that are issued; there is no check digit",
        prior=0.89,
        shapes=("999999999",),
        words=(r"ssn", r"social[ _-]?security\w*"),
        alone=GROUPED,
        beware="other numbers in groups of three, two and four",
    ),
    Identifier(
        name="us_itin",
        what="United States: individual taxpayer identification number",
        pattern=r"9[0-9]{2}(?:-[0-9]{2}-|[0-9]{2})[0-9]{4}",
        check=is_itin,
        checked="areas and groups that are issued; there is no check digit",
        prior=0.028,
        shapes=("999999999",),
        words=(r"itin", r"taxpayer[ _-]?id\w*"),
        alone=GROUPED,
        beware="other numbers in groups of three, two and four",
    ),
)
"""Sources: INSEE, Rijksregister, RvIG, CTIE, Department of Social Protection, HMRC, NHS Digital, SSA, IRS."""
