"""An identifier as a row of a table: form, check, prior and words; and the detector made from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from monitor.detectors.digits import is_time
from monitor.detectors.entry import NATIONAL, Entry
from monitor.detectors.gate import DECODED, NUMBERS, Gate, bounded
from monitor.detectors.item import MAX_ITEMS, Detector, Item
from monitor.detectors.states import RAW
from monitor.detectors.surroundings import (
    ALONE,
    LETTERED,
    NAMED,
    REPORTED,
    SEPARATED,
    careless,
    confidence,
    evidence,
    says,
    worded,
)

NEVER: Final = "never"
GROUPED: Final = "grouped"
ALWAYS: Final = "always"
"""Whether a number counts without a word: never, in its customary groups, or in any form."""

_GENERAL: Final[dict[str, tuple[str, ...]]] = {
    NATIONAL: (
        *(
            rf"{whose}[ _-]?(?:id|ident\w*|nr|no|num\w*|code)"
            for whose in ("national", "personal", "citizen", "identity", "fiscal")
        ),
        r"id[ _-]?number",
        r"tax(?:payer)?[ _-]?(?:id|nr|no|num\w*|code)",
        r"ssn",
        r"social[ _-]?security\w*",
    )
}
"""Words of fields that may hold the identifier of any country."""

_NEGLIGIBLE: Final = 0.0001
"""Share of points in time that may be taken for an identifier."""

_WHOLE_FLOAT = re.compile(r"([0-9]{5,19})\.0+")
_SIGN = re.compile(r"[-+/]")
"""Signs that group a number as no list of numbers does."""
_MEASURED = re.compile(
    r"(?:bytes?|size|length|count|total|sum|offset|position|duration|elapsed|latency|nanos|micros|millis|sequence|seq|hits?"
    r"|received|sent|memory|[_.](?:ns|us|ms|kb|mb|b))[\"'\\]{0,4}\s{0,2}[:=]\s{0,2}[\"'\\]{0,4}$",
    re.IGNORECASE,
)
"""Before a number that counts something: alone it is no identifier."""
_WHOLE_NUMBER = re.compile(r"[0-9]+")
_SIZE = re.compile(r"[0-9]+[BKM]")
"""A number and a unit of bytes, as garbage collectors write: alone it is no identifier."""
_GOES_BEFORE = re.compile(r"[0-9A-Za-z][\-.]$|[0-9]/$|(?:^|[^0-9A-Za-z])\+$")
_GOES_ON = re.compile(r"-[0-9A-Za-z]|[./][0-9]")


@dataclass(frozen=True, slots=True)
class Identifier:
    """One class of identifier.

    Attributes:
        name: the class's name.
        what: what it is, for the docs.
        pattern: its form, in the syntax that Python's `re` and Rust's `regex` share, without look-around.
        check: whether a candidate, upper case and without `strip`, is one.
        checked: what the check is and whose rule, for the docs.
        prior: share of random texts of `shapes` that pass the check, measured.
        shapes: forms for that measurement: 9 a digit, A a letter, anything else itself.
        words: regular expressions of words that name it; a name of its own is a word too.
        alone: whether it counts without such a word: NEVER, GROUPED or ALWAYS.
        beware: known false positives, for the docs.
        strip: characters that do not count.
        digits: length, where zeros that a number lost in front are put back in a field named for it.
        kind: what the docs say of why it matters, and which general words name it too.
        kind: what the docs say of why it matters, and which general words name it too.
        raw: the form as raw JSON may spell it, where that is not `pattern`.
    """

    name: str
    what: str
    pattern: str
    check: Callable[[str], bool]
    checked: str
    prior: float
    shapes: tuple[str, ...]
    words: tuple[str, ...]
    alone: str
    beware: str
    strip: str = " -./:"
    digits: int = 0
    raw: str = ""
    kind: str = NATIONAL

    @property
    def entry(self) -> Entry:
        """The row as the catalogue lists it."""
        return Entry(
            name=self.name,
            kind=self.kind,
            what=self.what,
            checked=self.checked,
            beware=self.beware,
            detector=self.detector(),
            gate=self.gate,
            prior=self.prior,
        )

    @property
    def lettered(self) -> bool:
        """Whether the form has letters at fixed places."""
        return any("A" in shape for shape in self.shapes)

    @property
    def names(self) -> tuple[str, ...]:
        """Regular expressions of the words that name it."""
        return (self.name.replace("_", "[_-]?"), *self.words, *_GENERAL.get(self.kind, ()))

    @property
    def gate(self) -> Gate:
        """What a text must hold, in any spelling a JSON writer may choose."""
        short = f"|[0-9]{{{self.digits - 2},{self.digits - 1}}}" if self.digits else ""
        form = self.raw or self.pattern
        exact = bounded((f"(?i:{form})" if self.lettered else form) + short)
        words = careless(self.names) if self.alone == NEVER else ""
        return Gate(exact=exact, veiled=DECODED, words=words, scan=NUMBERS)

    def detector(self) -> Detector:
        """The detector: every match of the form that passes the check and has the words it needs."""
        # Compiled when first needed: most processes never meet most classes.
        patterns = cache(self._patterns)

        def find(text: str, path: str) -> list[Item]:
            candidate, words = patterns()
            whole = self._number(text, path, words)
            if whole is not None:
                return [whole]
            items: list[Item] = []
            for match in candidate.finditer(text):
                item = self._judged(match, path, words)
                if item is not None:
                    items.append(item)
                    if len(items) == MAX_ITEMS:
                        break
            return items

        return find

    def _patterns(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        candidate = re.compile(rf"\b(?:{self.pattern})\b", re.ASCII | re.IGNORECASE)
        return candidate, worded(self.names)

    def compact(self, text: str) -> str:
        """The candidate as the check wants it."""
        return text.translate({ord(c): None for c in self.strip}).upper()

    def _judged(self, match: re.Match[str], path: str, words: re.Pattern[str]) -> Item | None:
        found, text, (start, end) = match.group(), match.string, match.span()
        compact = self.compact(found)
        if _continues(text, start, end) or not self.check(compact):
            return None
        seen = evidence(text, (start, end), path, words)
        grouped = len(compact) < len(found)
        if seen == ALONE and not self._stands_alone(match, compact, grouped=grouped):
            return None
        form = (LETTERED if self.lettered else 1.0) * (SEPARATED if grouped else 1.0)
        sure = confidence(self.prior, seen, form)
        return Item(start, end, RAW, sure) if sure >= REPORTED else None

    def _stands_alone(self, match: re.Match[str], compact: str, *, grouped: bool) -> bool:
        found = match.group()
        if self.alone == NEVER or (self.alone == GROUPED and not _SIGN.search(found)):
            return False
        start = match.start()
        if _MEASURED.search(match.string[max(0, start - 24) : start]):
            return False
        if _SIZE.fullmatch(compact):
            return False
        may_be_time = not grouped and self.prior > _NEGLIGIBLE and is_time(compact)
        return found == found.upper() and not may_be_time

    def _number(self, text: str, path: str, words: re.Pattern[str]) -> Item | None:
        """A value that is a number as a whole: a float without a fraction, or one that lost its zeros."""
        body = text.strip()
        floating = _WHOLE_FLOAT.fullmatch(body)
        digits = floating.group(1) if floating else body
        lost = self.digits - len(digits)
        if not (floating or 0 < lost <= 2) or not _WHOLE_NUMBER.fullmatch(digits) or not says(path, words):
            return None
        if not self.check(digits.zfill(self.digits)):
            return None
        sure = confidence(self.prior, NAMED)
        start = text.index(body)
        return Item(start, start + len(body), RAW, sure) if sure >= REPORTED else None


def _continues(text: str, start: int, end: int) -> bool:
    """The candidate is a piece of something longer: a decimal number, a version, a UUID, another number."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    return _GOES_BEFORE.search(before) is not None or _GOES_ON.match(after) is not None
