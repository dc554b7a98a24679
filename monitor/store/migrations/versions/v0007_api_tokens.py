"""Tokens with which programs ask the review."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """The table of tokens; of each only a hash is kept."""
    op.create_table(
        "api_token",
        *(sa.Column(name, WORD, primary_key=True) for name in ("namespace", "id")),
        *(sa.Column(name, WORD, nullable=False) for name in ("account", "label", "scopes", "hash")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("created_at", "expires_at")),
        *(sa.Column(name, sa.BigInteger) for name in ("used_at", "revoked_at")),
    )
