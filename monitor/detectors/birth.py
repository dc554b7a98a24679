"""Dates of birth: any date a person may be born on, where a word or the field's name says that it is one."""

from __future__ import annotations

import re
from functools import cache, partial
from typing import Final

from monitor.detectors.digits import is_day
from monitor.detectors.entry import PERSONAL, Entry
from monitor.detectors.gate import DECODED, WORDS, Gate
from monitor.detectors.item import MAX_ITEMS, Item
from monitor.detectors.scan import around
from monitor.detectors.states import NOT_PERSONAL, RAW
from monitor.detectors.surroundings import ALONE, NAMED, careless, evidence, worded

_MONTHS: Final = (
    "jan", "feb", "mar|mär|mrz", "apr", "may|mai|mag|mei", "jun|giu", "jul|lug", "aug|ago", "sep|set",
    "oct|okt|ott",
    "nov", "dec|dez|dic",
)  # fmt: skip
_NAME: Final = "|".join(_MONTHS)
_SPELT: Final = rf"(?:{_NAME})[a-z]{{0,7}}\.?"
_FORMS: Final = (
    r"(?P<y>(?:18|19|20)[0-9]{2})(?P<s>[-/.])(?P<m>[0-9]{1,2})(?P=s)(?P<d>[0-9]{1,2})"
    r"|(?P<a>[0-9]{1,2})(?P<t>[-/.])(?P<b>[0-9]{1,2})(?P=t)(?P<z>(?:18|19|20)[0-9]{2})"
    rf"|(?P<dd>[0-9]{{1,2}})(?:st|nd|rd|th|\.)?[ -](?P<mm>{_SPELT})[ -](?P<yy>(?:18|19|20)[0-9]{{2}})"
    rf"|(?P<mn>{_SPELT})[ ](?P<dn>[0-9]{{1,2}})(?:st|nd|rd|th)?,?[ ](?P<yn>(?:18|19|20)[0-9]{{2}})"
    r"|(?P<c>(?:18|19|20)[0-9]{6})"
)
_YEAR = re.compile("(?:1[89]|20)[0-9]{2}")
"""Stands in every form; what it stands in reaches no further than these characters before and after it."""
_BEFORE: Final = 26
_AFTER: Final = 16
_WORDS: Final = (
    r"d\.? ?o\.? ?b", r"born", r"birth[ _-]?(?:s|date|day|dt|days|dates)?", r"date[ _-]of[ _-]birth",
    r"birth[ _-]?(?:date|day)[ _-]?(?:time)?", r"geb(?:oren)?", r"geburts?[ _-]?(?:datum|tag|dat)?",
    r"gebdat\w*",
    r"naissance", r"n\S{1,2} le", r"nacimiento", r"nascita", r"nascimento", r"geboorte[ _-]?(?:datum)?",
    r"f\S{1,2}dsels?[ _-]?(?:dato|datum|dag)?", r"syntym\S{1,2}aika", r"urodzen\w*", r"naroz\w*", r"bday",
)  # fmt: skip
_PLACEHOLDERS: Final = frozenset(((1900, 1, 1), (1970, 1, 1), (1899, 12, 30), (1800, 1, 1), (2000, 1, 1)))
_LATEST: Final = 2038


@cache
def _forms() -> re.Pattern[str]:
    return re.compile(_FORMS, re.ASCII | re.IGNORECASE)


def find_birth(text: str, path: str, words: tuple[str, ...] = _WORDS) -> list[Item]:
    """The dates that one of the words says are somebody's birth."""
    items: list[Item] = []
    for start, stop in around(_YEAR, text, _BEFORE, _AFTER):
        for match in _forms().finditer(text, start, stop):
            item = _judged(match, path, words)
            if item is not None:
                items.append(item)
                if len(items) == MAX_ITEMS:
                    return items
    return items


def _judged(match: re.Match[str], path: str, words: tuple[str, ...]) -> Item | None:
    text, (start, end) = match.string, match.span()
    if re.search(r"[0-9A-Za-z_]$|[0-9][-./:]$", text[max(0, start - 2) : start]):
        return None
    if re.match(r"[0-9A-SU-Za-z_]|[-./:][0-9]", text[end : end + 2]):
        return None
    day = _day(match)
    if day is None:
        return None
    seen = evidence(text, (start, end), path, worded(words))
    if seen == ALONE or (seen != NAMED and match["c"]):
        return None
    state = NOT_PERSONAL if day in _PLACEHOLDERS else RAW
    return Item(start, end, state, 0.95 if seen == NAMED else 0.85)


def _day(match: re.Match[str]) -> tuple[int, int, int] | None:
    """Year, month, day; where the order is open, the day first if the calendar allows."""
    if match["y"]:
        found = [(int(match["y"]), int(match["m"]), int(match["d"]))]
    elif match["z"]:
        one, other, year = int(match["a"]), int(match["b"]), int(match["z"])
        found = [(year, other, one), (year, one, other)]
    elif match["c"]:
        found = [(int(match["c"][:4]), int(match["c"][4:6]), int(match["c"][6:]))]
    else:
        spelt, born = match["mm"] or match["mn"], match["dd"] or match["dn"]
        found = [(int(match["yy"] or match["yn"]), _month(spelt), int(born))]
    return next((each for each in found if each[0] <= _LATEST and is_day(*each)), None)


def _month(spelt: str) -> int:
    return next(n for n, names in enumerate(_MONTHS, 1) if re.match(names, spelt, re.IGNORECASE))


def birth(words: tuple[str, ...] = ()) -> Entry:
    """The class, with regular expressions of more words that name it."""
    return Entry(
        name="date_of_birth",
        kind=PERSONAL,
        what="dates of birth, in figures or with the month spelt; without separators only in a field named "
        "for it; "
        "the first of January of 1900, 1970 and 2000 are placeholders",
        checked="the calendar, from 1800 to 2038",
        beware="other dates within thirty characters of a word such as born",
        detector=partial(find_birth, words=(*_WORDS, *words)),
        gate=Gate(
            exact=r"(?:18|19|20)[0-9]{2}[-/.\\][/0-9]|[-/. \\](?:18|19|20)[0-9]{2}|(?:18|19|20)[0-9]{6}",
            veiled=DECODED,
            words=careless((*_WORDS[1:], *words)) + r"|d\W{0,8}o\W{0,8}b",
            scan=WORDS,
        ),
    )


BIRTH: Final = (birth(),)
