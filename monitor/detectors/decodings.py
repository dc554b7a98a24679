"""The decodings of the ladder: one row of `DECODINGS` each, a view in, the views it uncovers out.

Every pattern is linear: each starts at a place the one before cannot reach into, so hostile input of a
megabyte costs time in proportion to its length.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from string import ascii_letters, digits, hexdigits
from typing import Final

from monitor.detectors.runs import Alphabet
from monitor.detectors.view import View, rewritten, token

MAX_TOKENS: Final = 10_000
"""Base64 or hex tokens looked into per view."""
PRINTABLE: Final = 0.9
"""Share of printable characters above which decoded bytes are text."""

_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+|%u([0-9A-Fa-f]{4})")
_BACKSLASH = re.compile(r"(?<!\\)(?:\\+(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}))+")
_ESCAPE = re.compile(r"\\+(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))")
_ENTITY = re.compile(r"(?:&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,12});)+")
_ANY_ENTITY = re.compile("&[#A-Za-z][0-9A-Za-z]+;")
_QUOTED_PRINTABLE = re.compile(r"(?:=[0-9A-F]{2})+|=\r?\n")
_COMPAT = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff\ufe50-\ufe6b\uff01-\uff5e]+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_SIGN: Final = r" ?(?:\[ ?(?:at|dot) ?\]|\( ?(?:at|dot) ?\)|\{(?:at|dot)\}) ?|_(?:at|dot)_"
_SIGNS: Final = tuple(
    f"{opening}{word}" for opening in ("[", "[ ", "(", "( ", "{", "_") for word in ("at", "dot")
)
_ANY_SIGN = re.compile(r"[\[({_] ?(?:at|dot) ?[\])}_]")
_SPELT_SIGN = re.compile(_SIGN, re.IGNORECASE)
_OBFUSCATED = re.compile(f"(?:{_SIGN})+", re.IGNORECASE)
_JWT = re.compile(r"(?<![\w\-])eyJ[\w\-]+\.([\w\-]{16,})\.[\w\-]*", re.ASCII)
_BASE64: Final = (
    Alphabet(ascii_letters + digits + "-_"),
    Alphabet(ascii_letters + digits + "+/"),
)
_LEAST_BASE64: Final = 16
_NO_TEXT: Final = frozenset("ghijklmnopqrstuv+/-_")
"""First characters of base64 whose first byte begins no character in UTF-8."""
_HEX: Final = Alphabet(hexdigits)
_LEAST_HEX: Final = 20
_BEFORE_HEX = re.compile(r"(?:^|[^0-9A-Za-z])(?:0x|\\x)?\Z")
_AFTER_HEX = re.compile(r"[0-9A-Za-z]")


def as_text(data: bytes) -> str | None:
    """`data` as UTF-8 where at least `PRINTABLE` of it is printable or white space, else None."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    shown = sum(c.isprintable() or c in "\t\r\n" for c in text)
    return text if text and shown >= PRINTABLE * len(text) else None


def unbase64(text: str) -> bytes | None:
    """The bytes of base64 or base64url (RFC 4648), padded or not; None where it is neither."""
    body = text.rstrip("=").replace("-", "+").replace("_", "/")
    if len(body) % 4 == 1:
        return None
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _percent(view: View) -> Iterator[View]:
    if "%" in view.text:
        yield from _one(rewritten(view, "percent", _PERCENT, _unpercent))


def _unpercent(match: re.Match[str]) -> str:
    if match.group(1) is not None:  # `%u0040`, as JavaScript's `escape` and old IIS write it
        return _unescape(match)
    return bytes.fromhex(match.group().replace("%", "")).decode(errors="replace")


def _backslash(view: View) -> Iterator[View]:
    if "\\u" in view.text or "\\x" in view.text:
        yield from _one(rewritten(view, "backslash", _BACKSLASH, lambda m: _ESCAPE.sub(_unescape, m.group())))


def _unescape(match: re.Match[str]) -> str:
    code = int(next(filter(None, match.groups())), 16)
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)


def _entities(view: View) -> Iterator[View]:
    if "&" in view.text and _ANY_ENTITY.search(view.text):
        yield from _one(rewritten(view, "html", _ENTITY, lambda m: _entity(m.group())))


@lru_cache(maxsize=1024)
def _entity(text: str) -> str:
    return html.unescape(text)


def _quoted_printable(view: View) -> Iterator[View]:
    # Only with its `@`: `=40` is what gives it away, any `=D0` of a query string would not.
    if "=40" in view.text:
        yield from _one(rewritten(view, "quoted-printable", _QUOTED_PRINTABLE, _unquote))


def _unquote(match: re.Match[str]) -> str:
    run = match.group()
    return "" if "\n" in run else bytes.fromhex(run.replace("=", "")).decode(errors="replace")


def _unicode(view: View) -> Iterator[View]:
    if not view.text.isascii():
        yield from _one(rewritten(view, "unicode", _COMPAT, _compat))


def _compat(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", match.group()))


def _obfuscated(view: View) -> Iterator[View]:
    lower = view.text.lower()
    if not any(sign in lower for sign in _SIGNS) or not _ANY_SIGN.search(lower):
        return
    yield from _one(
        rewritten(view, "obfuscated", _OBFUSCATED, lambda m: _SPELT_SIGN.sub(_plain_sign, m.group()))
    )


def _plain_sign(match: re.Match[str]) -> str:
    return "." if "d" in match.group().lower() else "@"


def _jwt(view: View) -> Iterator[View]:
    for match in _JWT.finditer(view.text) if "eyJ" in view.text else ():
        yield from _decoded(view, "jwt", unbase64(match.group(1)), match.span(1))


def _base64(view: View) -> Iterator[View]:
    text = view.text
    seen: set[tuple[int, int]] = set()
    for alphabet in _BASE64:
        for start, stop in islice(alphabet.runs(text, _LEAST_BASE64), MAX_TOKENS):
            end = stop + len(text[stop : stop + 2]) - len(text[stop : stop + 2].lstrip("="))
            if text[start] not in _NO_TEXT and (start, end) not in seen:
                seen.add((start, end))
                yield from _decoded(view, "base64", unbase64(text[start:end]), (start, end))


def _hex(view: View) -> Iterator[View]:
    text = view.text
    for start, end in islice(_HEX.runs(text, _LEAST_HEX), MAX_TOKENS):
        alone = _BEFORE_HEX.search(text[max(0, start - 3) : start]) and not _AFTER_HEX.match(text, end)
        if alone and (end - start) % 2 == 0:
            yield from _decoded(view, "hex", bytes.fromhex(text[start:end]), (start, end))


def _decoded(view: View, step: str, data: bytes | None, span: tuple[int, int]) -> Iterator[View]:
    text = as_text(data) if data else None
    if text is not None:
        yield token(view, step, text, *span)


def _one(view: View | None) -> Iterator[View]:
    if view is not None:
        yield view


DECODINGS: Final[tuple[tuple[str, Callable[[View], Iterator[View]]], ...]] = (
    ("percent", _percent),
    ("backslash", _backslash),
    ("html", _entities),
    ("quoted-printable", _quoted_printable),
    ("unicode", _unicode),
    ("obfuscated", _obfuscated),
    ("jwt", _jwt),
    ("base64", _base64),
    ("hex", _hex),
)
"""Name, as it appears among the steps of a verdict, and what it does; in the order tried."""
