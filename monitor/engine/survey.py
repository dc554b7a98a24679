"""What personal data is in events, and where: every value is asked of the detectors, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from monitor.detectors import HASHED_WEAK, NOT_PERSONAL, Catalogue
from monitor.detectors.seen import Seen, digest_of
from monitor.detectors.states import RAW
from monitor.engine.atoms import DISCLOSED
from monitor.frames import PATH, ROW, TEXT, EventBatch
from monitor.redact import mask_path

COUNTED: Final = 100_000
"""Distinct values that are told apart for one line of a survey."""

SHOWN: Final = (*DISCLOSED, HASHED_WEAK)
"""States of which a survey says that whoever has the logs has the data."""

_DIGEST: Final = r"^(?:[a-zA-Z0-9-]{3,8}[:=$])?[0-9A-Fa-f]{32,128}$"
_PART: Final = 5_000
"""Events taken apart at a time."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of personal data in one field.

    Attributes:
        path: dotted field path; keys that look like data are left out.
        detector: class of the catalogue.
        state: protection state; nobody's values are not told.
        records: events that hold it there.
        values: distinct values, at most `COUNTED`.
        confidence: of the surest.
    """

    path: str
    detector: str
    state: str
    records: int
    values: int
    confidence: float


@dataclass(slots=True)
class _Tally:
    records: int = 0
    values: set[int] = field(default_factory=set)
    confidence: float = 0.0


class Survey:
    """Counts what detectors find in events. Holds hashes of values, no value."""

    def __init__(self, catalogue: Catalogue, classes: tuple[str, ...]) -> None:
        """`classes`: detector classes of the catalogue or groups of them."""
        self.catalogue = catalogue
        self._classes = classes
        self._tallies: dict[tuple[str, str, str], _Tally] = {}
        self._seen = Seen()
        self._digests: dict[str, Counter[bytes]] = {}
        self.events = 0
        self.rejects: Counter[str] = Counter()

    def add(self, batch: EventBatch) -> None:
        """Count the events of a batch, and what could not be read in it by reason."""
        self.events += batch.frame.height
        self.rejects.update(reject.reason for reject in batch.rejects)
        rows = batch.frame[ROW]
        for start in range(0, rows.len(), _PART):
            self._add(batch.leaves(rows.slice(start, _PART)))

    def _add(self, leaves: pl.DataFrame) -> None:
        present = leaves.filter(pl.col(TEXT).is_not_null()).select(ROW, PATH, TEXT)
        distinct = present.select(PATH, TEXT).unique(maintain_order=True).with_row_index("index")
        self._keep_digests(present.filter(pl.col(TEXT).str.contains(_DIGEST)))
        items = self.catalogue.find(distinct[TEXT], self._classes, distinct[PATH], personal=True)
        found = items.filter(pl.col("state") != NOT_PERSONAL)
        if found.is_empty():
            return
        told = distinct.join(found, on="index")
        for path, name, state, text, start, end, sure in told.select(
            PATH, "detector", "state", TEXT, "start", "end", "confidence"
        ).iter_rows():
            tally = self._tallies.setdefault((mask_path(path), name, state), _Tally())
            tally.confidence = max(tally.confidence, sure)
            if state == RAW:
                self._seen.shown(name, text[start:end])
            if len(tally.values) < COUNTED:
                tally.values.add(hash(text[start:end].lower()))
        held = present.join(told.select(PATH, TEXT, "detector", "state").unique(), on=[PATH, TEXT])
        counts = held.group_by(PATH, "detector", "state").agg(pl.col(ROW).n_unique().alias("records"))
        for path, name, state, records in counts.iter_rows():
            self._tallies[mask_path(path), name, state].records += records

    def _keep_digests(self, texts: pl.DataFrame) -> None:
        """What looks like a hash is asked at the end: the value may stand in clear later on."""
        for path, text, records in texts.group_by(PATH, TEXT, maintain_order=True).len().iter_rows():
            digest, kept = digest_of(text), self._digests.setdefault(mask_path(path), Counter())
            if digest is not None and (len(kept) < COUNTED or self._seen.hashed(digest) in kept):
                kept[self._seen.hashed(digest)] += records

    @property
    def forgotten(self) -> int:
        """Digests of values in clear that are no longer remembered: hashes of those are not told."""
        return self._seen.forgotten

    def _weak(self) -> Iterator[Finding]:
        """Hashes without a key of values that stand in clear in the same logs."""
        for path, digests in self._digests.items():
            owned: dict[str, list[int]] = {}
            for kept, records in digests.items():
                for name in self._seen.owners(kept):
                    owned.setdefault(name, []).append(records)
            for name, counts in owned.items():
                yield Finding(path, name, HASHED_WEAK, sum(counts), len(counts), 0.99)

    def findings(self) -> list[Finding]:
        """What was found: the readable first, then by how many events hold it."""
        found = [
            Finding(*key, tally.records, len(tally.values), tally.confidence)
            for key, tally in self._tallies.items()
        ]
        return sorted([*found, *self._weak()], key=_rank)


def _rank(finding: Finding) -> tuple[bool, int, str, str]:
    return finding.state not in SHOWN, -finding.records, finding.path, finding.detector
