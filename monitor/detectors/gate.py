"""Gates: patterns of what must stand in a text before a detector can find anything in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HEX: Final = "[0-9a-fA-F]"

DECODED: Final = r"%[0-9A-Fa-f]{2}|\\|&#|[^\x00-\x7F]"
"""A text without any of these shows no number that is not in plain sight."""

ESCAPE: Final = (
    rf"(?:%{HEX}{{2}}|%u{HEX}{{4}}|\\x{HEX}{{2}}|\\u{HEX}{{4}}"
    r"|&(?:[A-Za-z]{2,12}|#[0-9A-Za-z]{2,7});|[^\x00-\x7F])"
)
"""A character that is written as something else, or that compatibility may make another."""

NUMBERS: Final = "numbers"
ACCOUNTS: Final = "accounts"
TOKENS: Final = "tokens"
WORDS: Final = "words"
"""Scans that gates may share. Forms of one kind in one automaton cost hardly more than one of them alone; of
kinds that have little in common they cost more than one by one. In `WORDS` are forms that most texts have."""

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
        named: only the name of the field may hold the word.
        scan: gates of one name are looked for in one scan; those of `WORDS` only where one of their words
            stands. Empty: in a scan of its own.
        somebodys: a stricter pattern than `exact`: where it does not match, what the detector finds is
            nobody's. Empty: `exact`.
    """

    exact: str
    cheap: tuple[str, ...] = ()
    veiled: str = ""
    words: str = ""
    named: bool = False
    scan: str = ""
    somebodys: str = ""

    @property
    def personal(self) -> str:
        """What must stand there before the detector can find what is somebody's."""
        return self.somebodys or self.exact


def bounded(pattern: str) -> str:
    """`pattern` as a word of its own, in values as in the JSON that holds them."""
    return f"{BEGIN}(?:{pattern}){_END}"
