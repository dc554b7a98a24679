"""A store as an earlier release left it: the schema of one of the steps, and what rows it had room for."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, MetaData, insert, make_url, select

from monitor.store import database
from monitor.store.schema import HEAD, metadata

REVISIONS = [f"{number:04}" for number in range(1, int(HEAD))]
"""Of every step but the newest."""


def make(store: str | Path, revision: str, rows_of: Path) -> set[str]:
    """Make `store` as of that revision, with the rows of the store `rows_of`; returns the tables it has."""
    engine, _ = database.connect(rows_of)
    with engine.begin() as connection:
        rows = {name: _rows(connection, name) for name in metadata.tables}
    engine.dispose()
    url = make_url(store) if isinstance(store, str) else URL.create("sqlite", database=str(store))
    engine = database._engine(url, "older", None)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(database._MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        there = MetaData()
        there.reflect(connection)
        for table in there.sorted_tables:
            # The database numbers rows itself: it must know which numbers are taken.
            names = [c.name for c in table.columns if (table.name, c.name) != ("window_segment", "id")]
            if kept := [{name: row[name] for name in names} for row in rows.get(table.name, [])]:
                connection.execute(insert(table), kept)
    engine.dispose()
    return set(there.tables)


def _rows(connection: Connection, name: str) -> list[dict[str, object]]:
    return [dict(row) for row in connection.execute(select(metadata.tables[name])).mappings()]
