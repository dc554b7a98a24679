"""Characters that several detectors claim: the surer one has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

Row: TypeAlias = tuple[int, str, str, str, float, int, int]
"""Index, detector, state, steps, confidence, start, end: as the columns of `catalogue.FOUND`."""

_TOKENS: Final = frozenset(("jwt", "base64", "hex"))
"""Decodings whose items all have the span of the token: what is in it may be several things."""


def settle(rows: list[Row]) -> list[Row]:
    """The rows without those whose characters a surer row of another detector has.

    Of equally sure ones the longer has them, then the earlier. Rows keep their order.
    """
    by_index: dict[int, list[Row]] = {}
    for row in rows:
        by_index.setdefault(row[0], []).append(row)
    crowded = {index for index, group in by_index.items() if len({row[1] for row in group}) > 1}
    if not crowded:
        return rows
    lost = {id(row) for index in crowded for row in _losers(by_index[index])}
    return [row for row in rows if id(row) not in lost]


def _losers(group: list[Row]) -> Iterable[Row]:
    claims: list[Row] = []
    plain = [row for row in group if _TOKENS.isdisjoint(row[3].split(">"))]
    for row in sorted(plain, key=lambda r: (-r[4], r[5] - r[6])):
        if any(_overlap(row, claim) for claim in claims):
            yield row
        else:
            claims.append(row)


def _overlap(one: Row, other: Row) -> bool:
    return one[1] != other[1] and one[5] < other[6] and other[5] < one[6]
