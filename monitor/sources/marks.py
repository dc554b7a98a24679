"""What a followed file is recognised by, whatever it is called by now: its inode, and what was read of it.

Inodes are used again, and names change hands. So a file is only taken for the one whose position is stored
when it begins with the same bytes, and when the same bytes stand before the position. A file of another inode
that says the same is a copy of it (`copytruncate`, a file put back), and reading goes on there.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from monitor.model import Checkpoint

PROOF_BYTES = 512
"""First bytes of a file, and last ones before the position, that must be the same."""

COPY_BYTES = 64
"""Of fewer bytes read nothing is taken for a copy: short beginnings are alike by chance."""

_FORM = "followed"


@dataclass(frozen=True, slots=True)
class Mark:
    """A file as it was when it was last read.

    Attributes:
        inode: of the file.
        byte: up to where it was read.
        line: how many lines that are.
        head, tail: length and digest of its first bytes, and of those before `byte`, `512:9f86…`.
        changed: when the file had last been written to when it was first seen, nanoseconds since the epoch.
    """

    inode: int
    byte: int
    line: int
    head: str
    tail: str
    changed: int = 0

    def checkpoint(self, plan: str) -> Checkpoint:
        """As the store keeps it: the position is a line number, as in archived files, `size` its byte."""
        head = ":".join((_FORM, str(self.inode), str(self.changed), self.head, self.tail))
        return Checkpoint(self.line, plan, head, self.byte)

    def in_file(self, descriptor: int) -> bool:
        """Whether an open file holds all that was read.

        Raises:
            OSError: it cannot be read, so that nobody knows.
        """
        length = _length(self.tail)
        before = os.pread(descriptor, length, self.byte - length)
        return self.begins(descriptor) and self.tail == _digest(before)

    def begins(self, descriptor: int) -> bool:
        """Whether an open file begins as this one did."""
        return self.head == _digest(os.pread(descriptor, self.head_bytes, 0))

    @property
    def head_bytes(self) -> int:
        """How many of the first bytes are known."""
        return _length(self.head)


def mark_of(checkpoint: Checkpoint) -> Mark | None:
    """The mark that a checkpoint of a followed file holds; None where it is of something else."""
    form, *parts = checkpoint.head.split(":")
    if form != _FORM or len(parts) != 6:
        return None
    inode, changed, *digests = parts
    head, tail = ":".join(digests[:2]), ":".join(digests[2:])
    return Mark(int(inode), checkpoint.size, checkpoint.next_position, head, tail, int(changed))


class Window:
    """The bytes that a mark is made of, kept while a file is read.

    Args:
        head: the file's first bytes, as many as were read, PROOF_BYTES at most.
        tail: those before the position.
    """

    def __init__(self, head: bytes = b"", tail: bytes = b"") -> None:
        self._head = head[:PROOF_BYTES]
        self._tail = tail[-PROOF_BYTES:]
        self._whole = True

    def passed(self, data: bytes, *, torn: bool) -> None:
        """The position moved past `data`, before which, if `torn`, something stood that was not kept."""
        if torn:
            self._whole, self._tail = False, b""
        if self._whole and len(self._head) < PROOF_BYTES:
            self._head = (self._head + data[:PROOF_BYTES])[:PROOF_BYTES]
        self._tail = (self._tail + data[-PROOF_BYTES:])[-PROOF_BYTES:]

    def begins(self, descriptor: int) -> bool:
        """Whether an open file still begins with the known first bytes."""
        return os.pread(descriptor, len(self._head), 0) == self._head

    def mark(self, inode: int, byte: int, line: int, changed: int) -> Mark:
        """The mark of this position."""
        return Mark(inode, byte, line, _digest(self._head), _digest(self._tail), changed)


def window_at(descriptor: int, byte: int) -> Window:
    """The window of a position in an open file."""
    length = min(byte, PROOF_BYTES)
    return Window(os.pread(descriptor, length, 0), os.pread(descriptor, length, byte - length))


def _digest(data: bytes) -> str:
    return f"{len(data)}:{hashlib.sha256(data).hexdigest()[:32]}"


def _length(digest: str) -> int:
    return int(digest.partition(":")[0])
