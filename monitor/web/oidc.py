"""Sign-in through a provider of OpenID Connect: the protocol, by Authlib and joserfc.

Code flow with PKCE (RFC 7636), state, nonce, and the issuer in the answer (RFC 9207). The provider is asked
for its own description and keys when somebody first signs in; new keys are fetched when a token names one.
"""

from __future__ import annotations

import hmac
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from monitor.errors import PrivwatchError
from monitor.sign_in_settings import OidcSettings

log = logging.getLogger(__name__)

CALLBACK = "/sign-in/oidc/callback"
ALGORITHMS = tuple(f"{kind}{size}" for kind in ("RS", "PS", "ES") for size in (256, 384, 512))
"""Signatures that are believed: with public keys alone, never `none` nor a shared secret."""

TIMEOUT_SECONDS = 10
LARGEST = 1_000_000
"""Bytes of what a provider says of itself."""
KEPT_SECONDS = 3600.0
"""How long a provider's description is kept."""
PAUSE_SECONDS = 10.0
"""Keys are fetched anew at most so often."""


_UNSOUND = "What the provider said of you does not hold. Begin again."


class SignInError(PrivwatchError):
    """Nobody was let in; in words for who tried."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in under way: what only this browser and we know of it."""

    state: str
    nonce: str
    verifier: str


