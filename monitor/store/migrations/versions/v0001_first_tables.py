"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# SQLite compares byte by byte by itself; PostgreSQL by the rules of a language, unless told.
WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Violations and their parts, window state, positions, rejects, counts."""
    _violations()
    _window_segments()
    _reading()


def _text(name: str, kind: sa.types.TypeEngine[str] = WORD) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _key(name: str, kind: sa.types.TypeEngine[Any] = WORD) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True)


def _violation_columns() -> list[sa.Column[Any]]:
    return [
        *(_text(name) for name in ("rule", "digest", "level", "status", "kind", "actor")),
        _text("resource", sa.Text()),
        _text("path", sa.Text()),
        _text("period"),
        _text("group_key"),
        _number("events"),
        sa.Column("first_seen", sa.BigInteger),
        sa.Column("last_seen", sa.BigInteger),
        _text("samples", sa.Text()),
        _text("evidence", sa.Text()),
        sa.Column("subjects", sa.LargeBinary, nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("episode_start", sa.BigInteger),
    ]


def _violations() -> None:
    op.create_table(
        "violation",
        _key("namespace"),
        _key("fingerprint"),
        *_violation_columns(),
    )
    op.create_index("violation_by_period", "violation", ["namespace", "rule", "period", "fingerprint"])
    op.create_index("violation_by_episode", "violation", ["namespace", "rule", "group_key", "episode_start"])
    op.create_table(
        "violation_part",
        _key("namespace"),
        _key("fingerprint"),
        _key("partition"),
        *_violation_columns(),
        sa.ForeignKeyConstraint(
            ["namespace", "fingerprint"], ["violation.namespace", "violation.fingerprint"]
        ),
    )
    op.create_index("violation_part_by_partition", "violation_part", ["namespace", "partition"])


def _window_segments() -> None:
    op.create_table(
        "window_segment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        *(_text(name) for name in ("namespace", "rule", "digest", "partition")),
        *(_number(name) for name in ("first_tick", "last_tick", "panes")),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_index("window_segment_by_rule", "window_segment", ["namespace", "rule", "digest", "last_tick"])
    op.create_index("window_segment_by_partition", "window_segment", ["namespace", "partition"])


def _reading() -> None:
    op.create_table(
        "checkpoint",
        _key("namespace"),
        _key("partition"),
        _number("next_position"),
        _text("plan"),
        _text("head"),
        _number("size"),
    )
    op.create_table(
        "reject",
        _key("namespace"),
        _key("partition"),
        _key("record_offset", sa.BigInteger()),
        _text("reason"),
        _number("length"),
        _text("sample", sa.Text()),
    )
    op.create_table(
        "tally", _key("namespace"), _key("partition"), _key("kind"), _key("name"), _number("events")
    )
