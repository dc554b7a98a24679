"""Records that are columns already: Parquet and CSV. Dotted paths reach into structs, leaves into lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import polars as pl

from monitor.decode.cells import Cells, Column, columns_of, text_of
from monitor.decode.fields import Wanted, event_frame, first_time, nested
from monitor.decode.leaves import Flattener, Leaf, leaves_frame
from monitor.frames import OFFSET, ROW, EventBatch, Projection, RecordBatch, Table


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
        cells = [cell for series in frame for cell in columns_of(series.name, series)]
        columns, irregular = self._columns(cells, frame)
        base = pl.DataFrame({OFFSET: pl.Series(batch.offsets, dtype=pl.Int64)})
        return EventBatch(
            partition=batch.partition,
            logsource=batch.logsource,
            frame=event_frame(base, self._wanted.columns(columns), self._times(cells, frame.height)),
            irregular=irregular,
            haystack=(),
            read_leaves=partial(_leaves, cells, self._wanted.segments),
            cells=Cells(cells) if self._wanted.projection.everything else None,
            rejects=batch.rejects,
        )

    def _columns(self, cells: Sequence[Column], frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        """A String column per wanted path, and the rows they do not fully hold."""
        irregular = pl.repeat(value=False, n=frame.height, dtype=pl.Boolean, eager=True)
        for name in set(self._wanted.projection.fields) & set(frame.columns):
            if isinstance(frame[name].dtype, pl.Struct):
                irregular |= frame[name].is_not_null()
        columns: dict[str, pl.Series] = {}
        for cell in cells:
            wanted = cell.path in self._wanted.paths
            if not wanted and not any(path.startswith(f"{cell.path}.") for path in self._wanted.paths):
                continue
            if not cell.plain:
                irregular |= cell.values.is_not_null()
                continue
            text = text_of(cell.values)
            if cell.has_nested:
                odd = nested_rows(text)
                irregular |= odd
                text = text.set(odd, None)
            if not wanted:
                continue
            if cell.path in columns:  # once as a column of that name, once inside a struct
                irregular |= columns[cell.path].is_not_null() & text.is_not_null()
                text = columns[cell.path].fill_null(text)
            columns[cell.path] = text
        return pl.DataFrame(columns) if columns else pl.DataFrame(height=frame.height), irregular

    def _times(self, cells: Sequence[Column], height: int) -> pl.Series:
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


def nested_rows(text: pl.Series) -> pl.Series:
    """Which texts are JSON arrays or objects."""
    return text.to_frame("text").select(nested(pl.col("text"))).to_series()


def _leaves(cells: Sequence[Column], names: frozenset[str], events: pl.DataFrame) -> pl.DataFrame:
    rows = events[ROW]
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
