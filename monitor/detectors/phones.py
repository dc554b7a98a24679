"""Phone numbers: international ones anywhere, national ones where a word and the region's rules allow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from monitor.detectors.digits import is_time
from monitor.detectors.entry import CONTACT, Entry
from monitor.detectors.gate import BEGIN, DECODED, NUMBERS, WORDS, Gate, bounded
from monitor.detectors.item import Item
from monitor.detectors.scan import beside, scanned
from monitor.detectors.states import NOT_PERSONAL, RAW
from monitor.detectors.surroundings import ALONE, NAMED, careless, evidence, says, worded
from monitor.lazily import Lazily

if TYPE_CHECKING:
    import phonenumbers
else:
    phonenumbers = Lazily("phonenumbers")

REGIONS: Final = (
    "DE",
    "AT",
    "CH",
    "FR",
    "GB",
    "IE",
    "NL",
    "BE",
    "IT",
    "ES",
    "PT",
    "PL",
    "CZ",
    "SE",
    "DK",
    "NO",
    "US",
)
"""Whose national numbers are known; in this order they are tried."""

_WORDS: Final = (
    r"\w*phone\w*", r"tel", r"tele?fo[on]\w*", r"t\S{1,6}l\S{1,6}phone", r"mobil\w{0,8}[\"'\\]{0,4} ?[:=]",
    r"fax\w*", r"msisdn", r"gsm", r"whatsapp", r"sms", r"caller\w*", r"callee", r"ruf[ _-]?nummer",
    r"handy[ _-]?(?:nr|nummer)", r"puhelin\w*", r"numer[ _-]telefonu",
)  # fmt: skip
_FIELDS: Final = (*_WORDS, r"mobil\w*", r"handy\w*", r"cell\w*")
"""In a text such words mean other things too: a browser on a mobile, a cell of a table."""
_BETWEEN: Final = r"[ ()./\-]{0,2}"
_RAW_BETWEEN: Final = r"[ ()./\\\-]{0,4}"
"""The same in JSON, where a slash may have a backslash before it."""
_INTERNATIONAL: Final = rf"(?:\+|\(\+|00)[ (]?[1-9](?:{_BETWEEN}[0-9]){{6,14}}"
_GAP = re.compile(r"[ ()./\-]+(?=[0-9])")
_DROPPED: Final = 3
_SHORTEST: Final = 8
"""Characters of a number with its sign, at least; what is shorter is a country and an area."""
_NATIONAL: Final = rf"\(?[0-9](?:{_BETWEEN}[0-9]){{6,11}}"
_NOBODYS = re.compile(
    r"1[2-9][0-9]{2}55501[0-9]{2}"  # North America
    r"|44(?:7700900|1632960|20794601?|1134960|1144960|1154960|1164960|1174960|1184960|1214960|1314960|1414960"
    r"|1514960|1614960|1914980|2890180|2920180|3069990|8081570|9098790)[0-9]{3}"  # Ofcom
    r"|49(?:30|69)23125[0-9]{3}|49(?:40)66969[0-9]{3}|49(?:221)4710[0-9]{3}|49(?:89)99998[0-9]{3}"  # BNetzA
    r"|33(?:1990|2619|3530|4657|5364|6399)[0-9]+|46(?:70174|31390|40628|8465)[0-9]+"  # Arcep, PTS
)
"""Numbers for films and documents: North American Numbering Plan, Ofcom, BNetzA, Arcep, PTS."""
_OTHER = re.compile(
    r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}$|[12][0-9]{3}[-./][0-9]{2}|[0-9]{1,2}[./][0-9]{1,2}[./](?:19|20)[0-9]{2}"
)
_BEFORE = re.compile(r"[0-9A-Za-z_]$|[0-9A-Za-z][-./+]$")
_AFTER = re.compile(r"[0-9A-Za-z_]|[-.][0-9A-Za-z]")


def known_regions() -> frozenset[str]:
    """Countries (ISO 3166-1) that have a numbering plan."""
    return frozenset(phonenumbers.SUPPORTED_REGIONS)


@lru_cache(maxsize=4096)
def state_of(number: str, region: str | None) -> str | None:
    """State of a number as dialled; None where the region, or the country it names, has no such number.

    Raw for numbers that may be a person's; service numbers and those kept for films are nobody's.
    """
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if _NOBODYS.fullmatch(f"{parsed.country_code}{parsed.national_number}"):
        return NOT_PERSONAL
    if not phonenumbers.is_valid_number(parsed):
        return None
    kinds = phonenumbers.PhoneNumberType
    own = (
        kinds.FIXED_LINE,
        kinds.MOBILE,
        kinds.FIXED_LINE_OR_MOBILE,
        kinds.PERSONAL_NUMBER,
        kinds.VOIP,
        kinds.PAGER,
    )
    return RAW if phonenumbers.number_type(parsed) in own else NOT_PERSONAL


def _international(match: re.Match[str], path: str, words: tuple[str, ...] = ()) -> Item | None:
    start, end = match.span()
    before = match.string[max(0, start - 2) : start]
    if _BEFORE.search(before) or before[-1:] == "+":
        return None
    named = says(path, worded((*_FIELDS, *words)))
    seen = NAMED if named else evidence(match.string, (start, end), path, worded((*_WORDS, *words)))
    text = match.group()
    if text.startswith("00") and seen == ALONE:
        return None
    for length in _lengths(text):
        if _AFTER.match(match.string, start + length):
            continue
        digits = re.sub(r"[^0-9]", "", text[:length])
        state = state_of("+" + (digits[2:] if text.startswith("00") else digits), None)
        if state:
            return Item(start, start + length, state, 0.9 if seen == ALONE else 0.97)
    return None


def _lengths(text: str) -> Iterator[int]:
    """All of the text, then without its last groups: what stands behind a number is taken for part of it."""
    yield len(text)
    ends = [gap.start() for gap in _GAP.finditer(text) if gap.start() >= _SHORTEST]
    yield from reversed(ends[-_DROPPED:])


def _national(
    match: re.Match[str], path: str, words: tuple[str, ...] = (), regions: tuple[str, ...] = REGIONS
) -> Item | None:
    start, end = match.span()
    digits = re.sub(r"[^0-9]", "", match.group())
    if _in_something(match) or _OTHER.match(match.group()) or is_time(match.group()):
        return None
    named = says(path, worded((*_FIELDS, *words)))
    if not named and evidence(match.string, (start, end), path, worded((*_WORDS, *words))) == ALONE:
        return None
    states = [state for region in regions if (state := state_of(digits, region))]
    if not states:
        return None
    return Item(start, end, RAW if RAW in states else NOT_PERSONAL, 0.7)


def _in_something(match: re.Match[str]) -> bool:
    text, (start, end) = match.string, match.span()
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    return _BEFORE.search(before) is not None or _AFTER.match(after) is not None or before[-1:] == "+"


def phone(words: tuple[str, ...] = ()) -> Entry:
    """The class, with regular expressions of more words beside which also 00 begins a number."""
    return Entry(
        name="phone",
        kind=CONTACT,
        what="phone numbers with their country: +49 …, beside a word also 0049 …; service numbers and those "
        "kept for "
        "films are not personal",
        checked="numbering plan of the country (the library phonenumbers)",
        beware="a company's own numbers",
        prior=0.04,
        detector=scanned(_INTERNATIONAL, partial(_international, words=words)),
        gate=Gate(
            exact=rf"(?:\+|%2[bB]|\\+u002[bB]|{BEGIN}00)[ (]?[1-9](?:{_RAW_BETWEEN}[0-9]){{6}}",
            veiled=DECODED,
            scan=NUMBERS,
        ),
    )


def phone_national(words: tuple[str, ...] = (), regions: tuple[str, ...] = REGIONS) -> Entry:
    """The class for some regions, with regular expressions of more words that say phone."""
    return Entry(
        name="phone_national",
        kind=CONTACT,
        what="phone numbers without their country, beside a word that says phone: those of "
        + ", ".join(regions),
        checked="numbering plan of one of the regions (the library phonenumbers)",
        beware="order numbers in a text that speaks of calls: most runs of digits are a number somewhere",
        detector=beside(
            (*_FIELDS, *words), scanned(_NATIONAL, partial(_national, words=words, regions=regions))
        ),
        gate=Gate(
            exact=bounded(rf"[(]?[0-9](?:{_RAW_BETWEEN}[0-9]){{6,11}}"),
            veiled=DECODED,
            words=careless((*_FIELDS, *words)),
            scan=WORDS,
        ),
    )


PHONES: Final = (phone(), phone_national())
