"""Opening the database: transactions, schema steps, and errors that say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from monitor.errors import StoreAwayError, StoreError
from monitor.store import postgresql, sqlite
from monitor.store.schema import HEAD

BUSY_SECONDS = 30
"""How long a writer waits for another process that is writing."""

_MIGRATIONS = Path(__file__).parent / "migrations"


def connect(store: str | Path, password_file: Path | None = None) -> tuple[Engine, str]:
    """The engine of a file or a URL, its schema up to date, and the name to call it in messages.

    Args:
        store: a file, or a `sqlite:///` or `postgresql://` URL.
        password_file: holds the password of a server, where the URL has none.

    Raises:
        StoreError: the database cannot be opened, is something else, or was written by a newer privwatch.
    """
    try:
        named = str(store)
        url = make_url(named) if "://" in named else URL.create("sqlite", database=named)
    except (ArgumentError, ValueError):
        # The cause would show the URL, and with it a password.
        raise StoreError(
            "the store's URL cannot be read; write a file name, sqlite:///file or postgresql://user@host/database"
        ) from None
    place = named_in_messages(url)
    with guarded(place):
        engine = _engine(url, place, password_file)
        try:
            _migrate(engine, place)
        except BaseException:
            engine.dispose()
            raise
    return engine, place


def named_in_messages(url: URL) -> str:
    """The file, or the server's address without secrets."""
    if url.get_backend_name() == "sqlite":
        return url.database or url.render_as_string()
    scheme = url.get_backend_name()
    return URL.create(scheme, url.username, None, url.host, url.port, url.database).render_as_string()


def _engine(url: URL, place: str, password_file: Path | None) -> Engine:
    match url.drivername:
        case "sqlite" if url.database and url.database != ":memory:":
            return sqlite.open_engine(url, BUSY_SECONDS)
        case "postgresql" | "postgres" | "postgresql+psycopg":
            return postgresql.open_engine(url, password_file)
    raise StoreError(
        f"{place}: privwatch stores in a SQLite file or in PostgreSQL; "
        "write a file name, sqlite:///file or postgresql://user@host/database"
    )


@contextmanager
def writing(engine: Engine, place: str, name: str) -> Iterator[Connection]:
    """One transaction that holds the lock of `name` from its start; all of it is stored or nothing."""
    with guarded(place), engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            postgresql.lock(connection, name, BUSY_SECONDS)
        yield connection


@contextmanager
def reading(engine: Engine, place: str) -> Iterator[Connection]:
    """One transaction that sees the store as it is now, while others go on writing."""
    with guarded(place), engine.begin() as connection:
        yield connection


@contextmanager
def standing(engine: Engine, place: str) -> Iterator[Connection]:
    """One transaction in which every statement sees the same state of the store, whatever others write."""
    with reading(engine, place) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield connection


@contextmanager
def guarded(place: str) -> Iterator[None]:
    """Turn what a database says into a StoreError that names the place and the cure."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        broken = isinstance(error, DBAPIError) and error.connection_invalidated
        sqlstate = getattr(cause, "sqlstate", None)
        said = _said(cause)
        found = next((c for c in (*sqlite.CURES, *postgresql.CURES) if c.sign in said), None)
        passes = found.passes if found else broken or postgresql.passes(sqlstate) or _unreached(error)
        cure = found.cure.format(busy=BUSY_SECONDS) if found else said
        raise (StoreAwayError if passes else StoreError)(f"store {place}: {cure}") from error


def _unreached(error: Exception) -> bool:
    """Whether a server was never spoken to: then there is no SQLSTATE."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    return type(cause).__name__ in {"OperationalError", "ConnectionTimeout"} and hasattr(cause, "sqlstate")


def _said(cause: BaseException | None) -> str:
    """The message in one line, without the details in which PostgreSQL shows rows."""
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    primary = getattr(getattr(cause, "diag", None), "message_primary", None)
    return " ".join(str(primary or cause).split())


def _migrate(engine: Engine, place: str) -> None:
    """Bring the schema to HEAD; two processes that open at once take turns."""
    with engine.begin() as connection:
        if _revision(connection, place) == HEAD:
            return
    with writing(engine, place, "schema") as connection:
        revision = _revision(connection, place)
        if revision != HEAD:
            _upgrade(connection, revision, place)


def _revision(connection: Connection, place: str) -> str | None:
    """Revision of the schema; None where the database is empty."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables and "violation" in tables:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if tables:
        other = "file" if connection.dialect.name == "sqlite" else "database"
        raise StoreError(f"store {place}: this database belongs to another program; name another {other}")
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
