"""Records that are columns already: Parquet and CSV. Dotted paths reach into structs, leaves into lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import polars as pl

from monitor.decode.cells import Cells, Column, columns_of, first_text, text_of
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
        frame, texts = batch.payload.frame, batch.payload.texts
        cells = [cell for series in frame for cell in _cells(series, texts)]
        fields, irregular = self._fields(cells, frame)
        base = pl.DataFrame({OFFSET: pl.Series(batch.offsets, dtype=pl.Int64)})
        return EventBatch(
            partition=batch.partition,
            logsource=batch.logsource,
            frame=event_frame(base, pl.DataFrame(height=frame.height), self._times(cells, frame.height)),
            irregular=irregular,
            haystack=(),
            read_leaves=partial(_leaves, cells, self._wanted.segments),
            cells=Cells(cells, fields, frame.height),
            rejects=batch.rejects,
            detail=partial(_detail, fields, irregular),
        )

    def _fields(
        self, cells: Sequence[Column], frame: pl.DataFrame
    ) -> tuple[dict[str, list[Column]], pl.Series]:
        """The columns that may hold each wanted field, and the rows that they do not fully hold."""
        irregular = pl.repeat(value=False, n=frame.height, dtype=pl.Boolean, eager=True)
        for name in set(self._wanted.projection.fields) & set(frame.columns):
            if isinstance(frame[name].dtype, pl.Struct):
                irregular |= frame[name].is_not_null()
        by_path: dict[str, list[Column]] = {}
        leading = self._wanted.leading
        for cell in (one.leading if one.path in leading else one for one in cells):
            wanted = cell.path in self._wanted.paths
            if not wanted and not any(path.startswith(f"{cell.path}.") for path in self._wanted.paths):
                continue
            if not cell.plain:
                irregular |= cell.values.is_not_null()
                continue
            if cell.has_nested:
                irregular |= _nested_rows(cell)
            if not wanted:
                continue
            for other in by_path.get(cell.path, ()):  # once as a column of that name, once inside a struct
                irregular |= other.values.is_not_null() & cell.values.is_not_null()
            by_path.setdefault(cell.path, []).append(cell)
        aliases = dict(self._wanted.projection.aliases)
        return {
            field: [cell for path in (field, *aliases.get(field, ())) for cell in by_path.get(path, ())]
            for field in self._wanted.projection.fields
        }, irregular

    def _times(self, cells: Sequence[Column], height: int) -> pl.Series:
        by_path = {cell.path: cell for cell in cells if cell.plain}
        candidates = [by_path[path] for path in self._wanted.times if path in by_path]
        return first_time((_timed(cell) for cell in candidates), height)


def _cells(series: pl.Series, texts: Mapping[str, pl.Series]) -> Iterator[Column]:
    if series.name in texts:
        yield Column(series.name, series, texts[series.name])
    else:
        yield from columns_of(series.name, series)


def _detail(
    fields: Mapping[str, Sequence[Column]], irregular: pl.Series, frame: pl.DataFrame
) -> tuple[pl.DataFrame, pl.Series]:
    """Every wanted column of some events, and which of those are irregular."""
    rows = frame[ROW]
    odd = irregular.gather(rows)
    columns = [first_text(columns, rows).alias(field) for field, columns in fields.items()]
    if odd.any():
        # What an irregular row has, its leaves say.
        columns = [column.set(nested_rows(column), None) for column in columns]
    return (pl.DataFrame(columns) if columns else pl.DataFrame(height=rows.len())), odd


def _nested_rows(cell: Column) -> pl.Series:
    """The rows of a plain column whose texts are JSON arrays or objects."""
    if cell.coded is None:
        return nested_rows(text_of(cell.values))
    odd = nested_rows(cell.coded).arg_true()
    return cell.values.is_in(odd.implode()).fill_null(value=False)


def _timed(cell: Column) -> pl.Series:
    """A column as `first_time` takes it: Datetime in UTC where it is a time already, else text."""
    values = cell.values
    if cell.coded is not None:
        return cell.coded.gather(values)
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
    columns = [
        (cell.path, (cell.texts_at(rows) if cell.plain else cell.values.gather(rows)).to_list())
        for cell in cells
    ]
    return leaves_frame(rows.to_list(), (_row(flattener, columns, row) for row in range(rows.len())))


def _row(flattener: Flattener, columns: Sequence[tuple[str, list[object]]], row: int) -> Iterator[Leaf]:
    for path, values in columns:
        if values[row] is not None:
            yield from flattener.field(path, values[row])
