"""Rules that a survey proposes: of each field in which personal data is readable, that it should not be.

They are proposals: whoever keeps one makes it say who and why, and whoever declares the data deletes it.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from monitor.detectors.catalogue import Catalogue
from monitor.detectors.entry import WHY
from monitor.detectors.samples import SAMPLES
from monitor.engine.atoms import DISCLOSED
from monitor.engine.survey import Finding
from monitor.review.totals import counted

_NOT_A_NAME = re.compile(r"[^a-z0-9]+")
_ASKABLE = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_.@\- ]*")
"""Paths that a rule can ask for as they are: no key that looks like data, no sign of the rule language."""
_PLAIN = re.compile(r"[a-z0-9]+(?:\.[a-z0-9]+)*")
MAX_PLAIN: Final = 60
"""Characters of a path that are found again in the name of its rule."""
_PROTECTED: Final = "tok_9f8e7d6c5b4a39281706"
_NAMESPACE: Final = uuid.UUID("7c2f3a52-59f5-4be8-9a2e-0f6a5d0c8f11")
"""Out of it and a rule's field ids are made: the same proposal has the same id each time."""


def rules(findings: Sequence[Finding], catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Name and text of a rule file for each field that shows data, in the order of the findings."""
    by_path: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.state in DISCLOSED and _ASKABLE.fullmatch(finding.path):
            by_path.setdefault(finding.path, []).append(finding)
    for path, found in by_path.items():
        name = _name(path)
        yield name, "\n".join(_document(name, path, found, catalogue)) + "\n"


def unaskable(findings: Iterable[Finding]) -> list[str]:
    """Paths that show data and for which no rule can be proposed: a key in them looks like data."""
    shown = [f.path for f in findings if f.state in DISCLOSED]
    return [path for path in dict.fromkeys(shown) if not _ASKABLE.fullmatch(path)]


def _name(path: str) -> str:
    """Of the path alone, another for every path: a rule that is there already is told by its file's name."""
    plain = path.replace(".", "_")
    if _PLAIN.fullmatch(path) and len(path) <= MAX_PLAIN:
        return f"undeclared_{plain}"
    told = _NOT_A_NAME.sub("_", path.lower()).strip("_")[:MAX_PLAIN]
    return f"undeclared_{told}_{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def _document(name: str, path: str, found: Sequence[Finding], catalogue: Catalogue) -> Iterator[str]:
    classes = list(dict.fromkeys(finding.detector for finding in found))
    entries = [catalogue.entries[name] for name in classes]
    why = " ".join(dict.fromkeys(WHY[entry.kind] for entry in entries))
    told = f"Proposed by privwatch scan, which found {_seen(found)}. {why} {_TO_DO}"
    yield f"title: {_text(f'Undeclared personal data in {path}')}"
    yield f"id: {_identifier(path, classes)}"
    yield f"name: {name}"
    yield "status: experimental"
    yield f"description: {_text(told)}"
    yield "author: privwatch scan"
    yield "logsource: {category: application}"
    yield "detection:"
    yield "    found:"
    yield f"        {_text(f'{path}|pii')}: [{', '.join(classes)}]"
    yield "    condition: found"
    yield "falsepositives:"
    yield from (f"    - {_text(entry.beware)}" for entry in entries)
    yield "level: medium"
    yield 'x_privacy: {articles: ["5(1)(c)", "32"]}'
    yield "x_tests:"
    for entry in entries:
        yield from _case(entry.name, "match", path, entry.sample or SAMPLES[entry.name])
    yield from _case("protected", "no_match", path, _PROTECTED)


def _seen(found: Sequence[Finding]) -> str:
    return "; ".join(f"{f.detector} ({f.state}) in {counted(f.records, 'event')}" for f in found)


_TO_DO: Final = (
    "If the data has to be here, protect it, and delete this rule only when it is on the record of "
    "processing; else keep it out of the log, and keep this rule."
)


def _case(name: str, expect: str, path: str, text: str) -> Iterator[str]:
    yield f"    - name: {name}"
    yield f"      expect: {expect}"
    yield f"      events: [{{set: {{{_text(path)}: {_text(text)}}}}}]"


def _identifier(path: str, classes: Sequence[str]) -> str:
    """A version 4 UUID by its bits, out of a hash."""
    made = uuid.uuid5(_NAMESPACE, "|".join((path, *classes)))
    return str(uuid.UUID(bytes=made.bytes, version=4))


def _text(text: str) -> str:
    """A YAML string on one line: JSON's are."""
    return json.dumps(text, ensure_ascii=False)
