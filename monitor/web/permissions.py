"""Roles and what they may do. A page or a form names one action; nothing else decides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

OVERVIEW: Final = "overview"
EVIDENCE: Final = "evidence"
DECIDE: Final = "decide"
INCIDENT: Final = "incident"
REGISTER: Final = "register"
LEDGER: Final = "ledger"
EXPORT: Final = "export"
ACCOUNTS: Final = "accounts"

ACTIONS = {
    OVERVIEW: "see the week, the queue and coverage",
    EVIDENCE: "open a case and its redacted evidence",
    DECIDE: "give verdicts, confirm those of others",
    INCIDENT: "set clocks and severity, write the register",
    REGISTER: "read the breach register and drafts of notifications",
    LEDGER: "read the ledger",
    EXPORT: "take a week's report along",
    ACCOUNTS: "add and change accounts",
}

ROLES = {
    "viewer": frozenset({OVERVIEW}),
    "reviewer": frozenset({OVERVIEW, EVIDENCE, DECIDE}),
    "dpo": frozenset({OVERVIEW, EVIDENCE, DECIDE, INCIDENT, REGISTER, LEDGER, EXPORT}),
    "auditor": frozenset({OVERVIEW, EVIDENCE, REGISTER, LEDGER, EXPORT}),
    "admin": frozenset({OVERVIEW, LEDGER, ACCOUNTS}),
}
"""Who administers accounts decides nothing, and who decides administers nothing."""


SCOPES = {
    "read": OVERVIEW,
    "evidence": EVIDENCE,
    "decide": DECIDE,
    "incident": INCIDENT,
    "register": REGISTER,
    "ledger": LEDGER,
    "report": EXPORT,
}
"""What a program's token may be good for; none administers accounts."""


def may(role: str, action: str) -> bool:
    """Whether the role may do that; a role nobody knows may do nothing."""
    return action in ROLES.get(role, frozenset())


def allowed(role: str, scopes: Iterable[str]) -> frozenset[str]:
    """What a token may do: what its scopes say, as far as the account's role may do it by now."""
    return frozenset(SCOPES[one] for one in scopes if one in SCOPES) & ROLES.get(role, frozenset())
