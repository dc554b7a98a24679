"""Who is signed in: sessions kept in the store, found by the hash of what the browser holds."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import replace

from monitor.casebook import Account, Casebook, Session
from monitor.web import passwords

COOKIE = "privwatch_session"
IDLE_MINUTES = 30
LONGEST_HOURS = 12
_MINUTE = 60_000_000
_NOTED = _MINUTE
"""A session's last sight is written at most so often (microseconds)."""


def hashed(token: str) -> str:
    """What the store knows a session by: whoever reads the store cannot use it."""
    return hashlib.sha256(token.encode()).hexdigest()


def form_token(secret: str) -> str:
    """What every form of a session carries, so that no other site can send one (CSRF)."""
    return hmac.new(secret.encode(), b"privwatch form", hashlib.sha256).hexdigest()


class Sessions:
    """Sign-in, sessions and their end. Times are microseconds UTC."""

    def __init__(self, book: Casebook) -> None:
        self._book = book

    def sign_in(self, name: str, password: str) -> Account | None:
        """The account, where name and password fit; as slow where there is no such account."""
        account = self._book.account(name)
        right = passwords.fits(account.password if account else "", password)
        return account if account and account.active and right else None

    def begin(self, account: str, now: int) -> str:
        """A session that did not exist before, whatever the browser held; returns what it is to hold now."""
        token = secrets.token_urlsafe(32)
        self._book.end_sessions(created_before=now - LONGEST_HOURS * 60 * _MINUTE, seen_before=_idle(now))
        self._book.keep_session(Session(hashed(token), account, now, now))
        return token

    def of(self, token: str, now: int) -> Account | None:
        """Whose session it is, where it still holds."""
        session = self._book.session(hashed(token)) if token else None
        if session is None or session.seen < _idle(now):
            return None
        if session.created < now - LONGEST_HOURS * 60 * _MINUTE:
            return None
        account = self._book.account(session.account)
        if account is None or not account.active:
            return None
        if now - session.seen > _NOTED:
            self._book.keep_session(replace(session, seen=now))
        return account

    def end(self, token: str) -> None:
        """Sign out."""
        if token:
            self._book.end_sessions(token=hashed(token))


def _idle(now: int) -> int:
    return now - IDLE_MINUTES * _MINUTE
