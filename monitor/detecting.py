"""Detectors put together from settings: a part of the composition root."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path

import polars as pl

from monitor.detector_settings import AllowSettings, CustomSettings, DetectorSettings
from monitor.detectors.allowance import Allowance, Tally, folded, plainly
from monitor.detectors.catalogue import SHIPPED, Catalogue
from monitor.detectors.custom import Custom
from monitor.detectors.settled import Wanted, settled
from monitor.engine.atoms import DISCLOSED
from monitor.errors import SettingsError
from monitor.rules.diagnostics import Problems
from monitor.rules.document import MapNode, Node
from monitor.rules.report import TestOutcome
from monitor.rules.tree import Span
from monitor.settings import read_detectors, span_of

MAX_VALUES = 1_000_000
"""Values of one allow-list."""


class Detection:
    """What the settings want of the detectors, from one day to the next.

    What allow-lists pass over is counted here as long as the process lives, whatever catalogue did it.
    """

    def __init__(self, settings: DetectorSettings, root: Node | None = None) -> None:
        """`root`: the file's map, for the places of what is said of it."""
        self._settings = settings
        self._root = root or MapNode(Span("settings", 1, 1), ())
        self._tally = Tally()

    def catalogue(self, today: dt.date) -> Catalogue:
        """The catalogue of that day; allow-lists whose last day is over hide nothing.

        Raises:
            SettingsError: a file of values cannot be read.
        """
        told = self._settings
        custom = tuple(_custom(name, one) for name, one in told.custom.items())
        named = settled(Wanted(custom=custom), self._tally)
        wanted = Wanted(
            regions=told.regions,
            words={name: _words(words) for name, words in told.keywords.items() if words},
            custom=custom,
            allowances=tuple(
                _allowance(name, entry, named) for name, entry in told.allow.items() if entry.expires >= today
            ),
        )
        return settled(wanted, self._tally)

    def over(self, today: dt.date) -> Iterator[str]:
        """What is said of allow-lists whose last day is over."""
        for name, entry in self._settings.allow.items():
            if entry.expires < today:
                yield f"{self._span('allow', name)}: {_expired(name, entry)}"

    def examined(self, today: dt.date, problems: Problems) -> list[TestOutcome]:
        """Say in `problems` which allow-lists are over; try the examples of classes of one's own."""
        for name, entry in self._settings.allow.items():
            if entry.expires < today:
                cure = "Review it: set a later day, or remove it."
                problems.add(
                    "filter-expired", self._span("allow", name), _expired(name, entry), cure, show=False
                )
        catalogue = self.catalogue(today).at_large or SHIPPED
        return [
            outcome
            for name, one in self._settings.custom.items()
            for outcome in self._outcomes(name, one, catalogue)
        ]

    def passed_over(self) -> Mapping[str, int]:
        """Allow-list to how often it passed something over; those in the settings are all told."""
        return {**dict.fromkeys(self._settings.allow, 0), **self._tally.counts()}

    def _outcomes(self, name: str, one: CustomSettings, catalogue: Catalogue) -> Iterator[TestOutcome]:
        for expect, texts in (("matches", one.examples.matches), ("passes", one.examples.passes)):
            items = catalogue.find(pl.Series(texts, dtype=pl.String), (name,))
            held = set(items.filter(pl.col("state").is_in(DISCLOSED))["index"])
            for number in range(len(texts)):
                found = number in held
                message = "It finds something in this text." if found else "It finds nothing in this text."
                yield TestOutcome(
                    rule_id=name,
                    rule_title=f"detector {name}",
                    name=f"{expect} {number + 1}",
                    span=self._span("custom", name, "examples", expect, str(number)),
                    passed=found == (expect == "matches"),
                    message="" if found == (expect == "matches") else message,
                )

    def _span(self, *keys: str) -> Span:
        return span_of(self._root, ("detectors", *keys)) or self._root.span


def detection(path: Path | None, env: Mapping[str, str]) -> Detection:
    """What the section `detectors` of a settings file wants; of no file: nothing.

    Raises:
        SettingsError: the file cannot be read, or something in that section is wrong.
    """
    return Detection(DetectorSettings()) if path is None else Detection(*read_detectors(path, env))


def _expired(name: str, entry: AllowSettings) -> str:
    return f"The allow-list '{name}' expired on {entry.expires} and hides nothing any more."


def _custom(name: str, one: CustomSettings) -> Custom:
    return Custom(
        name=name,
        what=one.what,
        pattern=one.pattern,
        check=one.check,
        words=_words(one.keywords),
        alone=one.alone,
        kind=one.kind,
        beware=one.beware,
        matches=one.examples.matches,
        passes=one.examples.passes,
    )


def _words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Regular expressions of words: what stands between their parts may be a blank, a sign or nothing."""
    return tuple("[ _-]?".join(map(re.escape, re.split(r"[ _-]", word))) for word in words)


def _allowance(name: str, entry: AllowSettings, catalogue: Catalogue) -> Allowance:
    values = [*entry.values, *_from_file(name, entry.values_file)]
    return Allowance(
        id=name,
        classes=frozenset(catalogue.expand(entry.detectors)),
        values=frozenset(map(folded, values)),
        ungrouped=frozenset(filter(None, map(plainly, values))),
        domains=frozenset(domain.lower() for domain in entry.domains),
        networks=tuple(map(ip_network, entry.networks)),
    )


def _from_file(name: str, path: Path | None) -> list[str]:
    if path is None:
        return []
    key = f"detectors.allow.{name}.values_file"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise SettingsError(f"{key}: {path} cannot be read ({why}); check path and permissions") from None
    values = [line for line in lines if line.strip()]
    if not values or len(values) > MAX_VALUES:
        raise SettingsError(f"{key}: {path} holds {len(values):,} values; write 1 to {MAX_VALUES:,}")
    return values
