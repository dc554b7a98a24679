"""Insert or update many rows, the statements that SQLAlchemy spells per database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, Connection, Table, any_, bindparam, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

Rows = list[dict[str, Any]]
_Insert = sqlite.Insert | postgresql.Insert


def replace(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert the rows; where the key is there already, the last such row sets the columns given anew."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    latest = list({tuple(map(row.__getitem__, keys)): row for row in rows}.values())
    statement = _insert(connection, table, list(rows[0]))
    fresh = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    upsert = statement.on_conflict_do_update(index_elements=keys, set_=fresh)
    if _postgres(connection):
        connection.execute(upsert, _columns(latest))
        return
    # SQLAlchemy's own handling of parameters costs as much again as the database's work.
    compiled = upsert.compile(connection, column_keys=list(rows[0]))
    names = compiled.positiontup or []
    connection.exec_driver_sql(compiled.string, [tuple(map(row.__getitem__, names)) for row in latest])


def add_up(connection: Connection, table: Table, column: str, rows: Rows) -> None:
    """Insert the rows, no two of one key; where the key is there, `column` grows by what the row says."""
    if rows:
        statement = _insert(connection, table, list(rows[0]))
        keys = [key.name for key in table.primary_key]
        total = {column: table.c[column] + statement.excluded[column]}
        _execute(connection, statement.on_conflict_do_update(index_elements=keys, set_=total), rows)


def leave(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert the rows; where the key is there already, what is there stays."""
    if rows:
        _execute(connection, _insert(connection, table, list(rows[0])).on_conflict_do_nothing(), rows)


def among(connection: Connection, column: Column[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """Whether the column holds one of many values: one parameter where the database takes arrays."""
    if _postgres(connection):
        return column == any_(literal(list(values), ARRAY(column.type)))
    return column.in_(values)


def _insert(connection: Connection, table: Table, names: list[str]) -> _Insert:
    """An insert; for PostgreSQL of the rows of one array a column: one statement, however many rows."""
    if not _postgres(connection):
        return sqlite.insert(table)
    arrays = (func.unnest(bindparam(name, type_=ARRAY(table.c[name].type))).label(name) for name in names)
    return postgresql.insert(table).from_select(names, select(*arrays))


def _execute(connection: Connection, statement: _Insert, rows: Rows) -> None:
    connection.execute(statement, _columns(rows) if _postgres(connection) else rows)


def _columns(rows: Rows) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _postgres(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"
