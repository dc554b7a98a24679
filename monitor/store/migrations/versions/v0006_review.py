"""What the review needs: marks on violations, the ledger, cases, accounts and sessions."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")
CASE_INDEXES = {
    "review_case_by_severity": ["unsettled", "severity", "newest", "case_key"],
    "review_case_by_newest": ["newest", "case_key"],
    "review_case_by_level": ["level", "newest", "case_key"],
    "review_case_by_state": ["state", "severity", "newest", "case_key"],
    "review_case_by_rule": ["rule", "newest", "case_key"],
    "review_case_by_actor": ["actor"],
    "review_case_by_resource": ["resource"],
    "review_case_by_path": ["path"],
    "review_case_by_due": ["due_at"],
    "review_case_by_expiry": ["expires_at"],
}


def upgrade() -> None:
    """Violations that are there already have mark 1, so that they are gathered like new ones."""
    op.add_column("violation", sa.Column("mark", sa.BigInteger, nullable=False, server_default="1"))
    op.create_index("violation_by_mark", "violation", ["namespace", "mark", "fingerprint"])
    _violations_gone()
    _ledger()
    _cases()
    op.create_table(
        "account", *_keys("namespace", "name"), *_words("role", "password"), _count("active", sa.Integer)
    )
    op.create_table(
        "web_session",
        *_keys("namespace", "token"),
        *_words("account"),
        _count("created_at"),
        _count("seen_at"),
    )


def _violations_gone() -> None:
    op.create_table(
        "violation_gone",
        *_keys("namespace", "fingerprint"),
        *_words("rule", "group_key", "period"),
        _count("mark"),
    )
    op.create_table("review_cursor", *_keys("namespace"), _count("mark"), *_words("fingerprint"))


def _ledger() -> None:
    words = ("kind", "ref", "who", "commitment", "previous", "hash", "signature")
    op.create_table("ledger", *_keys("namespace"), _number_key("seq"), _count("at"), *_words(*words))
    op.create_index("ledger_by_ref", "ledger", ["namespace", "ref", "seq"])
    op.create_table(
        "ledger_payload",
        *_keys("namespace"),
        _number_key("seq"),
        *_words("salt"),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "ledger_head",
        *_keys("namespace"),
        *_words("origin"),
        _count("size"),
        *_words("hash", "public_key"),
    )


def _cases() -> None:
    op.create_table(
        "review_case",
        *_keys("namespace", "case_key"),
        *_words("rule", "level"),
        _count("severity", sa.Integer),
        *_words("kind", "actor", "resource", "path"),
        _count("violations"),
        _count("events"),
        sa.Column("subjects", sa.LargeBinary, nullable=False),
        sa.Column("first_seen", sa.BigInteger),
        _count("newest"),
        *_words("state"),
        _count("unsettled", sa.Integer),
        _count("version"),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("expires_at", sa.BigInteger),
    )
    for name, columns in CASE_INDEXES.items():
        op.create_index(name, "review_case", ["namespace", *columns])
    op.create_table(
        "rule_day",
        *_keys("namespace", "day", "rule"),
        *_words("level"),
        _count("violations"),
        _count("events"),
        sa.Column("subjects", sa.LargeBinary, nullable=False),
    )


def _keys(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, WORD, primary_key=True) for name in names]


def _number_key(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, primary_key=True)


def _words(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, WORD, nullable=False) for name in names]


def _count(name: str, kind: type[Any] = sa.BigInteger) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
