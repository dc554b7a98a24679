"""Passwords of the page: kept as scrypt hashes, or in a file of their own; compared in constant time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from monitor.errors import SettingsError

_COST = {"n": 2**14, "r": 8, "p": 1}
_HASH = re.compile(r"scrypt:(\d{4,7}):(\d{1,2}):(\d{1,2}):([A-Za-z0-9+/=]{16,88}):([A-Za-z0-9+/]{86}==)")
_MAX_MEMORY = 256 * 1024 * 1024
_SALT_BYTES = 16

Check = Callable[[str, str], bool]


def hashed(password: str) -> str:
    """The password as the settings keep it: `scrypt:N:r:p:salt:hash`, salt and hash in base64 (RFC 7914)."""
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.scrypt(password.encode(), salt=salt, **_COST, maxmem=_MAX_MEMORY)
    cost = ":".join(str(cost) for cost in _COST.values())
    return f"scrypt:{cost}:{base64.b64encode(salt).decode()}:{base64.b64encode(digest).decode()}"


def checker(user: str, password_hash: str | None, password_file: Path | None) -> Check:
    """Tells whether a name and a password are the right ones.

    Raises:
        SettingsError: the hash is no such hash, or the file cannot be read or says nothing.
    """
    verify = _by_file(password_file) if password_file is not None else _by_hash(password_hash or "")
    return _Remembered(user, verify)


class _Remembered:
    """Asks the slow check once for what turns out right: a scraper sends the same every few seconds."""

    def __init__(self, user: str, verify: Callable[[str], bool]) -> None:
        self._user = user.encode()
        self._verify = verify
        self._key = secrets.token_bytes(32)
        self._right: bytes | None = None
        self._one_at_a_time = Lock()

    def __call__(self, user: str, password: str) -> bool:
        named = hmac.compare_digest(user.encode(), self._user)
        seen = hmac.digest(self._key, password.encode(), "sha256")
        if self._right is not None and hmac.compare_digest(seen, self._right):
            return named
        with self._one_at_a_time:  # a hash takes 16 MB and some 40 ms: guessing must not take all of both
            right = self._verify(password)
        if right:
            self._right = seen
        return named and right


def _by_file(path: Path) -> Callable[[str], bool]:
    try:
        said = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"metrics.auth.password_file: {path} cannot be read; name a text file this user may read"
        ) from error
    if not said:
        raise SettingsError(f"metrics.auth.password_file: {path} is empty; put the password into it")
    kept = hashlib.sha256(said.encode()).digest()
    return lambda password: hmac.compare_digest(hashlib.sha256(password.encode()).digest(), kept)


def _by_hash(text: str) -> Callable[[str], bool]:
    found = _HASH.fullmatch(text)
    wrong = SettingsError(
        "metrics.auth.password_hash: this is no hash of a password; make one with "
        "`privwatch config --hash-password`, or name a metrics.auth.password_file"
    )
    if found is None:
        raise wrong
    n, r, p = (int(found[i]) for i in (1, 2, 3))
    try:
        salt, kept = (base64.b64decode(found[i], validate=True) for i in (4, 5))
        hashlib.scrypt(b"", salt=salt, n=n, r=r, p=p, maxmem=_MAX_MEMORY, dklen=len(kept))
    except ValueError:
        raise wrong from None

    def verify(password: str) -> bool:
        digest = hashlib.scrypt(
            password.encode(), salt=salt, n=n, r=r, p=p, maxmem=_MAX_MEMORY, dklen=len(kept)
        )
        return hmac.compare_digest(digest, kept)

    return verify
