"""A portrait as a chart of characters: a bar for each hour or day, over what is usual then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from monitor.engine.baseline.portrait import Norm, Portrait
from monitor.review.portrayed import date_of

WIDTH: Final = 60
"""Characters of the longest bar."""

_DAYS: Final = 28
"""Days of the history that are drawn."""

_WITHIN, _BEYOND, _RANGE, _MOST, _LIMIT = "█", "▓", "░", "·", "┊"


@dataclass(frozen=True, slots=True)
class Bar:
    """One line: its label, people, what is usual, people that are reported, what was said of it."""

    label: str
    people: int
    norm: Norm | None
    least: int | None
    said: str = ""


def hours(portrait: Portrait) -> list[Bar]:
    """The hours of the day."""
    said = {name for name, _ in portrait.said}
    return [
        Bar(
            f"{one.hour:02d}",
            one.people,
            one.norm,
            one.least,
            " ".join(s for s, n in one.takes if s in said and n is not None and one.people >= n),
        )
        for one in portrait.hours
    ]


def days(portrait: Portrait, said: dict[int, str]) -> list[Bar]:
    """The last days with reads; only the last of them has its norm beside it.

    Args:
        portrait: whose days.
        said: day to the signals that are stored of it.
    """
    least = min((n for _, n in portrait.takes if n is not None), default=None)
    last = {one.day: one for one in portrait.history[-_DAYS:]}
    words = {**said, portrait.day: " ".join(name for name, _ in portrait.said) or said.get(portrait.day, "")}
    return [
        Bar(
            date_of(day),
            one.people,
            portrait.norm,
            least if day == portrait.day else None,
            words.get(day, ""),
        )
        for day, one in last.items()
    ]


def chart(bars: Sequence[Bar]) -> Iterator[str]:
    """The bars under one scale, and what the signs mean.

    What is far above everything usual is cut, so that the usual stays visible.
    """
    usual = max((bar.norm.most for bar in bars if bar.norm is not None), default=0.0)
    limits = [bar.least for bar in bars if bar.least is not None]
    largest = max([bar.people for bar in bars], default=0)
    full = max(min(float(largest), 4 * max(usual, min(limits, default=0))), usual, 1.0)
    for bar in bars:
        line = "".join(_sign(bar, column, full / WIDTH) for column in range(WIDTH))
        over = "▶" if bar.people > full else " "
        yield f"{bar.label}  {bar.people:>6,}  {line}{over} {bar.said}".rstrip()
    yield ""
    signs = (_WITHIN, "read"), (_BEYOND, "beyond the most that is normal"), (_RANGE, "usual"), (_MOST, "most")
    yield "   ".join(f"{sign} {words}" for sign, words in signs)
    if limits:
        yield f"{_LIMIT} reported from here on   ▶ the bar goes on"


def _sign(bar: Bar, column: int, each: float) -> str:
    """The character at a column, `each` people wide."""
    begin, end = column * each, (column + 1) * each
    norm = bar.norm
    if bar.people > begin:
        return _BEYOND if norm is not None and begin >= max(norm.most, each) else _WITHIN
    if bar.least is not None and begin <= bar.least < end:
        return _LIMIT
    if norm is not None and norm.low < end and begin < norm.high:
        return _RANGE
    return _MOST if norm is not None and begin < norm.most else " "
