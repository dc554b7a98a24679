"""A visit: one request of somebody who may make it, and the answers pages give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from monitor.casebook import Account
from monitor.review.desk import Desk
from monitor.web.permissions import may

LARGEST = 64 * 1024
"""Bytes of a form."""

_FIELDS = 40


@dataclass(frozen=True, slots=True)
class Visit:
    """One request.

    Attributes:
        account: who it is; None on the page for signing in.
        form: fields of a form, empty of a page.
        token: what forms of this visitor carry.
        now: microseconds UTC.
    """

    request: Request
    desk: Desk
    templates: Environment
    account: Account | None
    form: Mapping[str, str]
    token: str
    now: int

    @property
    def who(self) -> str:
        """The account's name."""
        return self.account.name if self.account else ""

    def may(self, action: str) -> bool:
        """Whether the visitor may do that."""
        return self.account is not None and may(self.account.role, action)

    def asked(self, name: str) -> str:
        """A parameter of the address, empty where it is not there."""
        return self.request.query_params.get(name, "").strip()

    def page(self, template: str, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 - to a template
        """A page."""
        text = self.templates.get_template(template).render(visit=self, now=self.now, **values)
        return HTMLResponse(text, status)

    def go(self, path: str) -> Response:
        """On to another page, after a form was taken."""
        return RedirectResponse(path, 303)


def fields(body: bytes) -> dict[str, str]:
    """The fields of a form (`application/x-www-form-urlencoded`), of those of one name the last.

    Raises:
        ValueError: it is none, or has too many.
    """
    read = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS)
    return {name: values[-1].replace("\r\n", "\n") for name, values in read.items()}
