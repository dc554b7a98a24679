"""Text that others wrote, fit to be shown: what would act on a terminal stands there as U+FFFD instead.

Names of files, titles of rules and values of logs reach messages and tables. Besides the control characters
(ECMA-48: C0, DEL, C1) these are the signs that turn the direction of text (Unicode Annex 9), line and
paragraph separators, and lone surrogates, which stand for bytes of a file name that are not UTF-8.
"""

from __future__ import annotations

import re

_DIRECTION = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_ACTING = f"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029{_DIRECTION}\ud800-\udfff"
_IN_LINES = re.compile(f"[{_ACTING}]")
_IN_A_LINE = re.compile(f"[{_ACTING}\n]")
_IN_A_CELL = re.compile(f"[{_ACTING}\n\t]")


def lines(text: str) -> str:
    """Text of several lines; line feeds and tabs stay."""
    return _IN_LINES.sub("\ufffd", text)


def line(text: str) -> str:
    """Text that must stay on its line; tabs stay."""
    return _IN_A_LINE.sub("\ufffd", text)


def cell(text: str) -> str:
    """Text between tabs."""
    return _IN_A_CELL.sub("\ufffd", text)


def json_text(encoded: str) -> str:
    """A JSON document that says the same without such characters: each becomes its escape.

    Args:
        encoded: valid JSON; they can stand only inside its strings.
    """
    return _IN_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded)


def path_text(path: object) -> str:
    r"""A path as text that can be encoded; bytes of it that are not UTF-8 become `\xff`."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
