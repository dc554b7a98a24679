"""One followed file: held open by its descriptor, so that neither a rename nor a removal matters to it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from monitor.decode import AUTO, HEAD, TABLE, TEXT, detect
from monitor.frames import Lines
from monitor.sources.chunks import Chunk, Limits
from monitor.sources.folders import Seen
from monitor.sources.growing import Growing
from monitor.sources.marks import Mark, window_at

OVERLAP_BYTES = 512
"""Bytes that are read once more with each read: where they are others the file was written anew."""


READS = 16
"""How many reads in a row may go into one line that is longer than a chunk."""


class Rewritten(Exception):  # noqa: N818 - no error, a thing that happens to files
    """The file does not hold any more what was read of it: it was truncated, and perhaps has grown since."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the lines of a file are taken: format (or `auto`), most lines of a batch, sizes."""

    format: str
    lines: int
    limits: Limits


class Followed:
    """Reads a file that grows, from a position on.

    Args:
        partition: what its records belong to.
        seen: where it was found.
        descriptor: of the open file; closed with this.
        mark: where to begin.
        generation: under which the partition was claimed.
        now: seconds of the stopwatch.

    Attributes:
        seen: where it is by now, or was at last.
        gone: since when no pattern leads to it any more; None while one does.
        grown: when there was last something new.
        size: bytes of the file, as of the last look.
        removed: whether it has no name any more.
    """

    def __init__(
        self,
        partition: str,
        seen: Seen,
        descriptor: int,
        mark: Mark,
        shape: Shape,
        *,
        generation: int,
        now: float,
    ) -> None:
        self.partition = partition
        self.seen = seen
        self.generation = generation
        self.gone: float | None = None
        self.grown = now
        self.inode = mark.inode
        self.format = "" if shape.format == AUTO else shape.format
        self._descriptor = descriptor
        self._shape = shape
        self._since = mark.changed
        self._written = 0
        self._window = window_at(descriptor, mark.byte)
        self._last = os.pread(descriptor, OVERLAP_BYTES, max(0, mark.byte - OVERLAP_BYTES))[
            : min(mark.byte, OVERLAP_BYTES)
        ]
        self._lines = Growing(partition, shape.limits, lines=shape.lines, line=mark.line, byte=mark.byte)
        self.size = mark.byte
        self.removed = False
        self.mark = mark

    @property
    def waiting(self) -> bool:
        """Whether there are lines to be handed over, as of the last look."""
        return self._lines.more or self.size > self._lines.fed

    @property
    def unread(self) -> int:
        """Bytes that were there at the last look and are not read yet."""
        return max(0, self.size - self._lines.fed)

    @property
    def unfinished(self) -> bool:
        """Whether a line waits for its end."""
        return self._lines.unfinished

    def look(self, now: float, *, closely: bool = False) -> None:
        """See how large the file is.

        Args:
            now: seconds of the stopwatch.
            closely: look at what was read of it too, even where its time of change is the same.

        Raises:
            Rewritten: it is smaller than what was read of it, or says something else.
        """
        found = os.fstat(self._descriptor)
        if found.st_size < self._lines.fed:
            raise Rewritten
        touched = closely or found.st_mtime_ns != self._written
        if touched and found.st_size == self._lines.fed and not self._intact():
            raise Rewritten
        if found.st_size != self.size:
            self.size, self.grown = found.st_size, now
        self._written = found.st_mtime_ns
        self.removed = not found.st_nlink

    def read(self) -> Chunk | None:
        """The next whole lines; None where there are none, or a very long one is not over yet.

        Raises:
            Rewritten: what was read before does not stand there any more.
        """
        chunk = self._lines.take()
        for _ in range(READS):
            if chunk is not None or self.size <= self._lines.fed:
                break
            self._feed()
            chunk = self._lines.take()
        return self._taken(chunk)

    def finish(self) -> Chunk | None:
        """What waits for its end, as it is: that will not come."""
        return self._taken(self._lines.take(end=True))

    def end(self) -> Chunk:
        """The last of it: the file is gone, or is another one now, and its inode means nothing any more."""
        chunk = self.finish()
        self.mark = replace(self.mark, inode=0)
        return chunk or Chunk(range(0), self.mark.line, Lines(b""))

    def _feed(self) -> None:
        known = len(self._last)
        data = os.pread(self._descriptor, known + self._shape.limits.chunk, self._lines.fed - known)
        if data[:known] != self._last or not self._window.begins(self._descriptor):
            raise Rewritten
        self._lines.feed(data[known:])
        self._last = data[-OVERLAP_BYTES:]
        self.size = max(self.size, self._lines.fed)

    def begins_like(self, descriptor: int, size: int) -> bool:
        """Whether another file, of so many bytes, says what this one says at its beginning."""
        length = min(size, HEAD)
        return os.pread(self._descriptor, length, 0) == os.pread(descriptor, length, 0)

    def _intact(self) -> bool:
        """Whether what was read last, and what stands first, is still there."""
        known = len(self._last)
        last = os.pread(self._descriptor, known, self._lines.fed - known)
        return last == self._last and self._window.begins(self._descriptor)

    def _taken(self, chunk: Chunk | None) -> Chunk | None:
        if chunk is not None and isinstance(chunk.payload, Lines):
            self._window.passed(chunk.payload.data, torn=bool(chunk.rejects))
            lines = self._lines
            self.mark = self._window.mark(self.inode, lines.byte, lines.line, self._since)
        return chunk

    def detect(self) -> str:
        """The file's format by its first bytes, once there are some."""
        if not self.format:
            try:
                head = os.pread(self._descriptor, HEAD, 0)
            except OSError:
                return ""  # the next batch asks again
            found = detect(head, Path(self.seen.path).name) if head else ""
            self.format = TEXT if found == TABLE else found
        return self.format

    def opened_again(self) -> int:
        """Another descriptor of the file."""
        return os.dup(self._descriptor)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)
