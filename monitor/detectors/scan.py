"""A detector from a pattern and a judge of its matches; or from another, where words stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from monitor.detectors.item import MAX_ITEMS, Detector, Item
from monitor.detectors.surroundings import pieces


def scanned(
    pattern: str, judge: Callable[[re.Match[str], str], Item | None], flags: int = re.ASCII
) -> Detector:
    """The detector that judges every match of `pattern` (match, field path) and keeps what it says.

    The pattern is compiled when first needed: most processes never meet most classes.
    """
    compiled = cache(lambda: re.compile(pattern, flags))

    def find(text: str, path: str) -> list[Item]:
        items: list[Item] = []
        for match in compiled().finditer(text):
            item = judge(match, path)
            if item is not None:
                items.append(item)
                if len(items) == MAX_ITEMS:
                    break
        return items

    return find


def beside(words: tuple[str, ...], detector: Detector) -> Detector:
    """The detector, asked only where a piece of one of the words stands in the text or in the field's name.

    For forms that count beside a word alone: a line of nothing but numbers then costs one look.
    """
    told = cache(lambda: pieces(words))

    def find(text: str, path: str) -> list[Item]:
        near, far = path.lower(), text.lower()
        return detector(text, path) if any(piece in near or piece in far for piece in told()) else []

    return find


def around(anchor: re.Pattern[str], text: str, before: int, after: int) -> Iterator[tuple[int, int]]:
    """Spans of so many characters before and after the matches of `anchor`, in order, none over another."""
    return _joined((match.start() - before, match.end() + after) for match in anchor.finditer(text))


def _joined(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans in order of their start, those that touch made one, none of them before 0."""
    start = stop = -1
    for first, last in spans:
        if first > stop >= 0:
            yield max(0, start), stop
        if first > stop or stop < 0:
            start = first
        stop = max(stop, last)
    if stop >= 0:
        yield max(0, start), stop


class Headed:
    """A pattern that begins with one of some words (group `name`), looked for where a piece of one stands.

    A regular expression that begins with one of many words is tried at every character of a text; a piece of
    a word is found by one look through it.
    """

    def __init__(self, before: str, words: tuple[str, ...], after: str) -> None:
        """Regular expressions of one character before the word or none, of the words, and of what follows.

        Case does not count. A word matches no more characters than its expression has, or a few more.
        """
        head = f"{before}(?P<name>{'|'.join(words)})"
        self._pieces = [re.compile(re.escape(piece)) for piece in pieces(words)]
        self._reach = max(map(len, words)) + 8
        self._head = re.compile(f"(?={head})", re.IGNORECASE)
        self._whole = re.compile(head + after, re.IGNORECASE)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """The matches, from left to right, none over another."""
        lower = text.lower()
        if len(lower) != len(text):  # some capitals are two characters in lower case
            yield from self._whole.finditer(text)
            return
        at = 0
        for start, stop in self._places(lower):
            for head in self._head.finditer(text, max(at, start), stop):
                match = self._whole.match(text, head.start()) if head.start() >= at else None
                if match is not None:
                    at = match.end()
                    yield match

    def _places(self, lower: str) -> Iterator[tuple[int, int]]:
        """Spans that hold all of the words, in order, none over another."""
        ends = sorted(match.end() for piece in self._pieces for match in piece.finditer(lower))
        return _joined((end - self._reach, end + self._reach) for end in ends)
