"""A file's bytes as chunks of whole lines; a line of any length never fills the memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.decode.reasons import DAMAGED_FILE, TOO_LONG, shape
from monitor.frames import Lines, Table, newlines
from monitor.model import Reject
from monitor.sources.files import DamagedError, Stream

MAX_LINES = 262_144
"""Lines in one chunk at most, so that what is made per record stays bounded."""

_READ = 1 << 20
_SHAPED = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes: of a chunk, and of the longest record taken."""

    chunk: int = 16 << 20
    record: int = 24 << 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records of a file; the fields are those of a `RecordBatch`."""

    offsets: range | tuple[int, ...]
    next_position: int
    payload: Lines | Table
    rejects: tuple[Reject, ...] = ()
    facts: tuple[tuple[str, int], ...] = ()


class LineReader:
    """Cuts a stream at newlines.

    Args:
        stream: where the bytes come from.
        partition: for rejects.
        limits: sizes; no line longer than `limits.record` bytes, newline not counted, is ever held whole.
    """

    def __init__(self, stream: Stream, partition: str, limits: Limits) -> None:
        self._stream = stream
        self._partition = partition
        self._limits = limits
        self._buffer = b""
        self._ended = False
        self._damaged = False
        self._line = 0
        self._rejects: list[Reject] = []

    def chunks(self, position: int = 0) -> Iterator[Chunk]:
        """All chunks from a line on, counted from 0; the last one may hold nothing but rejects."""
        while data := self._next():
            for part, lines in _bounded(data):
                first = self._line
                self._line += lines
                if self._line > position:
                    yield self._chunk(part, first, position)
        if self._rejects and self._line > position:
            yield self._chunk(b"", self._line, position)

    def _chunk(self, data: bytes, first: int, position: int) -> Chunk:
        skipped = max(0, position - first) if data else 0
        if skipped:
            data = data.split(b"\n", skipped)[-1]
        rejects = tuple(refused for refused in self._rejects if refused.offset >= position)
        self._rejects.clear()
        return Chunk(range(first + skipped, self._line), self._line, Lines(data), rejects)

    def _next(self) -> bytes:
        """Whole lines, about a chunk of them; empty at the end."""
        chunk, record = min(self._limits.chunk, self._limits.record), self._limits.record
        while not (whole := self._read_whole(chunk + 1)):
            for size in (chunk + 1, record + 1):
                self._fill(size)
                end = self._buffer.rfind(b"\n", 0, size)
                if end >= 0:
                    return self._take(len(self._buffer) if self._is_last(size) else end + 1)
            if len(self._buffer) > record:
                self._skip_line()
            elif not self._buffer or self._damaged:
                self._end_damaged()
                return b""
            else:
                return self._take(len(self._buffer))
        return whole

    def _read_whole(self, size: int) -> bytes:
        """What is left and one read, up to its last newline: copied once. Empty where it is not as simple."""
        wanted = size - len(self._buffer)
        if self._ended or wanted < _READ:
            return b""
        try:
            data = self._stream.read(wanted)
        except DamagedError:
            self._damaged = self._ended = True
            return b""
        end = data.rfind(b"\n") + 1
        if len(data) < wanted or not end:
            self._buffer += data
            self._ended = not data
            return b""
        whole = b"".join((self._buffer, memoryview(data)[:end]))
        self._buffer = data[end:]
        return whole

    def _is_last(self, size: int) -> bool:
        """Whether all that is left fits, the line without a newline at the end included."""
        return self._ended and not self._damaged and len(self._buffer) < size

    def _fill(self, size: int) -> None:
        held, read = len(self._buffer), [self._buffer]
        while held < size and not self._ended:
            try:
                data = self._stream.read(max(_READ, size - held))
            except DamagedError:
                self._damaged, data = True, b""
            self._ended = not data
            held += len(data)
            read.append(data)
        self._buffer = b"".join(read) if len(read) > 1 else self._buffer

    def _take(self, size: int) -> bytes:
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _skip_line(self) -> None:
        """Drop the line that begins here, whatever its length, and say so."""
        length, sample = 0, self._buffer[:_SHAPED].decode("ascii", "replace")
        while (end := self._buffer.find(b"\n")) < 0:
            length += len(self._buffer)
            self._buffer = b""
            self._fill(_READ)
            if self._ended and not self._buffer:
                break
        length += max(end, 0)
        self._buffer = self._buffer[end + 1 :]
        self._rejects.append(Reject(self._partition, self._line, TOO_LONG, length, shape(sample)))
        self._line += 1

    def _end_damaged(self) -> None:
        """The end of the file; where damage cut it, the line it cut is a reject."""
        if self._damaged:
            length = len(self._buffer)
            self._buffer = b""
            self._damaged = False
            self._rejects.append(Reject(self._partition, self._line, DAMAGED_FILE, length))
            self._line += 1


def _bounded(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Whole lines in parts of at most MAX_LINES, and how many lines each has."""
    lines = newlines(data) + (data[-1:] not in {b"", b"\n"})
    if lines <= MAX_LINES:
        yield data, lines
        return
    middle = data.find(b"\n", len(data) // 2) + 1
    if not 0 < middle < len(data):
        middle = data.rfind(b"\n", 0, len(data) // 2) + 1
    yield from _bounded(data[:middle])
    yield from _bounded(data[middle:])
