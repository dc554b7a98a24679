"""Detectors of one's own: a form, a check by name, words.

The form is Rust's `regex`, by which it is looked for as well: in linear time, whatever it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from monitor.detectors.digits import luhn, mod_11_10, verhoeff
from monitor.detectors.entry import PERSONAL, Entry
from monitor.detectors.gate import DECODED, Gate
from monitor.detectors.item import MAX_ITEMS, Detector, Item
from monitor.detectors.states import RAW
from monitor.detectors.surroundings import ALONE, AROUND, NAMED, careless, evidence, worded

MAX_PATTERN: Final = 1_000
"""Characters of a form."""

_SURE: Final = {ALONE: 0.7, AROUND: 0.85, NAMED: 0.95}

_OPEN: Final = "\ue0f0"
_SHUT: Final = "\ue0f1"
"""Marks around what was found, from the private use area."""
_UNMARKED: Final = {ord(_OPEN): " ", ord(_SHUT): " "}

_CLASS = re.compile(r"\[(?:\^?\])?(?:\\.|\[:[^\]]*:\]|[^\]\\])*\]", re.DOTALL)
_ESCAPE = re.compile(r"\\(?P<what>[pP]\{[^}]*\}|.)", re.DOTALL)
_BOUNDS: Final = frozenset("bBAzZ<>")


def _digits(check: Callable[[str], bool]) -> Callable[[str], bool]:
    def checked(text: str) -> bool:
        digits = "".join(c for c in text if "0" <= c <= "9")
        return len(digits) > 1 and check(digits)

    return checked


def mod_97_10(text: str) -> bool:
    """Whether the last two digits are the check digits of ISO 7064 MOD 97-10, letters counting from 10."""
    told = "".join(str(int(c, 36)) for c in text.upper() if c.isascii() and c.isalnum())
    return 0 < len(told) <= MAX_PATTERN and int(told) % 97 == 1


CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "none": lambda _: True,
    "luhn": _digits(luhn),
    "mod_11_10": _digits(mod_11_10),
    "mod_97_10": mod_97_10,
    "verhoeff": _digits(verhoeff),
}
"""What a check may be, by name. Of a text with other signs the digits count; for MOD 97-10 letters too."""


@dataclass(frozen=True, slots=True)
class Custom:
    """A class that the settings define.

    Attributes:
        name: what rules, evidence and metrics call it.
        what: what it finds, for pages.
        pattern: its form, without bounds; a letter or digit at its end is the end of a word.
        check: a name of `CHECKS`.
        words: regular expressions of words that name it.
        alone: whether it counts without such a word.
        kind: one of those of `monitor.detectors.entry.WHY`.
        beware: known false positives.
        matches: texts in which something is found; at least one.
        passes: texts in which nothing is; at least one.
    """

    name: str
    what: str
    pattern: str
    check: str = "none"
    words: tuple[str, ...] = ()
    alone: bool = True
    kind: str = PERSONAL
    beware: str = "none known"
    matches: tuple[str, ...] = ()
    passes: tuple[str, ...] = ()

    @property
    def entry(self) -> Entry:
        """The class as the catalogue lists it."""
        words = self.words or (self.name.replace("_", "[ _-]?"),)
        return Entry(
            name=self.name,
            kind=self.kind,
            what=self.what,
            checked="its form" if self.check == "none" else f"its form and {self.check}",
            beware=self.beware,
            detector=_detector(self.pattern, CHECKS[self.check], worded(words), alone=self.alone),
            # What a JSON writer may have escaped, and what percent signs may hide, is looked at in full.
            gate=Gate(
                exact=rf"(?:{self.pattern})|\\|%[0-9A-Fa-f]{{2}}",
                veiled=DECODED,
                words="" if self.alone else careless(words),
            ),
            sample=self.matches[0] if self.matches else "",
        )


def _detector(pattern: str, check: Callable[[str], bool], words: re.Pattern[str], *, alone: bool) -> Detector:
    def find(text: str, path: str) -> list[Item]:
        items: list[Item] = []
        for start, end in spans(pattern, text):
            if _continues(text, start, end) or not check(text[start:end]):
                continue
            seen = evidence(text, (start, end), path, words)
            if seen == ALONE and not alone:
                continue
            items.append(Item(start, end, RAW, _SURE[seen]))
            if len(items) == MAX_ITEMS:
                break
        return items

    return find


def spans(pattern: str, text: str) -> Iterator[tuple[int, int]]:
    """Where the form stands, in characters: what polars finds is marked, and the marks are counted."""
    clean = text.translate(_UNMARKED)
    marked = pl.Series([clean]).str.replace_all(f"(?:{pattern})", f"{_OPEN}${{0}}{_SHUT}").item()
    start = 0
    for before, found in _pieces(marked):
        start += before
        yield start, start + found
        start += found


def _pieces(marked: str) -> Iterator[tuple[int, int]]:
    """Lengths of what stands before each find, and of the find."""
    at = 0
    while (opened := marked.find(_OPEN, at)) >= 0:
        shut = marked.index(_SHUT, opened)
        yield opened - at, shut - opened - 1
        at = shut + 1


def _continues(text: str, start: int, end: int) -> bool:
    """A piece of a longer word."""
    return _joined(text[start - 1 : start], text[start]) or _joined(text[end - 1], text[end : end + 1])


def _joined(one: str, other: str) -> bool:
    return _in_word(one) and _in_word(other)


def _in_word(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "_")


def pattern_error(pattern: str) -> str:
    """Why a form is refused; empty where it may be used."""
    if not pattern or len(pattern) > MAX_PATTERN:
        return f"it has {len(pattern)} characters; write 1 to {MAX_PATTERN}"
    if _bounded(pattern):
        return (
            "it says where a text or word begins or ends (^ $ \\b); leave that out, a piece of a word is none"
        )
    try:
        empty = pl.Series([""]).str.contains(f"(?:{pattern})").item()
    except pl.exceptions.ComputeError as error:
        said = [
            line.removeprefix("error: ") for line in str(error).splitlines() if line.startswith("error: ")
        ]
        why = (said or ["it is too large"])[0].rstrip(".")
        return f"{why}; write it in Rust's regex syntax: linear time, no look-around, no back-references"
    return "it also stands for nothing at all; ask for a character at least" if empty else ""


def _bounded(pattern: str) -> bool:
    at = 0
    while at < len(pattern):
        if escape := _ESCAPE.match(pattern, at):
            if escape["what"] in _BOUNDS:
                return True
            at = escape.end()
        elif within := _CLASS.match(pattern, at):
            at = within.end()
        elif pattern[at] in "^$":
            return True
        else:
            at += 1
    return False
