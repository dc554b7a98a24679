"""Opening the database: connections, transactions, schema steps, and errors that say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from monitor.errors import StoreError
from monitor.store.schema import HEAD

BUSY_SECONDS = 30
"""How long a writer waits for another process that is writing."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_CURES = (
    ("not a database", "it is no SQLite database; name another file, or restore it from a backup"),
    ("malformed", "the file is damaged; restore it from a backup, or move it away and replay the archive"),
    (
        "is locked",
        f"another process kept it busy for {BUSY_SECONDS} s; stop that process or name another store",
    ),
    ("readonly", "it cannot be written; give this user the right to write the file and its folder"),
    (
        "unable to open",
        "it cannot be opened; check that the folder exists and that this user may write in it",
    ),
    ("is full", "the disk is full; make room and start again, nothing of this turn was stored"),
    ("disk I/O", "the disk failed or is full; nothing of this turn was stored"),
)


def connect(store: str | Path) -> tuple[Engine, str]:
    """The engine of a file or a `sqlite:///` URL, its schema up to date, and the name to call it in messages.

    Raises:
        StoreError: the database cannot be opened, is something else, or was written by a newer privwatch.
    """
    try:
        named = str(store)
        url = make_url(named) if "://" in named else URL.create("sqlite", database=named)
    except ArgumentError as error:
        raise StoreError("the store's URL cannot be read; write a file name or sqlite:///file") from error
    place = url.database or url.render_as_string()
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        shown = url.render_as_string(hide_password=True)
        raise StoreError(
            f"{shown}: this release stores in a SQLite file; write a file name or sqlite:///file"
        )
    with guarded(place):
        if not url.query:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        # Parameters stay out of messages: they are redacted already, and still nobody's business.
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        _migrate(engine, place)
    return engine, place


@contextmanager
def writing(engine: Engine, place: str) -> Iterator[Connection]:
    """One transaction that holds the write lock from its start; all of it is stored or nothing."""
    with guarded(place), engine.execution_options(writes=True).begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine, place: str) -> Iterator[Connection]:
    """One transaction that sees the store as it is now, while others go on writing."""
    with guarded(place), engine.begin() as connection:
        yield connection


@contextmanager
def guarded(place: str) -> Iterator[None]:
    """Turn what a database says into a StoreError that names the place and the cure."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        said = cause.strerror if isinstance(cause, OSError) else str(cause)
        cure = next((cure for sign, cure in _CURES if sign in str(said)), str(said))
        raise StoreError(f"store {place}: {cure}") from error


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


def _migrate(engine: Engine, place: str) -> None:
    """Bring the schema to HEAD; two processes that open at once take turns."""
    with engine.begin() as connection:
        if _revision(connection, place) == HEAD:
            return
    with writing(engine, place) as connection:
        revision = _revision(connection, place)
        if revision != HEAD:
            _upgrade(connection, revision, place)


def _revision(connection: Connection, place: str) -> str | None:
    """Revision of the schema; None where the database is empty."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if tables:
        raise StoreError(f"store {place}: this SQLite database belongs to another program; name another file")
    return None


def _upgrade(connection: Connection, revision: str | None, place: str) -> None:
    """Run the missing steps inside the caller's transaction."""
    # Alembic is slow to import, and a store that is up to date does not need it.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise StoreError(
            f"store {place}: written by a newer privwatch (schema {revision}, this one knows {HEAD}); "
            "update privwatch or name another store"
        )
    command.upgrade(config, HEAD)
