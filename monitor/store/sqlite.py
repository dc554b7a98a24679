"""SQLite: one file, one instance that writes. Its connections, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from monitor.store.cures import Cure

CURES = (
    Cure("not a database", "it is no SQLite database; name another file, or restore it from a backup"),
    Cure(
        "malformed", "the file is damaged; restore it from a backup, or move it away and replay the archive"
    ),
    Cure(
        "is locked",
        "another process kept it busy for {busy} s; stop that process or name another store",
        passes=True,
    ),
    Cure("readonly", "it cannot be written; give this user the right to write the file and its folder"),
    Cure(
        "unable to open",
        "it cannot be opened; check that the folder exists and that this user may write in it",
    ),
    Cure("is full", "the disk is full; make room, nothing of this turn was stored", passes=True),
    Cure("disk I/O", "the disk failed or is full; nothing of this turn was stored"),
)


def open_engine(url: URL, busy_seconds: float) -> Engine:
    """The engine of a file; it and its folder are made where they are absent, the file for its owner only."""
    if not url.query and url.database:
        file = Path(url.database)
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            # SQLite gives what it puts beside the file the same mode. Where it cannot be made SQLite says so.
            with suppress(OSError):
                os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
    # Parameters stay out of messages: they are redacted already, and still nobody's business.
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": busy_seconds})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    """Transactions are begun by `_begin`, not by the driver, which would begin them at the first change."""
    connection.isolation_level = None
    # With WAL, NORMAL may lose the last turns when the power fails, never half of one; they are read again.
    pragmas = ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "temp_store = MEMORY")
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    """A transaction that reads and then writes must lock first, or it fails when another came between."""
    options: dict[str, Any] = dict(connection.get_execution_options())
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")
