"""Machine-readable zones of passports and identity cards (ICAO Doc 9303, parts 4 to 6)."""

from __future__ import annotations

import re
from typing import Final

from monitor.detectors.digits import is_day
from monitor.detectors.entry import NATIONAL, Entry
from monitor.detectors.gate import ACCOUNTS, DECODED, Gate
from monitor.detectors.item import Item
from monitor.detectors.scan import scanned
from monitor.detectors.states import NOT_PERSONAL, RAW

_PASSPORT: Final = (
    r"(?P<number>[A-Z0-9<]{9}[0-9])(?P<state>[A-Z<]{3})(?P<birth>[0-9]{7})[MFX<](?P<end>[0-9]{7})"
    r"(?P<rest>[A-Z0-9<]{7,14}[0-9<]?[0-9])"
)
_CARD: Final = r"(?P<born>[0-9]{7})[MFX<](?P<until>[0-9]{7})(?P<of>[A-Z<]{3})[A-Z0-9<]{11}[0-9]"
_SPECIMEN: Final = ("UTO", "XXA", "XXX")
"""Utopia, the state of the standard's own examples."""


def is_checked(text: str) -> bool:
    """Whether the last character is the check digit of the others: weights 7, 3, 1; `<` is 0."""
    values = [0 if c == "<" else int(c, 36) for c in text[:-1]]
    return sum(v * (7, 3, 1)[i % 3] for i, v in enumerate(values)) % 10 == int(text[-1])


def _judged(match: re.Match[str], _path: str) -> Item | None:
    text, (start, end) = match.string, match.span()
    if re.search(r"[A-Z0-9<]$", text[max(0, start - 1) : start]) or re.match(
        r"[A-Z0-9<]", text[end : end + 1]
    ):
        return None
    passport = match["number"] is not None
    dates = (match["birth"], match["end"]) if passport else (match["born"], match["until"])
    if not all(is_checked(date) and _is_day(date) for date in dates) or (
        passport and not is_checked(match["number"])
    ):
        return None
    state = match["state"] if passport else match["of"]
    return Item(start, end, NOT_PERSONAL if state in _SPECIMEN else RAW, 0.99 if passport else 0.95)


def _is_day(digits: str) -> bool:
    return is_day(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))


DOCUMENT: Final = (
    Entry(
        name="mrz",
        kind=NATIONAL,
        what="the line with number and dates of a passport's or card's machine-readable zone; that of "
        "Utopia is a "
        "specimen",
        checked="check digits of number, birth and expiry (ICAO Doc 9303); both are days",
        beware="none known",
        detector=scanned(rf"{_PASSPORT}|{_CARD}", _judged),
        gate=Gate(exact=r"[0-9]{7}(?:[MFX<]|\\+u003[cC]|&lt;|%3[cC])[0-9]{7}", veiled=DECODED, scan=ACCOUNTS),
    ),
)
