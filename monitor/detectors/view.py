"""A text, seen through the decodings that uncovered it, with the way back to where it stood."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

_Seam = tuple[int, int, bool]


@dataclass(frozen=True, slots=True)
class View:
    """One decoding of a text.

    Attributes:
        text: what is seen.
        steps: names of the decodings, outermost first.
        parent: the view this one was decoded from; None for the text itself.
        seams: (position here, position in the parent, verbatim) where a verbatim or a decoded piece begins,
            in order; for a decoded token the one seam stands for the whole token.
        stop: end of the token in the parent, for a view of one token; None for a rewritten text.
    """

    text: str
    steps: tuple[str, ...] = ()
    parent: View | None = None
    seams: tuple[_Seam, ...] = ()
    stop: int | None = None

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Character span in the outermost text that shows as [start, end) here."""
        if self.parent is None:
            return start, end
        if self.stop is not None:
            return self.parent.origin(self.seams[0][1], self.stop)
        return self.parent.origin(self._back(start), self._back(end, upper=True))

    def _back(self, at: int, *, upper: bool = False) -> int:
        """Position in the parent; inside a decoded piece its start, or its end for an upper bound."""
        # An upper bound on a seam belongs to the piece before it.
        index = bisect_right(self.seams, at - upper, key=lambda seam: seam[0]) - 1
        here, there, verbatim = self.seams[index]
        if verbatim:
            return there + at - here
        return self.seams[index + 1][1] if upper and index + 1 < len(self.seams) else there


def rewritten(
    view: View, step: str, pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str]
) -> View | None:
    """`view` with every match of `pattern` replaced; None where that changes nothing."""
    source = view.text
    pieces: list[str] = []
    seams: list[_Seam] = []
    here = there = 0
    for match in pattern.finditer(source):
        new = replace(match)
        if new == match.group():
            continue
        seams.append((here, there, True))
        pieces += (source[there : match.start()], new)
        seams.append((here + match.start() - there, match.start(), False))
        here += match.start() - there + len(new)
        there = match.end()
    if not pieces:
        return None
    seams.append((here, there, True))
    pieces.append(source[there:])
    return View("".join(pieces), (*view.steps, step), view, tuple(seams))


def token(view: View, step: str, text: str, start: int, end: int) -> View:
    """What the token [start, end) of `view` decodes to, as a view of its own."""
    return View(text, (*view.steps, step), view, ((0, start, False),), end)
