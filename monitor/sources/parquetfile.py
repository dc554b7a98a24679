"""Parquet files as tables, some rows at a time, only the columns that are needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.decode.reasons import DAMAGED_FILE
from monitor.decode.table import needed
from monitor.frames import Projection, Table
from monitor.model import Reject
from monitor.sources.chunks import Chunk

ROWS = 65_536
"""Rows of one chunk."""


def parquet_chunks(
    file: IO[bytes], partition: str, projection: Projection, position: int = 0
) -> Iterator[Chunk]:
    """All chunks of an open file from a row on; where it is damaged, a last one that says so.

    Offsets are row numbers from 0.
    """
    row = position
    try:
        for frame in _frames(pq.ParquetFile(file), projection, position):
            yield Chunk(range(row, row + frame.height), row + frame.height, Table(frame))
            row += frame.height
    except (OSError, pa.ArrowException) as error:
        refused = Reject(partition, row, DAMAGED_FILE, 0, type(error).__name__)
        yield Chunk(range(row, row), row, Table(pl.DataFrame()), (refused,))


def _frames(parquet: pq.ParquetFile, projection: Projection, position: int) -> Iterator[pl.DataFrame]:
    columns = needed(parquet.schema_arrow.names, projection)
    first, groups = _groups_from(parquet, position)
    for batch in parquet.iter_batches(batch_size=ROWS, row_groups=groups, columns=columns):
        frame = pl.DataFrame(pl.from_arrow(batch))
        durations = [name for name, dtype in frame.schema.items() if dtype == pl.Duration]
        frame = frame.with_columns(pl.col(durations).dt.to_string("iso"))  # they have no text of their own
        late = frame.slice(max(0, position - first))
        first += frame.height
        if late.height:
            yield late


def _groups_from(parquet: pq.ParquetFile, position: int) -> tuple[int, list[int]]:
    """The number of a row, and the row groups from it on, that hold all rows from a position on."""
    first, number = 0, 0
    sizes = [parquet.metadata.row_group(group).num_rows for group in range(parquet.num_row_groups)]
    while number < len(sizes) and first + sizes[number] <= position:
        first += sizes[number]
        number += 1
    return first, list(range(number, len(sizes)))
