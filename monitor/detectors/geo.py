"""Precise positions: latitude and longitude with four decimals or more, eleven metres and finer."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from monitor.detectors.entry import LOCATION, Entry
from monitor.detectors.gate import DECODED, WORDS, Gate
from monitor.detectors.item import Item
from monitor.detectors.scan import beside, scanned
from monitor.detectors.states import NOT_PERSONAL, RAW
from monitor.detectors.surroundings import ALONE, NAMED, careless, evidence, says, worded

_DEGREES: Final = r"[-+]?[0-9]{1,3}\.[0-9]{4,15}"
_PAIR: Final = rf"(?P<one>{_DEGREES})(?:, ?|;| |%2C|/)(?P<two>{_DEGREES})"
_AXES: Final = (r"lat(?:itude)?", r"lon(?:g(?:itude)?)?", r"lng", r"breiten?grad", r"l\S{1,6}ngengrad")
_PLACES: Final = (
    *_AXES,
    r"geo\w*",
    r"coord\w*",
    r"gps",
    r"location",
    r"position",
    r"point",
    r"latlng",
    r"koordinat\w*",
)
_AXIS_BEFORE = re.compile(
    r"(?:^|[^A-Za-z])(?:lat(?:itude)?|lon(?:g(?:itude)?)?|lng)[\\\"' ]{0,4}[:=][\\\"' ]{0,4}$", re.IGNORECASE
)


def _judged(match: re.Match[str], path: str, words: tuple[str, ...] = _PLACES) -> Item | None:
    text, (start, end) = match.string, match.span()
    if re.search(r"[0-9A-Za-z_.]$", text[max(0, start - 1) : start]) or re.match(
        r"[0-9A-Za-z_]|\.[0-9]", text[end : end + 2]
    ):
        return None
    if match["one"]:
        return _pair(match, path, words)
    degrees = float(match.group())
    named = says(path, worded(_AXES))
    if abs(degrees) > 180 or not (named or _AXIS_BEFORE.search(text[max(0, start - 20) : start])):
        return None
    return Item(start, end, RAW if degrees else NOT_PERSONAL, 0.9 if named else 0.85)


def _pair(match: re.Match[str], path: str, words: tuple[str, ...]) -> Item | None:
    one, two = abs(float(match["one"])), abs(float(match["two"]))
    seen = evidence(match.string, match.span(), path, worded(words))
    if seen == ALONE or min(one, two) > 90 or max(one, two) > 180:
        return None
    return Item(*match.span(), RAW if one or two else NOT_PERSONAL, 0.95 if seen == NAMED else 0.85)


def geo(words: tuple[str, ...] = ()) -> Entry:
    """The class, with regular expressions of more words that name a pair of coordinates."""
    names = (*_PLACES, *words)
    return Entry(
        name="geo",
        kind=LOCATION,
        what="positions as pairs beside a word, or a latitude or longitude in a field or after a word of "
        "that name; "
        "coarser ones, and zero, are left alone",
        checked="four decimals or more, 90 and 180 degrees",
        beware="positions of shops and masts",
        detector=beside(names, scanned(rf"{_PAIR}|{_DEGREES}", partial(_judged, words=names))),
        gate=Gate(exact=r"[0-9]\.[0-9]{4}", veiled=DECODED, words=careless(names), scan=WORDS),
    )


GEO: Final = (geo(),)
