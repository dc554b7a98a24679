"""The site: every route with the action it takes, and what stands before each of them."""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.casebook import Account
from monitor.errors import OutpacedError, PrivwatchError
from monitor.review.desk import Desk
from monitor.web import access, administration, decisions, federated, pages, rendering, reports, retaining
from monitor.web.api import guard, openapi
from monitor.web.oidc import CALLBACK, Provider
from monitor.web.permissions import ACCOUNTS, DECIDE, EVIDENCE, EXPORT, INCIDENT, LEDGER, OVERVIEW, REGISTER
from monitor.web.permissions import may as role_may
from monitor.web.rates import Rates
from monitor.web.sessions import COOKIE, Sessions, form_token
from monitor.web.throttle import Throttle
from monitor.web.visits import LARGEST, Visit, fields

log = logging.getLogger(__name__)

Answer = Callable[[Visit], Response]

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}
"""On every answer: nothing is fetched from elsewhere, nothing runs but our own file, nothing is kept."""

ROUTES: tuple[tuple[str, str, str, Answer], ...] = (
    ("GET", "/", OVERVIEW, pages.start),
    ("GET", "/weeks/{week}", OVERVIEW, pages.week),
    ("GET", "/weeks/{week}/{file}", EXPORT, reports.download),
    ("GET", "/violations/{fingerprint}", EVIDENCE, pages.violation),
    ("GET", "/cases", OVERVIEW, pages.queue),
    ("GET", "/cases/{key}", EVIDENCE, pages.case),
    ("POST", "/cases/{key}/verdict", DECIDE, decisions.verdict),
    ("POST", "/cases/{key}/confirm", DECIDE, decisions.confirm),
    ("POST", "/cases/{key}/decline", DECIDE, decisions.decline),
    ("POST", "/cases/{key}/aware", INCIDENT, decisions.aware),
    ("POST", "/cases/{key}/severity", INCIDENT, decisions.severity),
    ("POST", "/cases/{key}/register", INCIDENT, decisions.register),
    ("POST", "/cases/{key}/notified", INCIDENT, decisions.notified),
    ("GET", "/cases/{key}/notification", REGISTER, pages.notification),
    ("GET", "/cases/{key}/notification.json", REGISTER, pages.notification_json),
    ("GET", "/filters", EVIDENCE, pages.filters),
    ("GET", "/filters/{proposal}", EVIDENCE, pages.filter_file),
    ("GET", "/register", REGISTER, pages.register),
    ("GET", "/ledger", LEDGER, pages.ledger),
    ("GET", "/retention", LEDGER, retaining.page),
    ("POST", "/cases/{key}/hold", INCIDENT, retaining.hold),
    ("POST", "/cases/{key}/release", INCIDENT, retaining.release),
    ("GET", "/accounts", ACCOUNTS, administration.accounts),
    ("POST", "/accounts", ACCOUNTS, administration.keep),
    ("POST", "/accounts/tokens", ACCOUNTS, administration.make_token),
    ("POST", "/accounts/tokens/{id}/revoke", ACCOUNTS, administration.revoke_token),
)
"""Method, path, the action that whoever asks must be allowed, and who answers."""


@dataclass(frozen=True)
class Options:
    """How people come in.

    Attributes:
        secure: the page is reached over HTTPS, so cookies travel by it alone.
        user_header: header in which a proxy says who it let in; empty: there is none.
        proxies: addresses such a proxy speaks from.
        api_a_minute: calls of the API that each token may make in a minute, a fifth of them at once.
    """

    secure: bool = False
    user_header: str = ""
    proxies: tuple[str, ...] = ()
    api_a_minute: int = 300


