"""A detector asked of many texts: in columns where it can, else one by one; each with its decodings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from monitor.detectors.columns import PATH, TEXT, Columns
from monitor.detectors.entry import Entry
from monitor.detectors.item import Detector, Item
from monitor.detectors.ladder import Found, Views, climbed
from monitor.detectors.overlap import Row
from monitor.detectors.states import ENCODED, RAW
from monitor.detectors.view import View

_SLAB: Final = 1 << 21
"""Characters whose decodings are looked at together."""

_Shown = tuple[int, str, tuple[View, ...]]
"""Index, path and views of a text."""


def in_columns(entry: Entry, kept: pl.DataFrame) -> tuple[pl.DataFrame | None, pl.DataFrame]:
    """What the detector finds in columns in the texts that need no decoding, and the rows that are left.

    Args:
        entry: the class.
        kept: `index`, TEXT, PATH, and `veiled`: whether decoding may show more.
    """
    if entry.columns is None or not kept.height:
        return None, kept
    told = kept.with_columns(suits=entry.columns.suits & ~pl.col("veiled"))
    found = entry.columns.find(told.filter("suits"))
    return found.with_columns(detector=pl.lit(entry.name), steps=pl.lit("")), told.filter(~pl.col("suits"))


def one_by_one(entry: Entry, kept: pl.DataFrame, views: Views) -> Iterator[Row]:
    """What it finds in the other rows, text by text."""
    veiled = kept.filter("veiled")
    for index, text, path in kept.filter(~pl.col("veiled")).select("index", TEXT, PATH).iter_rows():
        for item in entry.detector(text, path):
            yield _row(index, entry.name, (item, ()))
    for slab in _slabs(veiled, views):
        detector = _looked_up(slab, entry.columns, entry.detector) if entry.columns else entry.detector
        for index, path, shown in slab:
            for found in climbed(shown, path, detector):
                yield _row(index, entry.name, found)


def _slabs(veiled: pl.DataFrame, views: Views) -> Iterator[list[_Shown]]:
    slab: list[_Shown] = []
    size = 0
    for index, text, path in veiled.select("index", TEXT, PATH).iter_rows():
        slab.append((index, path, views.of(text)))
        size += sum(len(view.text) for view in slab[-1][2])
        if size >= _SLAB:
            yield slab
            slab, size = [], 0
    if slab:
        yield slab


def _looked_up(slab: list[_Shown], columns: Columns, detector: Detector) -> Detector:
    """The detector, with what it would say of the views of the slab looked up in columns."""
    keys = list(dict.fromkeys((view.text, path) for _, path, shown in slab for view in shown))
    schema = {TEXT: pl.String(), PATH: pl.String()}
    texts = pl.DataFrame(keys, schema=schema, orient="row").with_row_index("index").filter(columns.suits)
    told: dict[tuple[str, str], list[Item]] = {keys[index]: [] for index in texts["index"]}
    rows = columns.find(texts).select("index", "start", "end", "state", "confidence")
    for index, start, end, state, confidence in rows.iter_rows():
        told[keys[index]].append(Item(start, end, state, confidence))

    def find(text: str, path: str) -> list[Item]:
        known = told.get((text, path))
        return detector(text, path) if known is None else known

    return find


def _row(index: int, name: str, found: Found) -> Row:
    item, steps = found
    state = ENCODED if steps and item.state == RAW else item.state
    return index, name, state, ">".join(steps), item.confidence, item.start, item.end
