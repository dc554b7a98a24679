"""Records of topics that were archived with their positions, in Parquet: read as the topics themselves were.

One row is one record: `topic` (text), `partition` and `offset` (integers), `value` (text or bytes; null is a
tombstone); where it is known `timestamp`, when the broker stored it (a Parquet timestamp, or milliseconds).
Partitions are called as live ones are, `topic-3`, and positions are offsets; so a replay says of the records
what `privwatch run` said, down to the positions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.errors import InputError
from monitor.frames import RecordBatch, Values
from monitor.model import Checkpoint, Claim, Logsource
from monitor.printable import path_text
from monitor.sources.archive import Progress
from monitor.sources.files import expand, unreadable
from monitor.telemetry import TOMBSTONES

PLACE: Final = ("topic", "partition", "offset")
VALUE: Final = "value"
TIMESTAMP: Final = "timestamp"
ROWS: Final = 65_536
"""Rows that are read at once at most."""
BYTES: Final = 24 * 1024 * 1024
"""Of values that are read at once, going by their mean in the file."""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    size: int
    stamped: bool
    rows: int
    """That are read at once."""


class TopicArchive:
    """Reads archived topics to their end; see `monitor.ports.Source`.

    Args:
        patterns: paths, globs and folders, of which `.parquet` files are read.
        format: one of `monitor.decode.FORMATS`, or empty: JSON.
        logsource: what is said of these records for routing.
        claim: asked before a partition is read; says how far the store has read it by then.
    """

    def __init__(
        self,
        patterns: Sequence[str | Path],
        *,
        format: str = "",  # noqa: A002 - the field's word
        logsource: Logsource | None = None,
        claim: Callable[[str], Claim] = lambda _: Claim(0),
    ) -> None:
        self._patterns = patterns
        self._format = format
        self._logsource = logsource or Logsource()
        self._files: list[_File] = []
        self._claim = claim
        self._claims: dict[str, int] = {}
        self._next: dict[str, int] = {}
        self._batches: Iterator[RecordBatch] | None = None
        self._finished = 0

    def start(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Find the files, look at all positions, and go on where the store says.

        Raises:
            InputError: a file cannot be read, lacks a column, or holds offsets that do not rise.
        """
        found = expand(self._patterns)
        self._files = [_opened(path) for path in found if path.suffix == ".parquet" or len(found) == 1]
        last: dict[str, tuple[int, Path]] = {}
        for file in self._files:
            for places in _frames(file, PLACE):
                _rising(places, file.path, last)
        self._next = {
            name: checkpoints[name].next_position if name in checkpoints else 0 for name in sorted(last)
        }
        self._batches, self._claims = self._read(), {}
        self._finished = 0

    def poll(self, timeout: float) -> RecordBatch | None:  # noqa: ARG002 - a file never makes one wait
        """The next records of one partition, None after the last file.

        Raises:
            InputError: a file can no longer be read.
        """
        batch = next(self._batches, None) if self._batches is not None else None
        if batch is None:
            self._batches = None
        return batch

    @property
    def exhausted(self) -> bool:
        """True once every file was read to its end, and before `start`."""
        return self._batches is None

    @property
    def partitions(self) -> tuple[str, ...]:
        """The partitions found by `start`."""
        return tuple(self._next)

    @property
    def progress(self) -> Progress:
        """How much of the files' bytes was read, file by file."""
        return Progress(self._finished, sum(file.size for file in self._files))

    def checkpoint(self, batch: RecordBatch, plan: str) -> Checkpoint:
        """Where to go on in the batch's partition."""
        return Checkpoint(batch.next_position, plan)

    def commit(self, positions: Mapping[str, int]) -> None:
        """Nothing: the store's positions are the only ones."""

    def rewind(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Go on from there."""
        self.start(checkpoints)

    def close(self) -> None:
        """Nothing is open between two batches of a file that was read."""
        self._batches = None

    def _read(self) -> Iterator[RecordBatch]:
        for file in self._files:
            wanted = (*PLACE, VALUE, *((TIMESTAMP,) if file.stamped else ()))
            for frame in _frames(file, wanted):
                named = frame.with_columns(_name().alias("name"))
                for (name,), rows in named.group_by("name", maintain_order=True):
                    fresh = rows.filter(pl.col("offset") >= self._position(str(name)))
                    if fresh.height:
                        yield self._batch(str(name), fresh)
            self._finished += file.size

    def _position(self, name: str) -> int:
        """Where to begin in a partition, which is ours from the first time this is asked."""
        if name not in self._claims:
            claim = self._claim(name)
            self._claims[name] = claim.generation
            if claim.read is not None:
                self._next[name] = claim.read.next_position
        return self._next[name]

    def _batch(self, name: str, rows: pl.DataFrame) -> RecordBatch:
        kept = rows.filter(pl.col(VALUE).is_not_null())
        tombstones = rows.height - kept.height
        stamped = TIMESTAMP in kept.columns and not kept[TIMESTAMP].has_nulls()
        return RecordBatch(
            partition=name,
            offsets=tuple(kept["offset"].to_list()),
            next_position=int(rows["offset"][-1]) + 1,
            payload=Values(tuple(kept[VALUE].to_list())),
            logsource=self._logsource,
            broker_times=tuple(kept[TIMESTAMP].to_list()) if stamped and kept.height else None,
            format=self._format,
            facts=((TOMBSTONES, tombstones),) if tombstones else (),
            generation=self._claims[name],
        )


def _opened(path: Path) -> _File:
    """A file that has the columns.

    Raises:
        InputError: it has not.
    """
    try:
        with pq.ParquetFile(path) as parquet:
            names = parquet.schema_arrow.names
            rows = parquet.metadata.num_rows
    except OSError as error:
        raise unreadable(path, error) from error
    except pa.ArrowException as error:
        raise InputError(f"{path_text(path)}: it is no Parquet file, or a damaged one") from error
    lacking = [name for name in (*PLACE, VALUE) if name not in names]
    if lacking:
        raise InputError(
            f"{path_text(path)}: records of topics need the columns {', '.join((*PLACE, VALUE))}; "
            f"{', '.join(lacking)} lacks (a table with an event in each row is read without --kafka-records)"
        )
    size = path.stat().st_size
    # Parquet compresses: four times as much is a fair guess, and a bound is all that is wanted.
    at_once = min(ROWS, max(1, BYTES * rows // max(1, 4 * size)))
    return _File(path, size, TIMESTAMP in names, at_once)


def _frames(file: _File, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    try:
        with pq.ParquetFile(file.path) as parquet:
            for batch in parquet.iter_batches(batch_size=file.rows, columns=list(columns)):
                frame = pl.DataFrame(pl.from_arrow(batch))
                yield frame.with_columns(
                    pl.col("topic").cast(pl.String),
                    pl.col("partition", "offset").cast(pl.Int64),
                    *(pl.col(VALUE).cast(pl.Binary) for _ in range(VALUE in columns)),
                    *(_micros(frame[TIMESTAMP].dtype) for _ in range(TIMESTAMP in columns)),
                )
    except OSError as error:
        raise unreadable(file.path, error) from error
    except (pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise InputError(
            f"{path_text(file.path)}: it is damaged, or a column is of another kind: topic is text, partition"
            " and offset are integers, value is text or bytes, timestamp a time or milliseconds"
        ) from error


def _micros(dtype: pl.DataType) -> pl.Expr:
    """Microseconds since 1970 of a Parquet timestamp, or of Kafka's milliseconds."""
    time = pl.col(TIMESTAMP)
    return time.dt.epoch("us") if isinstance(dtype, pl.Datetime) else time.cast(pl.Int64) * 1000


def _name() -> pl.Expr:
    return pl.format("{}-{}", "topic", "partition")


def _rising(places: pl.DataFrame, path: Path, last: dict[str, tuple[int, Path]]) -> None:
    """Take note of the last offset of each partition.

    Raises:
        InputError: an offset is not above the one before it, or a place is null.
    """
    if any(places.null_count().row(0)):
        raise InputError(f"{path_text(path)}: a record lacks its topic, partition or offset")
    for (name,), rows in places.with_columns(_name().alias("name")).group_by("name", maintain_order=True):
        before, where = last.get(str(name), (-1, path))
        offsets = rows["offset"]
        steps = offsets.diff().fill_null(offsets[0] - before)
        if (steps <= 0).any():
            at = int(offsets.filter(steps <= 0)[0])
            raise InputError(
                f"{path_text(path)}: offset {at} of {name} comes after a later one or twice"
                f"{'' if where == path else f' (after {path_text(where)})'}; archive every record once, and "
                "name the files so that they sort by offset"
            )
        last[str(name)] = int(offsets[-1]), path
