"""Which texts can hold what which detector finds: gates that share a scan first, then each on the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import or_

import polars as pl

from monitor.detectors.columns import PATH, TEXT
from monitor.detectors.gate import WORDS, Gate
from monitor.detectors.prefilter import passes, together, words_of


def sieve(frame: pl.DataFrame, gates: Mapping[str, Gate], *, personal: bool) -> dict[str, pl.DataFrame]:
    """The rows of `frame` (`index`, TEXT, PATH) in which what each gate stands before may find something.

    With a column `veiled`: whether decoding the text may show more. `personal`: rows in which everything is
    nobody's may be left out.
    """
    known = {id(gate): name for name, gate in gates.items()}
    pathless = not (frame[PATH] != "").any()
    kept: dict[str, pl.DataFrame] = {}
    for several in together(gates.values()):
        asked = [gate for gate in several if not (gate.named and pathless)]
        left = _left(frame, asked, pathless=pathless, personal=personal) if len(asked) > 1 else frame
        for gate in asked if left.height else ():
            kept[known[id(gate)]] = _own(left, gate, pathless=pathless, personal=personal)
    return {name: kept[name] for name in gates if name in kept}


def _left(frame: pl.DataFrame, gates: Sequence[Gate], *, pathless: bool, personal: bool) -> pl.DataFrame:
    """The rows that any of several gates lets pass."""
    if gates[0].scan == WORDS:
        return frame.filter(_worded(gates, pathless=pathless))
    return frame.filter(passes(gates, pl.col(TEXT), personal=personal))


def _own(frame: pl.DataFrame, gate: Gate, *, pathless: bool, personal: bool) -> pl.DataFrame:
    form = passes([gate], pl.col(TEXT), personal=personal)
    words = [_worded([gate], pathless=pathless)] if gate.words else []
    for test in (*words, form) if gate.scan == WORDS else (form, *words):
        frame = frame.filter(test)
    return frame.with_columns(veiled=pl.col(TEXT).str.contains(gate.veiled) if gate.veiled else True)


def _worded(gates: Sequence[Gate], *, pathless: bool) -> pl.Expr:
    """Whether a word of one of the gates stands where it counts."""
    return reduce(or_, _places(gates, pathless=pathless))


def _places(gates: Sequence[Gate], *, pathless: bool) -> Iterator[pl.Expr]:
    around = [gate for gate in gates if not gate.named]
    if around:
        yield pl.col(TEXT).str.contains(words_of(around))
    if not pathless:
        yield pl.col(PATH).str.contains(words_of(gates))
