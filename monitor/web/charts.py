"""Charts as SVG, made here: columns, and small lines of a table. The same in the page and in the PDF.

Colours stand as attributes, which every reader of SVG knows; the page's style sheet has others for the dark.
Each chart has a title that says what it shows; the table beside it says the figures.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

LEVEL_COLOURS = {
    "critical": "#7d1d3f",
    "high": "#c2502e",
    "medium": "#d99a2b",
    "low": "#3f7f93",
    "informational": "#8c96a3",
}
_INK = "#57606a"
_LINE = "#d0d7de"
_TOP, _BOTTOM, _LEFT = 8, 26, 40


def columns(
    title: str,
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[int]]],
    *,
    width: int = 640,
    height: int = 190,
) -> Markup:
    """Stacked columns, one for each label; the levels lie on top of one another, the worst at the foot.

    Args:
        title: what it shows.
        labels: below the columns.
        series: (level, one count for each label).
        width: in pixels; the chart scales to the place it has.
        height: in pixels.
    """
    totals = [sum(values[i] for _, values in series) for i in range(len(labels))]
    top = _nice(max(totals, default=0))
    plot = height - _TOP - _BOTTOM
    step = (width - _LEFT) / max(1, len(labels))
    parts = [_gridline(top * share // 2, _TOP + plot * (2 - share) / 2, width) for share in range(3)]
    for i, label in enumerate(labels):
        left, base = _LEFT + i * step + step * 0.2, float(_TOP + plot)
        for level, values in series:
            tall = plot * values[i] / top
            if tall:
                base -= tall
                parts.append(_bar(level, (left, base), (step * 0.6, tall), f"{label}: {values[i]:,} {level}"))
        parts.append(_text(left + step * 0.3, height - 8, "middle", label))
    return _svg(title, width, height, parts)


def spark(title: str, values: Sequence[int], level: str, *, width: int = 96, height: int = 22) -> Markup:
    """A row of small columns, the last one in the level's colour."""
    top, step = max(1, *values), width / len(values)
    parts = []
    for i, value in enumerate(values):
        tall = max(1.5, (height - 2) * value / top) if value else 1.0
        shade = level if i == len(values) - 1 and value else "past"
        parts.append(_bar(shade, (i * step + 1, height - tall), (step - 3, tall), ""))
    return _svg(title, width, height, parts, "spark")


def _svg(title: str, width: int, height: int, parts: Sequence[Markup], kind: str = "columns") -> Markup:
    opening = Markup(
        '<svg class="chart {}" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}" '
        'xmlns="http://www.w3.org/2000/svg">'
    ).format(kind, title, width, height, width, height)
    return opening + Markup("").join(parts) + Markup("</svg>")


def _bar(level: str, at: tuple[float, float], size: tuple[float, float], tip: str) -> Markup:
    said = Markup("<title>{}</title>").format(tip) if tip else Markup("")
    return Markup(
        '<rect class="bar-{}" x="{}" y="{}" width="{}" height="{}" rx="1.5" fill="{}">{}</rect>'
    ).format(
        level,
        *map(_number, (*at, *size)),
        LEVEL_COLOURS.get(level, "#b8c0cc"),
        said,
    )


def _gridline(value: int, at: float, width: int) -> Markup:
    line = Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}" stroke="{}"/>').format(
        _LEFT, width, _number(at), _number(at), _LINE
    )
    return line + _text(_LEFT - 6, at + 4, "end", f"{value:,}")


def _text(left: float, base: float, anchor: str, text: str) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}" font-size="11" fill="{}">{}</text>').format(
        _number(left), _number(base), anchor, _INK, escape(text)
    )


def _number(value: float) -> str:
    return f"{value:.1f}"


def _nice(most: int) -> int:
    """An even, round number that is no less."""
    size = 2
    while True:
        for step in (1, 2, 3, 5):
            if step * size >= most:
                return step * size
        size *= 10
