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
    first: dict[int, str] = {}
    crowded = {row[0] for row in rows if first.setdefault(row[0], row[1]) != row[1]}
    if not crowded:
        return rows
    by_index: dict[int, list[Row]] = {index: [] for index in crowded}
    for row in rows:
        if row[0] in crowded:
            by_index[row[0]].append(row)
    lost = {id(row) for group in by_index.values() for row in _losers(group)}
    return [row for row in rows if row[0] not in crowded or id(row) not in lost]


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
