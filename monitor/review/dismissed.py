"""Filters proposed from false positives: what dismissed cases have in common, and what hiding it would hide.

Cases of one rule differ by who acted, in which system, in which field. Where several were dismissed that
name the same system, a filter over the field that names it hides every event of the rule there, and nothing
else: the preview is all cases of that rule and system. Of actors only pseudonyms are kept, and no filter can
name one; one event may be evidence in several fields, so that a filter on a field hides more than its own.
A proposal is never applied: somebody reads it, keeps it, and puts the file beside the rules.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from monitor.casebook import MOST_COUNTED, NEW, Case, Query
from monitor.redact import GAP
from monitor.review import clocks, verdicts
from monitor.review.catalogue import Card
from monitor.review.desk import Desk

LEAST: Final = 3
"""Dismissed cases that name the same system, before a filter is proposed."""
LOOKED_AT: Final = 1000
"""Dismissed cases that are looked at, the newest."""
SAMPLES: Final = 5
_DAYS: Final = 365
_NO_WORD = re.compile(r"[^A-Za-z0-9_-]+")
_CUT: Final = "…"
_NAMESPACE: Final = uuid.UUID("5d7a3f64-0c07-4f0c-9b53-2a9be5b6c9d1")
"""Out of it and what is hidden the id is made: the same proposal has the same id each time."""

CONFIRMED = frozenset({verdicts.CONFIRMED, verdicts.BREACH, verdicts.REMEDIATED, verdicts.VERIFIED})
"""States of cases that were no false positives: to hide more of their kind is a warning."""
OPEN = frozenset({NEW, verdicts.IN_REVIEW})


@dataclass(frozen=True, slots=True)
class Proposal:
    """A filter, and all that it would have hidden.

    Attributes:
        key: what names it, 16 hex digits.
        dismissed: cases that speak for it.
        hidden: every case of the rule that names the system, those among them; at most `MOST_COUNTED`.
        shared: what else the dismissed ones have in common, as (label, value); no part of the filter.
        text: the filter, a file to put beside the rules.
    """

    key: str
    card: Card
    system: str
    dismissed: tuple[Case, ...]
    hidden: tuple[Case, ...]
    shared: tuple[tuple[str, str], ...]
    text: str

    @property
    def name(self) -> str:
        """Of its file."""
        rule = _NO_WORD.sub("_", self.card.name)[:60] or "rule"
        return f"filter_{rule}_{self.key[:8]}.yml"

    @property
    def open(self) -> int:
        """Hidden cases that nobody has settled."""
        return sum(one.state in OPEN for one in self.hidden)

    @property
    def confirmed(self) -> int:
        """Hidden cases that were found to be none."""
        return sum(one.state in CONFIRMED for one in self.hidden)

    @property
    def events(self) -> int:
        """Events of all hidden cases."""
        return sum(one.events for one in self.hidden)

    @property
    def more(self) -> bool:
        """Whether there are more hidden cases than were counted."""
        return len(self.hidden) > MOST_COUNTED

    @property
    def samples(self) -> tuple[Case, ...]:
        """Hidden cases, those first that speak against it."""
        order = sorted(self.hidden, key=lambda one: (one.state not in CONFIRMED, one.state not in OPEN))
        return tuple(order[:SAMPLES])


def proposals(desk: Desk) -> tuple[Proposal, ...]:
    """A filter for each system that enough dismissed cases of a rule name; those that speak loudest first."""
    query = Query(states=(verdicts.FALSE_POSITIVE,), newest_first=True, limit=LOOKED_AT)
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in desk.book.find(query).cases:
        if case.kind == "event" and desk.rules.card(case.rule).system and _whole(case.resource):
            groups.setdefault((case.rule, case.resource), []).append(case)
    found = [
        _proposal(desk, rule, system, cases)
        for (rule, system), cases in groups.items()
        if len(cases) >= LEAST
    ]
    return tuple(sorted(found, key=lambda one: (-len(one.dismissed), one.key)))


def line(one: Proposal) -> str:
    """A proposal in a line; what speaks against it in capitals."""
    hides = f"{len(one.hidden):,} cases, {one.events:,} events, {one.open:,} open"
    against = f", {one.confirmed:,} CONFIRMED" if one.confirmed else ""
    dismissed = f"{len(one.dismissed):,} cases dismissed"
    return f"{one.name}: {one.card.title} in {one.system}; {dismissed}; would have hidden {hides}{against}"


def _whole(name: str) -> bool:
    """Whether a system's name is told in full: where parts were left out, no filter can ask for them."""
    return bool(name) and GAP not in name and _CUT not in name


def _proposal(desk: Desk, rule: str, system: str, dismissed: Sequence[Case]) -> Proposal:
    card = desk.rules.card(rule)
    key = hashlib.sha256(json.dumps([rule, card.system, system]).encode()).hexdigest()[:16]
    hidden = desk.book.find(
        Query(rule=rule, resource=system, newest_first=True, limit=MOST_COUNTED + 1)
    ).cases
    text = "\n".join(_document(card, system, dismissed, key)) + "\n"
    return Proposal(key, card, system, tuple(dismissed), hidden, tuple(_shared(desk, dismissed)), text)


def _shared(desk: Desk, cases: Sequence[Case]) -> Iterator[tuple[str, str]]:
    """What all of them have in common besides."""
    paths, actors = {one.path for one in cases}, {one.actor for one in cases}
    if len(paths) == 1 and "" not in paths:
        yield "field", paths.pop()
    newest = [desk.book.occurrences(one, 1) for one in cases[:50]]
    tests = {found[0].evidence.test for found in newest if found}
    if len(tests) == 1 and "" not in tests:
        yield "found by", tests.pop()
    if len(actors) == 1:
        yield "actor", actors.pop() or "none named"


def _document(card: Card, system: str, dismissed: Sequence[Case], key: str) -> Iterator[str]:
    verdict = [verdicts.facts_of(one)["verdict"] for one in dismissed]
    until = clocks.moment(max(one["at"] for one in verdict)).date() + dt.timedelta(days=_DAYS)
    reasons = "; ".join(dict.fromkeys(str(one["reason"]) for one in verdict[:LEAST]))
    people = ", ".join(sorted({str(one["confirmed_by"]) for one in verdict if one.get("confirmed_by")}))
    yield f"title: {_text(f'False positives of {card.title} in {system}')}"
    yield f"id: {uuid.UUID(bytes=uuid.uuid5(_NAMESPACE, key).bytes, version=4)}"
    yield "status: experimental"
    yield "author: privwatch review"
    said = {
        name: value
        for name, value in zip(("category", "product", "service"), card.logsource, strict=True)
        if value
    }
    yield f"logsource: {_text(said)}"
    yield "filter:"
    yield f"    rules: [{_text(card.id)}]"
    yield "    dismissed:"
    yield f"        {_text(f'{card.system}|re')}: {_text(_pattern(system))}"
    yield "    condition: not dismissed"
    yield "# Say who answers for it."
    yield 'x_owner: ""'
    yield f"x_reason: {_text(f'{len(dismissed)} cases were dismissed as false positives: {reasons}')}"
    yield f"x_reviewed_by: {_text(people)}"
    yield f"x_expires: {until.isoformat()}"


def _pattern(system: str) -> str:
    """Exactly the values that are shown under this name: a part behind `#` is never shown, nor a bare `?`."""
    return rf"^{re.escape(system)}\??(#[\s\S]*)?$"


def _text(value: object) -> str:
    """YAML on one line: JSON is, in ASCII, so that nothing in it acts on how it is shown."""
    return json.dumps(value)
