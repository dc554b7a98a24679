"""Templates to pages: everything is escaped, and what acts on how text is shown is made visible."""

from __future__ import annotations

import datetime as dt
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from monitor import printable
from monitor.model import Position
from monitor.review import clocks, summary, verdicts
from monitor.review.summary import LEVELS
from monitor.web import charts


def environment() -> Environment:
    """The templates, and what they are made with."""
    made = Environment(
        loader=PackageLoader("monitor.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    made.filters |= {
        "moment": moment,
        "day": day,
        "count": count,
        "place": place,
        "state": verdicts.LABELS.__getitem__,
    }
    made.globals |= {"columns": charts.columns, "spark": charts.spark, "told": clocks.told, "LEVELS": LEVELS}
    return made


def _shown(value: Any) -> Any:  # noqa: ANN401 - whatever a template prints
    """Text of logs must not turn the direction of what stands beside it, nor hide in it."""
    return printable.lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def moment(at: int | None) -> Markup:
    """A time, in UTC, to the minute."""
    if at is None:
        return Markup("no time")
    when = clocks.moment(at)
    return Markup('<time datetime="{}">{}</time>').format(
        when.strftime("%Y-%m-%dT%H:%M:%SZ"), f"{when:%d %b %Y, %H:%M}"
    )


def day(text: str) -> str:
    """`Mon 16 Nov` of `2026-11-16`."""
    return f"{dt.date.fromisoformat(text):%a %d %b}"


def place(position: Position) -> str:
    """Where a record is: line of a file as editors count, else offset in its partition."""
    at, number = position.partition, position.offset
    return summary.place(at, number) if "#" in at or "/" in at else f"{at} at offset {number}"


def count(number: int) -> str:
    """Thousands apart."""
    return f"{number:,}"
