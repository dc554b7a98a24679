"""Fields that MongoDB's drivers encrypt: BSON binary of subtype 6, as logs print it."""

from __future__ import annotations

import re
from typing import Any, Final

from monitor.detectors.decodings import unbase64

_MARKINGS: Final = (0, 3)
"""First bytes of what shall be encrypted and is not yet: it holds the plaintext."""
_LAST_TYPE: Final = 17
_MIN_SIZE: Final = 50
"""Bytes: type, 16 of key id, original type, then at least IV and MAC."""

_PRINTED = re.compile(
    r"Binary\(b(?P<q>['\"])(?P<bytes>.+)(?P=q), ?6\)"
    r"|BinData\(6, ?\"(?P<base64>[A-Za-z0-9+/]+={0,2})\"\)"
    r"|Binary\.createFromBase64\([\"'](?P<node>[A-Za-z0-9+/]+={0,2})[\"'], ?6\)",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})|\\(.)|(.)", re.DOTALL)
_CONTROL: Final = {"n": 10, "r": 13, "t": 9}


def is_sealed(data: bytes) -> bool:
    """Client-side field level encryption (types 1, 2) and Queryable Encryption (4 to 17), not a marking.

    Source: the subtypes in libmongocrypt's documentation.
    """
    return len(data) >= _MIN_SIZE and data[0] <= _LAST_TYPE and data[0] not in _MARKINGS


def is_extended_json(found: dict[str, Any]) -> bool:
    """Extended JSON, version 2 `{"$binary": {"base64", "subType"}}` or 1 `{"$binary", "$type"}`."""
    binary = found.get("$binary")
    if isinstance(binary, dict):
        text, kind = binary.get("base64"), binary.get("subType")
    else:
        text, kind = binary, found.get("$type")
    if not isinstance(text, str) or str(kind).lstrip("0") != "6":
        return False
    return is_sealed(unbase64(text) or b"\0")


def is_printed(text: str) -> bool:
    """As Python's driver, the shell and Node's driver print it."""
    match = _PRINTED.fullmatch(text)
    if match is None:
        return False
    if match["bytes"] is None:
        return is_sealed(unbase64(match["base64"] or match["node"]) or b"\0")
    return is_sealed(_unprinted(match["bytes"]))


def _unprinted(text: str) -> bytes:
    """The bytes that Python printed; what it does not print so becomes a question mark."""
    found = bytearray()
    for hexadecimal, escaped, plain in _ESCAPE.findall(text):
        if hexadecimal:
            found.append(int(hexadecimal, 16))
        else:
            found.append(_CONTROL.get(escaped) or ord((escaped or plain).encode("ascii", "replace")))
    return bytes(found)
