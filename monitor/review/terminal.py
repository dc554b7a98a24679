"""Violations on a terminal: a table a person reads at a glance; plain lines where nobody looks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.model import Position, Violation
from monitor.review.summary import RuleSummary, document, duration, instant, limits, short_articles
from monitor.rules.tree import Correlation, Rule

COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "informational": "dim"}
"""Rich styles of Sigma's levels."""


def summary_table(lines: Sequence[RuleSummary]) -> Table:
    """One row per rule under the heading of its level; fits 100 columns."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=0)
    table.add_column("What was found", overflow="fold", min_width=30)
    table.add_column("GDPR Art.", overflow="fold")
    for heading in ("Violations", "Events", "People"):
        table.add_column(heading, justify="right")
    table.add_column("First seen", no_wrap=True)
    for level, rows in groupby(lines, key=lambda line: line.level):
        table.add_row(Text(level.upper(), style=COLOURS[level]))
        for line in rows:
            table.add_row(
                line.title,
                short_articles(line.articles),
                f"{line.violations:,}",
                f"{line.events:,}",
                f"{line.subjects:,}" if line.subjects else "-",
                (instant(line.first) or "no time")[:10],
            )
    return table


def plain_summary(lines: Sequence[RuleSummary]) -> Iterator[str]:
    """One line per rule, tab-separated: level, name, violations, events, people, title."""
    for line in lines:
        yield "\t".join(
            (line.level, line.name, str(line.violations), str(line.events), str(line.subjects), line.title)
        )


def documents(violations: Iterable[Violation], rules: Mapping[str, Rule]) -> str:
    """A JSON array."""
    return json.dumps([document(v, rules) for v in violations], ensure_ascii=False, indent=2)


def ndjson(violations: Iterable[Violation], rules: Mapping[str, Rule]) -> Iterator[str]:
    """One JSON object per line."""
    for violation in violations:
        yield json.dumps(document(violation, rules), ensure_ascii=False, separators=(",", ":"))


def print_summary(console: Console, lines: Sequence[RuleSummary]) -> None:
    """The table on a terminal, plain lines in a pipe."""
    if console.is_terminal:
        if lines:
            console.print(summary_table(lines))
    else:
        _print_plain(console, plain_summary(lines))


def print_details(console: Console, lines: Sequence[RuleSummary], rules: Mapping[str, Rule]) -> None:
    """Of every rule its largest violations: who, what, where in the logs, and the masked evidence."""
    for line in lines:
        articles = short_articles(line.articles)
        console.print(
            Text(f"{line.level.upper()}  ", style=COLOURS[line.level]) + Text(line.title, style="bold"),
            soft_wrap=True,
        )
        about = f"  {line.name}" + (f", GDPR Art. {articles}" if articles else "")
        _print_plain(console, (about, *_details(line, rules), ""))


def _print_plain(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def _details(line: RuleSummary, rules: Mapping[str, Rule]) -> Iterator[str]:
    for violation in line.largest:
        told = (
            f"{violation.count:,} event{'s' if violation.count > 1 else ''}",
            f"actor {violation.actor}" if violation.actor else "",
            f"in {violation.resource}" if violation.resource else "",
            f"from {instant(violation.first)}" if violation.first is not None else "",
            place(violation.samples[0]) if violation.samples else "",
        )
        yield f"  {evidence_text(violation, rules.get(violation.rule))}"
        yield f"      {', '.join(filter(None, told))}"
    if line.violations > len(line.largest):
        yield f"  and {line.violations - len(line.largest):,} more (all of them: --output json)"


def place(sample: Position) -> str:
    """A file's name and line, as editors count."""
    name = Path(sample.partition.rpartition("#")[0] or sample.partition).name
    return f"{name} line {sample.offset + 1}"


def evidence_text(violation: Violation, rule: Rule | None) -> str:
    """Why: the field and its masked extract, or what a correlation counted."""
    evidence = violation.evidence
    if isinstance(rule, Correlation) and violation.value is not None:
        counted = f"{evidence.path}: " if evidence.path else ""
        return f"{counted}{violation.value:,.12g} in {duration(rule.timespan)}, reported when {limits(rule)}"
    state = ", ".join(filter(None, (evidence.test, evidence.state, evidence.steps)))
    return f"{violation.path or '(whole record)'}: {evidence.extract} ({state})"
