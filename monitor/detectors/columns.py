"""Candidates of a form in many texts at once, as columns: where they stand, and what stands around them.

For detectors that most lines of a log concern. What they do text by text stays the measure: the tests ask
both of the same texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl

from monitor.detectors.surroundings import WINDOW, says

TEXT: Final = "text"
PATH: Final = "path"

LONGEST: Final = 16_384
"""Bytes of a text that is looked at in columns. Each candidate's surroundings are cut out of the text from
its beginning, so a long one with many of them would take time that grows with the square of its length."""

_MARK: Final = "\x01"
"""Stands before and behind what was found."""


@dataclass(frozen=True, slots=True)
class Columns:
    """A detector that looks at many texts at once.

    Attributes:
        find: rows (`index`, TEXT, PATH) to their items (`index`, `state`, `confidence`, `start`, `end`), in
            order of index and start.
        leaves: pattern of the texts that it leaves to the detector that looks at one.
    """

    find: Callable[[pl.DataFrame], pl.DataFrame]
    leaves: str

    @property
    def suits(self) -> pl.Expr:
        """Of a frame with TEXT: whether it can be looked at in columns."""
        text = pl.col(TEXT)
        return (text.str.len_bytes() <= LONGEST) & ~text.str.contains(f"{_MARK}|{self.leaves}")


def candidates(rows: pl.DataFrame, pattern: str) -> pl.DataFrame:
    """Every match of `pattern` (Rust's regex, without groups) in texts that are suited.

    Returns:
        `index` and PATH of the row, `found`, its character span `start` and `end`, and up to WINDOW
        characters `before` and `after` it.
    """
    text, piece = pl.col(TEXT), pl.col("piece")
    length = piece.str.len_chars().cast(pl.Int64)
    # Between the marks stand in turn what is no match and what is one.
    so_far = pl.col("before").cum_sum() - pl.col("before")
    pieces = (
        rows.with_columns(
            piece=text.str.replace_all(pattern, f"{_MARK}${{0}}{_MARK}").str.split(_MARK),
            before=text.str.len_chars().cast(pl.Int64),
        )
        .with_columns(nth=pl.int_ranges(pl.col("piece").list.len()), before=so_far)
        .explode("piece", "nth")
        .with_columns(start=length.cum_sum() - length - pl.col("before"))
        .filter(pl.col("nth") % 2 == 1)
    )
    start, end = pl.col("start"), pl.col("end")
    lead = pl.max_horizontal(start - WINDOW, 0)
    return (
        pieces.with_columns(end=start + length)
        .with_columns(before=text.str.slice(lead, start - lead), after=text.str.slice(end, WINDOW))
        .select("index", PATH, "start", "end", "before", "after", found="piece")
    )


def near(words: tuple[str, ...]) -> pl.Expr:
    """Whether one of `words` stands in `before` or `after`, camel case taken apart, as `evidence` asks it."""
    around = pl.concat_str("before", pl.lit("\0"), "after").str.replace_all("([a-z0-9])([A-Z])", "${1}_${2}")
    return around.str.contains(rf"(?i:(?:^|[^A-Za-z])(?:{'|'.join(words)})(?:$|[^A-Za-z]))")


def saying(rows: pl.DataFrame, **words: re.Pattern[str]) -> pl.DataFrame:
    """`rows` with a Boolean column for each pattern: whether PATH says one of its words."""
    paths = rows[PATH].unique()
    told = {name: [says(path, pattern) for path in paths] for name, pattern in words.items()}
    return rows.join(pl.DataFrame({PATH: paths, **told}), on=PATH, how="left", maintain_order="left")
