"""Labelled cases: a text, the field it stands in, and what is to be found in it. Half of them are held out.

Made-up cases put a value, in many spellings, into lines of real logs. Whoever works on the detectors looks
at those of `LOOKED_AT`; the scorecard reports those of `HELD_OUT`. Other people's cases are divided by the
SHA-256 of their text: an even first byte is looked at, an odd one held out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

LOOKED_AT: Final = 1
HELD_OUT: Final = 2
"""Seeds of the two halves."""


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled text.

    Attributes:
        name: the detector class asked.
        text: what it is shown, as the value of the field `path`.
        personal: whether somebody's data of that class stands there, readable.
        kind: which spelling of it, or which look-alike.
        peers: whether the detectors of others are asked as well: they know no states and no field names.
    """

    name: str
    text: str
    personal: bool
    kind: str
    path: str = "message"
    peers: bool = True


def held_out(text: str) -> bool:
    """Whether a case that others wrote is of the half nobody looks at."""
    return hashlib.sha256(text.encode(errors="replace")).digest()[0] % 2 == 1


FRAMES: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    ("alone", lambda v: v),
    ("pair", lambda v: f"data={v}"),
    ("quoted", lambda v: f'"{v}"'),
    ("json", lambda v: f'{{"data":"{v}"}}'),
    ("brackets", lambda v: f"[{v}]"),
    ("colon", lambda v: f"data: {v},"),
)
"""What stands right around a value; none of them says what it is."""


def placed(value: str, lines: Sequence[str], rng: Random, frame: Callable[[str], str]) -> str:
    """`value` in place of one word of one of the lines, or behind its last."""
    words = rng.choice(lines).split(" ")[:40]
    at = rng.randrange(len(words) + 1)
    return " ".join((*words[:at], frame(value), *words[at + 1 :]))
