"""A dashboard as SVG: each panel where Grafana has it, with what Prometheus answered to its queries."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from tests.support import dashboards

COLUMN, ROW, GAP = 50, 30, 8
"""Pixels of the grid, of 24 columns, and between panels."""
COLOURS = ("#3f7f93", "#c2502e", "#d99a2b", "#7d1d3f", "#5b7f3a", "#6b5b95", "#8c96a3", "#2f5d8a")
INK, FAINT, LINE, PAPER = "#24292f", "#57606a", "#d0d7de", "#ffffff"
HIDDEN = {"job", "instance", "__name__"}
UNITS = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))
SPANS = ((86_400, "d"), (3600, "h"), (60, "min"))


@dataclass(frozen=True)
class Place:
    """Where a panel is, in pixels, and the time all of them show, in Unix seconds."""

    x: float
    y: float
    width: float
    height: float
    span: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Series:
    """What a line or a bar is called, and its (time, value) pairs; an instant vector has one."""

    name: str
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        return self.points[-1][1]


def drawn(file: Path, answers: list[list[dict]]) -> str:
    """The dashboard of a file, given what was answered to each of its queries, in their order."""
    document = json.loads(file.read_text(encoding="utf-8"))
    asked = iter(zip(dashboards.queries(file), answers, strict=True))
    times = [at for answer in answers for one in answer for at, _ in one.get("values", ())]
    span = (min(times, default=0.0), max(times, default=0.0))
    parts: list[str] = []
    height = 0.0
    for panel in document["panels"]:
        grid = panel["gridPos"]
        wide, high = grid["w"] * COLUMN - GAP, grid["h"] * ROW - GAP
        place = Place(grid["x"] * COLUMN, grid["y"] * ROW, wide, high, span)
        height = max(height, place.y + place.height)
        if panel["type"] == "row":
            parts.append(text(place.x, place.y + 18, panel["title"], size=14, weight="bold"))
            continue
        found = [next(asked) for _ in panel["targets"]]
        series = [one for query, answer in found for one in named(query, answer)]
        parts += [frame(place, panel["title"]), *PANELS[panel["type"]](place, found[0][0].unit, series)]
    size = f'viewBox="-8 -8 {24 * COLUMN + 16 - GAP} {height + 16:g}"'
    style = 'font-family="DejaVu Sans, Helvetica, Arial, sans-serif"'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>'
    title = f"<title>{escape(document['title'])}</title>"
    paper = f'<rect x="-8" y="-8" width="100%" height="100%" fill="{PAPER}"/>'
    return "\n".join([opening, title, paper, *parts, "</svg>"]) + "\n"


def named(query: dashboards.Asked, answer: list[dict]) -> Iterator[Series]:
    """Series by what the panel's legend calls them; of a table by all that is in a line."""
    for one in answer:
        labels = {name: query.names.get(value, value) for name, value in one["metric"].items()}
        name = query.legend
        for label, value in labels.items():
            name = name.replace("{{" + label + "}}", value)
        if query.legend == "__auto":
            name = ", ".join(value for label, value in labels.items() if label not in HIDDEN)
        values = one.get("values") or [one["value"]]
        points = tuple((float(at), float(value)) for at, value in values if math.isfinite(float(value)))
        if points:
            yield Series(name, points)


def stat(place: Place, unit: str, series: list[Series]) -> Iterator[str]:
    """One figure."""
    shown = said(series[0].last, unit) if series else "no data"
    middle = place.y + place.height / 2 + 20
    yield text(place.x + place.width / 2, middle, shown, size=26, anchor="middle", weight="bold")


def lines(place: Place, unit: str, series: list[Series]) -> Iterator[str]:
    """Lines over time, with a scale and a legend."""
    if not series:
        yield from nothing(place)
        return
    left, top, right, bottom = (
        place.x + 62,
        place.y + 30,
        place.x + place.width - 10,
        place.y + place.height - 48,
    )
    values = [value for one in series for _, value in one.points]
    low, high = min(0.0, *values), max(0.0, *values) or 1.0
    begin, end = place.span
    for share in (0, 0.5, 1):
        y = bottom - (bottom - top) * share
        yield f'<line x1="{left:g}" x2="{right:g}" y1="{y:.1f}" y2="{y:.1f}" stroke="{LINE}"/>'
        yield text(left - 6, y + 4, said(low + (high - low) * share, unit), anchor="end", colour=FAINT)
    for at, anchor in ((begin, "start"), (end, "end")):
        clock = datetime.fromtimestamp(at, UTC).strftime("%H:%M")
        yield text(left if anchor == "start" else right, bottom + 14, clock, anchor=anchor, colour=FAINT)
    for number, one in enumerate(series):
        path = " ".join(
            f"{left + (right - left) * (at - begin) / ((end - begin) or 1):.0f},"
            f"{bottom - (bottom - top) * (value - low) / (high - low):.1f}"
            for at, value in one.points
        )
        colour = COLOURS[number % len(COLOURS)]
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    yield from legend(place, series)


