"""Which key a namespace was written with, so that another one is noticed before it writes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """One row a namespace, made when it is next opened with a key."""
    op.create_table(
        "key_mark",
        sa.Column("namespace", WORD, primary_key=True),
        sa.Column("mark", WORD, nullable=False),
    )
