"""What was not looked at: a page that shows little must not be taken for a week in which little happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from monitor.model import SourceSeen
from monitor.review.totals import WORDS
from monitor.telemetry import source_of

SILENT_HOURS = 24
"""A source that was not looked at for so long is called silent."""

_HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source: what was read of it, and what was not.

    Attributes:
        name: as in metrics.
        parts: partitions or files.
        events: read.
        unread: records that became no event, by reason in words.
        skipped: events left out by bounds, late or without a time, by word.
        seen: when events were last looked at (live sources), microseconds UTC; None where nobody noted it.
        silent: whether that is too long ago.
    """

    name: str
    parts: int
    events: int
    unread: tuple[tuple[str, int], ...]
    skipped: tuple[tuple[str, int], ...]
    seen: int | None
    silent: bool


_FACTS = {"untimed": "without a time", "late": "too late for their window", "skipped": "outside the bounds"}


def sources(
    counts: Mapping[tuple[str, str, str], int], seen: Iterable[SourceSeen], now: int
) -> tuple[SourceLine, ...]:
    """Every source the store knows of, by name."""
    looked = {one.source: one.at for one in seen}
    parts: dict[str, set[str]] = {name: set() for name in looked}
    sums: dict[str, Counter[tuple[str, str]]] = {name: Counter() for name in looked}
    for (partition, kind, word), count in counts.items():
        name = source_of(partition)
        parts.setdefault(name, set()).add(partition)
        sums.setdefault(name, Counter())[kind, word] += count
    return tuple(_line(name, len(parts[name]), sums[name], looked.get(name), now) for name in sorted(sums))


def _short(name: str) -> str:
    """A source as it is called; of an archived file its name, without folders and mark."""
    return PurePath(name.rpartition("#")[0] or name).name or name


def _line(name: str, parts: int, sums: Counter[tuple[str, str]], seen: int | None, now: int) -> SourceLine:
    unread = [(WORDS.get(word, word), n) for (kind, word), n in sorted(sums.items()) if kind == "reject"]
    skipped = [(words, sums["event", word]) for word, words in _FACTS.items() if sums["event", word]]
    silent = seen is not None and now - seen > SILENT_HOURS * _HOUR
    return SourceLine(
        _short(name), parts, sums["event", "events"], tuple(unread), tuple(skipped), seen, silent
    )
