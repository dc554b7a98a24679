"""The section `detectors` of the settings: countries, words, own classes, values that are passed over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from ipaddress import ip_network
from typing import Final

from pydantic import Field

from monitor.detectors.catalogue import SHIPPED
from monitor.detectors.custom import CHECKS, pattern_error
from monitor.detectors.entry import PERSONAL, WHY
from monitor.detectors.phones import known_regions
from monitor.detectors.registry import NATIONAL_IDS
from monitor.detectors.settled import WORDED, countries
from monitor.rules.diagnostics import listing, suggestion
from monitor.setting_kinds import SECRET, File, Section, Words

Problem = tuple[tuple[str, ...], str]
"""Keys below the section, and what is wrong there with its cure."""

MAX_WORDS: Final = 1_000
"""Of all classes together: the words of many classes are looked for in one scan, which is bounded in size."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,39}")
_WORD: Final = re.compile(r"[^\W\d_](?:[^\W_]|[ _-](?=[^\W_])){1,59}")
_DOMAIN: Final = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{1,62}")


class AllowSettings(Section):
    """Values that are passed over, for somebody's reason and for a time."""

    owner: str = Field(min_length=2, description="who answers for it")
    reason: str = Field(min_length=10, description="why these are nobody's personal data")
    expires: date = Field(description="last day on which it holds (UTC)")
    detectors: Words = Field(description="classes or groups of the catalogue it holds for")
    values: Words = Field(
        (), description="the values; compared without case (docs/own-detectors.md)", json_schema_extra=SECRET
    )
    values_file: File | None = Field(None, description="file with one value a line")
    domains: Words = Field((), description="domains of e-mail addresses, with those below them")
    networks: Words = Field((), description="networks of `ip` addresses, such as `198.51.100.0/24`")


class ExamplesSettings(Section):
    """What a class of one's own finds and what it does not; `privwatch check` tries them."""

    matches: tuple[str, ...] = Field(min_length=1, description="texts in which it finds something")
    passes: tuple[str, ...] = Field(min_length=1, description="texts in which it finds nothing")


class CustomSettings(Section):
    """A class of one's own."""

    what: str = Field(min_length=3, description="what it finds, for pages")
    pattern: str = Field(description="its form, in Rust's regex syntax, without ^ $ and \\b")
    check: str = Field("none", description="check that what has the form must pass: " + listing(CHECKS))
    keywords: Words = Field((), description="words that name it, in the text around or the field's name")
    alone: bool = Field(default=True, description="whether it counts without such a word")
    kind: str = Field(PERSONAL, description="why it matters: " + listing(WHY))
    beware: str = Field("none known", description="known false positives")
    examples: ExamplesSettings = Field(description="what it finds and what it does not")


class DetectorSettings(Section):
    """What is looked for, beside and instead of what the catalogue has."""

    regions: Words = Field(
        default=(),
        description="countries (ISO 3166-1) whose identifiers and national phone numbers are looked for; "
        "none: those of the catalogue",
    )
    keywords: dict[str, Words] = Field(
        default_factory=dict, description="by class, more words that name it (docs/own-detectors.md)"
    )
    custom: dict[str, CustomSettings] = Field(
        default_factory=dict, description="classes of your own, by name"
    )
    allow: dict[str, AllowSettings] = Field(
        default_factory=dict, description="allow-lists, by the id that metrics call them"
    )

    def problems(self) -> Iterator[Problem]:
        """What is wrong beyond the kinds of values: names that are not known, forms that cannot be used."""
        yield from self._countries()
        several = (*self.keywords.values(), *(one.keywords for one in self.custom.values()))
        if (words_in_all := sum(map(len, several))) > MAX_WORDS:
            yield ("keywords",), f"they are {words_in_all:,} words in all; write at most {MAX_WORDS:,}"
        for name, words in self.keywords.items():
            yield from _one_of("keywords", name, WORDED, "class that more words can be said for")
            yield from _words(("keywords", name), words)
        for name, one in self.custom.items():
            yield from ((("custom", name, *keys), said) for keys, said in _custom(name, one))
        words = (*self.custom, *SHIPPED.words)
        for name, entry in self.allow.items():
            yield from ((("allow", name, *keys), said) for keys, said in _allow(name, entry, words))

    def _countries(self) -> Iterator[Problem]:
        known = {each for row in NATIONAL_IDS for each in countries(row.name)} | known_regions()
        for one in self.regions:
            if one not in known:
                cure = "write ISO 3166-1 codes in capitals, such as DE, AT (GB for the United Kingdom)"
                yield ("regions",), f"one of them is no country with such numbers; {cure}"


def _custom(name: str, one: CustomSettings) -> Iterator[Problem]:
    if not _NAME.fullmatch(name):
        yield (), "a class is called in small letters, digits and _, 2 to 40 of them"
    elif name in SHIPPED.words:
        yield (), "the catalogue has a class or group of that name; choose another"
    if why := pattern_error(one.pattern):
        yield ("pattern",), f"the form is refused: {why}"
    if one.check not in CHECKS:
        yield ("check",), f"there is no such check; {suggestion(one.check, CHECKS)}write {listing(CHECKS)}"
    if one.kind not in WHY:
        yield ("kind",), f"there is no such kind; {suggestion(one.kind, WHY)}write {listing(WHY)}"
    if not one.alone and not one.keywords:
        yield ("alone",), "without words it would never count; say keywords, or leave `alone` out"
    yield from _words(("keywords",), one.keywords)


def _allow(name: str, entry: AllowSettings, words: tuple[str, ...]) -> Iterator[Problem]:
    if not _NAME.fullmatch(name):
        yield (), "an id has small letters, digits and _, 2 to 40 of them; metrics show it"
    if not entry.detectors:
        yield ("detectors",), "none is named, so it holds for nothing; docs/catalogue.md lists them"
    for each in entry.detectors:
        yield from _one_of("detectors", each, words, "class or group of detectors")
    if not (entry.values or entry.values_file or entry.domains or entry.networks):
        yield (), "it names nothing; say values, values_file, domains or networks"
    if any(not value.strip() for value in entry.values):
        yield ("values",), "one of them is empty; leave it out"
    if not all(_DOMAIN.fullmatch(domain) for domain in entry.domains):
        yield ("domains",), "one of them is no domain; write it without @ and *, such as `example.org`"
    if entry.domains and not {"email", "any", "every"} & set(entry.detectors):
        yield ("domains",), "domains are those of e-mail addresses; add `email` to detectors"
    if not all(_is_network(network) for network in entry.networks):
        yield ("networks",), "one of them is no network; write such as `198.51.100.0/24` or `2001:db8::/32`"
    if entry.networks and not {"ip", "every"} & set(entry.detectors):
        yield ("networks",), "networks are those of addresses; add `ip` to detectors"


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _one_of(key: str, name: str, known: Iterable[str], what: str) -> Iterator[Problem]:
    if name not in set(known):
        keys = (key, name) if key == "keywords" else (key,)
        shown = f"'{name}'" if _NAME.fullmatch(name) else "one of them"
        yield keys, f"{shown} is no {what}; {suggestion(name, known)}docs/catalogue.md lists them".strip()


def _words(keys: tuple[str, ...], words: Iterable[str]) -> Iterator[Problem]:
    if not all(_WORD.fullmatch(word) for word in words):
        cure = "write letters and digits, two at least, a letter first, with blanks, - or _ between"
        yield keys, f"one of them is no word; {cure}"
