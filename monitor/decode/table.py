"""Records that are columns already: Parquet and CSV. Dotted paths reach into structs, leaves into lists."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from monitor.decode.fields import Wanted, event_frame, first_time, maybe_nested, nested
from monitor.decode.leaves import Flattener, Leaf, float_text, leaves_frame
from monitor.frames import OFFSET, EventBatch, Projection, RecordBatch, Table

WHOLE = "__text."
"""Prefix of the columns that together hold everything a row says; after it comes the path."""

_LISTS = (pl.List, pl.Array, pl.Object)


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of scalars or lists, out of whatever structs it stood in."""

    path: str
    values: pl.Series

    @property
    def plain(self) -> bool:
        """Whether each value is one scalar."""
        return not isinstance(self.values.dtype, _LISTS)


def needed(columns: Sequence[str], projection: Projection) -> list[str]:
    """The columns of a table that must be read for a projection, in the table's order, at least one.

    Args:
        columns: names of the table's columns; structs count as one.
        projection: what is wanted.
    """
    if projection.everything:
        return list(columns)
    wanted = Wanted(projection)
    paths = (*wanted.paths, *wanted.times)
    found = [name for name in columns if any(path == name or path.startswith(f"{name}.") for path in paths)]
    return found or list(columns[:1])


class TableDecoder:
    """Decodes rows of a table; a null cell is a missing field."""

    def __init__(self, projection: Projection) -> None:
        self._wanted = Wanted(projection)

    def decode(self, batch: RecordBatch) -> EventBatch:
        """Events of a batch of rows.

        Raises:
            TypeError: the payload is no table.
        """
        if not isinstance(batch.payload, Table):
            raise TypeError("format table is for columns; lines and values are text")
        frame = batch.payload.frame
        cells = [cell for series in frame for cell in _cells(series.name, series)]
        columns, irregular = self._columns(cells, frame)
        base = pl.DataFrame({OFFSET: pl.Series(batch.offsets, dtype=pl.Int64)})
        haystack = self._haystack(cells) if self._wanted.projection.everything else pl.DataFrame()
        base = base.hstack(haystack)
        return EventBatch(
            partition=batch.partition,
            logsource=batch.logsource,
            frame=event_frame(
                base, self._wanted.columns(columns), self._times(cells, frame.height), haystack.columns
            ),
            irregular=irregular,
            haystack=tuple(haystack.columns),
            leaves=partial(_leaves, cells, self._wanted.segments),
            rejects=batch.rejects,
        )

    def _haystack(self, cells: Sequence[Cell]) -> pl.DataFrame:
        """All a row says: a text per column whose name is a wanted key, one text for all the others."""
        keys = self._wanted.projection.keys
        own: list[pl.Series] = []
        others: list[pl.Series] = []
        for number, cell in enumerate(cells):
            wanted = cell.path.rpartition(".")[2].lower() in keys
            (own if wanted else others).append(_whole(cell, f"{WHOLE}{number}.{cell.path}"))
        if not others:
            return pl.DataFrame(own)
        joined = pl.DataFrame(others).select(
            pl.concat_str(pl.all(), separator="\n", ignore_nulls=True).alias(WHOLE)
        )
        return joined.hstack(own)

    def _columns(self, cells: Sequence[Cell], frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        """A String column per wanted path, and the rows they do not fully hold."""
        irregular = pl.repeat(value=False, n=frame.height, dtype=pl.Boolean, eager=True)
        for name in set(self._wanted.projection.fields) & set(frame.columns):
            if isinstance(frame[name].dtype, pl.Struct):
                irregular |= frame[name].is_not_null()
        columns: dict[str, pl.Series] = {}
        for cell in cells:
            if cell.path not in self._wanted.paths:
                continue
            if not cell.plain:
                irregular |= cell.values.is_not_null()
                continue
            text, odd = _without_nested(text_of(cell.values))
            if cell.path in columns:  # once as a column of that name, once inside a struct
                odd |= columns[cell.path].is_not_null() & text.is_not_null()
                text = columns[cell.path].fill_null(text)
            columns[cell.path] = text
            irregular |= odd
        return pl.DataFrame(columns) if columns else pl.DataFrame(height=frame.height), irregular

    def _times(self, cells: Sequence[Cell], height: int) -> pl.Series:
        by_path = {cell.path: cell.values for cell in cells if cell.plain}
        candidates = [by_path[path] for path in self._wanted.times if path in by_path]
        return first_time((_timed(values) for values in candidates), height)


def _timed(values: pl.Series) -> pl.Series:
    """A column as `first_time` takes it: Datetime in UTC where it is a time already, else text."""
    match values.dtype:
        case pl.Datetime(time_zone=zone):
            utc = values.dt.convert_time_zone("UTC") if zone else values.dt.replace_time_zone("UTC")
            return utc.dt.cast_time_unit("us")
        case pl.Date():
            return values.cast(pl.Datetime("us", "UTC"))
        case _:
            return text_of(values)


def _cells(path: str, values: pl.Series) -> Iterator[Cell]:
    if not isinstance(values.dtype, pl.Struct):
        yield Cell(path, values)
        return
    for field in values.dtype.fields:
        yield from _cells(f"{path}.{field.name}", values.struct.field(field.name))


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


def _without_nested(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Texts that are JSON arrays or objects taken out, and where they were."""
    frame = pl.DataFrame({"text": text})
    odd = frame.select(maybe_nested(pl.col("text"))).to_series()
    if not odd.any():
        return text, odd
    odd = frame.select(nested(pl.col("text"))).to_series()
    return frame.select(pl.when(~odd).then(pl.col("text"))).to_series(), odd


def _whole(cell: Cell, name: str) -> pl.Series:
    """All a column says, as text; lists as JSON."""
    if cell.plain:
        return text_of(cell.values).alias(name)
    texts = [
        None if value is None else json.dumps(value.to_list(), default=str, ensure_ascii=False)
        for value in cell.values
    ]
    return pl.Series(name, texts, dtype=pl.String)


def _leaves(cells: Sequence[Cell], names: frozenset[str], rows: pl.Series) -> pl.DataFrame:
    flattener = Flattener(names)
    columns = []
    for cell in cells:
        picked = cell.values.gather(rows)
        columns.append((cell.path, (text_of(picked) if cell.plain else picked).to_list()))
    return leaves_frame(rows.to_list(), (_row(flattener, columns, row) for row in range(rows.len())))


def _row(flattener: Flattener, columns: Sequence[tuple[str, list[object]]], row: int) -> Iterator[Leaf]:
    for path, values in columns:
        if values[row] is not None:
            yield from flattener.field(path, values[row])
