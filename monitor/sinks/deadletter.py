"""Dead letters as lines of JSON in a file that is rotated by size."""

from __future__ import annotations

import errno
import json
import os
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from monitor.errors import DeadLetterError, SettingsError
from monitor.model import Reject


def line_of(reject: Reject, namespace: str) -> bytes:
    """One dead letter: where the record is, why it became no event, length and outline; never its text."""
    told = {
        "namespace": namespace,
        "partition": reject.partition,
        "offset": reject.offset,
        "reason": reject.reason,
        "length": reject.length,
        "sample": reject.sample,
    }
    return json.dumps(told, ensure_ascii=True).encode()


class DeadLetterFile:
    """`monitor.ports.DeadLetters` in a file; full ones are called `.1`, `.2` and so on, `.1` the newest.

    Args:
        path: the file; its folder must exist. It is opened for every flush, so it may be moved away.
        max_bytes: size that no file exceeds, save one with a single longer line.
        keep: full files that stay; older ones go.
        discarded: told how many letters went with one of those.

    Raises:
        SettingsError: it cannot be written.
    """

    name = "file"

    def __init__(
        self, path: Path, namespace: str, *, max_bytes: int, keep: int, discarded: Callable[[int], None]
    ) -> None:
        self._path = path
        self._namespace = namespace
        self._max_bytes = max_bytes
        self._keep = keep
        self._discarded = discarded
        self._lines: deque[bytes] = deque()
        check_file(path)
        try:
            os.close(self._open())
        except OSError as error:
            raise _unwritable(path, error.strerror) from error

    def put(self, rejects: Iterable[Reject]) -> int:
        """Keep them for the next flush; returns how many bytes wait."""
        self._lines.extend(line_of(reject, self._namespace) + b"\n" for reject in rejects)
        return sum(map(len, self._lines))

    def flush(self) -> int:
        """Write what waits, down to the disk; returns how many letters that were.

        Raises:
            DeadLetterError: it could not all be written; the rest still waits.
        """
        written = 0
        try:
            while self._lines:
                written += self._write_some()
        except OSError as error:
            raise DeadLetterError(
                f"dead letters: {self._path} cannot be written ({error.strerror}); make room, or give this "
                "user the right to write it: nothing is read on until then"
            ) from error
        return written

    def close(self) -> None:
        """Nothing is held open."""

    def _write_some(self) -> int:
        """Lines up to the size of one file, all of them or none."""
        file = self._open()
        try:
            size = os.fstat(file).st_size
            torn = bool(size) and os.pread(file, 1, size - 1) != b"\n"  # a crash in the middle of a line
            some = self._fitting(self._max_bytes - size - torn)
            if not some and size:
                self._rotate()
                return 0
            some = some or [self._lines[0]]
            try:
                _write(file, b"\n" * torn + b"".join(some))
            except OSError:
                with suppress(OSError):
                    os.ftruncate(file, size)
                raise
        finally:
            os.close(file)
        for _ in some:
            self._lines.popleft()
        return len(some)

    def _fitting(self, room: int) -> list[bytes]:
        some = []
        for line in self._lines:
            room -= len(line)
            if room < 0:
                break
            some.append(line)
        return some

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _rotate(self) -> None:
        """Move every file on by one; the oldest goes, counted."""
        names = [self._path, *(Path(f"{self._path}.{n}") for n in range(1, self._keep + 1))]
        if names[-1].exists():
            with names[-1].open("rb") as oldest:
                gone = sum(1 for _ in oldest)
            names[-1].unlink()
            self._discarded(gone)
        for older, newer in zip(reversed(names[1:]), reversed(names[:-1]), strict=True):
            if newer.exists():
                newer.rename(older)


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
    os.fsync(file)


def check_file(path: Path) -> None:
    """See that dead letters could go there, and leave nothing behind.

    Raises:
        SettingsError: they could not.
    """
    if path.exists() and not path.is_file():
        raise _unwritable(path, os.strerror(errno.EISDIR if path.is_dir() else errno.EINVAL))
    if not path.absolute().parent.is_dir():
        raise _unwritable(path, os.strerror(errno.ENOENT))
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise _unwritable(path, os.strerror(errno.EACCES))


def _unwritable(path: Path, why: str | None) -> SettingsError:
    return SettingsError(
        f"dead_letters.file: {path} cannot be written ({why}); name a file in a folder that exists and that "
        "this user may write in"
    )
