"""What must stand in a text before it can hold personal data, in the spelling it has there.

A gate is looked for both in the raw record and in the values of its fields, so it must survive what JSON does
to a value: it never spans a character that a JSON writer escapes, except as the escape itself. That makes the
prefilter sound by construction: what passes as a value passes as a record.

Gates are built for Rust's `regex`: alternatives that begin with literals are searched with vector
instructions at ten times the speed of a general pattern.
"""

from __future__ import annotations

import re
from typing import Final

from monitor.detectors.gate import ACCOUNTS, HEX, Gate
from monitor.detectors.iban import COUNTRIES


def _either(*literals: str) -> str:
    return "|".join(re.escape(literal) for literal in literals)


_SIGN: Final = r"@(?:[0-9A-Za-z_-]* ?(?:[.\[(\\%&={]|[^\x00-\x7F])|(?i:localhost))"
"""An `@` whose next word goes on as a domain does: leaves out `"@timestamp"` and `root@web1`."""

_ESCAPED: Final = ("%40", "2540", "u0040", r"\x40", "#64;", "#064;", "#x40", "#X40", "commat")
_QUOTED: Final = "=40[A-Za-z]|u003[dD]40[A-Za-z]"
_WIDE: Final = ("\uff20", "\ufe6b", "uff20", "uFF20", "ufe6b", "uFE6B")
_BRACKETS: Final = ("[at", "(at", "{at", "[AT", "(AT", "{AT", "[ at", "( at", "[ AT", "( AT")
_SPELT: Final = (
    r"[\[({](?:at|AT)[\])}]|[\[(] ?(?:at|AT) ?[\])]"
    r"|_at_[0-9a-z-]+(?:_dot_|\.)[a-z]|_AT_[0-9A-Z-]+(?:_DOT_|\.)[A-Z]"
)

# Base64 of an `@` and what follows it in an address. The `@` is the first, second or third byte of a group of
# three; the bytes after it are ASCII, the next one a letter, a digit or `[`. Of the characters b0, b1, b2 of
# a group an ASCII byte leaves half of the alphabet each.
_B0: Final = "[A-Za-f]"
_B1: Final = "[A-HQ-Xg-nw-z0-3]"
_B2: Final = "[ABEFIJMNQRUVYZcdghklopstwx014589]"
_FIRST: Final = f"Q[D-H]{_B2}[A-Za-z0-9+/_-]{_B0}{_B1}"
_SECOND: Final = f"[EUk0](?:A[w-z0-5]|B[B-Zabh-z0-6]){_B0}{_B1}{_B2}"
_THIRD: Final = f"[BFJNRVZdhlptx159]A[MNOQ-WYZa-e]{_B1}{_B2}"
_PAIRS: Final = (
    *(f"Q{c}" for c in "DEFGH"),
    *(f"{a}{b}" for a in "EUk0" for b in "AB"),
    *(f"{a}A" for a in "BFJNRVZdhlptx159"),
)

# Base64 of `%40`, which query strings hold, in the same three places; again a domain follows.
_PERCENT_PAIRS: Final = ("JTQw", "U0M", "lND")
_PERCENT_SIGN: Final = "JTQw|[CSiy]U0M[D-H]|lND[AB]"

_HEX_ADDRESS: Final = f"40[3-7]{HEX}(?:[2-7]{HEX}){{0,62}}2[eE][4-7]{HEX}"
_HEX_DOTS: Final = tuple(f"{dot}{digit}" for dot in ("2e", "2E") for digit in "4567")

_ENCODED: Final = "|".join(
    (_either(*_ESCAPED, *_WIDE), _QUOTED, _SPELT, _FIRST, _SECOND, _THIRD, _PERCENT_SIGN, _HEX_ADDRESS)
)

EMAIL: Final = Gate(
    exact=f"{_SIGN}|{_ENCODED}",
    cheap=(
        _SIGN,
        _either(*_ESCAPED, "=40", "d40", "D40", *_WIDE, *_PERCENT_PAIRS),
        _either(*_HEX_DOTS, *_BRACKETS, "_at_", "_AT_"),
        _either(*_PAIRS),
    ),
    veiled=rf"[%\\&]|[^\x00-\x7F]|(?i:[\[({{] ?dot)|_dot_|{_ENCODED}",
)

_SEPARATOR: Final = r"(?:[ +\-\u{a0}\u{202f}]|%20|%2[bB]|\\+u(?:00[aA]0|202[fF]|002[bB]))?"
_HEXADECIMAL_COUNTRIES: Final = tuple(c for c in COUNTRIES if set(c) <= set("ABCDEF"))
_OTHER_COUNTRIES: Final = tuple(c for c in COUNTRIES if c not in _HEXADECIMAL_COUNTRIES)

IBAN: Final = Gate(
    # Countries whose code is hexadecimal have ten digits after the code, which hardly any hash has there.
    exact=f"(?i:(?:{'|'.join(_OTHER_COUNTRIES)})[0-9]{{2}}(?:{_SEPARATOR}[0-9A-Z]){{11}})"
    f"|(?i:(?:{'|'.join(_HEXADECIMAL_COUNTRIES)}))[0-9]{{2}}(?:{_SEPARATOR}[0-9]){{8}}",
    scan=ACCOUNTS,
)

CARD: Final = Gate(
    exact=rf"(?:^|[^0-9A-Fa-f]|\\[bf]|\\u{HEX}{{4}}|\\x{HEX}{{2}}|%{HEX}{{2}})"
    rf"(?:1800|[2-689][0-9]{{3}})(?:{_SEPARATOR}[0-9]){{8}}",
    scan=ACCOUNTS,
)
