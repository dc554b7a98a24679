"""Accounts of people whom a provider of OpenID Connect lets in, and the pages on the way there and back."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.responses import RedirectResponse, Response

from monitor.casebook import Account, Casebook
from monitor.ledger.entries import Record
from monitor.sign_in_settings import OidcSettings
from monitor.web.access import enter
from monitor.web.administration import NAME
from monitor.web.oidc import Begun, Provider, SignInError
from monitor.web.visits import Visit

if TYPE_CHECKING:
    from monitor.web.site import Site

PATH = "/sign-in/oidc"
PENDING = "privwatch_sign_in"
"""Cookie that holds a sign-in under way, signed: whoever comes back must be the browser that went."""
PENDING_SECONDS = 600
BY = "oidc"
"""Who it was, in the ledger, where a provider made or changed an account."""


def binding(claims: Mapping[str, Any]) -> str:
    """What an account keeps in place of a password's hash: who they are at the provider."""
    told = f"{claims['iss']}\n{claims['sub']}".encode()
    return f"oidc${hashlib.sha256(told).hexdigest()}"


def admitted(book: Casebook, settings: OidcSettings, claims: Mapping[str, Any], now: int) -> Account:
    """The account of whoever the provider says it is, made or changed where its claims say so.

    Raises:
        SignInError: there is none for them, it is locked, or the name is somebody else's.
    """
    bound = binding(claims)
    known = next((one for one in book.accounts() if one.password == bound), None)
    name = known.name if known else claims.get(settings.name_claim)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise SignInError("The provider gave no name that an account here could have.")
    known = known or book.account(name)
    if known and known.password not in {"", bound}:
        raise SignInError("An account of this name is here already, and another person's.")
    if known and not known.active:
        raise SignInError("Your account here is locked. Ask who administers it.")
    wanted = Account(name, _role(settings, claims, known), bound)
    if wanted != known:
        body = {"role": wanted.role, "active": True, "new_password": False}
        book.keep_account(wanted, Record("account.kept", name, BY, body), now)
    return wanted


def _role(settings: OidcSettings, claims: Mapping[str, Any], known: Account | None) -> str:
    if settings.role_claim is None:
        if known is None:
            raise SignInError("You have no account here yet. Ask who administers it.")
        return known.role
    held = _values(claims, settings.role_claim)
    for role, values in settings.roles.items():
        if held & set(values):
            return role
    raise SignInError("The provider gives you no role here. Ask who administers it.")


def _values(claims: Mapping[str, Any], path: str) -> set[str]:
    """Values of a claim; of one that is not there by its whole name, along the dots."""
    found: Any = claims
    for part in [path] if path in claims else path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    listed = found if isinstance(found, list) else [found]
    return {one for one in listed if isinstance(one, str)}


def begin(site: Site, visit: Visit) -> Response:
    """On to the provider."""
    try:
        url, begun = _provider(site, visit).begin()
    except SignInError as error:
        return _refused(visit, error)
    answer = RedirectResponse(url, 303)
    answer.set_cookie(
        PENDING,
        _sealed(site, begun, visit.now),
        max_age=PENDING_SECONDS,
        path=PATH,
        httponly=True,
        samesite="lax",
        secure=site.options.secure,
    )
    return answer


def back(site: Site, visit: Visit) -> Response:
    """Back from the provider: in, or why not."""
    try:
        provider = _provider(site, visit)
        begun = _opened(site, visit.request.cookies.get(PENDING, ""), visit.now)
        claims = provider.finish(dict(visit.request.query_params), begun, visit.now)
        account = admitted(site.desk.book, provider.settings, claims, visit.now)
        answer = enter(site, visit, account, {"by": BY})
    except SignInError as error:
        answer = _refused(visit, error)
    answer.delete_cookie(PENDING, path=PATH, httponly=True, samesite="lax", secure=site.options.secure)
    return answer


def _provider(site: Site, visit: Visit) -> Provider:
    """The provider, where there is one and it is not asked too often."""
    if site.provider is None:
        raise SignInError("There is no such way to sign in here.")
    host = visit.request.client.host if visit.request.client else ""
    if site.sign_ins.take(host, site.stopwatch()):
        raise SignInError("That was too often. Wait a minute.")
    return site.provider


def _refused(visit: Visit, error: SignInError) -> Response:
    return visit.page("message.html", 403, title="Not signed in", text=str(error))


def _sealed(site: Site, begun: Begun, now: int) -> str:
    body = json.dumps([begun.state, begun.nonce, begun.verifier, now]).encode()
    return f"{base64.urlsafe_b64encode(body).decode()}.{_mark(site, body)}"


def _opened(site: Site, text: str, now: int) -> Begun:
    """What was remembered.

    Raises:
        SignInError: it was begun elsewhere, or too long ago.
    """
    encoded, _, mark = text.partition(".")
    try:
        body = base64.b64decode(encoded, b"-_", validate=True)
    except (binascii.Error, ValueError):
        body = b""
    if not body or not hmac.compare_digest(mark.encode(), _mark(site, body).encode()):
        raise SignInError("This sign-in was not begun in this browser. Begin again.")
    state, nonce, verifier, at = json.loads(body)
    if now - at > PENDING_SECONDS * 1_000_000:
        raise SignInError("This sign-in took too long. Begin again.")
    return Begun(state, nonce, verifier)


def _mark(site: Site, body: bytes) -> str:
    return hmac.new(site.secret.encode(), b"privwatch sign-in" + body, hashlib.sha256).hexdigest()
