"""Tables that rules look values up in: texts by name of a column, each valid always or for some time.

Nothing is read here, see `monitor.rules.lookups`. A column that is asked becomes `Keys`: its texts sorted
once, so that a question costs by the distinct values asked and hardly by the size of the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

VALID_FROM = "valid_from"
"""Column of a table: the first moment at which a row holds; empty where it always did."""
VALID_UNTIL = "valid_until"
"""Column of a table: the day up to and including which, or the moment before which, a row holds."""

_PAIRS: dict[str, pl.DataType] = {
    "key": pl.String(),
    "value": pl.String(),
    "begin": pl.Int64(),
    "end": pl.Int64(),
}
_SCHEMA: dict[str, pl.DataType] = {"key": pl.String(), "begin": pl.Int64(), "end": pl.Int64()}


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table as it was read. Equal where name and digest are.

    Attributes:
        name: as rules name it.
        digest: SHA-256 (hex) of what it says.
        columns: column to its texts, None where a row has none; those of validity are not among them.
        begins: per row, microseconds UTC from which it holds; None where there is no bound.
        ends: per row, microseconds UTC before which it holds; None where there is no bound.
        awaited: it stands for a table that somebody has yet to give; rules that ask it rest.
    """

    name: str
    digest: str
    columns: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    begins: Sequence[int | None] = ()
    ends: Sequence[int | None] = ()
    awaited: bool = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and (self.name, self.digest) == (other.name, other.digest)

    def __hash__(self) -> int:
        return hash((self.name, self.digest))

    def pairs(self, column: str) -> Pairs:
        """What stands in the column beside each text of the first one. Of an awaited table there is nothing.

        Raises:
            KeyError: there is no such column.
        """
        if self.awaited:
            return Pairs(self.name, column, self.digest, pl.DataFrame(schema=_PAIRS))
        texts = self.columns[next(iter(self.columns))], self.columns[column]
        given = {"key": texts[0], "value": texts[1], "begin": self.begins, "end": self.ends}
        known = pl.DataFrame(given, schema=_PAIRS).drop_nulls(["key", "value"])
        return Pairs(self.name, column, self.digest, known.with_columns(pl.col("key").str.to_lowercase()))

    def keys(self, column: str) -> Keys:
        """The texts of one column; '' is the first. Of an awaited table there are none.

        Raises:
            KeyError: there is no such column.
        """
        if self.awaited:
            return Keys(self.name, column, self.digest, pl.DataFrame(schema=_SCHEMA), awaited=True)
        texts = self.columns[column or next(iter(self.columns))]
        frame = pl.DataFrame({"key": texts, "begin": self.begins, "end": self.ends}, schema=_SCHEMA)
        known = frame.drop_nulls("key").with_columns(pl.col("key").str.to_lowercase()).unique().sort("key")
        return Keys(self.name, column, self.digest, known)


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """One column of a table, ready to be asked. Equal where table and column are.

    Attributes:
        rows: key (String, lower case, sorted), begin and end (Int64, microseconds UTC, null for no bound).
    """

    table: str
    column: str
    digest: str
    rows: pl.DataFrame
    awaited: bool = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keys) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[str, str, str]:
        return self.table, self.column, self.digest

    @property
    def timed(self) -> bool:
        """Whether it depends on the time if a text is in it."""
        return bool(self.rows["begin"].is_not_null().any() or self.rows["end"].is_not_null().any())

    def ever(self, texts: pl.Series) -> pl.Series:
        """Whether each text (String) is in the column, in any case, at whatever time (Boolean, no null)."""
        lowered = texts.str.to_lowercase()
        distinct = lowered.unique().drop_nulls()
        first, last = self._places(distinct)
        return lowered.is_in(distinct.filter(last > first).implode()).fill_null(value=False)

    def at(self, texts: pl.Series, times: pl.Series) -> pl.Series:
        """The same, in a row that holds at the time (Int64, microseconds UTC) beside the text.

        Where the time is not known, only rows without bounds count.
        """
        asked = pl.DataFrame({"key": texts.str.to_lowercase(), "time": times.cast(pl.Int64)})
        asked = asked.with_row_index("index")
        distinct = asked["key"].unique().drop_nulls()
        first, last = self._places(distinct)
        places = [n for a, b in zip(first, last, strict=True) for n in range(a, b)]
        held = asked.join(self.rows[places], on="key").filter(_holds())
        return asked["index"].is_in(held["index"].implode())

    def _places(self, distinct: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Of each text the first row that holds it, and the one after the last."""
        keys = self.rows["key"]
        return keys.search_sorted(distinct, "left"), keys.search_sorted(distinct, "right")


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """One column of a table beside its first one, ready to be asked. Equal where table and column are.

    Attributes:
        rows: key (String, lower case), value (String), begin and end (Int64, microseconds UTC, null for no
            bound).
    """

    table: str
    column: str
    digest: str
    rows: pl.DataFrame

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pairs) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[str, str, str]:
        return self.table, self.column, self.digest

    def at(self, texts: pl.Series, times: pl.Series) -> pl.Series:
        """What stands beside each text (String), in any case, in a row that holds at the time beside it.

        Of several rows the greatest value, of none an empty text. Where the time (Int64, microseconds UTC)
        is not known, only rows without bounds count.
        """
        asked = pl.DataFrame({"key": texts.str.to_lowercase(), "time": times.cast(pl.Int64)})
        asked = asked.with_row_index("index")
        held = asked.join(self.rows, on="key").filter(_holds())
        found = held.group_by("index").agg(pl.col("value").max())
        return asked.join(found, on="index", how="left", maintain_order="left")["value"].fill_null("")


def _holds() -> pl.Expr:
    """Whether a row of a table holds at the time beside it."""
    begun = pl.col("begin").is_null() | (pl.col("begin") <= pl.col("time")).fill_null(value=False)
    lasts = pl.col("end").is_null() | (pl.col("time") < pl.col("end")).fill_null(value=False)
    return begun & lasts
