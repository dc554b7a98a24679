"""Allow-lists: values that a detector finds and that somebody answers for, for a time, as being nobody's.

The value is compared where it was found, in the view of the text in which it stands in plain sight, so that
an encoded one is known as well. What is passed over is counted by the entry's id; a value is never told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_address
from threading import Lock
from typing import Final, TypeAlias

from monitor.detectors.entry import CONTACT, FINANCIAL, NATIONAL, Entry
from monitor.detectors.item import Detector, Item
from monitor.detectors.states import NOT_PERSONAL, RAW

Network: TypeAlias = IPv4Network | IPv6Network

GROUPED: Final = frozenset((CONTACT, FINANCIAL, NATIONAL))
"""Kinds of classes whose values people group with blanks and signs as they like. In others these mean
something: 203.0.113.5 is not 20.30.113.5, and the first of November not the eleventh of January."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """One entry of the allow-lists, in force.

    Attributes:
        id: what metrics call it.
        classes: detector classes it holds for.
        values: as `folded` writes them.
        ungrouped: the same as `plainly` writes them.
        domains: of e-mail addresses, in lower case; those below them are meant too.
        networks: in which addresses are nobody's.
    """

    id: str
    classes: frozenset[str]
    values: frozenset[str] = frozenset()
    ungrouped: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    def covers(self, entry: Entry, found: str) -> bool:
        """Whether what the detector of a class found is meant."""
        return (
            folded(found) in self.values
            or (entry.kind in GROUPED and plainly(found) in self.ungrouped)
            or (entry.name == "email" and self._domain(found))
            or (entry.name == "ip" and self._network(found))
        )

    def _domain(self, found: str) -> bool:
        labels = found.rpartition("@")[2].lower().strip("[]().<> ").split(".")
        return bool(self.domains) and any(".".join(labels[i:]) in self.domains for i in range(len(labels)))

    def _network(self, found: str) -> bool:
        if not self.networks:
            return False
        try:
            address = ip_address(found)
        except ValueError:
            return False
        return any(address in network for network in self.networks)


class Tally:
    """How often each entry passed something over, in all threads: looks, not events.

    A value that stands in a thousand records of a batch is looked at once or twice.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._guard = Lock()

    def add(self, name: str) -> None:
        """Count one."""
        with self._guard:
            self._counts[name] += 1

    def counts(self) -> Mapping[str, int]:
        """By the entry's id; entries that passed nothing over are not told."""
        with self._guard:
            return dict(self._counts)


def folded(text: str) -> str:
    """A value without case."""
    return text.strip().casefold()


def plainly(text: str) -> str:
    """A value without case, and where it is no e-mail address without what groups it."""
    told = folded(text)
    return told if "@" in told else "".join(filter(str.isalnum, told))


def passing(entry: Entry, allowances: Sequence[Allowance], tally: Tally) -> Entry:
    """The class that calls what its allowances cover nobody's; the same where none holds for it."""
    mine = [each for each in allowances if entry.name in each.classes]
    return replace(entry, detector=_passing(entry, mine, tally), columns=None) if mine else entry


def _passing(entry: Entry, allowances: Sequence[Allowance], tally: Tally) -> Detector:
    def judged(item: Item, text: str) -> Item:
        if item.state != RAW:
            return item
        found = text[item.start : item.end]
        covering = next((each for each in allowances if each.covers(entry, found)), None)
        if covering is None:
            return item
        tally.add(covering.id)
        return replace(item, state=NOT_PERSONAL)

    return lambda text, path: [judged(item, text) for item in entry.detector(text, path)]
