"""Many instances: who may write what a partition says, and what window state stands for."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """One row a partition: its owner, and how often it changed hands. Segments say whether they replace."""
    op.create_table(
        "ownership",
        sa.Column("namespace", WORD, primary_key=True),
        sa.Column("partition", WORD, primary_key=True),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
    )
    replaces = sa.Column("replaces", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("window_segment", replaces)
