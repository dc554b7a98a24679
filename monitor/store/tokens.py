"""Tokens of programs: what is kept of them, never the token itself."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select, update

from monitor.casebook import ApiToken
from monitor.store import schema
from monitor.store.upsert import replace


def held(connection: Connection, namespace: str, token: str | None = None) -> tuple[ApiToken, ...]:
    """All tokens, the newest first; or the one with this id."""
    table = schema.api_token
    wanted = select(table).where(table.c.namespace == namespace)
    if token is not None:
        wanted = wanted.where(table.c.id == token)
    found = connection.execute(wanted.order_by(table.c.created_at.desc(), table.c.id))
    return tuple(map(_token, found))


def keep(connection: Connection, namespace: str, token: ApiToken) -> dict[str, Any]:
    """Add a token, or change it; returns its row."""
    row: dict[str, Any] = {
        "namespace": namespace,
        "id": token.id,
        "account": token.account,
        "label": token.label,
        "scopes": " ".join(token.scopes),
        "hash": token.hash,
        "created_at": token.created,
        "expires_at": token.expires,
        "used_at": token.used,
        "revoked_at": token.revoked,
    }
    replace(connection, schema.api_token, [row])
    return row


def used(connection: Connection, namespace: str, token: str, at: int) -> None:
    """Say when a token was last used; one that was revoked meanwhile stays so."""
    table = schema.api_token
    which = (table.c.namespace == namespace, table.c.id == token)
    connection.execute(update(table).where(*which).values(used_at=at))


def _token(row: Row[Any]) -> ApiToken:
    return ApiToken(
        id=row.id,
        account=row.account,
        label=row.label,
        scopes=tuple(row.scopes.split()),
        hash=row.hash,
        created=row.created_at,
        expires=row.expires_at,
        used=row.used_at,
        revoked=row.revoked_at,
    )
