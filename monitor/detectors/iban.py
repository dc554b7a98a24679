"""IBAN: country, length and structure of the account number, and the check digits.

Structures are those of the SWIFT IBAN registry, release 101; the check is ISO 7064 MOD 97-10 (ISO 13616).
"""

from __future__ import annotations

import re
from typing import Final

from monitor.detectors.item import Item
from monitor.detectors.states import RAW

_REGISTRY: Final = """
AD 8n12c AE 19n AL 8n16c AT 16n AZ 4a20c BA 16n BE 12n BG 4a6n8c BH 4a14c BI 23n BR 23n1a1c BY 4c4n16c
CH 5n12c CR 18n CY 8n16c CZ 20n DE 18n DJ 23n DK 14n DO 4c20n EE 16n EG 25n ES 20n FI 14n FK 2a12n FO 14n
FR 10n11c2n GB 4a14n GE 2a16n GI 4a15c GL 14n GR 7n16c GT 24c HN 4a20n HR 17n HU 24n IE 4a14n IL 19n
IQ 4a15n IS 22n IT 1a10n12c JO 4a4n18c KW 4a22c KZ 3n13c LB 4n20c LC 4a24c LI 5n12c LT 16n LU 3n13c
LV 4a13c LY 21n MC 10n11c2n MD 20c ME 18n MK 3n10c2n MN 16n MR 23n MT 4a5n18c MU 4a19n3a NI 4a20n
NL 4a10n NO 11n OM 3n16c PK 4a16c PL 24n PS 4a21c PT 21n QA 4a21c RO 4a16c RS 18n RU 14n15c SA 2n18c
SC 4a20n3a SD 14n SE 20n SI 15n SK 20n SM 1a10n12c SO 19n ST 21n SV 4a20n TL 19n TN 20n TR 6n16c
UA 6n19c VA 18n VG 4a16n XK 16n YE 4a4n18c
"""
"""Country and structure of what follows the check digits: n digits, a letters, c either."""

_CLASSES: Final = {"n": "[0-9]", "a": "[A-Z]", "c": "[0-9A-Z]"}


def _structure(spec: str) -> tuple[int, re.Pattern[str]]:
    parts = re.findall(r"(\d+)([nac])", spec)
    pattern = "".join(f"{_CLASSES[kind]}{{{count}}}" for count, kind in parts)
    return 4 + sum(int(count) for count, _ in parts), re.compile(pattern)


_words = _REGISTRY.split()
STRUCTURES: Final = {
    country: _structure(spec) for country, spec in zip(_words[::2], _words[1::2], strict=True)
}
"""Country code to total length and pattern of the basic bank account number."""

COUNTRIES: Final = tuple(STRUCTURES)
_HEAD = re.compile(r"(?<![0-9A-Za-z])([A-Z]{2}|[a-z]{2})[0-9]{2}(?=[ +\-\u00a0\u202f]?[0-9A-Za-z])")
_SEPARATORS: Final = " +-\u00a0\u202f"


def is_iban(compact: str) -> bool:
    """Whether `compact` (upper case, no separators) is an IBAN: country, structure, check digits."""
    known = STRUCTURES.get(compact[:2])
    if known is None or len(compact) != known[0] or not compact[2:4].isdecimal():
        return False
    if known[1].fullmatch(compact, 4) is None:
        return False
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def find_iban(text: str, path: str) -> list[Item]:
    """Every IBAN in `text`, in groups or not, upper or lower case."""
    del path  # the check is strong enough without the field's name
    items = []
    for head in _HEAD.finditer(text):
        country = head.group(1)
        known = STRUCTURES.get(country.upper())
        if known is None:
            continue
        compact, end = _collect(text, head.start(), known[0])
        if compact == (compact.upper() if country.isupper() else compact.lower()) and is_iban(
            compact.upper()
        ):
            items.append(Item(head.start(), end, RAW, 0.97))
    return items


def _collect(text: str, start: int, length: int) -> tuple[str, int]:
    """`length` letters and digits from `start`, single separators left out; "" where another one follows."""
    taken: list[str] = []
    at = start
    while len(taken) < length and at < len(text):
        char = text[at]
        if char.isascii() and char.isalnum():
            taken.append(char)
        elif char not in _SEPARATORS or text[at - 1] in _SEPARATORS:
            break
        at += 1
    ends = not (at < len(text) and text[at].isascii() and text[at].isalnum())
    return ("".join(taken) if ends else ""), at
