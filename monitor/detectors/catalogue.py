"""The catalogue: detector classes by name, and the questions asked of them, polars in, polars out.

A class has one name in rules, evidence, metrics, docs and tests. What the settings add or narrow makes
another catalogue (`monitor.detectors.settled`); a rule knows the one it was loaded with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import polars as pl

from monitor.detectors.asking import in_columns, one_by_one
from monitor.detectors.classify import classify_text
from monitor.detectors.columns import PATH, TEXT
from monitor.detectors.entry import Entry
from monitor.detectors.ladder import Views
from monitor.detectors.overlap import Row, settle
from monitor.detectors.prefilter import Prefilter
from monitor.detectors.registry import CATALOGUE, GROUPS
from monitor.detectors.sieve import sieve

FOUND: Final = {
    "index": pl.UInt32(),
    "detector": pl.String(),
    "state": pl.String(),
    "steps": pl.String(),
    "confidence": pl.Float64(),
    "start": pl.Int64(),
    "end": pl.Int64(),
}
"""Columns of `find`: index of the value, what was found in which state, the decodings that uncovered it
joined by `>` (empty where it stands in plain sight), confidence from 0 to 1, and the character span in the
value: of the item, or of the encoded token that carries it."""

JUDGED: Final = {
    "state": pl.String(),
    "detector": pl.String(),
    "steps": pl.String(),
    "confidence": pl.Float64(),
}
"""Columns of `classify`."""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Detector classes that may be asked for. Two of them are the same where they are one object.

    Attributes:
        entries: the classes by name, in the order that decides where two claim the same characters.
        groups: words that stand for several classes.
        digest: of what the settings changed; empty where that is nothing.
        at_large: the same without what the settings narrow, for the tests that rules bring along; None:
            itself.
        quiet: classes that may be asked for and are not looked for.
    """

    entries: Mapping[str, Entry]
    groups: Mapping[str, tuple[str, ...]]
    digest: str = ""
    at_large: Catalogue | None = None
    quiet: frozenset[str] = frozenset()

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Everything that may be asked for: classes, then groups."""
        return (*self.entries, *self.groups)

    def expand(self, names: Iterable[str]) -> tuple[str, ...]:
        """Class names in the order of the catalogue, groups spelt out, without those that are quiet.

        Raises:
            KeyError: a name that is neither a class nor a group.
        """
        wanted: set[str] = set()
        for name in names:
            if name not in self.entries and name not in self.groups:
                raise KeyError(f"no detector {name!r}; there are {', '.join(self.words)}")
            wanted.update(self.groups.get(name, (name,)))
        return tuple(name for name in self.entries if name in wanted and name not in self.quiet)

    def prefilter(self, classes: Iterable[str]) -> Prefilter:
        """The prefilter of detector classes or groups of them.

        Raises:
            KeyError: a name that is neither.
        """
        return Prefilter(tuple(self.entries[name].gate for name in self.expand(classes)))

    def find(
        self,
        values: pl.Series,
        classes: Iterable[str],
        paths: pl.Series | None = None,
        *,
        personal: bool = False,
    ) -> pl.DataFrame:
        """Everything the detectors find in `values`, one row each.

        Args:
            values: String, one text per row; give distinct ones, repeated work is not shared.
            classes: detector classes or groups of them. Where two of them claim the same characters the
                surer one has them, of equally sure ones the earlier in the catalogue.
            paths: String of the same length, the field path of each value, which gives context.
            personal: texts in which everything is nobody's may be passed over, which is quicker.

        Returns:
            FOUND columns, ordered by class, index, depth of decoding and start.

        Raises:
            KeyError: a name that is neither a class nor a group.
        """
        gates = {name: self.entries[name].gate for name in self.expand(classes)}
        frame = pl.DataFrame({TEXT: values.cast(pl.String), PATH: _paths(values, paths)}).with_row_index(
            "index"
        )
        views, rows, tables = Views(), list[Row](), []
        for name, kept in sieve(frame, gates, personal=personal).items():
            table, left = in_columns(self.entries[name], kept)
            rows += one_by_one(self.entries[name], left, views)
            tables += [table.select(tuple(FOUND))] if table is not None else []
        found = pl.concat([pl.DataFrame(rows, schema=FOUND, orient="row"), *tables])
        return settle(_ordered(found, gates) if tables else found)

    def classify(
        self, values: pl.Series, paths: pl.Series | None = None, expect: tuple[str, ...] = ("any",)
    ) -> pl.DataFrame:
        """Protection state of each value as a whole, as of a field that must be protected.

        Args:
            values: String; null is absent.
            paths: String of the same length, the field path of each value.
            expect: detector classes that may call a value raw, or groups of them.

        Returns:
            JUDGED columns, one row per value, in order.

        Raises:
            KeyError: a name that is neither a class nor a group.
        """
        detectors = tuple((name, self.entries[name].detector) for name in self.expand(expect))
        verdicts = (
            classify_text(text, path, detectors)
            for text, path in zip(values.to_list(), _paths(values, paths).to_list(), strict=True)
        )
        rows = [(v.state, v.detector, v.steps, v.confidence) for v in verdicts]
        return pl.DataFrame(rows, schema=JUDGED, orient="row")


def _paths(values: pl.Series, paths: pl.Series | None) -> pl.Series:
    if paths is None:
        return pl.repeat("", len(values), dtype=pl.String(), eager=True)
    return paths.fill_null("")


def _ordered(found: pl.DataFrame, classes: Iterable[str]) -> pl.DataFrame:
    rank = {name: at for at, name in enumerate(classes)}
    order = pl.col("detector").replace_strict(rank, return_dtype=pl.UInt16())
    return found.sort(order, "index", maintain_order=True)


SHIPPED: Final = Catalogue(CATALOGUE, GROUPS)
"""The catalogue as it comes."""

find = SHIPPED.find
classify = SHIPPED.classify
prefilter = SHIPPED.prefilter
