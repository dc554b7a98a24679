"""What stands around a value and in the name of its field: the words that say what a number is."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

WINDOW: Final = 30
"""Characters around a value in which a word counts."""

ALONE: Final = "alone"
AROUND: Final = "around"
NAMED: Final = "named"
"""Evidence for what a value is: none, a word around it, the name of its field."""

_WEIGHT: Final = {ALONE: 0.02, AROUND: 1.0, NAMED: 3.0}
"""Odds, before its check is asked, that a text of an identifier's form is that identifier. Set by hand."""
LETTERED: Final = 5.0
"""A form with letters at fixed places is met by chance more seldom than one of digits alone."""
SEPARATED: Final = 50.0
"""So is one with its customary separators."""
REPORTED: Final = 0.5
"""Confidence below which nothing is reported."""

_LONGEST: Final = 200
"""Characters of a path that are looked at, its last."""

_HUMPED = re.compile("[a-z0-9][A-Z]")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def confidence(prior: float, evidence: str, form: float = 1.0) -> float:
    """How sure it is that a text which passed its check is what it looks like: odds to probability.

    Args:
        prior: share of random texts of the form that pass the check.
        evidence: ALONE, AROUND or NAMED.
        form: how much more seldom than a plain number of that length the form occurs by chance.
    """
    odds = _WEIGHT[evidence] * form / prior
    return round(min(odds / (1 + odds), 0.99), 2)


@lru_cache(maxsize=256)
def worded(words: tuple[str, ...]) -> re.Pattern[str]:
    """The pattern of any of `words` (regular expressions) as a word of its own: no letter beside it."""
    return re.compile(rf"(?:^|[^A-Za-z])(?:{'|'.join(words)})(?![A-Za-z])", re.IGNORECASE)


_GROUP = re.compile(r"\(\?:[^()]*\)\??")
_NOT_LITERAL = re.compile(r"\[[^\]]*\](?:\{[^}]*\}|[?*+])?|\\[wWsSdD](?:\{[^}]*\}|[?*+])?|\\?.\?|\0")


def careless(words: tuple[str, ...]) -> str:
    """Alternatives of literals, one of which stands, in either case, wherever one of the words does.

    Of each regular expression its longest piece that must be there: a scan for literals is quick.
    """
    return "|".join(sorted({re.escape(_literal(word)) for word in words}))


def pieces(words: tuple[str, ...]) -> tuple[str, ...]:
    """The same as texts in lower case, without those that hold another."""
    told = sorted({_literal(word).lower() for word in words}, key=len)
    return tuple(each for at, each in enumerate(told) if not any(part in each for part in told[:at]))


def _literal(word: str) -> str:
    while _GROUP.search(word):
        word = _GROUP.sub("\0", word)
    return max((piece.replace("\\", "") for piece in _NOT_LITERAL.split(word)), key=len)


@lru_cache(maxsize=4096)
def says(path: str, pattern: re.Pattern[str]) -> bool:
    """Whether a name of the field's path holds one of the words; `userBsn` counts as `user_Bsn`."""
    return pattern.search(unhumped(path[-_LONGEST:])) is not None


def unhumped(text: str) -> str:
    """Camel case taken apart: `userBsn` to `user_Bsn`."""
    # A look for one first: most texts around a value have none.
    return _HUMP.sub("_", text) if _HUMPED.search(text) else text


def evidence(text: str, span: tuple[int, int], path: str, pattern: re.Pattern[str]) -> str:
    """What speaks for the span of the text being what the pattern's words name."""
    if says(path, pattern):
        return NAMED
    start, end = span
    before, after = text[max(0, start - WINDOW) : start], text[end : end + WINDOW]
    near = pattern.search(unhumped(before)) or pattern.search(unhumped(after))
    return AROUND if near else ALONE
