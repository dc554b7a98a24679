"""Gates: patterns of what must stand in a text before a detector can find anything in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HEX: Final = "[0-9a-fA-F]"

DECODED: Final = r"%[0-9A-Fa-f]{2}|\\|&#|[^\x00-\x7F]"
"""A text without any of these shows no number that is not in plain sight."""

NEVER: Final = r"[^\s\S]"
"""Matches nothing."""

BEGIN: Final = rf"(?:^|[^0-9A-Za-z_]|\\[bfnrt]|\\u{HEX}{{4}}|[\\%]x?{HEX}{{2}})"
"""What stands before a word: no letter or digit, unless it is the end of an escape."""
_END: Final = r"(?:$|[^0-9A-Za-z_])"


@dataclass(frozen=True, slots=True)
class Gate:
    """Patterns in Rust `regex` syntax.

    Attributes:
        exact: the gate itself.
        cheap: fast patterns; wherever `exact` matches, one of them does. Empty: `exact` alone.
        veiled: where it does not match, decoding the text shows nothing more. Empty: always decode.
        words: one of which the text or the name of its field must hold as well. Empty: none.
    """

    exact: str
    cheap: tuple[str, ...] = ()
    veiled: str = ""
    words: str = ""


def bounded(pattern: str) -> str:
    """`pattern` as a word of its own, in values as in the JSON that holds them."""
    return f"{BEGIN}(?:{pattern}){_END}"
