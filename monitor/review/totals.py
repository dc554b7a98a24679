"""What a replay read, what it could not, where the rest is: nothing goes unsaid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from monitor.decode import reasons
from monitor.model import FILTERED, Reject, Violation
from monitor.review.summary import place, shown
from monitor.telemetry import LATE, SKIPPED, SPREAD_JSON, UNTIMED, UTF8_REPLACED

WORDS: Final = {
    reasons.BLANK: "nothing but white space",
    reasons.NOT_UTF8: "bytes that are not UTF-8",
    reasons.NOT_JSON: "not JSON",
    reasons.NOT_AN_OBJECT: "JSON, but a single value",
    reasons.TRUNCATED: "JSON that stops before its end",
    reasons.TRAILING_TEXT: "more text after the JSON",
    reasons.TOO_DEEP: "JSON nested too deep",
    reasons.TOO_LONG: "too long",
    reasons.NOT_ACCESS: "not a line of an access log",
    reasons.BAD_ROW: "a row that does not fit the header",
    reasons.DAMAGED_FILE: "the file is damaged from here on",
}
"""Why a record became no event; `docs/formats.md` says what to do about each."""

TOLD: Final = {
    UNTIMED: "without an event time (see --time-field): they count, but belong to no window",
    LATE: "that came after their window had closed: they count for event rules only",
    SKIPPED: "outside the times asked for",
    UTF8_REPLACED: "with bytes that are not UTF-8, read with U+FFFD in their place",
    SPREAD_JSON: "of JSON over several lines, read as text: one event a line is needed (jq -c '.[]')",
}
"""Facts of `monitor.telemetry` that a person is told."""

SHOWN: Final = 3
"""Records of one reason whose place is told."""

_RATED_SECONDS: Final = 1.0
"""A rate over less than this says more about the start than about the rules."""


def passed_over(allowed: Iterable[tuple[str, int]]) -> list[str]:
    """What allow-lists of the settings kept back, one line each: looks at values, not events."""
    return [f"passed over by the allow-list {name}: {counted(n, 'look')}" for name, n in allowed]


@dataclass(frozen=True, slots=True)
class Totals:
    """Figures of a replay. `records`, `size` (bytes) and `seconds` are of this run, the others of all."""

    events: int
    records: int
    size: int
    seconds: float
    rejects: Mapping[str, int]
    facts: Mapping[str, int]

    def lines(self, violations: Sequence[Violation], store: object) -> Iterator[str]:
        """The lines under a summary."""
        seen = shown(violations)
        rules = counted(len({v.rule for v in seen}), "rule")
        found = f"{counted(len(seen), 'violation')} of {rules}" if seen else "no violations"
        yield f"{found} in {counted(self.events, 'event')}; stored in {store}"
        if hidden := [v for v in violations if v.status == FILTERED]:
            events = counted(sum(v.count for v in hidden), "event")
            kept = counted(len(hidden), "violation")
            yield f"hidden by filters: {kept} of {events} (--output json has them)"
        yield from self.read_lines()

    def read_lines(self) -> Iterator[str]:
        """What was read, and what could not be."""
        yield self._read()
        for reason, count in self.rejects.items():
            intent = "left out" if reason in reasons.INTENDED else "not evaluated"
            yield f"{intent}: {counted(count, 'record')}, {WORDS.get(reason, reason)} ({reason})"
        for fact, words in TOLD.items():
            if self.facts.get(fact):
                yield f"{counted(self.facts[fact], 'event')} {words} ({fact})"

    def _read(self) -> str:
        if not self.records:
            return "this run read nothing new"
        rate = f" ({self.records / self.seconds:,.0f} records/s)" if self.seconds >= _RATED_SECONDS else ""
        read = f"this run read {counted(self.records, 'record')}, {amount(self.size)}"
        return f"{read}, in {self.seconds:.1f} s{rate}"

    def cure(self) -> str | None:
        """What to do where not one record became an event; None where some did or none was lost."""
        lost = set(self.rejects) - reasons.INTENDED
        if self.events or not lost:
            return None
        if lost == {reasons.DAMAGED_FILE}:
            return "nothing could be read, so nothing was looked at; the file is damaged, get it again"
        return "no record could be read, so nothing was looked at; say their --format"


def counted(count: int, noun: str) -> str:
    """`1 event`, `2,000 events`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def amount(size: int) -> str:
    """Bytes in the unit a person would say: `34.4 MB`, `1.6 kB`, `87 bytes`."""
    if size < 1_000:
        return counted(size, "byte")
    return f"{size / 1e6:,.1f} MB" if size >= 1_000_000 else f"{size / 1e3:,.1f} kB"


def rejected(kept: Iterable[Reject]) -> Iterator[str]:
    """Of every reason the first records: where they stand, and the outline of how they begin."""
    ordered = sorted(kept, key=lambda r: (r.reason, r.partition, r.offset))
    for reason, records in groupby(ordered, key=lambda r: r.reason):
        if reason in reasons.INTENDED:
            continue
        yield f"not evaluated: {WORDS.get(reason, reason)} ({reason})"
        for record in list(records)[:SHOWN]:
            outline = f", begins like {record.sample!r}" if record.sample else ""
            yield f"      {place(record.partition, record.offset)}{outline}"
