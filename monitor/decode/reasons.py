"""Why a record became no event: words of the store and of metrics."""

from __future__ import annotations

import re
from typing import Final

from monitor.model import Reject

BLANK: Final = "blank"
"""Nothing but white space."""
NOT_UTF8: Final = "not_utf8"
"""Bytes that are not UTF-8, in a format that must be."""
NOT_JSON: Final = "not_json"
"""Not JSON at all."""
NOT_AN_OBJECT: Final = "not_an_object"
"""A single JSON scalar; arrays are taken as events."""
TRUNCATED: Final = "truncated"
"""JSON that stops before its end."""
TRAILING_TEXT: Final = "trailing_text"
"""More text after the end of the JSON value."""
TOO_DEEP: Final = "too_deep"
"""JSON nested deeper than 1,023 levels."""
TOO_LONG: Final = "too_long"
"""Longer than the source's `max_record_bytes`."""
NOT_ACCESS: Final = "not_access"
"""Not a line of the Common or Combined Log Format."""
BAD_ROW: Final = "bad_row"
"""A CSV row with more or fewer cells than the header, or with a quote that never closes."""
DAMAGED_FILE: Final = "damaged_file"
"""The compressed or columnar file cannot be read from here on."""

REASONS: Final = (
    BLANK,
    NOT_UTF8,
    NOT_JSON,
    NOT_AN_OBJECT,
    TRUNCATED,
    TRAILING_TEXT,
    TOO_DEEP,
    TOO_LONG,
    NOT_ACCESS,
    BAD_ROW,
    DAMAGED_FILE,
)

INTENDED: Final = frozenset({BLANK})
"""Discarded on purpose: nothing is lost, so a summary counts them apart."""

_RUNS = ((re.compile(r"\d+"), "0"), (re.compile(r"[^\W\d_]+"), "a"), (re.compile(r"\s+"), " "))
_SHAPED = 120
_SAMPLE = 40


def shape(text: str) -> str:
    """The outline of the first characters, with every word one `a` and every number one `0`."""
    outline = text[:_SHAPED]
    for run, sign in _RUNS:
        outline = run.sub(sign, outline)
    # What is left of other scripts and control characters could still say something: only ASCII stays.
    return "".join(c if " " <= c <= "~" else "?" for c in outline)[:_SAMPLE]


def reject(partition: str, offset: int, reason: str, record: str | bytes) -> Reject:
    """A reject that keeps the record's length in bytes and the outline of its beginning."""
    if isinstance(record, bytes):
        return Reject(
            partition, offset, reason, len(record), shape(record[:_SHAPED].decode("ascii", "replace"))
        )
    return Reject(partition, offset, reason, len(record.encode("utf-8", "replace")), shape(record))
