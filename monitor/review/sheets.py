"""A report as tables: CSV (RFC 4180) of its cases, and a workbook with a sheet for each part."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Sequence
from typing import Any

from monitor import printable
from monitor.errors import PrivwatchError
from monitor.review import verdicts
from monitor.review.report import Report, ReportCase, told

Cell = str | int | float | None
Table = tuple[Sequence[str], list[Sequence[Cell]]]

_CASES = (
    "case", "level", "rule", "articles", "system", "field", "actor", "violations", "events", "first event",
    "last event", "state", "decided by", "confirmed by", "reason", "waits for a second person",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def cases(made: Report) -> Table:
    """The cases, worst first."""
    return _CASES, [_line(one) for one in made.cases]


def _line(one: ReportCase) -> Sequence[Cell]:
    said = one.verdict
    who = (str(said.get("by", "")), str(said.get("confirmed_by", "")), str(said.get("reason", "")))
    return (
        one.key, one.level, one.card.title, one.card.articles, one.resource, one.path, one.actor,
        one.violations, one.events, told(one.first), told(one.last), verdicts.LABELS[one.state], *who,
        "yes" if one.waiting else "no",
    )  # fmt: skip


def tables(made: Report) -> dict[str, Table]:
    """Every part of the report, by the name of its sheet."""
    seen = made.overview
    figures: list[Sequence[Cell]] = [
        ("Week", str(made.week)),
        ("From", made.week.days[0]),
        ("To", made.week.days[-1]),
        ("Violations", seen.violations),
        ("Violations in the week before", seen.before),
        ("Events behind them", seen.events),
        ("People concerned, an estimate", seen.people),
        ("Cases", len(made.cases)),
        *((f"Cases: {state}", count) for state, count in made.states.items()),
        ("Rules", made.rules),
        ("Rule set (digest)", made.digest),
    ]
    weeks = [str(week) for week in seen.weeks]
    return {
        "Week": (("What", "Value"), figures),
        "Rules": (
            ("rule", "articles", "level", "violations", "events", "people, an estimate", *weeks),
            [
                (o.card.title, o.card.articles, o.level, o.violations, o.events, o.people, *o.trend)
                for o in seen.rules
            ],
        ),
        "Cases": cases(made),
        "Clocks": (
            ("case", "rule", "known since", "72 hours end", "authority notified", "severity", "score"),
            [
                (o.key, o.title, told(o.aware), told(o.due), told(o.notified), o.severity, o.score)
                for o in made.clocks
            ],
        ),
        "Coverage": (
            ("source", "parts", "events", "not evaluated", "left out", "last looked at"),
            [
                (o.name, o.parts, o.events, _counts(o.unread), _counts(o.skipped), told(o.seen))
                for o in made.coverage
            ],
        ),
    }


def _counts(said: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{count:,} {words}" for words, count in said)


def as_csv(made: Report) -> bytes:
    """The cases as CSV, UTF-8. What a spreadsheet would run as a formula has an apostrophe before it."""
    out = io.StringIO(newline="")
    header, lines = cases(made)
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([_plain(cell) for cell in line] for line in lines)
    return out.getvalue().encode()


def _plain(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return cell
    text = printable.lines(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_xlsx(made: Report) -> bytes:
    """All parts as a workbook; texts stay texts.

    Raises:
        PrivwatchError: what writes workbooks is not installed.
    """
    try:
        import xlsxwriter  # noqa: PLC0415 - only where a workbook is asked for
    except ImportError as error:
        raise PrivwatchError("a workbook needs an extra; run: pip install 'privwatch[report]'") from error
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(out, options)
    day = dt.datetime.combine(made.week.sunday, dt.time())
    book.set_properties({"title": f"Privwatch, week {made.week}", "created": day})
    head = book.add_format({"bold": True, "bottom": 1})
    for name, (header, lines) in tables(made).items():
        _sheet(book.add_worksheet(name), head, header, lines)
    book.close()
    return out.getvalue()


def _sheet(sheet: Any, head: Any, header: Sequence[str], lines: Sequence[Sequence[Cell]]) -> None:  # noqa: ANN401 - the library says no types
    sheet.write_row(0, 0, header, head)
    sheet.freeze_panes(1, 0)
    for number, line in enumerate(lines, start=1):
        sheet.write_row(number, 0, [printable.lines(c) if isinstance(c, str) else c for c in line])
    for column, title in enumerate(header):
        longest = max((len(str(line[column] or "")) for line in lines[:200]), default=0)
        sheet.set_column(column, column, min(60, max(len(title), longest) + 2))
    if lines:
        sheet.autofilter(0, 0, len(lines), len(header) - 1)
