"""The cells of a table's columns, searched by their distinct texts: most columns repeat few values often."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from monitor.decode.fields import maybe_nested
from monitor.decode.leaves import float_text
from monitor.frames import KEY, LEAVES, NESTED, PATH, ROW, TEXT

_LISTS = (pl.List, pl.Array, pl.Object)
_SOME = 4096
"""Values that are looked at to see whether a column repeats itself."""


@dataclass(frozen=True)
class Column:
    """One column of a table, out of whatever structs it stood in.

    Attributes:
        path: dotted.
        values: as they came; where there are `coded` texts, UInt32 places of them.
        coded: String, distinct.
    """

    path: str
    values: pl.Series
    coded: pl.Series | None = None

    @property
    def plain(self) -> bool:
        """Whether each value is one scalar."""
        return not isinstance(self.values.dtype, _LISTS)

    @property
    def leading(self) -> Column:
        """Of lists of texts the first ones, anything else as it is."""
        if self.values.dtype != pl.List(pl.String):
            return self
        return Column(self.path, self.values.list.drop_nulls().list.first())

    @cached_property
    def various(self) -> bool:
        """Whether texts hardly repeat, so that looking for the distinct ones costs more than it saves."""
        some = self.values.head(_SOME)
        return self.coded is None and self.values.dtype == pl.String and some.n_unique() > some.len() // 2

    def texts_at(self, rows: pl.Series) -> pl.Series:
        """String, the text of each of these rows of a plain column."""
        picked = self.values.gather(rows)
        return text_of(picked) if self.coded is None else self.coded.gather(picked)

    def places_of(self, at: pl.Series) -> pl.Series:
        """Places in `scalars` of those of `distinct` that are there at these places (UInt32)."""
        if self.various:
            return at
        wanted = at if self.coded is not None else self.distinct.gather(at)
        return self.scalars.is_in(wanted.implode()).arg_true()

    def spread(self, said: pl.Series, *, of_missing: bool) -> pl.Series:
        """What was said (Boolean) of each of `texts`, said of each row of a plain column."""
        if self.various:
            return said
        if not said.any():  # as most tests, which hold nowhere
            return self.values.is_null() & of_missing
        if said.all():
            return self.values.is_not_null() | of_missing
        if self.coded is not None:
            return said.gather(self.values).fill_null(of_missing)
        return self.values.is_in(self.distinct.filter(said).implode()).fill_null(of_missing)

    def cells(self, places: pl.Series) -> pl.DataFrame:
        """LEAVES of the scalars at these places."""
        texts = self.texts_at(places) if self.plain else text_of(self.scalars.gather(places))
        return pl.DataFrame([self.rows.gather(places).alias(ROW), texts.alias(TEXT)]).select(
            ROW, pl.lit(self.path).alias(PATH), pl.lit(self.key).alias(KEY), TEXT
        )

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
        """The distinct scalars without null; all of them, nulls too, where they are various."""
        return self.scalars if self.various else self.scalars.unique().drop_nulls()

    @cached_property
    def texts(self) -> pl.Series:
        """String, the text of each of `distinct`, or the coded ones."""
        return text_of(self.distinct) if self.coded is None else self.coded

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
    """All a table's rows say; see `monitor.frames.Cells`.

    Args:
        columns: of the table.
        fields: by projected field the plain columns that may hold it, in the order they are asked.
        height: number of rows.
    """

    def __init__(
        self, columns: Sequence[Column], fields: Mapping[str, Sequence[Column]], height: int
    ) -> None:
        self._columns = columns
        self._fields = fields
        self._height = height

    def search(self, wanted: pl.Expr, *, nested: bool = False) -> pl.DataFrame:
        """See `monitor.frames.Cells`."""
        texts = self._nested if nested else self._distinct
        hits = texts.filter(wanted).partition_by("column", as_dict=True)
        found = [self._hit(self._columns[number], mine) for (number,), mine in hits.items()]
        found += [_among(column, wanted, nested=nested) for column in self._columns if column.various]
        return _leaves(found)

    def under(self, keys: Collection[str]) -> pl.DataFrame:
        """See `monitor.frames.Cells`."""
        mine = (column for column in self._columns if column.key in keys)
        return _leaves(column.cells(column.scalars.is_not_null().arg_true()) for column in mine)

    def at(self, wanted: pl.Expr) -> pl.Series:
        """See `monitor.frames.Cells`."""
        paths = pl.DataFrame({PATH: [column.path for column in self._columns]}, schema={PATH: pl.String})
        found = paths.select(wanted).to_series().arg_true()
        frames = [self._columns[n].values.is_not_null().arg_true().cast(pl.UInt32) for n in found]
        rows: pl.Series = pl.concat([pl.Series(ROW, [], dtype=pl.UInt32), *frames])
        return rows

    def of(self, name: str, wanted: pl.Expr) -> pl.DataFrame:
        """See `monitor.frames.Cells`."""
        columns = self._fields.get(name, ())
        if len(columns) == 1:
            (column,) = columns
            held = column.texts.to_frame(TEXT).select(wanted.fill_null(value=False)).to_series()
            found = column.cells(column.places_of(held.arg_true()))
        else:
            index = pl.int_range(self._height, dtype=pl.UInt32, eager=True).alias(ROW)
            found = pl.DataFrame([index, self._text(columns).alias(TEXT)]).filter(wanted)
        return found.select(ROW, pl.lit(name).alias(PATH), TEXT)

    def tested(self, tests: Sequence[tuple[str, str, pl.Expr]]) -> pl.DataFrame:
        """See `monitor.frames.Cells`."""
        by_field: dict[str, list[pl.Expr]] = {}
        for field, name, test in tests:
            by_field.setdefault(field, []).append(test.alias(name))
        answers = [column for field, mine in by_field.items() for column in self._tested(field, mine)]
        return pl.DataFrame(answers) if answers else pl.DataFrame(height=self._height)

    def _tested(self, field: str, tests: Sequence[pl.Expr]) -> Iterator[pl.Series]:
        columns = self._fields.get(field, ())
        if len(columns) > 1:
            yield from self._text(columns).to_frame(TEXT).select(tests)
            return
        texts = columns[0].texts if columns else pl.Series(TEXT, [], dtype=pl.String)
        # What a test says of a missing value stands behind what it says of the texts.
        asked = pl.concat([texts.alias(TEXT), pl.Series(TEXT, [None], dtype=pl.String)]).to_frame()
        for said in asked.select(tests):
            of_missing, of_texts = said[-1], said.head(texts.len())
            if columns:
                yield columns[0].spread(of_texts, of_missing=of_missing).alias(said.name)
            else:
                yield pl.Series(said.name, [of_missing]).new_from_index(0, self._height)

    def _text(self, columns: Sequence[Column]) -> pl.Series:
        """The text of each row: that of the first of the columns which has one."""
        rows = pl.int_range(self._height, dtype=pl.UInt32, eager=True)
        return first_text(columns, rows)

    @cached_property
    def _distinct(self) -> pl.DataFrame:
        """TEXT and NESTED of every distinct value, with the number of its column and its place there.

        Without the columns whose texts hardly repeat: those are searched one by one.
        """
        none = pl.Series(TEXT, [], dtype=pl.String)
        texts = [none if column.various else column.texts.alias(TEXT) for column in self._columns]
        listed = pl.Series([not column.scalar for column in self._columns], dtype=pl.Boolean)
        columns = pl.DataFrame({"size": [text.len() for text in texts], "listed": listed})
        places = (
            columns.with_row_index("column")
            .select(
                pl.col("column").repeat_by("size").explode(),
                pl.int_ranges(0, pl.col("size"), dtype=pl.UInt32).explode().alias("at"),
                pl.col("listed").repeat_by("size").explode(),
            )
            .drop_nulls()
        )
        every = pl.concat([none, *texts])
        nested = maybe_nested(pl.col(TEXT)) | pl.col("listed")
        return places.with_columns(every).with_columns(nested.alias(NESTED))

    @cached_property
    def _nested(self) -> pl.DataFrame:
        return self._distinct.filter(NESTED)

    def _hit(self, column: Column, mine: pl.DataFrame) -> pl.DataFrame:
        found = column.cells(column.places_of(mine["at"]))
        return found.join(mine.select(TEXT, NESTED).unique(), on=TEXT, how="left")


def _among(column: Column, wanted: pl.Expr, *, nested: bool) -> pl.DataFrame:
    """LEAVES and NESTED of the cells of a column, or of the nested ones, whose TEXT satisfies `wanted`."""
    frame = column.texts.to_frame(TEXT).with_row_index("at")
    inside = maybe_nested(pl.col(TEXT))
    held = (frame.filter(inside) if nested else frame).filter(wanted)
    return column.cells(held["at"]).with_columns(inside.alias(NESTED))


def first_text(columns: Sequence[Column], rows: pl.Series) -> pl.Series:
    """String, the text of each of these rows: that of the first of the columns which has one."""
    found = pl.Series([None], dtype=pl.String).new_from_index(0, rows.len())
    for number, column in enumerate(columns):
        texts = column.texts_at(rows)
        found = found.fill_null(texts) if number else texts
    return found


def _leaves(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
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
        case pl.Duration():
            return values.dt.to_string("iso")
        case pl.Binary():
            texts = [None if value is None else value.decode(errors="replace") for value in values]
            return pl.Series(values.name, texts, dtype=pl.String)
        case _:
            return values.cast(pl.String)
