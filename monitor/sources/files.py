"""Files of an archive: which they are, who they are, and their bytes, decompressed."""

from __future__ import annotations

import codecs
import glob
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import pyarrow as pa

from monitor.errors import InputError
from monitor.model import Checkpoint
from monitor.printable import path_text

HEAD_BYTES = 512
"""First bytes that tell one file from another of the same name."""

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_UTF16, _UTF32 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE), codecs.BOM_UTF32_LE
_READ = 262_144
_GLOB_SIGNS = "*?["


class DamagedError(Exception):
    """A compressed file that cannot be read from here on."""


@dataclass(frozen=True, slots=True)
class Archived:
    """One file, recognised by its first bytes.

    Attributes:
        path: absolute.
        partition: path, `#` and the first 8 hex digits of the SHA-256 of the first bytes; where the store
            knows the file, the name it has there.
        head: length and SHA-256 of the first bytes, `512:9f86…`.
        size: bytes on disk.
        position: line or row to begin at.
    """

    path: Path
    partition: str
    head: str
    size: int
    position: int = 0


def expand(patterns: Iterable[str | Path]) -> list[Path]:
    """Absolute paths of the files named by paths, globs (`**` goes into folders) and folders, each once.

    A folder means every file in it and below, in order of path, except those hidden by a leading dot.

    Raises:
        InputError: a pattern names nothing, or something that is no file, or a folder that cannot be read.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        try:
            files = _matching(Path(pattern))
        except OSError as error:
            raise unreadable(Path(pattern), error) from error
        if not files:
            raise InputError(f"{pattern}: {_nothing(Path(pattern))}")
        found.update(dict.fromkeys(files))
    return list(found)


def _matching(path: Path) -> list[Path]:
    absolute = path.expanduser().absolute()
    if absolute.is_dir():
        return sorted(file for file in _below(absolute) if file.is_file())
    if absolute.is_file():
        return [absolute]
    if absolute.exists():
        raise InputError(f"{path}: neither a file nor a folder; write what it gives into a file first")
    if any(sign in str(path) for sign in _GLOB_SIGNS):
        matches = map(Path, glob.iglob(str(absolute), recursive=True))  # noqa: PTH207 - the pattern is absolute
        return sorted(file for file in matches if file.is_file())
    return []


def _nothing(path: Path) -> str:
    if path.expanduser().is_dir():
        return "the folder holds no file; check the path (files hidden by a leading dot are left out)"
    if any(sign in str(path) for sign in _GLOB_SIGNS):
        return "no file matches; check the pattern, and quote it for the shell"
    return "no file of that name; check the path"


def _below(folder: Path) -> Iterator[Path]:
    """What lies in a folder and below it, but for what is hidden.

    A folder that cannot be read is an error: a replay that passes over it says that all is well in there.
    """

    def refuse(error: OSError) -> None:
        raise unreadable(Path(error.filename or folder), error) from error

    for base, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(base, name) for name in names if not name.startswith("."))


def identify(path: Path, checkpoints: Mapping[str, Checkpoint]) -> Archived:
    """A file's name as a partition, and where to begin in it.

    The file the store knows is the one of the same path whose first bytes are those the store remembers, as
    many as it then had; it may have grown. Any other content is a new partition.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise unreadable(path, error) from error
    name = path_text(path)
    for partition, known in checkpoints.items():
        if (
            partition.startswith(f"{name}#")
            and known.size <= size
            and known.head == _digest(head, known.head)
        ):
            return Archived(path, partition, known.head, size, known.next_position)
    digest = hashlib.sha256(head).hexdigest()
    return Archived(path, f"{name}#{digest[:8]}", f"{len(head)}:{digest}", size)


def _digest(head: bytes, known: str) -> str:
    """The digest of as many first bytes as a known one covers."""
    length = known.partition(":")[0]
    return f"{length}:{hashlib.sha256(head[: int(length)]).hexdigest()}" if length.isdigit() else ""


def unreadable(path: Path, error: OSError) -> InputError:
    """The error for a file the system does not let us read."""
    return InputError(
        f"{path}: cannot be read ({error.strerror or error}); check the path and its permissions"
    )


class Stream(Protocol):
    """Bytes of a file, decompressed."""

    def read(self, size: int) -> bytes:
        """At most `size` bytes, empty at the end.

        Raises:
            DamagedError: nothing more can be decompressed.
        """
        ...


def compressed(head: bytes) -> bool:
    """Whether a file that begins so is compressed with gzip or zstd."""
    return head.startswith((_GZIP, _ZSTD))


def decompressed(file: IO[bytes]) -> Stream:
    """The content of an open file, as UTF-8 where it begins with the mark of UTF-16.

    Gzip and zstd are told by their first bytes, anything else is as it is.
    """
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(_UTF16) and magic != _UTF32:
        return _Utf16(file)
    if magic.startswith(_GZIP):
        return _Gzip(file)
    if magic == _ZSTD:
        return _Zstd(file)
    return file


class _Utf16:
    """UTF-16, as Windows writes logs, told by its byte order mark; read as UTF-8."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")

    def read(self, size: int) -> bytes:
        """See `Stream`; the last bytes of a file may be half a character, which becomes U+FFFD."""
        text = ""
        while not text:
            data = self._file.read(size // 2 or 1)
            text = self._decoder.decode(data, final=not data)
            if not data:
                break
        return text.encode()


class _Gzip:
    """Gzip of any number of members (RFC 1952). What was decompressed before damage is not lost."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._waiting = b""
        self._member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        self._ended = False

    def read(self, size: int) -> bytes:
        """See `Stream`."""
        data = b""
        while not data and not self._ended:
            self._waiting = self._waiting or self._file.read(_READ)
            data = self._member.flush() if not self._waiting else self._inflated(size)
            if self._member.eof:
                self._next_member()
            elif not data and not self._waiting and not self._refilled():
                raise DamagedError("the file ends in the middle of the compressed data")
        return data

    def _refilled(self) -> bool:
        self._waiting = self._file.read(_READ)
        return bool(self._waiting)

    def _inflated(self, size: int) -> bytes:
        try:
            data = self._member.decompress(self._waiting, size)
        except zlib.error as error:
            raise DamagedError(str(error)) from error
        self._waiting = self._member.unconsumed_tail
        return data

    def _next_member(self) -> None:
        """Begin what follows the end of a member; zeros may pad the file."""
        self._waiting = (self._member.unused_data or self._file.read(_READ)).lstrip(b"\0")
        self._member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        self._ended = not self._waiting


class _Zstd:
    """Zstandard of any number of frames (RFC 8878)."""

    def __init__(self, file: IO[bytes]) -> None:
        self._stream = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")

    def read(self, size: int) -> bytes:
        """See `Stream`."""
        # Damage costs what the same read gave before it, so reads are small.
        try:
            return bytes(self._stream.read(min(size, 65_536)))
        except OSError as error:
            raise DamagedError(str(error)) from error
