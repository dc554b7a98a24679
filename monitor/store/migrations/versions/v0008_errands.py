"""Things to be done once, whichever instance does them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """One row an errand: how often it was tried, when it may be tried again, when it was done."""
    op.create_table(
        "errand",
        *(sa.Column(name, WORD, primary_key=True) for name in ("namespace", "name")),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("free_at", sa.BigInteger, nullable=False),
        sa.Column("done_at", sa.BigInteger),
    )
