"""Parquet files as tables, some rows at a time, only the columns that are needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import IO

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from monitor.decode.fields import Wanted
from monitor.decode.reasons import DAMAGED_FILE
from monitor.decode.table import needed
from monitor.frames import Projection, Table
from monitor.model import Reject
from monitor.sources.chunks import Chunk

ROWS = 131_072
"""Rows of one chunk at most."""

BYTES = 32 << 20
"""Bytes of one chunk, about, as they are in the file before compression."""

_READ_ROWS = 65_536

_SOME = 8192
"""Rows that are looked at to see which columns repeat themselves."""

with suppress(NotImplementedError):
    # What is let go is kept for the next chunk; the default gives it back to the system page by page.
    pa.set_memory_pool(pa.jemalloc_memory_pool())

_MAX_BYTES = 1 << 30
"""Bytes of a column in a row group from which on it is read as it is: places in a dictionary are Int32."""


def parquet_chunks(
    file: IO[bytes], partition: str, projection: Projection, position: int = 0
) -> Iterator[Chunk]:
    """All chunks of an open file from a row on; where it is damaged, a last one that says so.

    Offsets are row numbers from 0.
    """
    row = position
    try:
        for table in _tables(file, projection, position):
            end = row + table.frame.height
            yield Chunk(range(row, end), end, table)
            row = end
    except (OSError, pa.ArrowException) as error:
        refused = Reject(partition, row, DAMAGED_FILE, 0, type(error).__name__)
        yield Chunk(range(row, row), row, Table(pl.DataFrame()), (refused,))


def _tables(file: IO[bytes], projection: Projection, position: int) -> Iterator[Table]:
    parquet = pq.ParquetFile(file)
    wanted = needed(parquet.schema_arrow.names, projection)
    coded = _coded(parquet, wanted, projection)
    if coded:
        parquet = pq.ParquetFile(file, metadata=parquet.metadata, read_dictionary=coded, pre_buffer=False)
    first, groups = _groups_from(parquet, position)
    rows = _rows(parquet.metadata)
    batches = parquet.iter_batches(batch_size=min(rows, _READ_ROWS), row_groups=groups, columns=wanted)
    for some in _together(batches, rows):
        whole = pa.Table.from_batches(some)
        table = _table(whole) if coded else Table(pl.DataFrame(pl.from_arrow(whole)))
        late = table.frame.slice(max(0, position - first))
        first += whole.num_rows
        if late.height:
            yield replace(table, frame=late)


def _rows(metadata: pq.FileMetaData) -> int:
    """Rows of one chunk."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    return max(1, min(ROWS, BYTES * metadata.num_rows // size)) if size else ROWS


def _together(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[list[pa.RecordBatch]]:
    """Batches of at least so many rows, the last ones as they are."""
    some: list[pa.RecordBatch] = []
    for batch in batches:
        some.append(batch)
        if sum(one.num_rows for one in some) >= rows:
            yield some
            some = []
    if some:
        yield some


def _table(whole: pa.Table) -> Table:
    """The rows with structs taken apart, and with places of texts where they have a dictionary."""
    columns: list[pl.Series] = []
    texts: dict[str, pl.Series] = {}
    table = _flat(whole).unify_dictionaries()  # every row group has its own
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            values = column.combine_chunks()
            texts[name] = pl.Series(pl.from_arrow(values.dictionary)).cast(pl.String)
            columns.append(pl.Series(name, pl.from_arrow(values.indices)).cast(pl.UInt32))
        else:
            columns.append(pl.Series(name, pl.from_arrow(column)))
    return Table(pl.DataFrame(columns), texts)


def _flat(table: pa.Table) -> pa.Table:
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table


def _coded(parquet: pq.ParquetFile, wanted: Sequence[str], projection: Projection) -> list[str]:
    """Paths of the columns whose texts repeat; none where structs cannot be taken apart without loss."""
    if not all(map(_plainly_named, parquet.schema_arrow)) or _structs(parquet.schema_arrow) & set(
        Wanted(projection).paths
    ):
        return []
    largest = _largest(parquet.metadata)
    size = min(_SOME, _rows(parquet.metadata))
    some = next(parquet.iter_batches(batch_size=size, columns=list(wanted)), None)
    if some is None:
        return []
    table = _flat(pa.Table.from_batches([some]))
    repeating = (
        path
        for path, column in zip(table.column_names, table.columns, strict=True)
        if (pa.types.is_string(column.type) or pa.types.is_large_string(column.type))
        and pc.count_distinct(column).as_py() <= max(1, (len(column) - column.null_count) // 2)
    )
    return [path for path in repeating if largest.get(path, _MAX_BYTES) < _MAX_BYTES]


def _plainly_named(field: pa.Field) -> bool:
    """Whether no name in it has a dot, which would make its path that of another."""
    below = list(field.type) if pa.types.is_struct(field.type) else []
    return "." not in field.name and all(map(_plainly_named, below))


def _structs(fields: Iterable[pa.Field], above: str = "") -> set[str]:
    """Paths of the structs."""
    found: set[str] = set()
    for field in fields:
        if pa.types.is_struct(field.type):
            path = f"{above}{field.name}"
            found |= {path} | _structs(field.type, f"{path}.")
    return found


def _largest(metadata: pq.FileMetaData) -> dict[str, int]:
    """Bytes of the largest chunk of each column."""
    found: dict[str, int] = {}
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(number)
            path = chunk.path_in_schema
            found[path] = max(found.get(path, 0), chunk.total_uncompressed_size)
    return found


def _groups_from(parquet: pq.ParquetFile, position: int) -> tuple[int, list[int]]:
    """The number of a row, and the row groups from it on, that hold all rows from a position on."""
    first, number = 0, 0
    sizes = [parquet.metadata.row_group(group).num_rows for group in range(parquet.num_row_groups)]
    while number < len(sizes) and first + sizes[number] <= position:
        first += sizes[number]
        number += 1
    return first, list(range(number, len(sizes)))
