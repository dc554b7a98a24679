"""Every scalar of an event, one row each: what the engine searches where columns cannot hold the event.

Row by row in the interpreter, so only for rows that need it.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NoReturn

import polars as pl

from monitor.frames import KEY, LEAVES, PATH, ROW, TEXT

MAX_DEPTH = 200
"""Levels of nesting that are named; keys and values that lie deeper have the path of that level."""

MAX_INSIDE = 4
"""How many times JSON inside a string is opened again."""

HIDDEN_KEY = "{key}"
"""Stands in a path for a key that looks like data."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_@$][A-Za-z0-9_.$:/@-]{0,79}")
_DATA_IN_KEY = re.compile(r".@|[0-9]{5}|(?:[0-9]+[.:-]){3}|[0-9a-fA-F]{12}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

Leaf = tuple[str, str, str | None]
"""Path, key, text."""


class Pairs(list[tuple[str, object]]):
    """A JSON object as its pairs in order, duplicate keys kept."""


class Number(str):
    """A JSON number, as the text a String column gives for it."""

    __slots__ = ()


def number_text(text: str) -> str:
    """A JSON number as polars prints it: whole numbers as they are, others shortest and without exponent.

    A number too large for a float, which polars refuses, stays as it is.
    """
    if text.lstrip("-").isdigit():
        return "0" if text == "-0" else text
    value = float(text)
    return float_text(value) if math.isfinite(value) else text


def float_text(value: float) -> str:
    """A float as a JSON number is printed: `1`, `0.25`, `100000000000000000000`; `NaN`, `inf` and `-inf`."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else str(value)
    plain = format(Decimal(repr(value)), "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _number(text: str) -> Number:
    return Number(number_text(text))


_parse: Callable[[str], object] = json.JSONDecoder(
    object_pairs_hook=Pairs, parse_int=_number, parse_float=_number, parse_constant=_refuse, strict=False
).decode


def parse(text: str) -> object:
    """JSON to str, Number, bool, None, lists and Pairs; newlines inside strings are let pass.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply for the interpreter.
    """
    return _parse(text)


def clean(text: str) -> str:
    """Text without halves of surrogate pairs; polars puts NUL in the place of one."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\x00", text)


def looks_like_data(key: str) -> bool:
    """Whether a key is more likely a value than a name: an address, a long number, a sentence."""
    return _PLAIN_KEY.fullmatch(key) is None or _DATA_IN_KEY.search(key) is not None


class Flattener:
    """Takes values apart into leaves.

    Args:
        names: keys that are names of fields whatever they look like.
    """

    def __init__(self, names: Collection[str] = ()) -> None:
        self._names = names
        self._segments: dict[str, str] = {}

    def record(self, text: str) -> Iterator[Leaf]:
        """Leaves of a JSON record; one that cannot be taken apart is a single leaf without a path."""
        try:
            value = parse(text)
        except (ValueError, RecursionError):
            yield "", "", text
            return
        yield from self.value("", "", value)

    def field(self, path: str, value: object) -> Iterator[Leaf]:
        """Leaves of a value that is a column already; its path is a name, not data."""
        yield from self.value(path, _last(path), value)

    def value(self, path: str, key: str, value: object, depth: int = 0, inside: int = 0) -> Iterator[Leaf]:
        """Leaves of one value at a path; `key` is the last name of the path in lower case."""
        if isinstance(value, Pairs | list) and depth >= MAX_DEPTH:
            yield from _deep(path, key, value)
        elif isinstance(value, dict):
            yield from self.value(path, key, Pairs(value.items()), depth, inside)
        elif isinstance(value, list) and not value:
            yield path, key, None  # its key can still be searched for
        elif isinstance(value, Pairs):
            for name, member in value:
                yield from self._member(path, name, member, depth + 1, inside)
        elif isinstance(value, list):
            for element in value:
                yield from self.value(path, key, element, depth + 1, inside)
        elif isinstance(value, str) and not isinstance(value, Number):
            yield path, key, clean(value)
            yield from self._inside(path, key, value, depth, inside)
        else:
            yield path, key, scalar_text(value)

    def _member(self, path: str, name: str, value: object, depth: int, inside: int) -> Iterator[Leaf]:
        segment = self._segment(name)
        below = f"{path}.{segment}" if path else segment
        if segment == HIDDEN_KEY:
            yield below, "", clean(name)
        yield from self.value(below, _last(segment), value, depth, inside)

    def _segment(self, name: str) -> str:
        known = self._segments.get(name)
        if known is None:
            hidden = looks_like_data(name) and not self._named(name)
            known = HIDDEN_KEY if hidden else clean(name)
            if len(self._segments) < 10_000:
                self._segments[name] = known
        return known

    def _named(self, name: str) -> bool:
        names = self._names
        return name in names or name.lower() in names or all(part in names for part in name.split("."))

    def _inside(self, path: str, key: str, text: str, depth: int, inside: int) -> Iterator[Leaf]:
        """Leaves of the JSON array or object a string holds, at the string's own path."""
        trimmed = text.strip()
        if inside >= MAX_INSIDE or trimmed[:1] + trimmed[-1:] not in ("{}", "[]"):
            return
        try:
            value = parse(trimmed)
        except (ValueError, RecursionError):
            return
        yield from self.value(path, key, value, depth, inside + 1)


def _deep(path: str, key: str, value: object) -> Iterator[Leaf]:
    """Everything below a value, without recursion."""
    waiting = [value]
    while waiting:
        last = waiting.pop()
        if isinstance(last, Pairs):
            waiting += [part for name, member in reversed(last) for part in (member, name)]
        elif isinstance(last, list):
            waiting += reversed(last)
        else:
            yield path, key, clean(last) if isinstance(last, str) else scalar_text(last)


def _last(segment: str) -> str:
    return segment.rpartition(".")[2].lower()


def dump(value: object) -> str:
    """JSON text of a parsed value; of duplicate keys the first counts, numbers are strings of their text."""
    return json.dumps(_first_wins(value), ensure_ascii=False)


def _first_wins(value: object) -> object:
    if isinstance(value, Pairs):
        return {clean(name): _first_wins(member) for name, member in reversed(value)}
    if isinstance(value, list):
        return [_first_wins(element) for element in value]
    return clean(value) if isinstance(value, str) else value


def scalar_text(value: object) -> str | None:
    """The text of one scalar as a String column has it; None stays None."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return float_text(value)
        case bytes():
            return value.decode(errors="replace")
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case _:
            iso = isinstance(value, dt.timedelta)
            return str(pl.Series([value]).dt.to_string("iso").item() if iso else value)


def leaves_frame(rows: Sequence[int], leaves: Iterable[Iterable[Leaf]]) -> pl.DataFrame:
    """LEAVES frame: the leaves of each row, in order."""
    found: tuple[list[int], list[str], list[str], list[str | None]] = ([], [], [], [])
    for row, of_row in zip(rows, leaves, strict=True):
        for path, key, text in of_row:
            found[0].append(row)
            found[1].append(path)
            found[2].append(key)
            found[3].append(text)
    return pl.DataFrame(dict(zip((ROW, PATH, KEY, TEXT), found, strict=True)), schema=LEAVES)


def json_leaves(rows: pl.Series, texts: pl.Series, names: Collection[str]) -> pl.DataFrame:
    """LEAVES frame of JSON records: `rows` (UInt32) are their numbers, `texts` (String) the records."""
    flattener = Flattener(names)
    return leaves_frame(rows.to_list(), (flattener.record(text) for text in texts))
