"""State of a whole value that a policy wants protected, in the order of DETECTION section 1."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final

from monitor.detectors.binary import is_hex, known_format, unpacked
from monitor.detectors.decodings import PRINTABLE, as_text, unbase64
from monitor.detectors.envelopes import envelope
from monitor.detectors.hashes import hash_state
from monitor.detectors.item import Detector, Verdict
from monitor.detectors.ladder import views
from monitor.detectors.masks import is_masked, is_placeholder, is_token, is_uuid
from monitor.detectors.paths import is_advertising_field
from monitor.detectors.states import (
    ABSENT,
    ENCODED,
    ENCRYPTED,
    MASKED,
    NOT_PERSONAL,
    OPAQUE,
    PSEUDONYMISED,
    RAW,
    UNKNOWN,
)

_EMPTY: Final = frozenset(
    {
        "",
        "-",
        "--",
        "---",
        "null",
        "none",
        "nil",
        "undefined",
        "n/a",
        "na",
        "nan",
        '""',
        "''",
        "{}",
        "[]",
        "unset",
    }
    | {"(null)", "<null>", "<nil>", "(none)", "<none>", "(empty)", "<empty>", "\\n"}
)
"""In lower case: what JSON, C, Go, Python and database dumps write where there is nothing."""
_NO_DATA: Final = frozenset(("true", "false"))
MAX_WHOLE: Final = 65_536
"""Characters of a value that are judged; what is longer is judged by its beginning."""
_REMEMBERED_CHARACTERS: Final = 512
_MIN_OPAQUE: Final = 16
_MAX_OPAQUE_PRINTABLE: Final = 0.75
_MIN_CHANGES: Final = 0.45
_MAX_SIGNS: Final = 0.125
_SIGNED = re.compile(
    r"([A-Za-z0-9+/_\-]{8,}={0,2})(?:--[0-9a-f]{40,64}|[.:][A-Za-z0-9_\-]{4,}[.:][A-Za-z0-9_\-]{20,})"
)


def classify_text(value: str | None, path: str, detectors: tuple[tuple[str, Detector], ...]) -> Verdict:
    """State of one value of the field `path`; `detectors` are those that may call it raw.

    What was judged lately is remembered: protected values repeat, as tokens of the same people do.
    """
    if value is None or len(value) > _REMEMBERED_CHARACTERS:
        return _judged(value, path, detectors)
    return _remembered(value, path, detectors)


def _judged(value: str | None, path: str, detectors: tuple[tuple[str, Detector], ...]) -> Verdict:
    text = (value or "")[:MAX_WHOLE].strip()
    if text.lower() in _EMPTY:
        return Verdict(ABSENT)
    if text.lower() in _NO_DATA or is_placeholder(text):
        return Verdict(NOT_PERSONAL)
    return (
        _plain(text, path, detectors)
        or _protected(text, path)
        or _decoded(text, path, detectors)
        or _opaque(text)
        or Verdict(UNKNOWN, confidence=0.5)
    )


_remembered = lru_cache(maxsize=16_384)(_judged)


def _plain(text: str, path: str, detectors: tuple[tuple[str, Detector], ...]) -> Verdict | None:
    """Raw where a detector validates anything in it; another state where the value is that one item.

    What follows a device is no pseudonym, although it looks like one.
    """
    if is_advertising_field(path) and is_uuid(text):
        return Verdict(RAW, "advertising_id", confidence=0.9)
    whole: Verdict | None = None
    for name, detector in detectors:
        for item in detector(text, path):
            if item.state == RAW:
                return Verdict(RAW, name, confidence=item.confidence)
            if item.start == 0 and item.end == len(text):
                whole = Verdict(item.state, name, confidence=item.confidence)
    return whole


def _protected(text: str, path: str) -> Verdict | None:
    name = envelope(text)
    if name is not None:
        return Verdict(ENCRYPTED, name, confidence=0.95)
    if is_token(text):
        return Verdict(PSEUDONYMISED, "token", confidence=0.8)
    hashed = hash_state(text, path)
    if hashed is not None:
        return hashed
    return Verdict(MASKED, "mask", confidence=0.9) if is_masked(text) else None


def _decoded(text: str, path: str, detectors: tuple[tuple[str, Detector], ...]) -> Verdict | None:
    """Encoded where a decoding shows text, unless what it shows is protected itself."""
    signed = _SIGNED.fullmatch(text)
    if signed is not None and as_text(unbase64(signed.group(1)) or b"") is not None:
        return Verdict(ENCODED, "signed", "base64", 0.9)
    first: Verdict | None = None
    for view in views(text):
        if not view.steps or not _shows(view.text, text, whole=view.stop is None):
            continue
        steps = ">".join(view.steps)
        inner = _plain(view.text, path, detectors) or _protected(view.text.strip(), path)
        if inner is not None:
            state = ENCODED if inner.state == RAW else inner.state
            return Verdict(state, inner.detector, steps, inner.confidence)
        first = first or Verdict(ENCODED, "", steps, 0.8)
    return first or _known(text)


def _shows(seen: str, text: str, *, whole: bool) -> bool:
    """The view stands for the value, not for a word in it."""
    printable = sum(c.isprintable() or c.isspace() for c in seen) >= PRINTABLE * len(seen)
    return printable and (whole or 4 * len(seen) >= len(text))


def _known(text: str) -> Verdict | None:
    data = unpacked(text)
    name = known_format(data) if data else None
    return Verdict(ENCODED, "", f"{_layer(text)}>{name}", 0.8) if name else None


def _layer(text: str) -> str:
    return "hex" if is_hex(text) else "base64"


def _opaque(text: str) -> Verdict | None:
    """Bytes that are no text and no known format: consistent with ciphertext, never proof of it.

    Words without spaces are valid base64 too; they stay unknown.
    """
    data = unpacked(text)
    if data is None or len(data) < _MIN_OPAQUE or as_text(data) is not None:
        return None
    printable = sum(0x20 <= byte < 0x7F for byte in data)
    if printable >= _MAX_OPAQUE_PRINTABLE * len(data) or not _uses_alphabet(text):
        return None
    return Verdict(OPAQUE, "", _layer(text), 0.6)


def _uses_alphabet(text: str) -> bool:
    """Hex, padded base64, or base64 that jumps between its kinds of characters as no word or slug does.

    Random base64 changes kind at 0.65 of its steps, with 3 % signs; words and names stay under 0.4.
    """
    if text.endswith("=") or _layer(text) == "hex":
        return True
    kinds = [_kind(char) for char in text]
    changes = sum(a != b for a, b in pairwise(kinds))
    return changes >= _MIN_CHANGES * len(text) and kinds.count("-") <= _MAX_SIGNS * len(text)


def _kind(char: str) -> str:
    if char.isdecimal():
        return "9"
    if char.isalpha():
        return "A" if char.isupper() else "a"
    return "-"
