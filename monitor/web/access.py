"""Signing in and out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from monitor.casebook import Account
from monitor.web.sessions import COOKIE
from monitor.web.visits import Visit

if TYPE_CHECKING:
    from monitor.web.site import Site


def form(site: Site, visit: Visit) -> Response:
    """The form, or on to the page for whoever is signed in already."""
    if visit.account is not None:
        return visit.go("/")
    return _form(site, visit, "")


def sign_in(site: Site, visit: Visit) -> Response:
    """Name and password; too many in vain have to wait. Refusals never say which of the two was wrong."""
    if site.options.user_header or not site.passwords:
        return _form(site, visit, "", 403)
    name, password = visit.form.get("name", "").strip(), visit.form.get("password", "")
    address = visit.request.client.host if visit.request.client else ""
    wait = site.throttle.begin(name, address, site.stopwatch())
    if wait:
        minutes = -(-round(wait) // 60)
        return _form(site, visit, f"Too many tries in vain. Try again in {minutes} min.", 429)
    account = site.sessions.sign_in(name, password)
    if account is None:
        return _form(site, visit, "Name or password is wrong.", 403)
    site.throttle.succeeded(name, address)
    return enter(site, visit, account, {})


def enter(site: Site, visit: Visit, account: Account, said: Mapping[str, str]) -> Response:
    """Let somebody in, with a session that did not exist before; `said` of it is written down."""
    site.sessions.end(visit.request.cookies.get(COOKIE, ""))
    token = site.sessions.begin(account.name, visit.now)
    visit.desk.note("access.signed_in", account.name, account.name, said)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(COOKIE, token, httponly=True, samesite="lax", secure=site.options.secure)
    return answer


def sign_out(site: Site, visit: Visit) -> Response:
    """The end of the session, here and in the store."""
    site.sessions.end(visit.request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/sign-in?out=1", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=site.options.secure)
    return answer


def _form(site: Site, visit: Visit, problem: str, status: int = 200) -> Response:
    out = visit.asked("out") == "1"
    return visit.page(
        "sign_in.html",
        status,
        problem=problem,
        by_proxy=bool(site.options.user_header),
        passwords=site.passwords,
        provider=site.provider.settings.label if site.provider else "",
        out=out,
        leave=site.provider.end_session() if site.provider and out else "",
    )
