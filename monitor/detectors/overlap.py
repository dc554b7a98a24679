"""Characters that several detectors claim: the surer one has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

import polars as pl

Row: TypeAlias = tuple[int, str, str, str, float, int, int]
"""Index, detector, state, steps, confidence, start, end: as the columns of `catalogue.FOUND`."""

_TOKENS: Final = frozenset(("jwt", "base64", "hex"))
"""Decodings whose items all have the span of the token: what is in it may be several things."""


def settle(found: pl.DataFrame) -> pl.DataFrame:
    """The rows without those whose characters a surer row of another detector has.

    Of equally sure ones the longer has them, then the earlier. Rows keep their order.
    """
    if found["detector"].n_unique() < 2:
        return found
    numbered = found.with_row_index("row")
    several = numbered.group_by("index").agg(pl.col("detector").n_unique()).filter(pl.col("detector") > 1)
    crowded = numbered.join(several.select("index"), on="index", how="semi", maintain_order="left")
    by_index: dict[int, list[tuple[int, Row]]] = {}
    for number, *told in crowded.iter_rows():
        row: Row = tuple(told)
        by_index.setdefault(row[0], []).append((number, row))
    lost = [number for group in by_index.values() for number in _losers(group)]
    return found.filter(~pl.int_range(pl.len()).is_in(lost)) if lost else found


def _losers(group: list[tuple[int, Row]]) -> Iterable[int]:
    claims: list[Row] = []
    plain = [(number, row) for number, row in group if _TOKENS.isdisjoint(row[3].split(">"))]
    for number, row in sorted(plain, key=lambda each: (-each[1][4], each[1][5] - each[1][6])):
        if any(_overlap(row, claim) for claim in claims):
            yield number
        else:
            claims.append(row)


def _overlap(one: Row, other: Row) -> bool:
    return one[1] != other[1] and one[5] < other[6] and other[5] < one[6]
