"""Redaction: what may leave the engine of a text, a field path or a resource's name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

EXTRACT: Final = 80
"""Longest extract, in characters."""
GAP: Final = "{…}"
"""Stands where something that may be data was."""

_BEFORE: Final = 30
"""Characters of the text shown before the first thing found."""
_SCANNED: Final = 400
_RUN: Final = 6
"""Longest run of one separator an extract shows."""

_LONG_RUN = re.compile(rf"(.)\1{{{_RUN},}}")
_SEPARATORS: Final = r"\s=:;,\"'()\[\]{}<>/?&|"
_BETWEEN_SEPARATORS = re.compile(rf"[^{_SEPARATORS}]+")
_BETWEEN_BLANKS = re.compile(r"\S+")
_NUMBER = re.compile(r"[0-9.+\-]*[0-9][0-9.+\-]*")
_BLANK = re.compile(r"\s")
_KEY = re.compile(r"[@$]?[A-Za-z0-9_$][A-Za-z0-9_$\-]{0,63}|\{key\}")
_DATA = re.compile(r"[0-9]{5}|[0-9A-Fa-f]{12}|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-")
_ADDRESS = re.compile(r"[^.@]@|[^.@]%40", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,63}(?::[0-9]{1,5})?|[a-z][a-z0-9+]{1,11}:")
_NAME_LENGTH: Final = 120
_LONE_NUMBER = re.compile(r"[0-9]{4}|(?:[0-9]+[.\-_]){2}|[0-9A-Fa-f]{12}")


def mask(text: str, spans: Iterable[tuple[int, int, str]] = ()) -> str:
    """The outline of `text` around what was found in it, at most `EXTRACT` characters.

    A found span becomes its label in brackets. Around it a word becomes `x` and a number `9`, however long,
    and what separates them stays. Where nothing was found the value itself is the evidence, perhaps a
    password, to which length and punctuation are a hint: it is told only in how many words it is.

    Args:
        text: anything.
        spans: (start, end, label), as a detector gives them; the label must be a detector's name.
    """
    ordered = sorted((max(start, 0), min(end, len(text)), label) for start, end, label in spans)
    word = _BETWEEN_SEPARATORS if ordered else _BETWEEN_BLANKS
    begin = max(ordered[0][0] - _BEFORE, 0) if ordered else 0
    limit = begin + _SCANNED
    pieces = ["..."] if begin else []
    at = begin
    for start, end, label in ordered:
        if start < at or start > limit:
            continue
        pieces += (_outline(text[at:start], word), f"[{label}]")
        at = end
    pieces.append(_outline(text[at : max(at, limit)], word))
    extract = "".join(pieces)
    whole = at >= len(text) or limit >= len(text)
    return extract if len(extract) <= EXTRACT and whole else extract[: EXTRACT - 3] + "..."


def _outline(text: str, word: re.Pattern[str]) -> str:
    outlined = word.sub(lambda found: "9" if _NUMBER.fullmatch(found[0]) else "x", text)
    return _LONG_RUN.sub(lambda run: run[1] * _RUN, _BLANK.sub(" ", outlined))


def mask_path(path: str) -> str:
    """A dotted field path without the keys that look like data (`users.4711231.mail` → `users.{…}.mail`).

    A path that holds an address is given up whole: its dots cannot be told from those between keys.
    """
    if _ADDRESS.search(path):
        return f"{GAP}.{{key}}" if path.endswith(".{key}") else GAP
    return ".".join(
        part if _KEY.fullmatch(part) and not _DATA.search(part) else GAP for part in path.split(".")
    )


def mask_name(text: str) -> str:
    """The name of a resource (table, URL, service) with ids, addresses, numbers and query values left out.

    Words stay, so a person's name that stands in a URL path as a plain word stays too: name the resource by a
    field that holds no free text.
    """
    address, _, query = text.partition("#")[0].partition("?")
    name = "/".join(map(_word, address.split("/")))
    if query:
        # What has no `=` is a value without a key: `/find?brandt`.
        pairs = (pair.partition("=") for pair in query.split("&")[:8])
        name += "?" + "&".join(f"{_word(key)}={GAP}" if equals else GAP for key, equals, _ in pairs)
    return name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…"


def _word(part: str) -> str:
    if not part:
        return ""
    return part if _NAME.fullmatch(part) and not _LONE_NUMBER.search(part.partition(":")[0]) else GAP
