"""One daemon to a namespace of a SQLite file: two would take each other's partitions, over and over.

The lock is the operating system's, on a file of its own beside the store: it goes with the process, however
that ends. SQLite's own locks are on the store's file, and closing it once more would let go of them.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Final
from urllib.parse import quote

from monitor.clock import Clock, SystemClock
from monitor.errors import StoreError

log = logging.getLogger(__name__)

WAIT_SECONDS: Final = 15.0
"""For one that is about to end: that takes ten seconds at most."""
_AGAIN_SECONDS: Final = 0.2


@contextmanager
def alone(place: str, namespace: str, clock: Clock | None = None) -> Iterator[None]:
    """Hold the lock of a SQLite file's namespace; of a server's address there is none to hold.

    Args:
        place: as the store calls itself.
        namespace: those of others are theirs.
        clock: the system's, unless a test brings another.

    Raises:
        StoreError: another daemon runs on it and does not end, or the lock's file cannot be written.
    """
    if "://" in place:
        yield
        return
    # Whatever the file is called by each: it is one.
    path = Path(f"{Path(place).resolve()}.{quote(namespace, safe='')}.lock")
    try:
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"store {place}: {path} cannot be written ({error.strerror}); give this user the right to"
        ) from error
    with file:
        _wait(file, place, namespace, clock or SystemClock())
        file.seek(0)
        file.truncate()
        # For people, and for the message of whoever comes second.
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _wait(file: TextIOWrapper, place: str, namespace: str, clock: Clock) -> None:
    until, told = clock.monotonic() + WAIT_SECONDS, False
    while not _locked(file):
        file.seek(0)
        other = f"another daemon (process {file.read(20).strip() or 'unknown'}) runs on namespace {namespace}"
        if clock.monotonic() >= until:
            raise StoreError(
                f"store {place}: {other}; stop that one, or name another store or namespace; several at once"
                " need PostgreSQL (docs/operations.md)"
            )
        if not told:
            log.warning("store %s: %s; its end is waited for, %g s", place, other, WAIT_SECONDS)
            told = True
        clock.sleep(_AGAIN_SECONDS)


def _locked(file: TextIOWrapper) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
