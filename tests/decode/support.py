"""Batches to decode, and events as plain Python to compare."""

import json
from collections.abc import Sequence

import polars as pl

from monitor.frames import OFFSET, ROW, TIME, EventBatch, Lines, Projection, RecordBatch, Values

SECOND = 1_000_000


def lines(*records: bytes | str, first: int = 0) -> RecordBatch:
    data = b"".join((r.encode() if isinstance(r, str) else r) + b"\n" for r in records)
    return RecordBatch("log", range(first, first + len(records)), first + len(records), Lines(data))


def values(*records: bytes, first: int = 0, times: Sequence[int] | None = None) -> RecordBatch:
    offsets = range(first, first + len(records))
    return RecordBatch("topic-0", offsets, offsets.stop, Values(records), broker_times=times and tuple(times))


def events(*records: object) -> RecordBatch:
    return lines(*(json.dumps(record) for record in records))


def rows(batch: EventBatch) -> list[tuple]:
    """(offset, time, irregular, the columns) of each event."""
    batch = batch.narrowed(batch.frame[ROW])
    columns = [name for name in batch.frame.columns if not name.startswith("__") or name in (OFFSET, TIME)]
    frame = batch.frame.select(columns).insert_column(2, batch.irregular.alias("irregular"))
    return frame.rows()


def leaves(batch: EventBatch, row: int = 0) -> list[tuple[str, str, str | None]]:
    return batch.leaves(pl.Series([row], dtype=pl.UInt32)).drop("__row").rows()


def refused(batch: EventBatch) -> dict[int, str]:
    return {reject.offset: reject.reason for reject in batch.rejects}


def wanting(*fields: str, **more: object) -> Projection:
    return Projection(fields=fields, **more)
