"""Programs that ask the API: tokens, and every endpoint with a call of it that is in order."""

from typing import Any

from starlette.testclient import TestClient

from monitor.web import tokens
from monitor.web.api.table import ENDPOINTS, Endpoint
from monitor.web.permissions import SCOPES, may
from tests.support.review import CASE, Office, found

BASE = "/api/v1"
BODIES: dict[str, dict[str, Any]] = {
    "verdict": {"state": "in_review", "reason": "I look into it."},
    "confirm": {},
    "decline": {"reason": "No."},
    "aware": {"at": "2026-11-23T10:00:00Z", "reason": "The on-call engineer told me."},
    "notified": {"at": "2026-11-23T11:00:00Z", "reference": "LDI-1"},
    "severity": {"factor": "dpc", "value": 3, "reason": "There are card numbers as well."},
    "register": {"cause": "A developer's debug line."},
}
"""What is sent to the endpoints that take something, beside the version."""


def address(each: Endpoint, key: str = CASE) -> str:
    """The endpoint's address, with parts that are there."""
    parts = {"{week}": "2026-W47", "{format}": "csv", "{key}": key, "{fingerprint}": found(CASE).fingerprint}
    path = each.path
    for name, value in parts.items():
        path = path.replace(name, value)
    return BASE + path


def body(each: Endpoint, version: int) -> dict[str, Any] | None:
    """What it is sent."""
    return BODIES[each.path.rpartition("/")[2]] | {"version": version} if each.body else None


def named(name: str) -> Endpoint:
    """The endpoint that changes a case so."""
    return next(each for each in ENDPOINTS if each.body and each.path.endswith(f"/{name}"))


def token(here: Office, account: str, *scopes: str, days: int = 1) -> str:
    """A token of an account; with all scopes its role may have where none is named."""
    role = here.book.account(account).role
    wanted = scopes or tuple(scope for scope, action in SCOPES.items() if may(role, action))
    text, kept, record = tokens.made(
        here.book.account(account), "a test", wanted, days, by="test", now=here.desk.now()
    )
    here.book.keep_token(kept, record, here.desk.now())
    return text


def caller(here: Office, text: str) -> TestClient:
    """A program that sends this token."""
    client = here.client()
    client.headers["authorization"] = f"Bearer {text}"
    return client
