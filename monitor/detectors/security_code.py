"""Security codes of payment cards: three or four digits that a word or the field's name says are one."""

from __future__ import annotations

import re
from functools import cache, partial
from typing import Final

from monitor.detectors.card import find_card
from monitor.detectors.entry import FINANCIAL, Entry
from monitor.detectors.gate import DECODED, WORDS, Gate, bounded
from monitor.detectors.item import Item
from monitor.detectors.scan import Headed
from monitor.detectors.states import RAW
from monitor.detectors.surroundings import careless, says, worded

_NEAR: Final = 100
"""Characters around a code in which a card number makes it sure."""

_NAMES: Final = (
    r"cvv2?", r"cvc2?", r"cvn2?",
    r"card[ _-]?(?:verification|security|validation)[ _-]?(?:code|value|number|no|nr)?",
    r"security[ _-]?code", r"verification[ _-]?(?:code|value)[ _-]?card",
    r"karten?pr\S{1,6}f(?:nummer|ziffer)",
    r"pr\S{1,6}fziffer", r"code[ _-]de[ _-]s\S{1,6}curit\S{1,6}",
)  # fmt: skip
_SHORT: Final = (r"csc", r"cid")
"""Names that mean other things too, where no card is near."""
_CODE: Final = (
    r"[\"'\\]{0,4}(?: (?:code|is|was|number))?"
    r"[ ]?[:=]?[ \"'\\]{0,4}(?P<code>[0-9]{3,4})(?![0-9A-Za-z_]|[.:-][0-9])"
)
"""What follows the name."""


@cache
def _coded(names: tuple[str, ...]) -> Headed:
    return Headed("(?:^|[^A-Za-z])", (*names, *_SHORT), _CODE)


def find_cvv(text: str, path: str, names: tuple[str, ...] = _NAMES) -> list[Item]:
    """The code that is the value of a field of its name, and those right behind such a name in a text."""
    body = text.strip()
    if re.fullmatch("[0-9]{3,4}", body) and says(path, worded(names)):
        start = text.index(body)
        return [Item(start, start + len(body), RAW, 0.95)]
    return [item for match in _coded(names).finditer(text) if (item := _judged(match)) is not None]


def _judged(match: re.Match[str]) -> Item | None:
    start, end = match.span("code")
    near = match.string[max(0, start - _NEAR) : end + _NEAR]
    beside_card = bool(find_card(near, ""))
    if not beside_card and match["name"].lower() in _SHORT:
        return None
    return Item(start, end, RAW, 0.95 if beside_card else 0.75)


def security_code(words: tuple[str, ...] = ()) -> Entry:
    """The class, with regular expressions of more words that name it."""
    names = (*_NAMES, *words)
    return Entry(
        name="cvv",
        kind=FINANCIAL,
        what="security codes of cards (CVV, CVC) in a field or right behind a word of that name, CSC and "
        "CID only near a card number",
        checked="three or four digits",
        beware="other numbers behind such a word",
        detector=partial(find_cvv, names=names),
        gate=Gate(
            exact=bounded("[0-9]{3,4}"),
            veiled=DECODED,
            words=careless((*names, *_SHORT)),
            scan=WORDS,
        ),
    )


SECURITY_CODE: Final = (security_code(),)
