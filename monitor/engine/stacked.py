"""What came batch by batch, in few frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl


def stacked(
    held: tuple[pl.DataFrame, ...],
    fresh: pl.DataFrame,
    merged: Callable[[Iterable[pl.DataFrame]], pl.DataFrame],
) -> tuple[pl.DataFrame, ...]:
    """The frames held and a fresh one; each is more than twice as large as the next.

    So there are about as many as the rows have binary digits, and a row is merged about as often: each frame
    costs whoever asks all of them, as a log-structured merge tree's runs do (O'Neil et al. 1996).

    Args:
        held: as this function returns them.
        fresh: what came last.
        merged: several frames as one.
    """
    while held and held[-1].height <= 2 * fresh.height:
        fresh, held = merged([held[-1], fresh]), held[:-1]
    return (*held, fresh)
