"""The events of one file or of standard input, for whoever wants to look at them once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from monitor.decode import AUTO, HEAD, JSON, detect
from monitor.frames import Lines, Projection, RecordBatch, Values
from monitor.model import Logsource
from monitor.sources.archive import ArchiveSource
from monitor.sources.files import expand, unreadable

ONE_RECORD = 1 << 20
"""Bytes up to which a file is tried as one pretty-printed JSON value."""


def event_batches(path: Path, format: str, projection: Projection) -> Iterator[RecordBatch]:  # noqa: A002 - the field's word
    """Records of a file, in any form an archive may have; `-` is standard input, read to its end.

    What is one JSON value on several lines is one record.

    Raises:
        InputError: the file cannot be read.
    """
    piped = str(path) == "-"
    if not piped:
        expand([path])  # a wrong name is said now, not at the first batch
    return _batches(path, format, projection, piped=piped)


def _batches(path: Path, form: str, projection: Projection, *, piped: bool) -> Iterator[RecordBatch]:
    data = sys.stdin.buffer.read() if piped else _small(path)
    if form in {AUTO, JSON} and _is_one_value(data):
        yield RecordBatch(str(path), range(1), 1, Values((data,)), format=JSON)
    elif piped:
        count = data.count(b"\n") + (data[-1:] not in {b"", b"\n"})
        form = detect(data[:HEAD], "") if form == AUTO else form
        yield RecordBatch("-", range(count), count, Lines(data), Logsource(), format=form)
    else:
        source = ArchiveSource([path], format=form, projection=projection)
        source.start({})
        while (batch := source.poll(0)) is not None:
            yield batch


def _small(path: Path) -> bytes:
    """The content of a file that may be one record, empty where it is too large for that."""
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= ONE_RECORD else b""
    except OSError as error:
        raise unreadable(path, error) from error


def _is_one_value(data: bytes) -> bool:
    if not data.lstrip().startswith((b"{", b"[")) or b"\n" not in data.strip():
        return False
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True