@dataclass
class Site:
    """What every request is answered from."""

    desk: Desk
    options: Options
    stopwatch: Callable[[], float]
    templates: Environment = field(default_factory=rendering.environment)
    throttle: Throttle = field(default_factory=Throttle)
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    provider: Provider | None = None

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.desk.book)
        self.sign_ins = Rates(20, 10)
        self.rates = Rates(self.options.api_a_minute, max(1, self.options.api_a_minute // 5))

    @property
    def passwords(self) -> bool:
        """Whether local passwords let people in."""
        return self.provider is None or self.provider.settings.passwords

    def visitor(self, request: Request) -> tuple[Account | None, str]:
        """Who asks, and what their forms carry."""
        name = self._let_in_by_proxy(request)
        if name is not None:
            account = self.desk.book.account(name)
            return account if account and account.active else None, form_token(self.secret + name)
        token = request.cookies.get(COOKIE, "")
        return self.sessions.of(token, self.desk.now()), form_token(token)

    def _let_in_by_proxy(self, request: Request) -> str | None:
        """The name a trusted proxy says; what anybody else says counts for nothing."""
        if not self.options.user_header or request.client is None:
            return None
        if request.client.host not in self.options.proxies:
            return None
        # A proxy that adds its header to one the browser sent has not said who it is.
        said = request.headers.getlist(self.options.user_header)
        return said[0] if len(said) == 1 and said[0] else None

    def visit(self, request: Request, account: Account | None, token: str, form: dict[str, str]) -> Visit:
        """The request as pages see it."""
        return Visit(request, self.desk, self.templates, account, form, token, self.desk.now())


def application(site: Site) -> ASGIApp:
    """The site as an ASGI application."""
    routes: list[Route | Mount] = [
        Route(path, _guarded(site, action, answer), methods=[method])
        for method, path, action, answer in ROUTES
    ]
    routes += [
        Route("/sign-in", _open(site, access.form), methods=["GET"]),
        Route("/sign-in", _open(site, access.sign_in), methods=["POST"]),
        Route(federated.PATH, _open(site, federated.begin), methods=["GET"]),
        Route(CALLBACK, _open(site, federated.back), methods=["GET"]),
        Route("/sign-out", _open(site, access.sign_out), methods=["POST"]),
        Mount(openapi.BASE, guard.application(site)),
        Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
    ]
    return _Headers(Starlette(routes=routes, exception_handlers={404: _nowhere, 405: _nowhere}))


def _guarded(site: Site, action: str, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """The answer, for whoever is signed in and may do that."""

    async def endpoint(request: Request) -> Response:
        form = await _form(request)
        if form is None:
            return _refused("this form is too large, or none of this page's", 400)
        return await run_in_threadpool(answered, request, form)

    def answered(request: Request, form: dict[str, str]) -> Response:
        account, token = site.visitor(request)
        if account is None:
            return RedirectResponse("/sign-in", 303)
        visit = site.visit(request, account, token, form)
        if not role_may(account.role, action):
            return visit.page(
                "message.html", 403, title="Not for this role", text="Your role may not do that."
            )
        if request.method == "POST" and not (
            _same_site(request) and hmac.compare_digest(form.get("form", ""), token)
        ):
            return visit.page(
                "message.html",
                403,
                title="Not taken",
                text="This form is out of date. Go back, load the page anew and send it again.",
            )
        return _told(visit, answer)

    return endpoint


def _told(visit: Visit, answer: Answer) -> Response:
    """The answer; what was wrong, in words, where the request was."""
    try:
        return answer(visit)
    except OutpacedError as error:
        return visit.page("message.html", 409, title="Somebody was faster", text=str(error))
    except PrivwatchError as error:
        return visit.page("message.html", 400, title="Not taken", text=str(error))


def _open(site: Site, answer: Callable[[Site, Visit], Response]) -> Callable[[Request], Awaitable[Response]]:
    """An answer for whoever comes."""

    async def endpoint(request: Request) -> Response:
        form = await _form(request)
        if form is None or (request.method == "POST" and not _same_site(request)):
            return _refused("this form is too large, or none of this page's", 400)
        return await run_in_threadpool(answered, request, form)

    def answered(request: Request, form: dict[str, str]) -> Response:
        account, token = site.visitor(request)
        return answer(site, site.visit(request, account, token, form))

    return endpoint


async def _form(request: Request) -> dict[str, str] | None:
    """The fields of a form; None where they cannot be taken."""
    if request.method != "POST":
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0]
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            return None
    if not body:
        return {}
    try:
        return fields(body) if kind == "application/x-www-form-urlencoded" else None
    except ValueError:
        return None


def _same_site(request: Request) -> bool:
    """Whether a form was sent from a page of ours, as far as the browser says."""
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        return False
    return request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}


def _nowhere(_: Request, error: Exception) -> Response:
    return _refused("there is no such page", getattr(error, "status_code", 404))


def _refused(text: str, status: int) -> Response:
    return PlainTextResponse(f"privwatch: {text}\n", status)


class _Headers:
    """Puts the headers on every answer, and turns an error of ours into one that shows nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                own = {name for name, _ in message["headers"]}
                message["headers"] += [
                    (name.encode(), value.encode())
                    for name, value in HEADERS.items()
                    if name.encode() not in own
                ]
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as error:  # noqa: BLE001 - a traceback would quote what was being shown
            log.error("a page failed: %s", type(error).__name__)  # noqa: TRY400 - as above
            if not begun:
                await _refused("this page failed; what happened is in the log", 500)(scope, receive, sent)
