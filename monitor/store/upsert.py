"""Insert or update, the one statement that SQLAlchemy spells per database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Rows = list[dict[str, Any]]


def replace(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert the rows; where the key is there already, the columns given are set anew."""
    if rows:
        statement = _insert(connection, table)
        keys = [column.name for column in table.primary_key]
        fresh = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        upsert = statement.on_conflict_do_update(index_elements=keys, set_=fresh)
        compiled = upsert.compile(connection, column_keys=list(rows[0]))
        if compiled.positiontup is None:
            connection.execute(upsert, rows)
        else:
            # SQLAlchemy's own handling of parameters costs as much again as the database's work.
            connection.exec_driver_sql(
                compiled.string, [tuple(map(row.__getitem__, compiled.positiontup)) for row in rows]
            )


def add_up(connection: Connection, table: Table, column: str, rows: Rows) -> None:
    """Insert the rows; where the key is there already, `column` grows by what the row says."""
    if rows:
        statement = _insert(connection, table)
        keys = [key.name for key in table.primary_key]
        total = {column: table.c[column] + statement.excluded[column]}
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=total), rows)


def leave(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert the rows; where the key is there already, what is there stays."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), rows)


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    postgres = connection.dialect.name == "postgresql"
    return postgresql.insert(table) if postgres else sqlite.insert(table)
