"""The cells of a table's columns, searched by their distinct texts: most columns repeat few values often."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from monitor.decode.fields import maybe_nested
from monitor.decode.leaves import float_text
from monitor.frames import KEY, LEAVES, NESTED, PATH, ROW, TEXT

_LISTS = (pl.List, pl.Array, pl.Object)


@dataclass(frozen=True)
class Column:
    """One column of a table, out of whatever structs it stood in.

    Attributes:
        path: dotted.
        values: as they came.
    """

    path: str
    values: pl.Series

    @property
    def plain(self) -> bool:
        """Whether each value is one scalar."""
        return not isinstance(self.values.dtype, _LISTS)

    @property
    def scalar(self) -> bool:
        """Whether each value is one scalar, or a list of scalars."""
        inner = getattr(self.values.dtype, "inner", None)
        return self.plain or not (inner is None or isinstance(inner, (*_LISTS, pl.Struct)))

    @property
    def key(self) -> str:
        """The last name of the path, in lower case."""
        return self.path.rpartition(".")[2].lower()

    @cached_property
    def scalars(self) -> pl.Series:
        """Values, those in lists one by one; lists of anything but scalars as JSON text."""
        return self._taken_apart[1]

    @cached_property
    def rows(self) -> pl.Series:
        """UInt32, the row of each of `scalars`."""
        return self._taken_apart[0]

    @cached_property
    def distinct(self) -> pl.Series:
        """The distinct scalars without null."""
        return self.scalars.unique().drop_nulls()

    @cached_property
    def texts(self) -> pl.Series:
        """String, the text of each of `distinct`."""
        return text_of(self.distinct)

    @property
    def has_nested(self) -> bool:
        """Whether some text is, or could be, a JSON array or object."""
        return bool(self.texts.to_frame(TEXT).select(maybe_nested(pl.col(TEXT)).any()).item())

    @cached_property
    def _taken_apart(self) -> tuple[pl.Series, pl.Series]:
        index = pl.int_range(self.values.len(), dtype=pl.UInt32, eager=True).alias(ROW)
        if self.plain:
            return index, self.values
        frame = pl.DataFrame([index, self.values.alias(TEXT)]).drop_nulls()
        if self.scalar:
            frame = frame.explode(TEXT).drop_nulls()
        else:
            texts = [json.dumps(_listed(value), default=str, ensure_ascii=False) for value in frame[TEXT]]
            frame = frame.with_columns(pl.Series(TEXT, texts, dtype=pl.String))
        return frame[ROW], frame[TEXT]


def _listed(value: object) -> object:
    return value.to_list() if isinstance(value, pl.Series) else value


class Cells:
    """All a table's rows say; see `monitor.frames.Cells`."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns

    def search(self, wanted: pl.Expr, *, nested: bool = False) -> pl.DataFrame:
        """See `monitor.frames.Cells`."""
        texts = self._nested if nested else self._distinct
        hits = texts.filter(wanted).partition_by("column", as_dict=True)
        return _leaves(self._hit(self._columns[number], mine) for (number,), mine in hits.items())

    def under(self, keys: Collection[str]) -> pl.DataFrame:
        """See `monitor.frames.Cells`."""
        mine = (column for column in self._columns if column.key in keys)
        return _leaves(_cells(column, column.scalars.is_not_null().arg_true()) for column in mine)

    def at(self, wanted: pl.Expr) -> pl.Series:
        """See `monitor.frames.Cells`."""
        paths = pl.DataFrame({PATH: [column.path for column in self._columns]}, schema={PATH: pl.String})
        found = paths.select(wanted).to_series().arg_true()
        frames = [self._columns[n].values.is_not_null().arg_true().cast(pl.UInt32) for n in found]
        rows: pl.Series = pl.concat([pl.Series(ROW, [], dtype=pl.UInt32), *frames])
        return rows

    @cached_property
    def _distinct(self) -> pl.DataFrame:
        """TEXT and NESTED of every distinct value, with the number of its column and its place there."""
        frames = [
            column.texts.alias(TEXT)
            .to_frame()
            .with_columns(
                pl.lit(number, pl.UInt32()).alias("column"),
                pl.int_range(pl.len(), dtype=pl.UInt32).alias("at"),
                pl.lit(not column.scalar).alias("listed"),
            )
            for number, column in enumerate(self._columns)
        ]
        none = pl.DataFrame(
            schema={TEXT: pl.String(), "column": pl.UInt32(), "at": pl.UInt32(), "listed": pl.Boolean()}
        )
        nested = maybe_nested(pl.col(TEXT)) | pl.col("listed")
        return pl.concat([none, *frames]).with_columns(nested.alias(NESTED))

    @cached_property
    def _nested(self) -> pl.DataFrame:
        return self._distinct.filter(NESTED)

    def _hit(self, column: Column, mine: pl.DataFrame) -> pl.DataFrame:
        values = column.distinct.gather(mine["at"])
        found = _cells(column, column.scalars.is_in(values.implode()).arg_true())
        return found.join(mine.select(TEXT, NESTED), on=TEXT, how="left")


def _cells(column: Column, places: pl.Series) -> pl.DataFrame:
    rows, texts = column.rows.gather(places), text_of(column.scalars.gather(places))
    return pl.DataFrame([rows.alias(ROW), texts.alias(TEXT)]).select(
        ROW, pl.lit(column.path).alias(PATH), pl.lit(column.key).alias(KEY), TEXT
    )


def _leaves(frames: Iterator[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema={**LEAVES, NESTED: pl.Boolean()}), *frames], how="diagonal")


def columns_of(path: str, values: pl.Series) -> Iterator[Column]:
    """The columns in a column, which may be a struct."""
    if isinstance(values.dtype, pl.Struct):
        for field in values.dtype.fields:
            yield from columns_of(f"{path}.{field.name}", values.struct.field(field.name))
    elif isinstance(values.dtype, pl.Categorical | pl.Enum):
        yield Column(path, values.cast(pl.String))
    else:
        yield Column(path, values)


def text_of(values: pl.Series) -> pl.Series:
    """Scalars as String: numbers as in JSON, times in ISO 8601, bytes as UTF-8 with U+FFFD for the rest."""
    match values.dtype:
        case pl.String():
            return values
        case pl.Float32() | pl.Float64():
            text = values.cast(pl.Float64).cast(pl.String).str.strip_suffix(".0")
            scientific = text.str.contains("e", literal=True).fill_null(value=False).arg_true()
            return text.scatter(scientific, [float_text(float(number)) for number in text.gather(scientific)])
        case pl.Datetime(time_zone=zone):
            return values.dt.to_string("%Y-%m-%dT%H:%M:%S%.f" + ("%:z" if zone else ""))
        case pl.Binary():
            texts = [None if value is None else value.decode(errors="replace") for value in values]
            return pl.Series(values.name, texts, dtype=pl.String)
        case _:
            return values.cast(pl.String)
