"""The catalogue: detector classes by name, and the two questions asked of them, polars in, polars out.

A class has one name in rules, evidence, metrics, docs and tests.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from monitor.detectors.classify import classify_text
from monitor.detectors.item import Item
from monitor.detectors.ladder import MAX_DEPTH, climb
from monitor.detectors.overlap import Row, settle
from monitor.detectors.registry import DETECTORS, expand
from monitor.detectors.sieve import PATH, TEXT, sieve
from monitor.detectors.states import ENCODED, RAW

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


def find(
    values: pl.Series,
    classes: tuple[str, ...],
    paths: pl.Series | None = None,
    *,
    personal: bool = False,
) -> pl.DataFrame:
    """Everything the detectors find in `values`, one row each.

    Args:
        values: String, one text per row; give distinct ones, repeated work is not shared.
        classes: detector classes or groups of them. Where two of them claim the same characters the surer
            one has them, of equally sure ones the earlier in the catalogue.
        paths: String of the same length, the field path of each value, which gives context.
        personal: texts in which everything is nobody's may be passed over, which is quicker.

    Returns:
        FOUND columns, ordered by class, index, depth of decoding and start.

    Raises:
        KeyError: a name that is neither a class nor a group.
    """
    names = expand(classes)
    frame = pl.DataFrame({TEXT: values.cast(pl.String), PATH: _paths(values, paths)}).with_row_index("index")
    rows: list[Row] = []
    for name, kept in sieve(frame, names, personal=personal).items():
        detector = DETECTORS[name]
        for index, text, path, veiled in kept.select("index", TEXT, PATH, "veiled").iter_rows():
            items = climb(text, path, detector, MAX_DEPTH if veiled else 0)
            rows += (_row(index, name, *found) for found in items)
    return pl.DataFrame(settle(rows) if len(names) > 1 else rows, schema=FOUND, orient="row")


def _paths(values: pl.Series, paths: pl.Series | None) -> pl.Series:
    if paths is None:
        return pl.repeat("", len(values), dtype=pl.String(), eager=True)
    return paths.fill_null("")


def _row(index: int, name: str, item: Item, steps: tuple[str, ...]) -> Row:
    state = ENCODED if steps and item.state == RAW else item.state
    return index, name, state, ">".join(steps), item.confidence, item.start, item.end


def classify(
    values: pl.Series, paths: pl.Series | None = None, expect: tuple[str, ...] = ("any",)
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
    detectors = tuple((name, DETECTORS[name]) for name in expand(expect))
    verdicts = (
        classify_text(text, path, detectors)
        for text, path in zip(values.to_list(), _paths(values, paths).to_list(), strict=True)
    )
    rows = [(v.state, v.detector, v.steps, v.confidence) for v in verdicts]
    return pl.DataFrame(rows, schema=JUDGED, orient="row")
