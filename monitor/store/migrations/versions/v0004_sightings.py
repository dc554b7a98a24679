"""Coverage outlives a restart: which fields the events of each source held."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """One row a source that was looked at, and one for each field that was seen in it."""
    op.create_table(
        "source_seen",
        sa.Column("namespace", WORD, primary_key=True),
        sa.Column("source", WORD, primary_key=True),
        sa.Column("category", WORD),
        sa.Column("product", WORD),
        sa.Column("service", WORD),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("looked_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "field_seen",
        sa.Column("namespace", WORD, primary_key=True),
        sa.Column("source", WORD, primary_key=True),
        sa.Column("field", WORD, primary_key=True),
        sa.Column("times", sa.BigInteger, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
    )
