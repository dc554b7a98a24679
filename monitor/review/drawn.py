"""A portrait as a picture: one SVG file, no script, nothing fetched, nobody's name.

Two panels: the hours of the day over what is usual then, and the days of the history. A bar is red where a
signal spoke. Colours follow the reader's light or dark scheme.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from monitor.engine.baseline.portrait import Portrait
from monitor.printable import cell
from monitor.review.charted import Bar, days, hours
from monitor.review.portrayed import weekday_of

_WIDTH, _HEIGHT = 960, 680
_LEFT, _RIGHT = 64, 24
_STYLE: Final = """
svg { font: 13px system-ui, sans-serif; background: #fff; --ink: #1c1c1e; --soft: #6b6b70; --line: #d5d5da;
  --usual: #cfe0f5; --most: #7da7d9; --peers: #8a6d3b; --read: #33557f; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { svg { background: #1c1c1e; --ink: #f2f2f7; --soft: #a1a1a6;
  --line: #3a3a3c; --usual: #24405f; --most: #5b8bc4; --peers: #d0b074; --read: #9ec1ea; --bad: #ff8a80; } }
text { fill: var(--ink); } .soft { fill: var(--soft); } .title { font-size: 17px; font-weight: 600; }
.head { font-weight: 600; } .axis { stroke: var(--line); } .usual { fill: var(--usual); }
.most { stroke: var(--most); stroke-width: 2; } .peers { stroke: var(--peers); stroke-dasharray: 4 3; }
.limit { stroke: var(--bad); stroke-width: 2; stroke-dasharray: 2 3; } .read { fill: var(--read); }
.bad { fill: var(--bad); } text.bad { font-weight: 600; }
"""


@dataclass(frozen=True, slots=True)
class _Panel:
    """A chart's place on the page, and how many people its height stands for."""

    top: float
    height: float
    full: float
    bars: int

    def x(self, at: float) -> float:
        return _LEFT + at * (_WIDTH - _LEFT - _RIGHT) / max(1, self.bars)

    def y(self, people: float) -> float:
        return self.top + self.height * (1 - min(people, self.full) / self.full)


def picture(title: str, who: str, portrait: Portrait, said: dict[int, str]) -> str:
    """The picture as SVG 1.1.

    Args:
        title: of the rule.
        who: what the group is called; a pseudonym.
        portrait: of the day that is looked at.
        said: day to the signals that are stored of it.
    """
    return "\n".join(_picture(title, who, portrait, said)) + "\n"


def _picture(title: str, who: str, portrait: Portrait, said: dict[int, str]) -> Iterator[str]:
    of_hours, of_days = hours(portrait), days(portrait, said)
    day = weekday_of(portrait.day)
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
    yield f'  width="{_WIDTH}" height="{_HEIGHT}" aria-labelledby="title told">'
    yield f'<title id="title">{_safe(title)}: {_safe(who)}, {day}</title>'
    words = "; ".join(f"{signal}: {words}" for signal, words in portrait.said)
    told = words or f"Nothing unusual on {day}."
    yield f'<desc id="told">{_safe(told)}</desc>'
    yield f"<style>{_STYLE}</style>"
    yield _text(_LEFT, 30, title, "title")
    peers = f", peers {cell(portrait.peers)}" if portrait.peers else ""
    yield _text(_LEFT, 52, who + peers, "soft")
    for number, line in enumerate(_wrapped(told)):
        yield _text(_LEFT, 74 + 18 * number, line, "bad" if words else "soft")
    yield from _drawn(f"{_what(portrait)} in each hour of {day} ({portrait.clock})", of_hours, 140, 190)
    yield from _drawn(f"{_what(portrait)} on each day", of_days, 410, 170)
    yield from _legend(_HEIGHT - 40)
    yield "</svg>"


def _what(portrait: Portrait) -> str:
    return "People read" if portrait.what == "people" else portrait.what.capitalize()


def _drawn(heading: str, bars: Sequence[Bar], top: float, height: float) -> Iterator[str]:
    yield _text(_LEFT, top - 12, heading, "head")
    shown = [bar.people for bar in bars] + [bar.least for bar in bars if bar.least is not None]
    norms = [bar.norm for bar in bars if bar.norm is not None]
    most = max([norm.most for norm in norms] + [norm.high for norm in norms], default=0.0)
    panel = _Panel(top, height, max(1.0, min(float(max(shown, default=1)), 6 * most or 1e9), most), len(bars))
    for share in (0, 0.5, 1):
        y = panel.y(panel.full * share)
        yield f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="axis"/>'
        yield _text(_LEFT - 8, y + 4, f"{panel.full * share:,.0f}", "soft", "end")
    every = 1 if len(bars) <= 24 else 5
    for at, bar in enumerate(bars):
        yield from _bar(panel, at, bar)
        if at % every == 0:
            label, middle = bar.label[-5:], panel.x(at + 0.5)
            yield _text(middle, top + height + 18, label, "soft", "middle")


def _bar(panel: _Panel, at: int, bar: Bar) -> Iterator[str]:
    left, right = panel.x(at), panel.x(at + 1)
    wide = right - left
    norm, foot = bar.norm, panel.y(0)
    if norm is not None:
        high, low = panel.y(norm.high), panel.y(norm.low)
        yield _box(left, high, wide, max(1.0, low - high), "usual")
        yield _level(left, right, panel.y(norm.most), "most")
        if norm.peers is not None:
            yield _level(left, right, panel.y(norm.peers), "peers")
    if bar.least is not None and bar.least <= panel.full:
        yield _level(left, right, panel.y(bar.least), "limit")
    if bar.people:
        top = panel.y(bar.people)
        yield f"<g><title>{_safe(_hover(bar))}</title>"
        yield _box(left + wide * 0.25, top, wide * 0.5, foot - top, "bad" if bar.said else "read") + "</g>"
    if bar.said:
        y = max(panel.y(bar.people) - 5, panel.top - 1)
        yield _text(left + wide / 2, y, bar.said, "bad", "middle")


def _hover(bar: Bar) -> str:
    usual = "" if bar.norm is None else f", usual {bar.norm.usual:.0f}, at most {bar.norm.most:.0f}"
    return f"{bar.label}: {bar.people:,}{usual}" + (f", {bar.said}" if bar.said else "")


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{_safe(text)}</text>'


def _box(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" class="{kind}"/>'


def _level(left: float, right: float, y: float, kind: str) -> str:
    return f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}" class="{kind}"/>'


def _legend(y: float) -> Iterator[str]:
    x = float(_LEFT)
    for kind, words in (
        ("read", "read"),
        ("bad", "read, and reported"),
        ("usual", "usual"),
        ("most", "most that is normal"),
        ("peers", "most of the peers"),
        ("limit", "reported from here on"),
    ):
        if kind in {"read", "bad", "usual"}:
            yield _box(x, y - 10, 18, 12, kind)
        else:
            yield _level(x, x + 18, y - 4, kind)
        yield _text(x + 24, y, words, "soft")
        x += 52 + 7.0 * len(words)


def _wrapped(text: str, width: int = 125) -> list[str]:
    """At most two lines; what is longer is in the description."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    lines.append(line)
    return lines if len(lines) <= 2 else [lines[0], f"{lines[1][:-1]}…"]


def _safe(text: str) -> str:
    return html.escape(cell(text))
