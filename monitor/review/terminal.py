"""Violations on a terminal: a table a person reads at a glance; plain lines where nobody looks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor import printable
from monitor.model import Violation
from monitor.printable import cell, json_text
from monitor.review.summary import RuleSummary, document, duration, instant, limits, place, short_articles
from monitor.review.totals import counted
from monitor.rules.tree import Correlation, Rule

COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "informational": "dim"}
"""Rich styles of Sigma's levels."""


WIDE = 80
"""Columns of a terminal from which on the table also tells articles and days."""


def summary_table(lines: Sequence[RuleSummary], width: int) -> Table:
    """One row per rule under the heading of its level; all of it fits 100 columns, the figures alone 56."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=0)
    table.add_column("What was found", overflow="fold", min_width=30)
    if width >= WIDE:
        table.add_column("GDPR Art.", overflow="fold")
    for heading in ("Violations", "Events", "People"):
        table.add_column(heading, justify="right")
    if width >= WIDE:
        table.add_column("First seen", no_wrap=True)
    for level, rows in groupby(lines, key=lambda line: line.level):
        table.add_row(Text(level.upper(), style=COLOURS[level]))
        for line in rows:
            people = f"{line.subjects:,}" if line.subjects else "-"
            counts = (f"{line.violations:,}", f"{line.events:,}", people)
            articles, first = short_articles(line.articles), (instant(line.first) or "no time")[:10]
            wide = (line.title, articles, *counts, first)
            told = wide if width >= WIDE else (line.title, *counts)
            table.add_row(*(Text(cell(text)) for text in told))  # as it is: brackets are no markup
    return table


def plain_summary(lines: Sequence[RuleSummary]) -> Iterator[str]:
    """One line per rule, tab-separated: level, name, violations, events, people, title."""
    for line in lines:
        counts = (line.violations, line.events, line.subjects)
        yield "\t".join(map(cell, (line.level, line.name, *map(str, counts), line.title)))


def documents(violations: Iterable[Violation], rules: Mapping[str, Rule]) -> str:
    """A JSON array."""
    return json_text(json.dumps([document(v, rules) for v in violations], ensure_ascii=False, indent=2))


def ndjson(violations: Iterable[Violation], rules: Mapping[str, Rule]) -> Iterator[str]:
    """One JSON object per line."""
    for violation in violations:
        yield json_text(json.dumps(document(violation, rules), ensure_ascii=False, separators=(",", ":")))


def print_summary(console: Console, lines: Sequence[RuleSummary]) -> None:
    """The table on a terminal, plain lines in a pipe (whatever FORCE_COLOR says: a script reads them)."""
    if not console.file.isatty():
        _print_plain(console, plain_summary(lines))
    elif lines:
        console.print(summary_table(lines, console.width))


def print_details(console: Console, lines: Sequence[RuleSummary], rules: Mapping[str, Rule]) -> None:
    """Of every rule its largest violations: who, what, where in the logs, and the masked evidence."""
    for line in lines:
        articles = short_articles(line.articles)
        heading = Text(f"{line.level.upper()}  ", style=COLOURS[line.level])
        console.print(heading + Text(cell(line.title), style="bold"), soft_wrap=True)
        about = f"  {line.name}" + (f", GDPR Art. {articles}" if articles else "")
        _print_plain(console, (about, *_details(line, rules), ""))


def _print_plain(console: Console, lines: Iterable[str]) -> None:
    """Past rich, which would turn tabs into spaces."""
    for line in lines:
        console.file.write(printable.line(line) + "\n")


def _details(line: RuleSummary, rules: Mapping[str, Rule]) -> Iterator[str]:
    for violation in line.largest:
        told = (
            counted(violation.count, "event"),
            f"actor {violation.actor}" if violation.actor else "",
            f"in {violation.resource}" if violation.resource else "",
            f"from {instant(violation.first)}" if violation.first is not None else "",
            *(place(sample.partition, sample.offset) for sample in violation.samples[:1]),
        )
        yield f"  {evidence_text(violation, rules.get(violation.rule))}"
        yield f"      {', '.join(filter(None, told))}"
    if line.violations > len(line.largest):
        yield f"  and {line.violations - len(line.largest):,} more (all of them: --output json)"


def evidence_text(violation: Violation, rule: Rule | None) -> str:
    """Why: the field and its masked extract, or what a correlation counted."""
    evidence = violation.evidence
    if isinstance(rule, Correlation) and violation.value is not None:
        counted = f"{evidence.path}: " if evidence.path else ""
        return f"{counted}{violation.value:,.12g} in {duration(rule.timespan)}, reported when {limits(rule)}"
    state = ", ".join(filter(None, (evidence.test, evidence.state, evidence.steps)))
    return f"{violation.path or '(whole record)'}: {evidence.extract} ({state})"
