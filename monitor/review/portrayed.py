"""A portrait in words: an actor's normal by hour and kind of day, and what it takes to be reported."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final

from monitor.engine.baseline.portrait import Hour, Norm, Portrait, is_weekend
from monitor.model import Violation
from monitor.printable import cell
from monitor.review.totals import counted
from monitor.rules.tree import Correlation

KINDS: Final = {False: "working days", True: "weekend"}
"""Whether a day is of the weekend's class, in words."""

SHOWN: Final = 20
"""Violations that are shown, the newest."""


def date_of(day: int) -> str:
    """A day since the epoch: `2026-11-16`."""
    return (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()


def weekday_of(day: int) -> str:
    """A day since the epoch with its name: `Monday 2026-11-16`."""
    return (dt.date(1970, 1, 1) + dt.timedelta(days=day)).strftime("%A %Y-%m-%d")


def named(rule: Correlation) -> str:
    """A rule as a heading."""
    return cell(f"{rule.header.title} ({rule.header.name or rule.header.id})")


def lines(
    rule: Correlation, who: str, portrait: Portrait, other: Portrait, violations: Sequence[Violation]
) -> Iterator[str]:
    """Everything there is to say of one group under one rule.

    Args:
        rule: the rule.
        who: what the group is called.
        portrait: of the day that is looked at.
        other: of a day of the other kind.
        violations: stored of the group.
    """
    yield named(rule)
    peers = f", peers {cell(portrait.peers)}" if portrait.peers else ", no peers"
    yield f"  {who}{peers}; {counted(portrait.known, 'day')} with reads before {weekday_of(portrait.day)}"
    yield f"  {_judged_by(portrait)}"
    for one in (portrait, other):
        told = "nothing known" if one.norm is None else _whole(one.what, one.norm) + _from_every_day(one)
        yield f"  {KINDS[is_weekend(one.day)]}: {told}"
    for signal, least in portrait.takes:
        yield f"  {signal}: {_taking(portrait.what, signal, least)}"
    if portrait.hours and portrait.hours[0].takes:
        yield ""
        yield from (f"  {row}" for row in _table(portrait, other))
    yield ""
    yield from _said(portrait, violations)


def _judged_by(portrait: Portrait) -> str:
    if portrait.grown:
        return "judged by its own history"
    return "new: judged by its peers, doubled" if portrait.peers else "new: judged by the floor alone"


def _whole(what: str, norm: Norm) -> str:
    text = f"usual {_range(norm)} {what} a day, at most {norm.most:.0f}"
    return text if norm.peers is None else f"{text}, peers at most {norm.peers:.0f}"


def _from_every_day(portrait: Portrait) -> str:
    """Whether days of both kinds make the norm, since there are few of this one."""
    same = [
        d for d in portrait.history if d.day < portrait.day and is_weekend(d.day) == is_weekend(portrait.day)
    ]
    return "" if len(same) >= portrait.enough else f" (of all days: {counted(len(same), 'day')} of this kind)"


def _range(norm: Norm) -> str:
    return f"{norm.usual:.0f} ({norm.low:.0f}-{norm.high:.0f})"


def _taking(unit: str, signal: str, least: int | None) -> str:
    what = {
        "off_hours": f"{unit} in off-hours of the day",
        "drip": f"{unit} on the day" + (", all new" if unit == "people" else ""),
        "novelty": f"{unit} on the day, all new",
    }.get(signal, f"{unit} on the day")
    return "nothing on this day would be" if least is None else f"from {least:,} {what} on"


def _table(portrait: Portrait, other: Portrait) -> Iterator[str]:
    """Aligned columns: the day that is looked at, then the other kind of day."""
    signals = [name for name, _ in portrait.hours[0].counting]
    heads = ["hour", "read", *_heads(portrait, signals), *_heads(other, signals)]
    pairs = list(zip(portrait.hours, other.hours, strict=True))
    told = [pair for pair in pairs if any(map(_ever, pair))]
    rows = [[f"{a.hour:02d}", f"{a.people:,}" if a.people else "-", *_row(a), *_row(b)] for a, b in told]
    quiet = [pair for pair in pairs if pair not in told]
    if quiet:
        # All of them alike, but for peers that may read then.
        least = [min(quiet, key=lambda pair: pair[at].least or 0)[at] for at in (0, 1)]
        rows.append(["else", "-", *_row(least[0]), *_row(least[1])])
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    yield _groups_over(widths, len(signals), portrait, other)
    for row in (heads, *rows):
        yield "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True))


def _groups_over(widths: Sequence[int], signals: int, portrait: Portrait, other: Portrait) -> str:
    """The line above the headings: which kind of day the columns are of."""
    half = 3 + signals
    first = sum(widths[:2]) + 4
    second = sum(widths[2 : 2 + half]) + 2 * half
    names = [KINDS[is_weekend(one.day)] for one in (portrait, other)]
    return f"{'':{first}}{names[0]:<{second}}{names[1]}".rstrip()


def _heads(_: Portrait, signals: Sequence[str]) -> list[str]:
    return ["usual", "most", "peers", *(f"{name} at" for name in signals)]


def _ever(hour: Hour) -> bool:
    """Whether the group reads in that hour, now or usually."""
    return hour.people > 0 or (hour.norm is not None and hour.norm.most >= 1)


def _row(hour: Hour) -> list[str]:
    takes = ["never" if least is None else f"{least:,}" for _, least in hour.counting]
    if hour.norm is None:
        return ["-", "-", "-", *takes]
    peers = "-" if hour.norm.peers is None else f"{hour.norm.peers:.0f}"
    return [_range(hour.norm), f"{hour.norm.most:.0f}", peers, *takes]


def _said(portrait: Portrait, violations: Sequence[Violation]) -> Iterator[str]:
    if portrait.said:
        yield f"  what broke it on {weekday_of(portrait.day)}"
        yield from (f"      {signal}: {words}" for signal, words in portrait.said)
    else:
        yield f"  nothing unusual on {weekday_of(portrait.day)}"
    if violations:
        yield f"  stored: {counted(len(violations), 'violation')}"
        for one in violations[-SHOWN:]:
            yield f"      {one.period} {one.evidence.test}: {one.evidence.extract}"


HEADINGS: Final = ("actor", "peers", "days", "usual", "week", "last read", "violations")


def table(rows: Sequence[tuple[str, str, int, float, int, int, int]]) -> Iterator[str]:
    """A list of groups under HEADINGS, figures to the right."""
    if not rows:
        yield "  nobody yet"
        return
    texts = [
        (who, cell(peers) or "-", f"{days:,}", f"{usual:.0f}", f"{week:,}", date_of(last), f"{found:,}")
        for who, peers, days, usual, week, last, found in rows
    ]
    widths = [max(len(row[at]) for row in (HEADINGS, *texts)) for at in range(len(HEADINGS))]
    for row in (HEADINGS, *texts):
        left = "  ".join(text.ljust(width) for text, width in zip(row[:2], widths[:2], strict=True))
        right = "  ".join(text.rjust(width) for text, width in zip(row[2:], widths[2:], strict=True))
        yield f"  {left}  {right}"


def learned(
    rules: Sequence[tuple[Correlation, int, int, int, int | None, int | None]],
) -> list[str]:
    """What each rule knows: groups, people, days with reads, the first and the last of them."""
    return [
        f"{rule.header.name or rule.header.id}: nothing"
        if first is None or last is None
        else f"{rule.header.name or rule.header.id}: {counted(groups, 'actor')} who read of "
        f"{people:,} people on {counted(days, 'day')}, {date_of(first)} to {date_of(last)}"
        for rule, groups, people, days, first, last in rules
    ]
