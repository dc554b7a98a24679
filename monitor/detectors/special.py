"""Special categories of personal data (Art. 9 GDPR), told by the names of their fields."""

from __future__ import annotations

from functools import partial
from typing import Final

from monitor.detectors.classify import classify_text
from monitor.detectors.entry import SPECIAL, Entry
from monitor.detectors.gate import NEVER, WORDS, Gate
from monitor.detectors.item import Item
from monitor.detectors.states import ABSENT, ENCODED, NOT_PERSONAL, RAW, UNKNOWN
from monitor.detectors.surroundings import careless, says, worded

NAMES: Final = {
    "health": (
        r"diagnos\w*", r"disease\w*", r"illness\w*", r"icd[ _-]?(?:10|11|code)\w*", r"medication\w*",
        r"prescription\w*",
        r"allerg\w*", r"blood[ _-]?(?:type|group|pressure)", r"disabilit\w*", r"pregnan\w*", r"hiv[ _-]?\w*",
        r"symptom\w*", r"vaccin\w*", r"therap\w*", r"anamnes\w*", r"befund\w*", r"krankheit\w*",
        r"medikament\w*",
        r"behinderung\w*", r"schwanger\w*", r"maladie\w*", r"enfermedad\w*", r"malattia\w*",
        r"mental[ _-]?health\w*",
        r"medical[ _-]?(?:condition|history|record)\w*", r"health[ _-]?(?:condition|record|data)\w*",
    ),
    "religion": (r"religi\w*", r"denomination", r"konfession\w*", r"kirchensteuer\w*", r"church[ _-]?tax\w*"),
    "union": (r"(?:trade[ _-]?)?union[ _-]?(?:member\w*|fee\w*|name)", r"gewerkschaft\w*", r"syndicat\w*"),
    "sex": (r"sexual[ _-]?\w*", r"gender[ _-]?ident\w*", r"sex[ _-]?life"),
    "origin": (r"ethnic\w*", r"racial[ _-]?\w*", r"ethnie\w*"),
    "politics": (r"political[ _-]?\w*", r"party[ _-]?(?:membership|affiliation)", r"parteizugeh\w*"),
    "biometrics": (
        r"biometr\w*", r"fingerprint[ _-]?(?:template|image|scan)\w*",
        r"face[ _-]?(?:embedding|template|print)\w*",
        r"iris[ _-]?(?:scan|template|code)\w*", r"voice[ _-]?print\w*", r"retina\w*",
    ),
    "genetics": (r"genetic\w*", r"genom\w*", r"dna[ _-]?(?:sequence|profile|sample)\w*"),
}  # fmt: skip
"""Category to regular expressions of the names of fields that hold it."""

_ALL: Final = tuple(name for names in NAMES.values() for name in names)


def find_special(text: str, path: str, names: tuple[str, ...] = _ALL) -> list[Item]:
    """The whole value of a field named for a special category, in its state; true and false say much."""
    if not says(path, worded(names)):
        return []
    body = text.strip()
    state = classify_text(body, path, ()).state
    if state == ABSENT:
        return []
    if state in (NOT_PERSONAL, UNKNOWN):
        state = RAW
    start = text.index(body)
    return [Item(start, start + len(body), RAW if state == ENCODED else state, 0.7)]


def special(names: tuple[str, ...] = ()) -> Entry:
    """The class, with regular expressions of more names of fields."""
    return Entry(
        name="special_category",
        kind=SPECIAL,
        what="values of fields named for health, religion, union membership, sexual life, origin, political "
        "opinion, "
        "biometrics or genetics, unless they are protected",
        checked="the name of the field, and the protection state of the value",
        beware="other meanings of such names: diagnostics of machines",
        detector=partial(find_special, names=(*_ALL, *names)),
        gate=Gate(exact=r"[^\s]", veiled=NEVER, words=careless((*_ALL, *names)), named=True, scan=WORDS),
    )


SPECIAL_CATEGORY: Final = (special(),)