def legend(place: Place, series: list[Series]) -> Iterator[str]:
    """Which colour is whose, as far as there is room."""
    x, y = place.x + 12, place.y + place.height - 12
    for number, one in enumerate(series):
        wide = 26 + 6.4 * len(one.name)
        rest = len(series) - number
        if x + wide > place.x + place.width - (60 if rest > 1 else 0):
            yield text(x, y, f"and {rest} more", colour=FAINT)
            return
        yield f'<rect x="{x:g}" y="{y - 6:g}" width="10" height="3" fill="{COLOURS[number % len(COLOURS)]}"/>'
        yield text(x + 14, y, one.name, colour=FAINT)
        x += wide


def bars(place: Place, unit: str, series: list[Series]) -> Iterator[str]:
    """Bars, the longest first."""
    if not series:
        yield from nothing(place)
        return
    top = max(one.last for one in series) or 1.0
    for number, one in enumerate(ranked(place, series, 36)):
        y, wide = place.y + 46 + 36 * number, place.width - 24
        yield text(place.x + 12, y, one.name)
        yield text(place.x + place.width - 12, y, said(one.last, unit), anchor="end")
        long = max(1.0, wide * one.last / top)
        yield f'<rect x="{place.x + 12:g}" y="{y + 6:g}" width="{long:.0f}" height="8" fill="{COLOURS[0]}"/>'


def table(place: Place, unit: str, series: list[Series]) -> Iterator[str]:
    """Lines of a table, the largest first."""
    if not series:
        yield from nothing(place)
        return
    room = ranked(place, series, 22)
    for number, one in enumerate(room):
        y = place.y + 48 + 22 * number
        yield text(place.x + 12, y, one.name[: int((place.width - 90) / 6.2)])
        yield text(place.x + place.width - 12, y, said(one.last, unit), anchor="end")
        ends = f'x1="{place.x + 12:g}" x2="{place.x + place.width - 12:g}" y1="{y + 7}" y2="{y + 7}"'
        yield f'<line {ends} stroke="{LINE}"/>'


PANELS = {"stat": stat, "timeseries": lines, "bargauge": bars, "table": table}


def ranked(place: Place, series: list[Series], height: float) -> list[Series]:
    """Those for which there is room."""
    room = int((place.height - 44) / height)
    return sorted(series, key=lambda one: (-one.last, one.name))[:room]


def nothing(place: Place) -> Iterator[str]:
    """What stands where nothing was answered."""
    yield text(
        place.x + place.width / 2, place.y + place.height / 2 + 8, "no data", anchor="middle", colour=FAINT
    )


def frame(place: Place, title: str) -> str:
    """A panel's edge and title."""
    size = f'x="{place.x}" y="{place.y}" width="{place.width}" height="{place.height}"'
    return f'<rect {size} rx="3" fill="none" stroke="{LINE}"/>' + text(
        place.x + 12, place.y + 20, title, size=12
    )


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 11,
    anchor: str = "start",
    colour: str = INK,
    weight: str = "",
) -> str:
    """A line of text."""
    heavy = f' font-weight="{weight}"' if weight else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"{heavy}>'
        f"{escape(words)}</text>"
    )


def said(value: float, unit: str) -> str:
    """A value in words of its unit, as Grafana's units are called."""
    if unit == "percentunit":
        return f"{value:.2%}"
    if unit == "bytes":
        return next(
            (f"{value / size:.1f} {name}" for size, name in UNITS if abs(value) >= size), f"{value:.0f} B"
        )
    if unit == "s":
        spans = (f"{value / size:.1f} {name}" for size, name in SPANS if abs(value) >= size)
        return next(spans, f"{value * 1000:.0f} ms" if 0 < abs(value) < 1 else f"{value:.1f} s")
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
