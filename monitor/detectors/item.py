"""What a detector and the classifier say of a value: never the value itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

MAX_ITEMS: Final = 1_000
"""Items reported per value: who leaks a thousand leaks enough."""


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of personal data found in a text.

    Attributes:
        start, end: character span in the text the detector was given.
        state: protection state.
        confidence: 0 to 1, how sure the detector is that this is what it says.
    """

    start: int
    end: int
    state: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """State of a whole value; `detector` names what recognised it, empty where nothing did."""

    state: str
    detector: str = ""
    steps: str = ""
    confidence: float = 1.0


Detector: TypeAlias = Callable[[str, str], list[Item]]
"""(text, field path) to the items in it, in order, spans not overlapping."""