class Provider:
    """One provider, asked as one client of it."""

    def __init__(self, settings: OidcSettings, stopwatch: Callable[[], float]) -> None:
        # Here, so that whoever lacks the extra is told so at the start.
        from authlib.integrations.requests_client import OAuth2Session  # noqa: PLC0415 - as said
        from requests import RequestException, Session  # noqa: PLC0415 - as said

        self.settings = settings
        self._secret = settings.secret()
        self._stopwatch = stopwatch
        self._oauth, self._plain, self._failed = OAuth2Session, Session, RequestException
        self._about: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, Any] | None = None

    @property
    def redirect(self) -> str:
        """Where the provider sends people back to."""
        return self.settings.address.rstrip("/") + CALLBACK

    def begin(self) -> tuple[str, Begun]:
        """Where to send the browser, and what to remember of it.

        Raises:
            SignInError: the provider cannot be asked.
        """
        begun = Begun(*(secrets.token_urlsafe(32) for _ in range(3)))
        with self._session() as session:
            url, _ = session.create_authorization_url(
                self._endpoint("authorization_endpoint"),
                state=begun.state,
                nonce=begun.nonce,
                code_verifier=begun.verifier,
            )
        return str(url), begun

    def finish(self, said: Mapping[str, str], begun: Begun, now: int) -> dict[str, Any]:
        """Who it is, by the claims of a token that was checked.

        Args:
            said: parameters of the address the browser came back to.
            begun: what was remembered.
            now: microseconds UTC.

        Raises:
            SignInError: another sign-in was begun, the provider refused, or its token does not hold.
        """
        if not hmac.compare_digest(said.get("state", "").encode(), begun.state.encode()):
            raise SignInError("This is not the sign-in that was begun here. Begin again.")
        named = self._described().get("authorization_response_iss_parameter_supported") is True
        if said.get("iss", "" if named else self.settings.issuer) != self.settings.issuer:
            raise SignInError("The answer came from another provider. Begin again.")
        if "error" in said or not said.get("code"):
            raise SignInError("The provider let nobody in. Ask who administers it, or begin again.")
        token = self._exchanged(said["code"], begun)
        return self._checked(token, begun, now // 1_000_000)

    def end_session(self) -> str:
        """Where people sign out of the provider itself; empty where it has no such page."""
        try:
            page = self._described().get("end_session_endpoint", "")
        except SignInError:
            return ""
        if not _safe(page):
            return ""
        back = {
            "client_id": self.settings.client_id,
            "post_logout_redirect_uri": self.settings.address.rstrip("/") + "/sign-in",
        }
        return f"{page}{'&' if '?' in page else '?'}{urlencode(back)}"

    def _session(self) -> Any:  # noqa: ANN401 - Authlib's
        about = self._described()
        known = about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        method = "client_secret_basic" if "client_secret_basic" in known else "client_secret_post"
        session = self._oauth(
            self.settings.client_id,
            self._secret,
            token_endpoint_auth_method=method if self._secret else "none",
            scope=" ".join(self.settings.scopes),
            redirect_uri=self.redirect,
            code_challenge_method="S256",
        )
        return self._careful(session)

    def _careful(self, session: Any) -> Any:  # noqa: ANN401 - requests'
        """No passwords of a file of this machine, no proxies that nobody named."""
        session.trust_env = False
        session.verify = str(self.settings.ca) if self.settings.ca else True
        return session

    def _exchanged(self, code: str, begun: Begun) -> dict[str, Any]:
        from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415 - of the extra

        try:
            with self._session() as session:
                return dict(
                    session.fetch_token(
                        self._endpoint("token_endpoint"),
                        code=code,
                        code_verifier=begun.verifier,
                        timeout=TIMEOUT_SECONDS,
                        allow_redirects=False,
                    )
                )
        except (AuthlibBaseError, self._failed, ValueError, TypeError) as error:
            log.warning("sign-in: the provider gave no token (%s)", type(error).__name__)
            raise SignInError("The provider did not confirm the sign-in. Begin again.") from None

    def _checked(self, token: Mapping[str, Any], begun: Begun, now: int) -> dict[str, Any]:
        from authlib.oidc.core import CodeIDToken  # noqa: PLC0415 - of the extra
        from joserfc.errors import JoseError  # noqa: PLC0415 - of the extra

        mine = self.settings.client_id
        try:
            read = self._decoded(str(token.get("id_token", "")))
            options = {"iss": {"value": self.settings.issuer}, "aud": {"value": mine}}
            params = {"nonce": begun.nonce, "client_id": mine, "access_token": token.get("access_token")}
            claims = CodeIDToken(read.claims, read.header, options, params)
            claims.validate(now, self.settings.leeway_seconds)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            log.warning("sign-in: the provider's token does not hold (%s)", type(error).__name__)
            raise SignInError(_UNSOUND) from None
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise SignInError(_UNSOUND)
        return dict(claims)

    def _decoded(self, text: str) -> Any:  # noqa: ANN401 - joserfc's
        """The token, its signature checked; with new keys where those that are known do not fit."""
        from joserfc import jwt  # noqa: PLC0415 - of the extra
        from joserfc.errors import JoseError  # noqa: PLC0415 - of the extra

        fetched = self._keys
        try:
            return jwt.decode(text, self._keyset(), algorithms=list(ALGORITHMS))
        except (JoseError, ValueError):
            if fetched is None or self._stopwatch() - fetched[0] < PAUSE_SECONDS:
                raise
            self._keys = None
            return jwt.decode(text, self._keyset(), algorithms=list(ALGORITHMS))

    def _keyset(self) -> Any:  # noqa: ANN401 - joserfc's
        from joserfc.jwk import KeySet  # noqa: PLC0415 - of the extra

        if self._keys is None:
            said = self._fetched(self._endpoint("jwks_uri")).get("keys", [])
            public = [one for one in said if one.get("kty") in {"RSA", "EC"} and one.get("use") != "enc"]
            self._keys = (self._stopwatch(), KeySet.import_key_set({"keys": public}))
        return self._keys[1]

    def _endpoint(self, name: str) -> str:
        page = self._described().get(name)
        if not _safe(page):
            log.warning("sign-in: the provider names no %s that could be used", name)
            raise SignInError("The provider cannot be used: it does not say where to sign in.")
        return str(page)

    def _described(self) -> dict[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery)."""
        if self._about is None or self._stopwatch() - self._about[0] > KEPT_SECONDS:
            page = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
            said = self._fetched(page)
            if said.get("issuer") != self.settings.issuer:
                log.warning("sign-in: the provider calls itself otherwise than the setting issuer does")
                raise SignInError("The provider cannot be used: it is not the one that was set here.")
            self._about = (self._stopwatch(), said)
        return self._about[1]

    def _fetched(self, page: str) -> dict[str, Any]:
        if not _safe(page):
            raise SignInError("The provider cannot be used: it is not reached over HTTPS.")
        try:
            with self._careful(self._plain()) as session:
                answer = session.get(page, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True)
                text = answer.raw.read(LARGEST, decode_content=True)
                return _json(text) if answer.status_code == 200 else {}
        except (self._failed, ValueError, TypeError) as error:
            log.warning("sign-in: the provider cannot be asked (%s)", type(error).__name__)
            raise SignInError("The provider cannot be reached now. Try again later.") from None


def _json(text: bytes) -> dict[str, Any]:
    read = json.loads(text)
    if not isinstance(read, dict):
        raise TypeError("not a map")
    return read


def _safe(page: object) -> bool:
    """Over TLS, or on this machine."""
    if not isinstance(page, str):
        return False
    parts = urlsplit(page)
    return parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}
    )
