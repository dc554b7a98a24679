"""PostgreSQL through psycopg 3: one database, many instances that write. Connections, locks, errors.

Everything that writes a namespace takes turns: a transaction starts with an advisory lock of the namespace. A
violation is the merge of what several partitions say, so two instances often write the same row.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.exc import NoSuchModuleError

from monitor.errors import StoreError
from monitor.store.cures import Cure

CONNECT_SECONDS = 10
"""How long a connection may take to come about."""
SILENT_SECONDS = 30
"""A server that says nothing for so long is gone. A writer that does is cut off by the server."""

CURES = (
    Cure(
        "password authentication failed",
        "the server refuses this user or password; check `store` and `store_password_file` in the settings",
    ),
    Cure(
        "no password supplied",
        "the server wants a password; name a file that holds it in `store_password_file`, or set PGPASSWORD",
    ),
    Cure("pg_hba.conf", "the server lets no such user in from here; ask its administrator (pg_hba.conf)"),
    Cure("does not exist", "there is no such database, user or table; create it, or name another in `store`"),
    Cure("permission denied", "this user may not do that; it needs a schema in which it may create tables"),
    Cure(
        "read-only transaction",
        "the server only reads, as a standby does; name the primary in `store`",
        passes=True,
    ),
    Cure("Connection refused", "no server answers; check host and port, and that it runs", passes=True),
    Cure(
        "No such file or directory", "no server answers; check host and port, and that it runs", passes=True
    ),
    Cure("resolve host", "its host has no address; check the host's name and the DNS", passes=True),
    Cure("lock timeout", "another process kept it busy for {busy} s; see pg_stat_activity", passes=True),
    Cure(
        "No space left", "the server's disk is full; make room, nothing of this turn was stored", passes=True
    ),
)
_PASSING_CLASSES = ("08", "40", "53", "55", "57")
"""SQLSTATE classes: connection, transaction rolled back, resources, object in use, operator intervention."""


def open_engine(url: URL, password_file: Path | None) -> Engine:
    """The engine of a `postgresql://` URL.

    Raises:
        StoreError: the driver is not installed, or the password cannot be read.
    """
    if password_file is not None:
        url = url.set(password=_password(password_file))
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            isolation_level="READ COMMITTED",
            # A connection that broke while nobody used it is made anew before a transaction begins.
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": CONNECT_SECONDS,
                "application_name": "privwatch",
                "keepalives_idle": SILENT_SECONDS // 2,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": SILENT_SECONDS * 1000,
            },
        )
    except (ImportError, NoSuchModuleError) as error:
        raise StoreError(
            "PostgreSQL needs a driver that is not installed; run: pip install 'privwatch[postgresql]'"
        ) from error


def lock(connection: Connection, name: str, busy_seconds: float) -> None:
    """Wait for the others that write under this name; held until the transaction ends."""
    key = int.from_bytes(hashlib.sha256(f"privwatch {name}".encode()).digest()[:8], signed=True)
    # One round trip. A process that stands still in the midst of its turn must not stop all others. Plans are
    # made anew for every statement: the check of a foreign key, planned once while its table was tiny, would
    # keep to reading all of a namespace for every row (10,000 new violations took 14 s in place of 1.1 s).
    connection.exec_driver_sql(
        f"SET LOCAL lock_timeout = {round(busy_seconds * 1000)};"
        f"SET LOCAL idle_in_transaction_session_timeout = {SILENT_SECONDS * 1000};"
        "SET LOCAL plan_cache_mode = force_custom_plan;"
        f"SELECT pg_advisory_xact_lock({key})"
    )


def passes(sqlstate: str | None) -> bool:
    """Whether the server names a state of its own, not of the statement, which trying again may overcome."""
    return sqlstate is not None and sqlstate[:2] in _PASSING_CLASSES


def _password(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise StoreError(f"{file}: the store's password cannot be read: {why}") from error
