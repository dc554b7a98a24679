"""Violations on a terminal: a table a person reads at a glance; plain lines where nobody looks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitor.engine.explain import EventVerdict, Explanation
from monitor.model import Violation
from monitor.review.summary import RuleSummary, document, instant
from monitor.rules.tree import Rule

COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "informational": "dim"}
"""Rich styles of Sigma's levels."""


def summary_table(lines: Sequence[RuleSummary]) -> RenderableType:
    """One row per rule."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, expand=False)
    table.add_column("Level")
    table.add_column("What was found", overflow="fold", ratio=4)
    table.add_column("GDPR Art.", overflow="fold")
    for heading in ("Violations", "Events", "People"):
        table.add_column(heading, justify="right")
    table.add_column("First seen", no_wrap=True)
    for line in lines:
        table.add_row(
            Text(line.level, style=COLOURS[line.level]),
            Group(Text(line.title), Text(line.example, style="dim", overflow="ellipsis", no_wrap=True)),
            ", ".join(line.articles),
            f"{line.violations:,}",
            f"{line.events:,}",
            f"{line.subjects:,}" if line.subjects else "-",
            (instant(line.first) or "no time")[:16].replace("T", " "),
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
        console.print(summary_table(lines))
    else:
        for text in plain_summary(lines):
            console.print(text, soft_wrap=True, markup=False, highlight=False)


def explanation_text(explained: Explanation) -> str:
    """What a rule needs and what it is compiled to."""
    return "\n".join(
        (
            f"fields    {', '.join(explained.fields)}",
            f"literals  {', '.join(map(repr, explained.literals)) or '(none: every event is asked)'}",
            f"compiled  {explained.expression}",
        )
    )


def verdict_text(verdict: EventVerdict) -> str:
    """One event: the answer, then every selection and every line of it."""
    lines = [f"event {verdict.offset + 1}: {'match' if verdict.matched else 'no match'}"]
    for selection in verdict.selections:
        lines.append(f"  {_mark(selection.holds)} {selection.name}")
        for item in selection.items:
            lines.append(f"      {_mark(item.holds)} {item.text}")
            lines += [f"            {found}" for found in item.found]
    return "\n".join(lines)


def _mark(holds: bool) -> str:  # noqa: FBT001 - the one thing it is about
    return "yes" if holds else " no"
