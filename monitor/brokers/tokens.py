"""Bearer tokens for SASL OAUTHBEARER: from a token endpoint (RFC 6749, section 4.4), or from a file."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final, Protocol
from urllib.parse import quote_plus

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

from monitor.clock import Clock
from monitor.errors import PrivwatchError

_SECONDS: Final = 5.0
"""For a connection, and for each part of the answer: the client waits meanwhile."""
_LIFETIME: Final = 300.0
"""Seconds a token is taken to live that does not say; half of what many servers give."""
_RENEWED_AT: Final = 0.8
"""Part of its life after which a token is asked for anew."""
_MOST_BYTES: Final = 1 << 20


class TokenError(PrivwatchError):
    """There is no token to show; another attempt may follow."""


@dataclass(frozen=True, slots=True)
class Token:
    """`expires` is seconds since the epoch, UTC."""

    text: str = field(repr=False)
    expires: float


class Tokens(Protocol):
    """Gives a token whenever a connection needs one."""

    def token(self) -> Token:
        """One that is good for a while yet.

        Raises:
            TokenError: there is none. The words hold nothing secret.
        """
        ...


@dataclass(frozen=True, slots=True)
class Credentials:
    """How we ask a token endpoint; `ca` is trusted in place of the system's certificates."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    ca: Path | None = None


class ClientCredentials:
    """Tokens of an endpoint, each kept until most of its life is over. Safe in any thread."""

    def __init__(self, credentials: Credentials, clock: Clock) -> None:
        self._wanted = credentials
        self._clock = clock
        self._lock = Lock()
        self._kept: Token | None = None
        self._renew = 0.0
        ca = credentials.ca
        self._pool = urllib3.PoolManager(
            timeout=Timeout(connect=_SECONDS, read=_SECONDS), ca_certs=None if ca is None else str(ca)
        )

    def token(self) -> Token:
        """The one at hand, or a new one.

        Raises:
            TokenError: the endpoint gives none.
        """
        with self._lock:
            now = self._clock.now() / 1e6
            if self._kept is None or now >= self._renew:
                token = self._ask(now)
                self._kept, self._renew = token, now + _RENEWED_AT * (token.expires - now)
            return self._kept

    def _ask(self, now: float) -> Token:
        said = self._answer()
        text, seconds = said.get("access_token"), said.get("expires_in", _LIFETIME)
        if not isinstance(text, str) or not text.isascii() or not text.isprintable() or not text:
            raise TokenError(f"the token endpoint {self._wanted.url} gave no `access_token`")
        lifetime = float(seconds) if isinstance(seconds, int | float) and seconds > 0 else _LIFETIME
        return Token(text, now + lifetime)

    def _answer(self) -> dict[str, Any]:
        wanted = self._wanted
        fields = {"grant_type": "client_credentials"} | ({"scope": wanted.scope} if wanted.scope else {})
        # RFC 6749, section 2.3.1: every server takes these as HTTP Basic, each part form-encoded.
        pair = f"{quote_plus(wanted.client_id)}:{quote_plus(wanted.client_secret)}"
        try:
            answer = self._pool.request(
                "POST",
                wanted.url,
                fields=fields,
                encode_multipart=False,
                headers={
                    "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
                    "Accept": "application/json",
                    "User-Agent": "privwatch",
                },
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except (HTTPError, OSError) as error:
            raise TokenError(
                f"the token endpoint {wanted.url} cannot be reached ({type(error).__name__})"
            ) from None
        try:
            if answer.status != 200:
                raise TokenError(f"the token endpoint {wanted.url} answered {answer.status}")
            return _object(answer.read(_MOST_BYTES))
        except (HTTPError, OSError, ValueError):
            raise TokenError(f"the token endpoint {wanted.url} gave no JSON object") from None
        finally:
            answer.close()


class TokenFile:
    """The token that a file holds, read for every connection: whoever writes it renews it."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    def token(self) -> Token:
        """What the file holds now.

        Raises:
            TokenError: nothing that could be a token, or one that is over.
        """
        try:
            text = self._file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise TokenError(f"the token file {self._file} cannot be read ({type(error).__name__})") from None
        if not text or not text.isprintable():
            raise TokenError(f"the token file {self._file} holds no token")
        now = self._clock.now() / 1e6
        expires = _expiry(text)
        if expires is not None and expires <= now:
            raise TokenError(f"the token in {self._file} is over; whatever writes that file must renew it")
        return Token(text, now + _LIFETIME if expires is None else expires)


def _object(data: bytes) -> dict[str, Any]:
    found = json.loads(data)
    return found if isinstance(found, dict) else {}


def _expiry(token: str) -> float | None:
    """`exp` of a JSON Web Token (RFC 7519, section 4.1.4), seconds since the epoch."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = _object(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims["exp"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        return None
