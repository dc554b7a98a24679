"""Payment card numbers: length and issuer range and Luhn, all three.

Ranges are the issuer identification numbers the networks publish (ISO/IEC 7812); the check digit is the
Luhn formula of ISO/IEC 7812-1 Annex B. A checksum alone is worthless: one in ten digit strings passes it.
"""

from __future__ import annotations

import re
from typing import Final

from monitor.detectors.digits import luhn
from monitor.detectors.item import Item
from monitor.detectors.states import RAW

_LONG: Final = (16, 17, 18, 19)
_MAESTRO: Final = tuple(range(12, 20))

RANGES: Final = (
    ("1800", "1800", (15,)),  # JCB
    ("2131", "2131", (15,)),  # JCB
    ("2200", "2204", _LONG),  # Mir
    ("2221", "2720", (16,)),  # Mastercard, 2-series
    ("300", "305", _LONG),  # Diners Club; 14 digits below
    ("300", "305", (14,)),
    ("3095", "3095", (14, *_LONG)),
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("3528", "3589", _LONG),  # JCB
    ("36", "36", (14, *_LONG)),  # Diners Club
    ("38", "39", (14, *_LONG)),
    ("4", "4", (13, 16, 19)),  # Visa
    ("5018", "5018", _MAESTRO),
    ("5020", "5020", _MAESTRO),
    ("5038", "5038", _MAESTRO),
    ("508", "508", (16,)),  # RuPay
    ("51", "55", (16,)),  # Mastercard
    ("56", "58", _MAESTRO),  # Maestro
    ("6011", "6011", _LONG),  # Discover
    ("60", "60", (16,)),  # RuPay
    ("62", "62", _LONG),  # UnionPay
    ("6304", "6304", _MAESTRO),
    ("644", "649", _LONG),  # Discover
    ("65", "65", _LONG),
    ("67", "67", _MAESTRO),
    ("81", "82", _LONG),  # UnionPay, RuPay
    ("9792", "9792", (16,)),  # Troy
)
"""First and last prefix of an issuer range, and the lengths its numbers have."""

_CONTIGUOUS: Final = r"[0-9]{12,19}"
_GROUPED: Final = (
    r"[0-9]{4}(?P<a>[ +\-\u00a0\u202f])[0-9]{4}(?P=a)[0-9]{4}(?P=a)(?:[0-9]{4}(?P=a)[0-9]{3}|[0-9]{1,7})"
    r"|[0-9]{4}(?P<b>[ +\-\u00a0\u202f])[0-9]{6}(?P=b)[0-9]{4,5}"
)
_CANDIDATE = re.compile(rf"(?<![0-9A-Za-z.])(?:{_CONTIGUOUS}|{_GROUPED})(?![0-9A-Za-z]|\.[0-9]|-[0-9A-Za-z])")
_NOT_DIGIT = re.compile(r"[^0-9]")
_KEYWORD = re.compile(r"card|(?:^|[._\-])c?pan(?:$|[._\-])|cc_?num|credit|debit", re.IGNORECASE)
_SELDOM: Final = re.compile(r"3[0689][0-9]{14,17}|35[0-9]{15,17}|4[0-9]{12}|5[0678][0-9]{10,13}")
"""What a network permits and hardly issues: long Diners Club and JCB, short Visa, short Maestro numbers.

Alone such a number is most likely another id.
"""
_NEAR: Final = 30
_SPOKEN_OF = re.compile(
    r"card|karte|carte|carta|tarjeta|credit|debit|visa|maestro|diners|amex|\bjcb\b|\bc?pan\b|\bcc\b|cc_?num",
    re.IGNORECASE,
)
_CACHE_BUSTER = re.compile(r"[?&;](?:ord|rnd|rand|random|cb|cachebuster|nocache)=$", re.IGNORECASE)
"""Parameters of web addresses that hold a random number so that no cache answers, as advertisements do."""
_UUID_GROUP = re.compile(r"[0-9a-fA-F]{4}-")


def is_card(digits: str) -> bool:
    """Whether `digits` has the length of its issuer range and the right check digit."""
    in_range = any(
        first <= digits[: len(first)] <= last and len(digits) in lengths for first, last, lengths in RANGES
    )
    return in_range and luhn(digits)


def find_card(text: str, path: str) -> list[Item]:
    """Every card number in `text`; surer where it is grouped or the field says card.

    One of a length that its network hardly issues counts only where it is grouped, or the field or the words
    around it say card.
    """
    items = []
    for match in _CANDIDATE.finditer(text):
        if _inside_uuid(text, match.start()) or _busts_cache(text, match.start()):
            continue
        digits = _NOT_DIGIT.sub("", match.group())
        if is_card(digits):
            sure = len(digits) < match.end() - match.start() or _KEYWORD.search(path) is not None
            if sure or not _SELDOM.fullmatch(digits) or _spoken_of(text, *match.span()):
                items.append(Item(match.start(), match.end(), RAW, 0.95 if sure else 0.7))
    return items


def _spoken_of(text: str, start: int, end: int) -> bool:
    """Whether the words around say that it is a card."""
    around = (text[max(start - _NEAR, 0) : start], text[end : end + _NEAR])
    return any(_SPOKEN_OF.search(each) for each in around)


def _inside_uuid(text: str, start: int) -> bool:
    """Digits right after four hex digits and a dash are a piece of a UUID, not a card."""
    return _UUID_GROUP.fullmatch(text, max(start - 5, 0), start) is not None


def _busts_cache(text: str, start: int) -> bool:
    return _CACHE_BUSTER.search(text, max(start - 13, 0), start) is not None
