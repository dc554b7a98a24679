"""Log files as a source: NDJSON, access logs, text, CSV and Parquet, the first four also in gzip or zstd.

Files are read one after the other, in the order given, to their end as it is when it is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import IO

from monitor.decode import AUTO, HEAD, detect, spread_json
from monitor.frames import Projection, RecordBatch
from monitor.model import Checkpoint, Claim, Logsource
from monitor.sources.chunks import Chunk, Limits, LineReader
from monitor.sources.csvfile import CsvReader
from monitor.sources.files import Archived, DamagedError, decompressed, expand, identify, unreadable
from monitor.sources.parquetfile import parquet_chunks
from monitor.telemetry import SPREAD_JSON

_PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes on disk read so far, of how many."""

    done: int
    total: int


class ArchiveSource:
    """Reads files to their end; see `monitor.ports.Source`.

    A partition is one file: its absolute path, `#` and 8 hex digits of the SHA-256 of its first bytes. A file
    that grew is the same partition, one that was replaced is another.

    Args:
        patterns: paths, globs and folders.
        format: one of `monitor.decode.FORMATS` for all files, or `auto`: name and first lines of each say it.
        projection: of tables, only the columns it needs are read.
        logsource: what is said of these records for routing.
        limits: sizes of a chunk and of the longest record taken.
        claim: takes a file before its first records are given out, so that no one else can write what they
            read of it; not asked for a file that holds nothing new.
    """

    def __init__(
        self,
        patterns: Sequence[str | Path],
        *,
        format: str = AUTO,  # noqa: A002 - the field's word
        projection: Projection | None = None,
        logsource: Logsource | None = None,
        limits: Limits | None = None,
        claim: Callable[[str], Claim] | None = None,
    ) -> None:
        self._patterns = patterns
        self._format = format
        self._projection = projection or Projection(everything=True)
        self._logsource = logsource or Logsource()
        self._limits = limits or Limits()
        self._claim = claim
        self._files: dict[str, Archived] = {}
        self._batches: Iterator[RecordBatch] | None = None
        self._open: IO[bytes] | None = None
        self._finished = 0

    def start(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Find the files and where to go on in each.

        Raises:
            InputError: a pattern names nothing, or a file cannot be read.
        """
        files = [identify(path, checkpoints) for path in expand(self._patterns)]
        self._files = {file.partition: file for file in files}
        self._batches = self._read()

    def poll(self, timeout: float) -> RecordBatch | None:  # noqa: ARG002 - a file never makes one wait
        """The next records of the file at hand, None after the last file.

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
        """The files found by `start`, in the order they are read."""
        return tuple(self._files)

    @property
    def progress(self) -> Progress:
        """How much of the files' bytes was read; compressed files count as they are on disk."""
        at = self._open.tell() if self._open is not None and not self._open.closed else 0
        total = sum(file.size for file in self._files.values())
        return Progress(min(self._finished + at, total), total)

    def checkpoint(self, batch: RecordBatch, plan: str) -> Checkpoint:
        """Where to go on in the batch's file, and what to recognise it by."""
        file = self._files[batch.partition]
        return Checkpoint(batch.next_position, plan, file.head, file.size)

    def commit(self, positions: Mapping[str, int]) -> None:
        """Nothing: the store's positions are the only ones."""

    def rewind(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Find the files anew."""
        self.close()
        self.start(checkpoints)

    def close(self) -> None:
        """Close the file at hand."""
        self._batches = None
        if self._open is not None:
            self._open.close()

    def _read(self) -> Iterator[RecordBatch]:
        for file in self._files.values():
            try:
                with file.path.open("rb") as self._open:
                    yield from self._batches_of(file, self._open)
            except OSError as error:
                raise unreadable(file.path, error) from error
            self._finished += file.size

    def _batches_of(self, file: Archived, opened: IO[bytes]) -> Iterator[RecordBatch]:
        format_, chunks = self._chunks(file, opened)
        first = next(chunks, None)
        if first is None:
            return
        held = Claim(0) if self._claim is None else self._claim(file.partition)
        if held.read is not None and held.read.next_position != file.position:
            opened.seek(0)  # somebody read on since the positions were asked for
            format_, chunks = self._chunks(replace(file, position=held.read.next_position), opened)
        else:
            chunks = chain([first], chunks)
        for chunk in chunks:
            yield RecordBatch(
                partition=file.partition,
                offsets=chunk.offsets,
                next_position=chunk.next_position,
                payload=chunk.payload,
                logsource=self._logsource,
                format=format_,
                rejects=chunk.rejects,
                facts=chunk.facts,
                generation=held.generation,
            )

    def _chunks(self, file: Archived, opened: IO[bytes]) -> tuple[str, Iterator[Chunk]]:
        """A file's format, and its content from its position on."""
        head = _content_head(file.path)
        format_ = detect(head, file.path.name) if self._format == AUTO else self._format
        if format_ == "table" and _is_parquet(file.path, head):
            return format_, parquet_chunks(opened, file.partition, self._projection, file.position)
        lines = LineReader(decompressed(opened), file.partition, self._limits)
        if format_ == "text" and self._format == AUTO and spread_json(head):
            return format_, map(_said_to_be_spread, lines.chunks(file.position))
        if format_ == "table":
            return format_, CsvReader(lines, file.partition).chunks(file.position)
        return format_, lines.chunks(file.position)


def _said_to_be_spread(chunk: Chunk) -> Chunk:
    return replace(chunk, facts=(*chunk.facts, (SPREAD_JSON, len(chunk.offsets))))


def _is_parquet(path: Path, head: bytes) -> bool:
    return head.startswith(_PARQUET) or path.suffix.lower() == ".parquet"


def _content_head(path: Path) -> bytes:
    """First bytes of a file's content, decompressed."""
    head = b""
    with path.open("rb") as opened:
        stream = decompressed(opened)
        try:
            while len(head) < HEAD and (data := stream.read(HEAD - len(head))):
                head += data
        except DamagedError:
            pass  # what there is must do; reading on will say it
    return head
