"""A survey as people and programs read it: one line for each kind of data in each field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from monitor.engine.survey import COUNTED, Finding
from monitor.printable import cell, json_text
from monitor.review.totals import WORDS, counted

_HEADINGS = ("events", "values", "state", "detector", "field")


def table(findings: Sequence[Finding]) -> Iterator[str]:
    """Aligned columns, figures to the right; the field comes last, however long it is."""
    rows = [_HEADINGS, *(_row(finding) for finding in findings)]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for events, values, state, detector, path in rows:
        figures = f"{events:>{widths[0]}}  {values:>{widths[1]}}"
        yield f"{figures}  {state:<{widths[2]}}  {detector:<{widths[3]}}  {path}"


def _row(finding: Finding) -> tuple[str, str, str, str, str]:
    values = f"{finding.values:,}" + ("+" if finding.values >= COUNTED else "")
    return f"{finding.records:,}", values, finding.state, finding.detector, cell(finding.path)


def lines(findings: Sequence[Finding]) -> Iterator[str]:
    """One JSON object each."""
    yield from (json_text(json.dumps(asdict(finding), ensure_ascii=False)) for finding in findings)


def total(events: int, rejects: Mapping[str, int]) -> str:
    """How many events were looked at, and what could not be read."""
    told = [f"{counted(events, 'event')} looked at"]
    told += [f"{counted(n, 'record')} not read: {WORDS.get(why, why)}" for why, n in sorted(rejects.items())]
    return "\n".join(told)
