"""The ladder: a text and what its decodings uncover, breadth first, bounded in depth and size."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from monitor.detectors.decodings import DECODINGS
from monitor.detectors.item import MAX_ITEMS, Detector, Item
from monitor.detectors.view import View

MAX_DEPTH: Final = 3
_BUDGET: Final = 6
"""Characters decoded in all, as a multiple of the value's length."""
_FLOOR: Final = 65_536


def views(text: str, depth: int = MAX_DEPTH) -> Iterator[View]:
    """`text` itself, then every decoding of it, shallow ones first."""
    queue = deque([View(text)])
    seen = {text}
    budget = _FLOOR + _BUDGET * len(text)
    while queue:
        view = queue.popleft()
        yield view
        if len(view.steps) == depth:
            continue
        for child in _decodings(view):
            budget -= len(child.text)
            if budget < 0:
                break
            if child.stop is not None or child.text not in seen:
                seen.add(child.text)
                queue.append(child)


def _decodings(view: View) -> Iterator[View]:
    for _, decode in DECODINGS:
        yield from decode(view)


Found: TypeAlias = tuple[Item, tuple[str, ...]]
"""What was found, and the decodings that uncovered it."""


class Views:
    """The views of texts that several detectors look at, remembered up to so many characters."""

    def __init__(self, room: int = 1 << 23) -> None:
        self._room = room
        self._known: dict[str, tuple[View, ...]] = {}

    def of(self, text: str) -> tuple[View, ...]:
        """All that `views` shows of the text."""
        if (known := self._known.get(text)) is not None:
            return known
        shown = tuple(views(text))
        size = sum(len(view.text) for view in shown)
        if size <= self._room:
            self._room -= size
            self._known[text] = shown
        return shown


def climb(text: str, path: str, detector: Detector, depth: int = MAX_DEPTH) -> list[Found]:
    """What `detector` finds in `text` and its decodings, with the decodings that uncovered it.

    `depth` 0 looks at the text alone. Spans are those of `text`; what a shallower view has shown is not shown
    again.
    """
    return climbed(views(text, depth), path, detector)


def climbed(shown: Iterable[View], path: str, detector: Detector) -> list[Found]:
    """The same of the views of a text."""
    found: list[Found] = []
    taken = _Taken()
    for view in shown:
        fresh: list[tuple[int, int]] = []
        for item in detector(view.text, path):
            span = view.origin(item.start, item.end)
            if not taken.overlaps(span):
                fresh.append(span)
                found.append((Item(*span, item.state, item.confidence), view.steps))
        taken.add(fresh)
        if len(found) >= MAX_ITEMS:
            return found[:MAX_ITEMS]
    return found


class _Taken:
    """Spans of the text that are explained already; items of one view may share a token."""

    def __init__(self) -> None:
        self._spans: list[tuple[int, int]] = []

    def add(self, spans: list[tuple[int, int]]) -> None:
        self._spans += spans

    def overlaps(self, span: tuple[int, int]) -> bool:
        return any(start < span[1] and span[0] < end for start, end in self._spans)
