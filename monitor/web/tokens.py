"""Tokens with which programs ask in an account's name: made once, shown once, kept as hashes.

A token is `pwt_`, an id that may be shown, and 256 random bits. It ends by a date, by being revoked, or with
its account; what its scopes allow, the account's role must allow as well.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace

from monitor.casebook import Account, ApiToken, Casebook
from monitor.ledger.entries import Record
from monitor.review.verdicts import DecisionError
from monitor.web.permissions import SCOPES, may
from monitor.web.sessions import hashed

PREFIX = "pwt"
"""What a token begins with, so that it is recognised where it does not belong."""

MOST_DAYS = 366
LABEL = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
_DAY = 86_400_000_000
_NOTED = 60_000_000
"""A token's last use is written at most so often (microseconds)."""
_NOBODY = hashed("no token has this hash")


def made(
    account: Account | None, label: str, scopes: Sequence[str], days: int, *, by: str, now: int
) -> tuple[str, ApiToken, Record]:
    """A new token: its text, what is kept of it, and what is written down.

    Args:
        account: in whose name it asks.
        label: what it is for.
        scopes: of `SCOPES`.
        days: until it ends.
        by: who wants it.
        now: microseconds UTC.

    Raises:
        DecisionError: there is no such account or scope, its role may not do that, or it would last too long.
    """
    if account is None or not account.active:
        raise DecisionError("there is no account of this name that may come in")
    if not LABEL.fullmatch(label):
        raise DecisionError("say in 1 to 64 characters what the token is for")
    wanted = tuple(dict.fromkeys(scopes))
    if not wanted or any(one not in SCOPES for one in wanted):
        raise DecisionError(f"a token needs scopes; there are {', '.join(SCOPES)}")
    beyond = [one for one in wanted if not may(account.role, SCOPES[one])]
    if beyond:
        raise DecisionError(f"the role {account.role} may not do what the scope {beyond[0]} is for")
    if not 1 <= days <= MOST_DAYS:
        raise DecisionError(f"a token lasts 1 to {MOST_DAYS} days")
    name = secrets.token_hex(6)
    text = f"{PREFIX}_{name}_{secrets.token_urlsafe(32)}"
    token = ApiToken(name, account.name, label, wanted, hashed(text), now, now + days * _DAY)
    body = {"token": name, "label": label, "scopes": list(wanted), "expires_at": token.expires}
    return text, token, Record("token.made", account.name, by, body)


def revoked(token: ApiToken | None, by: str, now: int) -> tuple[ApiToken, Record]:
    """The token at its end, and what is written down.

    Raises:
        DecisionError: there is none, or it is at its end already.
    """
    if token is None:
        raise DecisionError("there is no such token; name it by its id")
    if token.revoked is not None:
        raise DecisionError(f"the token {token.id} is revoked already")
    return replace(token, revoked=now), Record("token.revoked", token.account, by, {"token": token.id})


def standing(token: ApiToken, account: Account | None, now: int) -> str:
    """`good`, `revoked`, `expired`, or `locked` where its account may not come in."""
    if token.revoked is not None:
        return "revoked"
    if now >= token.expires:
        return "expired"
    return "good" if account is not None and account.active else "locked"


def whose(book: Casebook, text: str, now: int) -> tuple[Account, ApiToken] | None:
    """Account and token, where this is one that holds. Every other text is refused by the same steps."""
    parts = text.split("_", 2)
    known = book.token(parts[1]) if len(parts) == 3 and parts[0] == PREFIX and parts[1].isalnum() else None
    right = hmac.compare_digest(known.hash if known else _NOBODY, hashed(text))
    account = book.account(known.account) if known else None
    if known is None or account is None or not right or standing(known, account, now) != "good":
        return None
    if known.used is None or now - known.used > _NOTED:
        book.token_used(known.id, now)
    return account, known
