"""Lines out of bytes that come bit by bit: of a file that grows, of a pipe."""

from __future__ import annotations

import io
from itertools import islice, takewhile

from monitor.decode.reasons import TOO_LONG, shape
from monitor.frames import Lines
from monitor.model import Reject
from monitor.sources.chunks import MAX_LINES, Chunk, Limits

_SHAPED = 200


class Growing:
    """Gathers bytes and gives away whole lines; what follows the last line feed waits for its rest.

    Args:
        partition: for rejects.
        limits: `record` bytes is the longest line taken, its line feed not counted; what is longer is a
            reject, and never held whole. `chunk` is not asked: whoever feeds decides how much that is.
        lines: most lines of a chunk.
        line: number of the line that begins with the first byte fed.
        byte: where in the file, or the pipe, that is.

    Attributes:
        line: number of the first line not yet given away.
        byte: where it begins.
        more: whether the last `take` left whole lines.
    """

    def __init__(
        self, partition: str, limits: Limits, *, lines: int = MAX_LINES, line: int = 0, byte: int = 0
    ) -> None:
        self._partition = partition
        self._longest = limits.record
        self._lines = lines
        self._pieces: list[bytes] = []
        self._held = 0
        self._skipped = 0
        self._sample = b""
        self._rejects: list[Reject] = []
        self.line = line
        self.byte = byte
        self.more = False

    @property
    def fed(self) -> int:
        """Where the next byte to be fed stands."""
        return self.byte + self._skipped + self._held

    @property
    def unfinished(self) -> bool:
        """Whether something waits, be it for its rest."""
        return self._held + self._skipped > 0

    def feed(self, data: bytes) -> None:
        """Take in what follows."""
        if data:
            self._pieces.append(data)
            self._held += len(data)

    def take(self, *, end: bool = False) -> Chunk | None:
        """Whole lines, as many as there are and fit; None where there are none.

        Args:
            end: nothing will follow: what has no line feed is a line all the same.
        """
        data = self._joined()
        if self._skipped:
            data = self._skip(data, end=end)
        whole = len(data) if end else data.rfind(b"\n") + 1
        lines = list(islice(io.BytesIO(data[:whole]), self._lines))
        sizes = list(map(len, lines))
        if max(sizes, default=0) > self._longest:  # perhaps by its line feed alone
            fits = (len(line.removesuffix(b"\n")) <= self._longest for line in lines)
            sizes = [size for size, _ in takewhile(lambda one: one[1], zip(sizes, fits, strict=True))]
        taken = sum(sizes)
        self.more = taken < whole
        chunk = self._chunk(data[:taken], len(sizes))
        self._keep(data[taken:])
        if chunk is None and self._held > self._longest:
            return self._too_long(end=end)
        return chunk

    def _chunk(self, data: bytes, lines: int) -> Chunk | None:
        if not lines and not self._rejects:
            return None
        first, rejects = self.line, tuple(self._rejects)
        self._rejects.clear()
        self.line += lines
        self.byte += len(data)
        return Chunk(range(first, self.line), self.line, Lines(data), rejects)

    def _too_long(self, *, end: bool) -> Chunk | None:
        """Begin to skip the line that stands first; it may be over already."""
        self._sample = self._pieces[0][:_SHAPED]
        if (rest := self._skip(self._joined(), end=end)) or self._rejects:
            self._keep(rest)
            return self.take(end=end)
        return None

    def _skip(self, data: bytes, *, end: bool) -> bytes:
        """Let go of the line being skipped; returns what follows it."""
        if self._sample == b"":
            self._sample = data[:_SHAPED]
        stop = data.find(b"\n")
        length = self._skipped + (len(data) if stop < 0 else stop)
        if stop < 0 and not end:
            self._skipped = length
            self._keep(b"")
            return b""
        outline = shape(self._sample.decode("ascii", "replace"))
        self._rejects.append(Reject(self._partition, self.line, TOO_LONG, length, outline))
        self.line += 1
        self.byte += length + (stop >= 0)
        self._skipped, self._sample = 0, b""
        self._keep(b"")
        return data[stop + 1 :] if stop >= 0 else b""

    def _joined(self) -> bytes:
        data = b"".join(self._pieces) if len(self._pieces) != 1 else self._pieces[0]
        self._keep(data)
        return data

    def _keep(self, data: bytes) -> None:
        self._pieces = [data] if data else []
        self._held = len(data)
