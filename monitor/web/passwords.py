"""Passwords of local accounts: argon2id (RFC 9106), checked in the same time whoever asks."""

from __future__ import annotations

from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
"""Characters of a password; there is no other rule about what it is made of (NIST SP 800-63B)."""

LONGEST = 1024

_AT_ONCE = BoundedSemaphore(4)
"""Passwords that are checked at the same time: each takes 64 MiB, and anybody may ask."""

KIND = "$argon2"
"""How a hash begins; what else an account keeps in its place is none."""

_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash("nobody has this password")


def hashed(password: str) -> str:
    """The password as it is kept."""
    return _HASHER.hash(password)


def fits(kept: str, password: str) -> bool:
    """Whether it is the password. An account without one, or none at all, takes as long to be refused."""
    has_one = kept.startswith(KIND)
    try:
        with _AT_ONCE:
            _HASHER.verify(kept if has_one else _NOBODY, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return has_one


def weak(password: str, name: str) -> str:
    """What is wrong with a new password; empty where nothing is."""
    if len(password) < SHORTEST:
        return f"the password has {len(password)} characters; it needs at least {SHORTEST}"
    if len(password) > LONGEST:
        return f"the password has {len(password)} characters; it may have {LONGEST}"
    if name.casefold() in password.casefold():
        return "the password holds the name of the account"
    return ""
