"""Alerts and the outbox."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """What was raised, and what each target has still to be told of it."""
    op.create_table(
        "alert",
        _key("namespace"),
        _key("alert_key"),
        _key("number", sa.Integer),
        *(_text(name) for name in ("fingerprint", "violation", "rule", "level", "tier")),
        _text("facts", sa.Text),
        *(_number(name) for name in ("starts_at", "raised_at", "told_at", "ends_at", "newest")),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("tellings", "repeats", "held")),
    )
    op.create_index("alert_by_rule", "alert", ["namespace", "rule", "held", "raised_at"])
    op.create_table(
        "outbox",
        _key("namespace"),
        _key("target"),
        _key("alert_key"),
        _key("number", sa.Integer),
        _number("due_at"),
        sa.Column("waiting_since", sa.BigInteger),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("wanted", "told")),
        sa.Column("told_at", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        _text("error"),
        sa.ForeignKeyConstraint(
            ["namespace", "alert_key", "number"], ["alert.namespace", "alert.alert_key", "alert.number"]
        ),
    )
    op.create_index("outbox_by_due", "outbox", ["namespace", "target", "due_at"])
    op.create_index("outbox_by_wait", "outbox", ["namespace", "target", "waiting_since"])


def _key(name: str, kind: type[Any] = sa.String) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True)


def _text(name: str, kind: type[sa.String] = sa.String) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=False)
