"""The catalogue as the settings want it: other countries, more words, own classes, what is passed over."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from monitor.detectors.allowance import Allowance, Tally, passing
from monitor.detectors.birth import birth
from monitor.detectors.catalogue import SHIPPED, Catalogue
from monitor.detectors.custom import Custom
from monitor.detectors.entry import Entry
from monitor.detectors.geo import geo
from monitor.detectors.network import ip, mac
from monitor.detectors.passwords import password
from monitor.detectors.phones import REGIONS, phone, phone_national
from monitor.detectors.registry import IDENTIFIERS, NATIONAL_IDS
from monitor.detectors.security_code import security_code
from monitor.detectors.special import special

Words = tuple[str, ...]

_WORDED: Final[dict[str, Callable[[Words], Entry]]] = {
    "phone": phone,
    "date_of_birth": birth,
    "geo": geo,
    "cvv": security_code,
    "ip": ip,
    "mac": mac,
    "password": password,
    "special_category": special,
}
"""Classes that ask for words, without the rows of tables and national phones."""

_NATIONAL_PHONES: Final = "phone_national"

WORDED: Final = (*_WORDED, _NATIONAL_PHONES, *IDENTIFIERS)
"""Classes that more words can be said for."""

_PARTS: Final = {"uk": ("GB",), "cz": ("CZ", "SK"), "ch": ("CH", "LI")}
"""Beginning of a class's name to its countries (ISO 3166-1), where they are not it in capitals."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings want of the catalogue.

    Attributes:
        regions: countries (ISO 3166-1) whose identifiers and national phone numbers are looked for; none:
            those of the shipped catalogue.
        words: class, one of `WORDED`, to regular expressions of words that name it too.
        custom: classes of one's own; their names are no words of the shipped catalogue.
        allowances: what is passed over now.
    """

    regions: tuple[str, ...] = ()
    words: Mapping[str, Words] = field(default_factory=dict)
    custom: tuple[Custom, ...] = ()
    allowances: tuple[Allowance, ...] = ()


def countries(name: str) -> tuple[str, ...]:
    """The countries of a class of national identifiers."""
    return _PARTS.get(name[:2], (name[:2].upper(),))


def settled(wanted: Wanted, tally: Tally) -> Catalogue:
    """The catalogue that is wanted; the shipped one itself where nothing is. Own classes go first."""
    if wanted == Wanted():
        return SHIPPED
    own = {each.name: each.entry for each in wanted.custom}
    entries = own | {name: _worded(entry, wanted) for name, entry in SHIPPED.entries.items()}
    groups = {**SHIPPED.groups, "every": tuple(entries)}
    digest = _digest(wanted)
    at_large = Catalogue(entries, groups, digest)
    if wanted.regions and _NATIONAL_PHONES in entries:
        words = wanted.words.get(_NATIONAL_PHONES, ())
        entries = {**entries, _NATIONAL_PHONES: phone_national(words, wanted.regions)}
    told = {name: passing(entry, wanted.allowances, tally) for name, entry in entries.items()}
    return Catalogue(told, groups, digest, at_large, _quiet(wanted.regions))


def _worded(entry: Entry, wanted: Wanted) -> Entry:
    words = wanted.words.get(entry.name, ())
    if not words:
        return entry
    if entry.name in IDENTIFIERS:
        row = IDENTIFIERS[entry.name]
        return replace(row, words=(*row.words, *words)).entry
    if entry.name == _NATIONAL_PHONES:
        return phone_national(words, REGIONS)
    return _WORDED[entry.name](words)


def _quiet(regions: Sequence[str]) -> frozenset[str]:
    """Classes of national identifiers of none of the regions."""
    if not regions:
        return frozenset()
    return frozenset(row.name for row in NATIONAL_IDS if not set(countries(row.name)) & set(regions))


def _digest(wanted: Wanted) -> str:
    allowed = (
        repr((each.id, *map(sorted, (each.classes, each.values, each.domains)), each.networks))
        for each in wanted.allowances
    )
    told = [repr(wanted.regions), repr(sorted(wanted.words.items())), repr(wanted.custom), *allowed]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()
