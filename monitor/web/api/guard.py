"""What stands before every endpoint: token, rate, scope, and the shape of what was sent."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from monitor.casebook import Account, ApiToken
from monitor.errors import OutpacedError, PrivwatchError, StoreError
from monitor.review.deciding import NoCaseError
from monitor.review.weeks import WeekError
from monitor.web import tokens
from monitor.web.api import openapi
from monitor.web.api.calls import Call
from monitor.web.api.problems import BusyError, MissingError, problem
from monitor.web.api.table import ENDPOINTS, PARTS, Endpoint
from monitor.web.permissions import SCOPES, allowed, may
from monitor.web.visits import LARGEST

if TYPE_CHECKING:
    from monitor.web.site import Site

log = logging.getLogger(__name__)

_CHALLENGE = 'Bearer realm="privwatch"'


def application(site: Site) -> ASGIApp:
    """The API, to be mounted below `openapi.BASE`."""

    def document(request: Request) -> Response:
        wait = site.rates.take(_address(request), site.stopwatch())
        return _slower(wait) if wait else Response(openapi.text(), media_type="application/json")

    routes = [Route(each.path, _endpoint(site, each), methods=[each.method]) for each in ENDPOINTS]
    routes.append(Route("/openapi.json", document, methods=["GET"]))
    return Starlette(routes=routes, exception_handlers={HTTPException: _nowhere})


def _endpoint(site: Site, each: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return problem(413, "too-large", f"At most {LARGEST} bytes are taken.")
        return await run_in_threadpool(_answered, site, each, request, body)

    return endpoint


async def _body(request: Request) -> bytes | None:
    """What was sent; None where it is too much."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            return None
    return body


def _answered(site: Site, each: Endpoint, request: Request, body: bytes) -> Response:
    try:
        return _let_in(site, each, request, body)
    except Exception as error:  # noqa: BLE001 - a traceback would quote what was being shown
        log.error("an answer of the API failed: %s", type(error).__name__)  # noqa: TRY400 - as above
        return problem(500, "failed", "This call failed; what happened is in the log.")


def _let_in(site: Site, each: Endpoint, request: Request, body: bytes) -> Response:
    """Who it is, whether they may, and not too often."""
    now = site.desk.now()
    text = _bearer(request)
    found = tokens.whose(site.desk.book, text, now)
    asker = f"token {found[1].id}" if found else _address(request)
    wait = site.rates.take(asker, site.stopwatch())
    if wait:
        return _slower(wait)
    if found is None:
        return _unknown(bool(text))
    return _beyond(each, *found) or _checked(site, each, request, body, who=found, now=now)


def _bearer(request: Request) -> str:
    """The token that was sent."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _unknown(given: bool) -> Response:  # noqa: FBT001 - the one thing it is about
    error = ', error="invalid_token"' if given else ""
    detail = "This token is none, or is at its end." if given else "Send a token: Authorization: Bearer …"
    return problem(401, "token", detail, headers={"www-authenticate": _CHALLENGE + error})


def _beyond(each: Endpoint, account: Account, token: ApiToken) -> Response | None:
    """Why the token may not do that; None where it may."""
    if not each.scope or SCOPES[each.scope] in allowed(account.role, token.scopes):
        return None
    if not may(account.role, SCOPES[each.scope]):
        return problem(403, "role", f"The account's role, {account.role}, may not do that.")
    challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{each.scope}"'
    return problem(
        403, "scope", f"This asks for the scope {each.scope}.", headers={"www-authenticate": challenge}
    )


def _checked(
    site: Site, each: Endpoint, request: Request, body: bytes, *, who: tuple[Account, ApiToken], now: int
) -> Response:
    """The answer, where what was sent has the right shape."""
    path = request.path_params
    if not all(re.fullmatch(PARTS[name][0][1:-1], value) for name, value in path.items()):
        return problem(404, "missing", "There is nothing at this address.")
    try:
        query = each.query.model_validate(_parameters(request))
        sent = _sent(each, request, body)
    except ValidationError as error:
        return problem(422, "invalid", "What was sent cannot be taken.", errors=_said(error))
    except ValueError as error:
        return problem(422, "invalid", str(error))
    if isinstance(sent, Response):
        return sent
    return _told(each, Call(site.desk, *who, path, query, sent, now))


def _parameters(request: Request) -> dict[str, str]:
    given = request.query_params.multi_items()
    if len({name for name, _ in given}) != len(given):
        raise ValueError("A parameter is given twice.")
    return dict(given)


def _sent(each: Endpoint, request: Request, body: bytes) -> BaseModel | Response | None:
    """What was sent, checked; a problem where it is not even JSON."""
    if each.body is None:
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return problem(415, "kind", "Send application/json.")
    return each.body.model_validate_json(body, strict=True)


def _said(error: ValidationError) -> list[str]:
    """Where, and what; never what was sent."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in found[:20]]


def _told(each: Endpoint, call: Call) -> Response:
    """The answer; what was wrong, in words."""
    try:
        made: Any = each.answer(call)
    except PrivwatchError as error:
        return _refused(error)
    if isinstance(made, Response):
        return made
    # In ASCII: what a log held cannot act on whatever shows it.
    return Response(json.dumps(made.model_dump(mode="json")), media_type="application/json")


def _refused(error: PrivwatchError) -> Response:
    match error:
        case NoCaseError() | MissingError() | WeekError():
            return problem(404, "missing", str(error))
        case OutpacedError():
            return problem(409, "outpaced", str(error))
        case BusyError():
            return problem(429, "busy", str(error), headers={"retry-after": str(error.seconds)})
        case StoreError():
            return problem(503, "store", "The store cannot be reached or read now.")
        case _:
            return problem(422, "refused", str(error))


def _address(request: Request) -> str:
    return f"address {request.client.host if request.client else ''}"


def _slower(wait: float) -> Response:
    return problem(429, "rate", "That is too often; wait.", headers={"retry-after": str(math.ceil(wait))})


def _nowhere(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    word, detail = {
        405: ("method", "There is nothing to be had by this method."),
    }.get(error.status_code, ("missing", "There is nothing at this address."))
    return problem(error.status_code, word, detail, headers=error.headers)
