"""Runs of characters of one kind in a text, found many times as fast as a regular expression finds them."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MARK = b"x"
_RUN = re.compile(rb"x+")


class Alphabet:
    """The ASCII characters that a run is made of."""

    def __init__(self, members: str) -> None:
        self._table = bytes(_MARK[0] if chr(byte) in members else 0 for byte in range(256))

    def runs(self, text: str, least: int) -> Iterator[tuple[int, int]]:
        """Start and end of every run of `least` characters or more, as long as it goes."""
        # One byte a character, whatever it is: what is not ASCII is in no alphabet, and `?` in none of ours.
        marks = text.encode("ascii", "replace").translate(self._table)
        wanted = _MARK * least
        start = marks.find(wanted)
        while start >= 0:
            run = _RUN.match(marks, start)
            end = run.end() if run else start + least
            yield start, end
            start = marks.find(wanted, end)
